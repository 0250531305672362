//! Regressors and tables from outside: numbers from files, the same from the window, and classifiers taught by a table.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use candle_core::Device;
use polepiece::imaging;
use polepiece::network::architectures::{UnetSpec, lenet, unet};
use polepiece::network::{Graph, Model, Task, Weights};
use polepiece::session::{Command, ExportRequest, PredictionView, Preferences, Session, Threading};
use serde_json::Value;

use crate::common::{card, run_in, text, write_discs};

fn json_lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A regressor of random weights with two outputs, in nanometres.
pub(crate) fn write_regressor(path: &Path, graph: Graph) {
    let weights = Weights::initialised(&graph, 7, &Device::Cpu).unwrap();
    let mut card = card("Test regressor", Task::Regress, 2, 1);
    card.units = Some("nm".into());
    Model::new(graph, weights, card).unwrap().save(path).unwrap();
}

pub(crate) fn per_pixel() -> Graph {
    let spec = UnetSpec { in_channels: 1, classes: 2, base: 4, depth: 1, batch_norm: true, upsample: None };
    unet(spec).unwrap()
}

#[test]
fn regress_writes_maps_a_table_and_a_manifest() {
    let dir = tempfile::tempdir().unwrap();
    write_discs(&dir.path().join("discs.tif"), 60, 80, Some(2.0));
    write_regressor(&dir.path().join("net.safetensors"), per_pixel());
    let args = ["regress", "discs.tif", "--model", "net.safetensors", "--out", "out", "--json"];
    let ran = run_in(dir.path(), &args);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let done = &json_lines(&ran.out)[0];
    assert_eq!(done["units"], "nm");
    assert_eq!(done["files"].as_array().unwrap().len(), 3);
    let maps = &imaging::open(&dir.path().join("out/discs.maps.tif")).unwrap()[0];
    assert_eq!((maps.channels(), maps.height(), maps.width()), (2, 60, 80));
    assert!((maps.calibration().pixel().unwrap().x_nm - 2.0).abs() < 1e-6);
    assert_eq!(maps.channel_names()[1], "class 1");
    for output in 0..2 {
        let plane = maps.plane(0, output).unwrap().to_f32();
        let mean = plane.iter().map(|v| f64::from(*v)).sum::<f64>() / plane.len() as f64;
        let said = done["outputs"][output]["mean"].as_f64().unwrap();
        assert!((mean - said).abs() < 1e-6, "{mean} {said}");
    }
    let plain = run_in(dir.path(), &args[..args.len() - 1]);
    assert!(plain.out.starts_with("discs.tif: class 0 ") && plain.out.contains(" ± "), "{}", plain.out);
    let wrong = run_in(dir.path(), &["segment", "discs.tif", "--model", "net.safetensors", "--out", "o"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("Test regressor is a regressor; use `polepiece regress`"), "{}", wrong.err);
}

#[test]
fn an_image_s_numbers_are_a_table() {
    let dir = tempfile::tempdir().unwrap();
    write_discs(&dir.path().join("discs.tif"), 60, 80, None);
    write_regressor(&dir.path().join("net.safetensors"), lenet(1, 2, 4, None).unwrap());
    let ran = run_in(dir.path(), &["regress", "discs.tif", "--model", "net.safetensors", "--out", "out"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(
        ran.out.contains("class 1 ") && ran.out.contains(" nm, ") && !ran.out.contains('±'),
        "{}",
        ran.out
    );
    let table = fs::read_to_string(dir.path().join("out/discs.numbers.csv")).unwrap();
    assert!(table.starts_with("output,output_name,units,value\n0,class 0,nm,"), "{table}");
    assert!(!dir.path().join("out/discs.maps.tif").exists());
}

#[test]
fn the_window_and_the_command_line_write_identical_maps() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let (image, model, out) = (root.join("discs.tif"), root.join("net.safetensors"), root.join("results"));
    write_discs(&image, 93, 141, Some(12.5));
    write_regressor(&model, per_pixel());
    let mut session = Session::new(Threading::AtOnce, Preferences::default(), false);
    session.apply(Command::Open(vec![image.clone()]));
    session.apply(Command::ChooseModel(text(&model).into()));
    session.apply(Command::Run);
    assert_eq!(session.prediction_view, PredictionView::Output(0));
    let request = ExportRequest { dir: out.clone(), formats: Vec::new(), features: false };
    session.apply(Command::Export(request));
    let names = ["discs.maps.tif", "discs.numbers.csv", "discs.manifest.json"];
    let from_window = names.map(|name| fs::read(out.join(name)).unwrap());
    let line = session.command_line().unwrap();
    assert!(line.starts_with("polepiece regress "), "{line}");
    fs::remove_dir_all(&out).unwrap();
    let args = ["regress", text(&image), "--model", text(&model), "--out", text(&out)];
    let ran = run_in(&root, &args);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for (name, ours) in names.into_iter().zip(from_window) {
        assert!(fs::read(out.join(name)).unwrap() == ours, "{name} differs");
    }
}

#[test]
fn a_synthetic_folder_trains_a_regressor_that_is_evaluated_on_another() {
    let dir = tempfile::tempdir().unwrap();
    for (folder, seed) in [("train", "1"), ("held", "2")] {
        let args =
            ["synth", "eds", "--seed", seed, "--count", "6", "--size", "40x48", "--out", folder, "--json"];
        let ran = run_in(dir.path(), &args);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert!(json_lines(&ran.out)[0]["composition"].as_str().unwrap().ends_with("000.composition.tif"));
    }
    let train = ["train", "--images", "train", "--targets", "train", "--arch", "spectral", "--base", "4"];
    let train = [&train[..], &["--steps", "3", "--out", "m.safetensors"]].concat();
    let ran = run_in(dir.path(), &train);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.contains("mean absolute error"), "{}", ran.out);
    let evaluate =
        ["evaluate", "--model", "m.safetensors", "--images", "held", "--targets", "held", "--json"];
    let ran = run_in(dir.path(), &evaluate);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let score = &json_lines(&ran.out)[0];
    assert_eq!((score["images"].as_u64(), score["outputs"].as_array().unwrap().len()), (Some(6), 8));
    assert_eq!(score["outputs"][6]["name"], "Fe");
    let ran = run_in(dir.path(), &["evaluate", "--model", "m.safetensors", "--images", "held"]);
    assert!(ran.code == 2 && ran.err.contains("add --targets DIR"), "{}", ran.err);
}

#[test]
fn a_classifier_is_taught_and_judged_by_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = "file,class\n".to_owned();
    for k in 0..6u32 {
        let name = format!("{k}.png");
        let (class, step) = if k % 2 == 0 { ("coarse", 12) } else { ("fine", 2) };
        let grey = |x: u32, _| image::Luma([if ((x + k) / step).is_multiple_of(2) { 200_u8 } else { 40 }]);
        image::GrayImage::from_fn(40, 36, grey).save(dir.path().join(&name)).unwrap();
        writeln!(table, "{name},{class}").unwrap();
    }
    fs::write(dir.path().join("labels.csv"), &table).unwrap();
    let train = ["train", "--images", "labels.csv", "--arch", "lenet", "--base", "2", "--steps", "2"];
    let ran = run_in(dir.path(), &[&train[..], &["--out", "m.safetensors"]].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    for word in ["precision", "recall", "F1", "true \\ called"] {
        assert!(ran.out.contains(word), "{word}: {}", ran.out);
    }
    let evaluate = ["evaluate", "--model", "m.safetensors", "--images", "labels.csv", "--json"];
    let score = &json_lines(&run_in(dir.path(), &evaluate).out)[0];
    assert_eq!(score["images"], 6);
    let all: u64 = score["confusion"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(all, 6);
    assert!(score["classes"][0]["recall"].is_number(), "{score}");
    fs::write(dir.path().join("labels.csv"), table + "gone.png,fine\n").unwrap();
    let ran = run_in(dir.path(), &evaluate);
    assert!(ran.code == 1 && ran.err.contains("gone.png"), "{}", ran.err);
}
