//! What `polepiece import` is told.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::imaging::ScaleByHand;
use crate::network::{Normalisation, Task};

/// What the file does not say may be said here; what nobody says stays unknown
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// An ONNX file
    pub model: PathBuf,
    /// The model file to write
    #[arg(long, short, value_name = "MODEL.safetensors")]
    pub out: PathBuf,
    /// What the model is called (default: the file's name)
    #[arg(long)]
    pub name: Option<String>,
    /// Names of its classes, such as matrix,pore
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub classes: Option<Vec<String>>,
    /// What it is for (default: by the shape of its answer)
    #[arg(long, value_enum)]
    pub task: Option<TaskArg>,
    /// Which of its outputs (default: the first)
    #[arg(long, value_name = "NAME")]
    pub output: Option<String>,
    /// Names of its input channels, such as Al,Ni
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub channels: Option<Vec<String>>,
    /// How images become its numbers: none, percentile (1 to 99), zscore, or MEAN,STD
    #[arg(long, value_name = "HOW", value_parser = parse_normalisation, allow_hyphen_values = true)]
    pub normalise: Option<Normalisation>,
    /// Size of a pixel of the images it was trained on, such as 2.5nm
    #[arg(long, value_name = "SIZE")]
    pub pixel_size: Option<ScaleByHand>,
    /// Its licence (default: unknown)
    #[arg(long, value_name = "TEXT")]
    pub licence: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TaskArg {
    Segment,
    Classify,
    Regress,
    /// No promise: its nodes can be looked at
    Any,
}

impl From<TaskArg> for Task {
    fn from(arg: TaskArg) -> Self {
        match arg {
            TaskArg::Segment => Self::Segment,
            TaskArg::Classify => Self::Classify,
            TaskArg::Regress => Self::Regress,
            TaskArg::Any => Self::Any,
        }
    }
}

/// "none", "percentile", "zscore" or "0.5,0.25".
fn parse_normalisation(text: &str) -> Result<Normalisation, String> {
    match text {
        "none" => return Ok(Normalisation::Fixed { mean: 0.0, std: 1.0 }),
        "percentile" => return Ok(Normalisation::Percentile { low: 1.0, high: 99.0 }),
        "zscore" => return Ok(Normalisation::ZScore),
        _ => {}
    }
    let numbers = text.split_once(',').and_then(|(mean, std)| Some((mean.parse().ok()?, std.parse().ok()?)));
    match numbers {
        Some((mean, std)) => Ok(Normalisation::Fixed { mean, std }),
        None => Err("expected none, percentile, zscore, or a mean and a deviation such as 0.45,0.22".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalisations_are_words_or_two_numbers() {
        assert_eq!(parse_normalisation("none"), Ok(Normalisation::Fixed { mean: 0.0, std: 1.0 }));
        assert_eq!(parse_normalisation("-0.5,0.25"), Ok(Normalisation::Fixed { mean: -0.5, std: 0.25 }));
        assert_eq!(parse_normalisation("zscore"), Ok(Normalisation::ZScore));
        for text in ["", "mean", "1", "1,x", "1,2,3"] {
            assert!(parse_normalisation(text).unwrap_err().starts_with("expected none"), "{text}");
        }
    }
}
