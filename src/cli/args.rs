//! Every command and flag, with the help a person reads.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::compute::DeviceChoice;
use crate::export::Format;
use crate::imaging::{Colormap, InfoBarChoice, Length, ScaleByHand};
use crate::synth::Kind;

use super::attribute::AttributeArgs;
use super::bench::BenchArgs;
use super::compare::CompareArgs;
use super::drawing::DrawingArgs;
use super::effective::EffectiveArgs;
use super::features::FeaturesArgs;
use super::figure::FigureArgs;
use super::measure::{ProfileArgs, StatsArgs};
use super::report::ReportArgs;
use super::spent::SpentArgs;

mod architecture;
mod convert;
mod import;
mod networks;
mod window;
pub(super) use architecture::ChoiceArgs;
pub(super) use convert::{ConvertArgs, FormatsArgs};
pub(super) use import::ImportArgs;
pub(super) use networks::{ExportArgs, RunArgs};
pub use window::WindowArgs;

/// What the program was started as.
#[derive(Debug)]
pub enum Face {
    Command(Box<Command>),
    Window(WindowArgs),
}

#[derive(Debug, Parser)]
#[command(name = "polepiece", version, about, args_conflicts_with_subcommands = true)]
#[command(after_help = "Exit codes: 0 done, 1 finished with failures, 2 could not run.")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    window: WindowArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// What a file holds: axes, type, channels, pixel size and where that came from
    Info(InfoArgs),
    /// Write micrographs in another format, with their calibration
    Convert(ConvertArgs),
    /// The formats that can be read and written, with the endings of their files
    Formats(FormatsArgs),
    /// Segment micrographs and write masks, tables and manifests
    Segment(SegmentArgs),
    /// Classify whole micrographs
    Classify(ClassifyArgs),
    /// Predict numbers of every pixel, or of whole micrographs, and write maps, tables and manifests
    Regress(RegressArgs),
    /// Write the feature maps of one node, or of all, as .npy [channel, y, x] and a PNG sheet
    Features(FeaturesArgs),
    /// Why a pixel or an image is called what it is: gradients, Grad-CAM, occlusion, channel ablation
    Attribute(AttributeArgs),
    /// Draw a figure: panels of a micrograph, what a model says of it and what its nodes see, as PNG or SVG
    Figure(FigureArgs),
    /// Run a model on a NumPy array and write what a node makes of it
    Run(RunArgs),
    /// Write a model in a format of other programs
    Export(ExportArgs),
    /// Two models, frames or feature maps on the same image: how far apart they are, and where
    Compare(CompareArgs),
    /// What is to be thought of a network on micrographs: --on names the kind of report
    Report(ReportArgs),
    /// The nodes of a model: name, kind, shape, parameters, multiply-adds, receptive field
    Describe(DescribeArgs),
    /// The installed models, with their cards
    Models(ModelsArgs),
    /// Make a model file of an ONNX file, a bioimage.io package, or weights of PyTorch
    Import(ImportArgs),
    /// Train a model from a recipe, or from a folder of images and one of masks
    Train(TrainArgs),
    /// Score a model: against masks (IoU, Dice), classes (accuracy, precision, recall, F1) or numbers (mean absolute error)
    Evaluate(EvaluateArgs),
    /// Values along a line: one for each pixel of its length, averaged across its width
    Profile(ProfileArgs),
    /// Mean, deviation, median and range of the pixels of a rectangle, or of the whole picture
    Stats(StatsArgs),
    /// Make synthetic micrographs with their label maps
    Synth(SynthArgs),
    /// Time this program's computing on this machine
    Bench(BenchArgs),
}

#[derive(Debug, Args)]
pub struct InfoArgs {
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// One JSON object a file
    #[arg(long)]
    pub json: bool,
    /// Decode everything and add the hash of the stored values
    #[arg(long)]
    pub hash: bool,
    /// Also what the file says of itself: all fields, or those with all of these words in name or value
    #[arg(long, num_args = 0..=1, default_missing_value = "", value_name = "WORDS")]
    pub metadata: Option<String>,
}

/// The device and its threads.
#[derive(Debug, Clone, Args)]
pub struct DeviceArgs {
    /// Threads for all computation; 0 takes every core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Where to compute; auto takes a GPU when this build and machine have one
    #[arg(long, value_enum, default_value = "auto")]
    pub device: DeviceArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeviceArg {
    Auto,
    Cpu,
    #[cfg_attr(not(feature = "cuda"), value(hide = true))]
    Cuda,
}

impl From<DeviceArg> for DeviceChoice {
    fn from(arg: DeviceArg) -> Self {
        match arg {
            DeviceArg::Auto => Self::Auto,
            DeviceArg::Cpu => Self::Cpu,
            DeviceArg::Cuda => Self::Cuda,
        }
    }
}

/// Which part of a file, and how it is cut.
#[derive(Debug, Clone, Default, Args)]
pub struct PartArgs {
    /// Only this frame, counted from 0 (default: all)
    #[arg(long, value_name = "N")]
    pub frame: Option<usize>,
    /// Only this series of the file, counted from 0 (default: all)
    #[arg(long, value_name = "N")]
    pub series: Option<usize>,
    /// Microscope channels that feed the network, counted from 0, such as 0,2
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    pub channels: Option<Vec<usize>>,
    /// Side of a tile in pixels (default: the whole image where memory allows)
    #[arg(long, value_name = "PX")]
    pub tile: Option<usize>,
    /// Rows of text below the images to leave out: auto takes the file's word, else what is seen in the picture
    #[arg(long, value_name = "auto|none|ROWS", default_value = "auto")]
    pub info_bar: InfoBarChoice,
    /// Size of a pixel, instead of the file's: 5nm, 0.5um, 5nmx6nm (across x down), 500nm/183.5px (along a scale bar)
    #[arg(long, value_name = "SIZE")]
    pub pixel_size: Option<ScaleByHand>,
    /// Bring the images to square pixels of this size first, such as 5nm; results are on those pixels
    #[arg(long, value_name = "LENGTH")]
    pub resample: Option<Length>,
}

#[derive(Debug, Args)]
pub struct SegmentArgs {
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// A model file, or the name of an installed model
    #[arg(long, short)]
    pub model: String,
    /// Folder for the results; made if it is not there
    #[arg(long, short)]
    pub out: PathBuf,
    /// What to write besides the manifest
    #[arg(long, value_enum, value_delimiter = ',', default_value = "label,palette,overlay,probability,csv")]
    pub formats: Vec<FormatArg>,
    #[command(flatten)]
    pub look: LookArgs,
    #[command(flatten)]
    pub part: PartArgs,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// One JSON object a frame
    #[arg(long)]
    pub json: bool,
}

/// How the overlay picture looks. The data stay as they are.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "The overlay picture")]
pub struct LookArgs {
    /// Opacity of the classes, 0 to 1
    #[arg(long, value_name = "0–1")]
    pub opacity: Option<f32>,
    /// Grey values shown black and white, such as 120,900 (default: percentiles)
    #[arg(long, value_name = "LOW,HIGH", value_delimiter = ',', num_args = 1, allow_hyphen_values = true)]
    pub contrast: Option<Vec<f32>>,
    /// Percentiles shown black and white where --contrast does not say [default: 0.35,99.65]
    #[arg(long, value_name = "LOW,HIGH", value_delimiter = ',', num_args = 1)]
    pub percentiles: Option<Vec<f32>>,
    /// Brightness to this power, 0.05 to 20: below 1 the dark becomes brighter
    #[arg(long, value_name = "G")]
    pub gamma: Option<f32>,
    /// Logarithmic brightness over three decades, before gamma
    #[arg(long)]
    pub log: bool,
    /// Dark for bright
    #[arg(long)]
    pub invert: bool,
    /// grey, viridis, magma, inferno, plasma, cividis or signed
    #[arg(long, value_name = "NAME", default_value = "grey", value_parser = parse_colormap)]
    pub colormap: Colormap,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    Label,
    Palette,
    Overlay,
    Probability,
    Csv,
}

impl From<FormatArg> for Format {
    fn from(arg: FormatArg) -> Self {
        match arg {
            FormatArg::Label => Self::Label,
            FormatArg::Palette => Self::Palette,
            FormatArg::Overlay => Self::Overlay,
            FormatArg::Probability => Self::Probability,
            FormatArg::Csv => Self::Csv,
        }
    }
}

#[derive(Debug, Args)]
pub struct ClassifyArgs {
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// A model file, or the name of an installed model
    #[arg(long, short)]
    pub model: String,
    #[command(flatten)]
    pub part: PartArgs,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// One JSON object a frame
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct RegressArgs {
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// A model file, or the name of an installed model
    #[arg(long, short)]
    pub model: String,
    /// Folder for the results; made if it is not there
    #[arg(long, short)]
    pub out: PathBuf,
    #[command(flatten)]
    pub part: PartArgs,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// One JSON object a frame
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct DescribeArgs {
    /// A model file, the name of an installed model, or an architecture such as resnet18 (--list names them)
    #[arg(required_unless_present = "list")]
    pub model: Option<String>,
    /// The architectures that can be built, with the choices each leaves open
    #[arg(long, conflicts_with = "model")]
    pub list: bool,
    /// Input size as channels x height x width, such as 1x512x512
    #[arg(long, value_parser = parse_input, value_name = "CxHxW")]
    pub input: Option<[usize; 3]>,
    /// Channels of an architecture's image (default: those of --input, or as published)
    #[arg(long, value_name = "N", help_heading = "The architecture")]
    pub in_channels: Option<usize>,
    /// Classes or outputs of an architecture (default: as published)
    #[arg(long, value_name = "N", help_heading = "The architecture")]
    pub classes: Option<usize>,
    #[command(flatten)]
    pub choices: ChoiceArgs,
    #[command(flatten)]
    pub drawing: DrawingArgs,
    #[command(flatten)]
    pub effective: EffectiveArgs,
    #[command(flatten)]
    pub spent: SpentArgs,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ModelsArgs {
    /// One JSON object a model
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("from").required(true).args(["recipe", "images"])))]
pub struct TrainArgs {
    /// A recipe in TOML
    #[arg(long)]
    pub recipe: Option<PathBuf>,
    /// Folder of images; for a classifier a folder with one folder a class, or a CSV table with columns file and class
    #[arg(long, conflicts_with = "recipe")]
    pub images: Option<PathBuf>,
    /// Folder of masks, matched to the images by file name
    #[arg(long, requires = "images")]
    pub masks: Option<PathBuf>,
    /// Folder of maps of the true numbers, one channel an output, matched to the images by file name: trains a regressor
    #[arg(long, requires = "images", conflicts_with = "masks")]
    pub targets: Option<PathBuf>,
    /// Label scheme in TOML: which grey values or colours mean which class
    #[arg(long, requires = "images")]
    pub labels: Option<PathBuf>,
    /// Architecture, of those that `polepiece describe --list` names
    #[arg(long, default_value = "unet", requires = "images")]
    pub arch: String,
    #[command(flatten)]
    pub choices: ChoiceArgs,
    /// Time budget in minutes
    #[arg(long, conflicts_with = "steps")]
    pub minutes: Option<f64>,
    /// Number of optimiser steps
    #[arg(long)]
    pub steps: Option<usize>,
    /// Folder (or table) of validation images (default: a share of the images is held out)
    #[arg(long, requires = "images")]
    pub val_images: Option<PathBuf>,
    /// Folder of validation masks, or of validation targets
    #[arg(long, requires = "val_images")]
    pub val_masks: Option<PathBuf>,
    /// Where a recipe's image folders are looked for, instead of beside the recipe
    #[arg(long, requires = "recipe")]
    pub data: Option<PathBuf>,
    /// Go on from the checkpoint beside the output
    #[arg(long)]
    pub resume: bool,
    /// Do not train: give the model at --out the statistics of its training images, by which new images are compared with
    /// them; its weights and card stay as they are
    #[arg(long, conflicts_with_all = ["resume", "steps", "minutes"])]
    pub statistics_only: bool,
    /// Rows of text below the images that are not learned from: auto, none or a number
    #[arg(long, value_name = "auto|none|ROWS", default_value = "auto")]
    pub info_bar: InfoBarChoice,
    /// The model file to write
    #[arg(long, short, value_name = "MODEL.safetensors")]
    pub out: PathBuf,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// One JSON object an event
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// A model file, or the name of an installed model
    #[arg(long, short)]
    pub model: String,
    /// Folder of images, or a pattern such as 'images/valid_*'; for a classifier, a folder with one folder a class; a CSV
    /// table of files with their class, or with a number an output
    #[arg(long)]
    pub images: PathBuf,
    /// Folder of masks, matched to the images by file name (segmenters)
    #[arg(long)]
    pub masks: Option<PathBuf>,
    /// Folder of maps of the true numbers, matched to the images by file name (regressors)
    #[arg(long, conflicts_with = "masks")]
    pub targets: Option<PathBuf>,
    /// Label scheme in TOML: which grey values or colours mean which class
    #[arg(long)]
    pub labels: Option<PathBuf>,
    /// Rows of text below the images that are not judged: auto, none or a number
    #[arg(long, value_name = "auto|none|ROWS", default_value = "auto")]
    pub info_bar: InfoBarChoice,
    /// Also score Otsu's threshold, the baseline a network must beat
    #[arg(long)]
    pub otsu: bool,
    #[command(flatten)]
    pub device: DeviceArgs,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct SynthArgs {
    /// precipitates, grains, stem or eds
    #[arg(value_parser = parse_kind)]
    pub kind: Kind,
    /// The same seed gives the same pixels
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Number of images
    #[arg(long, default_value_t = 1)]
    pub count: u64,
    /// Size as height x width
    #[arg(long, default_value = "512x512", value_parser = parse_size, value_name = "HxW")]
    pub size: [usize; 2],
    /// Folder for the pictures; made if it is not there
    #[arg(long, short)]
    pub out: PathBuf,
    /// One JSON object an image
    #[arg(long)]
    pub json: bool,
}

/// Reads the program's arguments; prints help or a usage error and exits where there is nothing to carry out.
#[must_use]
pub fn parse() -> Face {
    let cli = Cli::parse();
    match cli.command {
        Some(command) => Face::Command(Box::new(command)),
        None => Face::Window(cli.window),
    }
}

fn parse_numbers<const N: usize>(text: &str, form: &str) -> Result<[usize; N], String> {
    let wrong = || format!("expected {form} with every number at least 1, such as {}", ["1"; N].join("x"));
    let numbers = text.split(['x', '×']).map(|n| n.parse().ok().filter(|&n: &usize| n > 0));
    let numbers: Vec<usize> = numbers.collect::<Option<_>>().ok_or_else(wrong)?;
    numbers.try_into().map_err(|_| wrong())
}

pub(super) fn parse_input(text: &str) -> Result<[usize; 3], String> {
    parse_numbers(text, "CxHxW")
}

fn parse_size(text: &str) -> Result<[usize; 2], String> {
    parse_numbers(text, "HxW")
}

pub(super) fn parse_colormap(text: &str) -> Result<Colormap, String> {
    let names = Colormap::ALL.map(|map| map.name().to_ascii_lowercase()).join(", ");
    Colormap::from_name(text).ok_or_else(|| format!("unknown colormap; there are {names}"))
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    let names = Kind::ALL.map(Kind::name).join(", ");
    Kind::from_name(text).ok_or_else(|| format!("unknown kind; there are {names}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_read_or_refused() {
        assert_eq!(parse_input("1x512x256"), Ok([1, 512, 256]));
        assert_eq!(parse_size("64×32"), Ok([64, 32]));
        for bad in ["", "512", "1x2x3", "0x5", "ax2", "99999999999999999999x1"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
