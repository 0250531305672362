//! A model against masks it never saw.
use super::{LabelScheme, TrainingError};
use crate::monitor::Monitor;
use crate::network::Model;
use candle_core::Device;
use std::path::PathBuf;

/// A folder of images and one of masks, matched by file stem.
#[derive(Debug, Clone)]
pub struct EvaluationData {
    pub images: PathBuf,
    pub masks: PathBuf,
    pub scheme: Option<LabelScheme>,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ClassScore {
    pub name: String,
    /// `None`: neither predicted nor true anywhere
    pub iou: Option<f64>,
    pub dice: Option<f64>,
    pub true_pixels: u64,
    pub predicted_pixels: u64,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Evaluation {
    pub images: usize,
    pub classes: Vec<ClassScore>,
    pub mean_iou: f64,
    pub accuracy: f64,
    pub confusion: Vec<Vec<u64>>,
    /// files that could not be evaluated, and why
    pub failures: Vec<String>,
}

/// Of a segmenter (masks) or a classifier (`masks` unused: one folder a class below `images`).
pub fn evaluate(
    _model: &Model,
    _data: &EvaluationData,
    _device: &Device,
    _monitor: &Monitor,
) -> Result<Evaluation, TrainingError> {
    todo!()
}

/// The same numbers for Otsu's threshold; with `bright` the bright side is class 1, else the dark, `None`: whichever scores better.
pub fn evaluate_otsu(
    _data: &EvaluationData,
    _bright: Option<bool>,
    _monitor: &Monitor,
) -> Result<Evaluation, TrainingError> {
    todo!()
}
