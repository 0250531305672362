//! Regressors, and tables of files: whole trainings of a tiny network, a few steps long.
use super::*;
use crate::imaging::InfoBarChoice;
use crate::monitor::Monitor;
use crate::network::Model;
use crate::network::architectures::ArchitectureSpec;
use candle_core::Device;
use image::{GrayImage, Luma};
use std::fmt::Write as _;
use std::path::Path;

const CPU: Device = Device::Cpu;

fn quietly(recipe: &Recipe, out: &Path, options: &TrainOptions) -> Result<TrainReport, TrainingError> {
    train(recipe, out, options, &CPU, &mut |_| {}, &Monitor::silent())
}

#[test]
fn a_regressor_learns_its_numbers_and_is_judged_beside_the_counts() {
    let dir = tempfile::tempdir().unwrap();
    let text = recipe::tests::minimal_regressor();
    let test = "[[test]]\n synth = \"eds\"\n seed = 3\n count = 2\n size = 40\n[loop]";
    let text = text.replace("[loop]", test).replace("steps = 6", "steps = 40\n learning_rate = 1e-2");
    let recipe = Recipe::parse(&text, Path::new("r.toml")).unwrap();
    let out = dir.path().join("m.safetensors");
    let mut losses = Vec::new();
    let mut validated = 0;
    let mut collect = |event: TrainEvent| match event {
        TrainEvent::Step { loss, .. } => losses.push(loss),
        TrainEvent::ValidatedNumbers { mean_absolute_error, .. } => {
            validated += 1;
            assert!(mean_absolute_error > 0.0);
        }
        _ => {}
    };
    let report =
        train(&recipe, &out, &TrainOptions::default(), &CPU, &mut collect, &Monitor::silent()).unwrap();
    let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
    assert!(mean(&losses[30..]) < 0.7 * mean(&losses[..5]), "{losses:?}");
    assert_eq!((validated, report.evaluation), (20, None));
    let numbers = report.numbers.unwrap();
    assert_eq!((numbers.images, numbers.units.as_deref()), (2, Some("atomic fraction")));
    let card = Model::read_header(&out).unwrap().1;
    assert_eq!(card.metrics["mean_absolute_error"], numbers.mean_absolute_error);
    // Two of eight elements are no shares of the counts.
    assert!(!card.metrics.contains_key("counts_mean_absolute_error on synthetic eds"));
}

#[test]
fn maps_of_numbers_beside_images_train_and_evaluate() {
    let dir = tempfile::tempdir().unwrap();
    for k in 0..3u8 {
        for (folder, name) in [("images", format!("{k}.png")), ("maps", format!("{k}_target.png"))] {
            let folder = dir.path().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            let grey = |x: u32, y: u32| Luma([40 * k + (x * y % 7) as u8]);
            GrayImage::from_fn(32, 24, grey).save(folder.join(name)).unwrap();
        }
    }
    let images = dir.path().join("images");
    let network = ArchitectureSpec { base: Some(2), depth: Some(1), ..ArchitectureSpec::default() };
    let targets = Some(dir.path().join("maps"));
    let wanted = FolderTraining { images: images.clone(), targets, network, ..FolderTraining::default() };
    let mut recipe = Recipe::from_folders(&wanted).unwrap();
    assert_eq!((recipe.task, recipe.card.classes.len()), (crate::network::Task::Regress, 1));
    (recipe.schedule.crop, recipe.schedule.batch) = (16, 2);
    let out = dir.path().join("m.safetensors");
    let options = TrainOptions { steps: Some(4), ..TrainOptions::default() };
    let report = quietly(&recipe, &out, &options).unwrap();
    assert_eq!(report.failures, Vec::<String>::new());
    let model = Model::load(&out, &CPU).unwrap();
    let data = EvaluationData {
        images,
        masks: dir.path().join("maps"),
        scheme: None,
        info_bar: InfoBarChoice::Auto,
    };
    let score = evaluate_numbers(&model, &data, &CPU, &Monitor::silent()).unwrap();
    assert_eq!((score.images, score.outputs[0].count), (3, 3 * 24 * 32));
    let message = evaluate(&model, &data, &CPU, &Monitor::silent()).unwrap_err().to_string();
    assert!(message.contains("gives numbers, not classes"), "{message}");
}

#[test]
fn an_image_s_number_is_learned_from_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = "file,brightness\n".to_owned();
    for k in 0..6u8 {
        let name = format!("{k}.png");
        GrayImage::from_fn(24, 24, |x, _| Luma([20 * k + (x % 3) as u8]))
            .save(dir.path().join(&name))
            .unwrap();
        writeln!(table, "{name},{}", f32::from(k) / 5.0).unwrap();
    }
    table += "missing.png,1\n";
    let path = dir.path().join("numbers.csv");
    std::fs::write(&path, table).unwrap();
    let mut wanted = FolderTraining { images: path.clone(), ..FolderTraining::default() };
    wanted.architecture("lenet").unwrap();
    wanted.network.base = Some(2);
    let mut recipe = Recipe::from_folders(&wanted).unwrap();
    (recipe.schedule.crop, recipe.schedule.val_fraction, recipe.schedule.learning_rate) = (16, 0.3, 1e-2);
    let out = dir.path().join("m.safetensors");
    let options = TrainOptions { steps: Some(60), ..TrainOptions::default() };
    let report = quietly(&recipe, &out, &options).unwrap();
    assert!(report.failures.len() == 1 && report.failures[0].contains("missing.png"), "{report:?}");
    let model = Model::load(&out, &CPU).unwrap();
    let data = EvaluationData { images: path, masks: "".into(), scheme: None, info_bar: InfoBarChoice::Auto };
    let score = evaluate_numbers(&model, &data, &CPU, &Monitor::silent()).unwrap();
    assert_eq!((score.images, score.failures.len()), (6, 1));
    assert!(score.mean_absolute_error < 0.15, "{score:?}");
}

#[test]
fn a_classifier_learns_from_a_table_at_the_images_own_size() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = "file,class\n".to_owned();
    for (class, step) in [("coarse", 12u32), ("fine", 2)] {
        for k in 0..4 {
            let stripe = |x: u32| ((x + k) / step).is_multiple_of(2);
            let name = format!("{class}{k}.png");
            GrayImage::from_fn(40 + k, 36, |x, y| Luma([if stripe(x) { 200 } else { 40 + y as u8 }]))
                .save(dir.path().join(&name))
                .unwrap();
            writeln!(table, "{name},{class}").unwrap();
        }
    }
    let path = dir.path().join("labels.csv");
    std::fs::write(&path, &table).unwrap();
    let mut wanted = FolderTraining { images: path.clone(), ..FolderTraining::default() };
    wanted.architecture("lenet").unwrap();
    wanted.network.base = Some(4);
    let mut recipe = Recipe::from_folders(&wanted).unwrap();
    (recipe.card.input_size, recipe.schedule.crop) = (None, 32);
    (recipe.augment, recipe.schedule.learning_rate) = (Augment::default(), 1e-2);
    let out = dir.path().join("m.safetensors");
    let options = TrainOptions { steps: Some(40), ..TrainOptions::default() };
    quietly(&recipe, &out, &options).unwrap();
    let model = Model::load(&out, &CPU).unwrap();
    let data = EvaluationData {
        images: path.clone(),
        masks: "".into(),
        scheme: None,
        info_bar: InfoBarChoice::Auto,
    };
    let evaluation = evaluate(&model, &data, &CPU, &Monitor::silent()).unwrap();
    assert_eq!((evaluation.images, evaluation.accuracy), (8, 1.0));
    assert_eq!((evaluation.classes[0].precision, evaluation.classes[1].recall), (Some(1.0), Some(1.0)));
    for metric in ["precision fine", "recall coarse", "f1 fine", "accuracy"] {
        assert!(model.card.metrics.contains_key(metric), "{metric}");
    }
    std::fs::write(&path, table.replace("fine0.png,fine", "fine0.png,finest")).unwrap();
    let message = evaluate(&model, &data, &CPU, &Monitor::silent()).unwrap_err().to_string();
    assert!(
        message.starts_with("Line 6: The labels' class \"finest\" is none of the network's"),
        "{message}"
    );
}
