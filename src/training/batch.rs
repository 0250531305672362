//! Draws the crops of a step. Which they are depends on the seed and the step's number alone, so that a resumed
//! training sees what an uninterrupted one sees.
use super::augment::crop;
use super::dataset::Group;
use super::held_out::Truth;
use super::losses::IGNORE;
use super::{Recipe, TrainingError};
use crate::network::Normalisation;
use candle_core::{Device, Tensor};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

/// Images `[batch, channel, y, x]` and labels in the order `[batch, y, x]`, or one an image.
pub(super) struct Batch {
    pub images: Tensor,
    pub labels: Vec<u8>,
}

impl Batch {
    /// The batch of step number `step`.
    pub(super) fn draw(
        recipe: &Recipe,
        groups: &[Group],
        step: usize,
        device: &Device,
    ) -> Result<Self, TrainingError> {
        let count = recipe.schedule.batch;
        let size = recipe.card.input_size.unwrap_or([recipe.schedule.crop; 2]);
        let crops: Vec<(Vec<f32>, Vec<u8>)> = (0..count)
            .into_par_iter()
            .map(|index| draw_one(recipe, groups, size, &mut dice(recipe.schedule.seed, step, index)))
            .collect();
        let channels = recipe.card.channels.len();
        let mut values = Vec::with_capacity(count * channels * size[0] * size[1]);
        let mut labels = Vec::new();
        for (image, truth) in crops {
            values.extend(image);
            labels.extend(truth);
        }
        let images = Tensor::from_vec(values, (count, channels, size[0], size[1]), device)?;
        Ok(Self { images, labels })
    }
}

fn draw_one(recipe: &Recipe, groups: &[Group], size: [usize; 2], rng: &mut StdRng) -> (Vec<f32>, Vec<u8>) {
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
    let labels = match &image.truth {
        Truth::Map(map) => Some(map),
        Truth::Class(_) => None,
    };
    let (crop, labels) = crop(image.image.view(), labels, size, (&recipe.augment, pivot), rng);
    let labels = match (labels, &image.truth) {
        (Some(labels), _) => labels.into_raw_vec_and_offset().0,
        (None, Truth::Class(class)) => vec![*class],
        (None, Truth::Map(_)) => vec![IGNORE],
    };
    (crop.into_raw_vec_and_offset().0, labels)
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
