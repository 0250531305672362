//! The images of a training in memory: normalised ones to crop from, untouched ones to judge by.
use super::held_out::{HeldOut, Truth, means};
use super::plan::{Entry, Labels, Origin, Plan, Planner, open_first};
use super::truth::{read_truth, synthetic_truth};
use super::{Recipe, TrainOptions, TrainingError};
use crate::analysis::network_input;
use crate::compute::available_memory;
use crate::imaging::Micrograph;
use crate::monitor::Monitor;
use crate::network::ModelCard;
use ndarray::{Array3, Array4, Axis, s};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An image `[channel, y, x]` as the network takes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TrainingImage {
    pub image: Array3<f32>,
    pub truth: Truth,
}

/// Images drawn with one weight.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub weight: f64,
    pub images: Vec<TrainingImage>,
}

#[derive(Debug)]
pub(super) struct Dataset {
    pub train: Vec<Group>,
    pub validate: Vec<HeldOut>,
    /// True: the validation images are some of the training sources'.
    pub split: bool,
    pub test: Vec<HeldOut>,
    pub failures: Vec<String>,
    pub bytes: u64,
}

/// Reads and draws images for one network.
pub(super) struct Loader<'a> {
    pub(super) card: &'a ModelCard,
    pub(super) inputs: usize,
}

impl Dataset {
    /// Loads everything a recipe asks for. Files that cannot be used are named in `failures`; a source of which
    /// nothing can be used is an error, and so is more than fits the memory.
    pub(super) fn load(
        recipe: &Recipe,
        options: &TrainOptions,
        monitor: &Monitor,
    ) -> Result<Self, TrainingError> {
        let planner = Planner::new(recipe, options);
        let mut train = planner.plan(&recipe.train)?;
        let mut validate = planner.plan(&recipe.validate)?;
        let mut test = planner.plan(&recipe.test)?;
        let split = recipe.validate.is_empty() && recipe.schedule.val_fraction > 0.0;
        if split {
            validate.entries = set_aside(&mut train.entries, recipe);
        }
        let card = recipe.model_card();
        let loader = Loader { card: &card, inputs: card.channels.len() };
        let bytes = loader.bytes(&train, &[&validate, &test]);
        check_memory(bytes, available_memory())?;
        monitor.stage("Loading images");
        let total = train.entries.len() + validate.entries.len() + test.entries.len();
        let done = Done { count: AtomicUsize::new(0), total, monitor };
        let mut failures: Vec<String> =
            [&mut train, &mut validate, &mut test].into_iter().flat_map(|p| p.failures.drain(..)).collect();
        let images = loader.each(&train, &done, &mut failures, |held| loader.prepare(held))?;
        let train = grouped(images, recipe)?;
        let validate = loader.each(&validate, &done, &mut failures, Ok)?;
        let test = loader.each(&test, &done, &mut failures, Ok)?;
        Ok(Self { train, validate, split, test, failures, bytes })
    }

    /// Pixels (images) of each class in the training images.
    pub(super) fn class_counts(&self, classes: usize) -> Vec<u64> {
        let mut counts = vec![0; classes];
        let mut count = |class: u8| {
            if let Some(n) = counts.get_mut(usize::from(class)) {
                *n += 1;
            }
        };
        for image in self.train.iter().flat_map(|group| &group.images) {
            match &image.truth {
                Truth::Map(map) => map.iter().for_each(|class| count(*class)),
                Truth::Class(class) => count(*class),
                Truth::Maps(_) | Truth::Numbers(_) => {}
            }
        }
        counts
    }
}

/// Takes whole files away from the training images; the last frames when there is but one file.
pub(super) fn set_aside(entries: &mut Vec<Entry>, recipe: &Recipe) -> Vec<Entry> {
    let key = |entry: &Entry| match &entry.origin {
        Origin::File { image, .. } => (image.display().to_string(), 0),
        Origin::Synthetic { seed, index, kind, .. } => (format!("{} {seed}", kind.name()), *index),
    };
    let mut groups: BTreeMap<(String, u64), Vec<Entry>> = BTreeMap::new();
    for entry in entries.drain(..) {
        groups.entry(key(&entry)).or_default().push(entry);
    }
    let mut groups: Vec<Vec<Entry>> = groups.into_values().collect();
    if let [only] = groups.as_mut_slice() {
        // Neighbouring frames are alike: apart from the cut, none of them is on both sides.
        groups = std::mem::take(only).into_iter().map(|entry| vec![entry]).collect();
    } else {
        groups.shuffle(&mut StdRng::seed_from_u64(recipe.schedule.seed));
    }
    let wanted = (groups.len() as f64 * recipe.schedule.val_fraction).round().max(1.0) as usize;
    let held = groups.split_off(groups.len() - wanted.min(groups.len().saturating_sub(1)));
    entries.extend(groups.into_iter().flatten());
    held.into_iter().flatten().collect()
}

fn grouped(images: Vec<(usize, TrainingImage)>, recipe: &Recipe) -> Result<Vec<Group>, TrainingError> {
    let mut groups: Vec<Group> =
        recipe.train.iter().map(|s| Group { weight: s.weight.unwrap_or(1.0), images: Vec::new() }).collect();
    for (source, image) in images {
        groups[source].images.push(image);
    }
    groups.retain(|group| !group.images.is_empty() && group.weight > 0.0);
    if groups.is_empty() {
        return Err(TrainingError::Data("There is no image left to train on".to_owned()));
    }
    Ok(groups)
}

fn check_memory(bytes: u64, free: Option<u64>) -> Result<(), TrainingError> {
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    match free {
        Some(free) if bytes > free / 10 * 8 => Err(TrainingError::Data(format!(
            "The images need {:.1} GiB of memory and {:.1} GiB are free; use fewer or smaller ones",
            gib(bytes),
            gib(free)
        ))),
        _ => Ok(()),
    }
}

/// Progress over all plans.
struct Done<'a> {
    count: AtomicUsize,
    total: usize,
    monitor: &'a Monitor,
}

impl Loader<'_> {
    /// Memory of all images: f32 planes, and of each pixel one byte of label, or one f32 number an output.
    fn bytes(&self, train: &Plan, held: &[&Plan]) -> u64 {
        let pixels = |size: [usize; 2]| (size[0] as u64).saturating_mul(size[1] as u64);
        let truth = |entry: &Entry| match entry.labels.as_ref() {
            Labels::Maps(outputs) => 4 * outputs.len() as u64,
            Labels::Numbers(_) => 0,
            _ => 1,
        };
        let trained = |entry: &Entry| match self.card.resampled_to() {
            Some(size) => pixels(size) * 4 * self.inputs as u64,
            None => pixels(entry.size) * (4 * self.inputs as u64 + truth(entry)),
        };
        let kept = |entry: &Entry| match entry.origin {
            Origin::Synthetic { .. } => pixels(entry.size) * (4 * self.inputs as u64 + truth(entry)),
            Origin::File { piece: Some(_), .. } => pixels(entry.size) * 4,
            // Planes of files are read again when they are needed.
            Origin::File { .. } => pixels(entry.size) * truth(entry),
        };
        train.entries.iter().map(trained).sum::<u64>()
            + held.iter().flat_map(|plan| &plan.entries).map(kept).sum::<u64>()
    }

    /// Loads all entries, on all cores; the answer is in the plan's order.
    fn each<T: Send>(
        &self,
        plan: &Plan,
        done: &Done<'_>,
        failures: &mut Vec<String>,
        finish: impl Fn(HeldOut) -> Result<T, TrainingError> + Sync,
    ) -> Result<Vec<T>, TrainingError> {
        let one = |entry: &Entry| {
            done.monitor.check()?;
            let loaded = self.load(entry).and_then(&finish);
            done.monitor.progress(done.count.fetch_add(1, Ordering::Relaxed) + 1, done.total)?;
            match loaded {
                Err(e) if e.is_cancelled() => Err(e),
                other => Ok(other.map_err(|e| e.to_string())),
            }
        };
        let all: Vec<Result<T, String>> = plan.entries.par_iter().map(one).collect::<Result<_, _>>()?;
        let mut loaded = Vec::new();
        for outcome in all {
            match outcome {
                Ok(item) => loaded.push(item),
                Err(why) => failures.push(why),
            }
        }
        if loaded.is_empty() && !plan.entries.is_empty() {
            let why = failures.last().map(|f| format!("; {f}")).unwrap_or_default();
            return Err(TrainingError::Data(format!("None of the images can be used{why}")));
        }
        Ok(loaded)
    }

    fn prepare(&self, held: HeldOut) -> Result<(usize, TrainingImage), TrainingError> {
        let channels = held.channels.as_deref();
        let image = network_input(self.card, self.inputs, &held.micrograph, held.frame, channels)?;
        let truth = match held.truth {
            Truth::Map(map) => Truth::Map(map.slice_move(s![..image.dim().1, ..])),
            // A resampled image has lost its maps' pixels.
            Truth::Maps(maps) if self.card.resampled_to().is_some() => Truth::Numbers(means(&maps)),
            Truth::Maps(maps) => Truth::Maps(maps.slice_move(s![.., ..image.dim().1, ..])),
            whole @ (Truth::Class(_) | Truth::Numbers(_)) => whole,
        };
        Ok((held.source, TrainingImage { image, truth }))
    }

    pub(super) fn load(&self, entry: &Entry) -> Result<HeldOut, TrainingError> {
        match &entry.origin {
            Origin::Synthetic { kind, seed, index, size } => {
                let sample = kind.sample(*seed, *index, *size);
                let count = sample.image.dim().0;
                let truth = synthetic_truth(&sample, entry.labels.as_ref())?;
                // A network of one input sees every channel of a map in its turn.
                let channel = if self.inputs == 1 { *index as usize % count } else { 0 };
                let wanted = if self.inputs == 1 { channel..channel + 1 } else { 0..count };
                let names = sample.channel_names[wanted.clone()].to_vec();
                let image = sample.image.slice_move(s![wanted, .., ..]).insert_axis(Axis(0));
                let name = format!("{} {index} of seed {seed}", kind.name());
                let micrograph = Micrograph::from_array(&name, image, names, sample.calibration);
                Ok(HeldOut { source: entry.source, micrograph, frame: 0, channels: None, truth })
            }
            Origin::File { image, mask, frame, piece, info_bar } => {
                let micrograph = open_first(image)?.with_info_bar(info_bar.clone());
                let truth = read_truth(entry.labels.as_ref(), mask.as_deref(), &micrograph, *frame)?;
                let (micrograph, frame) = match piece {
                    Some(piece) => (self.cut(&micrograph, *frame, *piece)?, 0),
                    None => (micrograph, *frame),
                };
                Ok(HeldOut { source: entry.source, micrograph, frame, channels: None, truth })
            }
        }
    }

    /// A piece of a frame as an image of its own.
    fn cut(
        &self,
        micrograph: &Micrograph,
        frame: usize,
        [top, left, height, width]: [usize; 4],
    ) -> Result<Micrograph, TrainingError> {
        let mut planes = Array4::zeros((1, self.inputs, height, width));
        for channel in 0..self.inputs {
            let plane = if self.inputs == 1 {
                micrograph.grey(frame)?
            } else {
                micrograph.plane(frame, channel)?.to_f32()
            };
            let part = plane.slice(s![top..top + height, left..left + width]);
            planes.slice_mut(s![0, channel, .., ..]).assign(&part);
        }
        let names = self.card.channels.clone();
        let calibration = micrograph.calibration().clone();
        Ok(Micrograph::from_array(micrograph.name(), planes, names, calibration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_images_than_memory_are_refused_with_both_numbers() {
        assert!(check_memory(7 << 30, Some(10 << 30)).is_ok() && check_memory(u64::MAX, None).is_ok());
        let message = check_memory(9 << 30, Some(10 << 30)).unwrap_err().to_string();
        assert_eq!(
            message,
            "The images need 9.0 GiB of memory and 10.0 GiB are free; use fewer or smaller ones"
        );
    }
}
