//! The model card: what a model is for, and what it was trained on.
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    Segment,
    Classify,
}

/// A class a pixel or image can be. Class 0 of a segmenter is the background.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassInfo {
    pub name: String,
    /** sRGB */
    pub colour: [u8; 3],
}

/// How grey values become the network's numbers, per image and channel, over the whole plane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Normalisation {
    /// Percentiles `low` and `high` (0–100) go to 0 and 1, clipped to −0.5..1.5.
    Percentile { low: f32, high: f32 },
    /// Mean 0, standard deviation 1.
    ZScore,
    /// (value − mean) / std.
    Fixed { mean: f32, std: f32 },
}

/// Images a model was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSource {
    pub name: String,
    pub licence: String,
    #[serde(default)]
    pub note: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    pub name: String,
    pub description: String,
    pub task: Task,
    pub classes: Vec<ClassInfo>,
    /// One name an input channel, such as "grey" or "Al".
    pub channels: Vec<String>,
    pub pixel_size_nm: Option<f64>,
    pub normalisation: Normalisation,
    /// `[y, x]` a classifier's image is resampled to; `None`: any size as it is.
    #[serde(default)]
    pub input_size: Option<[usize; 2]>,
    pub training_data: Vec<DataSource>,
    pub licence: String,
    /// On images the training never saw, such as "mean_iou" → 0.87.
    #[serde(default)]
    pub metrics: BTreeMap<String, f64>,
    /// Which images those were.
    #[serde(default)]
    pub metrics_on: String,
    /// The recipe's text and the program's version, as trained.
    #[serde(default)]
    pub recipe: String,
    #[serde(default)]
    pub trained_by: String,
}
