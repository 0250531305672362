//! One array of numbers as a NumPy file.

use super::ExportError;
use crate::files::write_whole;
use ndarray::{ArrayBase, Data, Dimension};
use npyz::WriterBuilder;
use std::path::Path;

/// Writes f32 values in C order, whole or not at all.
pub fn write_array<S: Data<Elem = f32>, D: Dimension>(
    array: &ArrayBase<S, D>,
    path: &Path,
) -> Result<(), ExportError> {
    write_whole(path, |out| {
        let shape: Vec<u64> = array.shape().iter().map(|&length| length as u64).collect();
        let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(out).begin_nd()?;
        writer.extend(array.iter())?;
        writer.finish()
    })
    .map_err(ExportError::at(path))
}
