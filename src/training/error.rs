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

impl TrainingError {
    /// True when a person cancelled, wherever in the stack that was noticed.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Cancelled(_)
            | Self::Imaging(ImagingError::Cancelled(_))
            | Self::Network(NetworkError::Cancelled(_)) => true,
            Self::Analysis(e) => e.is_cancelled(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Cancelled;

    #[test]
    fn cancelling_is_seen_at_any_depth() {
        assert!(TrainingError::from(Cancelled).is_cancelled());
        assert!(TrainingError::from(ImagingError::Cancelled(Cancelled)).is_cancelled());
        assert!(TrainingError::from(NetworkError::Cancelled(Cancelled)).is_cancelled());
        assert!(TrainingError::from(AnalysisError::from(Cancelled)).is_cancelled());
        assert!(!TrainingError::Data("no".to_owned()).is_cancelled());
    }
}
