//! A micrograph as another file, with its calibration: OME-TIFF, plain TIFF, NumPy array or PNG.
//!
//! [`convert`] is what the window and the command line both call. It reads and writes plane by plane, so that a stack
//! of any length takes the memory of one plane. What a format cannot hold is refused or noted, never dropped silently.

mod calibration;
mod part;

mod npy;
mod ome;
mod picture;
mod plain;

use super::{Compression, ExportError};
use crate::imaging::{Contrast, Micrograph, SampleType};
use crate::monitor::Monitor;
use part::Part;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What a copy is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    OmeTiff,
    /// ImageJ's where ImageJ knows the type of the samples, tifffile's where not.
    Tiff,
    /// A NumPy array, and a JSON file with its calibration beside it.
    Npy,
    /// One picture.
    Png,
}

impl Target {
    pub const ALL: [Self; 4] = [Self::OmeTiff, Self::Tiff, Self::Npy, Self::Png];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OmeTiff => "ome-tiff",
            Self::Tiff => "tiff",
            Self::Npy => "npy",
            Self::Png => "png",
        }
    }

    /// As people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::OmeTiff => "OME-TIFF",
            Self::Tiff => "TIFF",
            Self::Npy => "NumPy array",
            Self::Png => "PNG",
        }
    }

    /// The endings of its files' names, the usual one first.
    #[must_use]
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Self::OmeTiff => &["ome.tif", "ome.tiff"],
            Self::Tiff => &["tif", "tiff"],
            Self::Npy => &["npy"],
            Self::Png => &["png"],
        }
    }

    /// What a file of this name is to be, by its ending.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let ends = |ending: &&str| name.strip_suffix(*ending).is_some_and(|stem| stem.ends_with('.'));
        Self::ALL.into_iter().find(|target| target.endings().iter().any(ends))
    }
}

/// How values become the brightness of an 8-bit picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rendering {
    Window(Contrast),
    /// Between percentiles of the picture, as the window shows it.
    Percentiles,
}

/// What is to be written of a micrograph, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvertRequest {
    pub target: Target,
    /// `None`: all.
    pub frames: Option<Range<usize>>,
    /// `None`: all, and colours stay colours.
    pub channels: Option<Vec<usize>>,
    /// Of TIFFs; `None`: DEFLATE for OME-TIFF, none for the plain TIFF that ImageJ must read.
    pub compression: Option<Compression>,
    /// Leave out the rows of text below the image.
    pub crop_info_bar: bool,
    /// Of PNGs; `None`: the values stay what they are.
    pub rendering: Option<Rendering>,
}

impl ConvertRequest {
    /// Everything, as it is.
    #[must_use]
    pub fn new(target: Target) -> Self {
        let (frames, channels, compression, rendering) = (None, None, None, None);
        Self { target, frames, channels, compression, crop_info_bar: false, rendering }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Converted {
    pub files: Vec<PathBuf>,
    /// Axes of the values in the file, slowest first, by tifffile's letters, and their lengths.
    pub axes: String,
    pub shape: Vec<usize>,
    pub sample_type: SampleType,
    /// What a person should know: what was left out, and what the format has no place for.
    pub notes: Vec<String>,
}

/// Writes a copy of a micrograph, or of a part of it, whole or not at all. An older file of that name is replaced, but
/// never the one that is read.
///
/// # Errors
/// `Unsupported` for what the target cannot hold, with what can; `Imaging` where the micrograph cannot be read.
pub fn convert(
    micrograph: &Micrograph,
    request: &ConvertRequest,
    path: &Path,
    monitor: &Monitor,
) -> Result<Converted, ExportError> {
    check(micrograph, request, path)?;
    let part = Part::of(micrograph, request)?;
    match request.target {
        Target::OmeTiff => {
            ome::write(part, request.compression.unwrap_or(Compression::Deflate), path, monitor)
        }
        Target::Tiff => plain::write(part, request.compression.unwrap_or_default(), path, monitor),
        Target::Npy => npy::write(part, path, monitor),
        Target::Png => picture::write(part, request.rendering, path, monitor),
    }
}

/// Refuses options that mean nothing to the target, and to write over the input.
fn check(micrograph: &Micrograph, request: &ConvertRequest, path: &Path) -> Result<(), ExportError> {
    let refuse = |why: &str| Err(ExportError::Unsupported(why.to_owned()));
    let tiff = matches!(request.target, Target::OmeTiff | Target::Tiff);
    if request.compression.is_some() && !tiff {
        return refuse("Only TIFFs have a choice of compression");
    }
    if request.rendering.is_some() && request.target != Target::Png {
        return refuse("Only a PNG can be rendered with a contrast; the other formats keep the values");
    }
    let same = |input: &Path| matches!((input.canonicalize(), path.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if micrograph.path().is_some_and(same) {
        let why =
            format!("The copy would take the place of the file that it is made from: {}", path.display());
        return Err(ExportError::Unsupported(why));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
