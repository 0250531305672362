//! TIFF out, with the pixel size carried over.
use super::ExportError;
use crate::imaging::Calibration;
use ndarray::Array2;
use std::path::Path;

/// Pages `[y, x]` of equal shape and one type; several pages are channels.
#[derive(Debug, Clone, Copy)]
pub enum TiffPages<'a> {
    U8(&'a [Array2<u8>]),
    U16(&'a [Array2<u16>]),
    F32(&'a [Array2<f32>]),
}

/// Writes an OME-TIFF-readable (or plain) TIFF: one page a channel, names, and the pixel size when it is known.
pub fn write_tiff(
    _path: &Path,
    _pages: TiffPages<'_>,
    _channel_names: &[String],
    _calibration: &Calibration,
) -> Result<(), ExportError> {
    todo!()
}
