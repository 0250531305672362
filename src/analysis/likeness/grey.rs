//! Grey levels and texture of an image in eleven numbers.
use ndarray::{Array2, ArrayView2, ArrayView3, Axis, Zip, s};

/// What [`grey_statistics`] gives, in its order.
pub const GREY_NAMES: [&str; 11] = [
    "mean",
    "standard deviation",
    "skewness",
    "roughness at 1 px",
    "roughness at 2 px",
    "roughness at 4 px",
    "roughness at 8 px",
    "noise",
    "skewness of detail at 1 px",
    "skewness of detail at 2 px",
    "skewness of detail at 4 px",
];
/// Distances of pixels in px.
const LAGS: [usize; 4] = [1, 2, 4, 8];
/// The smallest roughness there is, so that it has a logarithm.
const SMOOTH: f64 = 1e-6;
/// Sizes of the detail whose skewness is taken, in px.
const ARMS: [usize; 3] = [1, 2, 4];
/// The least share of noise there is.
const CLEAN: f64 = 1e-8;

/// Of the values `[channel, y, x]`, all channels together:
///
/// - mean, standard deviation and skewness,
/// - the base-10 logarithm of the roughness at 1, 2, 4 and 8 px: the mean square difference of pixels so far apart along
///   y and x over twice the variance (the variogram; 1 is noise, near 0 is smooth),
/// - the base-10 logarithm of the noise's share of the variance, by the mask of Immerkær 1996 ("Fast noise variance
///   estimation"), which is blind to planes and straight edges: it tells what was blurred or enlarged from what is sharp,
/// - the skewness of detail of 1, 2 and 4 px, that is of a pixel against its four neighbours so far away: above 0 where
///   bright dots and rims stand out, below where dark ones do, 0 of noise. Skewness by scale is among the numbers by which
///   Portilla & Simoncelli 2000 ("A parametric texture model based on joint statistics of complex wavelet
///   coefficients") describe textures.
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
    let noise = if variance > 0.0 { noise_variance(image) / variance } else { 0.0 };
    found.push(noise.max(CLEAN).log10());
    found.extend(ARMS.map(|arm| detail_skewness(image, arm)));
    found
}

/// The variance of white noise that would answer to Immerkær's 3×3 mask as the image does; its weights' squares add up
/// to 36. 0 of images that it does not fit into.
fn noise_variance(image: ArrayView3<'_, f32>) -> f64 {
    let (mut sum, mut count) = (0.0, 0_usize);
    for plane in image.outer_iter() {
        if plane.nrows() < 3 || plane.ncols() < 3 {
            continue;
        }
        // The mask is a second difference along y of second differences along x.
        let along = second_difference(plane);
        let found = second_difference(along.t());
        sum += found.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>();
        count += found.len();
    }
    if count == 0 { 0.0 } else { sum / (36.0 * count as f64) }
}

/// Each row's neighbours less twice the row itself; two rows fewer.
fn second_difference(plane: ArrayView2<'_, f32>) -> Array2<f32> {
    let rows = plane.nrows();
    let [before, here, after] = [0, 1, 2].map(|first| plane.slice(s![first..rows - 2 + first, ..]));
    Zip::from(before).and(here).and(after).map_collect(|before, here, after| before - 2.0 * here + after)
}

/// Skewness of four times a pixel less its four neighbours `arm` px away; 0 of images that are too small for that, or flat.
fn detail_skewness(image: ArrayView3<'_, f32>, arm: usize) -> f64 {
    let (_, height, width) = image.dim();
    if height <= 2 * arm || width <= 2 * arm {
        return 0.0;
    }
    let part = |y: usize, x: usize| image.slice(s![.., y..height - 2 * arm + y, x..width - 2 * arm + x]);
    let (mut sums, mut count) = ([0.0; 3], 0_usize);
    Zip::from(part(arm, arm))
        .and(part(0, arm))
        .and(part(2 * arm, arm))
        .and(part(arm, 0))
        .and(part(arm, 2 * arm))
        .for_each(|&here, &above, &below, &left, &right| {
            let value = 4.0 * f64::from(here)
                - f64::from(above)
                - f64::from(below)
                - f64::from(left)
                - f64::from(right);
            sums = [sums[0] + value, sums[1] + value * value, sums[2] + value * value * value];
            count += 1;
        });
    let [mean, square, cube] = sums.map(|sum| sum / count.max(1) as f64);
    let variance = square - mean * mean;
    let third = cube - 3.0 * mean * square + 2.0 * mean.powi(3);
    // What is left of flat images is rounding.
    if variance > 1e-12 { third / variance.powf(1.5) } else { 0.0 }
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
        assert!(found[4..7].iter().all(|smooth| (smooth + 6.0).abs() < 1e-9), "{found:?}");
        // Stripes are straight: no noise; bright and dark ones are alike, and at 2 px they are what they are beside.
        assert!((found[7] + 8.0).abs() < 1e-9 && found[8..] == [0.0; 3], "{found:?}");
    }

    #[test]
    fn a_bright_dot_is_detail_to_one_side_and_a_dark_one_to_the_other() {
        let dot = |value: f32| {
            Array3::from_shape_fn((1, 5, 5), |(_, y, x)| if (y, x) == (2, 2) { value } else { 0.0 })
        };
        // Nine places see 4, four times −1 and four times 0: mean 0, squares 20, cubes 60.
        let skewness = (60.0 / 9.0) / (20.0_f64 / 9.0).powf(1.5);
        let (bright, dark) = (grey_statistics(dot(1.0).view()), grey_statistics(dot(-1.0).view()));
        assert!((bright[8] - skewness).abs() < 1e-12 && (dark[8] + skewness).abs() < 1e-12, "{bright:?}");
        // The mask's squares add up to 36 over its nine places, so the noise is 1/9; the variance is 1/25 − 1/625.
        assert!((bright[7] - (625.0_f64 / (9.0 * 24.0)).log10()).abs() < 1e-9, "{bright:?}");
        assert_eq!(bright[10], 0.0, "too small for 4 px");
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
