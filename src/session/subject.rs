//! What a measurement of the shown image by the chosen model is made on, so that its answer is known to be of now or of
//! before.

use super::Session;
use super::running::settings_for;
use crate::analysis::RunSettings;
use std::sync::Arc;

/// Of all that changes, what decides the numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    opened: u64,
    specimen_rows: usize,
    settings: RunSettings,
    /// Where the model lies in memory, and its file's hash.
    model: (usize, Option<String>),
}

impl Session {
    /// `None` where there is nothing to measure on.
    pub(super) fn subject(&self) -> Option<Subject> {
        let (model, opened) = (self.model.as_ref()?, self.current_opened()?);
        self.nodes.is_ok().then(|| Subject {
            opened: opened.id,
            specimen_rows: opened.micrograph.specimen_rows().len(),
            settings: settings_for(model, opened),
            model: (Arc::as_ptr(model).addr(), model.sha256.clone()),
        })
    }
}
