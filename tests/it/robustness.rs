//! `polepiece report --on equivariance`, `--on seams` and `polepiece compare`, from outside.
use crate::common::{card, run_in, text, write_classifier, write_discs, write_segmenter};
use candle_core::Device;
use polepiece::network::architectures::{UnetSpec, unet};
use polepiece::network::{Model, Task, Weights};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Shape of a NumPy array.
fn shape_of(path: &Path) -> Vec<u64> {
    npyz::NpyFile::new(std::fs::File::open(path).unwrap()).unwrap().shape().to_vec()
}

#[test]
fn a_moved_image_is_reported_as_table_json_csv_and_map() {
    let dir = TempDir::new().unwrap();
    let (model, image) = (dir.path().join("model.safetensors"), dir.path().join("discs.tif"));
    write_segmenter(&model, 1);
    write_discs(&image, 48, 64, None);
    let report = |more: &[&'static str]| {
        let mut args = vec!["report", text(&image), "-m", text(&model), "--on", "equivariance"];
        args.extend(more);
        run_in(dir.path(), &args)
    };
    let ran = report(&["--shift", "-1,2", "--json", "--out", "map.npy", "--csv", "nodes.csv"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let found = json(&ran.out);
    assert_eq!(found["movement"]["shift"], serde_json::json!([-1, 2]));
    assert_eq!(found["answer"]["whole"]["pixels"], 47 * 62);
    assert!(found["answer"]["whole"]["largest"].as_f64().unwrap() > 0.0);
    assert_eq!(shape_of(&dir.path().join("map.npy")), [48, 64]);
    let nodes = found["nodes"].as_array().unwrap();
    let csv = std::fs::read_to_string(dir.path().join("nodes.csv")).unwrap();
    assert_eq!(csv.lines().count(), nodes.len() + 1);
    let ran = report(&["--rotate", "90", "--flip", "x"]);
    assert!(
        ran.out.starts_with("Test segmenter on discs.tif, flipped left to right, rotated by 90°\n"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("head"));
    let ran = report(&["--shift", "4,0", "--node", "pool1", "--out", "node.npy"]);
    assert_eq!((ran.code, shape_of(&dir.path().join("node.npy"))), (0, vec![24, 32]), "{}", ran.err);
    let ran = report(&["--json"]);
    assert_eq!((ran.code, ran.out.lines().count()), (0, 7), "the usual movements");
    let ran = report(&["--shift", "48,0"]);
    assert!(ran.code == 1 && ran.err.contains("leaves nothing"), "{}", ran.err);
}

#[test]
fn seams_are_looked_for_from_outside() {
    let dir = TempDir::new().unwrap();
    let (model, image) = (dir.path().join("model.safetensors"), dir.path().join("discs.tif"));
    write_segmenter(&model, 1);
    write_discs(&image, 120, 140, None);
    let args = [
        "report",
        text(&image),
        "-m",
        text(&model),
        "--on",
        "seams",
        "--tile",
        "48",
        "--json",
        "--out",
        "map.png",
    ];
    let ran = run_in(dir.path(), &args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let found = json(&ran.out);
    assert_eq!((&found["tile"], &found["run_is_tiled"]), (&48.into(), &true.into()));
    for against in ["against_shifted", "against_whole"] {
        assert!(found[against]["largest"].as_f64().unwrap() < 1e-4, "{found}");
    }
    assert_eq!(image::open(dir.path().join("map.png")).unwrap().to_rgb8().dimensions(), (140, 120));
    let classifier = dir.path().join("classifier.safetensors");
    write_classifier(&classifier);
    let ran = run_in(dir.path(), &["report", text(&image), "-m", text(&classifier), "--on", "seams"]);
    assert!(ran.code == 1 && ran.err.contains("never cut"), "{}", ran.err);
}

#[test]
fn two_models_frames_and_features_are_compared_from_outside() {
    let dir = TempDir::new().unwrap();
    let (model, other) = (dir.path().join("a.safetensors"), dir.path().join("b.safetensors"));
    write_segmenter(&model, 1);
    let spec = UnetSpec { in_channels: 1, classes: 3, base: 2, depth: 1, batch_norm: true, upsample: None };
    let graph = unet(spec).unwrap();
    let weights = Weights::initialised(&graph, 3, &Device::Cpu).unwrap();
    Model::new(graph, weights, card("Other", Task::Segment, 3, 1)).unwrap().save(&other).unwrap();
    let image = dir.path().join("stack.tif");
    let mut file = tiff::encoder::TiffEncoder::new(std::fs::File::create(&image).unwrap()).unwrap();
    for by in [7, 90] {
        let pixels: Vec<u16> = (0..32 * 40).map(|at| (at % 40 * 31 + at / 40 * by) % 900).collect();
        file.write_image::<tiff::encoder::colortype::Gray16>(40, 32, &pixels).unwrap();
    }
    drop(file);
    let compare = |more: &[&str]| {
        let mut args = vec!["compare", text(&image), "--model", text(&model)];
        args.extend(more);
        run_in(dir.path(), &args)
    };
    let ran = compare(&["--with-model", text(&other), "--json", "--out", "diff.npy"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let found = json(&ran.out);
    assert_eq!((&found["a"]["model"], &found["b"]["model"]), (&"Test segmenter".into(), &"Other".into()));
    assert_eq!((&found["classes"]["pixels"], &found["values"]["n"]), (&1280.into(), &3840.into()));
    assert_eq!(shape_of(&dir.path().join("diff.npy")), [32, 40]);
    let of_nodes = |more: &str| compare(&format!("--node enc1.conv1 {more}").split(' ').collect::<Vec<_>>());
    let ran = of_nodes("--feature 0 --with-node pool1 --with-feature 2 --out diff.png");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("B: Test segmenter, pool1, feature 2, frame 0"), "{}", ran.out);
    assert_eq!(image::open(dir.path().join("diff.png")).unwrap().to_rgb8().dimensions(), (40, 32));
    let ran = of_nodes(
        "--feature 1 --with-model b.safetensors --with-node pool1 --with-feature 0 --out models.npy",
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("B: Other, pool1, feature 0, frame 0"), "{}", ran.out);
    assert!(ran.out.contains("on the finer grid: 32×40 values (y×x) of 1×1 px"), "{}", ran.out);
    assert_eq!(shape_of(&dir.path().join("models.npy")), [32, 40]);
    let ran = compare(&["--with-frame", "1"]);
    assert!(ran.code == 0 && ran.out.contains("B: Test segmenter, answer, frame 1"), "{}", ran.err);
    let ran = compare(&["--with-frame", "2"]);
    assert!(ran.code == 2 && ran.err.contains("There is no frame 2, only 0 to 1"), "{}", ran.err);
    let ran = compare(&[]);
    assert!(ran.code == 2 && ran.err.contains("Say what to compare with"), "{}", ran.err);
}
