//! `polepiece describe MODEL --effective IMAGE`, from outside.
use crate::common::{run_in, text, write_classifier, write_discs, write_segmenter};
use tempfile::TempDir;

#[test]
fn a_value_s_field_is_told_as_json_and_written_as_array_and_picture() {
    let dir = TempDir::new().unwrap();
    let (model, image) = (dir.path().join("model.safetensors"), dir.path().join("discs.tif"));
    write_segmenter(&model, 1);
    write_discs(&image, 60, 70, Some(2.0));
    let args = |more: &[&'static str]| {
        let mut args = vec!["describe", text(&model), "--effective", text(&image), "--node", "enc1.conv2"];
        args.extend(more);
        run_in(dir.path(), &args)
    };
    let ran = args(&["--at", "20,30", "--feature", "1", "--json", "--out", "field.npy"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    // Two 3 × 3 convolutions: five rows and columns around the place.
    assert_eq!(found["window"], serde_json::json!([[18, 23], [28, 33]]));
    assert_eq!((&found["at"], &found["feature"]), (&serde_json::json!([20, 30]), &serde_json::json!(1)));
    assert_eq!(found["within_window"], 1.0);
    let rows = [&found["rows"][0], &found["rows"][1]].map(|end| end.as_u64().unwrap());
    assert!(18 <= rows[0] && rows[0] <= rows[1] && rows[1] <= 23, "{found}");
    let nm = found["size_nm"][0].as_f64().unwrap();
    assert_eq!(nm, 2.0 * (rows[1] - rows[0]) as f64);
    let array = npyz::NpyFile::new(std::fs::File::open(dir.path().join("field.npy")).unwrap()).unwrap();
    let shape: Vec<u64> = array.shape().to_vec();
    let values: Vec<f32> = array.into_vec().unwrap();
    assert_eq!(
        shape,
        found["input"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect::<Vec<_>>()
    );
    for (place, value) in values.iter().enumerate().filter(|(_, value)| **value > 0.0) {
        let (y, x) = (place as u64 / shape[1], place as u64 % shape[1]);
        assert!((18..23).contains(&y) && (28..33).contains(&x), "{value} at {y}, {x}");
    }

    let ran = args(&["--out", "field.png"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("all features") && ran.out.contains("really sees"), "{}", ran.out);
    assert!(dir.path().join("field.png").is_file());
}

#[test]
fn what_cannot_be_measured_is_refused_in_words() {
    let dir = TempDir::new().unwrap();
    let (model, image) = (dir.path().join("model.safetensors"), dir.path().join("discs.tif"));
    write_classifier(&model);
    write_discs(&image, 40, 40, None);
    let refused = |more: &[&'static str], says: &str| {
        let mut args = vec!["describe", text(&model), "--effective", text(&image)];
        args.extend(more);
        let ran = run_in(dir.path(), &args);
        assert!(ran.code == 2 && ran.err.contains(says), "{more:?}: {} {}", ran.code, ran.err);
    };
    refused(&[], "--node");
    refused(&["--node", "conv9"], "has no node conv9");
    refused(&["--node", "conv1", "--feature", "99"], "has no feature 99");
    refused(&["--node", "conv1", "--at", "4000,0"], "has no place 4000,0");
    refused(&["--node", "conv1", "--frame", "3"], "There is no frame 3");
    refused(&["--node", "conv1", "--out", "field.tif"], "A field is written as .npy or .png");
}
