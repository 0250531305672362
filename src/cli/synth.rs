//! `polepiece synth`: synthetic micrographs with their label maps and, of element maps, their composition.

use serde::Serialize;

use crate::export;

use super::args::SynthArgs;
use super::terminal::{Finished, Outcome, say, say_json, with_progress};

#[derive(Serialize)]
struct Made {
    kind: &'static str,
    seed: u64,
    index: u64,
    image: String,
    labels: String,
    /// True share of each element, of element maps.
    #[serde(skip_serializing_if = "Option::is_none")]
    composition: Option<String>,
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
    with_progress("Making", |monitor| {
        for index in 0..args.count {
            monitor.progress(index as usize, args.count as usize)?;
            let sample = args.kind.sample(args.seed, index, args.size);
            let stem = format!("{}-{}-{index:03}", args.kind.name(), args.seed);
            let files = export::write_sample(&sample, args.kind, &stem, &args.out)?;
            let made = Made {
                kind: args.kind.name(),
                seed: args.seed,
                index,
                image: files.image.display().to_string(),
                labels: files.labels.display().to_string(),
                composition: files.composition.map(|path| path.display().to_string()),
                pixel_size_nm: sample.calibration.pixel().map(|pixel| pixel.x_nm),
            };
            if args.json { say_json(&made)? } else { say(&made.image) }
        }
        Ok(Finished::default())
    })
}
