//! The panes "Why" and "By hand" by mouse.
use crate::gui::{ready, session, window};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use polepiece::gui::{App, Pane};
use polepiece::session::{Command, Severity};
use tempfile::TempDir;

/// One pane filling the window, with an image and a tiny segmenter.
fn open(dir: &TempDir, pane: Pane, run: bool) -> Harness<'static, App> {
    let mut session = ready(dir.path());
    if run {
        session.apply(Command::Run);
    }
    let mut harness = window(session);
    harness.state_mut().show_alone(Some(pane));
    harness.run();
    harness
}

fn choose(harness: &mut Harness<'_, App>, of: &str, what: &str) {
    harness.get_by_label(of).click();
    harness.run();
    harness.get_by_label(what).click();
    harness.run();
}

#[test]
fn a_class_is_explained_by_the_method_that_is_chosen() {
    let dir = TempDir::new().unwrap();
    let mut harness = open(&dir, Pane::Why, false);
    harness.get_by_label("Why is it called so?");
    harness.get_by_label("Explain").click();
    harness.run();
    let first = harness.state().session.explained_now().unwrap().clone();
    assert_eq!((first.found.method.as_str(), first.found.class_name.as_str()), ("grad-cam", "particle"));
    harness.get_by_label("Why image");
    harness.get_by_label("Colours of the heat map");
    choose(&mut harness, "Method of explaining", "Integrated gradients");
    choose(&mut harness, "Class to explain", "matrix");
    harness.get_by_label("Explain").click();
    harness.run();
    let second = harness.state().session.explained_now().unwrap().clone();
    assert_eq!((second.found.method.as_str(), second.found.class), ("integrated", 0));
    assert!(second.key > first.key && second.found.completeness.is_some());
    harness.get_by_label_contains("Completeness: the logit rises by");
    choose(&mut harness, "Method of explaining", "Channel ablation");
    harness.get_by_label("Explain").click();
    harness.run();
    harness.get_by_label_contains("Without grey: logit");
    assert_eq!(harness.state().session.messages, []);
}

#[test]
fn a_rectangle_must_be_drawn_before_it_is_explained() {
    let dir = TempDir::new().unwrap();
    let mut harness = open(&dir, Pane::Why, false);
    choose(&mut harness, "Pixels to explain", "rectangle");
    harness.get_by_label("Explain").click();
    harness.run();
    assert!(harness.state().session.attributing.explained.is_none());
    let region = polepiece::analysis::Region { x: 4, y: 3, width: 10, height: 8 };
    harness.state_mut().session.apply(Command::SetRegion(Some(region)));
    harness.run();
    harness.get_by_label("Explain").click();
    harness.run();
    assert_eq!(harness.state().session.explained_now().unwrap().found.score.places, 80);
}

#[test]
fn a_value_is_worked_out_when_its_node_and_feature_are_chosen() {
    let dir = TempDir::new().unwrap();
    let mut harness = open(&dir, Pane::ByHand, true);
    harness.state_mut().session.apply(Command::SelectNode("enc1.conv1".into()));
    harness.state_mut().session.apply(Command::SelectFeature(Some(2)));
    harness.run();
    let taken = harness.state().session.taken_apart_now().unwrap().clone();
    assert_eq!((taken.value.node.as_str(), taken.value.feature), ("enc1.conv1", 2));
    harness.get_by_label("= by hand");
    assert_eq!(harness.query_all_by_label("The kernel: what the network learned").count(), 1);
    harness.get_by_label("all kernels").click();
    harness.run();
    harness.get_by_label("Feature 0, grey");
    harness.state_mut().session.apply(Command::SelectNode("pool1".into()));
    harness.run();
    harness.get_by_label("No kernel here");
    let messages = &harness.state().session.messages;
    assert!(messages.iter().all(|message| message.severity == Severity::Info), "{messages:?}");
}

#[test]
fn empty_panes_say_what_to_do() {
    let mut harness = window(session());
    for (pane, says) in [(Pane::Why, "Nothing to explain yet"), (Pane::ByHand, "Nothing to work out yet")] {
        harness.state_mut().show_alone(Some(pane));
        harness.run();
        harness.get_by_label(says);
    }
}
