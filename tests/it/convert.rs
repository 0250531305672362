//! `polepiece convert`, `formats` and what `info` says: good input, bad input, and many files.

use std::fs;
use std::path::Path;

use polepiece::export::{TiffPages, write_stack, write_tiff};
use polepiece::imaging::{self, Calibration};
use polepiece::monitor::Monitor;
use serde_json::Value;

use crate::common::{Ran, calibrated, discs, home, run_in, shared_data, text, write_discs};

fn convert(dir: &Path, args: &[&str]) -> Ran {
    run_in(dir, &[&["convert"], args].concat())
}

fn hash(path: &Path) -> String {
    imaging::open(path).unwrap()[0].sha256_le(&Monitor::silent()).unwrap()
}

#[test]
fn many_files_become_files_of_one_name_each() {
    let dir = tempfile::tempdir().unwrap();
    write_discs(&dir.path().join("a.tif"), 20, 30, Some(5.0));
    write_discs(&dir.path().join("b.ome.tif"), 7, 9, None);
    let ran = convert(dir.path(), &["a.tif", "b.ome.tif", "--to", "ome-tiff", "--out", "out/deep", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["shape"], &lines[0]["axes"]), (&serde_json::json!([20, 30]), &"YX".into()));
    for (input, copy) in [("a.tif", "a.ome.tif"), ("b.ome.tif", "b.ome.tif")] {
        let copy = dir.path().join("out/deep").join(copy);
        assert_eq!(hash(&copy), hash(&dir.path().join(input)));
    }
    let ran = convert(dir.path(), &["a.tif", "--to", "npy", "--out", "out"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "out/a.npy and out/a.calibration.json: YX 20 × 30, uint16\n")
    );
}

#[test]
fn frames_and_channels_are_chosen_by_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let pages: Vec<_> = (1..=6u16).map(|k| discs(8, 9).mapv(|v| v / k)).collect();
    write_stack(&dir.path().join("stack.tif"), TiffPages::U16(&pages), &calibrated(2.0)).unwrap();
    for (flags, frames, first) in [
        (&["--frame", "3"][..], 1, 3),
        (&["--frames", "1..4"], 3, 1),
        (&["--frames", "4.."], 2, 4),
        (&["--frames", "..2", "--channels", "0"], 2, 0),
    ] {
        let ran = convert(dir.path(), &[&["stack.tif", "--out", "part.tif"], flags].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{flags:?}");
        let part = &imaging::open(&dir.path().join("part.tif")).unwrap()[0];
        assert_eq!(part.frames(), frames, "{flags:?}");
        assert_eq!(part.plane(0, 0).unwrap().to_f32(), pages[first].mapv(f32::from), "{flags:?}");
        assert_eq!(part.calibration().pixel().map(|p| p.x_nm), Some(2.0));
    }
}

#[test]
fn what_cannot_be_converted_is_one_message_and_no_file() {
    let dir = tempfile::tempdir().unwrap();
    write_discs(&dir.path().join("in.tif"), 20, 30, Some(5.0));
    let floats = [discs(6, 6).mapv(f32::from), discs(6, 6).mapv(f32::from)];
    write_tiff(&dir.path().join("two.tif"), TiffPages::F32(&floats), &[], &Calibration::default()).unwrap();
    for (args, code, expected) in [
        (&["in.tif", "--out", "a.jpg"][..], 2, "--to has to (ome-tiff, tiff, npy, png): a.jpg"),
        (&["in.tif", "two.tif", "--out", "a.tif"], 2, "Several files need a folder, not one file"),
        (&["in.tif", "--to", "gif", "--out", "a"], 2, "invalid value 'gif'"),
        (&["in.tif", "--frames", "3..2", "--out", "a.tif"], 2, "expected A..B with A less than B"),
        (&["in.tif", "--frame", "1", "--frames", "1..2", "--out", "a.tif"], 2, "cannot be used with"),
        (&["in.tif", "--contrast", "9,1", "--out", "a.png"], 2, "the lower first: --contrast LOW,HIGH"),
        (&["in.tif", "--contrast", "9", "--out", "a.png"], 2, "the lower first: --contrast LOW,HIGH"),
        (&["in.tif", "--contrast", "1,9", "--out", "a.npy"], 2, "the other formats keep the values"),
        (&["in.tif", "--compression", "lzw", "--out", "a.npy"], 2, "--compression is for TIFFs, not for npy"),
        (&["in.tif", "--compression", "jpeg", "--out", "a.tif"], 2, "invalid value 'jpeg'"),
        (&["in.tif"], 2, "--out"),
        (&["in.tif", "--frame", "1", "--out", "a.tif"], 1, "There are no frames 1..2, only 0..1: in.tif"),
        (&["in.tif", "--frame", "18446744073709551615", "--out", "a.tif"], 1, "There are no frames"),
        (&["in.tif", "--frames", "2..", "--out", "a.tif"], 1, "There are no frames 2..1, only 0..1: in.tif"),
        (&["in.tif", "--channels", "0,1", "--out", "a.tif"], 1, "There is no channel 1, only 0 to 0: in.tif"),
        (&["in.tif", "--series", "1", "--out", "a.tif"], 1, "There is no series 1, only 0 to 0: in.tif"),
        (&["missing.tif", "--out", "a.tif"], 1, "There is no such file: missing.tif"),
        (&["two.tif", "--out", "a.png"], 1, "A PNG holds one picture and there are 2 channels"),
        (&["two.tif", "--channels", "0", "--out", "a.png"], 1, "render them with a contrast"),
        (&["in.tif", "--out", "in.tif"], 1, "would take the place of the file that it is made from: in.tif"),
        (&["in.tif", "--out", "no/folder/a.tif"], 1, "no/folder/a.tif"),
    ] {
        let before = fs::read(dir.path().join("in.tif")).unwrap();
        let ran = convert(dir.path(), args);
        assert_eq!(ran.code, code, "{args:?}: {}", ran.err);
        assert!(ran.err.contains(expected), "{args:?}: {}", ran.err);
        assert!(code == 2 || ran.err.lines().count() == 1, "{args:?}: {}", ran.err);
        assert!(!ran.err.contains("panicked") && ran.out.is_empty(), "{args:?}: {}", ran.err);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "{args:?}");
        assert_eq!(fs::read(dir.path().join("in.tif")).unwrap(), before, "{args:?}");
    }
}

#[test]
fn a_failure_hides_no_other_file_and_no_copy_takes_another_s_place() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("other")).unwrap();
    write_discs(&dir.path().join("a.tif"), 20, 30, None);
    write_discs(&dir.path().join("other/a.tif"), 10, 10, None);
    write_discs(&dir.path().join("b.tif"), 5, 6, None);
    fs::write(dir.path().join("bad.tif"), "no image").unwrap();
    let files = ["bad.tif", "a.tif", "other/a.tif", "b.tif"];
    let ran = convert(dir.path(), &[&files[..], &["--to", "png", "--out", "out"]].concat());
    assert_eq!((ran.code, ran.err.lines().count(), ran.out.lines().count()), (1, 2, 2), "{}", ran.err);
    assert!(ran.err.contains("Its copy would take the place of that of a.tif"), "{}", ran.err);
    assert_eq!(hash(&dir.path().join("out/a.png")), hash(&dir.path().join("a.tif")));
    assert!(dir.path().join("out/b.png").is_file());
}

#[test]
fn floats_are_rendered_when_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let floats = [discs(12, 14).mapv(f32::from)];
    write_tiff(&dir.path().join("f.tif"), TiffPages::F32(&floats), &[], &calibrated(2.0)).unwrap();
    for flags in [&["--percentiles"][..], &["--contrast", "-10,4000"]] {
        let ran = convert(dir.path(), &[&["f.tif", "--out", "f.png"], flags].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{flags:?}");
        assert!(ran.out.contains("YX 12 × 14, uint8\n  note: The values were rendered"), "{}", ran.out);
        assert_eq!(image::open(dir.path().join("f.png")).unwrap().color(), image::ColorType::L8);
    }
}

#[test]
fn real_files_come_back_with_the_same_values_from_every_format() {
    let Some(data) = shared_data() else { return };
    let dir = tempfile::tempdir().unwrap();
    for name in [
        "stack/pims_imagej_stack_5x512x512_u16be.tif",
        "stack/multipage_rgb.tif",
        "ome/multi-channel.ome.tif",
        "tiff/libtiffpic/depth/flower-rgb-planar-12.tif",
        "tiff/libtiffpic/depth/flower-minisblack-32.tif",
    ] {
        let original = &imaging::open(&data.join(name)).unwrap()[0];
        for copy in ["copy.tif", "copy.ome.tif"] {
            let ran = convert(dir.path(), &[text(&data.join(name)), "--out", copy]);
            assert_eq!(
                (ran.code, ran.err.lines().count()),
                (0, original.notes().len()),
                "{name}: {}",
                ran.err
            );
            let copy = &imaging::open(&dir.path().join(copy)).unwrap()[0];
            assert_eq!((copy.frames(), copy.channels()), (original.frames(), original.channels()), "{name}");
            for (frame, channel) in (0..copy.frames()).flat_map(|f| (0..copy.channels()).map(move |c| (f, c)))
            {
                assert_eq!(
                    copy.plane(frame, channel).unwrap(),
                    original.plane(frame, channel).unwrap(),
                    "{name}"
                );
            }
            let pixel = |m: &imaging::Micrograph| m.calibration().pixel().map(|p| (p.x_nm, p.y_nm));
            assert_eq!(pixel(copy), pixel(original), "{name}");
        }
    }
}

#[test]
fn the_formats_are_listed_with_their_endings() {
    let ran = run_in(home(), &["formats"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for words in ["TIFF", ".tif .tiff", ".png", "ome-tiff", ".ome.tif"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    let ran = run_in(home(), &["formats", "--json"]);
    let read = ran.out.lines().filter(|line| line.contains("\"read\":true")).count();
    assert_eq!((read, ran.out.lines().count()), (imaging::endings().count(), read + 4));
}

#[test]
fn info_prints_where_calibration_comes_from_and_metadata_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    write_discs(&dir.path().join("a.tif"), 20, 30, Some(5.0));
    let ran = run_in(dir.path(), &["info", "a.tif"]);
    assert!(ran.out.contains("axis X: 5 nm a step: ImageJ, XResolution in pixels per nm"), "{}", ran.out);
    let json = |args: &[&str]| -> Value { serde_json::from_str(&run_in(dir.path(), args).out).unwrap() };
    assert_eq!(json(&["info", "a.tif", "--json"]).get("metadata"), None);
    assert!(json(&["info", "a.tif", "--json", "--metadata"])["metadata"].is_array());
    let none = json(&["info", "a.tif", "--json", "--metadata", "no such words"]);
    assert_eq!(none["metadata"], serde_json::json!([]));
    let ran = run_in(dir.path(), &["info", "a.tif", "--metadata", "no such words"]);
    assert!(ran.out.contains("metadata: 0 of "), "{}", ran.out);
}

#[test]
fn names_of_hundreds_of_channels_are_cut_with_a_count() {
    let dir = tempfile::tempdir().unwrap();
    let pages = vec![discs(2, 3); 300];
    let names: Vec<String> = (0..300).map(|k| format!("window {k}")).collect();
    write_tiff(&dir.path().join("many.tif"), TiffPages::U16(&pages), &names, &Calibration::default())
        .unwrap();
    let ran = run_in(dir.path(), &["info", "many.tif"]);
    assert!(ran.out.contains("window 15 … and 284 more"), "{}", ran.out);
}
