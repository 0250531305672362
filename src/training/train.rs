//! The training loop.
use super::{Evaluation, Recipe, TrainingError};
use crate::monitor::Monitor;
use candle_core::Device;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Default)]
pub struct TrainOptions {
    /// Goes before the recipe's budget.
    pub minutes: Option<f64>,
    /// Goes before the recipe's budget.
    pub steps: Option<usize>,
    /// Go on from the checkpoint beside `out`.
    pub resume: bool,
    /// Goes before the recipe's `data`: the folder that the sources' paths start from.
    pub data_root: Option<PathBuf>,
}

/// Something to tell whoever watches.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum TrainEvent {
    /// The data are in memory.
    Loaded {
        training_images: usize,
        validation_images: usize,
        bytes: u64,
    },
    /// Something to know, such as a file that could not be used and why.
    Note {
        text: String,
    },
    /// Training goes on from a checkpoint.
    Resumed {
        step: usize,
    },
    Step {
        step: usize,
        loss: f32,
        learning_rate: f64,
    },
    Validated {
        step: usize,
        mean_iou: f64,
        accuracy: f64,
        best: bool,
    },
}

#[derive(Debug, Clone, serde::Serialize)]
pub struct TrainReport {
    pub model: PathBuf,
    pub steps: usize,
    pub best_step: usize,
    /// Of the card's metrics; `None` without validation images.
    pub evaluation: Option<Evaluation>,
    /// True: stopped by a person, the model is the best so far and `resume` goes on.
    pub cancelled: bool,
    pub seconds: f64,
    /// Files that could not be used, and why.
    pub failures: Vec<String>,
}

/// Trains and writes the model with its card to `out`.
pub fn train(
    _recipe: &Recipe,
    _out: &Path,
    _options: &TrainOptions,
    _device: &Device,
    _report: &mut dyn FnMut(TrainEvent),
    _monitor: &Monitor,
) -> Result<TrainReport, TrainingError> {
    todo!()
}
