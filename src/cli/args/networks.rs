//! The flags of `polepiece run` and `polepiece export`.

use std::path::PathBuf;

use clap::Args;

use super::{DeviceArgs, parse_size};

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("to").required(true).args(["out", "all"])))]
pub struct RunArgs {
    /// A model file, or the name of an installed model
    pub model: String,
    /// The array: .npy of any real type, [channel, y, x] or [batch, channel, y, x]
    #[arg(long, short, value_name = "X.npy")]
    pub input: PathBuf,
    /// The file for the answer (f32), or for what --node makes
    #[arg(long, short, value_name = "Y.npy")]
    pub out: Option<PathBuf>,
    /// What this node makes, instead of the answer
    #[arg(long, conflicts_with = "all")]
    pub node: Option<String>,
    /// What every node makes, as DIR/NODE.npy
    #[arg(long, value_name = "DIR")]
    pub all: Option<PathBuf>,
    /// Normalise every channel as the model's card says, instead of taking the values as they are
    #[arg(long, visible_alias = "normalize")]
    pub normalise: bool,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// One JSON object a file
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// A model file, or the name of an installed model
    pub model: String,
    /// The ONNX file to write
    #[arg(long, value_name = "MODEL.onnx")]
    pub onnx: PathBuf,
    /// Version of ONNX's operators, 17 to 22 (default: 18, or what the network needs)
    #[arg(long, value_name = "N")]
    pub opset: Option<i64>,
    /// Only for images of this size, height x width (default: for all that the network takes)
    #[arg(long, value_parser = parse_size, value_name = "HxW")]
    pub size: Option<[usize; 2]>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}
