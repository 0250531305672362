//! Files that other programs wrote and read (`tests/fixtures/imaging/em/make.py`), whole and damaged.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{ImagingError, Micrograph, open};
use crate::monitor::Monitor;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/imaging/em")
}

pub(super) fn fixture(name: &str) -> Micrograph {
    open(&folder().join(name)).unwrap().remove(0)
}

/// What is wrong with a series, by what another program says of it.
fn differences(micrograph: &Micrograph, expected: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut hold = |what: &str, own: Value, other: &Value| {
        if own != *other {
            wrong.push(format!("{}: {what} {own}, but {other}", expected["file"]));
        }
    };
    hold("axes", micrograph.stored_axes().into(), &expected["axes"]);
    hold("shape", micrograph.stored_shape().into(), &expected["shape"]);
    hold("type", micrograph.sample_type().name().into(), &expected["dtype"]);
    let hash = micrograph.sha256_le(&Monitor::silent()).map_err(|e| e.to_string());
    hold("hash", hash.unwrap_or_else(|e| e).into(), &expected["sha256_le"]);
    for scale in expected["scales"].as_array().unwrap() {
        let letter = scale[0].as_str().unwrap().chars().next().unwrap();
        let own = micrograph.calibration().axis(letter);
        let near = |own: f64, other: &Value| {
            let other = other.as_f64().unwrap();
            (own - other).abs() <= 1e-6 * other.abs().max(1e-12)
        };
        let fits = own.is_some_and(|own| {
            near(own.scale, &scale[1]) && near(own.offset, &scale[2]) && own.unit == scale[3]
        });
        if !fits {
            wrong.push(format!("{}: {own:?}, but {scale}", expected["file"]));
        }
    }
    wrong
}

#[test]
fn every_format_is_read_as_other_programs_read_it() {
    let lines = std::fs::read_to_string(folder().join("expected.jsonl")).unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in lines.lines() {
        let expected: Value = serde_json::from_str(line).unwrap();
        let path = folder().join(expected["file"].as_str().unwrap());
        let all = match open(&path) {
            Ok(all) => all,
            Err(error) => {
                wrong.push(error.to_string());
                continue;
            }
        };
        let series = expected["series"].as_u64().unwrap() as usize;
        let Some(micrograph) = all.get(series) else {
            wrong.push(format!("{}: only {} series", path.display(), all.len()));
            continue;
        };
        assert_eq!((micrograph.series(), micrograph.path()), (series, Some(path.as_path())));
        wrong.extend(differences(micrograph, &expected));
        if let Some(name) = expected.get("name") {
            assert_eq!(name, micrograph.name());
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count >= 120, "{count}");
}

#[test]
fn what_cannot_be_read_is_said_by_name() {
    let cases = [
        ("packed.dm3", "A DigitalMicrograph image of packed complex numbers (half a Fourier transform)"),
        ("four_bit.mrc", "An MRC file of 4-bit samples (mode 101)"),
        ("objects.npy", "An NPY array of Python objects"),
    ];
    for (name, expected) in cases {
        match open(&folder().join(name)) {
            Err(ImagingError::Unsupported { what, .. }) => assert_eq!(what, expected),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn what_is_left_out_is_noted() {
    let notes = |name: &str| fixture(name).notes().join("\n");
    assert_eq!(notes("cube.dm3"), "Image 0 of the file is a thumbnail and is left out");
    assert_eq!(
        notes("unfinished.ser"),
        "5 of 6 planned spectra were recorded\n2 spectra of an unfinished row are left out"
    );
    assert!(notes("diffraction.ser").contains("reciprocal"));
    assert_eq!(notes("one.rpl"), "The Ripple file does not name its byte order; read as little-endian");
    assert_eq!(notes("big_signed_2_vector.rpl"), "");
}

#[test]
fn spectra_have_energies_and_pictures_have_pixels() {
    let map = fixture("map.ser");
    assert_eq!(map.energy().map(|energy| (energy.scale, energy.offset)), Some((10.0, -20.0)));
    let pixel = map.calibration().pixel().unwrap();
    assert!((pixel.x_nm - 2.0).abs() < 1e-9 && (pixel.y_nm - 3.0).abs() < 1e-9);
    assert!(fixture("y.msa").is_spectral() && fixture("vector_uint16.rpl").is_spectral());
    assert_eq!(fixture("diffraction.ser").calibration().pixel(), None);
    let voxel = fixture("mode2.mrc");
    assert_eq!(
        (voxel.calibration().pixel().unwrap().x_nm, voxel.calibration().frame_step_nm()),
        (0.25, Some(0.5))
    );
    assert_eq!(fixture("uint8.npy").calibration().axes(), []);
    assert!(!fixture("old.mrc").notes().iter().any(|note| note.contains("1 Å")));
}

#[test]
fn what_a_file_says_of_itself_is_kept() {
    let both = open(&folder().join("both.emi")).unwrap();
    let voltage = |index: usize| both[index].metadata().get("TIA / ExperimentalDescription / High tension");
    assert_eq!((voltage(0), voltage(1)), (Some("200 kV"), Some("80 kV")));
    assert_eq!(both[0].metadata().get("TIA / AcquireInfo / CameraNamePath"), Some("CCD & more"));
    // The same from the series itself.
    let second = fixture("both_2.ser");
    assert_eq!(second.metadata().get("TIA / ExperimentalDescription / High tension"), Some("80 kV"));
    assert_eq!(fixture("mode1.mrc").metadata().get("MRC / Label 1"), Some("an example of mode1.mrc"));
    assert_eq!(fixture("fei1.mrc").metadata().get("MRC / Extended header"), Some("FEI1"));
    let dm = fixture("types_big.dm4");
    assert_eq!(dm.metadata().get("DM / Ids"), Some("((1, 2), (3, 4))"));
    assert_eq!(dm.metadata().get("DM / Window"), Some("(1, 2.5)"));
    assert_eq!(dm.metadata().get("DM / ImageData / Calibrations / Brightness / Units"), Some("counts"));
    assert_eq!(fixture("y.msa").metadata().get("EMSA / SIGNALTYPE"), Some("ELS"));
}

#[test]
fn samples_with_keys_beside_them_open_by_either_name() {
    let (text, samples) = (fixture("vector_uint16.rpl"), fixture("vector_uint16.raw"));
    assert_eq!(text.sha256_le(&Monitor::silent()).unwrap(), samples.sha256_le(&Monitor::silent()).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let alone = dir.path().join("alone.rpl");
    std::fs::copy(folder().join("one.rpl"), &alone).unwrap();
    let message = open(&alone).unwrap_err().to_string();
    assert!(
        message.starts_with("The Ripple file's samples, a .raw file of its name, are not beside it"),
        "{message}"
    );
}

/// Opens and reads everything.
fn read(path: &Path) -> Result<(), ImagingError> {
    for m in &open(path)? {
        for (frame, channel) in (0..m.frames()).flat_map(|f| (0..m.channels()).map(move |c| (f, c))).take(64)
        {
            m.plane(frame, channel)?;
        }
    }
    Ok(())
}

/// Names of files that make one, the first of which is opened; every one of them is damaged in turn.
const DAMAGED: [&[&str]; 16] = [
    &["cube.dm3"],
    &["types_big.dm4"],
    &["colour.dm3"],
    &["mode4.mrc"],
    &["mode1_big.mrc"],
    &["fei1.mrc"],
    &["old.mrc"],
    &["fortran.npy"],
    &["complex64.npy"],
    &["stored.npz"],
    &["packed.npz"],
    &["vector_uint16.rpl", "vector_uint16.raw"],
    &["xy.msa"],
    &["map.ser"],
    &["frames.ser"],
    &["both.emi", "both_1.ser", "both_2.ser"],
];

#[test]
fn no_cut_or_flipped_byte_brings_a_reader_down() {
    let dir = tempfile::tempdir().unwrap();
    for names in DAMAGED {
        for name in names {
            std::fs::copy(folder().join(name), dir.path().join(name)).unwrap();
        }
        let first = dir.path().join(names[0]);
        read(&first).unwrap();
        for name in names {
            let (path, sound) = (dir.path().join(name), std::fs::read(folder().join(name)).unwrap());
            // Either way is right, as long as it ends in an answer. Steps are odd, so that every kind of byte is met.
            let (cuts, flips) = ((sound.len() / 120) | 1, (sound.len() / 250) | 1);
            for cut in (0..sound.len()).step_by(cuts) {
                std::fs::write(&path, &sound[..cut]).unwrap();
                let _ = read(&first);
            }
            for at in (0..sound.len()).step_by(flips) {
                let mut flipped = sound.clone();
                flipped[at] ^= if at % 2 == 0 { 0xff } else { 0x80 };
                std::fs::write(&path, &flipped).unwrap();
                let _ = read(&first);
            }
            std::fs::write(&path, &sound).unwrap();
        }
    }
}

#[test]
fn a_file_cut_short_is_a_bad_file() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["cube.dm4", "mode1.mrc", "uint16.npy", "frames.ser"] {
        let sound = std::fs::read(folder().join(name)).unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, &sound[..sound.len() - 40]).unwrap();
        assert!(matches!(read(&path), Err(ImagingError::Bad { .. })), "{name}");
    }
}
