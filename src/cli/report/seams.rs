//! `polepiece report --on seams`: does it show where the tiles of a run meet?

use std::io::Write as _;

use anyhow::bail;

use crate::analysis::{SeamCheck, Seams, seams};
use crate::export::{seams_csv, write_difference};
use crate::files::write_whole;

use super::super::context::{for_each_frame, load_model, open_device};
use super::super::terminal::{Finished, Outcome, say, say_json, with_progress};
use super::ReportArgs;
use super::equivariance::OfFrame;

pub(super) fn run(args: &ReportArgs) -> Outcome {
    if args.node.is_some() {
        bail!("Seams are looked for in the answer: --node belongs to the other reports");
    }
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, None)?;
    let mut reports = Vec::new();
    let failures = for_each_frame(&args.files, &args.part, |micrograph, settings, label| {
        if args.equivariance.out.is_some() && !reports.is_empty() {
            bail!("--out takes one frame: name it by --frame");
        }
        let found =
            with_progress(label, |monitor| seams(&model, micrograph, settings, &device.device, monitor))?;
        if let Some(path) = &args.equivariance.out {
            write_difference(found.against_shifted.map.view(), false, path)?;
        }
        if args.json {
            say_json(&OfFrame { frame: settings.frame, report: &found })?;
        } else if args.csv.is_none() {
            say(&text(&found));
        }
        reports.push((settings.frame, found));
        Ok(())
    });
    if let Some(path) = args.csv.as_ref().filter(|_| !reports.is_empty()) {
        let bytes = seams_csv(reports.iter().map(|(frame, found)| (*frame, found)))?;
        write_whole(path, |out| out.write_all(&bytes))?;
    }
    Ok(Finished { failures })
}

fn text(found: &Seams) -> String {
    let Seams { model, image, tile, halo, rows, columns, .. } = found;
    let why = if found.run_is_tiled { "" } else { " (for this check alone: a run takes it in one piece)" };
    let list = |places: &[usize]| places.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let meet =
        |name: &str, places: &[usize]| (!places.is_empty()).then(|| format!("{name} {}", list(places)));
    let places: Vec<String> = [meet("rows", rows), meet("columns", columns)].into_iter().flatten().collect();
    let whole = match &found.against_whole {
        Some(check) => check_words(check, found.probabilities),
        None => "not compared: in one piece it needs more memory than may be used".to_owned(),
    };
    [
        format!(
            "{model} on {image}, in tiles of {tile} px with a halo of {} × {} px (y × x){why}",
            halo[0], halo[1]
        ),
        format!("tiles meet at {}", places.join("; ")),
        format!(
            "against tiles shifted by half: {}",
            check_words(&found.against_shifted, found.probabilities)
        ),
        format!("against the image as a whole:  {whole}"),
    ]
    .join("\n")
}

fn check_words(check: &SeamCheck, probabilities: bool) -> String {
    let what = if probabilities { "probability" } else { "number" };
    let changed = check.changed.map(|share| format!(", another class in {:.4} %", 100.0 * share));
    format!(
        "largest change of a {what} {:.2e} at y {} x {}, mean {:.2e}{}",
        check.largest,
        check.at[0],
        check.at[1],
        check.mean,
        changed.unwrap_or_default()
    )
}
