//! Progress and cancelling: how long work talks to whoever watches.
//!
//! The one who may cancel ([`Watch`]) and the one who may only ask ([`Monitor`]) are two types; dropping the watch
//! cancels the work.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The work was asked to stop. Not an error to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Cancelled")]
pub struct Cancelled;

/// Told of every step, on the worker's thread: the fraction done and the stage.
type Listener = Box<dyn Fn(f32, &str) + Send + Sync>;

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    /// Bits of an `f32` in 0..=1.
    fraction: AtomicU32,
    stage: Mutex<String>,
    listener: Option<Listener>,
}

impl Shared {
    fn tell(&self) {
        if let Some(listener) = &self.listener {
            let stage = self.stage.lock().map(|stage| stage.clone()).unwrap_or_default();
            listener(f32::from_bits(self.fraction.load(Ordering::Relaxed)), &stage);
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("cancelled", &self.cancelled).finish_non_exhaustive()
    }
}

/// The worker's end: reports progress and asks whether to go on. Cheap to clone.
///
/// ```
/// use polepiece::monitor::Monitor;
/// let (watch, monitor) = Monitor::watched();
/// monitor.progress(1, 4).unwrap();
/// assert_eq!(watch.fraction(), 0.25);
/// watch.cancel();
/// assert!(monitor.progress(2, 4).is_err());
/// ```
#[derive(Debug, Clone)]
pub struct Monitor {
    shared: Arc<Shared>,
    from: f32,
    to: f32,
}

/// The owner's end: sees the progress and may cancel. Dropping it cancels.
#[derive(Debug)]
pub struct Watch {
    shared: Arc<Shared>,
    started: Instant,
}

impl Monitor {
    /// A worker and the watch over it.
    #[must_use]
    pub fn watched() -> (Watch, Self) {
        let shared = Arc::new(Shared::default());
        let watch = Watch { shared: Arc::clone(&shared), started: Instant::now() };
        (watch, Self { shared, from: 0.0, to: 1.0 })
    }

    /// Like [`Monitor::watched`], and `listener` is told of every step on the worker's thread.
    pub fn reporting_to(listener: impl Fn(f32, &str) + Send + Sync + 'static) -> (Watch, Self) {
        let shared = Arc::new(Shared { listener: Some(Box::new(listener)), ..Shared::default() });
        let watch = Watch { shared: Arc::clone(&shared), started: Instant::now() };
        (watch, Self { shared, from: 0.0, to: 1.0 })
    }

    /// Work that nobody watches and nobody cancels.
    #[must_use]
    pub fn silent() -> Self {
        Self { shared: Arc::default(), from: 0.0, to: 1.0 }
    }

    /// Asks whether to go on; one atomic read.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.shared.cancelled.load(Ordering::Relaxed) { Err(Cancelled) } else { Ok(()) }
    }

    /// Reports `done` of `total` steps and asks whether to go on.
    pub fn progress(&self, done: usize, total: usize) -> Result<(), Cancelled> {
        let part = if total == 0 { 1.0 } else { (done as f32 / total as f32).clamp(0.0, 1.0) };
        let fraction = self.from + part * (self.to - self.from);
        self.shared.fraction.store(fraction.to_bits(), Ordering::Relaxed);
        self.shared.tell();
        self.check()
    }

    /// Says in a few words what is being done now.
    pub fn stage(&self, text: &str) {
        if let Ok(mut stage) = self.shared.stage.lock() {
            text.clone_into(&mut stage);
        }
        self.shared.tell();
    }

    /// A monitor for step `index` of `count` equal steps: its 0..1 is that part of ours.
    #[must_use]
    pub fn part(&self, index: usize, count: usize) -> Self {
        let at = |i: usize| self.from + (self.to - self.from) * i as f32 / count.max(1) as f32;
        Self { shared: Arc::clone(&self.shared), from: at(index), to: at(index + 1) }
    }
}

impl Watch {
    /// Asks the work to stop at its next check.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::Relaxed);
    }

    /// True once [`Watch::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::Relaxed)
    }

    /// How much is done, 0 to 1.
    #[must_use]
    pub fn fraction(&self) -> f32 {
        f32::from_bits(self.shared.fraction.load(Ordering::Relaxed))
    }

    /// What is being done now.
    #[must_use]
    pub fn stage(&self) -> String {
        self.shared.stage.lock().map(|stage| stage.clone()).unwrap_or_default()
    }

    /// Time left at the pace so far; `None` before there is a pace.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let (done, elapsed) = (self.fraction(), self.started.elapsed());
        (done > 0.02 && elapsed > Duration::from_millis(200))
            .then(|| elapsed.mul_f32((1.0 - done).max(0.0) / done))
    }

    /// Time since the work began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_reports_inside_its_share() {
        let (watch, monitor) = Monitor::watched();
        monitor.part(1, 2).progress(1, 2).unwrap();
        assert!((watch.fraction() - 0.75).abs() < 1e-6);
        monitor.part(0, 4).part(1, 2).progress(1, 1).unwrap();
        assert!((watch.fraction() - 0.25).abs() < 1e-6);
    }

    #[test]
    fn a_listener_hears_every_step() {
        let (sender, heard) = std::sync::mpsc::channel();
        let (watch, monitor) =
            Monitor::reporting_to(move |fraction, stage| drop(sender.send((fraction, stage.to_owned()))));
        monitor.stage("reading");
        monitor.progress(1, 2).unwrap();
        drop(monitor);
        drop(watch);
        assert_eq!(
            heard.iter().collect::<Vec<_>>(),
            [(0.0, "reading".to_owned()), (0.5, "reading".to_owned())]
        );
    }

    #[test]
    fn dropping_the_watch_cancels() {
        let (watch, monitor) = Monitor::watched();
        assert_eq!(monitor.check(), Ok(()));
        drop(watch);
        assert_eq!(monitor.check(), Err(Cancelled));
    }

    #[test]
    fn silent_work_is_never_cancelled() {
        assert_eq!(Monitor::silent().progress(1, 0), Ok(()));
    }
}
