//! `polepiece report --on health`: the health of a network's features on micrographs.

use std::io::Write as _;

use crate::analysis::{HealthInspection, HealthReport};
use crate::export::health_csv;
use crate::files::write_whole;

use super::super::context::{for_each_frame, load_model, open_device};
use super::super::terminal::{Finished, Outcome, complain, say, say_json, table, with_progress};
use super::ReportArgs;

pub(super) fn run(args: &ReportArgs) -> Outcome {
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, None)?;
    let mut inspection = HealthInspection::new(&model, args.node.as_deref(), args.files.len())?;
    let failures = for_each_frame(&args.files, &args.part, |micrograph, settings, label| {
        with_progress(label, |monitor| inspection.add(micrograph, settings, &device.device, monitor))?;
        Ok(())
    });
    let report = inspection.finish();
    if report.images == 0 {
        return Ok(Finished { failures });
    }
    for node in &report.left_out {
        complain(&format!("node {node}: its feature maps take too much memory; it was not looked at"));
    }
    if let Some(path) = &args.csv {
        let bytes = health_csv(&report)?;
        write_whole(path, |out| out.write_all(&bytes))?;
    }
    if args.json {
        say_json(&report)?;
    } else if args.csv.is_none() {
        say(&text(&report));
    }
    Ok(Finished { failures: failures + report.left_out.len() })
}

fn text(report: &HealthReport) -> String {
    let heading =
        ["node", "kind", "features", "dead", "saturated", "doubled", "zeros", "mean", "std", "min", "max"];
    let rows = report.nodes.iter().map(|node| {
        let counts = [node.features, node.dead.len(), node.saturated.len(), node.duplicates.len()];
        let values = [node.mean, node.std, f64::from(node.min), f64::from(node.max)];
        let mut row = vec![node.node.clone(), node.kind.clone()];
        row.extend(counts.map(|count| count.to_string()));
        row.push(format!("{:.1} %", 100.0 * node.zeros));
        row.extend(values.map(|value| format!("{value:.4}")));
        row
    });
    let rows: Vec<Vec<String>> = std::iter::once(heading.map(str::to_owned).to_vec()).chain(rows).collect();
    let images = if report.images == 1 { "1 image".to_owned() } else { format!("{} images", report.images) };
    format!("{} on {images}\n{}", report.model, table(&rows))
}
