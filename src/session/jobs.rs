//! The only place that starts threads.
use std::time::Duration;

/// What a job does; one of each kind at a time, the latest request wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobKind {
    Open,
    Plane,
    LoadModel,
    Run,
    Features,
    Export,
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
