//! Files that `DigitalMicrograph` wrote, against `HyperSpy`'s reading of them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::imaging::open;
use crate::monitor::Monitor;

/// The DM files of the shared test data, with what `HyperSpy` makes of them.
fn expected() -> Vec<(PathBuf, Value)> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let Ok(lines) = std::fs::read_to_string(data.join("EXPECTED.jsonl")) else {
        println!("skipped: no ../shared/data");
        return Vec::new();
    };
    let entries = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let is_dm = |entry: &Value| {
        let ending = Path::new(entry["path"].as_str().unwrap()).extension();
        ending.is_some_and(|ending| ending == "dm3" || ending == "dm4")
    };
    entries.filter(is_dm).map(|entry| (data.join(entry["path"].as_str().unwrap()), entry)).collect()
}

#[test]
fn values_axes_and_calibration_are_hyperspys() {
    for (path, entry) in expected() {
        let all = open(&path).unwrap();
        let (first, signal) = (&all[0], &entry["signals"][0]);
        let shape: Vec<usize> = serde_json::from_value(signal["shape"].clone()).unwrap();
        assert_eq!(all.len() as u64, entry["nsignals"].as_u64().unwrap(), "{}", path.display());
        assert_eq!(first.stored_shape(), shape, "{}", path.display());
        assert_eq!(first.sample_type().name(), signal["dtype"], "{}", path.display());
        assert_eq!(signal["sha256_le"], first.sha256_le(&Monitor::silent()).unwrap(), "{}", path.display());
        let axes = signal["axes"].as_array().unwrap();
        for (letter, axis) in first.stored_axes().chars().zip(axes) {
            let scale = first.calibration().axis(letter).unwrap();
            let near = |value: f64, name: &str| (value - axis[name].as_f64().unwrap()).abs() < 1e-6;
            assert!(near(scale.scale, "scale") && near(scale.offset, "offset"), "{scale:?} for {axis}");
            assert_eq!(axis["units"], scale.unit, "{}", path.display());
        }
    }
}

#[test]
fn a_spectrum_is_told_by_its_tags() {
    for (path, entry) in expected() {
        let class = entry["signals"][0]["class"].as_str().unwrap();
        let spectral = open(&path).unwrap()[0].is_spectral();
        assert_eq!(spectral, class == "EELSSpectrum" || class == "Signal1D", "{}", path.display());
    }
}

#[test]
fn every_tag_is_kept() {
    let Some((path, _)) = expected().into_iter().find(|(path, _)| path.ends_with("ref_F_2_1.dm4")) else {
        return;
    };
    let all = open(&path).unwrap();
    let metadata = all[0].metadata();
    // As HyperSpy's original_metadata has them.
    assert_eq!(metadata.get("DM / ImageTags / Meta Data / Signal"), Some("EELS"));
    assert_eq!(metadata.get("DM / ImageData / Calibrations / Brightness / Units"), Some("six"));
    assert_eq!(metadata.get("DM / DataBar / Acquisition Date"), Some("11/19/19"));
}

#[test]
fn types_without_bytes_inside_of_each_other_end() {
    // DM3: one tag, an array of arrays of arrays… of a struct without fields.
    let number = |n: u32| n.to_be_bytes();
    let deep = 24;
    let types: Vec<u32> = [vec![20; deep], vec![15, 0, 0], vec![16; deep]].concat();
    let value = [b"%%%%".to_vec(), number(types.len() as u32).to_vec()].concat();
    let types: Vec<u8> = types.into_iter().flat_map(number).collect();
    let tags = [&[1, 0][..], &number(1), &[21, 0, 1, b'a'], &value, &types].concat();
    let file = [&number(3)[..], &number(tags.len() as u32), &number(1), &tags].concat();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep.dm3");
    std::fs::write(&path, file).unwrap();
    let message = open(&path).unwrap_err().to_string();
    assert!(message.starts_with("The DigitalMicrograph file has no image"), "{message}");
}
