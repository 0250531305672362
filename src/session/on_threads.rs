//! The main path with jobs on threads: nothing blocks, nothing is lost, and what was there stays until the next.

use super::testing::{TinyModel, grey_png, texts};
use super::{AttributeCommand, Command, JobKind, Preferences, Session, Threading};
use crate::analysis::HandProbe;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Far longer than any of these jobs takes.
const LONG: Duration = Duration::from_secs(30);

/// A session that is polled when it wakes.
struct Waking {
    session: Session,
    woken: Receiver<()>,
}

impl Waking {
    fn new() -> Self {
        let mut session = Session::new(Threading::Threads, Preferences::default(), false);
        let (sender, woken) = channel();
        let sender = Mutex::new(sender);
        session.on_wake(Arc::new(move || {
            // The test may have ended already.
            let _ = sender.lock().unwrap().send(());
        }));
        Self { session, woken }
    }

    fn wait_until(&mut self, there: impl Fn(&Session) -> bool) {
        while !there(&self.session) {
            self.woken.recv_timeout(LONG).unwrap_or_else(|_| panic!("{:?}", texts(&self.session)));
            self.session.poll();
        }
    }

    /// With an image and a tiny segmenter, after one run.
    fn after_a_run(dir: &Path) -> Self {
        let mut waking = Self::new();
        waking.session.apply(Command::Open(vec![grey_png(dir, "image.png", 10, 12)]));
        waking.session.apply(Command::ChooseModel(TinyModel::segmenter().save(dir, "tiny")));
        waking.session.apply(Command::Run);
        waking.wait_until(|session| session.result.is_some());
        waking.wait_until(|session| session.progress().is_empty());
        waking
    }
}

#[test]
fn run_waits_for_what_is_being_opened_and_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let waking = Waking::after_a_run(dir.path());
    assert!(waking.session.result_is_current());
    assert!(waking.session.features.is_some() && waking.session.shown.is_some());
}

#[test]
fn the_plane_on_the_screen_stays_until_the_next_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut waking = Waking::after_a_run(dir.path());
    let before = waking.session.shown.as_ref().unwrap().key;
    waking.session.apply(Command::Open(vec![grey_png(dir.path(), "other.png", 5, 5)]));
    assert_eq!(waking.session.shown.as_ref().unwrap().key, before);
    waking.wait_until(|session| session.shown.as_ref().is_some_and(|shown| shown.key != before));
    assert_eq!(waking.session.shown.as_ref().unwrap().size(), [5, 5]);
}

#[test]
fn files_opened_in_quick_succession_are_all_opened() {
    let dir = tempfile::tempdir().unwrap();
    let mut waking = Waking::new();
    for name in ["a.png", "b.png", "c.png"] {
        waking.session.apply(Command::Open(vec![grey_png(dir.path(), name, 4, 4)]));
    }
    waking.wait_until(|session| session.opened.len() == 3);
    assert_eq!(waking.session.micrograph().unwrap().name(), "c.png");
}

#[test]
fn a_cancelled_run_keeps_the_result_before() {
    let dir = tempfile::tempdir().unwrap();
    let mut waking = Waking::after_a_run(dir.path());
    let before = waking.session.result.as_ref().unwrap().key;
    waking.session.apply(Command::Run);
    assert!(waking.session.is_busy(JobKind::Run));
    assert_eq!(waking.session.progress()[0].kind, JobKind::Run);
    waking.session.apply(Command::Cancel);
    assert!(!waking.session.is_busy(JobKind::Run));
    waking.session.apply(Command::SetFrame(0));
    waking.session.poll();
    assert_eq!(waking.session.result.as_ref().unwrap().key, before);
    assert!(texts(&waking.session).contains(&"Running the network was cancelled"));
}

#[test]
fn cancelling_a_load_keeps_the_choice_before() {
    let dir = tempfile::tempdir().unwrap();
    let mut waking = Waking::after_a_run(dir.path());
    let before = waking.session.model_choice.clone();
    let other = TinyModel::classifier().save(dir.path(), "kind");
    waking.session.apply(Command::ChooseModel(other.clone()));
    assert_eq!(waking.session.model_choice, Some(other));
    waking.session.apply(Command::Cancel);
    assert_eq!(waking.session.model_choice, before);
}

#[test]
fn a_value_that_is_pointed_at_while_its_node_is_run_is_taken_apart_next() {
    let dir = tempfile::tempdir().unwrap();
    let mut waking = Waking::after_a_run(dir.path());
    let messages = waking.session.messages.len();
    let probe = |x| HandProbe { node: "dec1.conv1".into(), feature: 0, at: Some([3, x]) };
    for x in 0..8 {
        waking.session.apply(Command::Attribute(AttributeCommand::TakeApart(probe(x))));
        assert!(waking.session.is_taken_apart(&probe(x)) && waking.session.is_busy(JobKind::ByHand));
    }
    waking.wait_until(|session| session.taken_apart_now().is_some_and(|taken| taken.value.at == [3, 7]));
    assert!(waking.session.is_taken_apart(&probe(7)));
    assert_eq!(waking.session.messages.len(), messages, "{:?}", texts(&waking.session));
}
