//! Feature maps out: NumPy arrays and contact sheets.
use super::ExportError;
use crate::inspect::FeatureMaps;
use std::path::{Path, PathBuf};

/// Writes `NODE.npy` (`[channel, y, x]`, f32) and `NODE.png` (all features as one sheet).
pub fn write_features(_maps: &FeatureMaps, _dir: &Path) -> Result<Vec<PathBuf>, ExportError> {
    todo!()
}
