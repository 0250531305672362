//! What can go wrong between a micrograph and a result.
use crate::compute::is_out_of_memory;
use crate::imaging::ImagingError;
use crate::network::NetworkError;

#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// Model and micrograph do not fit each other, and what to do.
    #[error("{0}")]
    Mismatch(String),
    /// A place that the micrograph does not have.
    #[error("{0}")]
    Place(String),
    /// More memory than there is, with the number.
    #[error("{0}")]
    Memory(String),
    #[error(transparent)]
    Imaging(#[from] ImagingError),
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error(transparent)]
    Cancelled(#[from] crate::monitor::Cancelled),
}

impl AnalysisError {
    /// True when a person cancelled, wherever in the stack that was noticed.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Cancelled(_)
                | Self::Imaging(ImagingError::Cancelled(_))
                | Self::Network(NetworkError::Cancelled(_))
        )
    }

    /// True when the device had no memory left.
    pub(super) fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::Network(NetworkError::Compute { source, .. }) if is_out_of_memory(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Cancelled;

    #[test]
    fn cancelling_is_seen_at_any_depth() {
        assert!(AnalysisError::from(Cancelled).is_cancelled());
        assert!(AnalysisError::from(ImagingError::Cancelled(Cancelled)).is_cancelled());
        assert!(AnalysisError::from(NetworkError::Cancelled(Cancelled)).is_cancelled());
        assert!(!AnalysisError::Mismatch("no".into()).is_cancelled());
    }
}
