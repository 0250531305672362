//! What can go wrong in training and evaluating.
use crate::analysis::AnalysisError;
use crate::imaging::ImagingError;
use crate::network::NetworkError;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// A recipe, scheme or folder that says something impossible.
    #[error("{what}: {}", path.display())]
    Bad { path: PathBuf, what: String },
    #[error("{source}: {}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Data(String),
    #[error(transparent)]
    Imaging(#[from] ImagingError),
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    #[error(transparent)]
    Cancelled(#[from] crate::monitor::Cancelled),
}
