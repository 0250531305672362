//! Writing the chosen model for other programs.

use super::apply::Answer;
use super::job::Failure;
use super::{JobKind, Session, Severity};
use crate::network::{NetworkError, OnnxSettings, OnnxWritten, write_onnx};
use std::path::PathBuf;

/// The file and what it says of itself.
pub(super) struct ExportedModel {
    path: PathBuf,
    written: OnnxWritten,
}

impl Session {
    /// Writes the chosen model, for images of all sizes that it takes, or of the one that its card names.
    pub(super) fn export_model(&mut self, path: PathBuf) {
        let Some(model) = self.model.clone() else {
            self.say(Severity::Warning, "Choose a model first, then it can be exported");
            return;
        };
        let path = if path.extension().is_some() { path } else { path.with_extension("onnx") };
        self.jobs.start(JobKind::ExportModel, move |monitor| {
            match write_onnx(&model, &path, OnnxSettings::default(), monitor) {
                Ok(written) => Ok(Answer::ModelExported(ExportedModel { path, written })),
                Err(NetworkError::Cancelled(_)) => Err(Failure::Cancelled),
                Err(error) => Err(Failure::Message(error.to_string())),
            }
        });
    }

    pub(super) fn take_exported_model(&mut self, model: &ExportedModel) {
        let OnnxWritten { opset, input, output } = &model.written;
        let text = format!("Saved {}: ONNX {opset}, {input} to {output}", model.path.display());
        self.say(Severity::Info, text);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{ready, session, texts};
    use super::*;

    #[test]
    fn the_chosen_model_is_written_and_the_message_says_what_it_takes() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::ExportModel(dir.path().join("tiny")));
        let path = dir.path().join("tiny.onnx");
        assert!(path.is_file());
        let expected =
            format!("Saved {}: ONNX 18, batch×1×height×width to batch×2×height×width", path.display());
        assert_eq!(texts(&session), [expected.as_str()]);
    }

    #[test]
    fn without_a_model_or_a_place_the_reason_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let mut without = session();
        without.apply(Command::ExportModel(dir.path().join("a.onnx")));
        assert_eq!(texts(&without), ["Choose a model first, then it can be exported"]);
        let mut session = ready(dir.path());
        let own = dir.path().join("tiny.safetensors");
        let before = std::fs::read(&own).unwrap();
        session.apply(Command::ExportModel(own.clone()));
        session.apply(Command::ExportModel(dir.path().join("none/a.onnx")));
        assert_eq!(std::fs::read(&own).unwrap(), before, "the model is never written over");
        let severities: Vec<Severity> = session.messages.iter().map(|message| message.severity).collect();
        assert_eq!(severities, [Severity::Error, Severity::Error], "{:?}", texts(&session));
    }
}
