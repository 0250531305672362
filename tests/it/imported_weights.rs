//! Weights of PyTorch and packages of bioimage.io, imported by the program.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ndarray::Array3;
use polepiece::export::write_array;
use polepiece::imaging::read_array;

use crate::common::{home, run_in, text};

const RESNET: [&str; 9] =
    ["--arch", "resnet18", "--channels", "1", "--width", "0.015625", "--normalise", "none", "--json"];

fn fixture(name: &str) -> PathBuf {
    home().join("tests/fixtures").join(name)
}

fn import(dir: &Path, file: &Path, more: &[&str]) -> crate::common::Ran {
    run_in(dir, &[&["import", text(file), "--out", "m.safetensors"], more].concat())
}

#[test]
fn weights_of_torchvision_become_a_model_that_answers_as_there() {
    let dir = tempfile::tempdir().unwrap();
    let file = fixture("pytorch/resnet_small.pth");
    let before = fs::read(&file).unwrap();
    let ran = import(dir.path(), &file, &[&RESNET[..], &["--classes", "fcc,bcc,hcp"]].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let line: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&line["path"], &line["licence"]), (&"m.safetensors".into(), &"unknown".into()));
    assert_eq!(line["classes"][2]["name"], "hcp");
    assert_eq!(line["notes"].as_array().unwrap().len(), 2, "{}", line["notes"]);
    let answer = fs::read(fixture("pytorch/resnet_small.json")).unwrap();
    let answer: BTreeMap<String, Vec<f32>> = serde_json::from_slice(&answer).unwrap();
    let image = Array3::from_shape_vec((1, 32, 24), answer["image"].clone()).unwrap().into_dyn();
    write_array(&image, &dir.path().join("x.npy")).unwrap();
    let ran = run_in(dir.path(), &["run", "m.safetensors", "--input", "x.npy", "--out", "y.npy"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let logits = read_array(&dir.path().join("y.npy")).unwrap();
    for (ours, theirs) in logits.iter().zip(&answer["logits"]) {
        assert!((ours - theirs).abs() < 1e-5, "{logits} is not {:?}", answer["logits"]);
    }
    assert_eq!(fs::read(&file).unwrap(), before, "the file is only read");
}

#[test]
fn what_does_not_fit_is_listed_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = fixture("pytorch/resnet_small.pth");
    let ran = import(dir.path(), &file, &[&RESNET[..], &["--classes", "4"]].concat());
    assert_eq!(ran.code, 2);
    let lines: Vec<&str> = ran.err.lines().collect();
    assert!(
        lines[0].ends_with("Place fc.weight has another shape: expected 4×8, found 3×8 in module.fc.weight")
    );
    assert!(lines[1].contains("Place fc.bias has another shape"), "{}", ran.err);
    assert!(lines[2].contains("2 of 102 places have no weight that fits"), "{}", ran.err);
    let whole = import(dir.path(), &fixture("pytorch/whole_model.pt"), &RESNET);
    assert!(whole.err.contains("Refuses to call torch.nn.modules.container.Sequential"), "{}", whole.err);
    let alone = import(dir.path(), &fixture("pytorch/zip.pt"), &[]);
    assert!(alone.err.contains("choose one with --arch: perceptron,"), "{}", alone.err);
    let unknown = import(dir.path(), &file, &["--arch", "resnet19"]);
    assert!(unknown.err.contains("Unknown architecture resnet19; there are"), "{}", unknown.err);
    assert_eq!((whole.code, alone.code, unknown.code), (2, 2, 2));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let ran = import(dir.path(), &file, &[&RESNET[..], &["--classes", "4", "--partial"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("Places that got fresh numbers (seed 0) and must be trained: 2"), "{}", ran.out);
}

#[test]
fn packages_run_their_own_example_on_the_way_in() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["older.zip", "newer", "newer/bioimageio.yaml", "last.zip"] {
        let ran = import(dir.path(), &fixture("bioimage").join(name), &[]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.err);
        assert!(ran.err.contains("its own example: the largest of"), "{name}: {}", ran.err);
        assert!(dir.path().join("m.safetensors").is_file());
    }
    let ran = import(dir.path(), &fixture("bioimage/newer"), &["--licence", "CC0", "--normalise", "zscore"]);
    assert_eq!(ran.code, 1, "another normalisation gives another answer");
    assert!(ran.err.contains("the network does not answer as the package says"), "{}", ran.err);
    assert!(ran.out.contains("licence: CC0"), "{}", ran.out);
}
