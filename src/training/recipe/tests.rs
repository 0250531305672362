//! Recipes read, checked and written.
use super::*;
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
        ("count = 3", "count = 3\nimages = 'x'", "exactly one of synth, images and folders"),
        ("count = 3\n", "", "synth needs seed, count and size"),
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
