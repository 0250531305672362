//! The sheet of features: orders, pictures of a whole node, pins, and thousands of features.
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use polepiece::gui::Pane;
use polepiece::inspect::FeatureOrder;
use polepiece::session::{Command, SheetCommand, SheetView};

use crate::gui::{ready, window};
use eframe::egui::vec2;

#[test]
fn features_are_ordered_by_how_they_go_with_a_class() {
    let dir = tempfile::tempdir().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    let mut harness = window(session);
    harness.run();
    harness.get_by_label("Order of the features").click();
    harness.run();
    harness.get_by_label("by correlation").click();
    harness.run();
    assert_eq!(harness.state().session.feature_order, FeatureOrder::Correlation);
    let session = &harness.state().session;
    let (found, order) =
        (session.correlations_now().unwrap().clone(), session.features.as_ref().unwrap().order.clone());
    let sizes: Vec<f32> = order.iter().map(|&k| found[k].abs()).filter(|r| !r.is_nan()).collect();
    assert!(sizes.windows(2).all(|pair| pair[0] >= pair[1]), "{sizes:?}");
    harness.get_by_label("Class that features are compared with").click();
    harness.run();
    harness.get_all_by_label("matrix").last().unwrap().click();
    harness.run();
    let other = harness.state().session.correlations_now().unwrap().clone();
    assert_ne!(found, other);
}

#[test]
fn a_node_is_shown_as_one_picture() {
    let dir = tempfile::tempdir().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    let mut harness = window(session);
    harness.run();
    harness.get_by_label("PCA").click();
    harness.run();
    let node = harness.state().session.node.clone().unwrap();
    harness.get_by_label(&format!("All features of {node} in one picture"));
    harness.get_by_label_contains("of the variance");
    harness.get_by_label("k-means").click();
    harness.run();
    assert_eq!(harness.state().session.sheet.view, SheetView::Clusters(4));
    harness.get_by_label_contains("Group 1");
    harness.get_by_label("Maps").click();
    harness.run();
    harness.get_by_label("Feature 0");
}

#[test]
fn pinned_features_stay_beside_the_sheet() {
    let dir = tempfile::tempdir().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    session.apply(Command::SelectNode("enc1.conv1".into()));
    session.apply(Command::SelectFeature(Some(1)));
    let mut harness = window(session);
    harness.run();
    harness.get_by_label("Pin").click();
    harness.run();
    harness.get_by_label("Pinned feature 1 of enc1.conv1");
    harness.state_mut().session.apply(Command::SelectNode("head".into()));
    harness.state_mut().session.apply(Command::Run);
    harness.run();
    harness.get_by_label("Pinned feature 1 of enc1.conv1");
    harness.get_by_label_contains("enc1.conv1 · 1").click();
    harness.run();
    assert_eq!(harness.state().session.node.as_deref(), Some("enc1.conv1"));
    assert_eq!(harness.state().session.feature, Some(1));
    harness.get_by_label("Unpin enc1.conv1 1").click();
    harness.run();
    assert!(harness.state().session.sheet.pins.is_empty());
    assert!(harness.query_by_label("Pinned feature 1 of enc1.conv1").is_none());
}

#[test]
fn memory_of_feature_maps_is_seen_and_set() {
    let dir = tempfile::tempdir().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    let mut harness = window(session);
    harness.run();
    harness.get_by_label("Memory of feature maps").click();
    harness.run();
    harness.get_by_label_contains("MiB of small pictures");
    assert!(harness.get_by_label("By what is free").accesskit_node().is_disabled());
    harness.state_mut().session.apply(Command::Sheet(SheetCommand::SetMemory(Some(100 << 20))));
    harness.run();
    harness.get_by_label("By what is free").click();
    harness.run();
    assert_eq!(harness.state().session.preferences.feature_memory, None);
}

#[test]
fn a_sheet_that_fills_the_window_shows_every_order_and_hides_the_dead() {
    let dir = tempfile::tempdir().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    let mut harness = window(session);
    harness.state_mut().show_alone(Some(Pane::Features));
    harness.run();
    harness.get_by_label("Hide dead").click();
    harness.get_by_label("Shared contrast").click();
    harness.run();
    let session = &harness.state().session;
    assert!(session.hide_dead && session.shared_contrast);
    harness.get_by_label(&format!("Feature {}", session.features.as_ref().unwrap().order[0]));
}

#[test]
fn the_effective_field_follows_the_feature_that_the_pointer_rests_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    session.apply(Command::SelectNode("enc1.conv1".into()));
    session.apply(Command::SelectFeature(Some(0)));
    session.apply(Command::ShowEffective(true));
    let mut harness = window(session);
    harness.run();
    let measured = |harness: &egui_kittest::Harness<'_, polepiece::gui::App>| {
        let found = harness.state().session.effective_now().unwrap();
        (found.key, found.field.feature.unwrap(), found.field.at)
    };
    let chosen = measured(&harness);
    assert_eq!((chosen.1, chosen.2), (0, [16, 20]), "the chosen feature in its middle");
    let cell = harness.get_by_label("Feature 3").rect();
    let map = harness.get_by_label("Feature 0 of enc1.conv1").rect();
    // A step is a quarter of a second: too short a rest.
    for step in 0..6 {
        harness.hover_at(cell.left_center() + vec2(10.0 + 9.0 * step as f32, 0.0));
        harness.step();
    }
    assert_eq!(measured(&harness), chosen, "nothing is measured on the way");
    (0..4).for_each(|_| harness.step());
    let rested = measured(&harness);
    assert!(rested.0 != chosen.0 && rested.1 == 3 && rested.2 != chosen.2, "{rested:?}");
    (0..8).for_each(|_| harness.step());
    assert_eq!(measured(&harness), rested, "once is enough");
    harness.hover_at(map.center() + vec2(30.0, 0.0));
    (0..5).for_each(|_| harness.step());
    let on_the_map = measured(&harness);
    assert!(on_the_map.1 == 0 && on_the_map.2[1] > 20, "{on_the_map:?}");
    harness.hover_at(harness.get_by_label("Contrast").rect().center());
    (0..5).for_each(|_| harness.step());
    assert_eq!(measured(&harness), on_the_map, "moving away keeps it");
    harness.state_mut().session.apply(Command::SelectFeature(Some(2)));
    harness.run();
    assert_eq!(measured(&harness).1, 2, "what is chosen comes first");
}
