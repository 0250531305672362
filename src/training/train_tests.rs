//! Whole trainings of a tiny network, a few steps long.
use super::*;
use crate::imaging::InfoBarChoice;
use crate::monitor::Monitor;
use crate::network::Model;
use crate::network::architectures::{Architecture, ArchitectureSpec};
use candle_core::Device;
use image::{GrayImage, Luma};
use std::path::Path;

const CPU: Device = Device::Cpu;

fn tiny(changes: &[(&str, &str)]) -> Recipe {
    let mut text = recipe::tests::minimal();
    for (from, to) in changes {
        assert!(text.contains(from), "{from} stands in the recipe");
        text = text.replacen(from, to, 1);
    }
    Recipe::parse(&text, Path::new("r.toml")).unwrap()
}

/// Every weight of a model, bit by bit.
fn bits(path: &Path) -> Vec<(String, Vec<u32>)> {
    let model = Model::load(path, &CPU).unwrap();
    let bits = |t: &candle_core::Tensor| -> Vec<u32> {
        t.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
    };
    model.weights.tensors.iter().map(|(name, tensor)| (name.clone(), bits(tensor))).collect()
}

fn quietly(recipe: &Recipe, out: &Path, options: &TrainOptions) -> Result<TrainReport, TrainingError> {
    train(recipe, out, options, &CPU, &mut |_| {}, &Monitor::silent())
}

#[test]
fn the_same_seed_and_steps_give_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["a", "b", "c"].map(|name| dir.path().join(name).with_extension("safetensors"));
    let recipe = tiny(&[]);
    let report = quietly(&recipe, &paths[0], &TrainOptions::default()).unwrap();
    quietly(&recipe, &paths[1], &TrainOptions::default()).unwrap();
    assert_eq!(bits(&paths[0]), bits(&paths[1]));
    quietly(&tiny(&[("[loop]", "[loop]\n seed = 5")]), &paths[2], &TrainOptions::default()).unwrap();
    assert_ne!(bits(&paths[0]), bits(&paths[2]));

    assert_eq!((report.steps, report.cancelled), (6, false));
    let evaluation = report.evaluation.unwrap();
    assert_eq!(evaluation.images, 2);
    let card = Model::read_header(&paths[0]).unwrap().1;
    assert_eq!(card.metrics["mean_iou"], evaluation.mean_iou);
    assert_eq!(card.recipe, recipe::tests::minimal());
    assert!(card.metrics_on.contains("synthetic precipitates (2 images); the best step was chosen"));
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left.len(), 3, "no checkpoint stays: {left:?}");
}

#[test]
fn a_cancelled_training_keeps_the_best_and_resumes_to_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, broken) = (dir.path().join("whole.safetensors"), dir.path().join("broken.safetensors"));
    let recipe = tiny(&[]);
    quietly(&recipe, &whole, &TrainOptions::default()).unwrap();

    let (watch, monitor) = Monitor::watched();
    let mut cancel_at_3 = |event: TrainEvent| {
        if matches!(event, TrainEvent::Step { step: 3, .. }) {
            watch.cancel();
        }
    };
    let report = train(&recipe, &broken, &TrainOptions::default(), &CPU, &mut cancel_at_3, &monitor).unwrap();
    assert_eq!((report.cancelled, report.steps, report.best_step), (true, 3, 2));
    assert!(Model::load(&broken, &CPU).is_ok());
    assert!(broken.with_extension("checkpoint").exists());

    let resume = TrainOptions { resume: true, ..TrainOptions::default() };
    let other = quietly(&tiny(&[("batch = 2", "batch = 3")]), &broken, &resume).unwrap_err();
    assert!(other.to_string().starts_with("The checkpoint was made with another recipe"), "{other}");
    let mut resumed_at = None;
    let mut events = |event: TrainEvent| {
        if let TrainEvent::Resumed { step } = event {
            resumed_at = Some(step);
        }
    };
    let report = train(&recipe, &broken, &resume, &CPU, &mut events, &Monitor::silent()).unwrap();
    assert_eq!((resumed_at, report.steps, report.cancelled), (Some(3), 6, false));
    assert_eq!(bits(&whole), bits(&broken));
    let nothing = quietly(&recipe, &broken, &resume).unwrap_err().to_string();
    assert!(nothing.starts_with("There is no checkpoint to go on from"), "{nothing}");
}

#[test]
fn cancelled_before_anything_is_judged_there_is_no_model() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("m.safetensors");
    let (watch, monitor) = Monitor::watched();
    let mut at_once = |event: TrainEvent| {
        if matches!(event, TrainEvent::Step { .. }) {
            watch.cancel();
        }
    };
    let stopped = train(&tiny(&[]), &out, &TrainOptions::default(), &CPU, &mut at_once, &monitor);
    assert!(stopped.unwrap_err().is_cancelled());
    assert!(!out.exists() && out.with_extension("checkpoint").exists());
    std::fs::write(out.with_extension("checkpoint"), "no checkpoint").unwrap();
    let resume = TrainOptions { resume: true, ..TrainOptions::default() };
    let message = quietly(&tiny(&[]), &out, &resume).unwrap_err().to_string();
    assert!(message.starts_with("Damaged checkpoint"), "{message}");
}

#[test]
fn a_few_steps_make_the_loss_smaller() {
    let recipe = tiny(&[
        ("steps = 6", "steps = 60\n learning_rate = 2e-2"),
        ("validate_every = 2", "validate_every = 60"),
    ]);
    let dir = tempfile::tempdir().unwrap();
    let mut losses = Vec::new();
    let mut collect = |event: TrainEvent| {
        if let TrainEvent::Step { loss, .. } = event {
            losses.push(loss);
        }
    };
    let out = dir.path().join("new folder").join("m.safetensors");
    train(&recipe, &out, &TrainOptions::default(), &CPU, &mut collect, &Monitor::silent()).unwrap();
    let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
    assert!(mean(&losses[50..]) < 0.8 * mean(&losses[..5]), "{losses:?}");
}

#[test]
fn without_validation_sources_whole_images_are_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let text = recipe::tests::minimal();
    let (from, to) = (text.find("[[validate]]").unwrap(), text.find("[loop]").unwrap());
    let text = format!("{}{}", &text[..from], &text[to..]);
    let recipe = Recipe::parse(&text, Path::new("r.toml")).unwrap();
    let mut loaded = None;
    let mut events = |event: TrainEvent| {
        if let TrainEvent::Loaded { training_images, validation_images, .. } = event {
            loaded = Some((training_images, validation_images));
        }
    };
    let out = dir.path().join("m.safetensors");
    train(&recipe, &out, &TrainOptions::default(), &CPU, &mut events, &Monitor::silent()).unwrap();
    assert_eq!(loaded, Some((2, 1)));

    let none = Recipe::parse(&text.replace("steps = 6", "steps = 2\n val_fraction = 0"), Path::new("r.toml"));
    let mut noted = false;
    let mut events = |event: TrainEvent| noted |= matches!(event, TrainEvent::Note { .. });
    let report = train(&none.unwrap(), &out, &TrainOptions::default(), &CPU, &mut events, &Monitor::silent());
    assert_eq!(report.unwrap().evaluation, None);
    assert!(noted);
}

#[test]
fn test_images_give_the_card_its_metrics_with_otsu_beside_them() {
    let dir = tempfile::tempdir().unwrap();
    let text = recipe::tests::minimal();
    let test = "[[test]]\n synth = \"precipitates\"\n seed = 3\n count = 3\n size = 40\n map = { pore = \"matrix\" }\n[loop]";
    let recipe = Recipe::parse(&text.replace("[loop]", test), Path::new("r.toml")).unwrap();
    let out = dir.path().join("m.safetensors");
    let report = quietly(&recipe, &out, &TrainOptions::default()).unwrap();
    assert_eq!(report.evaluation.unwrap().images, 3);
    let card = Model::read_header(&out).unwrap().1;
    assert_eq!(card.metrics_on, "synthetic precipitates (3 images)");
    assert!(card.metrics.contains_key("otsu_mean_iou on synthetic precipitates"));
}

/// A folder of dark discs on light ground with their masks, and one image that is none.
fn disc_folder(dir: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let (images, masks) = (dir.join("images"), dir.join("masks"));
    std::fs::create_dir_all(&images).unwrap();
    std::fs::create_dir_all(&masks).unwrap();
    for k in 0..3u32 {
        let inside = |x: u32, y: u32| (x as i32 - 12).pow(2) + (y as i32 - 10 - k as i32).pow(2) < 36;
        let image =
            GrayImage::from_fn(32, 24, |x, y| Luma([if inside(x, y) { 60 } else { 180 + (x % 7) as u8 }]));
        let mask = GrayImage::from_fn(32, 24, |x, y| Luma([if inside(x, y) { 255 } else { 0 }]));
        image.save(images.join(format!("{k}.png"))).unwrap();
        mask.save(masks.join(format!("{k}_mask.png"))).unwrap();
    }
    std::fs::write(images.join("broken.png"), "no picture").unwrap();
    std::fs::write(masks.join("broken.png"), "no picture").unwrap();
    (images, masks)
}

#[test]
fn a_folder_of_images_and_masks_trains_and_evaluates() {
    let dir = tempfile::tempdir().unwrap();
    let (images, masks) = disc_folder(dir.path());
    std::fs::remove_file(masks.join("broken.png")).unwrap();
    let network = ArchitectureSpec { base: Some(4), depth: Some(2), ..ArchitectureSpec::default() };
    let wanted = FolderTraining {
        images: images.clone(),
        masks: Some(masks.clone()),
        network,
        ..FolderTraining::default()
    };
    let mut recipe = Recipe::from_folders(&wanted).unwrap();
    (recipe.schedule.crop, recipe.schedule.batch, recipe.schedule.learning_rate) = (24, 4, 1e-2);
    let out = dir.path().join("m.safetensors");
    let options = TrainOptions { steps: Some(30), ..TrainOptions::default() };
    let report = quietly(&recipe, &out, &options).unwrap();
    assert_eq!(report.failures.len(), 1);
    assert!(report.failures[0].starts_with("No mask for this image"), "{:?}", report.failures);

    let model = Model::load(&out, &CPU).unwrap();
    let data =
        EvaluationData { images: images.join("*.png"), masks, scheme: None, info_bar: InfoBarChoice::Auto };
    let evaluation = evaluate(&model, &data, &CPU, &Monitor::silent()).unwrap();
    assert_eq!((evaluation.images, evaluation.failures.len()), (3, 1));
    assert!(evaluation.mean_iou > 0.5, "{evaluation:?}");
    let all: u64 = evaluation.confusion.iter().flatten().sum();
    assert_eq!(all, 3 * 32 * 24);

    let otsu = evaluate_otsu(&data, None, &Monitor::silent()).unwrap();
    assert_eq!((otsu.mean_iou, otsu.classes[1].name.as_str()), (1.0, "foreground"));
    let bright = evaluate_otsu(&data, Some(true), &Monitor::silent()).unwrap();
    assert_eq!(bright.mean_iou, 0.0);

    let scheme = "[[class]]\nname='background'\ncolour=[0,0,0]\nrest=true\n[[class]]\nname='disc'\ncolour=[1,1,1]\nvalues=[255]";
    let scheme = LabelScheme::parse(scheme, Path::new("s.toml")).unwrap();
    let foreign = EvaluationData { scheme: Some(scheme), ..data };
    let message = evaluate(&model, &foreign, &CPU, &Monitor::silent()).unwrap_err().to_string();
    assert!(message.contains("\"disc\" is none of the network's (background, foreground)"), "{message}");
}

#[test]
fn files_that_cannot_be_used_are_named_and_hide_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let (images, masks) = disc_folder(dir.path());
    GrayImage::new(8, 8).save(masks.join("1_mask.png")).unwrap();
    let text = recipe::tests::minimal();
    let (from, to) = (text.find("[[train]]").unwrap(), text.find("[loop]").unwrap());
    let source = "[[train]]\n images = 'images'\n masks = 'masks'\n";
    let text = format!("{}{source}{}", &text[..from], &text[to..]);
    let recipe = Recipe::parse(&text, Path::new("r.toml")).unwrap();
    let out = dir.path().join("m.safetensors");
    let options =
        TrainOptions { steps: Some(1), data_root: Some(dir.path().to_path_buf()), ..TrainOptions::default() };
    let report = quietly(&recipe, &out, &options).unwrap();
    assert_eq!(report.failures.len(), 2, "{:?}", report.failures);
    assert!(report.failures.iter().any(|f| f.contains("broken.png")));
    let size = "The mask is 8 × 8 px and its image 32 × 24 px";
    assert!(report.failures.iter().any(|f| f.starts_with(size)), "{:?}", report.failures);

    let model = Model::load(&out, &CPU).unwrap();
    let data = EvaluationData {
        images: images.clone(),
        masks: masks.clone(),
        scheme: None,
        info_bar: InfoBarChoice::Auto,
    };
    let evaluation = evaluate(&model, &data, &CPU, &Monitor::silent()).unwrap();
    assert_eq!((evaluation.images, evaluation.failures.len()), (2, 2));

    for k in [0, 2] {
        std::fs::remove_file(images.join(format!("{k}.png"))).unwrap();
    }
    let message = quietly(&recipe, &out, &options).unwrap_err().to_string();
    assert!(message.contains("can be used"), "{message}");
    let nowhere = TrainOptions { data_root: Some(dir.path().join("nowhere")), ..options };
    let message = quietly(&recipe, &out, &nowhere).unwrap_err().to_string();
    assert!(message.contains("nowhere"), "{message}");
}

#[test]
fn a_classifier_learns_from_folders_and_is_judged_on_them() {
    let dir = tempfile::tempdir().unwrap();
    for (class, step) in [("coarse", 16u32), ("fine", 2)] {
        let folder = dir.path().join("data").join(class);
        std::fs::create_dir_all(&folder).unwrap();
        for k in 0..4 {
            let stripe = |x: u32| ((x + k) / step).is_multiple_of(2);
            GrayImage::from_fn(32, 32, |x, y| Luma([if stripe(x) { 200 } else { 40 + y as u8 }]))
                .save(folder.join(format!("{k}.png")))
                .unwrap();
        }
    }
    let network = ArchitectureSpec { base: Some(4), ..ArchitectureSpec::new(Architecture::Lenet) };
    let wanted = FolderTraining { images: dir.path().join("data"), network, ..FolderTraining::default() };
    let mut recipe = Recipe::from_folders(&wanted).unwrap();
    recipe.card.input_size = Some([32, 32]);
    (recipe.augment, recipe.schedule.learning_rate) = (Augment::default(), 1e-2);
    let out = dir.path().join("m.safetensors");
    let options = TrainOptions { steps: Some(40), ..TrainOptions::default() };
    quietly(&recipe, &out, &options).unwrap();
    let model = Model::load(&out, &CPU).unwrap();
    let data = EvaluationData {
        images: dir.path().join("data"),
        masks: Path::new("").into(),
        scheme: None,
        info_bar: InfoBarChoice::Auto,
    };
    let evaluation = evaluate(&model, &data, &CPU, &Monitor::silent()).unwrap();
    assert_eq!((evaluation.images, evaluation.accuracy), (8, 1.0));
    assert!(model.card.metrics.contains_key("f1 fine"));
    let empty = EvaluationData { images: dir.path().join("data/fine"), ..data };
    let message = evaluate(&model, &empty, &CPU, &Monitor::silent()).unwrap_err().to_string();
    assert!(message.starts_with("A classifier is evaluated on a folder that holds one folder a class"));
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
    use crate::network::architectures::ArchitectureSpec;
    let dir = tempfile::tempdir().unwrap();
    let pages = |value: f32| {
        let plane =
            |c: usize| ndarray::Array2::from_shape_fn((24, 32), |(y, x)| value + (c * 7 + y * x) as f32);
        [plane(0), plane(1)]
    };
    // Another room writes TIFFs; here the pictures are NumPy arrays.
    let save = |name: &str, planes: &[ndarray::Array2<f32>]| {
        let views: Vec<_> = planes.iter().map(|plane| plane.view()).collect();
        let stack = ndarray::stack(ndarray::Axis(0), &views).unwrap();
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = std::fs::File::create(path).unwrap();
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {:?}, }}", stack.dim());
        let header = format!("{header:<117}\n");
        std::io::Write::write_all(&mut file, b"\x93NUMPY\x01\x00\x76\x00").unwrap();
        std::io::Write::write_all(&mut file, header.as_bytes()).unwrap();
        let bytes: Vec<u8> = stack.iter().flat_map(|v| v.to_le_bytes()).collect();
        std::io::Write::write_all(&mut file, &bytes).unwrap();
    };
    for (k, value) in [(0, 1.0), (1, 2.0), (2, 3.0)] {
        save(&format!("images/{k}.npy"), &pages(value));
        save(&format!("maps/{k}_target.npy"), &pages(value)[..1]);
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
        table += &format!("{name},{}\n", f32::from(k) / 5.0);
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
            table += &format!("{name},{class}\n");
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
