//! The training loop.
use super::{Evaluation, Recipe, TrainingError};
use crate::monitor::Monitor;
use candle_core::Device;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Default)]
pub struct TrainOptions {
    pub minutes: Option<f64>,
    pub steps: Option<usize>,
    /** go on from the checkpoint beside `out` */
    pub resume: bool,
}

/// Something to tell whoever watches.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum TrainEvent {
    Step { step: usize, loss: f32, learning_rate: f64 },
    Validated { step: usize, mean_iou: f64, accuracy: f64, best: bool },
}

#[derive(Debug, Clone, serde::Serialize)]
pub struct TrainReport {
    pub model: PathBuf,
    pub steps: usize,
    pub best_step: usize,
    pub evaluation: Option<Evaluation>,
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
