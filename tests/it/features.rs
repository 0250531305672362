//! `polepiece features`, from outside and against the window's numbers.
use crate::common::{run_in, text, write_classifier, write_discs, write_segmenter};
use polepiece::imaging;
use polepiece::inspect::FeatureOrder;
use polepiece::session::{Against, Command, Preferences, Session, SheetCommand, Threading};
use std::path::Path;
use tempfile::TempDir;

const NODE: &str = "enc2.conv1";

fn features(dir: &Path, more: &[&str]) -> crate::common::Ran {
    let mut args = vec!["features", "discs.tif", "--model", "model.safetensors", "--out", "out"];
    args.extend(more);
    run_in(dir, &args)
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_node_s_features_are_written_in_every_form_with_the_window_s_numbers() {
    let dir = TempDir::new().unwrap();
    let (model, image) = (dir.path().join("model.safetensors"), dir.path().join("discs.tif"));
    write_segmenter(&model, 1);
    write_discs(&image, 60, 70, Some(2.0));
    let what = [
        "--node",
        NODE,
        "--formats",
        "npy,sheet,ome,csv,json",
        "--order",
        "correlation",
        "--class",
        "class 1",
    ];
    let ran = features(dir.path(), &[&what[..], &["--pca", "--kmeans", "3"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let out = dir.path().join("out");
    for ending in ["npy", "png", "ome.tif", "csv", "json", "pca.png", "kmeans.png", "kmeans.csv"] {
        let path = out.join(format!("{NODE}.{ending}"));
        assert!(path.is_file(), "no {}", path.display());
    }
    assert!(ran.out.contains("of the variance of enc2.conv1"), "{}", ran.out);

    let mut session = Session::new(Threading::AtOnce, Preferences::default(), false);
    session.apply(Command::Open(vec![image]));
    session.apply(Command::ChooseModel(text(&model).into()));
    session.apply(Command::Run);
    session.apply(Command::SelectNode(NODE.into()));
    session.apply(Command::Sheet(SheetCommand::Correlate(Against::Prediction(1))));
    assert_eq!(session.feature_order, FeatureOrder::Correlation);
    let shown = session.features.clone().unwrap();
    let correlations = session.correlations_now().unwrap();
    let table = json(&out.join(format!("{NODE}.json")));
    assert_eq!((&table["class"], &table["class_by"]), (&"class 1".into(), &"prediction".into()));
    let lines = table["features"].as_array().unwrap();
    assert_eq!(lines.len(), shown.order.len());
    for (line, &feature) in lines.iter().zip(shown.order.iter()) {
        let number = |name: &str| line[name].as_f64().map(|value| value as f32);
        let statistics = shown.statistics[feature];
        assert_eq!(line["feature"], feature);
        assert_eq!((number("mean"), number("variance")), (Some(statistics.mean), Some(statistics.variance)));
        assert_eq!(
            number("correlation"),
            Some(correlations[feature]).filter(|r| !r.is_nan()),
            "feature {feature}"
        );
    }
    let csv = std::fs::read_to_string(out.join(format!("{NODE}.csv"))).unwrap();
    assert!(csv.starts_with("feature,mean,variance,min,max,sparsity,dead,correlation_class 1\n"), "{csv}");

    let stack = imaging::open(&out.join(format!("{NODE}.ome.tif"))).unwrap().remove(0);
    assert_eq!((stack.channels(), stack.height(), stack.width()), (8, 30, 35));
    // A pixel of the second level covers two of 2 nm.
    assert!((stack.calibration().pixel().unwrap().x_nm - 4.0).abs() < 1e-9);
    assert_eq!(stack.plane(0, 5).unwrap().value(7, 9), f64::from(shown.maps.maps[[5, 7, 9]]));
}

#[test]
fn labels_of_a_person_take_the_place_of_the_prediction() {
    let dir = TempDir::new().unwrap();
    write_segmenter(&dir.path().join("model.safetensors"), 1);
    write_discs(&dir.path().join("discs.tif"), 48, 48, None);
    image::GrayImage::from_fn(48, 48, |x, y| {
        let (dy, dx) = ((y % 24) as i32 - 12, (x % 24) as i32 - 12);
        image::Luma([u8::from(dy * dy + dx * dx < 50)])
    })
    .save(dir.path().join("mask.png"))
    .unwrap();
    let what = ["--node", "input", "--formats", "json", "--class", "1", "--labels", "mask.png"];
    let ran = features(dir.path(), &what);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let table = json(&dir.path().join("out/input.json"));
    let found = table["features"][0]["correlation"].as_f64().unwrap();
    // The discs are what is bright.
    assert!(found > 0.99 && table["class_by"] == "labels", "{table}");
}

#[test]
fn what_cannot_be_compared_is_refused_in_words() {
    let dir = TempDir::new().unwrap();
    write_classifier(&dir.path().join("model.safetensors"));
    write_discs(&dir.path().join("discs.tif"), 40, 40, None);
    let refused = |more: &[&str], says: &str| {
        let ran = features(dir.path(), &[&["--node", "conv1"], more].concat());
        assert!(ran.code != 0 && ran.err.contains(says), "{more:?}: {} {}", ran.code, ran.err);
    };
    refused(&["--order", "correlation"], "--order correlation needs --class");
    refused(&["--class", "moon"], "There is no class moon; there are class 0, class 1, class 2");
    refused(&["--class", "1"], "no class of every pixel");
    refused(&["--labels", "mask.png"], "--class");
    refused(&["--kmeans", "1"], "1 is not in 2..=10");
    image::GrayImage::new(3, 3).save(dir.path().join("small.png")).unwrap();
    refused(&["--class", "1", "--labels", "small.png"], "The labels are 3 × 3 px and the image 40 × 40 px");
}
