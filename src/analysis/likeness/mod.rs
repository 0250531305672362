//! Is this image like the images that the model learned from? A plain verdict, with distances and what is unusual.
//!
//! An image is a few numbers: grey levels and texture of the network's input, and the mean of every feature of one node
//! over the image. The model carries a Gaussian over each of the two ([`TrainingStatistics`]), and the image's distance
//! is Mahalanobis' in it, as Lee et al. (`NeurIPS` 2018) tell unusual images by pooled features. It carries the training
//! images as points, too, and the image's other distance is that to the nearest of them, as Sun et al. (ICML 2022) do:
//! where training images are unlike each other the Gaussian is wide, and what lies between them is like none. What is far
//! is said by the training images themselves: each was measured without its file. An image is unusual by either.

mod grey;
mod look;
mod neighbours;
mod node;
mod space;
mod verdict;
mod words;

#[cfg(test)]
mod reference;

pub use grey::GREY_NAMES;
pub use look::{ImageLook, look_at};
pub use node::likeness_node;
pub use space::fit_space;
pub use verdict::{Likeness, NearestImages, Outside, PixelMatch, SpaceLikeness};

use super::{AnalysisError, RunSettings};
use crate::imaging::Micrograph;
use crate::inspect::FeatureMaps;
use crate::monitor::Monitor;
use crate::network::{Model, TrainingStatistics};
use candle_core::Device;

/// The network's input, as a space of numbers.
pub const INPUT: &str = "input";

/// Compares one frame with the model's training images. `kept` are feature maps of the same run, so that the network is
/// not run again where the wanted node is among them.
///
/// # Errors
/// A model without training statistics, and those of a run.
pub fn likeness(
    model: &Model,
    (micrograph, settings): (&Micrograph, &RunSettings),
    kept: Option<&FeatureMaps>,
    device: &Device,
    monitor: &Monitor,
) -> Result<Likeness, AnalysisError> {
    let Some(training) = &model.training else {
        return Err(AnalysisError::Mismatch(format!(
            "{} carries no statistics of its training images; polepiece train --recipe RECIPE --statistics-only \
             --out MODEL gives it some",
            model.card.name
        )));
    };
    let node = node_of(training);
    let on = (micrograph, settings);
    let mut look = look_at(model, on, (node, kept), device, monitor)?;
    if model.card.resampled_to().is_some() && training.spaces.iter().all(|space| space.neighbours.is_none()) {
        // Statistics of before training images were kept are of what was resampled to the network's input.
        look.grey = look::grey_of(&model.card, model, on)?;
    }
    Ok(Likeness::of(&look, model, training))
}

/// The node whose features were looked at.
#[must_use]
pub fn node_of(training: &TrainingStatistics) -> Option<&str> {
    training.spaces.iter().map(|space| space.of.as_str()).find(|of| *of != INPUT)
}
