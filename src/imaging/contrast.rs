//! From values to brightness, by the data and never by the type's range.

use ndarray::ArrayView2;

/// At most this many values decide the percentiles.
const MOST_SAMPLES: usize = 1 << 20;

/// Values at and below `low` are black, at and above `high` white.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Contrast {
    pub low: f32,
    pub high: f32,
}

/// Which percentiles (0 to 100) of the values are black and white.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Percentiles {
    pub low: f32,
    pub high: f32,
}

impl Default for Percentiles {
    fn default() -> Self {
        Self { low: 0.35, high: 99.65 }
    }
}

impl Percentiles {
    /// Both within 0 to 100 and the lower one first; `None` where one is no number or both are the same.
    #[must_use]
    pub fn checked(low: f32, high: f32) -> Option<Self> {
        let (low, high) = (low.clamp(0.0, 100.0), high.clamp(0.0, 100.0));
        (low != high && !low.is_nan() && !high.is_nan())
            .then(|| Self { low: low.min(high), high: low.max(high) })
    }

    /// The window of an image: symmetric about zero for `signed` colours.
    #[must_use]
    pub fn window(self, values: ArrayView2<'_, f32>, signed: bool) -> Contrast {
        let mut sample = Sample::default();
        sample.add(values, MOST_SAMPLES);
        sample.window(self, signed)
    }
}

/// Finite values out of one image or many, and the range of all of them.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    values: Vec<f32>,
    range: Option<(f32, f32)>,
}

impl Sample {
    /// Takes every n-th value, so that there are at most `most`. The range is that of all finite values.
    pub fn add(&mut self, values: ArrayView2<'_, f32>, most: usize) {
        self.values.extend(sampled(values, most));
        if let Some((min, max)) = finite_range(values) {
            let (before_min, before_max) = self.range.unwrap_or((min, max));
            self.range = Some((min.min(before_min), max.max(before_max)));
        }
    }

    /// The window between two percentiles; for `signed` values the upper percentile of |v| on both sides of zero.
    ///
    /// Where the two are one value though not all values are the same, as in a mask of few pixels, the window spans
    /// all values; where all are the same it has a width of 1.
    #[must_use]
    pub fn window(mut self, percentiles: Percentiles, signed: bool) -> Contrast {
        let (min, max) = self.range.unwrap_or((0.0, 0.0));
        if signed {
            for value in &mut self.values {
                *value = value.abs();
            }
            let reach = percentile(&mut self.values, percentiles.high);
            let reach = if reach == 0.0 { max.max(-min) } else { reach };
            let reach = if reach == 0.0 { 0.5 } else { reach };
            return Contrast { low: -reach, high: reach };
        }
        let mut at = |percent| percentile(&mut self.values, percent);
        let window = Contrast { low: at(percentiles.low), high: at(percentiles.high) };
        if window.low < window.high {
            window
        } else if min < max {
            Contrast { low: min, high: max }
        } else {
            Contrast::of_width_one(min)
        }
    }
}

impl Contrast {
    /// The window between two percentiles (0 to 100) of the finite values, as [`Sample::window`] says; large images are
    /// sampled.
    #[must_use]
    pub fn from_percentiles(values: ArrayView2<'_, f32>, low: f32, high: f32) -> Self {
        Percentiles { low, high }.window(values, false)
    }

    /// The window of the default percentiles, 0.35 and 99.65.
    #[must_use]
    pub fn auto(values: ArrayView2<'_, f32>) -> Self {
        Percentiles::default().window(values, false)
    }

    /// Symmetric about zero, for signed values: percentile 99.65 of |v|.
    #[must_use]
    pub fn auto_signed(values: ArrayView2<'_, f32>) -> Self {
        Percentiles::default().window(values, true)
    }

    /// 0..=1 for a value; NaN gives 0.
    #[must_use]
    pub fn unit(&self, value: f32) -> f32 {
        // Halves, because the width of a window over all of f32 is infinite.
        let (half, width) = (value / 2.0 - self.low / 2.0, self.high / 2.0 - self.low / 2.0);
        if value.is_nan() || value <= self.low {
            0.0
        } else if value >= self.high || width <= 0.0 {
            1.0
        } else {
            half / width
        }
    }

    fn of_width_one(low: f32) -> Self {
        // Beyond 2^24 a float and itself plus one are the same.
        Self { low, high: (low + 1.0).max(low.next_up()) }
    }
}

/// Finite values, every n-th where there are more than `most`.
fn sampled(values: ArrayView2<'_, f32>, most: usize) -> impl Iterator<Item = f32> {
    let width = values.ncols();
    let mut step = values.len().div_ceil(most.max(1)).max(1);
    // A step that shares a factor with the width would look at some columns only.
    while step > 1 && common_divisor(step, width) > 1 {
        step += 1;
    }
    (0..values.len())
        .step_by(step)
        .map(move |i| values[[i / width, i % width]])
        .filter(|value| value.is_finite())
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// NumPy's default percentile: linear between the two nearest ranks; 0 of nothing.
fn percentile(sample: &mut [f32], percent: f32) -> f32 {
    if sample.is_empty() {
        return 0.0;
    }
    let rank = (f64::from(percent) / 100.0).clamp(0.0, 1.0) * (sample.len() - 1) as f64;
    let (_, &mut below, rest) = sample.select_nth_unstable_by(rank.floor() as usize, f32::total_cmp);
    let above = rest.iter().copied().min_by(f32::total_cmp).unwrap_or(below);
    (f64::from(below) + (f64::from(above) - f64::from(below)) * rank.fract()) as f32
}

/// Smallest and largest finite value; `None` when there is none.
fn finite_range(values: ArrayView2<'_, f32>) -> Option<(f32, f32)> {
    values.iter().filter(|v| v.is_finite()).fold(None, |range, &v| {
        let (min, max) = range.unwrap_or((v, v));
        Some((v.min(min), v.max(max)))
    })
}

/// Counts of the finite values in equal bins from `min` to `max`.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    pub min: f32,
    pub max: f32,
    pub counts: Vec<u64>,
    /// NaN and infinite values.
    pub not_finite: u64,
}

impl Histogram {
    /// Counts every value once; the last bin holds `max` itself. A flat image has all its values in the first bin.
    #[must_use]
    pub fn of(values: ArrayView2<'_, f32>, bins: usize) -> Self {
        let bins = bins.max(1);
        let (min, max) = finite_range(values).unwrap_or((0.0, 0.0));
        let (from, width) = (f64::from(min), f64::from(max) - f64::from(min));
        let scale = if width > 0.0 { bins as f64 / width } else { 0.0 };
        let (mut counts, mut not_finite) = (vec![0; bins], 0);
        for &value in values {
            if value.is_finite() {
                counts[(((f64::from(value) - from) * scale) as usize).min(bins - 1)] += 1;
            } else {
                not_finite += 1;
            }
        }
        Self { min, max, counts, not_finite }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn percentiles_are_numpys() {
        // numpy.percentile([3, 1, 4, 1, 5, 9, 2, 6], [10, 90]) = [1.0, 6.9]
        let values = array![[3.0, 1.0, 4.0, 1.0], [5.0, 9.0, 2.0, 6.0]];
        let window = Contrast::from_percentiles(values.view(), 10.0, 90.0);
        assert!((window.low - 1.0).abs() < 1e-6 && (window.high - 6.9).abs() < 1e-6, "{window:?}");
    }

    #[test]
    fn a_flat_image_has_a_window_of_width_one() {
        let flat = |v: f32| Contrast::auto(Array2::from_elem((3, 3), v).view());
        assert_eq!(flat(7.0), Contrast { low: 7.0, high: 8.0 });
        assert!(flat(4e9).high > 4e9);
        assert_eq!(flat(f32::NAN), Contrast { low: 0.0, high: 1.0 });
        assert_eq!(Contrast::auto(Array2::zeros((0, 0)).view()), Contrast { low: 0.0, high: 1.0 });
    }

    #[test]
    fn a_sparse_mask_is_not_black() {
        let mut mask = Array2::<f32>::zeros((100, 100));
        mask[[50, 50]] = 2.0;
        assert_eq!(Contrast::auto(mask.view()), Contrast { low: 0.0, high: 2.0 });
        mask[[50, 50]] = -2.0;
        assert_eq!(Contrast::auto_signed(mask.view()), Contrast { low: -2.0, high: 2.0 });
    }

    #[test]
    fn infinite_and_missing_values_do_not_set_the_window() {
        let values = array![[f32::NAN, 1.0, f32::INFINITY, 2.0, f32::NEG_INFINITY]];
        let window = Contrast::from_percentiles(values.view(), 0.0, 100.0);
        assert_eq!(window, Contrast { low: 1.0, high: 2.0 });
        let units: Vec<f32> = values.iter().map(|&v| window.unit(v)).collect();
        assert_eq!(units, [0.0, 0.0, 1.0, 1.0, 0.0]);
        assert_eq!(window.unit(1.25), 0.25);
        assert_eq!(Contrast { low: f32::MIN, high: f32::MAX }.unit(0.0), 0.5);
    }

    #[test]
    fn a_stack_has_the_window_of_all_its_frames() {
        // numpy.percentile(numpy.arange(200), [5, 95]) = [9.95, 189.05], in two halves.
        let mut sample = Sample::default();
        for half in [100.0f32, 0.0] {
            sample.add(Array2::from_shape_fn((10, 10), |(y, x)| half + (y * 10 + x) as f32).view(), 1000);
        }
        let window = sample.clone().window(Percentiles { low: 5.0, high: 95.0 }, false);
        assert!((window.low - 9.95).abs() < 1e-4 && (window.high - 189.05).abs() < 1e-3, "{window:?}");
        let signed = sample.window(Percentiles { low: 5.0, high: 100.0 }, true);
        assert_eq!(signed, Contrast { low: -199.0, high: 199.0 });
        assert_eq!(Sample::default().window(Percentiles::default(), false), Contrast { low: 0.0, high: 1.0 });
    }

    #[test]
    fn percentiles_are_put_in_order_or_refused() {
        assert_eq!(Percentiles::checked(120.0, 2.0), Some(Percentiles { low: 2.0, high: 100.0 }));
        assert_eq!(Percentiles::checked(f32::NAN, 2.0), None);
        assert_eq!(Percentiles::checked(50.0, 50.0), None);
    }

    #[test]
    fn a_large_image_is_sampled_over_all_columns() {
        // 2048 columns of equal rows: a step of a whole row would see one column only.
        let ramp = Array2::from_shape_fn((1100, 2048), |(_, x)| x as f32);
        let window = Contrast::from_percentiles(ramp.view(), 0.0, 100.0);
        assert!(window.low < 5.0 && window.high > 2042.0, "{window:?}");
    }

    #[test]
    fn a_histogram_counts_every_value_once() {
        let values = array![[0.0, 1.0, 2.0, 3.0], [4.0, f32::NAN, f32::INFINITY, 4.0]];
        let histogram = Histogram::of(values.view(), 4);
        let expected = Histogram { min: 0.0, max: 4.0, counts: vec![1, 1, 1, 3], not_finite: 2 };
        assert_eq!(histogram, expected);
        assert_eq!(Histogram::of(array![[5.0, 5.0]].view(), 3).counts, [2, 0, 0]);
    }
}
