//! `polepiece features FILE --by-hand`: one value of a convolution taken apart, and the first layer's kernels.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::analysis::{HandProbe, by_hand, first_kernels};
use crate::export::write_kernels;

use super::context::{frames_of, load_model, open_device, series_of};
use super::effective::parse_place;
use super::features::FeaturesArgs;
use super::terminal::{Finished, Outcome, say, say_json, with_progress};

/// Channels that are told with their patch and kernel.
const TOLD: usize = 8;

#[derive(Debug, Args)]
#[command(next_help_heading = "From kernel to answer")]
pub struct HandArgs {
    /// Take one value of --node apart: input patch × kernel of each channel, their sums, bias, and what follows
    #[arg(long, requires = "node", conflicts_with = "all")]
    pub by_hand: bool,
    /// The feature whose value it is, counted from 0
    #[arg(long, value_name = "K", default_value_t = 0, requires = "by_hand")]
    pub feature: usize,
    /// Place of the value in the node's output (default: its middle)
    #[arg(long, value_name = "Y,X", value_parser = parse_place, requires = "by_hand")]
    pub at: Option<[usize; 2]>,
    /// All numbers as one JSON object, with --values-at one a frame
    #[arg(long, requires = "numbers")]
    pub json: bool,
    /// Write the kernels that see the image as a picture: a row a feature, a column a channel
    #[arg(long, value_name = "PNG")]
    pub kernels: Option<PathBuf>,
}

impl HandArgs {
    pub(super) fn is_asked(&self) -> bool {
        self.by_hand || self.kernels.is_some()
    }
}

pub(super) fn run(args: &FeaturesArgs) -> Outcome {
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, None)?;
    let micrograph = series_of(&args.file, &args.part)?.into_iter().next();
    let micrograph = micrograph.with_context(|| format!("There is no image: {}", args.file.display()))?;
    let settings = frames_of(&micrograph, &args.part)?.into_iter().next();
    let settings = settings.with_context(|| format!("There is no frame: {}", args.file.display()))?;
    if let Some(path) = &args.hand.kernels {
        let names = crate::analysis::channel_names(&model, &micrograph, &settings);
        let Some(kernels) = first_kernels(&model, &names)? else {
            bail!("{} has no convolution that reads the image", model.card.name)
        };
        write_kernels(&kernels, path)?;
        say(&format!("{}: columns {}", path.display(), kernels.channels.join(", ")));
    }
    let (true, Some(node)) = (args.hand.by_hand, &args.node) else { return Ok(Finished::default()) };
    let probe = HandProbe { node: node.clone(), feature: args.hand.feature, at: args.hand.at };
    let found = with_progress(node, |monitor| {
        by_hand(&probe, &model, (&micrograph, &settings), &device.device, monitor)
    })?;
    if args.hand.json {
        say_json(&found)?;
    } else {
        found.lines(TOLD).iter().for_each(|line| say(line));
    }
    Ok(Finished::default())
}
