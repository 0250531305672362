//! A recipe for a person's own folders, without writing one.
use super::{Augment, CardSpec, LoopSpec, Recipe, RecipeClass, Source};
use crate::imaging::Micrograph;
use crate::network::architectures::{Architecture, ArchitectureSpec};
use crate::network::{Normalisation, Task};
use crate::training::pairs::{Pairs, image_files, subfolders};
use crate::training::plan::open_first;
use crate::training::table::{class_names, files_of, is_table, output_names};
use crate::training::{LabelScheme, TrainingError};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What `train --images DIR --masks DIR` says.
#[derive(Debug, Clone, Default)]
pub struct FolderTraining {
    /// Folder of images; for a classifier a folder with one folder a class, or a CSV table of files with their class
    /// (with a number an output: a regressor).
    pub images: PathBuf,
    /// Of a segmenter.
    pub masks: Option<PathBuf>,
    /// Maps of the true numbers, of a regressor.
    pub targets: Option<PathBuf>,
    /// Label scheme file; `None`: mask values are class indices, 0 and 255 are two classes.
    pub scheme: Option<PathBuf>,
    pub validation_images: Option<PathBuf>,
    pub validation_masks: Option<PathBuf>,
    pub network: ArchitectureSpec,
}

/// Colours that stay apart for most eyes (Okabe & Ito 2008).
const COLOURS: [[u8; 3]; 8] = [
    [0, 0, 0],
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [230, 159, 0],
    [86, 180, 233],
    [204, 121, 167],
    [240, 228, 66],
];

impl Recipe {
    /// A recipe with the usual choices; classes come from the scheme, or from the values in the masks.
    pub fn from_folders(wanted: &FolderTraining) -> Result<Self, TrainingError> {
        let bad = |what: &str| TrainingError::Bad { path: wanted.images.clone(), what: what.to_owned() };
        let task = wanted.task()?;
        let classes = match (&wanted.masks, &wanted.scheme) {
            _ if task == Task::Regress => wanted.outputs()?,
            (None, _) if is_table(&wanted.images) => table_classes(&wanted.images)?,
            (None, _) => folder_classes(&wanted.images)?,
            (Some(_), Some(scheme)) => scheme_classes(&LabelScheme::load(scheme)?),
            (Some(masks), None) => mask_classes(masks)?,
        };
        let card = card_for(&wanted.images, task, classes)?;
        let mut recipe = Self {
            name: format!("Trained on {}", wanted.images.display()),
            description: format!("{} trained on a folder of images", wanted.network.architecture.name()),
            licence: "not stated".to_owned(),
            task,
            data: PathBuf::new(),
            // Every choice is written down, so that the recipe means the same tomorrow.
            network: wanted.network.resolved(),
            card,
            schedule: LoopSpec::default(),
            augment: usual_augment(task),
            train: vec![source(&wanted.images, wanted.truths(), wanted)],
            validate: Vec::new(),
            test: Vec::new(),
            folder: PathBuf::new(),
            text: String::new(),
        };
        if let Some(images) = &wanted.validation_images {
            let masks = wanted.validation_masks.as_deref();
            if wanted.truths().is_some() && masks.is_none() {
                return Err(bad("Validation images need validation masks (or targets)"));
            }
            recipe.validate.push(source(images, masks, wanted));
        }
        recipe.check().map_err(|what| bad(&what))?;
        recipe.text = toml::to_string_pretty(&recipe).map_err(|e| bad(&e.to_string()))?;
        Ok(recipe)
    }
}

fn source(images: &Path, truths: Option<&Path>, wanted: &FolderTraining) -> Source {
    match truths {
        _ if is_table(images) => Source { table: Some(images.to_path_buf()), ..Source::default() },
        Some(maps) if wanted.targets.is_some() => Source {
            images: Some(images.to_path_buf()),
            targets: Some(maps.to_path_buf()),
            ..Source::default()
        },
        Some(masks) => Source {
            images: Some(images.to_path_buf()),
            masks: Some(masks.to_path_buf()),
            scheme: wanted.scheme.clone(),
            ..Source::default()
        },
        None => Source { folders: Some(images.to_path_buf()), ..Source::default() },
    }
}

/// Grey levels are what a regressor's numbers come from: they stay as they are.
fn usual_augment(task: Task) -> Augment {
    if task == Task::Regress {
        return Augment::default();
    }
    Augment {
        scale: [0.7, 1.4],
        rotation: 15.0,
        brightness: 0.1,
        contrast: 0.2,
        gamma: 0.2,
        noise: 0.05,
        blur: 0.8,
        shading: 0.05,
        ..Augment::default()
    }
}

fn card_for(images: &Path, task: Task, classes: Vec<RecipeClass>) -> Result<CardSpec, TrainingError> {
    let mut files = Vec::new();
    if is_table(images) {
        files = files_of(images)?;
    } else {
        let sorted = task == Task::Classify;
        for folder in if sorted { subfolders(images)? } else { vec![images.to_path_buf()] } {
            files.extend(image_files(&folder, None, None)?);
        }
    }
    // A file that cannot be opened is named when the images are loaded.
    let opened: Vec<_> = files.iter().filter_map(|file| open_first(file).ok()).collect();
    let Some(first) = opened.first() else {
        let what = "There is no image to train on".to_owned();
        return Err(TrainingError::Bad { path: images.to_path_buf(), what });
    };
    let grey = first.channels() == 1 || first.is_colour();
    let channels = if grey { vec!["grey".to_owned()] } else { first.channel_names().to_vec() };
    let sizes: Vec<Option<f64>> =
        opened.iter().map(|m| m.calibration().pixel().map(|p| f64::midpoint(p.x_nm, p.y_nm))).collect();
    let alike = |size: f64| sizes.iter().all(|s| s.is_some_and(|s| (s / size - 1.0).abs() < 0.05));
    let normalisation = match task {
        Task::Regress => as_a_whole(first)?,
        _ => Normalisation::Percentile { low: 1.0, high: 99.0 },
    };
    Ok(CardSpec {
        channels,
        // One pixel size for the card only where all images share it.
        pixel_size_nm: sizes[0].filter(|size| alike(*size)),
        normalisation,
        input_size: (task == Task::Classify).then_some([128, 128]),
        classes,
        units: None,
    })
}

/// Numbers hang on how bright an image is and on how bright its channels are against each other, so that one mean and
/// one deviation serve all: those of the first image.
fn as_a_whole(first: &Micrograph) -> Result<Normalisation, TrainingError> {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for channel in 0..first.channels() {
        let plane = first.plane(0, channel)?.to_f32();
        for value in plane.iter().map(|v| f64::from(*v)).filter(|v| v.is_finite()) {
            count += 1.0;
            sum += value;
            squares += value * value;
        }
    }
    let mean = if count > 0.0 { sum / count } else { 0.0 };
    let deviation = if count > 0.0 { (squares / count - mean * mean).max(0.0).sqrt() } else { 0.0 };
    let std = if deviation > 0.0 { deviation } else { 1.0 };
    Ok(Normalisation::Fixed { mean: mean as f32, std: std as f32 })
}

fn scheme_classes(scheme: &LabelScheme) -> Vec<RecipeClass> {
    let kept = scheme.classes.iter().filter(|class| class.name != "ignore");
    kept.map(|class| RecipeClass { name: class.name.clone(), colour: class.colour }).collect()
}

fn named(names: impl IntoIterator<Item = String>) -> Vec<RecipeClass> {
    let colours = COLOURS.into_iter().cycle();
    names.into_iter().zip(colours).map(|(name, colour)| RecipeClass { name, colour }).collect()
}

fn folder_classes(images: &Path) -> Result<Vec<RecipeClass>, TrainingError> {
    let names =
        subfolders(images)?.into_iter().filter_map(|f| Some(f.file_name()?.to_string_lossy().into_owned()));
    let classes = named(names);
    if classes.len() < 2 {
        let what =
            "A classifier is trained on a folder that holds one folder a class, at least two".to_owned();
        return Err(TrainingError::Bad { path: images.to_path_buf(), what });
    }
    Ok(classes)
}

fn table_classes(table: &Path) -> Result<Vec<RecipeClass>, TrainingError> {
    let classes = named(class_names(table)?);
    if classes.len() < 2 {
        let what = "A classifier is trained on a table of at least two classes".to_owned();
        return Err(TrainingError::Bad { path: table.to_path_buf(), what });
    }
    Ok(classes)
}

/// Classes from the values there are: 0 and one other are two, else every index up to the highest.
fn mask_classes(masks: &Path) -> Result<Vec<RecipeClass>, TrainingError> {
    let mut values = BTreeSet::new();
    for file in image_files(masks, None, None)? {
        let bad = |what: String| TrainingError::Bad { path: file.clone(), what };
        let mask = open_first(&file)?;
        if mask.channels() != 1 {
            let what = "A colour mask needs a label scheme that says which colour means which class";
            return Err(bad(what.to_owned()));
        }
        for frame in 0..mask.frames() {
            let plane = mask.plane(frame, 0)?.to_f32();
            if let Some(odd) = plane.iter().find(|v| v.fract() != 0.0 || !(0.0..=65535.0).contains(*v)) {
                return Err(bad(format!(
                    "The value {odd} is no class; write a label scheme that says what it means"
                )));
            }
            values.extend(plane.iter().map(|v| *v as u32));
        }
    }
    let highest = values.last().copied().unwrap_or(0);
    let bad = |what: String| TrainingError::Bad { path: masks.to_path_buf(), what };
    match highest {
        0 => Err(bad("All masks are 0 everywhere".to_owned())),
        1 | 255 if values.iter().all(|v| *v == 0 || *v == highest) => {
            Ok(named(["background", "foreground"].map(str::to_owned)))
        }
        2..64 => Ok(named(
            (0..=highest).map(|k| if k == 0 { "background".to_owned() } else { format!("class {k}") }),
        )),
        _ => Err(bad(format!("The masks' value {highest} is no class index; write a label scheme"))),
    }
}

impl FolderTraining {
    /// What the folders are for: masks teach a segmenter, maps a regressor, and a table what its columns say.
    fn task(&self) -> Result<Task, TrainingError> {
        let bad = |what: &str| Err(TrainingError::Bad { path: self.images.clone(), what: what.to_owned() });
        let of_architecture = self.network.architecture.task();
        let numbers = is_table(&self.images)
            && !output_names(&self.images)?.iter().any(|name| name.eq_ignore_ascii_case("class"));
        if self.validation_images.is_none() && self.validation_masks.is_some() {
            return bad("Validation masks need validation images");
        }
        match (of_architecture, &self.masks, &self.targets) {
            (_, Some(_), Some(_)) => {
                bad("Masks teach classes and targets numbers; give the one or the other")
            }
            (_, None, Some(_)) if is_table(&self.images) => bad("A table says the numbers itself"),
            (_, None, Some(_)) => Ok(Task::Regress),
            (_, None, None) if numbers => Ok(Task::Regress),
            (Task::Segment, None, None) => bad("A segmenter needs a folder of masks for its images"),
            (Task::Classify, Some(_), None) => {
                bad("A classifier takes no masks but a folder with one folder a class")
            }
            (Task::Regress, None, None) => bad(
                "A regressor needs a folder of maps of the true numbers, or a table with a number an output",
            ),
            (task, ..) => Ok(task),
        }
    }

    /// The folder beside that of the images.
    fn truths(&self) -> Option<&Path> {
        self.masks.as_deref().or(self.targets.as_deref())
    }

    /// A regressor's outputs: a table's columns, or the channels of the first map.
    fn outputs(&self) -> Result<Vec<RecipeClass>, TrainingError> {
        let names = match &self.targets {
            Some(targets) => {
                let pairs = Pairs::with_maps(
                    &image_files(&self.images, None, None)?,
                    &image_files(targets, None, None)?,
                );
                let none = || {
                    let what = pairs.failures.first().cloned().unwrap_or("There is no map".to_owned());
                    TrainingError::Bad { path: targets.clone(), what }
                };
                let (_, first) = pairs.pairs.first().ok_or_else(none)?;
                open_first(first)?.channel_names().to_vec()
            }
            None => output_names(&self.images)?,
        };
        let colours = COLOURS.into_iter().skip(1).cycle();
        Ok(names.into_iter().zip(colours).map(|(name, colour)| RecipeClass { name, colour }).collect())
    }

    /// Sets the architecture by its name on the command line.
    pub fn architecture(&mut self, name: &str) -> Result<(), TrainingError> {
        let names = Architecture::ALL.map(Architecture::name).join(", ");
        let unknown = || TrainingError::Data(format!("There is no architecture {name}; there are {names}"));
        self.network.architecture = Architecture::from_name(name).ok_or_else(unknown)?;
        Ok(())
    }
}
