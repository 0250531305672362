//! What was counted of a model's answers: right and wrong classes, or errors of numbers.
use super::metrics::Confusion;
use super::residuals::Residuals;
use crate::network::{ModelCard, Task};
use ndarray::{Array3, Axis};
use serde::{Deserialize, Serialize};

/// Counts of a segmenter or classifier, or errors of a regressor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tally {
    Classes(Confusion),
    Numbers(Residuals),
}

impl Tally {
    pub(super) fn new(card: &ModelCard) -> Self {
        let count = card.classes.len();
        if card.task == Task::Regress {
            Self::Numbers(Residuals::new(count))
        } else {
            Self::Classes(Confusion::new(count))
        }
    }

    /// Counts one pixel or image.
    pub(super) fn add_class(&mut self, truth: u8, found: usize) {
        if let Self::Classes(confusion) = self {
            confusion.add(usize::from(truth), found);
        }
    }

    /// Counts every pixel of some maps; where the truth has fewer rows, those below it (an info bar) do not count.
    pub(super) fn add_maps(&mut self, truth: &Array3<f32>, found: &Array3<f32>) {
        let Self::Numbers(residuals) = self else { return };
        let maps = truth.axis_iter(Axis(0)).zip(found.axis_iter(Axis(0)));
        for (output, (truth, found)) in maps.enumerate() {
            for (truth, found) in truth.iter().zip(found) {
                residuals.add(output, *truth, *found);
            }
        }
    }

    /// Counts an image's own numbers.
    pub(super) fn add_numbers(&mut self, truth: &[f32], found: &[f32]) {
        if let Self::Numbers(residuals) = self {
            let both = truth.iter().zip(found).enumerate();
            both.for_each(|(output, (truth, found))| residuals.add(output, *truth, *found));
        }
    }

    /// Adds the counts of another of the same kind.
    pub(super) fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Classes(sum), Self::Classes(more)) => sum.merge(more),
            (Self::Numbers(sum), Self::Numbers(more)) => sum.merge(more),
            // One model's answers are of one kind.
            _ => {}
        }
    }

    /// What the best step has most of: mean IoU of a segmenter, accuracy of a classifier, and of a regressor the smallest
    /// mean absolute error.
    pub(super) fn goodness(&self, task: Task) -> f64 {
        match (self, task) {
            (Self::Classes(confusion), Task::Segment) => confusion.mean_iou(),
            (Self::Classes(confusion), _) => confusion.accuracy(),
            (Self::Numbers(residuals), _) => -residuals.mean_absolute_error(),
        }
    }
}
