//! Grey levels and texture of a network's input in seven numbers.
use ndarray::{ArrayView3, Axis};

/// What [`grey_statistics`] gives, in its order.
pub const GREY_NAMES: [&str; 7] = [
    "mean",
    "standard deviation",
    "skewness",
    "roughness at 1 px",
    "roughness at 2 px",
    "roughness at 4 px",
    "roughness at 8 px",
];
/// Distances of pixels in px.
const LAGS: [usize; 4] = [1, 2, 4, 8];
/// The smallest roughness there is, so that it has a logarithm.
const SMOOTH: f64 = 1e-6;

/// Mean, standard deviation and skewness of the values `[channel, y, x]`, all channels together, and the base-10
/// logarithm of the roughness at 1, 2, 4 and 8 px: the mean square difference of pixels so far apart along y and x over
/// twice the variance (the variogram; 1 is noise, near 0 is smooth).
pub(super) fn grey_statistics(image: ArrayView3<'_, f32>) -> Vec<f64> {
    let count = image.len().max(1) as f64;
    let mean = image.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let moment = |power: i32| image.iter().map(|&v| (f64::from(v) - mean).powi(power)).sum::<f64>() / count;
    let variance = moment(2);
    let skewness = if variance > 0.0 { moment(3) / variance.powf(1.5) } else { 0.0 };
    let mut found = vec![mean, variance.sqrt(), skewness];
    found.extend(LAGS.map(|lag| {
        let rough = if variance > 0.0 { difference(image, lag) / (2.0 * variance) } else { 0.0 };
        rough.max(SMOOTH).log10()
    }));
    found
}

/// The mean square difference of pixels `lag` px apart along y and x (of images too small for that: as far as they go).
fn difference(image: ArrayView3<'_, f32>, lag: usize) -> f64 {
    let (mut sum, mut count) = (0.0, 0_usize);
    for axis in [Axis(1), Axis(2)] {
        let length = image.len_of(axis);
        let lag = lag.min(length.saturating_sub(1));
        if lag == 0 {
            continue;
        }
        let (before, after) = (image.split_at(axis, length - lag).0, image.split_at(axis, lag).1);
        sum += before.iter().zip(after).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>();
        count += before.len();
    }
    if count == 0 { 0.0 } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn stripes_are_rough_across_and_smooth_along() {
        // Columns 0 1 0 1…: variance 1/4; along x neighbours differ by 1 and every second one by 0, along y not at all.
        let stripes = Array3::from_shape_fn((1, 16, 16), |(_, _, x)| (x % 2) as f32);
        let found = grey_statistics(stripes.view());
        assert_eq!(found[..3], [0.5, 0.5, 0.0]);
        // 240 of 480 pairs differ by 1: half a square over twice a quarter.
        assert_eq!(found[3], 0.0);
        assert!(found[4..].iter().all(|smooth| (smooth + 6.0).abs() < 1e-9), "{found:?}");
    }

    #[test]
    fn flat_and_tiny_images_have_numbers_too() {
        for shape in [(1, 1, 1), (2, 3, 5), (0, 0, 0)] {
            let found = grey_statistics(Array3::from_elem(shape, 2.0).view());
            assert!(found.iter().all(|value| value.is_finite()), "{found:?}");
            assert_eq!(found.len(), GREY_NAMES.len());
        }
    }
}
