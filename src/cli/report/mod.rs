//! `polepiece report`: what is to be thought of a network on micrographs, one file a kind of report.

mod equivariance;
mod health;
mod seams;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::{DeviceArgs, PartArgs};
use super::terminal::Outcome;

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The micrographs to look at; every frame counts
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// A model file, or the name of an installed model
    #[arg(long, short)]
    pub model: String,
    /// What to report on
    #[arg(long, value_enum, default_value_t)]
    pub on: ReportOn,
    /// Only this node (`polepiece describe` lists them)
    #[arg(long)]
    pub node: Option<String>,
    /// Write the table to this file
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    #[command(flatten)]
    pub part: PartArgs,
    #[command(flatten)]
    pub equivariance: equivariance::EquivarianceArgs,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// One JSON object, with all that the table leaves out
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ReportOn {
    /// Dead, saturated and doubled features, values and weights
    #[default]
    Health,
    /// Whether answer and features follow when the image is shifted, rotated or flipped
    Equivariance,
    /// Whether it shows where the tiles of a run meet
    Seams,
}

pub(super) fn run(args: &ReportArgs) -> Outcome {
    match args.on {
        ReportOn::Health => health::run(args),
        ReportOn::Equivariance => equivariance::run(args),
        ReportOn::Seams => seams::run(args),
    }
}
