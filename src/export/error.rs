//! What can go wrong in writing.
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("{source}: {}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// Cannot be written in this format, and why.
    #[error("{0}")]
    Unsupported(String),
}
