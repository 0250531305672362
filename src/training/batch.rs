//! Draws the crops of a step. Which they are depends on the seed and the step's number alone, so that a resumed
//! training sees what an uninterrupted one sees.
use super::augment::crop;
use super::dataset::Group;
use super::held_out::{Truth, means};
use super::{Recipe, TrainingError};
use crate::network::{Normalisation, Scope, Task};
use candle_core::{Device, Tensor};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

/// Images `[batch, channel, y, x]` and what the network should answer.
pub(super) struct Batch {
    pub images: Tensor,
    pub answers: Answers,
}

/// What the network should answer for a batch.
pub(super) enum Answers {
    /// In the order `[batch, y, x]`, or one an image.
    Classes(Vec<u8>),
    /// In the order `[batch, output, y, x]`, or `[batch, output]`; NaN where nothing is known.
    Numbers(Vec<f32>),
}

impl Answers {
    fn none(task: Task) -> Self {
        if task == Task::Regress { Self::Numbers(Vec::new()) } else { Self::Classes(Vec::new()) }
    }

    /// Adds those of one crop; of a network that answers once an image the maps' means.
    fn add(&mut self, truth: Truth, answer: Scope) {
        match (self, truth) {
            (Self::Classes(labels), Truth::Map(map)) => labels.extend(map),
            (Self::Classes(labels), Truth::Class(class)) => labels.push(class),
            (Self::Numbers(numbers), Truth::Numbers(values)) => numbers.extend(values),
            (Self::Numbers(numbers), Truth::Maps(maps)) if answer == Scope::PerPixel => numbers.extend(maps),
            (Self::Numbers(numbers), Truth::Maps(maps)) => numbers.extend(means(&maps)),
            // A recipe's sources are of its own task.
            _ => {}
        }
    }
}

impl Batch {
    /// The batch of step number `step`.
    pub(super) fn draw(
        recipe: &Recipe,
        answer: Scope,
        groups: &[Group],
        step: usize,
        device: &Device,
    ) -> Result<Self, TrainingError> {
        let count = recipe.schedule.batch;
        let size = recipe.card.input_size.unwrap_or([recipe.schedule.crop; 2]);
        let crops: Vec<(Vec<f32>, Truth)> = (0..count)
            .into_par_iter()
            .map(|index| draw_one(recipe, groups, size, &mut dice(recipe.schedule.seed, step, index)))
            .collect();
        let channels = recipe.card.channels.len();
        let mut values = Vec::with_capacity(count * channels * size[0] * size[1]);
        let mut answers = Answers::none(recipe.task);
        for (image, truth) in crops {
            values.extend(image);
            answers.add(truth, answer);
        }
        let images = Tensor::from_vec(values, (count, channels, size[0], size[1]), device)?;
        Ok(Self { images, answers })
    }
}

fn draw_one(recipe: &Recipe, groups: &[Group], size: [usize; 2], rng: &mut StdRng) -> (Vec<f32>, Truth) {
    let image = {
        let total: f64 = groups.iter().map(|group| group.weight).sum();
        let mut left = rng.random::<f64>() * total;
        let chosen = groups.iter().find(|group| {
            left -= group.weight;
            left < 0.0
        });
        let group = chosen.unwrap_or(&groups[groups.len() - 1]);
        &group.images[rng.random_range(0..group.images.len())]
    };
    let pivot = if matches!(recipe.card.normalisation, Normalisation::Percentile { .. }) { 0.5 } else { 0.0 };
    let (crop, truth) = crop(image.image.view(), &image.truth, size, (&recipe.augment, pivot), rng);
    (crop.into_raw_vec_and_offset().0, truth)
}

/// Dice for one purpose: the three numbers scattered over 64 bits (Steele et al. 2014, `SplitMix64`).
pub(super) fn dice(seed: u64, step: usize, index: usize) -> StdRng {
    let mix = |state: u64, value: u64| {
        let mut z = (state ^ value).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    StdRng::seed_from_u64(mix(mix(mix(0, seed), step as u64), index as u64))
}
