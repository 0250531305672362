//! `polepiece report --on likeness` and `--on baselines`, `train --statistics-only` and `--resample`, from outside.
use crate::common::{run_in, text, write_discs, write_segmenter};
use polepiece::imaging;
use polepiece::network::Model;
use std::path::Path;
use tempfile::TempDir;

/// A recipe for a segmenter of two classes that learns from synthetic precipitates.
const RECIPE: &str = r#"
name = "Tiny"
description = ""
licence = "MIT"
task = "segment"

[network]
architecture = "unet"
base = 2
depth = 1

[card]
normalisation = { kind = "percentile", low = 1, high = 99 }
classes = [{ name = "matrix", colour = [0, 0, 0] }, { name = "precipitate", colour = [255, 170, 50] }]

[[train]]
synth = "precipitates"
seed = 1
count = 8
size = 48
map = { pore = "matrix" }

[[validate]]
synth = "precipitates"
seed = 2
count = 1
size = 48
map = { pore = "matrix" }

[loop]
steps = 2
batch = 1
crop = 32
validate_every = 2
"#;

fn bits(path: &Path) -> Vec<(String, Vec<u32>)> {
    let model = Model::load(path, &candle_core::Device::Cpu).unwrap();
    let bits = |t: &candle_core::Tensor| -> Vec<u32> {
        t.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
    };
    model.weights.tensors.iter().map(|(name, tensor)| (name.clone(), bits(tensor))).collect()
}

#[test]
fn training_leaves_statistics_that_can_be_made_again_and_tell_an_image_apart() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("r.toml"), RECIPE).unwrap();
    let model = dir.path().join("m.safetensors");
    let ran = run_in(dir.path(), &["train", "--recipe", "r.toml", "--out", "m.safetensors"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let cpu = candle_core::Device::Cpu;
    let first = Model::load(&model, &cpu).unwrap().training.expect("statistics");
    assert_eq!((first.images, first.spaces.len()), (8, 2));
    assert!(first.pixel_nm.is_some(), "synthetic images have a pixel size");
    assert!(
        first.spaces.iter().all(|space| space.neighbours.as_ref().is_some_and(|held| held.points.len() == 8))
    );
    let before = (bits(&model), std::fs::read(&model).unwrap());
    let ran =
        run_in(dir.path(), &["train", "--recipe", "r.toml", "--statistics-only", "--out", "m.safetensors"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("statistics of 8 training images"), "{}", ran.out);
    assert_eq!((bits(&model), std::fs::read(&model).unwrap()), before);

    write_discs(&dir.path().join("discs.tif"), 60, 70, Some(50_000.0));
    let report = ["report", "--on", "likeness", "discs.tif", "-m", "m.safetensors"];
    let ran = run_in(dir.path(), &[&report[..], &["--json"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&found["similar"], &found["pixel"]["unusual"]), (&false.into(), &true.into()));
    let near = &found["spaces"][0]["nearest"];
    assert_eq!(near["nearest"], 3);
    let ratio = near["distance"].as_f64().unwrap() / near["limit"].as_f64().unwrap();
    assert!((near["ratio"].as_f64().unwrap() - ratio).abs() < 1e-9, "{near}");
    let ran = run_in(dir.path(), &report);
    assert!(
        ran.out.contains("Unusual in pixel size: 50000 nm") && ran.out.contains("--resample"),
        "{}",
        ran.out
    );
    let ran = run_in(dir.path(), &[&report[..], &["--csv", "likeness.csv"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let table = std::fs::read_to_string(dir.path().join("likeness.csv")).unwrap();
    assert_eq!(table.lines().count(), 3, "{table}");
}

#[test]
fn a_model_without_statistics_gives_no_verdict() {
    let dir = TempDir::new().unwrap();
    write_segmenter(&dir.path().join("m.safetensors"), 1);
    write_discs(&dir.path().join("discs.tif"), 40, 40, None);
    let ran = run_in(dir.path(), &["report", "--on", "likeness", "discs.tif", "-m", "m.safetensors"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("carries no statistics of its training images"), "{}", ran.err);
}

#[test]
fn classical_methods_stand_in_one_table_with_the_network() {
    let dir = TempDir::new().unwrap();
    write_segmenter(&dir.path().join("m.safetensors"), 1);
    write_discs(&dir.path().join("discs.tif"), 48, 60, None);
    let report = ["report", "--on", "baselines", "discs.tif", "-m", "m.safetensors"];
    let ran = run_in(dir.path(), &report);
    assert!(ran.code == 0 && ran.out.contains("against the network's mask"), "{}{}", ran.out, ran.err);
    let mask = crate::common::discs(48, 60).mapv(|value| u8::from(value > 1500));
    image::GrayImage::from_raw(60, 48, mask.into_raw_vec_and_offset().0)
        .unwrap()
        .save(dir.path().join("mask.png"))
        .unwrap();
    let ran = run_in(dir.path(), &[&report[..], &["--labels", "mask.png", "--json"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let rows = found["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &found["labelled"]), (8, &true.into()));
    assert_eq!((&rows[1]["name"], &rows[1]["polarity"]), (&"Otsu".into(), &"bright".into()));
    // The ground slopes and has a pattern, so that a pixel or two of the border are not those of the threshold by hand.
    assert!(rows[1]["mean_iou"].as_f64().unwrap() > 0.99, "bright discs are what Otsu finds");
    assert_eq!(rows[0]["classes"].as_array().unwrap().len(), 3);
    let ran = run_in(dir.path(), &[&report[..], &["discs.tif", "--labels", "mask.png"]].concat());
    assert!(ran.code == 2 && ran.err.contains("One mask belongs to one image"), "{}", ran.err);
}

#[test]
fn images_are_brought_to_other_pixels_before_anything_else() {
    let dir = TempDir::new().unwrap();
    write_segmenter(&dir.path().join("m.safetensors"), 1);
    write_discs(&dir.path().join("discs.tif"), 40, 60, Some(2.0));
    let args = ["segment", "discs.tif", "-m", "m.safetensors", "--out", "out", "--formats", "label"];
    let ran = run_in(dir.path(), &[&args[..], &["--resample", "4nm"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let label = std::fs::read_dir(dir.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "tif"))
        .unwrap();
    let mask = &imaging::open(&label).unwrap()[0];
    assert_eq!((mask.height(), mask.width()), (20, 30), "{}", text(&label));
    assert_eq!(mask.calibration().pixel().unwrap().x_nm, 4.0);
    write_discs(&dir.path().join("plain.tif"), 40, 60, None);
    let plain = ["segment", "plain.tif", "-m", "m.safetensors", "--out", "out", "--resample", "4nm"];
    let ran = run_in(dir.path(), &plain);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("has no pixel size to resample from"), "{}", ran.err);
}
