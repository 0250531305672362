//! Models in other programs' formats, and models on plain arrays.

use std::fs;
use std::path::Path;

use ndarray::{Array3, ArrayD};
use polepiece::export::write_array;
use polepiece::imaging::read_array;
use serde_json::Value;

use crate::common::{run_in, write_classifier, write_segmenter};

fn image(channels: usize, height: usize, width: usize) -> Array3<f32> {
    Array3::from_shape_fn((channels, height, width), |(c, y, x)| ((c * 7 + y * 13 + x * 5) % 17) as f32 / 8.0)
}

/// The files of a folder, by name.
fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_model_leaves_as_onnx_and_says_what_it_takes() {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("net.safetensors"), 2);
    let ran = run_in(dir.path(), &["export", "net.safetensors", "--onnx", "net.onnx"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out, "net.onnx: opset 18, batch×2×height×width to batch×3×height×width\n");
    let args = ["export", "net.safetensors", "--onnx", "sized.onnx", "--size", "64x32", "--opset", "21"];
    let ran = run_in(dir.path(), &[&args[..], &["--json"]].concat());
    let line: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&line["opset"], &line["output"]), (&21.into(), &"batch×3×64×32".into()));
    assert_eq!(files(dir.path()), ["net.onnx", "net.safetensors", "sized.onnx"]);
}

#[test]
fn what_cannot_be_exported_is_said_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("net.safetensors"), 1);
    let refuse = |args: &[&str], says: &str| {
        let ran = run_in(dir.path(), &[&["export"], args].concat());
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.err);
        assert!(ran.err.contains(says), "{args:?}: {}", ran.err);
        assert_eq!(files(dir.path()), ["net.safetensors"]);
    };
    refuse(&["net.safetensors", "--onnx", "a.onnx", "--opset", "7"], "Version 7 of ONNX's operators");
    refuse(&["net.safetensors", "--onnx", "a.onnx", "--size", "63x64"], "expected inputs of 31×32 pixels");
    refuse(&["net.safetensors", "--onnx", "net.safetensors"], "The model itself stands there");
    refuse(&["none.safetensors", "--onnx", "a.onnx"], "none.safetensors");
    refuse(&["net.safetensors"], "--onnx");
}

#[test]
fn a_model_runs_on_an_array_and_any_node_can_be_had() {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("net.safetensors"), 1);
    write_array(&image(1, 24, 32), &dir.path().join("x.npy")).unwrap();
    let ran = run_in(dir.path(), &["run", "net.safetensors", "--input", "x.npy", "--out", "y.npy"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "y.npy: head, 3×24×32\n"));
    assert!(ran.err.contains("the values go in as they are"), "{}", ran.err);
    let args = ["run", "net.safetensors", "--input", "x.npy", "--all", "nodes", "--json"];
    let ran = run_in(dir.path(), &args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["node"], &lines[0]["shape"]), (&"input".into(), &serde_json::json!([1, 24, 32])));
    let read = |name: &str| read_array(&dir.path().join(name)).unwrap();
    assert_eq!(read("nodes/head.npy"), read("y.npy"), "the answer is the same whatever else is wanted");
    let args = ["run", "net.safetensors", "--input", "x.npy", "--out", "z.npy", "--node", "mid.relu1"];
    assert_eq!(run_in(dir.path(), &args).code, 0);
    assert_eq!(read("z.npy"), read("nodes/mid.relu1.npy"));
    let args = ["run", "net.safetensors", "--input", "x.npy", "--out", "n.npy", "--normalise"];
    let ran = run_in(dir.path(), &args);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_ne!(read("n.npy"), read("y.npy"));
}

#[test]
fn a_batch_gives_what_its_images_give_alone() {
    let dir = tempfile::tempdir().unwrap();
    write_classifier(&dir.path().join("net.safetensors"));
    let image = image(1, 40, 36);
    let both = ndarray::stack![ndarray::Axis(0), image, image.mapv(|value| 1.0 - value)];
    write_array(&image, &dir.path().join("one.npy")).unwrap();
    write_array(&both, &dir.path().join("both.npy")).unwrap();
    for name in ["one", "both"] {
        let (input, out) = (format!("{name}.npy"), format!("{name}-out.npy"));
        let ran = run_in(dir.path(), &["run", "net.safetensors", "--input", &input, "--out", &out]);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    let read = |name: &str| -> ArrayD<f32> { read_array(&dir.path().join(name)).unwrap() };
    let (one, both) = (read("one-out.npy"), read("both-out.npy"));
    assert_eq!((one.shape(), both.shape()), (&[3][..], &[2, 3][..]));
    let near = one.iter().zip(both.rows().into_iter().next().unwrap()).all(|(a, b)| (a - b).abs() < 1e-5);
    assert!(near, "{one} {both}");
}

#[test]
fn arrays_that_do_not_fit_are_refused_by_name_with_what_would() {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("net.safetensors"), 2);
    let refuse = |array: &ArrayD<f32>, says: &str| {
        write_array(array, &dir.path().join("x.npy")).unwrap();
        let ran = run_in(dir.path(), &["run", "net.safetensors", "--input", "x.npy", "--out", "y.npy"]);
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(ran.err.contains("x.npy") && ran.err.contains(says), "{}", ran.err);
        assert!(!dir.path().join("y.npy").exists());
    };
    refuse(&image(3, 8, 8).into_dyn(), "Node input: expected 2 channels, found 3×8×8");
    refuse(&ndarray::Array1::zeros(9).into_dyn(), "Expected [channel, y, x] or [batch, channel, y, x]");
    refuse(&image(2, 9, 8).into_dyn(), "Node dec1.concat: expected inputs of 9×8 pixels");
    fs::write(dir.path().join("x.npy"), b"\x93NUMPY\x01\0").unwrap();
    let ran = run_in(dir.path(), &["run", "net.safetensors", "--input", "x.npy", "--out", "y.npy"]);
    assert!(ran.code == 2 && ran.err.contains("x.npy"), "{}", ran.err);
    write_array(&image(2, 8, 8), &dir.path().join("x.npy")).unwrap();
    let args = ["run", "net.safetensors", "--input", "x.npy", "--out", "y.npy", "--node", "dec9"];
    let ran = run_in(dir.path(), &args);
    assert!(ran.code == 2 && ran.err.contains("has no node dec9"), "{}", ran.err);
}
