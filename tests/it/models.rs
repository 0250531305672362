//! The shipped models: whole, described, and better than the classical baseline on images they never saw.

use std::fs;

use candle_core::Device;
use ndarray::{Array3, Axis};
use polepiece::analysis::{Prediction, RunSettings, run};
use polepiece::imaging::{InfoBarChoice, Micrograph};
use polepiece::inspect::Recorder;
use polepiece::monitor::Monitor;
use polepiece::network::{Model, Task, forecast};
use polepiece::synth::Kind;
use polepiece::training::{EvaluationData, LabelScheme, evaluate, evaluate_otsu};

use crate::common::{home, shared_data};

fn shipped() -> Vec<Model> {
    let files = fs::read_dir(home().join("models")).unwrap().map(|entry| entry.unwrap().path());
    let models = files.filter(|path| path.extension().is_some_and(|e| e == "safetensors"));
    models.map(|path| Model::load(&path, &Device::Cpu).unwrap()).collect()
}

#[test]
fn at_least_three_models_under_25_mb_are_shipped_with_recipes() {
    let models = shipped();
    assert!(models.len() >= 3);
    assert!(models.iter().any(|m| m.card.task == Task::Segment));
    assert!(models.iter().any(|m| m.card.task == Task::Classify));
    let bytes: u64 = models.iter().map(|m| fs::metadata(m.path.as_ref().unwrap()).unwrap().len()).sum();
    assert!(bytes < 25_000_000, "{bytes}");
    for model in &models {
        let path = model.path.as_ref().unwrap();
        assert!(path.with_extension("toml").is_file(), "{} has its recipe", path.display());
        assert!(!model.card.metrics.is_empty(), "{} states its metrics", path.display());
        assert!(!model.card.metrics_on.is_empty(), "{} says on which images", path.display());
        assert!(!model.card.training_data.is_empty(), "{} names its data", path.display());
        assert!(model.card.training_data.iter().all(|data| !data.licence.is_empty()));
        let channels = model.graph.input_channels();
        assert!(forecast(&model.graph, [channels, 512, 512]).unwrap().peak_bytes < 1 << 30);
    }
}

#[test]
fn the_segmenter_beats_otsu_on_images_it_never_saw() {
    let Some(data) = shared_data() else { return };
    let model = Model::load(&home().join("models/sem-precipitates.safetensors"), &Device::Cpu).unwrap();
    let scheme = |name: &str| LabelScheme::load(&home().join("models/schemes").join(name)).unwrap();
    let sets = [
        ("seg/nasa-super/val", "seg/nasa-super/val_annot", "nasa-super-binary.toml"),
        ("seg/ampis-spheroidite/images/valid_*", "seg/ampis-spheroidite/masks", "ampis.toml"),
    ];
    let (mut ours, mut otsus) = (0.0, 0.0);
    for (images, masks, scheme_file) in sets {
        let data = EvaluationData {
            images: data.join(images),
            masks: data.join(masks),
            scheme: Some(scheme(scheme_file)),
            info_bar: InfoBarChoice::Auto,
        };
        let network = evaluate(&model, &data, &Device::Cpu, &Monitor::silent()).unwrap();
        // Otsu is given the better of its two sides on each set, which favours it.
        let otsu = evaluate_otsu(&data, None, &Monitor::silent()).unwrap();
        println!("{images}: network {:.4}, Otsu {:.4}", network.mean_iou, otsu.mean_iou);
        assert!(network.mean_iou > otsu.mean_iou, "{images}: {} against {}", network.mean_iou, otsu.mean_iou);
        ours += network.mean_iou;
        otsus += otsu.mean_iou;
    }
    assert!(ours > otsus);
}

#[test]
fn the_regressor_is_nearer_to_the_composition_than_the_shares_of_the_counts_are() {
    let model = Model::load(&home().join("models/eds-composition.safetensors"), &Device::Cpu).unwrap();
    let (mut ours, mut shares) = (0.0, 0.0);
    for index in 0..3 {
        let sample = Kind::Eds.sample(77, index, [96, 96]);
        let truth = sample.composition.unwrap();
        let error = |guess: &Array3<f32>| (guess - &truth).mapv(f32::abs).mean().unwrap();
        let sums = sample.image.sum_axis(Axis(0)).mapv(|sum| sum.max(1.0));
        shares += error(&(&sample.image / &sums));
        let image = sample.image.insert_axis(Axis(0));
        let map = Micrograph::from_array("map", image, sample.channel_names, sample.calibration);
        let (settings, mut recorder) = (RunSettings::default(), Recorder::nothing());
        let found = run(&model, &map, &settings, &Device::Cpu, &mut recorder, &Monitor::silent()).unwrap();
        let Prediction::Regression(found) = found else { panic!("no numbers") };
        let maps = found.maps().unwrap();
        assert!(maps.sum_axis(Axis(0)).iter().all(|sum| (sum - 1.0).abs() < 1e-4));
        ours += error(maps);
    }
    println!("mean absolute error: network {:.4}, shares of the counts {:.4}", ours / 3.0, shares / 3.0);
    assert!(ours < 0.5 * shares, "{ours} against {shares}");
    let metrics = &model.card.metrics;
    assert!(metrics["mean_absolute_error"] < metrics["counts_mean_absolute_error on synthetic eds"]);
}
