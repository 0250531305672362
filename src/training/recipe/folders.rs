//! A recipe for a person's own folders, without writing one.
use super::{NetworkSpec, Recipe};
use crate::training::TrainingError;
use std::path::PathBuf;

/// What `train --images DIR --masks DIR` says.
#[derive(Debug, Clone, Default)]
pub struct FolderTraining {
    /// Folder of images; for a classifier a folder with one folder a class.
    pub images: PathBuf,
    /// `None` for classifiers.
    pub masks: Option<PathBuf>,
    /// Label scheme file; `None`: mask values are class indices, 0 and 255 are two classes.
    pub scheme: Option<PathBuf>,
    pub validation_images: Option<PathBuf>,
    pub validation_masks: Option<PathBuf>,
    pub network: NetworkSpec,
}

impl Recipe {
    /// A recipe with the usual choices; classes come from the scheme, or from the values in the masks.
    pub fn from_folders(_wanted: &FolderTraining) -> Result<Self, TrainingError> {
        todo!()
    }
}
