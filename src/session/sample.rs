//! The shipped sample: a micrograph and the segmenter that suits it.

use super::opening::images_in;
use super::{JobKind, ModelEntry, Session, Severity};
use crate::files::program_folders;
use crate::network::Task;
use std::path::PathBuf;

/// Beginning of the sample's file name, and the id of its model.
const SAMPLE: &str = "sem-precipitates";

impl Session {
    /// Opens the sample, loads its model and runs it as soon as both are there.
    pub(super) fn open_sample(&mut self) {
        let Some(image) = sample_image(&program_folders("sample_data")) else {
            let text = "No sample_data folder with images was found: open an image of your own, or set \
                        POLEPIECE_HOME to the folder that holds sample_data and models";
            self.say(Severity::Error, text);
            return;
        };
        let Some(model) = segmenter(&self.library).map(|entry| entry.id.clone()) else {
            self.say(
                Severity::Warning,
                "No segmenter is installed: open a model file to run one on the sample",
            );
            self.open_paths(vec![image], false);
            return;
        };
        self.run_when_ready = true;
        self.open_paths(vec![image], false);
        if self.loaded_choice.as_ref() != Some(&model) || self.is_busy(JobKind::LoadModel) {
            self.load_model(model, false);
        }
    }
}

/// The preferred image of the first folder that has images, else its first one.
fn sample_image(folders: &[PathBuf]) -> Option<PathBuf> {
    let mut filled =
        folders.iter().filter_map(|folder| images_in(folder).ok()).filter(|files| !files.is_empty());
    let files = filled.next()?;
    let preferred = |file: &&PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(SAMPLE) && name.contains(".tif")
    };
    files.iter().find(preferred).or(files.first()).cloned()
}

/// The sample's model, else the first segmenter that is installed.
fn segmenter(library: &[ModelEntry]) -> Option<&ModelEntry> {
    let segments = |entry: &&ModelEntry| entry.card.as_ref().is_ok_and(|card| card.task == Task::Segment);
    let mut usable = library.iter().filter(segments);
    usable.clone().find(|entry| entry.id == SAMPLE).or_else(|| usable.next())
}

#[cfg(test)]
mod tests {
    use super::super::testing::TinyModel;
    use super::*;

    #[test]
    fn the_precipitates_are_preferred_and_any_image_will_do() {
        let (empty, full) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folders = [empty.path().to_path_buf(), full.path().to_path_buf()];
        assert_eq!(sample_image(&folders), None);
        let file = |name: &str| {
            let path = full.path().join(name);
            std::fs::write(&path, "").unwrap();
            path
        };
        file("sem-precipitates.txt");
        let other = file("haadf.tif");
        assert_eq!(sample_image(&folders), Some(other));
        let preferred = file("sem-precipitates-1.tif");
        assert_eq!(sample_image(&folders), Some(preferred));
    }

    #[test]
    fn the_model_is_the_samples_own_else_the_first_segmenter() {
        let entry = |id: &str, model: TinyModel| ModelEntry {
            id: id.to_owned(),
            path: PathBuf::new(),
            card: Ok(model.build().card),
        };
        let mut library =
            vec![entry("a-kind", TinyModel::classifier()), entry("stem", TinyModel::segmenter())];
        assert_eq!(segmenter(&library).map(|entry| entry.id.as_str()), Some("stem"));
        library.push(entry(SAMPLE, TinyModel::segmenter()));
        assert_eq!(segmenter(&library).map(|entry| entry.id.as_str()), Some(SAMPLE));
        library[2].card = Err("cut short".to_owned());
        library.remove(1);
        assert_eq!(segmenter(&library).map(|entry| entry.id.as_str()), None);
    }
}
