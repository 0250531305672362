//! Correcting scale and info bar by mouse and keys, and reading what the file says.
use crate::common::write_discs_over_letters;
use eframe::egui::{Key, Pos2, Rect, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use polepiece::gui::{App, Pane};
use polepiece::session::{Command, Preferences, Session, Threading};
use tempfile::TempDir;

/// Height, width and rows of letters of the picture.
const SIZE: [usize; 3] = [200, 240, 36];

/// One pane filling the window, with a picture that has a bar.
fn window(dir: &TempDir, pane: Pane) -> Harness<'static, App> {
    let path = dir.path().join("bar.tif");
    write_discs_over_letters(&path, SIZE[0], SIZE[1], SIZE[2]);
    let mut session = Session::new(Threading::AtOnce, Preferences::default(), false);
    session.apply(Command::Open(vec![path]));
    let mut harness = Harness::builder()
        .with_size(vec2(1200.0, 900.0))
        .with_max_steps(40)
        .build_eframe(|context| App::new(&context.egui_ctx, session));
    harness.state_mut().show_alone(Some(pane));
    harness.run();
    harness
}

/// Where a place of the fitted picture is on the screen.
fn on_screen(image: Rect, [x, y]: [f32; 2]) -> Pos2 {
    let [height, width, _] = SIZE.map(|length| length as f32);
    let zoom = ((image.width() - 8.0) / width).min((image.height() - 8.0) / height);
    image.center() + vec2((x - width / 2.0) * zoom, (y - height / 2.0) * zoom)
}

fn drag(harness: &mut Harness<'_, App>, from: Pos2, to: Pos2) {
    harness.hover_at(from);
    harness.run();
    harness.drag_at(from);
    harness.run();
    harness.hover_at(pos2(f32::midpoint(from.x, to.x), f32::midpoint(from.y, to.y)));
    harness.run();
    harness.hover_at(to);
    harness.run();
    harness.drop_at(to);
    harness.run();
}

fn pixel(harness: &Harness<'_, App>) -> Option<(f64, String)> {
    let pixel = harness.state().session.micrograph()?.calibration().pixel()?;
    Some((pixel.x_nm, pixel.source))
}

fn specimen(harness: &Harness<'_, App>) -> usize {
    harness.state().session.micrograph().unwrap().specimen_rows().len()
}

#[test]
fn a_typed_pixel_size_goes_before_the_file_s_until_it_is_taken_back() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(&dir, Pane::Info);
    assert_eq!(pixel(&harness).unwrap().0, 12.5);
    let field = harness.get_by_label("Size of a pixel");
    field.focus();
    field.type_text("0.5 µm");
    harness.run();
    harness.get_by_label("Set pixel size").click();
    harness.run();
    assert_eq!(pixel(&harness), Some((500.0, "set by hand: 0.5 µm per px".to_owned())));
    harness.get_by_label("set by hand: 0.5 µm per px");
    harness.get_by_label("As the file says").click();
    harness.run();
    assert_eq!(pixel(&harness).unwrap().0, 12.5);
}

#[test]
fn the_edge_of_the_bar_is_dragged_and_set_back() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(&dir, Pane::Source);
    assert_eq!(specimen(&harness), 164);
    let image = harness.get_by_label("Source image").rect();
    drag(&mut harness, on_screen(image, [100.0, 164.0]), on_screen(image, [100.0, 150.0]));
    assert_eq!(specimen(&harness), 150);
    assert_eq!(harness.state().session.shown.as_ref().unwrap().specimen_rows, 150);
    harness.state_mut().show_alone(Some(Pane::Info));
    harness.run();
    harness.get_by_label("set by hand");
    harness.get_by_label("Automatic").click();
    harness.run();
    assert_eq!(specimen(&harness), 164);
    harness.get_by_label("found in the picture");
}

#[test]
fn a_line_along_the_scale_bar_sets_the_scale() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(&dir, Pane::Source);
    harness.key_press(Key::S);
    harness.run();
    let image = harness.get_by_label("Source image").rect();
    // Two rows of slope are a hand's, not the bar's.
    drag(&mut harness, on_screen(image, [40.0, 60.0]), on_screen(image, [140.0, 62.0]));
    let field = harness.get_by_label("Length of the line");
    field.type_text("500 nm");
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(pixel(&harness), Some((5.0, "set by hand: 500 nm along 100 px".to_owned())));
    assert!(harness.query_by_label("Length of the line").is_none());
    // The picture was not moved meanwhile.
    harness.get_by_label("Source image");
    assert_eq!(specimen(&harness), 164);
}

#[test]
fn fields_of_the_file_are_searched() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(&dir, Pane::Info);
    let file = crate::common::home().join("tests/fixtures/imaging/imagej.tif");
    harness.state_mut().session.apply(Command::Open(vec![file]));
    harness.run();
    harness.get_by_label_contains("click one to copy");
    let fields = harness.state().session.micrograph().unwrap().metadata().clone();
    let found = fields.matching("slices").count();
    assert!(found > 0 && found < fields.fields().len(), "{fields:?}");
    harness.get_by_label("Find a field").focus();
    harness.run();
    harness.get_by_label("Find a field").type_text("slices");
    harness.run();
    harness.get_by_label(&format!("{found} of {} fields", fields.fields().len()));
}
