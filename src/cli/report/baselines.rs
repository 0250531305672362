//! `polepiece report --on baselines`: is the network worth it on these images?

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::bail;
use serde::Serialize;

use crate::analysis::{Baselines, Polarity, Prediction, baselines, run as run_model};
use crate::export::baselines_csv;
use crate::files::write_whole;
use crate::inspect::Recorder;
use crate::network::Task;
use crate::training::{LabelScheme, read_labels};

use super::super::context::{for_each_frame, load_model, open_device};
use super::super::terminal::{Finished, Outcome, say, say_json, table, with_progress};
use super::ReportArgs;

/// One frame's table, as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    frame: usize,
    #[serde(flatten)]
    baselines: &'a Baselines,
}

pub(super) fn run(args: &ReportArgs) -> Outcome {
    if args.labels.is_some() && args.files.len() > 1 {
        bail!("One mask belongs to one image; `polepiece evaluate` scores folders: --labels");
    }
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, Some(Task::Segment))?;
    let scheme = args.scheme.as_deref().map(LabelScheme::load).transpose()?;
    let classes = &model.card.classes;
    let labels =
        args.labels.as_deref().map(|path| read_labels(path, scheme.as_ref(), classes)).transpose()?;
    let mut images: Vec<(String, usize, Baselines)> = Vec::new();
    let failures = for_each_frame(&args.files, &args.part, |micrograph, settings, label| {
        let found = with_progress(label, |monitor| {
            let part = monitor.part(0, 2);
            let mut nothing = Recorder::nothing();
            let answer = run_model(&model, micrograph, settings, &device.device, &mut nothing, &part)?;
            let Prediction::Segmentation(mask) = answer else { return Ok(None) };
            let labels = labels.as_ref().map(|labels| labels.view());
            let of = (model.card.name.as_str(), mask.as_ref());
            baselines(of, (micrograph, settings), labels, &monitor.part(1, 2)).map(Some)
        })?;
        let Some(found) = found else { bail!("{} made no mask", model.card.name) };
        if args.json {
            say_json(&Line { file: micrograph.name(), frame: settings.frame, baselines: &found })?;
        } else if args.csv.is_none() {
            say(&text(label, &found));
        }
        images.push((micrograph.name().to_owned(), settings.frame, found));
        Ok(())
    });
    if let Some(path) = &args.csv {
        let bytes = baselines_csv(&images)?;
        write_whole(path, |out| out.write_all(&bytes))?;
    }
    Ok(Finished { failures })
}

fn text(label: &str, found: &Baselines) -> String {
    let against = if found.labelled { "the labels" } else { "the network's mask" };
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
    let ious = found.sides.iter().map(|side| format!("IoU {side}"));
    let mut heading = vec!["method".to_owned(), "side".to_owned()];
    heading.extend(ious);
    heading.extend(["mean IoU".to_owned(), "foreground".to_owned()]);
    let rows = found.rows.iter().map(|row| {
        let side = row.polarity.map_or("", Polarity::name);
        let mut line = vec![row.name.clone(), side.to_owned()];
        line.extend([row.iou[0], row.iou[1], row.mean_iou].map(number));
        line.push(format!("{:.1} %", 100.0 * row.foreground));
        line
    });
    let rows: Vec<Vec<String>> = std::iter::once(heading).chain(rows).collect();
    let mut text = format!("{label}, against {against}\n{}", table(&rows));
    for (class, iou) in found.rows.iter().flat_map(|row| &row.classes) {
        // Writing to a text cannot fail.
        let _ = write!(text, "\n{} {class}: IoU {}", found.model, number(*iou));
    }
    text
}
