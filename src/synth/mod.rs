//! Synthetic micrographs with ground truth: deterministic by seed, with realistic noise, blur, shading and charging.

use crate::imaging::Calibration;
use ndarray::{Array2, Array3};

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /** SEM precipitates and pores */
    Precipitates,
    /** grains with cracks */
    Grains,
    /** HAADF-STEM atomic columns with vacancies and a boundary */
    Stem,
    /** 8-channel EDS map of three phases */
    Eds,
}

/// An image `[channel, y, x]` in counts and its classes `[y, x]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub image: Array3<f32>,
    pub labels: Array2<u16>,
    pub channel_names: Vec<String>,
    pub calibration: Calibration,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Precipitates, Self::Grains, Self::Stem, Self::Eds];
    #[must_use]
    pub fn name(self) -> &'static str {
        todo!()
    }
    #[must_use]
    pub fn from_name(_name: &str) -> Option<Self> {
        todo!()
    }
    #[must_use]
    pub fn classes(self) -> Vec<(&'static str, [u8; 3])> {
        todo!()
    }
    /// Sample number `index` of a seed, `size` [y, x]; the same arguments give the same pixels on every machine.
    #[must_use]
    pub fn sample(self, _seed: u64, _index: u64, _size: [usize; 2]) -> Sample {
        todo!()
    }
}
