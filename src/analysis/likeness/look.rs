//! The numbers that sum up an image.
use super::grey::grey_statistics;
use crate::analysis::{AnalysisError, RunSettings, features_of, network_input};
use crate::imaging::Micrograph;
use crate::inspect::FeatureMaps;
use crate::monitor::Monitor;
use crate::network::{Model, ModelCard};
use candle_core::Device;
use ndarray::Axis;

/// An image in a few numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageLook {
    /// Grey levels and texture of the network's input on the image's own pixels, called [`super::GREY_NAMES`].
    pub grey: Vec<f64>,
    /// Mean of each feature of the node over the image; none without a node.
    pub features: Vec<f64>,
    /// Side of a pixel in nm (of oblong ones the square of equal area), where it is known.
    pub pixel_nm: Option<f64>,
}

/// Looks at one frame as the network sees it. `node` with maps of it that are there already, else the network is run up
/// to it.
///
/// # Errors
/// Those of a run.
pub fn look_at(
    model: &Model,
    (micrograph, settings): (&Micrograph, &RunSettings),
    (node, kept): (Option<&str>, Option<&FeatureMaps>),
    device: &Device,
    monitor: &Monitor,
) -> Result<ImageLook, AnalysisError> {
    let grey = grey_of(&own_pixels(&model.card), model, (micrograph, settings))?;
    monitor.check()?;
    let features = match (node, kept) {
        (None, _) => Vec::new(),
        (Some(node), Some(maps)) if maps.node == node => means(maps),
        (Some(node), _) => means(&features_of(node, model, micrograph, settings, device, monitor)?),
    };
    let pixel = micrograph.calibration().pixel();
    Ok(ImageLook { grey, features, pixel_nm: pixel.map(|pixel| (pixel.x_nm * pixel.y_nm).sqrt()) })
}

/// Grey levels and texture of an image as `card` has it prepared for `model`.
pub(super) fn grey_of(
    card: &ModelCard,
    model: &Model,
    (micrograph, settings): (&Micrograph, &RunSettings),
) -> Result<Vec<f64>, AnalysisError> {
    let (inputs, channels) = (model.graph.input_channels(), settings.channels.as_deref());
    let image = network_input(card, inputs, micrograph, settings.frame, channels)?;
    Ok(grey_statistics(image.view()))
}

/// A card by which nothing is resampled. On the few pixels of a classifier's input a blurred or enlarged image looks like
/// any other; on its own it does not.
fn own_pixels(card: &ModelCard) -> ModelCard {
    ModelCard { input_size: None, ..card.clone() }
}

/// The mean of each feature over its finite values; 0 where there is none.
fn means(maps: &FeatureMaps) -> Vec<f64> {
    let mean = |plane: ndarray::ArrayView2<'_, f32>| {
        let finite = || plane.iter().filter(|value| value.is_finite());
        let count = finite().count();
        finite().map(|&value| f64::from(value)).sum::<f64>() / count.max(1) as f64
    };
    maps.maps.axis_iter(Axis(0)).map(mean).collect()
}
