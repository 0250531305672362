//! Images with known truth that a model is judged on.
use super::TrainingError;
use super::tally::Tally;
use crate::analysis::{IGNORE, Numbers, Prediction, RunSettings, run};
use crate::imaging::Micrograph;
use crate::inspect::Recorder;
use crate::monitor::Monitor;
use crate::network::Model;
use candle_core::Device;
use ndarray::{Array2, Array3, Axis};

/// What is true of an image, in the network's classes or outputs.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Truth {
    /// `[y, x]`, 255 where nothing is said
    Map(Array2<u8>),
    Class(u8),
    /// `[output, y, x]`, NaN where nothing is said
    Maps(Array3<f32>),
    /// One an output, NaN where it is not known
    Numbers(Vec<f32>),
}

/// The mean of each map over the pixels of which something is said.
pub(super) fn means(maps: &Array3<f32>) -> Vec<f32> {
    let mean = |map: ndarray::ArrayView2<'_, f32>| {
        let known = || map.iter().filter(|value| value.is_finite());
        let sum: f64 = known().map(|value| f64::from(*value)).sum();
        (sum / known().count() as f64) as f32
    };
    maps.axis_iter(Axis(0)).map(mean).collect()
}

/// An image with its truth, as [`run`] takes it.
#[derive(Debug, Clone)]
pub(super) struct HeldOut {
    /// Which of the recipe's sources it is from.
    pub source: usize,
    pub micrograph: Micrograph,
    pub frame: usize,
    pub channels: Option<Vec<usize>>,
    pub truth: Truth,
}

impl HeldOut {
    /// Runs the model on the image and counts right and wrong, or how far off its numbers are.
    pub(super) fn judge(
        &self,
        model: &Model,
        device: &Device,
        monitor: &Monitor,
    ) -> Result<Tally, TrainingError> {
        let settings =
            RunSettings { frame: self.frame, channels: self.channels.clone(), ..RunSettings::default() };
        let prediction = run(model, &self.micrograph, &settings, device, &mut Recorder::nothing(), monitor)?;
        let mut tally = Tally::new(&model.card);
        match (&prediction, &self.truth) {
            (Prediction::Segmentation(found), Truth::Map(truth)) => {
                for (truth, found) in truth.iter().zip(&found.labels.0).filter(|(t, _)| **t != IGNORE) {
                    tally.add_class(*truth, usize::from(*found));
                }
            }
            (Prediction::Classification(found), Truth::Class(truth)) => {
                let best = found.probabilities.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
                tally.add_class(*truth, best.map_or(0, |(class, _)| class));
            }
            (Prediction::Regression(found), truth) => match (&found.numbers, truth) {
                (Numbers::Maps(found), Truth::Maps(truth)) => tally.add_maps(truth, found),
                (Numbers::Image(found), Truth::Maps(truth)) => tally.add_numbers(&means(truth), found),
                (Numbers::Image(found), Truth::Numbers(truth)) => tally.add_numbers(truth, found),
                _ => {
                    let what = "A regressor of every pixel is judged against maps of numbers".to_owned();
                    return Err(TrainingError::Data(what));
                }
            },
            _ => {
                let what = "Masks judge segmenters, folders of classes classifiers, and numbers regressors";
                return Err(TrainingError::Data(what.to_owned()));
            }
        }
        Ok(tally)
    }
}
