//! Recipes read, checked and written.
use super::*;
use crate::network::Normalisation;
use image::{GrayImage, Luma};

/// A small segmenter's recipe, a few steps long.
pub(crate) fn minimal() -> String {
    r#"
    name = "Test"
    description = "A tiny network"
    licence = "MIT"
    task = "segment"
    [network]
    architecture = "unet"
    base = 2
    depth = 1
    [card]
    normalisation = { kind = "percentile", low = 1, high = 99 }
    classes = [{ name = "matrix", colour = [0, 0, 0] }, { name = "precipitate", colour = [0, 114, 178] }]
    [[train]]
    synth = "precipitates"
    seed = 1
    count = 3
    size = 48
    map = { pore = "matrix" }
    [[validate]]
    synth = "precipitates"
    seed = 2
    count = 2
    size = [32, 48]
    map = { pore = "ignore" }
    [loop]
    steps = 6
    batch = 2
    crop = 16
    validate_every = 2
    [augment]
    noise = 0.05
    "#
    .to_owned()
}

/// A small regressor's recipe, a few steps long: two elements' shares of synthetic maps.
pub(crate) fn minimal_regressor() -> String {
    r#"
    name = "Test"
    description = "A tiny network"
    licence = "MIT"
    task = "regress"
    [network]
    architecture = "unet"
    base = 2
    depth = 1
    [card]
    channels = ["C", "O"]
    units = "atomic fraction"
    normalisation = { kind = "fixed", mean = 0, std = 5 }
    classes = [{ name = "C", colour = [90, 90, 90] }, { name = "O", colour = [213, 94, 0] }]
    [[train]]
    synth = "eds"
    seed = 1
    count = 3
    size = 48
    [[validate]]
    synth = "eds"
    seed = 2
    count = 2
    size = [32, 48]
    [loop]
    steps = 6
    batch = 2
    crop = 16
    validate_every = 2
    "#
    .to_owned()
}

fn parse(text: &str) -> Result<Recipe, TrainingError> {
    Recipe::parse(text, Path::new("folder/r.toml"))
}

#[test]
fn a_recipe_reads_with_its_defaults() {
    let recipe = parse(&minimal()).unwrap();
    assert_eq!(recipe.folder, Path::new("folder"));
    assert_eq!(recipe.card.channels, ["grey"]);
    assert_eq!(recipe.train[0].size, Some(Side([48, 48])));
    assert_eq!(recipe.validate[0].size, Some(Side([32, 48])));
    assert_eq!((recipe.schedule.loss, recipe.schedule.seed), (Loss::Both, 0));
    assert!(recipe.augment.flip && recipe.network.resolved().batch_norm == Some(true));
    let card = recipe.model_card();
    assert_eq!(card.recipe, minimal());
    assert_eq!(card.training_data.len(), 1);
    assert_eq!(card.training_data[0].name, "synthetic precipitates");
    recipe.graph().unwrap();
}

#[test]
fn class_weights_are_words_or_numbers() {
    let with = |line: &str| parse(&minimal().replace("steps = 6", &format!("steps = 6\n{line}")));
    assert_eq!(with("class_weights = 'balanced'").unwrap().schedule.class_weights, ClassWeights::Balanced);
    assert_eq!(with("class_weights = 'equal'").unwrap().schedule.class_weights, ClassWeights::Equal);
    let given = with("class_weights = [1, 2.5]").unwrap().schedule.class_weights;
    assert_eq!(given, ClassWeights::Given(vec![1.0, 2.5]));
    let message = with("class_weights = 'fair'").unwrap_err().to_string();
    assert!(message.contains("expected \"equal\", \"balanced\" or one number a class"), "{message}");
}

#[test]
fn what_a_recipe_may_not_say_is_named() {
    let cases = [
        ("steps = 6", "stepz = 6", "unknown field `stepz`"),
        ("noise = 0.05", "nois = 0.05", "unknown field `nois`"),
        ("base = 2", "bass = 2", "unknown field `bass`"),
        ("count = 3", "cuont = 3", "unknown field `cuont`"),
        ("licence = \"MIT\"", "license = \"MIT\"", "unknown field `license`"),
        ("crop = 16", "crop = 17", "[loop] crop: 17 is not a multiple of 2 (depth 1)"),
        ("crop = 16", "batch_size = 16", "unknown field `batch_size`"),
        ("steps = 6", "steps = 0", "[loop] steps: the budget must be above 0"),
        ("steps = 6", "steps = 6\nminutes = 2", "not both"),
        ("steps = 6", "class_weights = [1]", "[loop] class_weights: 1 given for 2 classes"),
        ("steps = 6", "warm_up = 1.5", "[loop] warm_up"),
        ("steps = 6", "learning_rate = -1", "[loop] learning_rate"),
        ("validate_every = 2", "validate_every = 0", "[loop] validate_every"),
        ("noise = 0.05", "scale = [2, 1]", "[augment] scale"),
        ("noise = 0.05", "invert = 2", "[augment] invert"),
        ("noise = 0.05", "noise = -1", "[augment] noise"),
        ("base = 2", "base = 0", "[network] base"),
        ("depth = 1", "depth = 0", "[network] depth"),
        ("depth = 1", "depth = 1\npadded = false", "[network] padded"),
        ("depth = 1", "depth = 1\nwidth = -1.0", "width must be above 0"),
        ("\"unet\"", "\"lenet\"", "[network] architecture: lenet cannot segment"),
        ("\"unet\"", "\"resnet\"", "unknown variant `resnet`"),
        ("synth = \"precipitates\"", "synth = \"cats\"", "unknown variant `cats`"),
        ("count = 3", "count = 0", "[[train]] number 1: count must be"),
        ("count = 3", "count = 3\nimages = 'x'", "exactly one of synth, images, folders and table"),
        ("count = 3\n", "", "synth needs seed, count and size"),
        ("steps = 6", "steps = 6\nloss = 'huber'", "[loop] loss"),
        ("[card]", "[card]\nunits = 'nm'", "[card] units"),
        ("count = 3", "count = 3\ntargets = 'x'", "targets belong to regressors"),
        ("count = 3", "count = 3\nclass = 'matrix'", "belong to classifiers"),
        ("{ pore = \"matrix\" }", "{ pore = \"void\" }", "map leads to \"void\""),
        ("\"precipitate\", colour", "\"matrix\", colour", "two have the same name"),
        ("[card]", "[card]\ninput_size = [8, 8]", "segmenters take any size"),
    ];
    for (from, to, expected) in cases {
        let text = minimal().replacen(from, to, 1);
        assert_ne!(text, minimal(), "{from} stands in the recipe");
        let message = parse(&text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(message.ends_with(": folder/r.toml"), "{message}");
    }
    assert!(matches!(Recipe::load(Path::new("/nowhere/r.toml")), Err(TrainingError::Io { .. })));
}

#[test]
fn what_a_regressor_s_recipe_may_not_say_is_named() {
    let recipe = parse(&minimal_regressor()).unwrap();
    assert_eq!(recipe.model_card().units.as_deref(), Some("atomic fraction"));
    let cases = [
        ("steps = 6", "steps = 6\nloss = 'dice'", "[loop] loss: a regressor's is mean-squared"),
        ("steps = 6", "steps = 6\nhuber_delta = 0", "[loop] huber_delta"),
        ("count = 3", "count = 3\nclass = 'C'", "a regressor has none"),
        ("count = 3", "count = 3\nmap = { x = 'C' }", "a regressor has none"),
        ("synth = \"eds\"", "synth = \"stem\"", "numbers for \"eds\" alone"),
        ("synth = \"eds\"\n    seed = 1\n    count = 3\n    size = 48", "images = 'x'", "come together"),
        ("[card]", "[card]\ninput_size = [32, 32]", "promises one answer an image"),
    ];
    for (from, to, expected) in cases {
        let text = minimal_regressor().replacen(from, to, 1);
        assert_ne!(text, minimal_regressor(), "{from} stands in the recipe");
        let message = parse(&text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    let huber = minimal_regressor().replace("steps = 6", "steps = 6\nloss = 'huber'\nhuber_delta = 0.1");
    assert_eq!(parse(&huber).unwrap().schedule.loss, Loss::Huber);
}

#[test]
fn a_classifier_of_any_size_needs_no_input_size() {
    let text = minimal().replace("\"segment\"", "\"classify\"");
    let text = text.replace("\"unet\"\n    base = 2\n    depth = 1", "\"lenet\"\n    base = 2");
    let text = text.replace("map = { pore = \"matrix\" }", "class = \"matrix\"");
    let text = text.replace("map = { pore = \"ignore\" }", "class = \"precipitate\"");
    assert_eq!(parse(&text).unwrap().card.input_size, None);
    let dense = text.replace("base = 2", "base = 2\n global_pooling = false");
    let message = parse(&dense).unwrap_err().to_string();
    assert!(message.contains("12×12 pixels or more") || message.contains("input_size"), "{message}");
}

#[test]
fn the_shipped_recipes_are_sound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            Recipe::load(&path).unwrap().graph().unwrap();
            names.push(path.file_stem().unwrap().to_string_lossy().into_owned());
        }
    }
    names.sort();
    assert_eq!(names, ["micrograph-kind", "sem-precipitates", "stem-columns"]);
}

fn save(path: &Path, value: impl Fn(u32, u32) -> u8) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    GrayImage::from_fn(20, 16, |x, y| Luma([value(x, y)])).save(path).unwrap();
}

#[test]
fn folders_make_a_recipe_that_reads_again() {
    let dir = tempfile::tempdir().unwrap();
    save(&dir.path().join("images/a.png"), |x, y| (x * y) as u8);
    save(&dir.path().join("masks/a_mask.png"), |x, _| if x > 9 { 255 } else { 0 });
    let mut wanted = FolderTraining {
        images: dir.path().join("images"),
        masks: Some(dir.path().join("masks")),
        ..FolderTraining::default()
    };
    let recipe = Recipe::from_folders(&wanted).unwrap();
    let names: Vec<&str> = recipe.card.classes.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["background", "foreground"]);
    assert_eq!(recipe.card.pixel_size_nm, None);
    let again = Recipe { text: recipe.text.clone(), ..parse(&recipe.text).unwrap() };
    assert_eq!(Recipe { folder: PathBuf::new(), ..again }, recipe);
    save(&dir.path().join("masks/a_mask.png"), |x, _| (x % 3) as u8);
    assert_eq!(Recipe::from_folders(&wanted).unwrap().card.classes[2].name, "class 2");
    for (value, expected) in [(0, "0 everywhere"), (137, "value 137 is no class index")] {
        save(&dir.path().join("masks/a_mask.png"), |x, _| if x > 9 { value } else { 0 });
        let message = Recipe::from_folders(&wanted).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    wanted.masks = None;
    assert!(Recipe::from_folders(&wanted).unwrap_err().to_string().contains("needs a folder of masks"));
    assert!(wanted.architecture("resnet").unwrap_err().to_string().contains("lenet, lenet5, alexnet"));
}

#[test]
fn a_table_makes_a_classifier_or_a_regressor() {
    let dir = tempfile::tempdir().unwrap();
    save(&dir.path().join("a.png"), |x, y| (x * y) as u8);
    let table = dir.path().join("labels.csv");
    std::fs::write(&table, "file,class\na.png,sound\nb.png,cracked\n").unwrap();
    let mut wanted = FolderTraining { images: table.clone(), ..FolderTraining::default() };
    wanted.architecture("lenet").unwrap();
    let recipe = Recipe::from_folders(&wanted).unwrap();
    let names: Vec<String> = recipe.classes().into_iter().map(|class| class.name).collect();
    assert_eq!((recipe.task, names), (Task::Classify, vec!["cracked".to_owned(), "sound".to_owned()]));
    assert_eq!(recipe.train[0].table.as_ref(), Some(&table));
    std::fs::write(&table, "file,porosity\na.png,0.25\n").unwrap();
    let recipe = Recipe::from_folders(&wanted).unwrap();
    assert_eq!((recipe.task, recipe.classes()[0].name.as_str()), (Task::Regress, "porosity"));
    assert!(matches!(recipe.card.normalisation, Normalisation::Fixed { std, .. } if std > 1.0));
    assert!(parse(&recipe.text).is_ok());
}

#[test]
fn folders_of_classes_make_a_classifier() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["cracked", "sound"] {
        save(&dir.path().join(name).join("1.png"), |x, _| x as u8);
    }
    let mut wanted = FolderTraining { images: dir.path().to_path_buf(), ..FolderTraining::default() };
    wanted.architecture("lenet").unwrap();
    let recipe = Recipe::from_folders(&wanted).unwrap();
    assert_eq!(recipe.card.input_size, Some([128, 128]));
    assert_eq!(recipe.classes()[1].name, "sound");
    assert!(parse(&recipe.text).is_ok());
    wanted.masks = Some(PathBuf::from("masks"));
    assert!(Recipe::from_folders(&wanted).unwrap_err().to_string().contains("takes no masks"));
}
