//! What can go wrong with an image file.
use std::path::PathBuf;

/// Errors say whether the file is bad, not supported yet, or the caller is wrong.
#[derive(Debug, thiserror::Error)]
pub enum ImagingError {
    /// The file is damaged or is not what it says it is.
    #[error("{what}: {}", path.display())]
    Bad { path: PathBuf, what: String },
    /// A sound file that Polepiece cannot read yet.
    #[error("{what}: {}", path.display())]
    Unsupported { path: PathBuf, what: String },
    #[error("{source}: {}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// A frame or channel that the micrograph does not have.
    #[error("{0}")]
    OutOfRange(String),
    #[error(transparent)]
    Cancelled(#[from] crate::monitor::Cancelled),
}
