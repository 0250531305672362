//! What can go wrong in writing.

use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file system says no; the old file, if there was one, is still there.
    #[error("{source}: {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Cannot be written in this format, and why.
    #[error("{0}")]
    Unsupported(String),
}

impl ExportError {
    /// For `map_err`: the failure of writing or reading `path`.
    pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_path_buf(), source }
    }
}
