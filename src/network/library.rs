//! The models that are installed: every `.safetensors` in the program's `models` folders.
use super::{Graph, ModelCard, NetworkError};
use std::path::PathBuf;

/// A file in a models folder; a bad one keeps its place with the reason.
#[derive(Debug)]
pub struct Installed {
    /** the file's stem, what `--model` takes */
    pub id: String,
    pub path: PathBuf,
    pub header: Result<(Graph, ModelCard), NetworkError>,
}

/// All of them, sorted by id; the first folder wins.
#[must_use]
pub fn installed() -> Vec<Installed> {
    todo!()
}

/// A path, or the id of an installed model; the error lists the ids there are.
pub fn find_model(_path_or_id: &str) -> Result<PathBuf, NetworkError> {
    todo!()
}
