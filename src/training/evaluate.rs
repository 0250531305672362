//! A model against masks, classes or numbers it never saw.
use super::classes::match_classes;
use super::dataset::read_truth;
use super::held_out::{HeldOut, Truth};
use super::pairs::{Pairs, image_files};
use super::plan::{Labels, class_folders, open_image};
use super::table::{classes_of, is_table, numbers_of};
use super::tally::Tally;
use super::{LabelScheme, RegressionScore, TrainingError};
use crate::imaging::InfoBarChoice;
use crate::monitor::Monitor;
use crate::network::{Model, Task};
use candle_core::Device;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A folder of images and one of masks (or, of a regressor, of maps of the true numbers), matched by file stem.
#[derive(Debug, Clone)]
pub struct EvaluationData {
    /// Also one file, a folder and a pattern such as `images/valid_*`, or a CSV table of files with their classes (or
    /// numbers).
    pub images: PathBuf,
    pub masks: PathBuf,
    /// `None`: a mask's values are the model's class indices.
    pub scheme: Option<LabelScheme>,
    /// Which rows of the images are text, and are not judged.
    pub info_bar: InfoBarChoice,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ClassScore {
    pub name: String,
    /// `None`: neither predicted nor true anywhere
    pub iou: Option<f64>,
    /// The same as F1.
    pub dice: Option<f64>,
    /// `None`: nothing was called this class
    pub precision: Option<f64>,
    /// `None`: nothing is of this class
    pub recall: Option<f64>,
    /// of a classifier: images
    pub true_pixels: u64,
    pub predicted_pixels: u64,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Evaluation {
    pub images: usize,
    pub classes: Vec<ClassScore>,
    /// Over the classes that are true or predicted somewhere.
    pub mean_iou: f64,
    pub accuracy: f64,
    /// `[true class][predicted class]`
    pub confusion: Vec<Vec<u64>>,
    /// files that could not be evaluated, and why
    pub failures: Vec<String>,
}

/// Of a segmenter (masks) or a classifier (`masks` unused: one folder a class below `images`, or a table); a regressor is
/// refused, [`evaluate_numbers`] is for those.
///
/// Classes of a scheme are the model's of the same name; one the model does not have is an error. A class that only
/// the model has may be predicted, and then counts as wrong.
pub fn evaluate(
    model: &Model,
    data: &EvaluationData,
    device: &Device,
    monitor: &Monitor,
) -> Result<Evaluation, TrainingError> {
    let judged = judge(model, data, device, monitor)?;
    let names = names(model);
    match judged.tally {
        Tally::Classes(confusion) => confusion.evaluation(&names, judged.images, judged.failures),
        Tally::Numbers(_) => {
            let what = format!("{} gives numbers, not classes", model.card.name);
            Err(TrainingError::Data(what))
        }
    }
}

/// Of a regressor: maps of numbers (`masks`), or a table with one number an output.
pub fn evaluate_numbers(
    model: &Model,
    data: &EvaluationData,
    device: &Device,
    monitor: &Monitor,
) -> Result<RegressionScore, TrainingError> {
    let judged = judge(model, data, device, monitor)?;
    match judged.tally {
        Tally::Numbers(residuals) => {
            let units = model.card.units.as_deref();
            residuals.score(&names(model), units, judged.images, judged.failures)
        }
        Tally::Classes(_) => {
            let what = format!("{} gives classes, not numbers", model.card.name);
            Err(TrainingError::Data(what))
        }
    }
}

fn names(model: &Model) -> Vec<String> {
    model.card.classes.iter().map(|class| class.name.clone()).collect()
}

fn judge(
    model: &Model,
    data: &EvaluationData,
    device: &Device,
    monitor: &Monitor,
) -> Result<Judged, TrainingError> {
    let mut judged = Judged { tally: Tally::new(&model.card), images: 0, failures: Vec::new() };
    let tasks = match model.card.task {
        Task::Segment => masked(model, data, &mut judged)?,
        Task::Classify => sorted(model, data)?,
        Task::Regress => numbered(model, data, &mut judged)?,
        Task::Any => {
            let what = format!("{}'s card does not say what its answer means", model.card.name);
            return Err(TrainingError::Data(what));
        }
    };
    for (index, (image, mask, labels)) in tasks.iter().enumerate() {
        monitor.progress(index, tasks.len())?;
        let part = monitor.part(index, tasks.len());
        match judged.add_file(model, (image, mask.as_deref(), labels), data.info_bar, (device, &part)) {
            Err(e) if e.is_cancelled() => return Err(e),
            Err(e) => judged.failures.push(e.to_string()),
            Ok(()) => {}
        }
    }
    monitor.progress(tasks.len(), tasks.len())?;
    Ok(judged)
}

/// An image, its mask and what both mean.
type Item = (PathBuf, Option<PathBuf>, Labels);

fn masked(model: &Model, data: &EvaluationData, judged: &mut Judged) -> Result<Vec<Item>, TrainingError> {
    let scheme = data.scheme.clone().unwrap_or_else(|| LabelScheme::of_classes(&model.card.classes));
    let names: Vec<&str> = scheme.classes.iter().map(|class| class.name.as_str()).collect();
    let classes =
        match_classes(&names, &BTreeMap::new(), &model.card.classes).map_err(TrainingError::Data)?;
    let files = image_files(&data.images, None, None)?;
    let pairs = Pairs::of(&files, &image_files(&data.masks, None, None)?);
    judged.failures.extend(pairs.failures);
    let labels = Labels::Masks { scheme, classes };
    Ok(pairs.pairs.into_iter().map(|(image, mask)| (image, Some(mask), labels.clone())).collect())
}

fn sorted(model: &Model, data: &EvaluationData) -> Result<Vec<Item>, TrainingError> {
    if is_table(&data.images) {
        let files = classes_of(&data.images, &model.card.classes, &BTreeMap::new())?;
        return Ok(files.into_iter().map(|(file, class)| (file, None, Labels::Class(class))).collect());
    }
    let folders = class_folders(&data.images, &model.card.classes, &BTreeMap::new())?;
    if folders.is_empty() {
        let what = "A classifier is evaluated on a folder that holds one folder a class, or on a CSV table"
            .to_owned();
        return Err(TrainingError::Bad { path: data.images.clone(), what });
    }
    let of = |(class, files): (u8, Vec<PathBuf>)| {
        files.into_iter().map(move |file| (file, None, Labels::Class(class)))
    };
    Ok(folders.into_iter().flat_map(of).collect())
}

fn numbered(model: &Model, data: &EvaluationData, judged: &mut Judged) -> Result<Vec<Item>, TrainingError> {
    if is_table(&data.images) {
        let files = numbers_of(&data.images, &model.card.classes)?;
        return Ok(files.into_iter().map(|(file, numbers)| (file, None, Labels::Numbers(numbers))).collect());
    }
    let files = image_files(&data.images, None, None)?;
    let pairs = Pairs::with_maps(&files, &image_files(&data.masks, None, None)?);
    judged.failures.extend(pairs.failures);
    let labels = Labels::Maps(names(model));
    Ok(pairs.pairs.into_iter().map(|(image, maps)| (image, Some(maps), labels.clone())).collect())
}

/// What has been counted so far.
struct Judged {
    tally: Tally,
    images: usize,
    failures: Vec<String>,
}

impl Judged {
    fn add_file(
        &mut self,
        model: &Model,
        (image, mask, labels): (&Path, Option<&Path>, &Labels),
        info_bar: InfoBarChoice,
        (device, monitor): (&Device, &Monitor),
    ) -> Result<(), TrainingError> {
        let micrograph = open_image(image, info_bar)?;
        for frame in 0..micrograph.frames() {
            let truth: Truth = read_truth(labels, mask, &micrograph, frame)?;
            let held = HeldOut { source: 0, micrograph: micrograph.clone(), frame, channels: None, truth };
            self.tally.merge(&held.judge(model, device, &monitor.part(frame, micrograph.frames()))?);
            self.images += 1;
        }
        Ok(())
    }
}
