//! Packages of tests/fixtures/bioimage/make.py, and hostile ones. What they answer is held in `analysis/example.rs`.

use super::import;
use crate::monitor::Monitor;
use crate::network::{Normalisation, Task};
use std::io::Write;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bioimage")
}

#[test]
fn an_older_package_becomes_a_model_with_its_words() {
    let imported = import(&folder().join("older.zip"), &Monitor::silent()).unwrap();
    let (graph, card) = (&imported.model.graph, &imported.model.card);
    assert_eq!((card.name.as_str(), card.licence.as_str()), ("Older package", "CC-BY-4.0"));
    assert_eq!(card.trained_by, "A. Author, B. Author");
    let words = "Two convolutions with random weights. Cite: A paper, 2020, 10.1000/xyz. Package of bioimage.io, version 0.4.9";
    assert_eq!(card.description, words);
    assert_eq!((card.task, card.normalisation), (Task::Regress, Normalisation::ZScore));
    assert_eq!((card.channels.len(), card.classes.len(), card.input_size), (2, 1, None));
    assert_eq!(card.training_data[0].name, "made/by-dice");
    assert_eq!(graph.output().unwrap().name, "postprocessing.1-sigmoid");
    assert!(imported.notes.iter().any(|note| note.contains("halo of 4×4 pixels")), "{:?}", imported.notes);
    let example = imported.test.unwrap();
    assert_eq!((example.input.shape(), example.output.shape()), (&[1, 2, 14, 10][..], &[1, 1, 14, 10][..]));
}

#[test]
fn a_newer_package_is_read_from_its_folder_and_keeps_its_names() {
    for path in [folder().join("newer"), folder().join("newer/bioimageio.yaml")] {
        let imported = import(&path, &Monitor::silent()).unwrap();
        let (graph, card) = (&imported.model.graph, &imported.model.card);
        assert_eq!(card.channels, ["Al", "Ni"]);
        let names: Vec<&str> = card.classes.iter().map(|class| class.name.as_str()).collect();
        assert_eq!(names, ["matrix", "γ′", "carbide"]);
        assert_eq!(card.normalisation, Normalisation::Fixed { mean: 0.0, std: 1.0 });
        let before = graph.nodes().iter().filter(|node| node.name.starts_with("preprocessing.")).count();
        let behind = graph.nodes().iter().filter(|node| node.name.starts_with("postprocessing.")).count();
        // Mean, deviation and their constants, and the clip; softmax, gain, offset and their constants.
        assert_eq!((before, behind), (5, 5));
    }
}

#[test]
fn channels_at_the_end_are_turned() {
    let imported = import(&folder().join("last.zip"), &Monitor::silent()).unwrap();
    let example = imported.test.unwrap();
    assert_eq!((example.input.shape(), example.output.shape()), (&[1, 1, 11, 13][..], &[1, 2, 11, 13][..]));
    assert_eq!(imported.model.card.normalisation, Normalisation::Percentile { low: 2.0, high: 98.0 });
    assert_eq!(imported.model.card.licence, "Apache-2.0");
}

/// A copy of the package "newer" whose description has `from` replaced by `to`.
fn changed(from: &str, to: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("weights")).unwrap();
    for name in ["test_input.npy", "test_output.npy", "weights/weights.onnx"] {
        std::fs::copy(folder().join("newer").join(name), dir.path().join(name)).unwrap();
    }
    let text = std::fs::read_to_string(folder().join("newer/bioimageio.yaml")).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(dir.path().join("bioimageio.yaml"), text.replacen(from, to, 1)).unwrap();
    dir
}

#[test]
fn what_is_not_as_described_or_not_known_is_refused_by_name() {
    let refuse = |from: &str, to: &str, says: &str| {
        let dir = changed(from, to);
        let message = import(dir.path(), &Monitor::silent()).err().unwrap().to_string();
        assert!(message.contains(says), "{message:?} does not say {says:?}");
        assert!(message.ends_with(&format!(": {}", dir.path().display())), "{message}");
    };
    refuse(
        "source: weights/weights.onnx",
        "source: test_input.npy",
        "is not the file that was described: expected SHA-256",
    );
    refuse("weights/weights.onnx", "../../../etc/passwd", "The package names a file outside of itself");
    refuse("weights/weights.onnx", "/etc/passwd", "The package names a file outside of itself");
    refuse("weights/weights.onnx", "https://example.org/w.onnx", "would have to be downloaded");
    refuse("weights/weights.onnx", "nothing.onnx", "The package's file nothing.onnx cannot be read");
    refuse(
        "  onnx:\n",
        "  tensorflow_js:\n",
        "The package has no ONNX weights, only tensorflow_js, pytorch_state_dict",
    );
    refuse("0.5.3", "0.3.6", "A package of version 0.3.6; versions 0.4 and 0.5 are read");
    refuse("type: model", "type: dataset", "A package with a dataset, not with a model");
    refuse(
        "id: softmax",
        "id: stardist_postprocessing",
        "The step \"stardist_postprocessing\" is not known here",
    );
    refuse(
        "id: softmax",
        "id: zero_mean_unit_variance",
        "zero_mean_unit_variance takes statistics where no image",
    );
    refuse("{axis: channel, mean", "{axis: z, mean", "A step follows the axis Other(\"z\")");
    refuse("std: [400, 700]", "std: [0, 700]", "The step fixed_zero_mean_unit_variance has no usable std");
    refuse(
        "{type: space, id: y, size: {min: 8, step: 1}}",
        "{type: time, id: time, size: 3}",
        "the axis time",
    );
    refuse("inputs:\n", "inputs: [a, b]\nothers:\n", "The model has 2 inputs; models with one are read");
    refuse("format_version", "[format", "bioimageio.yaml cannot be read");
}

#[test]
fn files_that_are_no_packages_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let says = |path: &Path, expected: &str| {
        let message = import(path, &Monitor::silent()).err().unwrap().to_string();
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
    };
    says(dir.path(), "it has no rdf.yaml");
    let file = dir.path().join("package.zip");
    std::fs::write(&file, "text").unwrap();
    says(&file, "no ZIP file, or a damaged one");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&file).unwrap());
    zip.start_file("other.txt", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"x").unwrap();
    zip.finish().unwrap();
    says(&file, "it has no rdf.yaml");
    let whole = std::fs::read(folder().join("older.zip")).unwrap();
    for length in (0..whole.len()).step_by(97) {
        std::fs::write(&file, &whole[..length]).unwrap();
        assert!(import(&file, &Monitor::silent()).is_err(), "cut after {length} bytes");
    }
    for at in (0..whole.len()).step_by(13) {
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        std::fs::write(&file, &changed).unwrap();
        // Whatever was changed, it ends in a model or in a message.
        let _ = import(&file, &Monitor::silent());
    }
}
