//! What can go wrong in writing.

use crate::analysis::AnalysisError;
use crate::imaging::ImagingError;
use crate::monitor::Cancelled;
use std::io;
use std::path::{Path, PathBuf};
use tiff::TiffError;

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file system says no; the old file, if there was one, is still there.
    #[error("{source}: {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Cannot be written in this format, and why.
    #[error("{0}")]
    Unsupported(String),
    /// What is to be written cannot be read.
    #[error(transparent)]
    Imaging(#[from] ImagingError),
    /// What is to be written cannot be computed.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl ExportError {
    /// For `map_err`: the failure of writing or reading `path`.
    pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_path_buf(), source }
    }

    /// A person stopped the work, which is no error.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Cancelled(_) | Self::Imaging(ImagingError::Cancelled(_)) => true,
            Self::Analysis(error) => error.is_cancelled(),
            _ => false,
        }
    }
}

/// Why a file broke off while it was written, before its path is known.
pub(super) enum Broken {
    Io(io::Error),
    Export(ExportError),
}

impl Broken {
    /// Adds the path of what was being written.
    pub(super) fn at(self, path: &Path) -> ExportError {
        match self {
            Self::Io(source) => ExportError::at(path)(source),
            Self::Export(error) => error,
        }
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<TiffError> for Broken {
    fn from(error: TiffError) -> Self {
        Self::Io(match error {
            TiffError::IoError(error) => error,
            other => io::Error::other(other),
        })
    }
}

impl From<ExportError> for Broken {
    fn from(error: ExportError) -> Self {
        Self::Export(error)
    }
}
