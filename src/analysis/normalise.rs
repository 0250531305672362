//! Grey values to the network's numbers, over whole planes so that tiles agree.
use crate::network::Normalisation;
use ndarray::Array2;

/// Planes of more finite values than this give their percentiles by a regular sample of at least half as many.
const PERCENTILE_SAMPLE: usize = 1 << 24;

/// Normalises a whole plane `[y, x]` in place, by the statistics of its finite values.
///
/// Before that NaN becomes the mean of the finite values, −∞ their minimum and +∞ their maximum, so that a hole in the
/// data looks like nothing special. A plane that is flat or has no finite value becomes zeros, except with fixed
/// numbers, where a flat plane keeps its value. Where the two percentiles coincide (sparse counts) minimum and maximum
/// take their place.
pub fn normalise(plane: &mut Array2<f32>, how: Normalisation) {
    let Some(range) = Range::of(plane) else {
        plane.fill(0.0);
        return;
    };
    if !range.all_finite {
        plane.mapv_inplace(|value| range.repaired(value));
    }
    let flat = range.min == range.max;
    match how {
        Normalisation::Fixed { mean, std } => {
            let (mean, std) = (f64::from(mean), f64::from(std));
            plane.mapv_inplace(|value| ((f64::from(value) - mean) / std) as f32);
        }
        _ if flat => plane.fill(0.0),
        Normalisation::Percentile { low, high } => {
            let (low, high) = percentiles(plane, low, high);
            let (low, high) = if low < high { (low, high) } else { (range.min.into(), range.max.into()) };
            plane.mapv_inplace(|value| ((f64::from(value) - low) / (high - low)).clamp(-0.5, 1.5) as f32);
        }
        Normalisation::ZScore => {
            let squares: f64 = plane.iter().map(|&value| (f64::from(value) - range.mean).powi(2)).sum();
            let std = (squares / plane.len() as f64).sqrt();
            plane.mapv_inplace(|value| ((f64::from(value) - range.mean) / std) as f32);
        }
    }
}

/// What the finite values span.
struct Range {
    min: f32,
    max: f32,
    mean: f64,
    all_finite: bool,
}

impl Range {
    /// `None` without a finite value.
    fn of(plane: &Array2<f32>) -> Option<Self> {
        let (mut min, mut max) = (f32::INFINITY, f32::NEG_INFINITY);
        let (mut sum, mut count) = (0.0_f64, 0_usize);
        for &value in plane.iter().filter(|value| value.is_finite()) {
            min = min.min(value);
            max = max.max(value);
            sum += f64::from(value);
            count += 1;
        }
        let all_finite = count == plane.len();
        (count > 0).then(|| Self { min, max, mean: sum / count as f64, all_finite })
    }

    fn repaired(&self, value: f32) -> f32 {
        if value.is_nan() { self.mean as f32 } else { value.clamp(self.min, self.max) }
    }
}

/// Two percentiles (0 to 100) with linear interpolation between ranks, as NumPy's default.
fn percentiles(plane: &Array2<f32>, low: f32, high: f32) -> (f64, f64) {
    let step = (plane.len() / PERCENTILE_SAMPLE).max(1);
    // An odd step walks over all columns of an image whose width is a power of two.
    let step = if step > 1 { step | 1 } else { 1 };
    let mut values: Vec<f32> = plane.iter().copied().step_by(step).collect();
    (percentile(&mut values, low), percentile(&mut values, high))
}

fn percentile(values: &mut [f32], percent: f32) -> f64 {
    let rank = f64::from(percent.clamp(0.0, 100.0)) / 100.0 * (values.len() - 1) as f64;
    let (_, &mut lower, above) = values.select_nth_unstable_by(rank as usize, f32::total_cmp);
    let upper = above.iter().copied().min_by(f32::total_cmp).unwrap_or(lower);
    f64::from(lower) + rank.fract() * (f64::from(upper) - f64::from(lower))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, array};

    fn check(mut plane: Array2<f32>, how: Normalisation, expected: &Array2<f32>) {
        let before = plane.clone();
        normalise(&mut plane, how);
        let near = plane.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near, "{before} by {how:?} gave {plane}, not {expected}");
    }

    const PERCENTILE: Normalisation = Normalisation::Percentile { low: 0.0, high: 100.0 };
    const NAN: f32 = f32::NAN;
    const INF: f32 = f32::INFINITY;

    #[test]
    fn values_become_the_card_s_numbers() {
        check(array![[2.0, 4.0, 6.0]], PERCENTILE, &array![[0.0, 0.5, 1.0]]);
        // Standard deviation of 2, 4, 6 is √(8/3).
        check(array![[2.0, 4.0, 6.0]], Normalisation::ZScore, &array![[-1.224_744_9, 0.0, 1.224_744_9]]);
        check(array![[2.0, 4.0]], Normalisation::Fixed { mean: 1.0, std: 2.0 }, &array![[0.5, 1.5]]);
    }

    #[test]
    fn percentiles_are_numpy_s_and_outliers_are_clipped() {
        // np.percentile(np.r_[0:99, 1e6, -1e6], [2, 98]) gives 1.0, 97.0 (101 values, ranks 2 and 98).
        let mut plane = Array::from_iter((0..99).map(|v| v as f32).chain([1e6, -1e6]))
            .into_shape_with_order((1, 101))
            .unwrap();
        normalise(&mut plane, Normalisation::Percentile { low: 2.0, high: 98.0 });
        assert!((plane[[0, 1]] - 0.0).abs() < 1e-6 && (plane[[0, 97]] - 1.0).abs() < 1e-6);
        assert_eq!((plane[[0, 99]], plane[[0, 100]]), (1.5, -0.5));
        // np.percentile([1, 2, 4, 8], [10, 90]) gives 1.3 and 6.8.
        let mut four = [1.0, 2.0, 4.0, 8.0];
        assert!((percentile(&mut four, 10.0) - 1.3).abs() < 1e-6);
        assert!((percentile(&mut four, 90.0) - 6.8).abs() < 1e-6);
    }

    #[test]
    fn values_that_are_no_numbers_look_like_nothing_special() {
        check(array![[0.0, NAN, 4.0]], PERCENTILE, &array![[0.0, 0.5, 1.0]]);
        check(array![[0.0, INF, 4.0, -INF]], PERCENTILE, &array![[0.0, 1.0, 1.0, 0.0]]);
        check(array![[3.0, NAN]], Normalisation::Fixed { mean: 0.0, std: 1.0 }, &array![[3.0, 3.0]]);
    }

    #[test]
    fn flat_and_undefined_planes_are_zeros() {
        for how in [PERCENTILE, Normalisation::ZScore] {
            check(array![[0.1, 0.1, 0.1]], how, &array![[0.0, 0.0, 0.0]]);
            check(array![[NAN, NAN]], how, &array![[0.0, 0.0]]);
            check(array![[7.0]], how, &array![[0.0]]);
        }
    }

    #[test]
    fn sparse_counts_fall_back_to_their_range() {
        let mut plane = Array2::zeros((10, 10));
        plane[[3, 3]] = 5.0;
        normalise(&mut plane, Normalisation::Percentile { low: 1.0, high: 98.0 });
        assert_eq!((plane[[3, 3]], plane[[0, 0]]), (1.0, 0.0));
    }
}
