//! Everything a run leaves behind, in one folder.

use super::names::result_stem;
use super::tables::{classes_csv, objects_csv};
use super::tiff::{Document, PageAxis};
use super::{ExportError, TiffPages, manifest, pictures, write_labels};
use crate::analysis::{Classification, RunSettings, Segmentation, measure};
use crate::files::write_whole;
use crate::imaging::{Calibration, Colormap, Contrast, Display, Micrograph, Percentiles, Tone};
use crate::network::Model;
use ndarray::{Array2, ArrayView2, Axis};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What to write of a segmentation. The manifest is always written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Class of every pixel, 8- or 16-bit TIFF.
    Label,
    /// The same in class colours, PNG.
    Palette,
    /// Class colours over the image, PNG.
    Overlay,
    /// Softmax, one f32 page a class, TIFF.
    Probability,
    /// Table of objects.
    Csv,
}

impl Format {
    pub const ALL: [Self; 5] = [Self::Label, Self::Palette, Self::Overlay, Self::Probability, Self::Csv];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Palette => "palette",
            Self::Overlay => "overlay",
            Self::Probability => "probability",
            Self::Csv => "csv",
        }
    }

    /// What stands behind the stem in the file's name.
    fn ending(self) -> &'static str {
        match self {
            Self::Label => "label.tif",
            Self::Palette => "palette.png",
            Self::Overlay => "overlay.png",
            Self::Probability => "probability.tif",
            Self::Csv => "objects.csv",
        }
    }

    /// Those of `formats`, once each, in the order of [`Format::ALL`].
    pub(super) fn listed(formats: &[Self]) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|format| formats.contains(format))
    }
}

/// How the overlay picture is painted.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Paint {
    /// 0..=1.
    pub opacity: f32,
    /// `None`: by percentiles.
    pub contrast: Option<Contrast>,
    pub percentiles: Percentiles,
    #[serde(flatten)]
    pub tone: Tone,
    pub colormap: Colormap,
}

impl Default for Paint {
    fn default() -> Self {
        Self {
            opacity: 0.5,
            contrast: None,
            percentiles: Percentiles::default(),
            tone: Tone::default(),
            colormap: Colormap::default(),
        }
    }
}

impl Paint {
    /// How an image's values become colours.
    pub(super) fn display(&self, values: ArrayView2<'_, f32>) -> Display {
        let by_percentiles = || self.percentiles.window(values, self.colormap.is_signed());
        let contrast = self.contrast.unwrap_or_else(by_percentiles);
        Display { contrast, tone: self.tone, colormap: self.colormap }
    }
}

/// A result and all that made it. The window and the command line fill in the same struct.
#[derive(Debug, Clone, Copy)]
pub struct ExportJob<'a> {
    pub micrograph: &'a Micrograph,
    pub model: &'a Model,
    pub settings: &'a RunSettings,
    /// Such as "CPU, 2 threads"; anything that does not begin with "CPU" is a GPU.
    pub device: &'a str,
    /// As asked for; 0 for every core.
    pub threads: usize,
    pub segmentation: &'a Segmentation,
    pub formats: &'a [Format],
    pub paint: Paint,
}

/// A classifier's result and all that made it.
#[derive(Debug, Clone, Copy)]
pub struct ClassJob<'a> {
    pub micrograph: &'a Micrograph,
    pub model: &'a Model,
    pub settings: &'a RunSettings,
    pub device: &'a str,
    pub threads: usize,
    pub classification: &'a Classification,
}

/// Writes `STEM.label.tif`, `.palette.png`, `.overlay.png`, `.probability.tif`, `.objects.csv` and, last,
/// `STEM.manifest.json`; gives the paths. STEM is [`result_stem`]'s; the folder is made if it is not there.
///
/// # Errors
/// The first file that cannot be written, by name. Files written before it are whole; no manifest speaks of them.
pub fn write_results(job: &ExportJob<'_>, dir: &Path) -> Result<Vec<PathBuf>, ExportError> {
    check(job)?;
    make_folder(dir)?;
    let stem = result_stem(job.micrograph, job.settings.frame);
    let manifest = forget_manifest(dir, &stem)?;
    let mut files = Vec::new();
    for format in Format::listed(job.formats) {
        let path = dir.join(format!("{stem}.{}", format.ending()));
        write_one(job, format, &path)?;
        files.push(path);
    }
    write_bytes(&manifest, &manifest::of_segmentation(job, dir, &files)?)?;
    files.push(manifest);
    Ok(files)
}

/// Writes a classifier's result as `STEM.classes.csv` and its manifest.
pub fn write_class_table(job: &ClassJob<'_>, dir: &Path) -> Result<Vec<PathBuf>, ExportError> {
    make_folder(dir)?;
    let stem = result_stem(job.micrograph, job.settings.frame);
    let manifest = forget_manifest(dir, &stem)?;
    let path = dir.join(format!("{stem}.classes.csv"));
    let table = classes_csv(job.classification).map_err(ExportError::at(&path))?;
    write_bytes(&path, &table)?;
    let mut files = vec![path];
    write_bytes(&manifest, &manifest::of_classification(job, &files)?)?;
    files.push(manifest);
    Ok(files)
}

fn write_one(job: &ExportJob<'_>, format: Format, path: &Path) -> Result<(), ExportError> {
    let Segmentation { labels, probabilities, classes, pixel, .. } = job.segmentation;
    let calibration = Calibration::default().with_pixel(pixel.as_ref());
    match format {
        Format::Label => write_labels(path, labels, classes.len(), &calibration),
        Format::Palette => write_whole(path, |out| pictures::palette_png(labels, classes, out))
            .map_err(ExportError::at(path)),
        Format::Overlay => {
            let grey = job.micrograph.grey(job.settings.frame).map_err(|error| ExportError::Io {
                path: path.to_path_buf(),
                source: io::Error::other(format!("The image for the overlay cannot be read: {error}")),
            })?;
            let rgb =
                pictures::overlay(grey.view(), job.segmentation.specimen_rows, (labels, classes), job.paint);
            let size = [labels.height(), labels.width()];
            write_whole(path, |out| pictures::rgb_png(&rgb, size, out)).map_err(ExportError::at(path))
        }
        Format::Probability => {
            let pages: Vec<Array2<f32>> = probabilities.axis_iter(Axis(0)).map(|p| p.to_owned()).collect();
            let names: Vec<String> = classes.iter().map(|class| class.name.clone()).collect();
            let (pages, axis) = (TiffPages::F32(&pages), PageAxis::Channels);
            Document { pages, axis, names: &names, calibration: &calibration, display: Some([0.0, 1.0]) }
                .write(path)
        }
        Format::Csv => {
            let objects = measure(labels, pixel.as_ref());
            let table = objects_csv(&objects, classes, pixel.is_some()).map_err(ExportError::at(path))?;
            write_bytes(path, &table)
        }
    }
}

/// Refuses a result whose parts do not belong together, before anything is written.
fn check(job: &ExportJob<'_>) -> Result<(), ExportError> {
    let Segmentation { labels, probabilities, classes, .. } = job.segmentation;
    let refuse = |why: String| Err(ExportError::Unsupported(why));
    let size = (labels.height(), labels.width());
    let image = (job.micrograph.height(), job.micrograph.width());
    if size != image {
        return refuse(format!(
            "The mask is {} × {} pixels but the image {} × {}",
            size.0, size.1, image.0, image.1
        ));
    }
    if job.formats.contains(&Format::Probability) && probabilities.dim() != (classes.len(), size.0, size.1) {
        return refuse(format!(
            "The probabilities have the shape {:?}, expected {:?}",
            probabilities.shape(),
            [classes.len(), size.0, size.1]
        ));
    }
    match labels.0.iter().copied().max() {
        Some(highest) if usize::from(highest) >= classes.len() => {
            refuse(format!("The mask holds class {highest} but there are {} classes", classes.len()))
        }
        _ => Ok(()),
    }
}

/// Makes a folder and all above it.
pub(super) fn make_folder(dir: &Path) -> Result<(), ExportError> {
    std::fs::create_dir_all(dir).map_err(|error| {
        let why = format!("The folder for the results cannot be made ({error})");
        ExportError::at(dir)(io::Error::new(error.kind(), why))
    })
}

/// The manifest's path; an older one goes first, so that none ever speaks of files that are not its own.
pub(super) fn forget_manifest(dir: &Path, stem: &str) -> Result<PathBuf, ExportError> {
    let path = dir.join(format!("{stem}.manifest.json"));
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ExportError::at(&path)(error)),
        _ => Ok(path),
    }
}

pub(super) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
    write_whole(path, |out| out.write_all(bytes)).map_err(ExportError::at(path))
}

#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
