//! A recipe for a person's own folders, without writing one.
use super::{Augment, CardSpec, LoopSpec, Recipe, RecipeClass, Source};
use crate::network::architectures::{Architecture, ArchitectureSpec};
use crate::network::{Normalisation, Task};
use crate::training::pairs::{image_files, subfolders};
use crate::training::plan::open_first;
use crate::training::{LabelScheme, TrainingError};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What `train --images DIR --masks DIR` says.
#[derive(Debug, Clone, Default)]
pub struct FolderTraining {
    /// Folder of images; for a classifier a folder with one folder a class.
    pub images: PathBuf,
    /// `None` for classifiers.
    pub masks: Option<PathBuf>,
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
        let task = wanted.network.architecture.task();
        let bad = |what: &str| TrainingError::Bad { path: wanted.images.clone(), what: what.to_owned() };
        match (task, &wanted.masks) {
            (Task::Segment, None) => return Err(bad("A segmenter needs a folder of masks for its images")),
            (Task::Classify, Some(_)) => {
                return Err(bad("A classifier takes no masks but a folder with one folder a class"));
            }
            _ => {}
        }
        if wanted.validation_images.is_none() && wanted.validation_masks.is_some() {
            return Err(bad("Validation masks need validation images"));
        }
        let classes = match (&wanted.masks, &wanted.scheme) {
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
            augment: usual_augment(),
            train: vec![source(&wanted.images, wanted.masks.as_deref(), wanted)],
            validate: Vec::new(),
            test: Vec::new(),
            folder: PathBuf::new(),
            text: String::new(),
        };
        if let Some(images) = &wanted.validation_images {
            let masks = wanted.validation_masks.as_deref();
            if task == Task::Segment && masks.is_none() {
                return Err(bad("Validation images need validation masks"));
            }
            recipe.validate.push(source(images, masks, wanted));
        }
        recipe.check().map_err(|what| bad(&what))?;
        recipe.text = toml::to_string_pretty(&recipe).map_err(|e| bad(&e.to_string()))?;
        Ok(recipe)
    }
}

fn source(images: &Path, masks: Option<&Path>, wanted: &FolderTraining) -> Source {
    match masks {
        Some(masks) => Source {
            images: Some(images.to_path_buf()),
            masks: Some(masks.to_path_buf()),
            scheme: wanted.scheme.clone(),
            ..Source::default()
        },
        None => Source { folders: Some(images.to_path_buf()), ..Source::default() },
    }
}

fn usual_augment() -> Augment {
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
    for folder in if task == Task::Segment { vec![images.to_path_buf()] } else { subfolders(images)? } {
        files.extend(image_files(&folder, None, None)?);
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
    Ok(CardSpec {
        channels,
        // One pixel size for the card only where all images share it.
        pixel_size_nm: sizes[0].filter(|size| alike(*size)),
        normalisation: Normalisation::Percentile { low: 1.0, high: 99.0 },
        input_size: (task == Task::Classify).then_some([128, 128]),
        classes,
    })
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
    /// Sets the architecture by its name on the command line.
    pub fn architecture(&mut self, name: &str) -> Result<(), TrainingError> {
        let names = Architecture::ALL.map(Architecture::name).join(", ");
        let unknown = || TrainingError::Data(format!("There is no architecture {name}; there are {names}"));
        self.network.architecture = Architecture::from_name(name).ok_or_else(unknown)?;
        Ok(())
    }
}
