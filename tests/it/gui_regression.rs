//! The prediction pane with a regressor: a map of one output with its colour bar, and an image's numbers.
use eframe::egui::accesskit::Role;
use eframe::egui::vec2;
use egui_kittest::kittest::Queryable as _;
use polepiece::imaging::Colormap;
use polepiece::network::architectures::lenet;
use polepiece::session::{Command, PredictionView};

use crate::common::{text, write_discs};
use crate::gui::{session, window};
use crate::regress::{per_pixel, write_regressor};

#[test]
fn an_output_is_shown_as_a_map_with_its_colours() {
    let dir = tempfile::tempdir().unwrap();
    let (image, model) = (dir.path().join("discs.tif"), dir.path().join("net.safetensors"));
    write_discs(&image, 48, 64, Some(2.0));
    write_regressor(&model, per_pixel());
    let mut session = session();
    session.apply(Command::Open(vec![image]));
    session.apply(Command::ChooseModel(text(&model).into()));
    session.apply(Command::Run);
    let mut harness = window(session);
    harness.run();
    harness.get_by_label_contains("± ");
    harness.get_by_label_contains("Map colours from ");
    // The bar is narrow: output and colours are in one menu, so that both tabs are seen.
    harness.get_by_label("Output and colours").click();
    harness.run();
    harness.get_all_by_label("class 1").last().unwrap().click();
    harness.run();
    assert_eq!(harness.state().session.prediction_view, PredictionView::Output(1));
    for width in [1480.0, 1100.0] {
        harness.set_size(vec2(width, 760.0));
        harness.run();
        let tab = harness.get_by_role_and_label(Role::Tab, "Why").rect();
        let menu = harness.get_by_label("Output and colours").rect();
        assert!(tab.right() <= menu.left() && tab.width() > 30.0, "{tab:?} {menu:?}");
        let bar = tab.union(menu);
        let arrows = harness.query_all_by_label("Scroll tabs right");
        assert!(arrows.map(|arrow| arrow.rect()).all(|arrow| !arrow.intersects(bar)), "at {width}");
    }
    harness.set_size(vec2(1900.0, 920.0));
    harness.run();
    harness.get_by_label("Output to show");
    harness.get_by_label("Colours of the prediction");
    harness.state_mut().session.apply(Command::SetPredictionColormap(Colormap::Signed));
    harness.run();
    harness.get_by_label("Prediction image");
}

#[test]
fn an_image_s_numbers_are_listed_with_their_units() {
    let dir = tempfile::tempdir().unwrap();
    let (image, model) = (dir.path().join("discs.tif"), dir.path().join("net.safetensors"));
    write_discs(&image, 48, 64, None);
    write_regressor(&model, lenet(1, 2, 4, None).unwrap());
    let mut session = session();
    session.apply(Command::Open(vec![image]));
    session.apply(Command::ChooseModel(text(&model).into()));
    session.apply(Command::Run);
    let mut harness = window(session);
    harness.run();
    harness.get_by_label("class 0");
    assert_eq!(harness.get_all_by_label("nm").count(), 2);
}
