//! Putting a figure together, and every feature's value at a place, in the window.
use crate::gui::{press, ready, window};
use eframe::egui::{Key, Modifiers, vec2};
use egui_kittest::kittest::Queryable as _;
use polepiece::session::{Command, CompareCommand, SheetCommand, TrustCommand};
use tempfile::TempDir;

#[test]
fn a_figure_is_put_together_and_looked_at() {
    let dir = TempDir::new().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    let mut harness = window(session);
    press(&mut harness, Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::E);
    harness.run();
    assert!(harness.query_by_label("Preview of the figure").is_some());
    let drawn = harness.state().session.figure.drawn.clone().expect("a preview");
    assert_eq!(drawn.size_mm[0], 180.0);
    // The source, the answer and the feature that is looked at.
    harness.get_by_label("Take panel 3 away").click();
    harness.run();
    assert!(harness.query_by_label("Take panel 3 away").is_none());
    harness.get_by_label("Panel 1 later").click();
    harness.run();
    let before = harness.state().session.figure.drawn.as_ref().unwrap().key;
    assert!(before > drawn.key, "it is drawn again");
    harness.get_by_label("Letters").click();
    harness.run();
    assert!(harness.state().session.figure.drawn.as_ref().unwrap().key > before);
    harness.get_by_label("Add a panel").click();
    harness.run();
    harness.get_by_label("Probability of particle").click();
    harness.run();
    assert!(harness.query_by_label("Take panel 3 away").is_some());
    press(&mut harness, Modifiers::NONE, Key::Escape);
    harness.run();
    assert!(harness.query_by_label("Preview of the figure").is_none());
    let session = &harness.state().session;
    assert!(session.messages.iter().all(|message| !message.text.contains("fault")), "{:?}", session.messages);
}

#[test]
fn pointing_at_the_source_shows_every_features_value_there() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(ready(dir.path()));
    harness.get_by_label("Values").click();
    harness.run();
    assert!(harness.query_by_label("No values yet").is_some());
    harness.state_mut().session.apply(Command::Run);
    harness.state_mut().session.apply(Command::SelectNode("mid.conv1".into()));
    harness.run();
    assert!(harness.query_by_label("No place yet").is_some());
    let image = harness.get_by_label("Source image").rect();
    harness.hover_at(image.center() + vec2(1.0, 1.0));
    harness.run();
    harness.run();
    // The middle of 40 × 32 px, at half the resolution.
    assert!(harness.query_by_label("pixel x 10 y 8 of its maps").is_some());
    assert!(harness.query_by_label_contains("8 features, ").is_some());
    harness.get_by_label("By value").click();
    harness.run();
    assert!(
        harness.query_by_label("pixel x 10 y 8 of its maps").is_some(),
        "it stays while the bars are pointed at"
    );
}

#[test]
fn pointing_at_a_cell_of_the_sheet_marks_the_place_on_the_source() {
    let dir = TempDir::new().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    session.apply(Command::SelectNode("enc1.conv1".into()));
    let mut harness = window(session);
    let cell = harness.get_by_label("Feature 1").rect();
    // A quarter across of 40 px and three quarters down of 32.
    harness.hover_at(cell.min + vec2(cell.width() * 0.26, cell.height() * 0.76));
    harness.run();
    assert!(harness.query_by_label("x 10 y 24").is_some());
}

#[test]
fn what_the_panes_found_stands_in_a_figure_with_a_caption() {
    let dir = TempDir::new().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    session.apply(Command::Trust(TrustCommand::Compare));
    let mask = session.baselines_now().unwrap().baselines.rows[1].clone();
    let mask = CompareCommand::Mask(mask.method.unwrap(), mask.polarity.unwrap());
    session.apply(Command::Compare(mask));
    session.apply(Command::Sheet(SheetCommand::Pin("mid.conv1".into(), 2)));
    let mut harness = window(session);
    press(&mut harness, Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::E);
    harness.run();
    for label in ["Pinned features (1)", "Difference: answer − Otsu"] {
        harness.get_by_label("Add a panel").click();
        harness.run();
        assert!(harness.query_by_label("Why a class is called so").is_some(), "it cannot be added yet");
        harness.get_by_label(label).click();
        harness.run();
    }
    assert!(harness.query_by_label("Take panel 5 away").is_some());
    let session = &harness.state().session;
    assert_eq!(session.figure.complaint, None);
    let before = session.figure.drawn.as_ref().unwrap().key;
    harness.get_by_label("Classes over the source").click();
    harness.run();
    harness.get_by_label("Caption of panel 2").focus();
    harness.run();
    harness.get_by_label("Caption of panel 2").type_text("A steel");
    harness.run();
    harness.run();
    assert!(harness.query_by_label("“A steel”").is_some());
    assert!(harness.state().session.figure.drawn.as_ref().unwrap().key > before, "it is drawn again");
}
