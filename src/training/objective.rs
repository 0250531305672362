//! What a training makes small, by its recipe.
use super::batch::Answers;
use super::dataset::Dataset;
use super::distances::distance;
use super::losses::{LossFunction, balanced_weights};
use super::{ClassWeights, Loss, Recipe};
use crate::network::Task;
use candle_core::{Result, Tensor};

/// Of segmenters and classifiers, or of regressors.
pub(super) enum Objective {
    Classes(LossFunction),
    Numbers { kind: Loss, delta: f64 },
}

impl Objective {
    pub(super) fn new(recipe: &Recipe, data: &Dataset) -> Self {
        let classes = recipe.card.classes.len();
        let class_weights = || match &recipe.schedule.class_weights {
            ClassWeights::Equal => vec![1.0; classes],
            ClassWeights::Balanced => balanced_weights(&data.class_counts(classes)),
            ClassWeights::Given(given) => given.clone(),
        };
        let kind = recipe.schedule.loss;
        match recipe.task {
            // Recipes of networks without a promise are refused.
            Task::Segment | Task::Any => Self::Classes(LossFunction { kind, class_weights: class_weights() }),
            // Dice is a matter of regions; a classifier has none.
            Task::Classify => {
                let kind = Loss::CrossEntropy;
                Self::Classes(LossFunction { kind, class_weights: class_weights() })
            }
            Task::Regress => {
                let kind = if kind.is_distance() { kind } else { Loss::MeanSquared };
                Self::Numbers { kind, delta: f64::from(recipe.schedule.huber_delta) }
            }
        }
    }

    /// Of a network's output for a batch; a scalar.
    pub(super) fn of(&self, output: &Tensor, answers: &Answers) -> Result<Tensor> {
        match (self, answers) {
            (Self::Classes(loss), Answers::Classes(labels)) => loss.of(output, labels),
            (Self::Numbers { kind, delta }, Answers::Numbers(numbers)) => {
                distance(*kind, *delta, output, numbers)
            }
            _ => candle_core::bail!("classes and numbers cannot be compared"),
        }
    }
}
