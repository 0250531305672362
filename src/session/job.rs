//! One job: its kind, its progress, why it may fail, and what stands around its work.

use crate::compute::release_unused;
use crate::monitor::{Cancelled, Monitor, Watch};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What a job does; one of each kind at a time, the latest request wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobKind {
    Open,
    Plane,
    /// Smaller copies of the shown plane, and what else is known of all its pixels.
    Reduce,
    StackWindow,
    LoadModel,
    /// What a new network would be.
    Draft,
    Run,
    Features,
    /// How features go with a class.
    Correlate,
    /// All features of a node in one picture.
    NodePicture,
    /// Maps of pinned features.
    Pins,
    /// What of the image one value hangs on.
    Effective,
    /// What becomes of the answer when the image is moved.
    Equivariance,
    /// Whether it shows where tiles meet.
    Seams,
    /// Two models, nodes or frames at once.
    Compare,
    /// Which nodes the model of one of them has.
    CompareNodes,
    /// Why a class's score is what it is.
    Attribute,
    /// One value taken apart.
    ByHand,
    Health,
    /// Whether the image is like the training images.
    Likeness,
    /// Laying out the drawing of a large network.
    Layout,
    /// Reading which values a mask holds.
    Labels,
    /// Classical methods on the same image.
    Baselines,
    /// The micrograph on other pixels.
    Resample,
    Export,
    /// A figure to be saved.
    Figure,
    /// A figure to be looked at.
    FigurePreview,
    Copy,
    ExportModel,
    /// The frame that is likely to be next.
    ReadAhead,
    FramePictures,
    Profile,
    Statistics,
}

impl JobKind {
    /// What is being done, for a bar whose job says nothing more precise.
    #[must_use]
    pub fn activity(self) -> &'static str {
        match self {
            Self::Open => "Opening",
            Self::Plane => "Reading the image",
            Self::Reduce => "Reducing the image",
            Self::StackWindow => "Looking at all frames",
            Self::LoadModel => "Loading the model",
            Self::Draft => "Drafting the network",
            Self::Run => "Running the network",
            Self::Features => "Computing feature maps",
            Self::Correlate => "Comparing features with a class",
            Self::NodePicture => "Making one picture of all features",
            Self::Pins => "Computing pinned features",
            Self::Effective => "Measuring what it sees",
            Self::Equivariance => "Running the moved image",
            Self::Seams => "Looking for seams",
            Self::Compare => "Comparing",
            Self::CompareNodes => "Reading the other model's nodes",
            Self::Attribute => "Explaining the score",
            Self::ByHand => "Working a value out",
            Self::Health => "Looking at all features",
            Self::Likeness => "Comparing with the training images",
            Self::Layout => "Laying out the network",
            Self::Labels => "Reading the mask",
            Self::Baselines => "Running classical methods",
            Self::Resample => "Resampling",
            Self::Export => "Writing the results",
            Self::Figure => "Saving the figure",
            Self::FigurePreview => "Drawing the figure",
            Self::Copy => "Saving a copy",
            Self::ExportModel => "Writing the model",
            Self::ReadAhead => "Reading ahead",
            Self::FramePictures => "Making small pictures of frames",
            Self::Profile => "Measuring along the line",
            Self::Statistics => "Measuring the rectangle",
        }
    }

    /// Begun again with every move of the hand, or not waited for: told of only when it takes longer than
    /// [`Self::UNTOLD`].
    pub(super) fn is_small(self) -> bool {
        matches!(
            self,
            Self::ByHand
                | Self::CompareNodes
                | Self::Effective
                | Self::Draft
                | Self::FigurePreview
                | Self::Equivariance
                | Self::ReadAhead
                | Self::FramePictures
                | Self::Profile
                | Self::Statistics
        )
    }

    /// How long small jobs go untold.
    pub(super) const UNTOLD: Duration = Duration::from_millis(500);
}

/// Whether jobs run on threads, or at once inside `apply` (tests, headless).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threading {
    Threads,
    AtOnce,
}

/// A job under way, for the bar at the top.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    pub kind: JobKind,
    pub stage: String,
    pub fraction: f32,
    pub remaining: Option<Duration>,
    pub elapsed: Duration,
}

/// Why a job has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    Cancelled,
    /// To be shown to the person.
    Message(String),
}

impl From<Cancelled> for Failure {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// Called when there is something to look at.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

/// Where a wake is put, also after jobs have begun.
pub(super) type WakePlace = Arc<Mutex<Option<Wake>>>;

/// How often a running job's progress is looked at.
const PULSE: Duration = Duration::from_millis(100);

/// Wakes whoever polls.
pub(super) fn call(wake: &Mutex<Option<Wake>>) {
    let wake = wake.lock().ok().and_then(|place| place.clone());
    if let Some(wake) = wake {
        wake();
    }
}

/// Runs the work unless it is already unwanted; a panic becomes a message.
pub(super) fn guarded<A>(
    kind: JobKind,
    work: impl FnOnce(&Monitor) -> Result<A, Failure>,
    monitor: &Monitor,
) -> Result<A, Failure> {
    let guarded = catch_unwind(AssertUnwindSafe(|| {
        monitor.check()?;
        work(monitor)
    }));
    // Nobody knows when the next job comes.
    release_unused();
    guarded.unwrap_or_else(|panic| {
        let what = panic_text(panic.as_ref());
        let activity = kind.activity();
        Err(Failure::Message(format!(
            "{activity} stopped by a fault in the program, please report it: {what}"
        )))
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no text".to_owned())
}

/// Wakes whenever a job's progress changed; ends when dropped.
pub(super) struct Pulse {
    _alive: Sender<()>,
}

impl Pulse {
    pub(super) fn start(watch: Arc<Watch>, wake: WakePlace) -> Self {
        let (alive, ended) = channel();
        let body = move || {
            let mut last = (0, String::new());
            while ended.recv_timeout(PULSE) == Err(RecvTimeoutError::Timeout) {
                let now = (watch.fraction().to_bits(), watch.stage());
                if now != last {
                    call(&wake);
                    last = now;
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("pulse".to_owned()).spawn(body) {
            // The answer still wakes; only the bar stands still.
            tracing::warn!("cannot start a thread: {error}");
        }
        Self { _alive: alive }
    }
}
