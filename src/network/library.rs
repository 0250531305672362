//! The models that are installed: every `.safetensors` in the program's `models` folders.

use super::{Graph, Model, ModelCard, NetworkError, bioimage, onnx};
use crate::monitor::Monitor;
use candle_core::Device;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file in a models folder; a bad one keeps its place with the reason.
#[derive(Debug)]
pub struct Installed {
    /// The file's stem, what `--model` takes.
    pub id: String,
    pub path: PathBuf,
    pub header: Result<(Graph, ModelCard), NetworkError>,
}

/// All of them, sorted by id; the first folder wins.
#[must_use]
pub fn installed() -> Vec<Installed> {
    let headed = |(id, path): (String, PathBuf)| Installed { header: Model::read_header(&path), id, path };
    model_files(&folders()).into_iter().map(headed).collect()
}

/// A path, or the id of an installed model; the error lists the ids there are.
///
/// # Errors
/// [`NetworkError::File`] when it is neither.
pub fn find_model(path_or_id: &str) -> Result<PathBuf, NetworkError> {
    find_in(path_or_id, &folders())
}

/// Whether a file can be opened as a model: by its ending, and an archive or description by what is in it.
#[must_use]
pub fn is_model_file(path: &Path) -> bool {
    ["safetensors", "onnx"].iter().any(|ending| has_ending(path, ending))
        || ["zip", "yaml", "yml"].iter().any(|ending| has_ending(path, ending)) && bioimage::is_package(path)
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending))
}

/// A model of a file: our own, or an ONNX file or package of bioimage.io, imported with what it says itself; and what a
/// person should know.
///
/// # Errors
/// As [`Model::load`], [`onnx::import`] and [`bioimage::import`].
pub fn load_model(
    path: &Path,
    device: &Device,
    monitor: &Monitor,
) -> Result<(Model, Vec<String>), NetworkError> {
    let (mut model, notes) = if has_ending(path, "onnx") {
        let imported = onnx::import(path, &onnx::ImportOptions::default(), monitor)?;
        (imported.model, imported.notes)
    } else if !has_ending(path, "safetensors") && bioimage::is_package(path) {
        let imported = bioimage::import(path, monitor)?;
        (imported.model, imported.notes)
    } else {
        return Ok((Model::load(path, device)?, Vec::new()));
    };
    for (name, tensor) in &mut model.weights.tensors {
        let failed = |source| NetworkError::Compute { node: name.clone(), source };
        *tensor = tensor.to_device(device).map_err(failed)?;
    }
    let failed = |source| NetworkError::Io { path: path.to_owned(), source };
    model.sha256 = Some(crate::files::sha256_of_file(path).map_err(failed)?);
    model.path = Some(path.to_owned());
    Ok((model, notes))
}

fn folders() -> Vec<PathBuf> {
    crate::files::program_folders("models")
}

/// Ids and paths of the model files in these folders.
fn model_files(folders: &[PathBuf]) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    for folder in folders {
        // A folder that cannot be read holds no models for this person.
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let is_model = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("safetensors"));
            if let (true, true, Some(stem)) = (is_model, path.is_file(), path.file_stem()) {
                let id = stem.to_string_lossy().into_owned();
                files.entry(id).or_insert(path);
            }
        }
    }
    files
}

fn find_in(path_or_id: &str, folders: &[PathBuf]) -> Result<PathBuf, NetworkError> {
    let path = PathBuf::from(path_or_id);
    if path.is_file() {
        return Ok(path);
    }
    let mut files = model_files(folders);
    if let Some(found) = files.remove(path_or_id) {
        return Ok(found);
    }
    let what = if path_or_id.contains(['/', '\\']) || path_or_id.ends_with(".safetensors") {
        "No such model file"
    } else {
        "No such model"
    };
    let ids = files.into_keys().collect::<Vec<_>>().join(", ");
    let installed = if ids.is_empty() { "none".to_owned() } else { ids };
    Err(NetworkError::File { path, what: format!("{what} (installed: {installed})") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::model::tests::tiny;

    #[test]
    fn the_first_folder_wins_and_other_files_are_left_alone() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        tiny().save(&first.path().join("sem.safetensors")).unwrap();
        std::fs::write(first.path().join("sem.toml"), "").unwrap();
        std::fs::create_dir(first.path().join("folder.safetensors")).unwrap();
        for name in ["sem.safetensors", "broken.safetensors"] {
            std::fs::write(second.path().join(name), "no model").unwrap();
        }
        let none = first.path().join("none");
        let folders = [none, first.path().to_owned(), second.path().to_owned()];
        let files: Vec<(String, PathBuf)> = model_files(&folders).into_iter().collect();
        let expected = [
            ("broken".to_owned(), second.path().join("broken.safetensors")),
            ("sem".to_owned(), first.path().join("sem.safetensors")),
        ];
        assert_eq!(files, expected);
    }

    #[test]
    fn a_model_is_found_by_path_or_id_and_the_error_says_what_there_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sem.safetensors");
        tiny().save(&path).unwrap();
        std::fs::write(dir.path().join("stem.safetensors"), "").unwrap();
        let folders = [dir.path().to_owned()];
        assert_eq!(find_in("sem", &folders).unwrap(), path);
        assert_eq!(find_in(path.to_str().unwrap(), &[]).unwrap(), path);
        let refuse = |id: &str, folders: &[PathBuf], expected: &str| {
            assert_eq!(find_in(id, folders).unwrap_err().to_string(), expected);
        };
        refuse("tem", &folders, "No such model (installed: sem, stem): tem");
        refuse("tem", &[], "No such model (installed: none): tem");
        refuse("a/tem", &folders, "No such model file (installed: sem, stem): a/tem");
    }

    #[test]
    fn installed_models_have_unique_sorted_ids() {
        let ids: Vec<String> = installed().into_iter().map(|model| model.id).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
    }
}
