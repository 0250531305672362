//! `polepiece attribute` and `polepiece features --by-hand`, from outside.
use crate::common::{run_in, text, write_classifier, write_discs, write_segmenter};
use tempfile::TempDir;

#[test]
fn a_region_s_score_is_explained_as_json_map_and_picture() {
    let dir = TempDir::new().unwrap();
    let (model, image) = (dir.path().join("model.safetensors"), dir.path().join("discs.tif"));
    write_segmenter(&model, 1);
    write_discs(&image, 60, 70, Some(2.0));
    let ask = |more: &[&'static str]| {
        let mut args = vec!["attribute", text(&image), "--model", text(&model), "--class", "1"];
        args.extend(more);
        run_in(dir.path(), &args)
    };
    let ran =
        ask(&["--method", "integrated", "--steps", "4", "--region", "10,20,8,6", "--json", "--out", "a.npy"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&found["method"], &found["score"]["places"]), (&"integrated".into(), &48.into()));
    let array = npyz::NpyFile::new(std::fs::File::open(dir.path().join("a.npy")).unwrap()).unwrap();
    assert_eq!(array.shape(), [1, 60, 70]);
    let sum: f64 = array.into_vec::<f32>().unwrap().into_iter().map(f64::from).sum();
    assert!((sum - found["completeness"]["sum"].as_f64().unwrap()).abs() < 1e-3);
    for (method, file) in [("grad-cam", "a.png"), ("gradient", "b.tif"), ("occlusion", "c.png")] {
        let ran = ask(&["--method", method, "--pixel", "30,31", "--patch", "20", "--out", file]);
        assert_eq!(ran.code, 0, "{method}: {}", ran.err);
        assert!(ran.out.contains("summed over 1 places, mean probability 0."), "{}", ran.out);
        assert!(dir.path().join(file).is_file());
    }
    let picture = image::open(dir.path().join("a.png")).unwrap();
    assert_eq!((picture.width(), picture.height()), (70, 60));
    let ran = ask(&["--method", "ablation", "--labels", "discs.tif", "--json"]);
    assert!(ran.code == 2 && ran.err.contains("belongs to no class"), "{}", ran.err);
    let ran = ask(&["--method", "ablation", "--out", "a.csv"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let table = std::fs::read_to_string(dir.path().join("a.csv")).unwrap();
    assert_eq!(table.lines().count(), 3, "{table}");
}

#[test]
fn what_cannot_be_explained_is_refused_in_words() {
    let dir = TempDir::new().unwrap();
    let (model, image) = (dir.path().join("model.safetensors"), dir.path().join("discs.tif"));
    write_classifier(&model);
    write_discs(&image, 40, 40, None);
    let refused = |more: &[&'static str], says: &str| {
        let mut args = vec!["attribute", text(&image), "--model", text(&model), "--method", "gradient"];
        args.extend(more);
        let ran = run_in(dir.path(), &args);
        assert!(ran.code == 2 && ran.err.contains(says), "{more:?}: {} {}", ran.code, ran.err);
    };
    refused(&[], "--class");
    refused(&["--class", "carbide"], "has no class carbide; it has");
    refused(&["--class", "0", "--pixel", "1,2"], "one answer for the image");
    refused(&["--class", "0", "--frame", "4"], "There is no frame 4");
    refused(&["--class", "0", "--out", "map.jpg"], "A map is written as .npy, .tif or .png");
}

#[test]
fn a_value_is_taken_apart_in_words_and_as_json_and_kernels_are_a_picture() {
    let dir = TempDir::new().unwrap();
    let (model, image) = (dir.path().join("model.safetensors"), dir.path().join("discs.tif"));
    write_segmenter(&model, 1);
    write_discs(&image, 60, 70, None);
    let ask = |more: &[&'static str]| {
        let mut args = vec!["features", text(&image), "--model", text(&model)];
        args.extend(more);
        run_in(dir.path(), &args)
    };
    let place = ["--node", "enc1.conv2", "--by-hand", "--feature", "1", "--at", "12,40"];
    let ran = ask(&place);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.starts_with("enc1.conv2 (Conv2d 3×3), feature 1, at y 12 x 40, of enc1.relu1"),
        "{}",
        ran.out
    );
    let ran = ask(&[&place[..], &["--json"]].concat());
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let [total, network] = ["total", "network"].map(|key| found[key].as_f64().unwrap());
    assert!((total - network).abs() < 1e-4, "{total} {network}");
    let ran = ask(&["--kernels", "k.png"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(dir.path().join("k.png").is_file() && ran.out.contains("k.png: columns "), "{}", ran.out);
    let ran = ask(&["--node", "pool1", "--by-hand"]);
    assert!(ran.code == 2 && ran.err.contains("has no kernel"), "{}", ran.err);
}
