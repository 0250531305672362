//! `polepiece compare`: two models, two frames or two feature maps, also of two models, on the same image.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;

use crate::analysis::{
    ClassAgreement, Comparison, MatchedBy, Method, Polarity, RunSettings, Seen, Sight, compare_sights, see,
};
use crate::compute::OpenDevice;
use crate::export::write_difference;
use crate::imaging::Micrograph;
use crate::network::Model;

use super::args::{DeviceArgs, PartArgs};
use super::context::{load_model, open_device, series_of};
use super::terminal::{Finished, Outcome, say, say_json, table, with_progress};

#[derive(Debug, Args)]
pub struct CompareArgs {
    pub file: PathBuf,
    /// A: a model file, or the name of an installed model
    #[arg(long, short)]
    pub model: String,
    /// A: one of its nodes instead of its answer, with --feature
    #[arg(long, requires = "feature")]
    pub node: Option<String>,
    /// A: which of the node's feature maps, counted from 0
    #[arg(long, value_name = "K", requires = "node")]
    pub feature: Option<usize>,
    #[command(flatten)]
    pub other: OtherArgs,
    /// Write where they differ, A − B: .npy or .png
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub part: PartArgs,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// What B is; all that is not named is as in A.
#[derive(Debug, Args)]
#[command(next_help_heading = "What B is, where it differs from A")]
#[expect(clippy::struct_field_names, reason = "they are named as the options are")]
pub struct OtherArgs {
    /// B: another model
    #[arg(long, value_name = "MODEL")]
    pub with_model: Option<String>,
    /// B: another frame than --frame, counted from 0
    #[arg(long, value_name = "N")]
    pub with_frame: Option<usize>,
    /// B: another node than --node; of --with-model, where that is given. Maps of different size are laid over the image
    /// where they lie, and compared on the finer grid
    #[arg(long, value_name = "NODE", requires = "node")]
    pub with_node: Option<String>,
    /// B: the mask of a classical method, such as otsu:bright; otsu, median-otsu, gaussian-otsu, dog-otsu, top-hat-otsu,
    /// sauvola or local-mean, and which side is the foreground, bright or dark
    #[arg(long, value_name = "METHOD:SIDE", value_parser = parse_baseline, conflicts_with_all = ["with_model", "with_frame", "node"])]
    pub with_baseline: Option<(Method, Polarity)>,
    /// B: another feature than --feature
    #[arg(long, value_name = "K", requires = "node")]
    pub with_feature: Option<usize>,
}

/// A side as `--json` prints it.
#[derive(Serialize)]
struct Side<'a> {
    model: &'a str,
    frame: usize,
    sight: &'a Sight,
}

#[derive(Serialize)]
struct Compared<'a> {
    image: String,
    a: Side<'a>,
    b: Side<'a>,
    #[serde(flatten)]
    found: &'a Comparison,
    file: Option<String>,
}

pub(super) fn run(args: &CompareArgs) -> Outcome {
    let other = &args.other;
    if [
        other.with_model.is_some(),
        other.with_frame.is_some(),
        other.with_node.is_some(),
        other.with_feature.is_some(),
        other.with_baseline.is_some(),
    ] == [false; 5]
    {
        bail!(
            "Say what to compare with: --with-model, --with-frame, --with-baseline, or --node with --with-node or \
             --with-feature"
        );
    }
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, None)?;
    let second = other.with_model.as_ref().map(|name| load_model(name, &device, None)).transpose()?;
    let micrograph = series_of(&args.file, &args.part)?.into_iter().next();
    let micrograph = micrograph.with_context(|| format!("There is no image: {}", args.file.display()))?;
    let frame = args.part.frame.unwrap_or(0);
    let settings = settings_of(&micrograph, args, [frame, other.with_frame.unwrap_or(frame)])?;
    let sights = sights(args);
    let models = [&model, second.as_ref().unwrap_or(&model)];
    let found = compute(&micrograph, models, &settings, &sights, &device)?;
    if let Some(path) = &args.out {
        let Some(map) = &found.difference else {
            bail!("Answers about the image as a whole differ nowhere in particular: --out needs maps")
        };
        write_difference(map.values.view(), map.signed, path)?;
    }
    let side = |index: usize| Side {
        model: &models[index].card.name,
        frame: settings[index].frame,
        sight: &sights[index],
    };
    if args.json {
        let file = args.out.as_ref().map(|path| path.display().to_string());
        let image = args.file.display().to_string();
        say_json(&Compared { image, a: side(0), b: side(1), found: &found, file })?;
    } else {
        say(&text(&found, [side(0), side(1)]));
    }
    Ok(Finished::default())
}

fn settings_of(
    micrograph: &Micrograph,
    args: &CompareArgs,
    frames: [usize; 2],
) -> anyhow::Result<[RunSettings; 2]> {
    if args.part.tile == Some(0) {
        bail!("A tile needs at least one pixel: --tile 0");
    }
    if let Some(frame) = frames.iter().find(|frame| **frame >= micrograph.frames()) {
        let last = micrograph.frames().saturating_sub(1);
        bail!("There is no frame {frame}, only 0 to {last}: {}", args.file.display());
    }
    Ok(frames.map(|frame| RunSettings {
        frame,
        channels: args.part.channels.clone(),
        tile: args.part.tile,
        ..RunSettings::default()
    }))
}

fn sights(args: &CompareArgs) -> [Sight; 2] {
    if let Some((method, polarity)) = args.other.with_baseline {
        return [Sight::Answer, Sight::Classical { method, polarity }];
    }
    let (Some(node), Some(feature)) = (&args.node, args.feature) else {
        return [Sight::Answer, Sight::Answer];
    };
    let other = args.other.with_node.as_ref().unwrap_or(node);
    let with = args.other.with_feature.unwrap_or(feature);
    [Sight::Feature { node: node.clone(), feature }, Sight::Feature { node: other.clone(), feature: with }]
}

fn compute(
    micrograph: &Micrograph,
    models: [&Model; 2],
    settings: &[RunSettings; 2],
    sights: &[Sight; 2],
    device: &OpenDevice,
) -> anyhow::Result<Comparison> {
    with_progress(micrograph.name(), |monitor| {
        let seen = |side: usize| {
            let part = monitor.part(side, 2);
            see(&sights[side], models[side], (micrograph, &settings[side]), &device.device, &part)
        };
        let (a, b): (Seen, Seen) = (seen(0)?, seen(1)?);
        Ok(compare_sights([&a, &b])?)
    })
}

fn text(found: &Comparison, sides: [Side<'_>; 2]) -> String {
    let named = |(name, side): (&str, &Side<'_>)| {
        if let Sight::Classical { .. } = side.sight {
            return format!("{name}: {}, frame {}", side.sight.words("", None), side.frame);
        }
        let what = match side.sight {
            Sight::Answer => "answer".to_owned(),
            Sight::Feature { node, feature } => format!("{node}, feature {feature}"),
            Sight::Classical { method, polarity } => format!("{}, {}", method.name(), polarity.name()),
        };
        format!("{name}: {}, {what}, frame {}", side.model, side.frame)
    };
    let mut lines: Vec<String> = ["A", "B"].into_iter().zip(&sides).map(named).collect();
    if let Some(values) = &found.values {
        let correlation = values.correlation.map_or("–".to_owned(), |value| format!("{value:.5}"));
        lines.push(format!(
            "correlation {correlation}, mean |A − B| {:.5}, mean A − B {:.5}, largest {:.5} at y {} x {}",
            values.mean_absolute, values.mean, values.largest, values.at[0], values.at[1]
        ));
    }
    let of_features = sides.iter().all(|side| matches!(side.sight, Sight::Feature { .. }));
    if let Some(map) = found.difference.as_ref().filter(|_| of_features) {
        let ((height, width), [down, across]) = (map.values.dim(), map.scale);
        lines.push(format!(
            "on the finer grid: {height}×{width} values (y×x) of {down}×{across} px, each against the value over its \
             middle"
        ));
    }
    if let Some(classes) = &found.classes {
        lines.extend(class_lines(classes));
    }
    lines.join("\n")
}

fn class_lines(classes: &ClassAgreement) -> Vec<String> {
    let percent =
        |share: Option<f64>| share.map_or("–".to_owned(), |share| format!("{:.3} %", 100.0 * share));
    let mut lines =
        vec![format!("the same class in {} of {} px", percent(classes.agreement), classes.pixels)];
    if classes.matched_by == MatchedBy::Places {
        lines.push("classes are matched by their places in the lists, for their names differ".to_owned());
    }
    let heading = ["A \\ B".to_owned(), "IoU".to_owned()].into_iter().chain(classes.b.iter().cloned());
    let mut rows: Vec<Vec<String>> = vec![heading.collect()];
    for ((name, iou), counts) in classes.a.iter().zip(&classes.iou).zip(&classes.confusion) {
        let iou = iou.map_or("–".to_owned(), |iou| format!("{iou:.4}"));
        rows.push([name.clone(), iou].into_iter().chain(counts.iter().map(u64::to_string)).collect());
    }
    lines.push(table(&rows));
    lines
}

fn parse_baseline(text: &str) -> Result<(Method, Polarity), String> {
    let found = text
        .split_once(':')
        .and_then(|(method, side)| Some((Method::named(method)?, Polarity::named(side)?)));
    found.ok_or_else(|| {
        let names: Vec<&str> = Method::ALL.into_iter().map(Method::id).collect();
        format!("expected METHOD:SIDE, of {} and bright or dark, such as otsu:bright", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classical_methods_are_read_or_refused() {
        for method in Method::ALL {
            assert_eq!(parse_baseline(&format!("{}:dark", method.id())), Ok((method, Polarity::Dark)));
        }
        for bad in ["", "otsu", "otsu:", "otsu:left", "magic:dark"] {
            assert!(parse_baseline(bad).unwrap_err().contains("such as otsu:bright"), "{bad}");
        }
    }
}
