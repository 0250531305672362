//! Images with known truth that a model is judged on.
use super::TrainingError;
use super::losses::IGNORE;
use super::metrics::Confusion;
use crate::analysis::{Prediction, RunSettings, run};
use crate::imaging::Micrograph;
use crate::inspect::Recorder;
use crate::monitor::Monitor;
use crate::network::Model;
use candle_core::Device;
use ndarray::Array2;

/// What is true of an image, in the network's classes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Truth {
    /// `[y, x]`, 255 where nothing is said
    Map(Array2<u8>),
    Class(u8),
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
    /// Runs the model on the image and counts right and wrong.
    pub(super) fn judge(
        &self,
        model: &Model,
        device: &Device,
        monitor: &Monitor,
    ) -> Result<Confusion, TrainingError> {
        let settings =
            RunSettings { frame: self.frame, channels: self.channels.clone(), ..RunSettings::default() };
        let prediction = run(model, &self.micrograph, &settings, device, &mut Recorder::nothing(), monitor)?;
        let mut confusion = Confusion::new(model.card.classes.len());
        match (&prediction, &self.truth) {
            (Prediction::Segmentation(found), Truth::Map(truth)) => {
                for (truth, found) in truth.iter().zip(&found.labels.0).filter(|(t, _)| **t != IGNORE) {
                    confusion.add(usize::from(*truth), usize::from(*found));
                }
            }
            (Prediction::Classification(found), Truth::Class(truth)) => {
                let best = found.probabilities.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
                confusion.add(usize::from(*truth), best.map_or(0, |(class, _)| class));
            }
            _ => {
                let what = "Masks judge segmenters and folders of classes judge classifiers".to_owned();
                return Err(TrainingError::Data(what));
            }
        }
        Ok(confusion)
    }
}
