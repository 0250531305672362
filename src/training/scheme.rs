//! Which grey values or colours of a mask file mean which class.
use super::TrainingError;
use crate::analysis::LabelMap;
use std::path::Path;

/// One class and what stands for it in a mask file.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SchemeClass {
    pub name: String,
    pub colour: [u8; 3],
    /// grey values, single or ranges
    #[serde(default)]
    pub values: Vec<[i64; 2]>,
    #[serde(default)]
    pub rgb: Vec<[u8; 3]>,
    /// everything no other class claims
    #[serde(default)]
    pub rest: bool,
}

/// A TOML file: `[[class]]` with name, colour and `values = [1, "128..255"]`, `rgb = [[0, 0, 255]]` or `rest = true`.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelScheme {
    pub classes: Vec<SchemeClass>,
}

impl LabelScheme {
    pub fn load(_path: &Path) -> Result<Self, TrainingError> {
        todo!()
    }
    /// Reads a mask file into classes; a value no class claims is an error that names it and its first pixel.
    pub fn read_mask(&self, _path: &Path) -> Result<LabelMap, TrainingError> {
        todo!()
    }
}
