//! How well the features of the chosen model are used on what is opened.

use super::apply::Answer;
use super::job::Failure;
use super::running::settings_for;
use super::{JobKind, Opened, Session, Severity};
use crate::analysis::{HealthInspection, HealthReport, RunSettings};
use crate::export::health_csv;
use crate::files::write_whole;
use crate::imaging::Micrograph;
use crate::monitor::Monitor;
use crate::network::Model;
use candle_core::Device;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Which images are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HealthScope {
    /// The shown frame.
    #[default]
    Frame,
    /// All frames of the shown micrograph.
    Micrograph,
    /// All frames of everything that is opened.
    Opened,
}

/// The last report; it stays until the next one is there.
#[derive(Debug, Clone, Default)]
pub struct Health {
    pub scope: HealthScope,
    pub inspected: Option<Inspected>,
}

/// A report and what it is of.
#[derive(Debug, Clone)]
pub struct Inspected {
    pub key: u64,
    pub report: Arc<HealthReport>,
    /// Images that could not be looked at, and why.
    pub failures: Vec<String>,
    /// Where the model lies in memory.
    model: usize,
}

/// What a person can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthCommand {
    SetScope(HealthScope),
    Inspect,
    /// As CSV or JSON, as the name ends.
    Save(PathBuf),
}

/// A report as a job answers it.
pub(super) struct NewReport {
    report: HealthReport,
    failures: Vec<String>,
    model: usize,
}

impl Session {
    pub(super) fn health(&mut self, command: HealthCommand) {
        match command {
            HealthCommand::SetScope(scope) => self.health.scope = scope,
            HealthCommand::Inspect => self.inspect_health(),
            HealthCommand::Save(path) => self.save_health(path),
        }
    }

    /// The last report, if it is of the chosen model.
    #[must_use]
    pub fn health_now(&self) -> Option<&Inspected> {
        let model = Arc::as_ptr(self.model.as_ref()?).addr();
        self.health.inspected.as_ref().filter(|inspected| inspected.model == model)
    }

    fn inspect_health(&mut self) {
        let (Some(model), Some(current)) = (self.model.clone(), self.current_opened()) else {
            self.say(Severity::Warning, "Open an image and choose a model first");
            return;
        };
        let frames_of = |opened: &Opened| {
            let settings = settings_for(&model, opened);
            let frame = |frame| (opened.micrograph.clone(), RunSettings { frame, ..settings.clone() });
            (0..opened.micrograph.frames()).map(frame).collect::<Vec<_>>()
        };
        let images = match self.health.scope {
            HealthScope::Frame => vec![(current.micrograph.clone(), settings_for(&model, current))],
            HealthScope::Micrograph => frames_of(current),
            HealthScope::Opened => self.opened.iter().flat_map(frames_of).collect(),
        };
        let device = self.device.clone();
        self.jobs.start(JobKind::Health, move |monitor| {
            Ok(Answer::Health(Box::new(inspect(&model, &images, &device, monitor)?)))
        });
    }

    pub(super) fn take_health(&mut self, new: NewReport) {
        let NewReport { report, failures, model } = new;
        if let Some(first) = failures.first() {
            let others = failures.len() - 1;
            let more = if others > 0 { format!(", and {others} more") } else { String::new() };
            self.say(Severity::Warning, format!("Not looked at: {first}{more}"));
        }
        let key = self.new_key();
        self.health.inspected = Some(Inspected { key, report: Arc::new(report), failures, model });
    }

    fn save_health(&mut self, path: PathBuf) {
        let Some(inspected) = self.health_now() else {
            self.say(Severity::Warning, "Make a health report first, then there is something to save");
            return;
        };
        let report = Arc::clone(&inspected.report);
        self.jobs.start(JobKind::Export, move |_| {
            let failed =
                |error: &dyn std::fmt::Display| Failure::Message(format!("{error}: {}", path.display()));
            let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
            let bytes = if is_json {
                serde_json::to_vec(report.as_ref()).map_err(|error| failed(&error))?
            } else {
                health_csv(&report).map_err(|error| failed(&error))?
            };
            write_whole(&path, |file| file.write_all(&bytes)).map_err(|error| failed(&error))?;
            Ok(Answer::TableSaved(path))
        });
    }
}

/// Images that fail are named, and the others looked at; where all fail, the first says why.
fn inspect(
    model: &Arc<Model>,
    images: &[(Micrograph, RunSettings)],
    device: &Device,
    monitor: &Monitor,
) -> Result<NewReport, Failure> {
    let mut inspection = HealthInspection::new(model, None, images.len())?;
    let mut failures = Vec::new();
    for (place, (micrograph, settings)) in images.iter().enumerate() {
        monitor.check()?;
        match inspection.add(micrograph, settings, device, &monitor.part(place, images.len())) {
            Ok(()) => {}
            Err(error) if error.is_cancelled() => return Err(Failure::Cancelled),
            Err(error) => failures.push(format!("{error}: {} frame {}", micrograph.name(), settings.frame)),
        }
    }
    let report = inspection.finish();
    match failures.first() {
        Some(first) if report.images == 0 => Err(Failure::Message(first.clone())),
        _ => Ok(NewReport { report, failures, model: Arc::as_ptr(model).addr() }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{TinyModel, ready, session, stack_tiff, texts};
    use super::*;

    fn ask(session: &mut Session, command: HealthCommand) {
        session.apply(Command::Health(command));
    }

    #[test]
    fn a_report_is_of_as_many_images_as_were_chosen() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Open(vec![stack_tiff(dir.path(), "stack.tif", 3)]));
        for (scope, images) in
            [(HealthScope::Frame, 1), (HealthScope::Micrograph, 3), (HealthScope::Opened, 4)]
        {
            ask(&mut session, HealthCommand::SetScope(scope));
            ask(&mut session, HealthCommand::Inspect);
            let inspected = session.health_now().unwrap();
            assert_eq!((inspected.report.images, inspected.failures.len()), (images, 0));
            assert!(inspected.report.nodes.iter().any(|node| node.node == "head"));
        }
        session.apply(Command::ChooseModel(TinyModel::classifier().save(dir.path(), "other")));
        assert!(session.health_now().is_none(), "it was of another model");
        assert_eq!(session.messages, [], "{:?}", texts(&session));
    }

    #[test]
    fn a_report_is_saved_as_its_name_ends() {
        let dir = tempfile::tempdir().unwrap();
        let mut empty = session();
        ask(&mut empty, HealthCommand::Inspect);
        ask(&mut empty, HealthCommand::Save(dir.path().join("none.csv")));
        assert_eq!(empty.messages.len(), 2);
        let mut session = ready(dir.path());
        ask(&mut session, HealthCommand::Inspect);
        let report = Arc::clone(&session.health_now().unwrap().report);
        let (csv, json) = (dir.path().join("health.csv"), dir.path().join("health.JSON"));
        ask(&mut session, HealthCommand::Save(csv.clone()));
        ask(&mut session, HealthCommand::Save(json.clone()));
        assert_eq!(std::fs::read(csv).unwrap(), health_csv(&report).unwrap());
        let read: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
        let expected = serde_json::to_vec(report.as_ref()).unwrap();
        assert!(read == serde_json::from_slice::<serde_json::Value>(&expected).unwrap());
    }
}
