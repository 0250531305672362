//! Everything the app knows now; only commands change it; jobs run beside it.
//!
//! Panels read a [`Session`] and send [`Command`]s; [`Session::apply`] carries them out; long work runs in jobs whose
//! answers [`Session::poll`] takes in. Nothing here knows how it is drawn. What a command does stands in the file of
//! its topic: `opening`, `showing`, `reducing`, `looking`, `stack_window`, `frames`, `measuring`, `choosing`, `drafting`,
//! `correcting`, `running`, `features`, `sheet`, `pins`, `keeping`, `effective`, `labels`, `attribution`, `health`, `trust`,
//! `robustness`, `comparing`, `exporting`, `exporting_model`, `figure`, `copying`, `sample`.

mod command;
mod device;
mod job;
mod jobs;
mod preferences;
mod state;

mod apply;
mod attribution;
mod choosing;
mod comparing;
mod copying;
mod correcting;
mod drafting;
mod drawing;
mod effective;
mod exporting;
mod exporting_model;
mod features;
mod figure;
mod figure_results;
mod frames;
mod health;
mod keeping;
mod labels;
mod looking;
mod measuring;
mod messages;
mod opening;
mod pins;
mod reducing;
mod robustness;
mod running;
mod sample;
mod sheet;
mod showing;
mod stack_window;
mod subject;
mod thumbnail;
mod trust;

#[cfg(test)]
mod on_threads;
#[cfg(test)]
mod testing;

pub use crate::compute::Memory;
pub use attribution::{AttributeCommand, Attributing, Explained, HeatPlane, TakenApart};
pub use command::Command;
pub use comparing::{CompareCommand, Compared, Comparing, SideChoice};
pub use drafting::{Draft, Drafted};
pub use drawing::{LaidOut, LayOut};
pub use effective::{Effective, Measurement};
pub use figure::{DrawnFigure, FigureCommand, FigurePreview};
pub use frames::FramePictures;
pub use health::{Health, HealthCommand, HealthScope, Inspected};
pub use job::{JobKind, Progress, Threading};
pub use labels::{AskedLabels, AskedValue, Labelling, LabelsCommand};
pub use looking::{ChannelLook, MOST_TOGETHER, TintedLayer};
pub use measuring::{Measured, MeasuredTable};
pub use pins::{Pin, PinnedMap};
pub use preferences::{Preferences, Theme};
pub use robustness::{Found, Robustness, RobustnessCommand};
pub use sheet::{Against, NodePicture, OpenedLabels, SheetCommand, SheetState, SheetView};
pub use state::{
    ExportRequest, Message, ModelEntry, Opened, PredictionView, RunResult, SelectedFeatures, Session,
    Severity, Shown, ShownLayer,
};
pub use trust::{BaselinesFound, Judged, Trust, TrustCommand};
