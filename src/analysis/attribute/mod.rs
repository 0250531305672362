//! Why this pixel, why this class: what of a frame a class's score hangs on, by six methods.
//!
//! The score is the class's value before the final softmax, summed over the places that are asked for; of a network with
//! one answer an image it is that answer. Gradients by Simonyan et al. (2013, arXiv:1312.6034), `SmoothGrad` by Smilkov et
//! al. (2017, arXiv:1706.03825), integrated gradients by Sundararajan et al. (2017, arXiv:1703.01365), Grad-CAM by
//! Selvaraju et al. (2017, arXiv:1610.02391) and over a region Seg-Grad-CAM by Vinogradova et al. (2020,
//! arXiv:2002.11434), occlusion by Zeiler and Fergus (2014, arXiv:1311.2901).
//!
//! An image that is too large for the way back is taken in pieces: the gradient of a sum is the sum of the gradients, and
//! each part of the sum sees only its receptive window.
mod ablation;
mod asked;
mod cam;
mod gradients;
mod occlusion;
mod request;

pub use request::{Ablating, AttributionMethod, AttributionRequest, Baseline, Filling, Over, class_of};

use super::{AnalysisError, Prediction, RunSettings, network_input, run};
use crate::imaging::Micrograph;
use crate::inspect::{Attribution, Recorder};
use crate::monitor::Monitor;
use crate::network::{Model, Scope, Task};
pub(super) use asked::planes;
use asked::{Asked, Places};
use candle_core::Device;
use ndarray::{Array2, Array3, s};

/// What a method may need: the question, and the frame that it is asked about.
struct Frame<'a> {
    asked: Asked<'a>,
    /// The network's input `[channel, y, x]`.
    image: Array3<f32>,
    /// One name an input channel: the microscope's.
    channels: Vec<String>,
    micrograph: &'a Micrograph,
    settings: &'a RunSettings,
    monitor: &'a Monitor,
}

impl Frame<'_> {
    /// Micrograph pixels per pixel of the network's input, `[y, x]`.
    fn scale(&self) -> [f64; 2] {
        let source = [self.micrograph.specimen_rows().len(), self.micrograph.width()];
        match self.asked.scope {
            Scope::PerPixel => [1.0; 2],
            Scope::PerImage => [0, 1].map(|axis| source[axis] as f64 / self.asked.size[axis].max(1) as f64),
        }
    }
}

/// Explains a class's score on one frame of a micrograph. Places are pixels of the micrograph, `[y, x]`.
///
/// # Errors
/// [`AnalysisError::Place`] for a class, region or node that is not there, [`AnalysisError::Memory`] where even a piece
/// takes more than is free, and those of reading and running.
pub fn attribute(
    request: &AttributionRequest,
    model: &Model,
    (micrograph, settings): (&Micrograph, &RunSettings),
    device: &Device,
    monitor: &Monitor,
) -> Result<Attribution, AnalysisError> {
    request.check()?;
    let device = model.weights.tensors.values().next().map_or(device, |tensor| tensor.device());
    monitor.stage(&format!("Reading {}", micrograph.name()));
    let inputs = model.graph.input_channels();
    let image = network_input(&model.card, inputs, micrograph, settings.frame, settings.channels.as_deref())?;
    monitor.check()?;
    let scope = model.card.scope(&model.graph)?;
    let places = match scope {
        Scope::PerImage => request.over.of_an_image()?,
        Scope::PerPixel => {
            let predicted = || labels(model, (micrograph, settings), device, monitor);
            places(request, [image.dim().1, image.dim().2], predicted)?
        }
    };
    let asked = Asked::new(model, request.class, places, &image, (settings, device))?;
    monitor.stage(&format!("{}: {}", request.method.in_words(), asked.class_name));
    let channels = channel_names(model, micrograph, settings);
    let frame = Frame { asked, image, channels, micrograph, settings, monitor };
    frame.explain(request)
}

impl Frame<'_> {
    fn explain(mut self, request: &AttributionRequest) -> Result<Attribution, AnalysisError> {
        let score = self.asked.score(&self.image, &self.monitor.part(0, 50))?;
        let mut found = Attribution {
            method: request.method.name().to_owned(),
            class: request.class,
            class_name: self.asked.class_name.clone(),
            over: request.over.in_words(self.asked.scope),
            score,
            node: None,
            weights: Vec::new(),
            completeness: None,
            iou: None,
            channels: Vec::new(),
            map: None,
        };
        match &request.method {
            AttributionMethod::Gradient => found.map = Some(self.gradient()?),
            AttributionMethod::GradientInput => found.map = Some(self.gradient_input()?),
            AttributionMethod::SmoothGrad { samples, noise, seed } => {
                found.map = Some(self.smooth_grad(*samples, *noise, *seed)?);
            }
            AttributionMethod::Integrated { steps, baseline } => {
                let (map, completeness) = self.integrated(*steps, *baseline, score)?;
                (found.map, found.completeness) = (Some(map), Some(completeness));
            }
            AttributionMethod::GradCam { node } => {
                let (node, weights, map) = self.grad_cam(node.as_deref())?;
                (found.node, found.weights, found.map) = (Some(node), weights, Some(map));
            }
            AttributionMethod::Occlusion { patch, stride, fill } => {
                found.map = Some(self.occlusion([*patch, *stride], *fill)?);
            }
            AttributionMethod::Ablation { by } => {
                (found.iou, found.channels) = self.ablation(*by, request.labels.as_deref())?;
            }
        }
        Ok(found)
    }
}

/// The mask of what is asked for, over the network's input of a segmenter.
fn places(
    request: &AttributionRequest,
    size: [usize; 2],
    predicted: impl FnOnce() -> Result<Array2<u16>, AnalysisError>,
) -> Result<Places, AnalysisError> {
    let [height, width] = size;
    let mut mask = Array2::from_elem((height, width), false);
    let nowhere = |what: String| Err(AnalysisError::Place(what));
    match request.over {
        Over::Whole => return Ok(Places::Mask(Array2::from_elem((height, width), true))),
        Over::Pixel([y, x]) => match mask.get_mut((y, x)) {
            Some(place) => *place = true,
            None => {
                return nowhere(format!("The specimen has no pixel {y},{x}: it has {height}×{width} (y×x)"));
            }
        },
        Over::Rectangle(region) => {
            let end = |from: usize, length: usize, side: usize| from.saturating_add(length).min(side);
            let (bottom, right) = (end(region.y, region.height, height), end(region.x, region.width, width));
            let (top, left) = (region.y.min(bottom), region.x.min(right));
            mask.slice_mut(s![top..bottom, left..right]).fill(true);
            if top == bottom || left == right {
                return nowhere(format!(
                    "The rectangle holds nothing of the specimen's {width} × {height} px"
                ));
            }
        }
        Over::Predicted => {
            let labels = predicted()?;
            let class = u16::try_from(request.class).unwrap_or(u16::MAX);
            mask.zip_mut_with(&labels.slice(s![..height, ..]), |place, label| *place = *label == class);
            if !mask.iter().any(|place| *place) {
                return nowhere("No pixel is predicted as this class: choose a region".to_owned());
            }
        }
    }
    Ok(Places::Mask(mask))
}

/// The likeliest class of every pixel, as a run gives it.
fn labels(
    model: &Model,
    (micrograph, settings): (&Micrograph, &RunSettings),
    device: &Device,
    monitor: &Monitor,
) -> Result<Array2<u16>, AnalysisError> {
    if model.card.task != Task::Segment {
        let what = format!("{} predicts no classes of pixels: choose a region", model.card.name);
        return Err(AnalysisError::Place(what));
    }
    let there = monitor.part(0, 50);
    match run(model, micrograph, settings, device, &mut Recorder::nothing(), &there)? {
        Prediction::Segmentation(segmentation) => Ok(segmentation.labels.0.clone()),
        _ => Err(AnalysisError::Place("There is no mask to take pixels from".to_owned())),
    }
}

/// What the microscope calls the channels that feed the network; the card's names where it has none.
pub fn channel_names(model: &Model, micrograph: &Micrograph, settings: &RunSettings) -> Vec<String> {
    let (inputs, names) = (model.graph.input_channels(), micrograph.channel_names());
    let from_card =
        |input: usize| model.card.channels.get(input).cloned().unwrap_or_else(|| format!("channel {input}"));
    let name = |input: usize| match (&settings.channels, inputs) {
        (Some(chosen), _) => chosen.get(input).and_then(|&channel| names.get(channel).cloned()),
        (None, 1) => None,
        (None, _) => names.get(input).cloned(),
    };
    let named = |input: usize| name(input).filter(|name| !name.is_empty());
    (0..inputs).map(|input| named(input).unwrap_or_else(|| from_card(input))).collect()
}

#[cfg(test)]
mod tests;
