//! ONNX files from outside: imported by the command line, opened in a session.

use std::path::PathBuf;

use polepiece::analysis::Prediction;
use polepiece::network::Task;
use polepiece::session::{Command, Preferences, Session, Threading};

use crate::common::{home, run_in, text, write_discs};

fn network(name: &str) -> PathBuf {
    home().join("tests/fixtures/onnx").join(name).with_extension("onnx")
}

#[test]
fn an_imported_segmenter_segments_and_says_what_is_not_known() {
    let dir = tempfile::tempdir().unwrap();
    write_discs(&dir.path().join("discs.tif"), 61, 83, Some(2.0));
    let source = network("unet_bilinear_old");
    let args = [
        "import",
        text(&source),
        "--out",
        "m.safetensors",
        "--classes",
        "matrix,pore",
        "--normalise",
        "zscore",
    ];
    let ran = run_in(dir.path(), &args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("licence: unknown"), "{}", ran.out);
    assert!(ran.err.contains("taken for a segmenter"), "{}", ran.err);
    let ran = run_in(dir.path(), &["models", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let ran =
        run_in(dir.path(), &["segment", "discs.tif", "--model", "m.safetensors", "--out", "out", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("\"pore\""), "{}", ran.out);
    let ran = run_in(dir.path(), &["describe", "m.safetensors"]);
    assert!(ran.out.contains("enc1") && ran.out.contains("Resize"), "{}", ran.out);
}

#[test]
fn a_network_of_any_kind_gives_features_but_no_masks() {
    let dir = tempfile::tempdir().unwrap();
    write_discs(&dir.path().join("discs.tif"), 40, 48, None);
    let source = network("norms_new");
    let ran = run_in(
        dir.path(),
        &["import", text(&source), "--out", "m.safetensors", "--task", "any", "--name", "Norms"],
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    let ran = run_in(dir.path(), &["segment", "discs.tif", "--model", "m.safetensors", "--out", "out"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("Norms is a network whose card does not say what its answer means"),
        "{}",
        ran.err
    );
    let ran = run_in(
        dir.path(),
        &["features", "discs.tif", "--model", "m.safetensors", "--node", "conv1", "--out", "out"],
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("conv1"), "{}", ran.out);
}

#[test]
fn files_that_are_no_networks_are_refused_in_a_line() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("text.onnx"), "This is no network.").unwrap();
    let ran = run_in(dir.path(), &["import", "text.onnx", "--out", "m.safetensors"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("Not an ONNX model") && ran.err.trim_end().ends_with("text.onnx"),
        "{}",
        ran.err
    );
    assert!(!dir.path().join("m.safetensors").exists());
    let source = network("resnet_old");
    let ran = run_in(dir.path(), &["import", text(&source), "--out", "m.safetensors", "--classes", "a,b"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("names 2 classes, the graph's output has 5"), "{}", ran.err);
}

#[test]
fn an_onnx_file_among_opened_files_is_chosen_and_run() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("discs.tif");
    write_discs(&image, 40, 48, None);
    let mut session = Session::new(Threading::AtOnce, Preferences::default(), false);
    session.apply(Command::Open(vec![network("norms_old"), image]));
    assert_eq!(session.opened.len(), 1, "{:?}", session.messages);
    let model = session.model.clone().unwrap();
    // One answer behind a sigmoid, as large as the image: two classes.
    assert_eq!((model.card.task, model.card.classes.len()), (Task::Segment, 2));
    assert!(model.sha256.is_some() && model.path.is_some());
    session.apply(Command::Run);
    let result = session.result.as_ref();
    assert!(
        matches!(result.map(|result| &result.prediction), Some(Prediction::Segmentation(_))),
        "{:?}",
        session.messages
    );
}
