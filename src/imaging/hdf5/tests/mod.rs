//! Reading HDF5 files against what h5py and rosettasciio read.

mod damaged;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::imaging::{AxisScale, Micrograph, open};
use crate::monitor::Monitor;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/imaging/hdf5").join(name)
}

/// What the script beside the fixtures wrote.
fn expected(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(fixture("expected.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    all[name].as_array().unwrap().clone()
}

/// Same values, same shape, same type; of complex numbers the values are checked by themselves.
fn check(micrograph: &Micrograph, entry: &Value) {
    let name = micrograph.name();
    let lengths = |all: &[usize]| all.iter().copied().filter(|&n| n > 1).collect::<Vec<_>>();
    let shape: Vec<usize> =
        entry["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    assert_eq!(lengths(micrograph.stored_shape()), lengths(&shape), "{name}");
    if entry["complex"] != true {
        assert_eq!(entry["dtype"], micrograph.sample_type().name(), "{name}");
        assert_eq!(entry["sha256_le"], micrograph.sha256_le(&Monitor::silent()).unwrap(), "{name}");
    }
}

/// A length in nm, an energy in eV, a time in s, whatever its unit.
fn in_base(value: f64, unit: &str) -> f64 {
    value
        * match unit {
            "m" => 1e9,
            "keV" => 1e3,
            _ => 1.0,
        }
}

/// The scales are those of the entry's axes, the same steps and offsets in whatever unit.
fn check_axes(micrograph: &Micrograph, entry: &Value) {
    let axes = entry["axes"].as_array().unwrap();
    let letters: Vec<char> = micrograph.stored_axes().chars().collect();
    assert_eq!(letters.len(), axes.len(), "{}", micrograph.name());
    for (letter, axis) in letters.into_iter().zip(axes) {
        let own: &AxisScale = micrograph.calibration().axis(letter).unwrap();
        let unit = axis["units"].as_str().unwrap();
        for (ours, field) in [(own.scale, "scale"), (own.offset, "offset")] {
            let theirs = in_base(axis[field].as_f64().unwrap(), unit);
            let ours = in_base(ours, &own.unit);
            assert!((ours - theirs).abs() <= 1e-6 * theirs.abs(), "{letter} {field}: {ours} for {theirs}");
        }
    }
}

#[test]
fn plain_files_have_the_values_that_h5py_reads() {
    for name in ["old.h5", "new.h5"] {
        let all = open(&fixture(name)).unwrap();
        let entries = expected(name);
        assert_eq!(all.len(), entries.len(), "{name}");
        for micrograph in &all {
            let path = micrograph.name().strip_prefix(&format!("{name} (")).unwrap().trim_end_matches(')');
            check(micrograph, entries.iter().find(|entry| entry["path"] == path).unwrap());
            assert_eq!((micrograph.format(), micrograph.calibration().pixel()), ("HDF5", None));
        }
        let colour = all.iter().find(|m| m.name().contains("rgb")).unwrap();
        assert!(colour.is_colour());
        let compressed = all.iter().find(|m| m.name().contains("gzip")).unwrap();
        assert_eq!(compressed.metadata().get("HDF5 / stored / made by"), Some("make.py"));
        let note = "Datasets of a single axis, of texts or of records are not shown: 2";
        assert_eq!(all[0].notes(), [note]);
    }
}

#[test]
fn complex_numbers_are_modulus_and_phase() {
    for name in ["old.h5", "new.h5"] {
        let all = open(&fixture(name)).unwrap();
        let wave = all.iter().find(|m| m.name().contains("wave")).unwrap();
        assert_eq!(wave.channel_names(), ["modulus", "phase"]);
        for i in 0..12 {
            let (y, x) = (i / 4, i % 4);
            let (re, im) = ((i * 7 % 251) as f64, (i * 3 % 251) as f64);
            let read = [0, 1].map(|c| wave.plane(0, c).unwrap().value(y, x));
            let expected = [re.hypot(im), im.atan2(re)];
            assert!(read.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{read:?} {expected:?}");
        }
    }
}

#[test]
fn hyperspys_files_have_the_axes_that_it_wrote() {
    let cases = [("image.hspy", "YX"), ("stack.hspy", "TYX"), ("spectra.hspy", "YXE")];
    for (name, letters) in cases {
        let all = open(&fixture(name)).unwrap();
        assert_eq!((all.len(), all[0].format(), all[0].stored_axes()), (1, "HyperSpy", letters));
        check(&all[0], &expected(name)[0]);
        check_axes(&all[0], &expected(name)[0]);
        assert_eq!(all[0].metadata().get("HyperSpy / original_metadata / beam / kV"), Some("200"));
    }
    let image = open(&fixture("image.hspy")).unwrap().remove(0);
    let pixel = image.calibration().pixel().unwrap();
    assert_eq!((pixel.x_nm, pixel.y_nm, pixel.source.as_str()), (0.25, 0.5, "axis-1"));
    assert_eq!(image.metadata().get("HyperSpy / metadata / General / title"), Some("an image"));
    let spectra = open(&fixture("spectra.hspy")).unwrap().remove(0);
    assert_eq!(spectra.energy().map(|e| (e.scale, e.offset, e.unit.as_str())), Some((0.01, -0.1, "keV")));
}

#[test]
fn berkeleys_files_have_the_scales_of_their_vectors() {
    let all = open(&fixture("ncem.emd")).unwrap();
    assert_eq!((all[0].format(), all[0].stored_axes()), ("EMD (Berkeley)", "TYX"));
    check(&all[0], &expected("ncem.emd")[0]);
    check_axes(&all[0], &expected("ncem.emd")[0]);
    assert_eq!(all[0].metadata().get("EMD / microscope / voltage"), Some("300"));

    let all = open(&fixture("ncem_by_hand.emd")).unwrap();
    for (micrograph, entry) in all.iter().zip(expected("ncem_by_hand.emd")) {
        check(micrograph, &entry);
    }
    let scales: Vec<_> = all[0].calibration().axes().iter().map(|a| (a.axis, a.scale, a.offset)).collect();
    assert_eq!(scales, [('Z', 3.0, 0.0), ('Y', 0.2, 10.0), ('X', 0.2, 0.0)]);
    let pixel = all[0].calibration().pixel().unwrap();
    assert_eq!((pixel.x_nm, pixel.source.as_str()), (0.2, "dim3"));
    assert_eq!(all[1].calibration().axis('Y'), None);
    assert_eq!(all[1].notes(), ["dim1 has no equal steps; its axis is shown uncalibrated"]);
}

#[test]
fn gatans_files_have_the_image_and_not_its_thumbnail() {
    let all = open(&fixture("image.dm5")).unwrap();
    assert_eq!((all.len(), all[0].format()), (1, "DM5"));
    check(&all[0], &expected("image.dm5")[0]);
    let scales: Vec<_> = all[0].calibration().axes().iter().map(|a| (a.axis, a.scale, a.offset)).collect();
    assert_eq!(scales, [('Y', 0.25, 0.0), ('X', 0.2, -0.6)]);
    assert_eq!(all[0].metadata().get("DM / ImageTags / Microscope Info / Voltage"), Some("200000"));
    assert_eq!(all[0].notes(), ["ImageList/[0] is the thumbnail and is not shown"]);
}

#[test]
fn the_shared_dm5_files_hold_the_arrays_of_the_dm3_files_beside_them() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let Ok(lines) = std::fs::read_to_string(data.join("EXPECTED.jsonl")) else {
        println!("skipped: no ../shared/data");
        return;
    };
    let entries = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut read = 0;
    for entry in entries.filter(|e| {
        e["path"].as_str().is_some_and(|path| Path::new(path).extension() == Some("dm3".as_ref()))
    }) {
        let path = data.join(entry["path"].as_str().unwrap()).with_extension("dm5");
        let Ok(all) = open(&path) else { panic!("{} is not read", path.display()) };
        let signal = &entry["signals"][0];
        check(&all[0], signal);
        let axes = signal["axes"].as_array().unwrap();
        let own = all[0].calibration().axes();
        assert_eq!(own.len(), axes.len(), "{}", path.display());
        for axis in axes {
            let number = |field: &str| axis[field].as_f64().unwrap();
            let same = |a: &AxisScale| {
                a.unit == axis["units"]
                    && (a.scale - number("scale")).abs() < 1e-6
                    && (a.offset - number("offset")).abs() < 1e-6
            };
            assert!(own.iter().any(same), "{}: {axis} among {own:?}", path.display());
        }
        read += 1;
    }
    assert!(read >= 7, "{read}");
}

#[test]
fn velox_images_are_frames_with_the_pixel_size_of_their_metadata() {
    let all = open(&fixture("velox.emd")).unwrap();
    let entries = expected("velox.emd");
    assert_eq!(all.len(), entries.len());
    let find = |letters: &str| all.iter().find(|m| m.stored_axes() == letters).unwrap();
    let stack = find("TYX");
    check(stack, &entries[0]);
    check_axes(stack, &entries[0]);
    let pixel = stack.calibration().pixel().unwrap();
    assert_eq!((pixel.x_nm, pixel.source.as_str()), (2.0, "BinaryResult.PixelSize"));
    assert_eq!((stack.channel_names(), stack.format()), (&["HAADF".to_owned()][..], "Velox EMD"));
    assert_eq!(stack.metadata().get("Velox / Optics / AccelerationVoltage"), Some("200000"));
    assert_eq!(stack.metadata().get("Velox / Scan / DwellTime"), Some("2e-06"));
    let wave = find("CYX");
    check(wave, &entries[1]);
    let expected = |i: usize| {
        let (re, im) = ((i * 7 % 251) as f64, (i * 3 % 251) as f64 - 100.0);
        (re.hypot(im), im.atan2(re))
    };
    for i in [0, 7, 29] {
        let read =
            (wave.plane(0, 0).unwrap().value(i / 5, i % 5), wave.plane(0, 1).unwrap().value(i / 5, i % 5));
        assert!((read.0 - expected(i).0).abs() < 1e-4 && (read.1 - expected(i).1).abs() < 1e-6);
    }
}

#[test]
fn a_stream_of_photons_is_the_spectral_image_that_rosettasciio_makes_of_it() {
    let all = open(&fixture("velox_stream.emd")).unwrap();
    let entries = expected("velox_stream.emd");
    assert_eq!((all.len(), entries.len()), (3, 3));
    let find = |letters: &str| all.iter().find(|m| m.stored_axes() == letters).unwrap();
    for (letters, entry) in ["E", "YX"].into_iter().zip(&entries) {
        check(find(letters), entry);
        check_axes(find(letters), entry);
    }
    let cube = find("YXE");
    check_axes(cube, &entries[2]);
    // rosettasciio counts in 16 bits.
    let mut bytes = Vec::new();
    for pixel in 0..30 {
        for energy in 0..40 {
            let count = cube.plane(0, energy).unwrap().value(pixel / 5, pixel % 5);
            bytes.extend((count as u16).to_le_bytes());
        }
    }
    let hash = <sha2::Sha256 as sha2::Digest>::digest(&bytes);
    assert_eq!(entries[2]["sha256_le"], crate::files::hex(&hash[..8]));
}
