//! Health and trust in the window: a report that sorts and is clicked, a verdict on the image, methods beside the network.
use crate::gui::{press, ready, session, window};
use eframe::egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use polepiece::analysis::{GREY_NAMES, INPUT};
use polepiece::gui::{App, Pane};
use polepiece::network::{FeatureSpace, Model, Neighbours, TrainingStatistics};
use polepiece::session::{Command, Session, TrustCommand};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

fn alone(session: Session, pane: Pane) -> Harness<'static, App> {
    let mut harness = window(session);
    harness.state_mut().show_alone(Some(pane));
    harness.run();
    harness
}

/// An image, and a segmenter whose training images were all flat: every image is unusual to it.
fn judging(dir: &Path) -> Session {
    let mut session = ready(dir);
    let mut model = Model::clone(session.model.as_ref().unwrap());
    let space = FeatureSpace {
        of: INPUT.to_owned(),
        names: GREY_NAMES.map(str::to_owned).to_vec(),
        mean: vec![0.0; GREY_NAMES.len()],
        spread: vec![1e-3; GREY_NAMES.len()],
        axes: Vec::new(),
        variances: Vec::new(),
        rest: 1.0,
        distances: vec![0.9, 1.0],
        neighbours: Some(Neighbours {
            nearest: 1,
            points: vec![vec![0.0; GREY_NAMES.len()]; 2],
            distances: vec![0.5, 0.5],
        }),
    };
    model.training = Some(Arc::new(TrainingStatistics { images: 2, pixel_nm: None, spaces: vec![space] }));
    let path = dir.join("judging.safetensors");
    model.save(&path).unwrap();
    session.apply(Command::ChooseModel(path.to_str().unwrap().to_owned()));
    session
}

#[test]
fn health_is_inspected_sorted_and_its_nodes_are_chosen() {
    let dir = TempDir::new().unwrap();
    let mut harness = alone(session(), Pane::Health);
    assert!(harness.query_by_label("No report yet").is_some());
    harness.state_mut().session = ready(dir.path());
    harness.run();
    harness.get_by_label("Inspect health").click();
    harness.run();
    assert!(harness.state().session.health_now().is_some());
    assert!(harness.query_by_label("No report yet").is_none());
    harness.get_by_label("Sort by Dead").click();
    harness.run();
    harness.get_by_label("enc1.relu1").click();
    harness.run();
    assert_eq!(harness.state().session.node.as_deref(), Some("enc1.relu1"));
    assert!(harness.query_by_label("Values").is_some(), "the node's histogram is there");
    assert!(harness.query_by_label("Save health").is_some());
}

#[test]
fn trust_has_a_verdict_and_methods_whose_masks_can_be_looked_at() {
    let dir = TempDir::new().unwrap();
    let mut harness = alone(judging(dir.path()), Pane::Trust);
    assert!(harness.query_by_label("Nothing to judge yet").is_some());
    press(&mut harness, Modifiers::NONE, Key::F5);
    assert!(harness.query_by_label("Unusual").is_some());
    assert!(harness.query_by_label_contains("Unusual in grey levels or texture").is_some());
    assert!(harness.query_by_label("nearest training images").is_some());
    let nearest = "Grey levels and texture, nearest training images: distance";
    assert!(harness.query_by_label_contains(nearest).is_some(), "a line of its own");
    harness.get_by_label("Compare methods").click();
    harness.run();
    assert!(harness.state().session.baselines_now().is_some());
    harness.get_by_label("Sauvola").click();
    harness.run();
    assert_eq!(harness.state().session.trust.shown, Some(6));
    harness.get_by_label("Sauvola").click();
    harness.run();
    assert_eq!(harness.state().session.trust.shown, None);
    harness.state_mut().session.apply(Command::Trust(TrustCommand::Show(Some(1))));
    harness.state_mut().show_alone(None);
    harness.run();
    assert!(harness.query_by_label("unusual grey or texture").is_some(), "the badge over the prediction");
}

#[test]
fn a_model_without_statistics_says_how_it_gets_some() {
    let dir = TempDir::new().unwrap();
    let mut harness = alone(ready(dir.path()), Pane::Trust);
    press(&mut harness, Modifiers::NONE, Key::F5);
    assert!(harness.query_by_label_contains("carries no statistics").is_some());
}

#[test]
fn a_classical_mask_is_looked_at_beside_the_networks() {
    let dir = TempDir::new().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    session.apply(Command::Trust(TrustCommand::Compare));
    let mut harness = alone(session, Pane::Trust);
    harness.get_by_label("Sauvola beside the network").click();
    harness.run();
    assert!(harness.state().session.compared_now().is_some());
    harness.state_mut().show_alone(None);
    harness.run();
    // The Compare pane came to the front, and says how far they agree.
    assert!(harness.query_by_label_contains("Same class in").is_some());
    assert!(harness.query_by_label_contains("A: Tiny").is_some());
    harness.get_by_label("A − B").click();
    harness.run();
    assert!(harness.query_by_label("Difference").is_some());
    harness.get_by_label("Numbers").click();
    harness.run();
    assert!(harness.query_by_label("There is no place that both show.").is_none());
}

#[test]
fn the_values_of_a_foreign_mask_are_asked_about_and_said() {
    let dir = TempDir::new().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    let mask = dir.path().join("mask.png");
    image::GrayImage::from_fn(40, 32, |x, _| image::Luma([if x < 20 { 40 } else { 200 }]))
        .save(&mask)
        .unwrap();
    session.apply(Command::SetLabels(Some(mask)));
    let mut harness = window(session);
    harness.run();
    assert!(harness.query_by_label("What do the mask's values mean?").is_some());
    assert!(harness.query_by_label_contains("mask.png holds 2 values").is_some());
    harness.get_by_label("Class of value 200").click();
    harness.run();
    // The last is in the list that opened; other panes name the class too.
    let named: Vec<_> = harness.get_all_by_label("particle").collect();
    named.last().unwrap().click();
    harness.run();
    harness.get_by_label("Use these").click();
    harness.run();
    let session = &harness.state().session;
    assert!(session.labels.is_some() && session.labelling.asked.is_none());
    let words = session.labelling.words.clone().unwrap();
    assert_eq!(words, "In mask.png: 200 is particle (50.0 %); 40 is ignored (50.0 %)");
    harness.state_mut().show_alone(Some(Pane::Trust));
    harness.run();
    harness.get_by_label("Values…").click();
    harness.run();
    assert!(harness.query_by_label("What do the mask's values mean?").is_some());
    press(&mut harness, Modifiers::NONE, Key::Escape);
    harness.run();
    assert!(harness.query_by_label("What do the mask's values mean?").is_none());
    assert!(harness.state().session.labels.is_some(), "the mask stays");
}
