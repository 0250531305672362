//! What lies in the folder after a run, and what when it fails.

use super::testing::{made, pixel};
use super::*;
use crate::files::sha256_of_file;
use crate::imaging::{self, SampleType};
use crate::network::ClassInfo;

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_format_is_written_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("new").join("folder");
    let made = made();
    let files = write_results(&made.job(&Format::ALL), &out).unwrap();
    let endings =
        ["label.tif", "palette.png", "overlay.png", "probability.tif", "objects.csv", "manifest.json"];
    assert_eq!(files, endings.map(|ending| out.join(format!("two_phases.{ending}"))));
    assert_eq!(names(&out).len(), 6, "nothing else lies there");

    let label = &imaging::open(&files[0]).unwrap()[0];
    assert_eq!(label.sample_type(), SampleType::U8);
    assert_eq!(label.plane(0, 0).unwrap().to_f32(), made.segmentation.labels.0.mapv(f32::from));
    let found = label.calibration().pixel().unwrap();
    assert_eq!((found.x_nm, found.y_nm), (pixel().x_nm, pixel().y_nm));

    let probability = &imaging::open(&files[3]).unwrap()[0];
    assert_eq!((probability.frames(), probability.channels()), (1, 3));
    assert_eq!(probability.sample_type(), SampleType::F32);
    assert_eq!(probability.plane(0, 2).unwrap().value(1, 3), 0.5);

    let palette = image::open(&files[1]).unwrap().to_rgb8();
    assert_eq!(palette.get_pixel(0, 0).0, [1, 2, 3]);
    assert_eq!(palette.get_pixel(3, 1).0, [0, 0, 255]);
    let overlay = image::open(&files[2]).unwrap().to_rgb8();
    assert_eq!(overlay.dimensions(), (4, 2));
    assert_eq!(overlay.get_pixel(0, 0).0, [0, 0, 0], "the background is not painted");

    let table = std::fs::read_to_string(&files[4]).unwrap();
    assert_eq!(table.lines().count(), 3);
    assert!(table.lines().nth(1).unwrap().starts_with("1,1,γ′,2,1.5,0,"), "{table}");
}

#[test]
fn the_manifest_names_everything_that_made_the_result() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("it's one.png");
    image::GrayImage::from_fn(4, 2, |x, y| image::Luma([(y * 4 + x) as u8])).save(&image).unwrap();
    let mut made = made();
    made.micrograph = imaging::open(&image).unwrap().swap_remove(0);
    made.settings.tile = Some(64);
    made.model.path = Some(PathBuf::from("/models/sem.safetensors"));
    made.model.sha256 = Some("ab".repeat(32));
    let out = dir.path().join("out");
    let files = write_results(&made.job(&[Format::Csv, Format::Label, Format::Label]), &out).unwrap();
    let text = std::fs::read_to_string(files.last().unwrap()).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest["input"]["sha256"], sha256_of_file(&image).unwrap());
    assert_eq!(manifest["input"]["path"], image.display().to_string());
    assert_eq!(manifest["model"]["sha256"], "ab".repeat(32));
    assert_eq!(manifest["settings"]["tile"], 64);
    assert_eq!(manifest["settings"]["device"], "CPU, 2 threads");
    assert_eq!(manifest["settings"].get("overlay"), None);
    assert_eq!(
        manifest["classes"][2],
        serde_json::json!({"value": 2, "name": "pore", "colour": [0, 0, 255]})
    );
    assert_eq!(manifest["pixel_size"]["source"], "by hand");
    assert_eq!(manifest["files"].as_array().unwrap().len(), 2, "each format once");
    assert_eq!(manifest["files"][0]["name"], "it's one.label.tif");
    assert_eq!(manifest["files"][1]["sha256"], sha256_of_file(&files[1]).unwrap());
    let command = manifest["command"].as_str().unwrap();
    assert!(command.starts_with("polepiece segment '"), "{command}");
    let end = "--formats label,csv --series 0 --frame 0 --tile 64 --threads 2 --device cpu";
    assert!(command.contains(r"it'\''s one.png' --model /models/sem.safetensors --out "), "{command}");
    assert!(command.ends_with(end), "{command}");
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let made = made();
    let contents = || -> Vec<Vec<u8>> {
        let files = write_results(&made.job(&Format::ALL), dir.path()).unwrap();
        files.iter().map(|path| std::fs::read(path).unwrap()).collect()
    };
    assert_eq!(contents(), contents());
}

#[test]
fn an_uncalibrated_result_speaks_of_pixels_only() {
    let dir = tempfile::tempdir().unwrap();
    let mut made = made();
    made.segmentation.pixel = None;
    let files = write_results(&made.job(&[Format::Label, Format::Csv]), dir.path()).unwrap();
    assert_eq!(imaging::open(&files[0]).unwrap()[0].calibration().pixel(), None);
    assert!(!std::fs::read_to_string(&files[1]).unwrap().contains("_nm"));
    let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(&files[2]).unwrap()).unwrap();
    assert!(manifest["pixel_size"].is_null());
}

#[test]
fn a_file_in_the_way_of_the_folder_is_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("results");
    std::fs::write(&file, "mine").unwrap();
    for out in [file.clone(), file.join("below")] {
        let error = write_results(&made().job(&Format::ALL), &out).unwrap_err().to_string();
        assert!(error.starts_with("The folder for the results cannot be made ("), "{error}");
        assert!(error.ends_with(&format!(": {}", out.display())), "{error}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_failure_names_the_file_and_leaves_no_half_one_and_no_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let made = made();
    write_results(&made.job(&[Format::Label]), dir.path()).unwrap();
    let in_the_way = dir.path().join("two_phases.overlay.png");
    std::fs::create_dir(&in_the_way).unwrap();
    let error = write_results(&made.job(&Format::ALL), dir.path()).unwrap_err().to_string();
    assert!(error.ends_with("two_phases.overlay.png"), "{error}");
    let expected = ["two_phases.label.tif", "two_phases.overlay.png", "two_phases.palette.png"];
    assert_eq!(names(dir.path()), expected, "the old manifest no longer fits and is gone");
}

#[test]
fn a_result_that_does_not_belong_together_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let refused = |change: &dyn Fn(&mut Segmentation)| {
        let mut made = made();
        change(&mut made.segmentation);
        let error = write_results(&made.job(&Format::ALL), &out).unwrap_err().to_string();
        assert!(!out.exists());
        error
    };
    assert_eq!(
        refused(&|s| s.labels.0 = Array2::zeros((3, 3))),
        "The mask is 3 × 3 pixels but the image 2 × 4"
    );
    assert_eq!(refused(&|s| s.labels.0[[0, 0]] = 7), "The mask holds class 7 but there are 3 classes");
    let extra = ClassInfo { name: "extra".to_owned(), colour: [0; 3] };
    assert_eq!(
        refused(&|s| s.classes.push(extra.clone())),
        "The probabilities have the shape [3, 2, 4], expected [4, 2, 4]"
    );
}

#[test]
fn a_classification_is_a_table_and_its_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let made = made();
    let classification =
        Classification { probabilities: vec![0.5, 0.25, 0.25], classes: made.model.card.classes.clone() };
    let job = ClassJob {
        micrograph: &made.micrograph,
        model: &made.model,
        settings: &made.settings,
        device: "CPU, 2 threads",
        threads: 0,
        classification: &classification,
    };
    let files = write_class_table(&job, dir.path()).unwrap();
    assert_eq!(names(dir.path()), ["two_phases.classes.csv", "two_phases.manifest.json"]);
    assert!(std::fs::read_to_string(&files[0]).unwrap().contains("1,γ′,0.25\n"));
    let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(&files[1]).unwrap()).unwrap();
    assert_eq!(
        manifest["command"],
        "polepiece classify 'two phases' --model 'test model' --series 0 --frame 0 --threads 0 --device cpu"
    );
}
