//! `polepiece synth`: synthetic micrographs and their label maps.

use std::path::Path;

use anyhow::Context as _;
use ndarray::{Array2, Axis};
use serde::Serialize;

use crate::export::{TiffPages, write_tiff};
use crate::imaging::SampleType;
use crate::synth::{Kind, Sample};

use super::args::SynthArgs;
use super::terminal::{Finished, Outcome, say, say_json, with_progress};

#[derive(Serialize)]
struct Made {
    kind: &'static str,
    seed: u64,
    index: u64,
    image: String,
    labels: String,
    pixel_size_nm: Option<f64>,
}

pub(super) fn run(args: &SynthArgs) -> Outcome {
    if args.size.iter().any(|&side| !(8..=32_768).contains(&side)) {
        anyhow::bail!(
            "A synthetic image has sides of 8 to 32768 pixels: --size {}x{}",
            args.size[0],
            args.size[1]
        );
    }
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("No output folder: {}", args.out.display()))?;
    with_progress("Making", |monitor| {
        for index in 0..args.count {
            monitor.progress(index as usize, args.count as usize)?;
            let sample = args.kind.sample(args.seed, index, args.size);
            let stem = format!("{}-{}-{index:03}", args.kind.name(), args.seed);
            let (image, labels) =
                (args.out.join(format!("{stem}.tif")), args.out.join(format!("{stem}.labels.tif")));
            write_image(&image, args.kind, &sample)?;
            let label_pages = [sample.labels.mapv(|class| class as u8)];
            write_tiff(&labels, TiffPages::U8(&label_pages), &["class".into()], &sample.calibration)?;
            let made = Made {
                kind: args.kind.name(),
                seed: args.seed,
                index,
                image: image.display().to_string(),
                labels: labels.display().to_string(),
                pixel_size_nm: sample.calibration.pixel.map(|pixel| pixel.x_nm),
            };
            if args.json { say_json(&made)? } else { say(&made.image) }
        }
        Ok(Finished::default())
    })
}

/// Writes the counts as the kind stores them, a page a channel.
fn write_image(path: &Path, kind: Kind, sample: &Sample) -> anyhow::Result<()> {
    let planes = sample.image.axis_iter(Axis(0));
    let (names, calibration) = (&sample.channel_names, &sample.calibration);
    if kind.sample_type() == SampleType::U8 {
        let pages: Vec<Array2<u8>> = planes.map(|plane| plane.mapv(|count| count as u8)).collect();
        write_tiff(path, TiffPages::U8(&pages), names, calibration)?;
    } else {
        let pages: Vec<Array2<u16>> = planes.map(|plane| plane.mapv(|count| count as u16)).collect();
        write_tiff(path, TiffPages::U16(&pages), names, calibration)?;
    }
    Ok(())
}
