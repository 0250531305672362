//! The session: what is open, shown, chosen and known.

use super::apply::Answer;
use super::device::device_for;
use super::job::Wake;
use super::jobs::Jobs;
use super::showing::Look;
use super::{
    Attributing, ChannelLook, Comparing, Draft, Effective, FigurePreview, FramePictures, Health, JobKind,
    Labelling, LaidOut, Measured, Preferences, Progress, Robustness, SheetState, Threading, Trust,
};
use crate::analysis::{Object, Outlook, Prediction, RunSettings};
use crate::compute::{Memory, memory_of};
use crate::export::{Format, Paint};
use crate::imaging::{Colormap, Contrast, Histogram, Micrograph, Percentiles, Plane, Pyramid};
use crate::inspect::{FeatureMaps, FeatureOrder, FeatureStatistics, Features};
use crate::network::{Model, ModelCard, NodeCost};
use candle_core::Device;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// One opened series of a file.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Unlike any other's, and new when the file is read again.
    pub id: u64,
    pub micrograph: Micrograph,
    /// The same before a person corrected it: scale and info bar as the file has them, or as they were found.
    pub as_read: Micrograph,
    /// Small grey picture, longest side at most 96 px: width, height, RGB bytes.
    pub thumbnail: (usize, usize, Arc<Vec<u8>>),
    /// Where the person is in it.
    pub frame: usize,
    pub channel: usize,
    /// Whether the visible channels are shown together.
    pub composite: bool,
    /// One a channel.
    pub looks: Vec<ChannelLook>,
}

/// The plane on the screen. `key` changes whenever the values do, so that a texture can be kept until then.
#[derive(Debug, Clone)]
pub struct Shown {
    pub key: u64,
    pub opened: usize,
    pub frame: usize,
    pub channel: usize,
    /// Rows that show the specimen; histogram and contrast are of them alone.
    pub specimen_rows: usize,
    pub plane: Arc<Plane>,
    /// What is drawn: the plane, and smaller copies as soon as they are there.
    pub pyramid: Arc<Pyramid>,
    /// The same frame's other channels, for reading values; none where they take too much memory.
    pub others: Arc<Vec<(usize, Arc<Plane>)>>,
    /// Of a sample of a large plane's pixels until all are counted.
    pub histogram: Arc<Histogram>,
    /// By percentiles.
    pub auto_contrast: Contrast,
    /// The channels of the composite; none where one channel is shown alone.
    pub layers: Vec<ShownLayer>,
}

/// One channel of a composite on the screen.
#[derive(Debug, Clone)]
pub struct ShownLayer {
    pub channel: usize,
    pub pyramid: Arc<Pyramid>,
    pub auto_contrast: Contrast,
}

impl Shown {
    /// `[height, width]` in px.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        self.pyramid.shape()
    }

    /// The plane of a channel of this frame, where it is there.
    #[must_use]
    pub fn plane_of(&self, channel: usize) -> Option<&Arc<Plane>> {
        if channel == self.channel {
            return Some(&self.plane);
        }
        self.others.iter().find(|(other, _)| *other == channel).map(|(_, plane)| plane)
    }
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
    /// Feature indices in the order to show.
    pub order: Arc<Vec<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PredictionView {
    #[default]
    Classes,
    /// Of one class.
    Probability(usize),
    /// One of a regressor's numbers.
    Output(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRequest {
    pub dir: PathBuf,
    pub formats: Vec<Format>,
    /// Also the selected node's feature maps.
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
#[expect(clippy::struct_excessive_bools, reason = "each is a switch in the window")]
pub struct Session {
    pub opened: Vec<Opened>,
    pub current: Option<usize>,
    pub shown: Option<Shown>,
    /// Of windows that follow the data.
    pub percentiles: Percentiles,
    /// Of a channel that is shown alone.
    pub colormap: Colormap,
    pub library: Vec<ModelEntry>,
    pub model: Option<Arc<Model>>,
    /// Id or path of the chosen model, also while it loads.
    pub model_choice: Option<String>,
    /// The choice before, to go back to.
    pub former_choice: Option<String>,
    /// Networks made here, by what they are chosen as; kept while the program runs.
    pub made: Vec<(String, Arc<Model>)>,
    /// What a new network would be.
    pub draft: Option<Draft>,
    /// Shapes, costs and receptive fields for the shown micrograph's size; the reason when they do not fit.
    pub nodes: Result<Arc<Vec<NodeCost>>, String>,
    /// The drawing of a large network, laid out beside the window.
    pub laid_out: Option<LaidOut>,
    /// What a run on the shown micrograph would take; the reason when it cannot be. `None` where there are no nodes.
    pub outlook: Option<Result<Outlook, String>>,
    pub result: Option<RunResult>,
    pub node: Option<String>,
    pub feature: Option<usize>,
    pub features: Option<SelectedFeatures>,
    pub sheet: SheetState,
    pub effective: Effective,
    /// A mask of the shown image.
    pub labels: Option<PathBuf>,
    /// What its values mean.
    pub labelling: Labelling,
    pub robustness: Robustness,
    pub comparing: Comparing,
    pub attributing: Attributing,
    pub health: Health,
    pub trust: Trust,
    pub feature_order: FeatureOrder,
    pub hide_dead: bool,
    pub feature_colormap: Colormap,
    pub shared_contrast: bool,
    pub prediction_view: PredictionView,
    /// Of a regressor's maps.
    pub prediction_colormap: Colormap,
    pub overlay: bool,
    pub opacity: f32,
    pub messages: Vec<Message>,
    /// The last export's files.
    pub exported: Vec<PathBuf>,
    /// The figure that is put together.
    pub figure: FigurePreview,
    /// The line and the rectangle on the source.
    pub measured: Measured,
    pub frame_pictures: FramePictures,
    /// Such as "CPU, 2 threads".
    pub device_name: String,
    /// Why it is not the GPU, when a build that could use one chose by itself.
    pub device_note: Option<String>,
    /// What the device had free when it was last looked at, within the last second while the window is drawn.
    pub device_memory: Option<Memory>,
    pub preferences: Preferences,
    pub(super) jobs: Jobs<Answer>,
    pub(super) device: Device,
    pub(super) memory_read: Instant,
    /// Where preferences are kept; `None`: nowhere.
    pub(super) preferences_file: Option<PathBuf>,
    /// The last of the keys and ids given out.
    pub(super) last_key: u64,
    /// The plane that the last opened file's thumbnail was made of, so that it is not read twice.
    pub(super) held: Option<Arc<Plane>>,
    /// [`Opened::id`] of what `shown` and `result` were made from.
    pub(super) shown_of: Option<u64>,
    /// What `shown` was computed for.
    pub(super) shown_look: Option<Look>,
    pub(super) result_of: Option<u64>,
    /// Key of the result that `features` belong to.
    pub(super) features_of: Option<u64>,
    /// What `model` was chosen as.
    pub(super) loaded_choice: Option<String>,
    /// Paths that the open job is working on.
    pub(super) opening: Vec<PathBuf>,
    /// Run as soon as what is being opened and loaded is there.
    pub(super) run_when_ready: bool,
}

impl Session {
    /// An empty session. Preferences are loaded and kept by the caller's wish: tests pass `Preferences::default()`
    /// and `keep_preferences = false`. The model that was chosen last time is loaded again.
    #[must_use]
    pub fn new(threading: Threading, preferences: Preferences, keep_preferences: bool) -> Self {
        let (device, complaint) = device_for(preferences.device);
        let mut session = Self {
            opened: Vec::new(),
            current: None,
            shown: None,
            percentiles: Percentiles::default(),
            colormap: Colormap::default(),
            library: Vec::new(),
            model: None,
            model_choice: None,
            former_choice: None,
            made: Vec::new(),
            draft: None,
            nodes: Err("Choose a model to see its network".to_owned()),
            outlook: None,
            result: None,
            node: None,
            feature: None,
            features: None,
            sheet: SheetState::default(),
            effective: Effective::default(),
            labels: None,
            robustness: Robustness::default(),
            comparing: Comparing::default(),
            attributing: Attributing::default(),
            health: Health::default(),
            labelling: Labelling::default(),
            laid_out: None,
            trust: Trust::default(),
            feature_order: FeatureOrder::default(),
            hide_dead: false,
            feature_colormap: Colormap::Viridis,
            shared_contrast: false,
            prediction_view: PredictionView::default(),
            prediction_colormap: Colormap::Viridis,
            overlay: true,
            opacity: Paint::default().opacity,
            messages: Vec::new(),
            exported: Vec::new(),
            figure: FigurePreview::default(),
            measured: Measured::default(),
            frame_pictures: FramePictures::default(),
            device_name: device.name,
            device_note: device.note,
            device_memory: memory_of(&device.device),
            preferences,
            jobs: Jobs::new(threading),
            device: device.device,
            memory_read: Instant::now(),
            preferences_file: keep_preferences.then(Preferences::file).flatten(),
            last_key: 0,
            held: None,
            shown_of: None,
            shown_look: None,
            result_of: None,
            features_of: None,
            loaded_choice: None,
            opening: Vec::new(),
            run_when_ready: false,
        };
        if let Some(complaint) = complaint {
            session.say(Severity::Warning, complaint);
        }
        session.refresh_models();
        if let Some(choice) = session.preferences.model.clone() {
            session.choose_model(choice);
            session.settle();
        }
        session
    }

    /// Called from job threads when there is something to poll, or when a job got further.
    pub fn on_wake(&mut self, wake: Wake) {
        self.jobs.on_wake(wake);
    }

    /// The jobs under way, the Run first.
    #[must_use]
    pub fn progress(&self) -> Vec<Progress> {
        self.jobs.progress()
    }

    #[must_use]
    pub fn is_busy(&self, kind: JobKind) -> bool {
        self.jobs.is_busy(kind)
    }

    /// The shown micrograph.
    #[must_use]
    pub fn micrograph(&self) -> Option<&Micrograph> {
        self.current_opened().map(|opened| &opened.micrograph)
    }

    /// Whether `result` was made from what is shown now (same micrograph, info bar, frame and model, and the same
    /// channel where the model reads only one).
    #[must_use]
    pub fn result_is_current(&self) -> bool {
        let (Some(result), Some(opened), Some(model)) = (&self.result, self.current_opened(), &self.model)
        else {
            return false;
        };
        let same_model = Arc::ptr_eq(&result.model, model)
            || (model.sha256.is_some() && model.sha256 == result.model.sha256);
        same_model
            && self.result_of == Some(opened.id)
            && result.micrograph.specimen_rows() == opened.micrograph.specimen_rows()
            && result.settings == super::running::settings_for(model, opened)
    }

    /// The shown series.
    #[must_use]
    pub fn current_opened(&self) -> Option<&Opened> {
        self.opened.get(self.current?)
    }

    /// A number that was never given out before.
    pub(super) fn new_key(&mut self) -> u64 {
        self.last_key += 1;
        self.last_key
    }
}
