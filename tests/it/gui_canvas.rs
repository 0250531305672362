//! Looking around and measuring on the source: lines, rectangles, the overview, stacks, the values under the cursor.
use crate::gui::{press, ready, session, window};
use eframe::egui::{self, Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use polepiece::gui::App;
use polepiece::session::Command;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn drag(harness: &mut Harness<'_, App>, from: egui::Pos2, to: egui::Pos2) {
    harness.drag_at(from);
    harness.run();
    harness.hover_at(from + (to - from) * 0.5);
    harness.run();
    harness.hover_at(to);
    harness.run();
    harness.drop_at(to);
    harness.run();
}

#[test]
fn a_line_is_drawn_dragged_by_its_end_and_taken_away() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(ready(dir.path()));
    let image = harness.get_by_label("Source image").rect();
    press(&mut harness, Modifiers::NONE, Key::L);
    drag(&mut harness, image.center(), image.center() + vec2(100.0, 0.0));
    let line = harness.state().session.measured.line.expect("a line");
    // The middle of 40 × 32 px is the corner between four pixels, half a pixel before (20, 16).
    assert!((line.from[0] - 19.5).abs() < 0.01 && (line.from[1] - 15.5).abs() < 0.01, "{line:?}");
    assert!(line.to[0] > 25.0 && (line.to[1] - 15.5).abs() < 0.01, "{line:?}");
    let profile = harness.state().session.measured.profile.clone().unwrap();
    assert_eq!(profile.channels[0].values.len(), line.places());
    assert!(harness.query_by_label("Width").is_some(), "the profile came to the front");

    press(&mut harness, Modifiers::NONE, Key::V);
    drag(&mut harness, image.center() + vec2(100.0, 0.0), image.center() + vec2(100.0, 60.0));
    let bent = harness.state().session.measured.line.unwrap();
    assert!(bent.to[1] > line.to[1] + 2.0 && bent.from == line.from, "{bent:?}");
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert_eq!(harness.state().session.measured.line, None);
    assert_eq!(harness.state().session.measured.profile, None);
}

#[test]
fn a_rectangle_is_drawn_and_its_numbers_are_shown() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(ready(dir.path()));
    let image = harness.get_by_label("Source image").rect();
    press(&mut harness, Modifiers::NONE, Key::A);
    drag(&mut harness, image.center() - vec2(60.0, 40.0), image.center() + vec2(80.0, 50.0));
    let region = harness.state().session.measured.region.expect("a rectangle");
    assert!(region.x < 20 && region.x + region.width > 20 && region.height > 2, "{region:?}");
    let found = harness.state().session.measured.statistics.clone().unwrap();
    assert_eq!(found.channels[0].values.n, region.area_px());
    assert!(harness.query_by_label("median").is_some(), "the numbers came to the front");
    press(&mut harness, Modifiers::NONE, Key::Delete);
    assert_eq!(harness.state().session.measured.region, None);
}

#[test]
fn a_click_in_the_overview_looks_elsewhere() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(ready(dir.path()));
    let image = harness.get_by_label("Source image").rect();
    assert!(harness.query_by_label("Overview").is_none(), "all of the image is seen");
    for _ in 0..6 {
        press(&mut harness, Modifiers::NONE, Key::Plus);
    }
    let overview = harness.get_by_label("Overview").rect();
    let corner = overview.min + vec2(2.0, 2.0);
    harness.drag_at(corner);
    harness.run();
    harness.drop_at(corner);
    harness.run();
    harness.hover_at(image.center());
    harness.run();
    assert!(harness.query_by_label("x 0 y 0").is_some(), "the upper left corner is in the middle now");
    // Pointing there marks the same place in all panes.
    harness.hover_at(overview.min + overview.size() * 0.27);
    harness.run();
    assert!(harness.query_by_label("x 10 y 8").is_some());
    press(&mut harness, Modifiers::NONE, Key::N);
    assert!(harness.query_by_label("Overview").is_none());
}

#[test]
fn the_value_under_the_cursor_is_marked_in_the_histogram() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(ready(dir.path()));
    harness.run();
    assert!(harness.query_by_label_contains("here ").is_none());
    harness.hover_at(harness.get_by_label("Source image").rect().center());
    harness.run();
    // By the image's formula at (20, 16): 20 / 5 + 16 / 4 is even, so 2 · 20 + 16.
    assert!(harness.query_by_label("here 56").is_some());
}

/// A TIFF of 5 frames of 8 × 6 px whose values are the frame's number.
fn stack_file(dir: &Path) -> PathBuf {
    let path = dir.join("stack.tif");
    let mut file = tiff::encoder::TiffEncoder::new(std::fs::File::create(&path).unwrap()).unwrap();
    for frame in 0..5_u8 {
        file.write_image::<tiff::encoder::colortype::Gray8>(8, 6, &[frame; 48]).unwrap();
    }
    path
}

#[test]
fn a_stack_shows_its_frames_and_plays() {
    let dir = TempDir::new().unwrap();
    let mut session = session();
    session.apply(Command::Open(vec![stack_file(dir.path())]));
    let mut harness = window(session);
    harness.run();
    assert!(!harness.state().session.frame_pictures.pictures.is_empty());
    harness.get_by_label("Frame 3").click();
    harness.run();
    assert_eq!(harness.state().session.shown.as_ref().unwrap().frame, 2);
    harness.key_press(Key::Space);
    // Each step is a moment later by the window's time; more than a frame takes.
    let frame = |harness: &Harness<'_, App>| harness.state().session.shown.as_ref().unwrap().frame;
    let moved = (0..100).find(|_| {
        harness.step();
        frame(&harness) != 2
    });
    assert_eq!((moved.is_some(), frame(&harness)), (true, 3));
    harness.key_press(Key::Space);
    harness.step();
    harness.step();
    let stopped = frame(&harness);
    (0..20).for_each(|_| harness.step());
    assert_eq!(frame(&harness), stopped);
}

#[test]
fn every_channel_is_read_under_the_cursor() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("colour.png");
    image::RgbImage::from_fn(40, 32, |x, y| image::Rgb([x as u8, 100 + y as u8, 201])).save(&path).unwrap();
    let mut session = session();
    session.apply(Command::Open(vec![path]));
    let mut harness = window(session);
    let image = harness.get_by_label("Source image").rect();
    harness.hover_at(image.center() + vec2(1.0, 1.0));
    harness.run();
    // The channel's name stands among the channels of the composite, too.
    for (text, least) in [("green", 2), ("116", 1), ("201", 1)] {
        assert!(harness.query_all_by_label(text).count() >= least, "{text}");
    }
}
