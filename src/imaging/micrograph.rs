//! A file as an n-dimensional image with axes (frame, channel, y, x).
use super::{Calibration, ImagingError, Plane, SampleType};
use crate::monitor::Monitor;
use ndarray::{Array2, Array4};
use std::path::Path;
use std::sync::Arc;

/// One series of a file: planes of equal shape and type along frames and channels. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Micrograph(Arc<()>);

/// Opens a file; every group of planes of equal shape is one series. Never empty.
///
/// # Errors
/// Bad, unsupported or unreadable files, each by name.
pub fn open(_path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
    todo!()
}

impl Micrograph {
    /// An image made in memory, `[frame, channel, y, x]`.
    #[must_use]
    pub fn from_array(
        _name: &str,
        _values: Array4<f32>,
        _channel_names: Vec<String>,
        _calibration: Calibration,
    ) -> Self {
        todo!()
    }
    /// Same, of stored u8 planes (`[frame, channel, y, x]`), so that what is written stays 8-bit.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        todo!()
    }
    /// The file's name, with "(series 2)" when it is not the first of several.
    #[must_use]
    pub fn name(&self) -> &str {
        todo!()
    }
    /// Position of this series in its file, from 0.
    #[must_use]
    pub fn series(&self) -> usize {
        todo!()
    }
    /// Such as "TIFF", "OME-TIFF", "ImageJ TIFF", "PNG".
    #[must_use]
    pub fn format(&self) -> &str {
        todo!()
    }
    #[must_use]
    pub fn frames(&self) -> usize {
        todo!()
    }
    #[must_use]
    pub fn channels(&self) -> usize {
        todo!()
    }
    #[must_use]
    pub fn height(&self) -> usize {
        todo!()
    }
    #[must_use]
    pub fn width(&self) -> usize {
        todo!()
    }
    #[must_use]
    pub fn sample_type(&self) -> SampleType {
        todo!()
    }
    /// Axes in the file's own order, such as "TCYX" or "YXS" (tifffile's letters).
    #[must_use]
    pub fn stored_axes(&self) -> &str {
        todo!()
    }
    /// Length of each of the stored axes.
    #[must_use]
    pub fn stored_shape(&self) -> &[usize] {
        todo!()
    }
    /// One name a channel; "red", "green", "blue", "alpha" for colour images, else the file's or "channel 1"….
    #[must_use]
    pub fn channel_names(&self) -> &[String] {
        todo!()
    }
    /// True when the channels are the samples of a colour picture.
    #[must_use]
    pub fn is_colour(&self) -> bool {
        todo!()
    }
    #[must_use]
    pub fn calibration(&self) -> &Calibration {
        todo!()
    }
    /// What the reader has to say about the file (a page skipped, a tag that contradicts another), one sentence each.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        todo!()
    }
    /// One plane, from the cache or the file.
    pub fn plane(&self, _frame: usize, _channel: usize) -> Result<Arc<Plane>, ImagingError> {
        todo!()
    }
    /// Grey values `[y, x]` of a frame: the luminance (Rec. 601) of a colour picture, channel 0 of others.
    pub fn grey(&self, _frame: usize) -> Result<Array2<f32>, ImagingError> {
        todo!()
    }
    /// First 16 hex digits of SHA-256 over the decoded stored values in C order of the stored axes, little-endian.
    pub fn sha256_le(&self, _monitor: &Monitor) -> Result<String, ImagingError> {
        todo!()
    }
}
