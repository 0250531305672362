//! What made a result, beside it: `STEM.manifest.json`.
//!
//! Everything is relative to nothing but the files it names by hash; there is no time in it, so that the same run
//! gives the same bytes.

use super::command::{absolute, class_command_line, command_line, regression_command_line};
use super::{ClassJob, ExportError, ExportJob, Format, Paint, RegressionJob};
use crate::analysis::RunSettings;
use crate::files::sha256_of_file;
use crate::imaging::{InfoBar, Micrograph, PixelSize};
use crate::network::{ClassInfo, Model};
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct Manifest<'a> {
    program: &'static str,
    version: &'static str,
    /// What makes the same files again, for a POSIX shell.
    command: String,
    input: Input<'a>,
    model: ModelOf<'a>,
    settings: Settings<'a>,
    /// Of a regressor its outputs.
    classes: Vec<Class<'a>>,
    /// Of a regressor's numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    units: Option<&'a str>,
    pixel_size: Option<&'a PixelSize>,
    files: Vec<Written>,
}

#[derive(Serialize)]
struct Input<'a> {
    /// `None` for an image that was never a file.
    path: Option<String>,
    sha256: Option<String>,
    format: &'a str,
    /// From 0.
    series: usize,
    frames: usize,
    channels: &'a [String],
    height: usize,
    width: usize,
}

#[derive(Serialize)]
struct ModelOf<'a> {
    name: &'a str,
    path: Option<String>,
    sha256: Option<&'a str>,
}

#[derive(Serialize)]
struct Settings<'a> {
    #[serde(flatten)]
    run: &'a RunSettings,
    /// The rows of text below the image that were left out; `None` where there are none.
    info_bar: Option<&'a InfoBar>,
    /// Side of the tiles that were used, whether asked for or not; `None` for the whole image at once.
    tile_used: Option<usize>,
    device: &'a str,
    /// 0 for every core.
    threads: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    overlay: Option<Paint>,
}

#[derive(Serialize)]
struct Class<'a> {
    value: usize,
    name: &'a str,
    colour: [u8; 3],
}

#[derive(Serialize)]
struct Written {
    name: String,
    sha256: String,
}

/// The manifest of a segmentation whose other files lie in `dir`.
pub(super) fn of_segmentation(
    job: &ExportJob<'_>,
    dir: &Path,
    files: &[PathBuf],
) -> Result<Vec<u8>, ExportError> {
    let overlay = job.formats.contains(&Format::Overlay).then_some(job.paint);
    let (device, threads) = (job.device, job.threads);
    text(&Manifest {
        program: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        command: command_line(job, dir),
        input: Input::of(job.micrograph)?,
        model: ModelOf::of(job.model),
        settings: Settings {
            run: job.settings,
            info_bar: job.micrograph.info_bar(),
            tile_used: job.segmentation.tile,
            device,
            threads,
            overlay,
        },
        classes: classes(&job.segmentation.classes),
        units: None,
        pixel_size: job.segmentation.pixel.as_ref(),
        files: written(files)?,
    })
}

/// The manifest of a classification.
pub(super) fn of_classification(job: &ClassJob<'_>, files: &[PathBuf]) -> Result<Vec<u8>, ExportError> {
    let (device, threads) = (job.device, job.threads);
    let pixel = job.micrograph.calibration().pixel();
    text(&Manifest {
        program: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        command: class_command_line(job),
        input: Input::of(job.micrograph)?,
        model: ModelOf::of(job.model),
        settings: Settings {
            run: job.settings,
            info_bar: job.micrograph.info_bar(),
            tile_used: None,
            device,
            threads,
            overlay: None,
        },
        classes: classes(&job.classification.classes),
        units: None,
        pixel_size: pixel.as_ref(),
        files: written(files)?,
    })
}

/// The manifest of a regression whose other files lie in `dir`.
pub(super) fn of_regression(
    job: &RegressionJob<'_>,
    dir: &Path,
    files: &[PathBuf],
) -> Result<Vec<u8>, ExportError> {
    let (device, threads) = (job.device, job.threads);
    text(&Manifest {
        program: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        command: regression_command_line(job, dir),
        input: Input::of(job.micrograph)?,
        model: ModelOf::of(job.model),
        settings: Settings {
            run: job.settings,
            info_bar: job.micrograph.info_bar(),
            tile_used: job.regression.tile,
            device,
            threads,
            overlay: None,
        },
        classes: classes(&job.regression.outputs),
        units: job.regression.units.as_deref(),
        pixel_size: job.regression.pixel.as_ref(),
        files: written(files)?,
    })
}

fn text(manifest: &Manifest<'_>) -> Result<Vec<u8>, ExportError> {
    let mut text = serde_json::to_vec_pretty(manifest).map_err(|error| {
        ExportError::Unsupported(format!("The manifest cannot be written as JSON: {error}"))
    })?;
    text.push(b'\n');
    Ok(text)
}

impl<'a> Input<'a> {
    fn of(micrograph: &'a Micrograph) -> Result<Self, ExportError> {
        let hash = |path: &Path| sha256_of_file(path).map_err(ExportError::at(path));
        Ok(Self {
            path: micrograph.path().map(absolute),
            sha256: micrograph.path().map(hash).transpose()?,
            format: micrograph.format(),
            series: micrograph.series(),
            frames: micrograph.frames(),
            channels: micrograph.channel_names(),
            height: micrograph.height(),
            width: micrograph.width(),
        })
    }
}

impl<'a> ModelOf<'a> {
    fn of(model: &'a Model) -> Self {
        let path = model.path.as_deref().map(absolute);
        Self { name: &model.card.name, path, sha256: model.sha256.as_deref() }
    }
}

fn classes(classes: &[ClassInfo]) -> Vec<Class<'_>> {
    (0..).zip(classes).map(|(value, info)| Class { value, name: &info.name, colour: info.colour }).collect()
}

fn written(files: &[PathBuf]) -> Result<Vec<Written>, ExportError> {
    files
        .iter()
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok(Written { name, sha256: sha256_of_file(path).map_err(ExportError::at(path))? })
        })
        .collect()
}
