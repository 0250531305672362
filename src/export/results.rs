//! Everything a run leaves behind, in one folder.
use super::ExportError;
use crate::analysis::{Classification, RunSettings, Segmentation};
use crate::imaging::{Contrast, Micrograph};
use crate::network::Model;
use std::path::{Path, PathBuf};

/// What to write of a segmentation. The manifest is always written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Label,
    Palette,
    Overlay,
    Probability,
    Csv,
}

impl Format {
    pub const ALL: [Self; 5] = [Self::Label, Self::Palette, Self::Overlay, Self::Probability, Self::Csv];
}

/// How the overlay picture is painted.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Paint {
    /** 0..=1 */
    pub opacity: f32,
    /** `None`: by percentiles */
    pub contrast: Option<Contrast>,
}

/// A result and all that made it. The window and the command line fill in the same struct.
#[derive(Debug, Clone, Copy)]
pub struct ExportJob<'a> {
    pub micrograph: &'a Micrograph,
    pub model: &'a Model,
    pub settings: &'a RunSettings,
    pub device: &'a str,
    pub threads: usize,
    pub segmentation: &'a Segmentation,
    pub formats: &'a [Format],
    pub paint: Paint,
}

/// Writes `STEM.label.tif`, `.palette.png`, `.overlay.png`, `.probability.tif`, `.objects.csv` and `STEM.manifest.json`; gives the paths. STEM is the file's stem, with `.series2` and `.frame3` when there are several.
pub fn write_results(_job: &ExportJob<'_>, _dir: &Path) -> Result<Vec<PathBuf>, ExportError> {
    todo!()
}

/// A classifier's result as `STEM.classes.csv` and its manifest.
pub fn write_class_table(
    _micrograph: &Micrograph,
    _classification: &Classification,
    _dir: &Path,
) -> Result<Vec<PathBuf>, ExportError> {
    todo!()
}
