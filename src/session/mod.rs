//! Everything the app knows now; only commands change it; jobs run beside it.
//!
//! Panels read a [`Session`] and send [`Command`]s; [`Session::apply`] carries them out; long work runs in jobs whose
//! answers [`Session::poll`] takes in. Nothing here knows how it is drawn. What a command does stands in the file of
//! its topic: `opening`, `showing`, `looking`, `choosing`, `running`, `features`, `exporting`, `sample`.

mod command;
mod device;
mod job;
mod jobs;
mod preferences;
mod state;

mod apply;
mod choosing;
mod exporting;
mod features;
mod looking;
mod messages;
mod opening;
mod running;
mod sample;
mod showing;
mod stack_window;
mod thumbnail;

#[cfg(test)]
mod on_threads;
#[cfg(test)]
mod testing;

pub use crate::compute::Memory;
pub use command::Command;
pub use job::{JobKind, Progress, Threading};
pub use looking::{ChannelLook, MOST_TOGETHER};
pub use preferences::{Preferences, Theme};
pub use state::{
    ExportRequest, Message, ModelEntry, Opened, PredictionView, RunResult, SelectedFeatures, Session,
    Severity, Shown, ShownLayer,
};
