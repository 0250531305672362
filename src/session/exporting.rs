//! Taking the result away.

use super::apply::Answer;
use super::job::Failure;
use super::{ExportRequest, JobKind, RunResult, Session, Severity};
use crate::analysis::Prediction;
use crate::export::{ClassJob, ExportJob, Paint, write_class_table, write_features, write_results};
use crate::inspect::FeatureMaps;
use crate::monitor::Monitor;
use std::path::PathBuf;
use std::sync::Arc;

/// What was written, and what was not.
pub(super) struct Exported {
    dir: PathBuf,
    files: Vec<PathBuf>,
    errors: Vec<String>,
}

/// Everything an export is made from.
struct ExportInput {
    request: ExportRequest,
    result: RunResult,
    features: Option<Arc<FeatureMaps>>,
    device: String,
    paint: Paint,
}

impl Session {
    /// Writes the result; what is seen is what is written.
    pub(super) fn export(&mut self, request: ExportRequest) {
        let Some(result) = self.result.clone() else {
            self.say(Severity::Warning, "Run a model first, then there is something to export");
            return;
        };
        // A window set by hand belongs to the image it was set on.
        let same_image = self.current_opened().is_some_and(|opened| self.result_of == Some(opened.id));
        let input = ExportInput {
            features: self
                .features
                .as_ref()
                .filter(|_| request.features)
                .map(|features| features.maps.clone()),
            request,
            result,
            device: self.device_name.clone(),
            paint: Paint { opacity: self.opacity, contrast: self.contrast.filter(|_| same_image) },
        };
        self.jobs.start(JobKind::Export, move |monitor| Ok(Answer::Exported(write(&input, monitor)?)));
    }

    /// The command line that makes the same result.
    #[must_use]
    pub fn command_line(&self) -> Option<String> {
        None
    }

    pub(super) fn take_exported(&mut self, exported: Exported) {
        let Exported { dir, files, errors } = exported;
        for error in errors {
            self.say(Severity::Error, error);
        }
        if files.is_empty() {
            return;
        }
        let names: Vec<_> =
            files.iter().filter_map(|file| file.file_name()).map(|name| name.to_string_lossy()).collect();
        self.say(Severity::Info, format!("Wrote {} to {}", names.join(", "), dir.display()));
        self.exported = files;
        if self.preferences.export_dir.as_ref() != Some(&dir) && dir.to_str().is_some() {
            self.preferences.export_dir = Some(dir);
            self.save_preferences();
        }
    }
}

fn write(input: &ExportInput, monitor: &Monitor) -> Result<Exported, Failure> {
    let ExportInput { request, result, .. } = input;
    let mut exported = Exported { dir: request.dir.clone(), files: Vec::new(), errors: Vec::new() };
    let written = match &result.prediction {
        Prediction::Segmentation(segmentation) => {
            let job = ExportJob {
                micrograph: &result.micrograph,
                model: &result.model,
                settings: &result.settings,
                device: &input.device,
                threads: rayon::current_num_threads(),
                segmentation,
                formats: &request.formats,
                paint: input.paint,
            };
            write_results(&job, &request.dir)
        }
        Prediction::Classification(classification) => {
            let job = ClassJob {
                micrograph: &result.micrograph,
                model: &result.model,
                settings: &result.settings,
                device: &input.device,
                threads: rayon::current_num_threads(),
                classification,
            };
            write_class_table(&job, &request.dir)
        }
    };
    monitor.progress(1, 2)?;
    let features = input.features.as_ref().map(|maps| write_features(maps, &request.dir));
    for written in [Some(written), features].into_iter().flatten() {
        match written {
            Ok(files) => exported.files.extend(files),
            Err(error) => exported.errors.push(error.to_string()),
        }
    }
    Ok(exported)
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{TinyModel, ready, texts};
    use super::*;
    use crate::export::Format;

    #[test]
    fn all_that_was_asked_for_is_written_and_listed() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        let formats = Format::ALL.to_vec();
        session.apply(Command::Export(ExportRequest { dir: out.clone(), formats, features: true }));
        let node = session.node.clone().unwrap();
        for ending in
            ["label.tif", "palette.png", "overlay.png", "probability.tif", "objects.csv", "manifest.json"]
        {
            assert!(
                session.exported.contains(&out.join(format!("image.{ending}"))),
                "{ending}: {:?}",
                texts(&session)
            );
        }
        assert!(
            session.exported.iter().any(|file| file.ends_with(format!("{node}.npy"))),
            "{:?}",
            session.exported
        );
        assert!(session.exported.iter().all(|file| file.is_file()));
        assert!(session.messages.last().unwrap().text.starts_with("Wrote image."), "{:?}", texts(&session));
        assert_eq!(session.preferences.export_dir, Some(out));
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_one_message() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        let not_a_folder = dir.path().join("image.png").join("out");
        let request = ExportRequest { dir: not_a_folder, formats: vec![Format::Label], features: false };
        session.apply(Command::Export(request.clone()));
        assert!(session.messages[0].text.starts_with("Run a model first"));
        session.apply(Command::Run);
        let before = session.messages.len();
        session.apply(Command::Export(request));
        assert_eq!(session.messages.len(), before + 1, "{:?}", texts(&session));
        assert_eq!(session.messages[before].severity, Severity::Error);
        assert!(session.exported.is_empty());
    }

    #[test]
    fn a_classifier_leaves_a_table() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::ChooseModel(TinyModel::classifier().save(dir.path(), "kind")));
        session.apply(Command::Run);
        let request = ExportRequest { dir: dir.path().join("out"), formats: Vec::new(), features: false };
        session.apply(Command::Export(request));
        assert!(
            session.exported.iter().any(|file| file.ends_with("image.classes.csv")),
            "{:?}",
            texts(&session)
        );
    }
}
