//! Reading TIFF files against tifffile's reading of them.

mod damaged;
mod siblings;
mod vendors;
mod written;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::imaging::{ImagingError, Micrograph, open};
use crate::monitor::Monitor;

/// Files of the shared test data, with what tifffile makes of them; `None` where the data is not there.
fn expected() -> Option<Vec<(PathBuf, Value)>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let Ok(lines) = std::fs::read_to_string(data.join("EXPECTED.jsonl")) else {
        println!("skipped: no ../shared/data");
        return None;
    };
    let entries = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let tiffs = entries.filter(|entry| entry["reader"] == "tifffile");
    Some(tiffs.map(|entry| (data.join(entry["path"].as_str().unwrap()), entry)).collect())
}

/// Mean of all values of the first frame.
fn mean(micrograph: &Micrograph) -> f64 {
    let of_plane = |c| micrograph.plane(0, c).unwrap().to_f32().mapv(f64::from).mean().unwrap();
    (0..micrograph.channels()).map(of_plane).sum::<f64>() / micrograph.channels() as f64
}

#[test]
fn values_are_tifffiles_or_the_file_is_refused_by_name() {
    let Some(files) = expected() else { return };
    let (mut matched, mut lossy, mut refused, mut wrong) = (0, 0, Vec::new(), Vec::new());
    for (path, entry) in &files {
        let (name, first) = (entry["path"].as_str().unwrap(), &entry["series"][0]);
        let read = open(path).and_then(|all| Ok((all[0].sha256_le(&Monitor::silent())?, all)));
        match read {
            Ok((hash, _)) if first["sha256_le"] == hash => matched += 1,
            // Decoders of JPEG may differ in the last bit (ITU-T T.83), and in how they enlarge the colour planes.
            Ok((_, all))
                if entry["pages"][0]["comp"] == "JPEG"
                    && (mean(&all[0]) - first["mean"].as_f64().unwrap()).abs() < 0.1 =>
            {
                lossy += 1;
            }
            Ok((hash, all)) => wrong.push(format!("{name}: {hash} of {:?} for {first}", all[0])),
            Err(ImagingError::Unsupported { what, .. }) => refused.push(format!("{name}: {what}")),
            Err(other) => wrong.push(other.to_string()),
        }
    }
    println!(
        "{matched} equal, {lossy} JPEG within rounding, {} refused, {} wrong",
        refused.len(),
        wrong.len()
    );
    refused.iter().chain(&wrong).for_each(|line| println!("{line}"));
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(matched >= 146 && refused.len() <= 9, "{matched} equal, {} refused", refused.len());
}

#[test]
fn axes_are_tifffiles_but_for_unnamed_pages() {
    let Some(files) = expected() else { return };
    for (path, entry) in &files {
        let Ok(all) = open(path) else { continue };
        let first = &entry["series"][0];
        let shape: Vec<usize> = serde_json::from_value(first["shape"].clone()).unwrap();
        assert_eq!(all[0].stored_axes(), first["axes"], "{}", path.display());
        assert_eq!(all[0].stored_shape(), shape, "{}", path.display());
        assert_eq!(all[0].sample_type().name(), first["dtype"], "{}", path.display());
    }
}
