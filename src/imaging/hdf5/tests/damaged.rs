//! Files that are cut short or have bytes changed: an error or other values, never a panic and never without an end.

use super::fixture;
use crate::imaging::{ImagingError, open};

const FIXTURES: [&str; 10] = [
    "image.dm5",
    "image.hspy",
    "stack.hspy",
    "spectra.hspy",
    "ncem.emd",
    "ncem_by_hand.emd",
    "velox.emd",
    "velox_stream.emd",
    "new.h5",
    "old.h5",
];

/// Opens the bytes as a file and reads the first and last plane of every series.
fn read(path: &std::path::Path, bytes: &[u8]) -> Result<(), ImagingError> {
    std::fs::write(path, bytes).unwrap();
    for micrograph in open(path)? {
        micrograph.plane(0, 0)?;
        micrograph.plane(micrograph.frames() - 1, micrograph.channels() - 1)?;
    }
    Ok(())
}

#[test]
fn a_file_that_is_cut_short_is_refused_with_both_lengths() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut");
    for name in FIXTURES {
        let whole = std::fs::read(fixture(name)).unwrap();
        assert!(read(&path, &whole).is_ok(), "{name}");
        for cut in (600..whole.len()).step_by(whole.len() / 60 + 1).chain([whole.len() - 1]) {
            let error = read(&path, &whole[..cut]).unwrap_err().to_string();
            let expected = format!("The file is cut short: it had {} bytes and there are {cut}", whole.len());
            assert!(error.starts_with(&expected), "{name} cut to {cut}: {error}");
        }
        let error = read(&path, &whole[..20]).unwrap_err();
        assert!(
            matches!(error, ImagingError::Bad { .. } | ImagingError::Unsupported { .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn changed_bytes_are_an_error_or_other_values() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("changed");
    let mut random = 1u32;
    for name in FIXTURES {
        let whole = std::fs::read(fixture(name)).unwrap();
        for _ in 0..150 {
            let mut bytes = whole.clone();
            for _ in 0..3 {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = random as usize >> 8;
                // Structures are mostly at the start.
                let at = if at & 1 == 0 { at % whole.len() } else { at % whole.len().min(4096) };
                bytes[at] = [0, 0xff, bytes[at] ^ 0x80, bytes[at].wrapping_add(1)][random as usize >> 4 & 3];
            }
            let _ = read(&path, &bytes);
        }
    }
}
