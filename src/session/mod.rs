//! Everything the app knows now; only commands change it; jobs run beside it.
//!
//! Panels read a [`Session`] and send [`Command`]s; [`Session::apply`] carries them out; long work runs in jobs whose
//! answers [`Session::poll`] takes in. Nothing here knows how it is drawn.

mod command;
mod jobs;
mod preferences;
mod state;

pub use command::Command;
pub use jobs::{JobKind, Progress, Threading};
pub use preferences::{Preferences, Theme};
pub use state::{
    ExportRequest, Message, ModelEntry, Opened, PredictionView, RunResult, SelectedFeatures, Session,
    Severity, Shown,
};
