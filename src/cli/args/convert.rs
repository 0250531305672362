//! The flags of `convert` and `formats`.

use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::export::{Compression, Target};

#[derive(Debug, Args)]
pub struct ConvertArgs {
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The format (default: by the ending of --out)
    #[arg(long, value_enum)]
    pub to: Option<TargetArg>,
    /// The file to write; for several files a folder, which is made if it is not there
    #[arg(long, short)]
    pub out: PathBuf,
    /// Only this series of each file, counted from 0 (default: all into a folder, the first into a file)
    #[arg(long, value_name = "N")]
    pub series: Option<usize>,
    /// Only this frame, counted from 0
    #[arg(long, value_name = "N", conflicts_with = "frames")]
    pub frame: Option<usize>,
    /// Only the frames from A up to, but without, B, counted from 0, such as 10..20; either may be left out
    #[arg(long, value_name = "A..B", value_parser = parse_frames)]
    pub frames: Option<Frames>,
    /// Only these channels, counted from 0, such as 0,2
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    pub channels: Option<Vec<usize>>,
    /// Compression of TIFFs (default: deflate for ome-tiff, none for tiff)
    #[arg(long, value_enum)]
    pub compression: Option<CompressionArg>,
    /// Leave out the rows of text below the image
    #[arg(long)]
    pub crop_info_bar: bool,
    /// Render a PNG of any values in 8 bits: grey values shown black and white, such as 120,900
    #[arg(long, value_name = "LOW,HIGH", value_delimiter = ',', num_args = 1, allow_hyphen_values = true)]
    pub contrast: Option<Vec<f32>>,
    /// Render a PNG of any values in 8 bits, black and white at percentiles 0.35 and 99.65
    #[arg(long, conflicts_with = "contrast")]
    pub percentiles: bool,
    /// One JSON object a file written
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct FormatsArgs {
    /// One JSON object a format
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TargetArg {
    /// TIFF with OME-XML
    OmeTiff,
    /// TIFF that ImageJ reads, or one with its axes as tifffile writes them
    Tiff,
    /// NumPy array, with its calibration as JSON beside it
    Npy,
    /// One picture
    Png,
}

impl From<TargetArg> for Target {
    fn from(arg: TargetArg) -> Self {
        match arg {
            TargetArg::OmeTiff => Self::OmeTiff,
            TargetArg::Tiff => Self::Tiff,
            TargetArg::Npy => Self::Npy,
            TargetArg::Png => Self::Png,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompressionArg {
    None,
    Deflate,
    Zstd,
    Lzw,
}

impl From<CompressionArg> for Compression {
    fn from(arg: CompressionArg) -> Self {
        match arg {
            CompressionArg::None => Self::None,
            CompressionArg::Deflate => Self::Deflate,
            CompressionArg::Zstd => Self::Zstd,
            CompressionArg::Lzw => Self::Lzw,
        }
    }
}

/// A range of frames; without an end, up to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frames {
    start: usize,
    end: Option<usize>,
}

impl Frames {
    /// Of a micrograph with `all` frames.
    #[must_use]
    pub fn of(self, all: usize) -> Range<usize> {
        self.start..self.end.unwrap_or(all)
    }
}

fn parse_frames(text: &str) -> Result<Frames, String> {
    let wrong = || "expected A..B with A less than B, such as 10..20".to_owned();
    let (start, end) = text.split_once("..").ok_or_else(wrong)?;
    let start = if start.is_empty() { 0 } else { start.parse().map_err(|_| wrong())? };
    let end: Option<usize> = if end.is_empty() { None } else { Some(end.parse().map_err(|_| wrong())?) };
    if end.is_some_and(|end| end <= start) { Err(wrong()) } else { Ok(Frames { start, end }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_a_range_or_refused() {
        let of = |text| parse_frames(text).map(|frames| frames.of(30));
        assert_eq!(
            (of("10..20"), of("..5"), of("7.."), of("..")),
            (Ok(10..20), Ok(0..5), Ok(7..30), Ok(0..30))
        );
        for bad in ["", "5", "5..5", "6..5", "a..b", "-1..3", "1...3", "99999999999999999999.."] {
            assert!(parse_frames(bad).is_err(), "{bad}");
        }
    }
}
