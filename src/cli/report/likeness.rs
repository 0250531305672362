//! `polepiece report --on likeness`: are these images like those that the model learned from?

use std::io::Write as _;

use serde::Serialize;

use crate::analysis::{Likeness, likeness};
use crate::export::likeness_csv;
use crate::files::write_whole;

use super::super::context::{for_each_frame, load_model, open_device};
use super::super::terminal::{Finished, Outcome, say, say_json, with_progress};
use super::ReportArgs;

/// One frame's verdict, as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    frame: usize,
    #[serde(flatten)]
    likeness: &'a Likeness,
}

pub(super) fn run(args: &ReportArgs) -> Outcome {
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, None)?;
    let mut rows: Vec<(String, usize, Likeness)> = Vec::new();
    let failures = for_each_frame(&args.files, &args.part, |micrograph, settings, label| {
        let on = (micrograph, settings);
        let found = with_progress(label, |monitor| likeness(&model, on, None, &device.device, monitor))?;
        if args.json {
            say_json(&Line { file: micrograph.name(), frame: settings.frame, likeness: &found })?;
        } else if args.csv.is_none() {
            say(&text(label, &found));
        }
        rows.push((micrograph.name().to_owned(), settings.frame, found));
        Ok(())
    });
    if let Some(path) = &args.csv {
        let bytes = likeness_csv(&rows)?;
        write_whole(path, |out| out.write_all(&bytes))?;
    }
    Ok(Finished { failures })
}

fn text(label: &str, found: &Likeness) -> String {
    let mut lines: Vec<String> = found.words.iter().map(|words| format!("{label}: {words}")).collect();
    for space in &found.spaces {
        let of = if space.of == crate::analysis::INPUT { "grey levels and texture" } else { &space.of };
        lines.push(format!(
            "  {of}: distance {:.3}, farther than {:.0} % of {} training images, unusual from {:.3} on",
            space.distance,
            100.0 * space.percentile,
            found.images,
            space.limit
        ));
        if let Some(near) = &space.nearest {
            lines.push(format!(
                "    nearest training images: number {} at {:.3}, {:.2} times the limit of {:.3}",
                near.nearest, near.distance, near.ratio, near.limit
            ));
        }
    }
    if let Some(pixel) = found.pixel.as_ref().filter(|pixel| pixel.unusual) {
        lines.push(format!("  every command resamples with --resample {}nm", pixel.target_nm));
    }
    lines.join("\n")
}
