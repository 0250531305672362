//! What the training images are like to the finished network: statistics that its model carries, so that a new image can
//! be compared with them.
use super::dataset::{Loader, set_aside};
use super::plan::{Entry, Origin, Planner};
use super::{Recipe, TrainOptions, TrainingError};
use crate::analysis::{GREY_NAMES, INPUT, ImageLook, RunSettings, fit_space, likeness_node, look_at};
use crate::monitor::Monitor;
use crate::network::{Model, TrainingStatistics};
use candle_core::Device;
use ndarray::Array2;
use std::collections::BTreeMap;

/// Most images that are looked at, and kept as points; more would hardly change the statistics and make files large.
const MOST_IMAGES: usize = 128;

/// Statistics of the recipe's training images as `model` sees them: whole and not augmented, at most 128, of each source
/// its share by weight, evenly over its images. Images that are set aside for validation are left out as in training.
/// Beside them a sentence for every image that could not be used.
///
/// # Errors
/// Sources that cannot be read, images of fewer than four files, and a cancelled run.
pub fn training_statistics(
    recipe: &Recipe,
    model: &Model,
    options: &TrainOptions,
    device: &Device,
    monitor: &Monitor,
) -> Result<(TrainingStatistics, Vec<String>), TrainingError> {
    let planner = Planner::new(recipe, options);
    let mut plan = planner.plan(&recipe.train)?;
    if recipe.validate.is_empty() && recipe.schedule.val_fraction > 0.0 {
        set_aside(&mut plan.entries, recipe);
    }
    let weights: Vec<f64> = recipe.train.iter().map(|source| source.weight.unwrap_or(1.0)).collect();
    let chosen = chosen(&plan.entries, &weights, MOST_IMAGES);
    let loader = Loader { card: &model.card, inputs: model.card.channels.len() };
    let node = likeness_node(model);
    let mut seen = Seen::default();
    for (place, entry) in chosen.iter().enumerate() {
        monitor.progress(place, chosen.len())?;
        monitor.stage(&format!("Looking at training image {} of {}", place + 1, chosen.len()));
        let look = loader.load(entry).and_then(|held| {
            let settings =
                RunSettings { frame: held.frame, channels: held.channels.clone(), ..RunSettings::default() };
            let on = (&held.micrograph, &settings);
            Ok(look_at(model, on, (node.as_deref(), None), device, &Monitor::silent())?)
        });
        match look {
            Ok(look) => seen.add(file_of(entry), look),
            Err(error) if error.is_cancelled() => return Err(error),
            Err(error) => plan.failures.push(error.to_string()),
        }
    }
    let statistics = seen.statistics(node.as_deref(), recipe.augment.scale)?;
    Ok((statistics, plan.failures))
}

/// Images of one file are alike: none of them is measured against another.
fn file_of(entry: &Entry) -> String {
    match &entry.origin {
        Origin::File { image, .. } => image.display().to_string(),
        Origin::Synthetic { kind, seed, index, .. } => format!("{} {seed} {index}", kind.name()),
    }
}

/// At most `most` entries: of each source its share by weight, or all it has where that is less and the others get
/// more; evenly over the source's entries.
fn chosen<'a>(entries: &'a [Entry], weights: &[f64], most: usize) -> Vec<&'a Entry> {
    let mut sources: BTreeMap<usize, Vec<&Entry>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| weights.get(entry.source).is_some_and(|w| *w > 0.0)) {
        sources.entry(entry.source).or_default().push(entry);
    }
    // Sources that are small for their weight first: what they leave is for the others.
    let mut order: Vec<usize> = sources.keys().copied().collect();
    let room = |source: &usize| sources[source].len() as f64 / weights[*source];
    order.sort_by(|a, b| room(a).total_cmp(&room(b)));
    let (mut left, mut weight) = (most, order.iter().map(|&source| weights[source]).sum::<f64>());
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    for source in order {
        let share = (left as f64 * weights[source] / weight).round() as usize;
        let count = share.min(sources[&source].len()).min(left);
        taken.insert(source, count);
        left -= count;
        weight -= weights[source];
    }
    let even = |(source, count): (usize, usize)| {
        let all = &sources[&source];
        (0..count).map(|place| all[place * all.len() / count]).collect::<Vec<_>>()
    };
    taken.into_iter().flat_map(even).collect()
}

/// What was seen of the images so far.
#[derive(Default)]
struct Seen {
    files: BTreeMap<String, usize>,
    of_file: Vec<usize>,
    looks: Vec<ImageLook>,
}

impl Seen {
    fn add(&mut self, file: String, look: ImageLook) {
        let next = self.files.len();
        self.of_file.push(*self.files.entry(file).or_insert(next));
        self.looks.push(look);
    }

    fn statistics(self, node: Option<&str>, scale: [f32; 2]) -> Result<TrainingStatistics, TrainingError> {
        let rows = |numbers: &dyn Fn(&ImageLook) -> &[f64]| {
            let width = self.looks.first().map_or(0, |look| numbers(look).len());
            let values: Vec<f64> = self.looks.iter().flat_map(|look| numbers(look).iter().copied()).collect();
            Array2::from_shape_vec((self.looks.len(), width), values).unwrap_or_default()
        };
        let grey = fit_space(INPUT, &GREY_NAMES, rows(&|look| &look.grey).view(), &self.of_file);
        let Some(grey) = grey else {
            let what = "Statistics of the training images need at least four of them, of as many files";
            return Err(TrainingError::Data(what.to_owned()));
        };
        let features = rows(&|look| &look.features);
        let seen = node.and_then(|node| fit_space(node, &[], features.view(), &self.of_file));
        let sizes: Vec<f64> = self.looks.iter().filter_map(|look| look.pixel_nm).collect();
        let (low, high) = sizes.iter().fold((f64::INFINITY, 0.0_f64), |(l, h), &nm| (l.min(nm), h.max(nm)));
        // Magnified by a factor, a pixel shows that much less.
        let [least, most] = scale.map(f64::from);
        let pixel_nm = (!sizes.is_empty()).then(|| [low / most.max(1.0), high / least.min(1.0)]);
        let spaces = std::iter::once(grey).chain(seen).collect();
        Ok(TrainingStatistics { images: self.looks.len(), pixel_nm, spaces })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::Kind;
    use crate::training::plan::Labels;
    use std::sync::Arc;

    fn entries(counts: &[u64]) -> Vec<Entry> {
        let entry = |source: usize, index: u64| Entry {
            source,
            origin: Origin::Synthetic { kind: Kind::ALL[0], seed: 1, index, size: [8, 8] },
            labels: Arc::new(Labels::Class(0)),
            size: [8, 8],
        };
        let sources = counts.iter().enumerate();
        sources.flat_map(|(source, &count)| (0..count).map(move |index| entry(source, index))).collect()
    }

    #[test]
    fn every_source_has_its_share_and_small_ones_leave_theirs_to_the_others() {
        let entries = entries(&[4, 100, 100, 50]);
        let chosen = chosen(&entries, &[2.0, 1.0, 1.0, 0.0], 24);
        let count = |source| chosen.iter().filter(|entry| entry.source == source).count();
        assert_eq!([count(0), count(1), count(2), count(3)], [4, 10, 10, 0]);
        let index = |entry: &&Entry| match entry.origin {
            Origin::Synthetic { index, .. } => index,
            Origin::File { .. } => 0,
        };
        let second: Vec<u64> = chosen.iter().filter(|e| e.source == 1).map(index).collect();
        assert_eq!(second, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    }

    #[test]
    fn pixel_sizes_reach_as_far_as_the_augmentation_magnifies() {
        let mut seen = Seen::default();
        for (place, nm) in [Some(2.0), None, Some(4.0), Some(3.0)].into_iter().enumerate() {
            let grey = (0..GREY_NAMES.len()).map(|k| ((place * 5 + k * 3) % 7) as f64).collect();
            seen.add(place.to_string(), ImageLook { grey, features: Vec::new(), pixel_nm: nm });
        }
        let found = seen.statistics(None, [0.5, 2.0]).unwrap();
        assert_eq!((found.images, found.pixel_nm, found.spaces.len()), (4, Some([1.0, 8.0]), 1));
        found.check().unwrap();
        let none = Seen::default().statistics(None, [1.0, 1.0]).unwrap_err();
        assert!(none.to_string().contains("at least four"));
    }
}
