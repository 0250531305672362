//! How a model is trained, as a TOML file.
use super::TrainingError;
use std::path::Path;

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Recipe {
    pub seed: u64,
}

impl Recipe {
    pub fn load(_path: &Path) -> Result<Self, TrainingError> {
        todo!()
    }
}
