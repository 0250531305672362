//! What `polepiece bench` may be asked.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::args::{DeviceArg, DeviceArgs, parse_input};

#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    pub(super) what: Bench,
}

#[derive(Debug, Subcommand)]
pub(super) enum Bench {
    /// A plain U-Net (no batch-norm, transposed 2×2 convolutions) as a whole: running it, or a training step
    Unet(UnetArgs),
    /// Any model, run on made-up numbers
    Network(NetworkArgs),
    /// Every kind of layer alone, on the CPU: convolutions in GFLOP/s, other operations beside a copy of as many bytes
    Layers(LayersArgs),
    /// Opening image files, and reading the first plane of each
    Files(FilesArgs),
}

#[derive(Debug, Args)]
pub(super) struct UnetArgs {
    /// Channels of the first level
    #[arg(long, default_value_t = 32)]
    pub(super) base: usize,
    /// Number of poolings
    #[arg(long, default_value_t = 4)]
    pub(super) depth: usize,
    /// Side of the image in pixels
    #[arg(long, default_value_t = 512, value_name = "PX")]
    pub(super) size: usize,
    #[arg(long, default_value_t = 1)]
    pub(super) in_channels: usize,
    #[arg(long, default_value_t = 2)]
    pub(super) classes: usize,
    /// Time a training step instead: forward, mean of squares, gradients of all weights
    #[arg(long)]
    pub(super) train: bool,
    /// Images of a training step
    #[arg(long, default_value_t = 4, requires = "train", value_name = "N")]
    pub(super) batch: usize,
    #[command(flatten)]
    pub(super) how: HowArgs,
    /// Where to compute; auto takes a GPU when this build and machine have one
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) device: DeviceArg,
}

#[derive(Debug, Args)]
pub(super) struct NetworkArgs {
    /// A model file, or the name of an installed model
    pub(super) model: String,
    /// Input size as channels x height x width (default: the card's size, or 224 pixels)
    #[arg(long, value_parser = parse_input, value_name = "CxHxW")]
    pub(super) input: Option<[usize; 3]>,
    #[command(flatten)]
    pub(super) how: HowArgs,
    /// Where to compute; auto takes a GPU when this build and machine have one
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) device: DeviceArg,
}

#[derive(Debug, Args)]
pub(super) struct LayersArgs {
    /// Only layers with this in their name
    #[arg(long, value_name = "TEXT")]
    pub(super) only: Option<String>,
    /// Only the layers' names and sizes, as JSON
    #[arg(long)]
    pub(super) list: bool,
    #[command(flatten)]
    pub(super) how: HowArgs,
}

#[derive(Debug, Args)]
pub(super) struct FilesArgs {
    #[arg(required = true)]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) how: HowArgs,
}

/// On how many threads and how often, and how it is printed.
#[derive(Debug, Args)]
pub(super) struct HowArgs {
    /// Threads for all computation; 0 takes every core
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub(super) threads: usize,
    /// Timed runs, after one that is not timed
    #[arg(long, default_value = "7", value_parser = at_least_one, value_name = "N")]
    pub(super) runs: usize,
    /// JSON instead of words
    #[arg(long)]
    pub(super) json: bool,
}

impl HowArgs {
    pub(super) fn on(&self, device: DeviceArg) -> DeviceArgs {
        DeviceArgs { threads: self.threads, device }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or_else(|| "expected a number of at least 1".to_owned())
}
