//! Which detector made which image of a Velox file: the file keeps the operations that led to its data.

use serde_json::Value;

use super::array;
use super::tree::Tree;
use super::value::json_text;

/// Bytes of one operation's JSON text that are read.
const LONGEST: u64 = 1 << 20;

/// Kinds of operations, with the field that names the detector, and the name of what has none.
const KINDS: [(&str, &str, &str); 5] = [
    ("CameraInputOperation", "cameraName", "Camera"),
    ("StemInputOperation", "detector", "STEM"),
    ("DpcOperation", "", "DPC"),
    ("IntegrationOperation", "", "DCFI"),
    ("FftOperation", "", "Half FFT"),
];

/// Paths of data, each with the name of the detector.
pub(super) fn detectors(tree: &Tree) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (kind, field, otherwise) in KINDS {
        let Some(group) = tree.group(&format!("Operations/{kind}")) else { continue };
        for name in group.datasets() {
            let texts = array::texts(tree, &group.path_of(&name), LONGEST).unwrap_or_default();
            let Some(Ok(json)) = texts.first().map(|text| serde_json::from_str::<Value>(text)) else {
                continue;
            };
            let path = json_text(&json, &["dataPath"]).or_else(|| json_text(&json, &["imageOutputPath"]));
            if let Some(path) = path.filter(|path| !path.is_empty()) {
                let detector = json_text(&json, &[field]).unwrap_or(otherwise);
                all.push((path.to_owned(), detector.to_owned()));
            }
        }
    }
    all
}
