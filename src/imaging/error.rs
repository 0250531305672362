//! What can go wrong with an image file.

use std::io;
use std::path::{Path, PathBuf};

/// Errors say whether the file is bad, not supported yet, or the caller is wrong.
#[derive(Debug, thiserror::Error)]
pub enum ImagingError {
    /// The file is damaged or is not what it says it is.
    #[error("{what}: {}", path.display())]
    Bad { path: PathBuf, what: String },
    /// A sound file that Polepiece cannot read yet.
    #[error("{what}: {}", path.display())]
    Unsupported { path: PathBuf, what: String },
    /// The file system says no.
    #[error("{source}: {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// A frame, channel or plane that the micrograph does not have.
    #[error("{0}")]
    OutOfRange(String),
    #[error(transparent)]
    Cancelled(#[from] crate::monitor::Cancelled),
}

/// An error inside a reader, before the path is known.
#[derive(Debug)]
pub(super) enum Fault {
    Bad(String),
    Unsupported(String),
    Io(io::Error),
}

impl Fault {
    /// Adds the file's path.
    pub(super) fn at(self, path: &Path) -> ImagingError {
        let path = path.to_path_buf();
        match self {
            Self::Bad(what) => ImagingError::Bad { path, what },
            Self::Unsupported(what) => ImagingError::Unsupported { path, what },
            Self::Io(source) => ImagingError::Io { path, source },
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Self::Bad("The file ends before its data does".into())
        } else {
            Self::Io(error)
        }
    }
}
