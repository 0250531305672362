//! `polepiece report --on equivariance`: does the answer follow when the image is moved?

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::analysis::{
    ChangeNumbers, Equivariance, Flip, Movement, Moving, NodeAgreement, NodeEquivariance, equivariance_from,
};
use crate::export::{equivariance_csv, write_difference};
use crate::files::write_whole;
use crate::inspect::Wanted;
use crate::network::{Model, total_stride};

use super::super::context::{for_each_frame, load_model, open_device};
use super::super::terminal::{Finished, Outcome, complain, say, say_json, table, with_progress};
use super::ReportArgs;

#[derive(Debug, Args)]
#[command(next_help_heading = "Equivariance and seams")]
pub struct EquivarianceArgs {
    /// Move the image down and to the right by so many pixels of the network's input, such as 1,0 or 0,-3
    #[arg(long, value_name = "Y,X", value_parser = parse_shift, allow_hyphen_values = true)]
    pub shift: Option<[i64; 2]>,
    /// Rotate it counter-clockwise by so many degrees; other than quarter turns interpolate
    #[arg(long, value_name = "DEGREES", allow_hyphen_values = true)]
    pub rotate: Option<f64>,
    /// Mirror it: x changes left and right, y top and bottom; before the rotation, the shift comes last
    #[arg(long, value_enum)]
    pub flip: Option<FlipArg>,
    /// Write the map of the change of one frame: .npy or .png; with --node that node's
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FlipArg {
    X,
    Y,
}

impl EquivarianceArgs {
    /// The movement that was asked for; `None`: none was.
    fn movement(&self) -> Option<Movement> {
        let asked = self.shift.is_some() || self.rotate.is_some() || self.flip.is_some();
        asked.then(|| Movement {
            flip: match self.flip {
                None => Flip::None,
                Some(FlipArg::X) => Flip::X,
                Some(FlipArg::Y) => Flip::Y,
            },
            degrees: self.rotate.unwrap_or(0.0),
            shift: self.shift.unwrap_or_default(),
        })
    }
}

/// One report as `--json` prints it.
#[derive(Serialize)]
pub(super) struct OfFrame<'a, T> {
    pub(super) frame: usize,
    #[serde(flatten)]
    pub(super) report: &'a T,
}

pub(super) fn run(args: &ReportArgs) -> Outcome {
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, None)?;
    let asked = args.equivariance.movement();
    let nodes = match (&args.node, asked) {
        (Some(node), _) => Wanted::Nodes(vec![node.clone()]),
        (None, Some(_)) => Wanted::All { first: None },
        (None, None) => Wanted::Nothing,
    };
    let movements = asked.map_or_else(|| usual(&model), |movement| vec![movement]);
    let (mut reports, mut left_out) = (Vec::new(), 0);
    let failures = for_each_frame(&args.files, &args.part, |micrograph, settings, label| {
        let mut unmoved = None;
        for (index, &movement) in movements.iter().enumerate() {
            if args.equivariance.out.is_some() && !reports.is_empty() {
                bail!(
                    "--out takes one movement of one frame: name them by --shift, --rotate, --flip and --frame"
                );
            }
            let moving = Moving { movement, nodes: nodes.clone() };
            let known = unmoved.take();
            let (found, answer) = with_progress(label, |monitor| {
                let part = monitor.part(index, movements.len());
                let frame = (micrograph, settings);
                equivariance_from((&moving, known), &model, frame, &device.device, &part)
            })?;
            unmoved = Some(answer);
            for node in &found.left_out {
                complain(&format!(
                    "node {node}: its feature maps take too much memory; it was not looked at"
                ));
            }
            left_out += found.left_out.len();
            if let Some(path) = &args.equivariance.out {
                write_map(&found, path)?;
            }
            if args.json {
                say_json(&OfFrame { frame: settings.frame, report: &found })?;
            } else if args.csv.is_none() {
                say(&text(&found));
            }
            reports.push((settings.frame, found));
        }
        Ok(())
    });
    if let Some(path) = args.csv.as_ref().filter(|_| !reports.is_empty()) {
        let bytes = equivariance_csv(reports.iter().map(|(frame, found)| (*frame, found)))?;
        write_whole(path, |out| out.write_all(&bytes))?;
    }
    Ok(Finished { failures: failures + left_out })
}

/// By one pixel, by the network's own step, mirrored and turned.
fn usual(model: &Model) -> Vec<Movement> {
    let still = Movement::default();
    let [down, right] = total_stride(&model.graph).map(|step| step as i64);
    let turned = |degrees| Movement { degrees, ..still };
    vec![
        Movement { shift: [0, 1], ..still },
        Movement { shift: [1, 0], ..still },
        Movement { shift: [down, right], ..still },
        Movement { flip: Flip::X, ..still },
        Movement { flip: Flip::Y, ..still },
        turned(90.0),
        turned(180.0),
    ]
}

fn write_map(found: &Equivariance, path: &std::path::Path) -> anyhow::Result<()> {
    let node = found.nodes.iter().find_map(|node| node.difference.as_ref());
    match (node, &found.answer) {
        (Some(map), _) => write_difference(map.values.view(), false, path)?,
        (None, Some(answer)) => write_difference(answer.change.view(), false, path)?,
        (None, None) => bail!("{} promises no answer; name a node with --node", found.model),
    }
    Ok(())
}

fn text(found: &Equivariance) -> String {
    let mut lines = vec![format!("{} on {}, {}", found.model, found.image, found.movement.words())];
    if let Some(answer) = &found.answer {
        let what = if answer.probabilities { "probability" } else { "number" };
        lines.push(format!("answer, whole:     {}", change_words(&answer.whole, what)));
        if answer.of_image.is_none() {
            let interior = answer.interior.as_ref().map(|numbers| change_words(numbers, what));
            let none = || "no pixel is so far from the border that it sees only specimen".to_owned();
            lines.push(format!("answer, interior:  {}", interior.unwrap_or_else(none)));
        }
    }
    if !found.nodes.is_empty() {
        lines.push(node_table(&found.nodes));
    }
    lines.join("\n")
}

fn change_words(numbers: &ChangeNumbers, what: &str) -> String {
    let [y, x] = numbers.at;
    let mut words = format!(
        "largest change of a {what} {:.4} at y {y} x {x}, mean {:.5} over {} px",
        numbers.largest, numbers.mean, numbers.pixels
    );
    if let Some(classes) = &numbers.classes {
        if let Some(changed) = classes.changed() {
            let told = format!(", another class in {:.3} %", 100.0 * changed);
            words += &told;
        }
        let named = classes.a.iter().zip(&classes.iou);
        let iou: Vec<String> =
            named.filter_map(|(name, iou)| Some(format!("{name} {:.4}", (*iou)?))).collect();
        let told = format!(", IoU {}", iou.join(", "));
        words += &told;
    }
    words
}

fn node_table(nodes: &[NodeEquivariance]) -> String {
    let heading = ["node", "on grid", "whole", "correlation", "interior", "correlation"].map(str::to_owned);
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.5}"));
    let both = |of: Option<NodeAgreement>| {
        [of.and_then(|of| of.relative), of.and_then(|of| of.correlation)].map(number)
    };
    let row = |node: &NodeEquivariance| {
        let grid = if node.on_grid { "yes" } else { "no" };
        let mut row = vec![node.node.clone(), grid.to_owned()];
        row.extend(both(node.whole));
        row.extend(both(node.interior));
        row
    };
    let rows: Vec<Vec<String>> = std::iter::once(heading.to_vec()).chain(nodes.iter().map(row)).collect();
    table(&rows)
}

fn parse_shift(text: &str) -> Result<[i64; 2], String> {
    let numbers: Option<Vec<i64>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    let wrong = || "expected Y,X in whole pixels, such as 0,-3".to_owned();
    numbers.and_then(|numbers| numbers.try_into().ok()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_are_read_or_refused() {
        assert_eq!(parse_shift("-1, 40"), Ok([-1, 40]));
        for bad in ["", "1", "1,2,3", "0.5,2", "a,b"] {
            assert!(parse_shift(bad).is_err(), "{bad}");
        }
    }
}
