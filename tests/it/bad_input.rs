//! Bad input: one clear message, the right exit code, nothing half-written, the input untouched.

use std::fs;
use std::path::Path;

use ndarray::Array2;
use polepiece::export::{TiffPages, write_tiff};
use polepiece::imaging::Calibration;

use crate::common::{Ran, discs, run_in, write_classifier, write_discs, write_segmenter};

/// A folder with a model and `make`'s bad file, segmented.
fn segment(name: &str, make: impl FnOnce(&Path)) -> (Ran, usize) {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("net.safetensors"), 1);
    let path = dir.path().join(name);
    make(&path);
    let before = fs::read(&path).ok();
    let ran = run_in(dir.path(), &["segment", name, "--model", "net.safetensors", "--out", "out"]);
    assert_eq!(fs::read(&path).ok(), before, "the input is untouched");
    let written = fs::read_dir(dir.path().join("out")).map_or(0, Iterator::count);
    (ran, written)
}

/// One line that names the file; no panic, nothing written.
fn check_refused(name: &str, make: impl FnOnce(&Path)) {
    let (ran, written) = segment(name, make);
    assert_eq!(ran.code, 1, "{name}: {}", ran.err);
    assert_eq!(written, 0, "{name}");
    assert_eq!(ran.err.lines().count(), 1, "{name}: {}", ran.err);
    assert!(ran.err.contains(name), "{name}: {}", ran.err);
    assert!(!ran.err.contains("panicked"), "{name}: {}", ran.err);
}

#[test]
fn files_that_are_no_image_are_refused_by_name() {
    check_refused("missing.tif", |_| {});
    check_refused("empty.tif", |path| fs::write(path, "").unwrap());
    check_refused("folder.tif", |path| fs::create_dir(path).unwrap());
    check_refused("text.tif", |path| fs::write(path, "This is a letter, not a picture.").unwrap());
    check_refused("broken.png", |path| fs::write(path, b"\x89PNG\r\n\x1a\n and no more").unwrap());
    check_refused("other.xyz", |path| fs::write(path, [7; 99]).unwrap());
}

#[test]
fn a_tiff_cut_anywhere_is_refused_or_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole.tif");
    write_discs(&whole, 24, 24, Some(3.0));
    let bytes = fs::read(&whole).unwrap();
    for cut in (0..bytes.len() - 1).step_by(bytes.len() / 12) {
        check_refused("cut.tif", |path| fs::write(path, &bytes[..cut]).unwrap());
    }
}

#[test]
fn a_header_that_claims_terabytes_takes_no_memory() {
    // A little-endian TIFF of one directory: width and height 2^31 − 1, 64 bits a sample, one strip of 8 bytes.
    let entries: [(u16, u16, u32, u32); 9] = [
        (256, 4, 1, 0x7fff_ffff),
        (257, 4, 1, 0x7fff_ffff),
        (258, 3, 1, 64),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, 1),
        (278, 4, 1, 0x7fff_ffff),
        (279, 4, 1, 8),
    ];
    let mut tiff = b"II\x2a\0\x08\0\0\0".to_vec();
    tiff.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        tiff.extend(tag.to_le_bytes());
        tiff.extend(kind.to_le_bytes());
        tiff.extend(count.to_le_bytes());
        tiff.extend(value.to_le_bytes());
    }
    tiff.extend([0; 4]);
    check_refused("huge.tif", |path| fs::write(path, &tiff).unwrap());
}

#[test]
fn odd_pixels_are_no_obstacle() {
    let mut values = discs(20, 20).mapv(f32::from);
    values[[3, 4]] = f32::NAN;
    values[[5, 6]] = f32::INFINITY;
    values[[7, 8]] = f32::NEG_INFINITY;
    let all_nan = Array2::from_elem((9, 9), f32::NAN);
    let one = Array2::from_elem((1, 1), 5.0);
    for (name, image) in [("odd.tif", values), ("nan.tif", all_nan), ("one.tif", one)] {
        let write = |path: &Path| {
            let names = ["grey".to_owned()];
            write_tiff(path, TiffPages::F32(&[image]), &names, &Calibration::default()).unwrap();
        };
        let (ran, written) = segment(name, write);
        assert_eq!((ran.code, written), (0, 6), "{name}: {}", ran.err);
    }
}

#[test]
fn one_bad_file_hides_no_good_one() {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("net.safetensors"), 1);
    fs::write(dir.path().join("bad.tif"), "no").unwrap();
    write_discs(&dir.path().join("good.tif"), 16, 16, None);
    let args = [
        "segment",
        "bad.tif",
        "good.tif",
        "--model",
        "net.safetensors",
        "--out",
        "out",
        "--formats",
        "label",
    ];
    let ran = run_in(dir.path(), &args);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("bad.tif") && ran.out.contains("good.tif"), "{} {}", ran.err, ran.out);
    assert!(dir.path().join("out/good.label.tif").is_file());
}

#[test]
fn two_inputs_of_one_name_do_not_overwrite_each_other() {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("net.safetensors"), 1);
    for folder in ["a", "b"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
        write_discs(&dir.path().join(folder).join("x.tif"), 16, 16, None);
    }
    let args = ["segment", "a/x.tif", "b/x.tif", "--model", "net.safetensors", "--out", "out"];
    let ran = run_in(dir.path(), &args);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("b/x.tif") && ran.err.contains("a/x.tif"), "{}", ran.err);
}

/// A model file, changed by `change`, cannot be run: exit code 2 and a message that names it.
fn check_model(change: impl FnOnce(Vec<u8>) -> Vec<u8>, says: &str) {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("net.safetensors");
    write_segmenter(&model, 1);
    write_discs(&dir.path().join("x.tif"), 16, 16, None);
    fs::write(&model, change(fs::read(&model).unwrap())).unwrap();
    let ran = run_in(dir.path(), &["segment", "x.tif", "--model", "net.safetensors", "--out", "out"]);
    assert_eq!(ran.code, 2, "{says}: {}", ran.err);
    assert!(ran.err.contains("net.safetensors") && ran.err.contains(says), "{says}: {}", ran.err);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert!(!dir.path().join("out").exists());
}

/// The file's header, as JSON, changed.
fn with_header(bytes: &[u8], change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    change(&mut header);
    let text = serde_json::to_vec(&header).unwrap();
    [&(text.len() as u64).to_le_bytes()[..], &text, &bytes[8 + length..]].concat()
}

#[test]
fn damaged_models_are_refused_by_name() {
    check_model(|bytes| bytes[..bytes.len() / 2].to_vec(), "");
    check_model(|bytes| bytes[..5].to_vec(), "");
    check_model(|_| b"not a model".to_vec(), "");
    check_model(|bytes| [&(1u64 << 60).to_le_bytes()[..], &bytes[8..]].concat(), "");
    check_model(|b| with_header(&b, |h| drop(h.as_object_mut().unwrap().remove("__metadata__"))), "");
    let rename = |h: &mut serde_json::Value| {
        let weight = h.as_object_mut().unwrap().remove("enc1.conv1.weight").unwrap();
        h["enc1.conv9.weight"] = weight;
    };
    check_model(|b| with_header(&b, rename), "enc1.conv");
    let reshape =
        |h: &mut serde_json::Value| h["enc1.conv1.weight"]["shape"] = serde_json::json!([4, 9, 1, 1]);
    check_model(|b| with_header(&b, reshape), "enc1.conv1.weight");
}

#[test]
fn a_model_that_does_not_fit_the_image_says_so() {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("four.safetensors"), 4);
    write_classifier(&dir.path().join("kind.safetensors"));
    write_discs(&dir.path().join("x.tif"), 16, 16, None);
    let ran = run_in(dir.path(), &["segment", "x.tif", "--model", "four.safetensors", "--out", "out"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("x.tif") && ran.err.contains('4'), "{}", ran.err);
    let ran = run_in(dir.path(), &["segment", "x.tif", "--model", "kind.safetensors", "--out", "out"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("classify"), "{}", ran.err);
    let ran = run_in(dir.path(), &["segment", "x.tif", "--model", "no-such-model", "--out", "out"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("no-such-model"), "{}", ran.err);
}

#[test]
fn masks_of_another_size_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("net.safetensors"), 1);
    for folder in ["images", "masks"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
    }
    write_discs(&dir.path().join("images/x.tif"), 16, 16, None);
    let mask = [Array2::<u8>::zeros((8, 16))];
    write_tiff(&dir.path().join("masks/x.tif"), TiffPages::U8(&mask), &["m".into()], &Calibration::default())
        .unwrap();
    let args = ["evaluate", "--model", "net.safetensors", "--images", "images", "--masks", "masks"];
    let ran = run_in(dir.path(), &args);
    assert_ne!(ran.code, 0);
    assert!(ran.err.contains("16") && ran.err.contains('8') && ran.err.contains("x.tif"), "{}", ran.err);
}

#[test]
fn an_output_that_cannot_be_written_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("net.safetensors"), 1);
    write_discs(&dir.path().join("x.tif"), 16, 16, None);
    fs::write(dir.path().join("in-the-way"), "a file").unwrap();
    let ran = run_in(dir.path(), &["segment", "x.tif", "--model", "net.safetensors", "--out", "in-the-way"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("in-the-way"), "{}", ran.err);
    assert_eq!(fs::read_to_string(dir.path().join("in-the-way")).unwrap(), "a file");
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    // Linux's device that is always full stands for the disk; writing into its folder is not possible either.
    if !Path::new("/dev/full").exists() {
        println!("skipped: no /dev/full");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.tif");
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let failed = polepiece::files::write_whole(&path, |file| {
        use std::io::Write as _;
        file.write_all(&[1; 4096])?;
        full().write_all(&[1; 4096])
    });
    assert_eq!(failed.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn wrong_arguments_are_a_usage_error() {
    let dir = tempfile::tempdir().unwrap();
    let cases: [&[&str]; 7] = [
        &["segment", "x.tif"],
        &["segment", "x.tif", "--model", "m", "--out", "o", "--formats", "gif"],
        &["describe", "m", "--input", "1x0x5"],
        &["synth", "clouds", "--out", "o"],
        &["features", "x.tif", "--model", "m", "--out", "o"],
        &["train", "--out", "m.safetensors"],
        &["info"],
    ];
    for case in cases {
        let ran = run_in(dir.path(), case);
        assert_eq!(ran.code, 2, "{case:?}: {}", ran.err);
        assert!(!ran.err.is_empty());
    }
}
