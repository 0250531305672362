//! A recipe for a person's own folders, without writing one.
use super::found::{folder_classes, mask_classes, outputs, scheme_classes, table_classes};
use super::{Augment, CardSpec, LoopSpec, Recipe, RecipeClass, Source};
use crate::imaging::Micrograph;
use crate::network::architectures::{Architecture, ArchitectureSpec};
use crate::network::{Normalisation, Task};
use crate::training::pairs::{Pairs, image_files, subfolders};
use crate::training::plan::open_first;
use crate::training::table::{files_of, is_table, output_names};
use crate::training::{LabelScheme, TrainingError};
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
        let card = card_for(wanted, task, classes)?;
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

fn card_for(
    wanted: &FolderTraining,
    task: Task,
    classes: Vec<RecipeClass>,
) -> Result<CardSpec, TrainingError> {
    let images = &wanted.images;
    // A file that cannot be opened is named when the images are loaded.
    let opened: Vec<_> = wanted.files(task)?.iter().filter_map(|file| open_first(file).ok()).collect();
    let Some(first) = opened.first() else {
        let what = "There is no image to train on".to_owned();
        return Err(TrainingError::Bad { path: images.clone(), what });
    };
    let grey = first.channels() == 1 || first.is_colour();
    let channels = if grey { vec!["grey".to_owned()] } else { first.channel_names().to_vec() };
    let sizes: Vec<Option<f64>> =
        opened.iter().map(|m| m.calibration().pixel().map(|p| f64::midpoint(p.x_nm, p.y_nm))).collect();
    let alike = |size: f64| sizes.iter().all(|s| s.is_some_and(|s| (s / size - 1.0).abs() < 0.05));
    let normalisation = match task {
        Task::Regress => as_a_whole(&opened)?,
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
/// one deviation serve all: those of the first images.
fn as_a_whole(images: &[Micrograph]) -> Result<Normalisation, TrainingError> {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    let planes = images.iter().take(16).flat_map(|image| (0..image.channels()).map(move |c| (image, c)));
    for (image, channel) in planes {
        let plane = image.plane(0, channel)?.to_f32();
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

    /// The images.
    fn files(&self, task: Task) -> Result<Vec<PathBuf>, TrainingError> {
        if is_table(&self.images) {
            return files_of(&self.images);
        }
        if let Some(targets) = &self.targets {
            return Ok(self.pairs(targets)?.pairs.into_iter().map(|(image, _)| image).collect());
        }
        let sorted = task == Task::Classify;
        let folders = if sorted { subfolders(&self.images)? } else { vec![self.images.clone()] };
        let mut files = Vec::new();
        for folder in folders {
            files.extend(image_files(&folder, None, None)?);
        }
        Ok(files)
    }

    fn pairs(&self, targets: &Path) -> Result<Pairs, TrainingError> {
        Ok(Pairs::with_maps(&image_files(&self.images, None, None)?, &image_files(targets, None, None)?))
    }

    /// A regressor's outputs: a table's columns, or the channels of the first map.
    fn outputs(&self) -> Result<Vec<RecipeClass>, TrainingError> {
        let names = match &self.targets {
            Some(targets) => {
                let pairs = self.pairs(targets)?;
                let none = || {
                    let what = pairs.failures.first().cloned().unwrap_or("There is no map".to_owned());
                    TrainingError::Bad { path: targets.clone(), what }
                };
                let (_, first) = pairs.pairs.first().ok_or_else(none)?;
                open_first(first)?.channel_names().to_vec()
            }
            None => output_names(&self.images)?,
        };
        Ok(outputs(names))
    }

    /// Sets the architecture by its name on the command line.
    pub fn architecture(&mut self, name: &str) -> Result<(), TrainingError> {
        let names = Architecture::ALL.map(Architecture::name).join(", ");
        let unknown = || TrainingError::Data(format!("There is no architecture {name}; there are {names}"));
        self.network.architecture = Architecture::from_name(name).ok_or_else(unknown)?;
        Ok(())
    }
}
