//! The only place that starts threads: one slot per kind of job, and the latest request wins.

use super::job::{Failure, JobKind, Progress, Pulse, Threading, Wake, WakePlace, call, guarded};
use crate::monitor::{Monitor, Watch};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// A job that is wanted. Dropping it cancels the work.
struct Slot {
    id: u64,
    watch: Arc<Watch>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        // The pulse may still hold the watch, so its own drop would come too late.
        self.watch.cancel();
    }
}

/// What a job sends when it ends.
struct Ended<A> {
    kind: JobKind,
    id: u64,
    outcome: Result<A, Failure>,
}

/// The jobs of a session; `A` is what they answer.
///
/// A job is started with everything it needs, says how far it is through its [`Monitor`], and ends in the answer that
/// [`Jobs::next`] hands out, unless a later request or [`Jobs::cancel`] made it stale. Jobs of one kind never run side
/// by side: a later one waits until the cancelled one before it has stopped, so that their memory is not taken twice.
pub(super) struct Jobs<A> {
    threading: Threading,
    slots: BTreeMap<JobKind, Slot>,
    /// The latest thread of each kind, wanted or not.
    threads: BTreeMap<JobKind, JoinHandle<()>>,
    errand: Option<JoinHandle<()>>,
    sender: Sender<Ended<A>>,
    receiver: Receiver<Ended<A>>,
    wake: WakePlace,
    last_id: u64,
}

impl<A: Send + 'static> Jobs<A> {
    pub(super) fn new(threading: Threading) -> Self {
        let (sender, receiver) = channel();
        Self {
            threading,
            slots: BTreeMap::new(),
            threads: BTreeMap::new(),
            errand: None,
            sender,
            receiver,
            wake: Arc::default(),
            last_id: 0,
        }
    }

    pub(super) fn on_wake(&mut self, wake: Wake) {
        if let Ok(mut place) = self.wake.lock() {
            *place = Some(wake);
        }
    }

    /// True when answers are there as soon as a job was started.
    pub(super) fn at_once(&self) -> bool {
        self.threading == Threading::AtOnce
    }

    /// Starts a job; an older one of its kind is cancelled and its answer will not be handed out.
    pub(super) fn start(
        &mut self,
        kind: JobKind,
        work: impl FnOnce(&Monitor) -> Result<A, Failure> + Send + 'static,
    ) {
        let (watch, monitor) = Monitor::watched();
        let watch = Arc::new(watch);
        self.last_id += 1;
        let id = self.last_id;
        self.slots.insert(kind, Slot { id, watch: Arc::clone(&watch) });
        let sender = self.sender.clone();
        if self.at_once() {
            // The receiver lives as long as `self`.
            let _ = sender.send(Ended { kind, id, outcome: guarded(kind, work, &monitor) });
            return;
        }
        let (wake, before) = (Arc::clone(&self.wake), self.threads.remove(&kind));
        let body = move || {
            if let Some(before) = before {
                // A panic there has already become its message.
                let _ = before.join();
            }
            let pulse = Pulse::start(watch, Arc::clone(&wake));
            let outcome = guarded(kind, work, &monitor);
            drop(pulse);
            // Without a receiver the session is gone, and nobody waits.
            let _ = sender.send(Ended { kind, id, outcome });
            call(&wake);
        };
        match thread::Builder::new().name(format!("{kind:?}")).stack_size(8 << 20).spawn(body) {
            Ok(thread) => {
                self.threads.insert(kind, thread);
            }
            Err(error) => {
                let outcome = Err(Failure::Message(format!("Cannot start a thread: {error}")));
                let _ = self.sender.send(Ended { kind, id, outcome });
            }
        }
    }

    /// Something short that nobody waits for, such as saving preferences; errands are done one after another, and
    /// dropping the jobs waits for the last.
    pub(super) fn errand(&mut self, work: impl FnOnce() + Send + 'static) {
        if self.at_once() {
            work();
            return;
        }
        let before = self.errand.take();
        let body = move || {
            if let Some(before) = before {
                let _ = before.join();
            }
            work();
        };
        match thread::Builder::new().name("errand".to_owned()).spawn(body) {
            Ok(thread) => self.errand = Some(thread),
            Err(error) => tracing::warn!("cannot start a thread: {error}"),
        }
    }

    /// The next job that ended and is still wanted.
    pub(super) fn next(&mut self) -> Option<(JobKind, Result<A, Failure>)> {
        loop {
            let ended = self.receiver.try_recv().ok()?;
            if self.slots.get(&ended.kind).is_some_and(|slot| slot.id == ended.id) {
                self.slots.remove(&ended.kind);
                return Some((ended.kind, ended.outcome));
            }
        }
    }

    /// Stops a job; its answer will not be handed out. True when there was one.
    pub(super) fn cancel(&mut self, kind: JobKind) -> bool {
        self.slots.remove(&kind).is_some()
    }

    pub(super) fn is_busy(&self, kind: JobKind) -> bool {
        self.slots.contains_key(&kind)
    }

    /// The jobs under way, the Run first; small ones only when they take long.
    pub(super) fn progress(&self) -> Vec<Progress> {
        let told =
            |(kind, slot): &(&JobKind, &Slot)| !kind.is_small() || slot.watch.elapsed() > JobKind::UNTOLD;
        let mut jobs: Vec<Progress> =
            self.slots.iter().filter(told).map(|(kind, slot)| look(*kind, &slot.watch)).collect();
        jobs.sort_by_key(|job| (job.kind != JobKind::Run, job.kind));
        jobs
    }
}

impl<A> Drop for Jobs<A> {
    fn drop(&mut self) {
        self.slots.clear();
        if let Some(errand) = self.errand.take() {
            let _ = errand.join();
        }
    }
}

fn look(kind: JobKind, watch: &Watch) -> Progress {
    let stage = watch.stage();
    Progress {
        kind,
        stage: if stage.is_empty() { kind.activity().to_owned() } else { stage },
        fraction: watch.fraction(),
        remaining: watch.remaining(),
        elapsed: watch.elapsed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Mutex, mpsc};
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(20);

    fn waking<A: Send + 'static>() -> (Jobs<A>, Receiver<()>) {
        let mut jobs = Jobs::new(Threading::Threads);
        let (sender, woken) = channel();
        let sender = Mutex::new(sender);
        jobs.on_wake(Arc::new(move || {
            let _ = sender.lock().unwrap().send(());
        }));
        (jobs, woken)
    }

    fn wait<A: Send + 'static>(jobs: &mut Jobs<A>, woken: &Receiver<()>) -> (JobKind, Result<A, Failure>) {
        loop {
            if let Some(ended) = jobs.next() {
                return ended;
            }
            woken.recv_timeout(LONG).unwrap();
        }
    }

    #[test]
    fn at_once_means_the_answer_is_there_after_start() {
        let mut jobs = Jobs::new(Threading::AtOnce);
        jobs.start(JobKind::Run, |_| Ok(7));
        assert!(jobs.is_busy(JobKind::Run));
        assert_eq!(jobs.next(), Some((JobKind::Run, Ok(7))));
        assert!(!jobs.is_busy(JobKind::Run));
        assert_eq!(jobs.next(), None);
    }

    #[test]
    fn the_latest_request_wins_and_the_stale_answer_is_dropped() {
        let mut jobs = Jobs::new(Threading::AtOnce);
        jobs.start(JobKind::Plane, |_| Ok(1));
        jobs.start(JobKind::Plane, |_| Ok(2));
        assert_eq!(jobs.next(), Some((JobKind::Plane, Ok(2))));
        assert_eq!(jobs.next(), None);
    }

    #[test]
    fn a_newer_job_stops_the_older_one_before_it_begins() {
        let (mut jobs, woken) = waking();
        let (started, has_started) = mpsc::channel();
        let (stopped, has_stopped) = mpsc::channel();
        jobs.start(JobKind::Run, move |monitor| {
            started.send(()).unwrap();
            while monitor.check().is_ok() {
                thread::yield_now();
            }
            stopped.send(()).unwrap();
            Err(Failure::Cancelled)
        });
        has_started.recv_timeout(LONG).unwrap();
        jobs.start(JobKind::Run, move |_| Ok(has_stopped.try_recv().is_ok()));
        assert_eq!(wait(&mut jobs, &woken), (JobKind::Run, Ok(true)));
    }

    #[test]
    fn a_cancelled_job_gives_no_answer() {
        let mut jobs = Jobs::new(Threading::AtOnce);
        jobs.start(JobKind::Run, |_| Ok(1));
        assert!(jobs.cancel(JobKind::Run));
        assert!(!jobs.cancel(JobKind::Run));
        assert_eq!(jobs.next(), None);
    }

    #[test]
    fn a_panic_becomes_a_message() {
        let mut jobs: Jobs<()> = Jobs::new(Threading::AtOnce);
        jobs.start(JobKind::Run, |_| panic!("row {} is missing", 3));
        let Some((JobKind::Run, Err(Failure::Message(text)))) = jobs.next() else { panic!("no message") };
        assert!(text.contains("row 3 is missing"), "{text}");
    }

    #[test]
    fn dropping_the_jobs_stops_the_work() {
        let (mut jobs, _woken) = waking();
        let (stopped, has_stopped) = mpsc::channel();
        let (started, has_started) = mpsc::channel();
        jobs.start(JobKind::Run, move |monitor| {
            started.send(()).unwrap();
            while monitor.check().is_ok() {
                thread::yield_now();
            }
            stopped.send(()).unwrap();
            Ok(())
        });
        has_started.recv_timeout(LONG).unwrap();
        drop(jobs);
        has_stopped.recv_timeout(LONG).unwrap();
    }

    #[test]
    fn progress_wakes_and_lists_the_run_first() {
        let (mut jobs, woken) = waking();
        let (go, wait_for_go) = mpsc::channel::<()>();
        let (go_too, wait_for_go_too) = mpsc::channel::<()>();
        jobs.start(JobKind::Open, move |_| {
            let _ = wait_for_go_too.recv();
            Ok(())
        });
        jobs.start(JobKind::Run, move |monitor| {
            monitor.stage("enc1.conv1");
            monitor.progress(1, 4)?;
            let _ = wait_for_go.recv();
            Ok(())
        });
        woken.recv_timeout(LONG).unwrap();
        let progress = jobs.progress();
        assert_eq!(progress.iter().map(|job| job.kind).collect::<Vec<_>>(), [JobKind::Run, JobKind::Open]);
        assert_eq!((progress[0].stage.as_str(), progress[0].fraction), ("enc1.conv1", 0.25));
        assert_eq!(progress[1].stage, "Opening");
        drop((go, go_too));
        for _ in 0..2 {
            assert_eq!(wait(&mut jobs, &woken).1, Ok(()));
        }
        assert!(jobs.progress().is_empty());
    }

    #[test]
    fn errands_are_done_in_order_before_the_jobs_are_gone() {
        let done = Arc::new(Mutex::new(Vec::new()));
        let mut jobs: Jobs<()> = Jobs::new(Threading::Threads);
        for number in 0..5 {
            let done = Arc::clone(&done);
            jobs.errand(move || done.lock().unwrap().push(number));
        }
        drop(jobs);
        assert_eq!(*done.lock().unwrap(), [0, 1, 2, 3, 4]);
    }
}
