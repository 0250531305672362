//! From values to brightness, by the data and never by the type's range.
use ndarray::ArrayView2;

/// Values at and below `low` are black, at and above `high` white.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Contrast {
    pub low: f32,
    pub high: f32,
}

impl Contrast {
    /// The window between two percentiles (0 to 100) of the finite values; a flat image gets a window of width 1.
    #[must_use]
    pub fn from_percentiles(_values: ArrayView2<'_, f32>, _low: f32, _high: f32) -> Self {
        todo!()
    }
    /// The default window: percentiles 0.35 and 99.65.
    #[must_use]
    pub fn auto(values: ArrayView2<'_, f32>) -> Self {
        Self::from_percentiles(values, 0.35, 99.65)
    }
    /// Symmetric about zero, for signed values: percentile 99.65 of |v|.
    #[must_use]
    pub fn auto_signed(_values: ArrayView2<'_, f32>) -> Self {
        todo!()
    }
    /// 0..=1 for a value; NaN gives 0.
    #[must_use]
    pub fn unit(&self, _value: f32) -> f32 {
        todo!()
    }
}

/// Counts of the finite values in equal bins from `min` to `max`.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    pub min: f32,
    pub max: f32,
    pub counts: Vec<u64>,
    /** NaN and infinite values */
    pub not_finite: u64,
}

impl Histogram {
    #[must_use]
    pub fn of(_values: ArrayView2<'_, f32>, _bins: usize) -> Self {
        todo!()
    }
}
