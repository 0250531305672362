//! `polepiece figure` and `polepiece features --values-at`, from outside.
use crate::common::{run_in, text, write_classifier, write_discs, write_segmenter};
use polepiece::analysis::{AttributionMethod, AttributionRequest, Method, Movement, Over, Polarity};
use polepiece::export::FigureSpec;
use polepiece::session::{
    AttributeCommand, Command, CompareCommand, FigureCommand, Preferences, RobustnessCommand, Session,
    Severity, SheetCommand, Threading,
};
use std::path::Path;
use tempfile::TempDir;

/// A model and a calibrated image of 60 × 70 px.
fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    write_segmenter(&dir.path().join("model.safetensors"), 1);
    write_discs(&dir.path().join("discs.tif"), 60, 70, Some(2.0));
    dir
}

fn figure(dir: &Path, args: &[&str]) -> crate::common::Ran {
    run_in(dir, &[&["figure", "discs.tif", "--model", "model.safetensors"], args].concat())
}

const PANELS: [&str; 22] = [
    "--panel",
    "source",
    "--panel",
    "prediction",
    "--panel",
    "probability:class 1",
    "--panel",
    "feature:dec1.conv1:1",
    "--panel",
    "features:enc1.conv2:4",
    "--panel",
    "effective:dec1.conv1:1",
    "--panel",
    "difference:b-baseline=otsu:bright",
    "--panel",
    "pinned:enc1.conv1:0,dec1.conv1:1",
    "--panel",
    "why:gradient-input:class 1",
    "--panel",
    "equivariance:shift=1,0",
    "--panel",
    "baseline:sauvola:dark",
];

/// What the panes have found before the figure is put together; the command line computes it.
fn look_at_panes(session: &mut Session) {
    session.apply(Command::Compare(CompareCommand::Mask(Method::Otsu, Polarity::Bright)));
    for (node, feature) in [("enc1.conv1", 0), ("dec1.conv1", 1)] {
        session.apply(Command::Sheet(SheetCommand::Pin(node.into(), feature)));
    }
    let (method, over) = (AttributionMethod::GradientInput, Over::Whole);
    let request = AttributionRequest { method, class: 1, over, labels: None };
    session.apply(Command::Attribute(AttributeCommand::Explain(request)));
    let movement = Movement { shift: [1, 0], ..Movement::default() };
    session.apply(Command::Robustness(RobustnessCommand::Move(movement)));
    assert_eq!(session.figure_results().len(), 4);
}

#[test]
fn the_window_saves_what_the_command_line_writes() {
    let dir = folder();
    let mut session = Session::new(Threading::AtOnce, Preferences::default(), false);
    session.apply(Command::Open(vec![dir.path().join("discs.tif")]));
    session.apply(Command::ChooseModel(text(&dir.path().join("model.safetensors")).into()));
    session.apply(Command::Run);
    look_at_panes(&mut session);
    let panels = PANELS.iter().skip(1).step_by(2).map(|panel| panel.parse().unwrap()).collect();
    let mut spec = FigureSpec { panels, paint: session.figure_paint().0, ..FigureSpec::default() };
    (spec.look.columns, spec.look.letters, spec.look.dpi) = (2, true, 150.0);
    (spec.crop, spec.cursor, spec.field) =
        (Some([4, 8, 50, 40]), Some([20, 30]), Some("enc2.conv1".to_owned()));
    for name in ["figure.png", "figure.svg"] {
        let (window, line) = (dir.path().join(name), dir.path().join(format!("line.{name}")));
        session.apply(Command::Figure(FigureCommand::Save(spec.clone(), window.clone())));
        assert!(
            session.messages.iter().all(|message| message.severity != Severity::Error),
            "{:?}",
            session.messages
        );
        let page =
            ["--columns", "2", "--dpi", "150", "--letters", "--crop", "4,8,50,40", "--cursor", "20,30"];
        let rest = ["--field", "enc2.conv1", "--out", text(&line)];
        let ran = figure(dir.path(), &[&PANELS[..], &page, &rest].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert_eq!(ran.out.trim(), text(&line));
        let [ours, theirs] = [window, line].map(|path| std::fs::read(path).unwrap());
        assert!(ours == theirs, "{name} differs");
        assert!(ours.len() > 5000);
    }
}

#[test]
fn the_size_and_the_scale_are_told() {
    let dir = folder();
    let ran = figure(dir.path(), &["--panel", "source", "--width-mm", "70", "--out", "a.svg", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&found["width_mm"], &found["calibrated"]), (&70.0.into(), &true.into()));
    assert!(found["height_mm"].as_f64().unwrap() > 60.0, "{found}");
    let svg = std::fs::read_to_string(dir.path().join("a.svg")).unwrap();
    // 70 px of 2 nm: at most 42 nm, so 20 nm, 10 of 70 px on 70 mm.
    assert!(svg.contains(">20 nm</text>") && svg.contains("width=\"10\" "), "{svg}");
    write_discs(&dir.path().join("discs.tif"), 60, 70, None);
    let ran = figure(dir.path(), &["--panel", "source", "--out", "b.svg"]);
    assert!(ran.code == 0 && ran.err.contains("there is no scale bar"), "{}", ran.err);
    assert!(!std::fs::read_to_string(dir.path().join("b.svg")).unwrap().contains(" nm</text>"));
}

#[test]
fn what_cannot_be_drawn_is_refused_and_nothing_is_written() {
    let dir = folder();
    let refused = |args: &[&str], says: &str| {
        let ran = figure(dir.path(), args);
        assert!(ran.code == 2 && ran.err.contains(says), "{args:?}: {} {}", ran.code, ran.err);
        assert!(!dir.path().join("a.png").exists());
    };
    let out = ["--out", "a.png"];
    let with = |args: &[&'static str]| [args, &out].concat();
    refused(&["--out", "a.png"], "--panel");
    refused(&["--panel", "source", "--out", "a.pdf"], "A figure is written as .png or .svg");
    refused(&with(&["--panel", "everything"]), "everything is no panel");
    refused(&with(&["--panel", "feature:dec1.conv1:99"]), "has no feature 99");
    refused(&with(&["--panel", "feature:dec9:0"]), "dec9");
    refused(&with(&["--panel", "probability:pore"]), "There is no class pore");
    refused(&with(&["--panel", "source", "--crop", "0,0,71,10"]), "is not within");
    refused(&with(&["--panel", "source", "--frame", "1"]), "There is no frame 1");
    refused(&with(&["--panel", "source", "--dpi", "1"]), "resolution");
    let ran = run_in(dir.path(), &["figure", "discs.tif", "--panel", "prediction", "--out", "a.png"]);
    assert!(ran.code == 2 && ran.err.contains("needs a model"), "{}", ran.err);
    write_classifier(&dir.path().join("model.safetensors"));
    refused(&with(&["--panel", "prediction"]), "gives no class for every pixel");
}

#[test]
fn the_source_alone_needs_no_model() {
    let dir = folder();
    let ran =
        run_in(dir.path(), &["figure", "discs.tif", "--panel", "source", "--no-scale-bar", "--out", "a.png"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(image::open(dir.path().join("a.png")).unwrap().width(), 2126);
}

#[test]
fn values_at_a_place_are_those_of_the_written_maps() {
    let dir = folder();
    let of = |node: &str, more: &[&str]| {
        let base = ["features", "discs.tif", "--model", "model.safetensors", "--node", node];
        run_in(dir.path(), &[&base, more].concat())
    };
    for (node, scale) in [("enc1.conv2", 1), ("enc2.conv1", 2), ("mid.conv1", 4), ("head", 1)] {
        assert_eq!(of(node, &["--out", "maps"]).code, 0);
        let ran = of(node, &["--values-at", "37,21", "--json"]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let file = std::fs::File::open(dir.path().join(format!("maps/{node}.npy"))).unwrap();
        let array = npyz::NpyFile::new(file).unwrap();
        let shape: Vec<usize> = array.shape().iter().map(|n| *n as usize).collect();
        let values: Vec<f32> = array.into_vec().unwrap();
        let (y, x) = (37 / scale, 21 / scale);
        assert_eq!(found["map_pixel"], serde_json::json!([y, x]), "{node}");
        let expected: Vec<f32> = (0..shape[0]).map(|k| values[(k * shape[1] + y) * shape[2] + x]).collect();
        let told: Vec<f32> = serde_json::from_value(found["values"].clone()).unwrap();
        assert_eq!(told, expected, "{node}");
    }
    let sorted = of("enc1.conv2", &["--values-at", "37,21", "--by-value"]);
    let numbers: Vec<f32> = sorted
        .out
        .lines()
        .skip(2)
        .map(|line| line.split_whitespace().nth(1).unwrap().parse().unwrap())
        .collect();
    assert!(numbers.len() == 4 && numbers.windows(2).all(|pair| pair[0] >= pair[1]), "{}", sorted.out);
    let beyond = of("enc1.conv2", &["--values-at", "60,0"]);
    assert!(beyond.code != 0 && beyond.err.contains("There is no pixel 60,0"), "{}", beyond.err);
}
