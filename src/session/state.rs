//! The session: what is open, shown, chosen and known.
use super::{Command, JobKind, Preferences, Progress, Threading};
use crate::analysis::{Object, Prediction, RunSettings};
use crate::export::Format;
use crate::imaging::{Colormap, Contrast, Histogram, Micrograph, Plane};
use crate::inspect::{FeatureMaps, FeatureOrder, FeatureStatistics, Features};
use crate::network::{Model, ModelCard, NetworkError, NodeCost};
use ndarray::Array2;
use std::path::PathBuf;
use std::sync::Arc;

/// One opened series of a file.
#[derive(Debug, Clone)]
pub struct Opened {
    pub micrograph: Micrograph,
    /** small grey RGB picture, longest side 96 px: width, height, RGB */
    pub thumbnail: (usize, usize, Arc<Vec<u8>>),
    /** where the person is in it */
    pub frame: usize,
    pub channel: usize,
}

/// The plane on the screen. `key` changes whenever the values do, so that a texture can be kept until then.
#[derive(Debug, Clone)]
pub struct Shown {
    pub key: u64,
    pub opened: usize,
    pub frame: usize,
    pub channel: usize,
    pub plane: Arc<Plane>,
    pub values: Arc<Array2<f32>>,
    pub histogram: Arc<Histogram>,
    /** by percentiles */
    pub auto_contrast: Contrast,
}

/// A model in the list.
#[derive(Debug, Clone)]
pub struct ModelEntry {
    pub id: String,
    pub path: PathBuf,
    pub card: Result<ModelCard, String>,
}

/// A finished run and all that made it; stays until the next one is ready.
#[derive(Debug, Clone)]
pub struct RunResult {
    pub key: u64,
    pub micrograph: Micrograph,
    pub model: Arc<Model>,
    pub settings: RunSettings,
    pub prediction: Prediction,
    pub objects: Arc<Vec<Object>>,
    pub features: Arc<Features>,
    pub seconds: f64,
}

/// The feature maps of the selected node, ready to draw.
#[derive(Debug, Clone)]
pub struct SelectedFeatures {
    pub key: u64,
    pub maps: Arc<FeatureMaps>,
    pub statistics: Arc<Vec<FeatureStatistics>>,
    /** feature indices in the order to show */
    pub order: Arc<Vec<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PredictionView {
    #[default]
    Classes,
    /** of one class */
    Probability(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRequest {
    pub dir: PathBuf,
    pub formats: Vec<Format>,
    /** also the selected node's feature maps */
    pub features: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Info,
    Warning,
    Error,
}

/// Something to tell the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: u64,
    pub severity: Severity,
    pub text: String,
}

/// Everything the app knows now. Fields are read by anyone and changed by [`Session::apply`] and [`Session::poll`] only.
pub struct Session {
    pub opened: Vec<Opened>,
    pub current: Option<usize>,
    pub shown: Option<Shown>,
    /// Set by hand; `None` follows the data.
    pub contrast: Option<Contrast>,
    pub colormap: Colormap,
    pub library: Vec<ModelEntry>,
    pub model: Option<Arc<Model>>,
    /// Id or path of the chosen model, also while it loads.
    pub model_choice: Option<String>,
    /// Shapes, costs and receptive fields for the shown micrograph's size; the reason when they do not fit.
    pub nodes: Result<Arc<Vec<NodeCost>>, String>,
    pub result: Option<RunResult>,
    pub node: Option<String>,
    pub feature: Option<usize>,
    pub features: Option<SelectedFeatures>,
    pub feature_order: FeatureOrder,
    pub hide_dead: bool,
    pub feature_colormap: Colormap,
    pub shared_contrast: bool,
    pub prediction_view: PredictionView,
    pub overlay: bool,
    pub opacity: f32,
    pub messages: Vec<Message>,
    /// The last export's files.
    pub exported: Vec<PathBuf>,
    /// Such as "CPU, 2 threads".
    pub device_name: String,
    pub preferences: Preferences,
}

impl Session {
    /// An empty session. Preferences are loaded and kept by the caller's wish: tests pass `Preferences::default()`
    /// and `keep_preferences = false`.
    #[must_use]
    pub fn new(_threading: Threading, _preferences: Preferences, _keep_preferences: bool) -> Self {
        todo!()
    }
    /// Called from job threads when there is something to poll.
    pub fn on_wake(&mut self, _wake: Arc<dyn Fn() + Send + Sync>) {
        todo!()
    }
    /// The one way to change a session.
    pub fn apply(&mut self, _command: Command) {
        todo!()
    }
    /// Takes in the answers of jobs; true when something changed.
    pub fn poll(&mut self) -> bool {
        todo!()
    }
    /// The jobs under way, the Run first.
    #[must_use]
    pub fn progress(&self) -> Vec<Progress> {
        todo!()
    }
    #[must_use]
    pub fn is_busy(&self, _kind: JobKind) -> bool {
        todo!()
    }
    /// The shown micrograph.
    #[must_use]
    pub fn micrograph(&self) -> Option<&Micrograph> {
        todo!()
    }
    /// The contrast in force: by hand, or of the shown plane.
    #[must_use]
    pub fn contrast_now(&self) -> Option<Contrast> {
        todo!()
    }
    /// Whether `result` was made from what is shown now (same micrograph, frame and model).
    #[must_use]
    pub fn result_is_current(&self) -> bool {
        todo!()
    }
    /// The command line that makes the same result.
    #[must_use]
    pub fn command_line(&self) -> Option<String> {
        todo!()
    }
}
