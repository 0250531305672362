//! What can go wrong in training and evaluating.
use crate::analysis::AnalysisError;
use crate::compute::is_out_of_memory;
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

    /// A step of `crops` crops for which the device had no memory, said as that; any other error as it is.
    pub(super) fn of_step(self, crops: usize) -> Self {
        match &self {
            Self::Tensor(source) | Self::Network(NetworkError::Compute { source, .. })
                if is_out_of_memory(source) =>
            {
                Self::Data(format!(
                    "The device has no memory left for a step of {crops} crops; lower batch or crop"
                ))
            }
            _ => self,
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

    #[test]
    fn a_full_device_asks_for_smaller_steps() {
        let full = || candle_core::Error::Msg("CUDA_ERROR_OUT_OF_MEMORY".to_owned());
        let expected = "The device has no memory left for a step of 4 crops; lower batch or crop";
        assert_eq!(TrainingError::from(full()).of_step(4).to_string(), expected);
        let at_a_node = NetworkError::Compute { node: "enc1".to_owned(), source: full() };
        assert_eq!(TrainingError::from(at_a_node).of_step(4).to_string(), expected);
        assert_eq!(TrainingError::Data("no".to_owned()).of_step(4).to_string(), "no");
    }
}
