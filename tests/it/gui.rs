//! The window without a GPU: the main path by mouse and keys, every pane empty and full, dark and light.
use candle_core::Device;
use eframe::egui::{self, Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use polepiece::analysis::Prediction;
use polepiece::export::{TiffPages, write_tiff};
use polepiece::gui::{App, Pane};
use polepiece::imaging::{Calibration, ChannelColour, Colormap, Contrast, Tone};
use polepiece::network::architectures::{UnetSpec, lenet, unet};
use polepiece::network::{ClassInfo, Graph, Model, ModelCard, Normalisation, Task, Weights};
use polepiece::session::{Command, ModelEntry, Preferences, Session, Theme, Threading};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A micrograph of 40 × 32 px.
fn image_file(dir: &Path) -> PathBuf {
    let path = dir.join("grains.png");
    let grey = |x: u32, y: u32| image::Luma([((x / 5 + y / 4) % 2 * 120 + x * 2 + y) as u8]);
    image::GrayImage::from_fn(40, 32, grey).save(&path).unwrap();
    path
}

/// A model of random weights.
pub(crate) fn model_file(dir: &Path, stem: &str, task: Task, graph: Graph) -> String {
    let weights = Weights::initialised(&graph, 7, &Device::Cpu).unwrap();
    let class = |name: &str, colour| ClassInfo { name: name.to_owned(), colour };
    let card = ModelCard {
        name: "Tiny".to_owned(),
        description: "Random weights".to_owned(),
        task,
        classes: vec![class("matrix", [20, 20, 30]), class("particle", [255, 128, 0])],
        units: None,
        channels: vec!["grey".to_owned()],
        pixel_size_nm: Some(2.0),
        normalisation: Normalisation::ZScore,
        input_size: (task == Task::Classify).then_some([16, 16]),
        training_data: Vec::new(),
        licence: "MIT".to_owned(),
        metrics: [("mean_iou".to_owned(), 0.5)].into(),
        metrics_on: "nothing".to_owned(),
        recipe: String::new(),
        trained_by: String::new(),
    };
    let path = dir.join(format!("{stem}.safetensors"));
    Model::new(graph, weights, card).unwrap().save(&path).unwrap();
    path.display().to_string()
}

fn tiny_unet(base: usize) -> Graph {
    let spec = UnetSpec { in_channels: 1, classes: 2, base, depth: 1, batch_norm: true, upsample: None };
    unet(spec).unwrap()
}

pub(crate) fn session() -> Session {
    Session::new(Threading::AtOnce, Preferences::default(), false)
}

/// An image and a chosen model, not run yet.
pub(crate) fn ready(dir: &Path) -> Session {
    let mut session = session();
    session.apply(Command::Open(vec![image_file(dir)]));
    session.apply(Command::ChooseModel(model_file(dir, "tiny", Task::Segment, tiny_unet(4))));
    assert!(session.messages.is_empty(), "{:?}", session.messages);
    session
}

pub(crate) fn window(session: Session) -> Harness<'static, App> {
    Harness::builder()
        .with_size(vec2(1480.0, 920.0))
        .with_max_steps(40)
        .build_eframe(|context| App::new(&context.egui_ctx, session))
}

pub(crate) fn press(harness: &mut Harness<'_, App>, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    harness.run();
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("not read by the window".to_owned())
    }
}

fn drop_file(harness: &mut Harness<'_, App>, path: PathBuf) {
    harness.input_mut().dropped_files.push(std::sync::Arc::new(Dropped(path)));
    harness.run();
}

#[test]
fn from_a_dropped_file_to_a_feature_by_mouse_and_keys() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(session());
    drop_file(&mut harness, image_file(dir.path()));
    assert_eq!(harness.state().session.opened.len(), 1);
    drop_file(&mut harness, model_file(dir.path(), "tiny", Task::Segment, tiny_unet(4)).into());
    assert!(harness.state().session.model.is_some());

    let outlook = harness.state().session.outlook.clone().unwrap().unwrap();
    harness.get_by_label_contains(&format!("a run takes {}", outlook.words()));
    harness.get_by_label("Run").click();
    harness.run();
    let result = harness.state().session.result.as_ref().expect("a result after Run");
    assert!(matches!(result.prediction, Prediction::Segmentation(_)));

    // The run looks at the decoder's end, and the table has come there.
    harness.get_by_label("dec1.conv1").click();
    harness.run();
    assert_eq!(harness.state().session.node.as_deref(), Some("dec1.conv1"));
    assert_eq!(harness.state().session.features.as_ref().unwrap().maps.node, "dec1.conv1");

    harness.get_by_label("Feature 1").click();
    harness.run();
    assert_eq!(harness.state().session.feature, Some(1));
    press(&mut harness, Modifiers::NONE, Key::ArrowRight);
    assert_eq!(harness.state().session.feature, Some(2));
    press(&mut harness, Modifiers::NONE, Key::ArrowLeft);
    press(&mut harness, Modifiers::NONE, Key::ArrowLeft);
    press(&mut harness, Modifiers::NONE, Key::ArrowLeft);
    assert_eq!(harness.state().session.feature, Some(0));

    press(&mut harness, Modifiers::NONE, Key::ArrowDown);
    assert_eq!(harness.state().session.node.as_deref(), Some("dec1.bn1"));
    press(&mut harness, Modifiers::NONE, Key::ArrowUp);
    assert_eq!(harness.state().session.node.as_deref(), Some("dec1.conv1"));
}

#[test]
fn keys_run_and_toggle_but_not_while_text_is_typed() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(ready(dir.path()));
    press(&mut harness, Modifiers::NONE, Key::F5);
    assert!(harness.state().session.result_is_current());
    let before = harness.state().session.overlay;
    press(&mut harness, Modifiers::NONE, Key::M);
    assert_eq!(harness.state().session.overlay, !before);

    harness.get_by_role(egui::accesskit::Role::TextInput).focus();
    harness.run();
    press(&mut harness, Modifiers::NONE, Key::M);
    assert_eq!(harness.state().session.overlay, !before);
}

#[test]
fn the_search_leaves_only_the_nodes_that_match() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(ready(dir.path()));
    harness.get_by_label("Table").click();
    harness.run();
    assert!(harness.query_by_label("enc1.conv1").is_some());
    let field = harness.get_by_role(egui::accesskit::Role::TextInput);
    field.focus();
    field.type_text("dec1");
    harness.run();
    assert!(harness.query_by_label("enc1.conv1").is_none());
    assert!(harness.query_by_label("dec1.conv1").is_some());
}

#[test]
fn the_cursor_reads_values_and_links_the_panes() {
    let dir = TempDir::new().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    let mut harness = window(session);
    let image = harness.get_by_label("Source image").rect();
    // Fitted and centred, so the middle of the pane is the corner between the four middle pixels.
    harness.hover_at(image.center() + vec2(1.0, 1.0));
    harness.run();
    assert!(harness.query_by_label("x 20 y 16").is_some());
    // `image_file`'s formula at (20, 16): a dark square, 20 · 2 + 16.
    assert!(harness.query_by_label("56").is_some());
    harness.remove_cursor();
    harness.run();
    assert!(harness.query_by_label("x 20 y 16").is_none());
}

#[test]
fn dragging_a_line_of_the_histogram_sets_the_contrast() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(ready(dir.path()));
    let automatic = harness.state().session.contrast_now().unwrap();
    harness.state_mut().show_alone(Some(Pane::Contrast));
    harness.run();
    // The plot fills the pane's width; the range of the data, with a small margin, fills the plot.
    let histogram = harness.state().session.shown.as_ref().unwrap().histogram.clone();
    let (min, max) = (histogram.min, histogram.max);
    let margin = (max - min) * 0.02;
    let (left, right) = (14.0, 1480.0 - 14.0);
    let at = |value: f32| left + (value - min + margin) / (max - min + 2.0 * margin) * (right - left);
    let target = automatic.low + (automatic.high - automatic.low) * 0.4;
    harness.drag_at(egui::pos2(at(automatic.low), 400.0));
    harness.run();
    harness.hover_at(egui::pos2(at(target), 400.0));
    harness.run();
    harness.drop_at(egui::pos2(at(target), 400.0));
    harness.run();
    let set = harness.state().session.look().unwrap().contrast.expect("a contrast set by hand");
    assert!((set.low - target).abs() < (max - min) * 0.02, "{set:?}, wanted {target}");
    assert_eq!(set.high, automatic.high);
    harness.get_by_label("Auto").click();
    harness.run();
    assert_eq!(harness.state().session.look().unwrap().contrast, None);
}

#[test]
fn dragging_the_dot_of_the_histogram_bends_the_curve_and_reset_straightens_it() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(ready(dir.path()));
    harness.state_mut().show_alone(Some(Pane::Contrast));
    harness.run();
    let session = &harness.state().session;
    let (histogram, contrast) =
        (session.shown.as_ref().unwrap().histogram.clone(), session.contrast_now().unwrap());
    let margin = (histogram.max - histogram.min) * 0.02;
    let (left, right) = (14.0, 1480.0 - 14.0);
    let middle = contrast.low + (contrast.high - contrast.low) / 2.0;
    let x = left
        + (middle - histogram.min + margin) / (histogram.max - histogram.min + 2.0 * margin) * (right - left);
    // The dot is half way up the plot, wherever that is; the curve is bent as soon as it is found.
    let mut found = false;
    for y in (150..600).step_by(6) {
        let y = y as f32;
        harness.drag_at(egui::pos2(x, y));
        harness.run();
        harness.hover_at(egui::pos2(x, y + 40.0));
        harness.run();
        harness.drop_at(egui::pos2(x, y + 40.0));
        harness.run();
        if harness.state().session.look().unwrap().tone.gamma > 1.0 {
            found = true;
            break;
        }
        harness.state_mut().session.apply(Command::SetContrast(None));
        harness.run();
    }
    assert!(found, "{:?}", harness.state().session.look());
    assert_eq!(harness.state().session.look().unwrap().contrast, None, "the window stays");
    harness.get_by_label("Reset").click();
    harness.run();
    assert_eq!(harness.state().session.look().unwrap().tone, Tone::default());
}

#[test]
fn the_contrast_pane_sets_tone_colours_and_window_by_buttons() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(ready(dir.path()));
    harness.state_mut().show_alone(Some(Pane::Contrast));
    harness.run();
    for button in ["Log", "Invert", "Min–max"] {
        harness.get_by_label(button).click();
        harness.run();
    }
    let session = &harness.state().session;
    let look = *session.look().unwrap();
    let histogram = &session.shown.as_ref().unwrap().histogram;
    assert_eq!(look.tone, Tone { gamma: 1.0, logarithmic: true, inverted: true });
    assert_eq!(look.contrast, Some(Contrast { low: histogram.min, high: histogram.max }));
    assert!(harness.query_by_label_contains("Colours from").is_some());
    harness.get_by_label("Colours of the source").click();
    harness.run();
    harness.get_by_label("Cividis").click();
    harness.run();
    assert_eq!(harness.state().session.colormap, Colormap::Cividis);
}

#[test]
fn channels_are_rows_with_their_switch_colour_and_window() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("maps.tif");
    let plane = |first: f32| ndarray::Array2::from_shape_fn((8, 9), |(y, x)| first + (y * 9 + x) as f32);
    let names = ["Al", "Fe", "Ni"].map(str::to_owned);
    let planes = [plane(0.0), plane(50.0), plane(500.0)];
    write_tiff(&path, TiffPages::F32(&planes), &names, &Calibration::default()).unwrap();
    let mut session = session();
    session.apply(Command::Open(vec![path]));
    let mut harness = window(session);
    harness.state_mut().show_alone(Some(Pane::Contrast));
    harness.run();
    let on =
        |harness: &Harness<'_, App>| harness.state().session.composite_now().map(|channels| channels.len());
    assert_eq!(on(&harness), Some(3));
    harness.get_by_label("Show Fe").click();
    harness.run();
    assert_eq!(on(&harness), Some(2));
    harness.get_by_label("Colour of Ni").click();
    harness.run();
    harness.get_by_label("Green").click();
    harness.run();
    assert_eq!(harness.state().session.opened[0].looks[2].colour, ChannelColour::Green);
    harness.get_by_label("Ni").click();
    harness.run();
    assert_eq!(harness.state().session.shown.as_ref().unwrap().channel, 2);
    harness.get_by_label("Composite").click();
    harness.run();
    assert_eq!(on(&harness), None);
    assert!(harness.query_by_label("Show Fe").is_none());
}

#[test]
fn the_wheel_zooms_and_keys_set_the_zoom() {
    let dir = TempDir::new().unwrap();
    let mut harness = window(ready(dir.path()));
    let image = harness.get_by_label("Source image").rect();
    let zoom = |harness: &Harness<'_, App>| {
        let shown = harness.get_by_label_contains(" %").accesskit_node().value();
        shown.unwrap_or_default().trim_end_matches(" %").parse::<f32>().unwrap()
    };
    let fitted = zoom(&harness);
    harness.hover_at(image.center());
    harness.run();
    harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(0.0, 200.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    });
    harness.run();
    assert!(zoom(&harness) > fitted * 1.5);
    press(&mut harness, Modifiers::NONE, Key::F);
    assert_eq!(zoom(&harness), fitted);
    press(&mut harness, Modifiers::NONE, Key::Num1);
    assert_eq!(zoom(&harness), 100.0);
}

#[test]
fn a_card_in_the_menu_chooses_its_model() {
    let dir = TempDir::new().unwrap();
    let path = model_file(dir.path(), "tiny", Task::Segment, tiny_unet(2));
    let (_, card) = Model::read_header(Path::new(&path)).unwrap();
    let mut session = session();
    let good = ModelEntry { id: path.clone(), path: path.clone().into(), card: Ok(card) };
    let bad = ModelEntry {
        id: "torn".to_owned(),
        path: "torn.safetensors".into(),
        card: Err("cut short".to_owned()),
    };
    session.library = vec![bad, good];
    let mut harness = window(session);
    harness.get_by_label_contains("Model: none").click();
    harness.run();
    assert!(harness.query_by_label("cut short").is_some());
    harness.get_by_role_and_label(egui::accesskit::Role::Button, "Tiny").click();
    harness.run();
    assert_eq!(harness.state().session.model_choice.as_ref(), Some(&path));
    assert!(harness.state().session.model.is_some());
}

#[test]
fn the_export_window_writes_files() {
    let dir = TempDir::new().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    session.preferences.export_dir = Some(dir.path().join("out"));
    let mut harness = window(session);
    press(&mut harness, Modifiers::COMMAND, Key::E);
    harness.get_by_label("Write files").click();
    harness.run();
    let session = &harness.state().session;
    assert!(!session.exported.is_empty(), "{:?}", session.messages);
    assert!(session.exported.iter().all(|file| file.starts_with(dir.path().join("out")) && file.is_file()));
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(harness.query_by_label("Write files").is_none());
}

#[test]
fn escape_cancels_a_run_and_the_previous_result_stays() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("large.png");
    image::GrayImage::from_fn(1600, 1600, |x, y| image::Luma([(x ^ y) as u8])).save(&path).unwrap();
    let mut session = Session::new(Threading::Threads, Preferences::default(), false);
    session.apply(Command::Open(vec![path]));
    session.apply(Command::ChooseModel(model_file(dir.path(), "wide", Task::Segment, tiny_unet(32))));
    while !session.progress().is_empty() {
        session.poll();
        std::thread::yield_now();
    }
    session.poll();
    let mut harness = window(session);
    harness.state_mut().session.apply(Command::Run);
    harness.step();
    assert!(!harness.state().session.progress().is_empty());
    harness.key_press(Key::Escape);
    while !harness.state().session.progress().is_empty() {
        harness.step();
        std::thread::yield_now();
    }
    let session = &harness.state().session;
    assert!(session.result.is_none());
    assert!(session.messages.iter().all(|message| message.severity != polepiece::session::Severity::Error));
}

#[test]
fn an_error_stays_until_it_is_dismissed() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("text.tif");
    std::fs::write(&path, "not an image").unwrap();
    let mut harness = window(session());
    drop_file(&mut harness, path);
    assert_eq!(harness.state().session.messages.len(), 1);
    for _ in 0..80 {
        harness.step();
    }
    assert_eq!(harness.state().session.messages.len(), 1);
    harness.get_by_label("Dismiss").click();
    harness.run();
    assert!(harness.state().session.messages.is_empty());
}

#[test]
fn help_and_themes_open_by_key_and_menu() {
    let mut harness = window(session());
    press(&mut harness, Modifiers::NONE, Key::F1);
    assert!(harness.query_by_label("Receptive field").is_some());
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(harness.query_by_label("Receptive field").is_none());
    harness.get_by_label("Window menu").click();
    harness.run();
    harness.get_by_label("Light theme").click();
    harness.run();
    assert_eq!(harness.state().session.preferences.theme, Theme::Light);
}

#[test]
fn every_pane_draws_empty_and_full_in_both_themes() {
    let dir = TempDir::new().unwrap();
    let full = || {
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        session
    };
    let classified = || {
        let mut session = ready(dir.path());
        let graph = lenet(1, 2, 2, None).unwrap();
        session.apply(Command::ChooseModel(model_file(dir.path(), "kind", Task::Classify, graph)));
        session.apply(Command::Run);
        assert!(session.result.is_some(), "{:?}", session.messages);
        session
    };
    let sessions: [&dyn Fn() -> Session; 4] = [&session, &|| ready(dir.path()), &full, &classified];
    for make in sessions {
        let mut harness = window(make());
        for theme in [Theme::Dark, Theme::Light] {
            harness.state_mut().session.apply(Command::SetTheme(theme));
            for pane in Pane::ALL.into_iter().map(Some).chain([None]) {
                harness.state_mut().show_alone(pane);
                harness.run();
            }
        }
    }
}
