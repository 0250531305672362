//! Otsu's threshold (IEEE Trans. SMC 9, 1979): the baseline that tells when a CNN is not worth it.
use ndarray::ArrayView2;

/// The threshold over a 256-bin histogram; values above it are foreground.
#[must_use]
pub fn otsu_threshold(_values: ArrayView2<'_, f32>) -> f32 {
    todo!()
}
