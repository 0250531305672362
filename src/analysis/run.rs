//! A model on a frame of a micrograph: the one function behind the window's Run and the command line.
use super::{AnalysisError, LabelMap};
use crate::imaging::{Micrograph, PixelSize};
use crate::inspect::{FeatureMaps, Recorder};
use crate::monitor::Monitor;
use crate::network::{ClassInfo, Model};
use candle_core::Device;
use ndarray::Array3;
use std::sync::Arc;

/// Everything that decides a result, besides model and micrograph.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct RunSettings {
    pub frame: usize,
    /** which microscope channels feed the network's inputs, in order; `None`: grey for one input, else the first ones */
    pub channels: Option<Vec<usize>>,
    /** side of a tile in px; `None`: chosen by memory, whole image if it fits */
    pub tile: Option<usize>,
    /** bytes a run may take; `None`: half of what is free, at most 2 GiB */
    pub memory_limit: Option<u64>,
}

/// Classes per pixel, and how sure.
#[derive(Debug, Clone)]
pub struct Segmentation {
    pub labels: LabelMap,
    /** softmax `[class, y, x]` */
    pub probabilities: Array3<f32>,
    pub classes: Vec<ClassInfo>,
    pub pixel: Option<PixelSize>,
    /** side of the tiles used; `None`: whole */
    pub tile: Option<usize>,
}

/// One probability a class.
#[derive(Debug, Clone)]
pub struct Classification {
    pub probabilities: Vec<f32>,
    pub classes: Vec<ClassInfo>,
}

#[derive(Debug, Clone)]
pub enum Prediction {
    Segmentation(Arc<Segmentation>),
    Classification(Arc<Classification>),
}

/// Runs the model on one frame; `recorder` keeps the feature maps it wants on the way.
pub fn run(
    _model: &Model,
    _micrograph: &Micrograph,
    _settings: &RunSettings,
    _device: &Device,
    _recorder: &mut Recorder,
    _monitor: &Monitor,
) -> Result<Prediction, AnalysisError> {
    todo!()
}

/// The feature maps of one node, stopping the run there.
pub fn features_of(
    _node: &str,
    _model: &Model,
    _micrograph: &Micrograph,
    _settings: &RunSettings,
    _device: &Device,
    _monitor: &Monitor,
) -> Result<FeatureMaps, AnalysisError> {
    todo!()
}
