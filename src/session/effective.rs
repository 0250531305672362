//! What of the shown image one value of the network really hangs on.

use super::apply::Answer;
use super::running::settings_for;
use super::subject::Subject;
use super::{JobKind, Session};
use crate::analysis::{Probe, effective_field};
use crate::inspect::EffectiveField;
use std::sync::Arc;

/// The effective receptive field: whether it is wanted, what was asked for, and the last one measured, which stays until
/// the next one is there.
#[derive(Debug, Clone, Default)]
pub struct Effective {
    pub shown: bool,
    pub measured: Option<Measurement>,
    asked: Option<(Probe, Subject)>,
}

/// A field, and the picture's key.
#[derive(Debug, Clone)]
pub struct Measurement {
    pub key: u64,
    pub field: Arc<EffectiveField>,
    subject: Subject,
}

/// A field as a job answers it.
pub(super) struct MeasuredField {
    field: EffectiveField,
    subject: Subject,
}

impl Session {
    /// Whether this value has been asked for of what is shown now, so that asking again would change nothing.
    #[must_use]
    pub fn is_asked(&self, probe: &Probe) -> bool {
        let asked = self.effective.asked.as_ref();
        asked.is_some_and(|(asked, subject)| asked == probe && Some(subject) == self.subject().as_ref())
    }

    /// The field that was measured last, if it is of what is shown now.
    #[must_use]
    pub fn effective_now(&self) -> Option<&Measurement> {
        let measured = self.effective.measured.as_ref().filter(|_| self.effective.shown)?;
        (Some(&measured.subject) == self.subject().as_ref()).then_some(measured)
    }

    pub(super) fn show_effective(&mut self, shown: bool) {
        self.effective.shown = shown;
        if !shown {
            self.jobs.cancel(JobKind::Effective);
            self.effective.asked = None;
        }
    }

    /// Measures a value of the chosen model on the shown frame; the latest request wins.
    pub(super) fn measure_field(&mut self, probe: Probe) {
        let (Some(subject), Some(model), Some(opened)) =
            (self.subject(), self.model.clone(), self.current_opened())
        else {
            return;
        };
        let (micrograph, settings) = (opened.micrograph.clone(), settings_for(&model, opened));
        let device = self.device.clone();
        self.effective.asked = Some((probe.clone(), subject.clone()));
        self.jobs.start(JobKind::Effective, move |monitor| {
            let field = effective_field(&probe, &model, (&micrograph, &settings), &device, monitor)?;
            Ok(Answer::Effective(Box::new(MeasuredField { field, subject })))
        });
    }

    pub(super) fn take_field(&mut self, measured: MeasuredField) {
        let MeasuredField { field, subject } = measured;
        let key = self.new_key();
        self.effective.measured = Some(Measurement { key, field: Arc::new(field), subject });
    }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{ready, stack_tiff, texts};
    use super::*;

    fn probe(node: &str) -> Probe {
        Probe { node: node.into(), feature: None, at: None }
    }

    #[test]
    fn a_field_is_measured_without_a_run_and_is_of_what_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::ShowEffective(true));
        assert!(!session.is_asked(&probe("mid.conv1")));
        session.apply(Command::MeasureField(probe("mid.conv1")));
        let measured = session.effective_now().unwrap().clone();
        assert_eq!((measured.field.node.as_str(), measured.field.input), ("mid.conv1", [12, 10]));
        assert!(session.is_asked(&probe("mid.conv1")) && !session.is_asked(&probe("head")));
        session.apply(Command::Open(vec![stack_tiff(dir.path(), "stack.tif", 2)]));
        assert!(session.effective_now().is_none() && !session.is_asked(&probe("mid.conv1")));
        session.apply(Command::Select(0));
        assert_eq!(session.effective_now().unwrap().key, measured.key);
        session.apply(Command::ShowEffective(false));
        assert!(session.effective_now().is_none());
        assert_eq!(session.messages, [], "{:?}", texts(&session));
    }

    #[test]
    fn what_cannot_be_measured_is_said_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = super::super::testing::session();
        session.apply(Command::MeasureField(probe("head")));
        assert_eq!(session.messages, []);
        let mut session = ready(dir.path());
        session.apply(Command::ShowEffective(true));
        session.apply(Command::MeasureField(probe("nowhere")));
        assert_eq!(session.messages.len(), 1);
        assert!(texts(&session)[0].contains("has no node nowhere"), "{:?}", texts(&session));
        assert!(session.is_asked(&probe("nowhere")), "it is not asked for again with every frame");
    }
}
