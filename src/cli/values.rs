//! `polepiece features FILE --node N --values-at Y,X`: every feature's value at one place of the micrograph.

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;

use crate::analysis::features_of;
use crate::inspect::{by_value, values_at};

use super::context::{for_each_frame, load_model, open_device};
use super::effective::parse_place;
use super::features::FeaturesArgs;
use super::terminal::{Finished, Outcome, say, say_json, table, with_progress};

#[derive(Debug, Args)]
#[command(next_help_heading = "The values at a place")]
pub struct ValuesArgs {
    /// Print the value of every feature of --node at this pixel of the micrograph, instead of writing maps
    #[arg(long, value_name = "Y,X", value_parser = parse_place, requires = "node", conflicts_with_all = ["out", "all"])]
    pub values_at: Option<[usize; 2]>,
    /// The largest value first
    #[arg(long, requires = "values_at")]
    pub by_value: bool,
}

/// As `--json` prints it.
#[derive(Serialize)]
struct Place<'a> {
    file: String,
    frame: usize,
    node: &'a str,
    /// The pixel of the micrograph, `[y, x]`.
    at: [usize; 2],
    /// The pixel of the feature maps over it, `[y, x]`.
    map_pixel: [usize; 2],
    /// The features in the order of `values`.
    features: Vec<usize>,
    values: Vec<f32>,
}

pub(super) fn run(args: &FeaturesArgs) -> Outcome {
    let (Some(at), Some(node)) = (args.values.values_at, &args.node) else {
        bail!("--values-at needs --node")
    };
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, None)?;
    let failures =
        for_each_frame(std::slice::from_ref(&args.file), &args.part, |micrograph, settings, label| {
            let (height, width) = (micrograph.height(), micrograph.width());
            if at[0] >= height || at[1] >= width {
                bail!("There is no pixel {},{} (y,x): the micrograph has {height} × {width}", at[0], at[1]);
            }
            let maps = with_progress(label, |monitor| {
                features_of(node, &model, micrograph, settings, &device.device, monitor)
            })?;
            // The middle of the pixel.
            let found = values_at(&maps, at.map(|place| place as f64 + 0.5));
            let found = found
                .with_context(|| format!("The feature maps of {node} do not reach {},{}", at[0], at[1]))?;
            let features = if args.values.by_value {
                by_value(&found.values)
            } else {
                (0..found.values.len()).collect()
            };
            let place = Place {
                file: args.file.display().to_string(),
                frame: settings.frame,
                node,
                at,
                map_pixel: found.at,
                values: features.iter().map(|feature| found.values[*feature]).collect(),
                features,
            };
            if args.hand.json {
                return say_json(&place);
            }
            let [y, x] = place.map_pixel;
            say(&format!("{node} at y {} x {} (pixel {y},{x} of its maps)", at[0], at[1]));
            let heading = ["feature", "value"].map(str::to_owned).to_vec();
            let row = |(feature, value): (&usize, &f32)| vec![feature.to_string(), value.to_string()];
            let rows = place.features.iter().zip(&place.values).map(row);
            say(&table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()));
            Ok(())
        });
    Ok(Finished { failures })
}
