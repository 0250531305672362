//! `polepiece bench`: what it prints, and what it refuses. How fast it is, no test asks.

use serde_json::Value;

use crate::common::{Ran, run_in, write_segmenter};

fn bench(args: &str) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let args: Vec<&str> = ["bench"].into_iter().chain(args.split_whitespace()).collect();
    run_in(dir.path(), &args)
}

#[test]
fn a_unet_is_timed_running_and_training() {
    for (more, train, batch) in [("", false, 1), ("--train --batch 2", true, 2)] {
        let args = "unet --base 2 --depth 2 --size 16 --in-channels 3 --classes 4 --runs 3 --json";
        let ran = bench(&format!("{args} {more}"));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{more}");
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        let number = |key: &str| report[key].as_f64().unwrap();
        assert!(0.0 < number("min_ms") && number("min_ms") <= number("median_ms"), "{report}");
        assert_eq!((number("runs"), number("threads")), (3.0, 2.0));
        assert!(number("gflops") > 0.0);
        assert!(report["peak_rss_mb"].as_f64().is_none_or(|mb| mb > 1.0), "{report}");
        assert_eq!(report["device"], "CPU, 2 threads");
        assert_eq!((&report["train"], &report["batch"]), (&train.into(), &batch.into()));
    }
}

#[test]
fn a_model_is_timed_on_the_size_its_card_names_or_another() {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("net.safetensors"), 2);
    let args = ["bench", "network", "net.safetensors", "--runs", "2", "--json"];
    for (more, side) in [(&[][..], 224), (&["--input", "2x16x16"][..], 16)] {
        let ran = run_in(dir.path(), &[&args[..], more].concat());
        let report = &lines(&ran)[0];
        assert_eq!(report["input"], serde_json::json!([1, 2, side, side]));
        assert!(report["median_ms"].as_f64().unwrap() >= report["min_ms"].as_f64().unwrap());
    }
    let ran = run_in(dir.path(), &["bench", "network", "net.safetensors", "--input", "1x16x16"]);
    assert!(ran.code == 2 && ran.err.contains("expected 2 channels"), "{}", ran.err);
}

fn lines(ran: &Ran) -> Vec<Value> {
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_layer_is_timed_forward_and_backward() {
    let row = &lines(&bench("layers --only 256→64 --runs 1 --json"))[0];
    assert_eq!((&row["layer"], &row["weight"]), (&"convolution".into(), &serde_json::json!([64, 256, 1, 1])));
    for pass in ["forward", "dx", "dw"] {
        let number = |key: &str| row[pass][key].as_f64().unwrap();
        // 64·256 products at each of 64·64 pixels.
        let gflop = 2.0 * 64.0 * 256.0 * 64.0 * 64.0 / 1e9;
        assert!((number("gflops") * number("median_ms") / 1e3 - gflop).abs() < 1e-6 * gflop, "{row}");
    }
    assert!(row["forward"]["algorithm"].is_string());
}

#[test]
fn an_operation_is_timed_beside_a_copy() {
    let row = &lines(&bench("layers --only ReLU --runs 1 --json --threads 1"))[0];
    assert_eq!((&row["layer"], &row["bytes"]), (&"memory".into(), &(2 * 4 * 32 * 512 * 512).into()));
    assert!(row["ratio"].as_f64().unwrap() > 0.0);
}

#[test]
fn the_layers_are_listed_without_being_timed() {
    let rows = lines(&bench("layers --list"));
    assert!(rows.len() > 30 && rows.iter().all(|row| row["x"].is_array() && row["name"].is_string()));
    assert!(rows.iter().all(|row| row.get("forward").is_none() && row.get("ratio").is_none()));
}

#[test]
fn opening_a_file_is_timed_with_its_first_plane() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("small.png");
    image::GrayImage::from_pixel(40, 25, image::Luma([7])).save(&path).unwrap();
    let path = path.to_str().unwrap();
    let row = &lines(&bench(&format!("files {path} --runs 2 --json")))[0];
    let number = |key: &str| row[key].as_f64().unwrap();
    assert_eq!((number("plane_mb"), number("runs")), (0.001, 2.0));
    assert!(0.0 < number("open_ms") && number("open_ms") < number("median_ms"), "{row}");
    let ran = bench("files nothing.tif");
    assert_eq!((ran.code, ran.err.contains("There is no such file: nothing.tif")), (1, true), "{}", ran.err);
}

#[test]
fn without_json_it_is_said_in_words() {
    let ran = bench("unet --base 1 --depth 1 --size 8 --runs 1 --threads 1");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("median") && ran.out.contains("CPU, 1 thread"), "{}", ran.out);
}

#[test]
fn what_cannot_be_timed_is_refused_with_the_reason() {
    let cases = [
        ("unet --base 0", "base must lie between 1 and"),
        ("unet --depth 99", "depth must lie between 1 and 6"),
        ("unet --classes 0", "at least 1 class"),
        ("unet --size 0", "multiples of 16"),
        ("unet --size 100", "multiples of 16: --size 100"),
        ("unet --size 99999999999999999999", "99999999999999999999"),
        ("unet --runs 0", "at least 1"),
        ("unet --train --batch 0", "--batch 0"),
        ("unet --batch 3", "--train"),
        ("layers --runs 0", "at least 1"),
        ("layers --only pudding", "--only pudding"),
        ("", "unet"),
    ];
    for (args, reason) in cases {
        let ran = bench(args);
        assert_eq!(ran.code, 2, "{args}: {}", ran.err);
        assert!(ran.err.contains(reason) && !ran.err.contains("panicked"), "{args}: {}", ran.err);
    }
}

#[test]
fn what_does_not_fit_the_memory_is_refused_with_the_forecast() {
    if polepiece::compute::available_memory().is_none() {
        println!("skipped: the system does not say how much memory is free");
        return;
    }
    for args in
        ["unet --size 1048576", "unet --train --batch 1000000000", "unet --base 4096 --depth 6 --size 64"]
    {
        let ran = bench(args);
        assert_eq!(ran.code, 2, "{args}: {}", ran.err);
        assert!(
            ran.err.contains("would take about") && ran.err.contains("GB are free"),
            "{args}: {}",
            ran.err
        );
    }
}
