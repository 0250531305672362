//! What can go wrong between a micrograph and a result.
use crate::imaging::ImagingError;
use crate::network::NetworkError;

#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// Model and micrograph do not fit each other, and what to do.
    #[error("{0}")]
    Mismatch(String),
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
        todo!()
    }
}
