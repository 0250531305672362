//! Numbers about the pixels of a rectangle.
//!
//! Values that are not finite are counted and left out. The mean is Σv / n, the standard deviation √(Σ(v − mean)² / n),
//! and the median the middle value in order, or the mean of the two in the middle. All are taken of the stored values in
//! double precision, and the same rectangle always gives the same numbers to the last bit.
use super::{AnalysisError, PlaneScale};
use crate::imaging::{Micrograph, Plane};
use crate::monitor::{Cancelled, Monitor};

/// A rectangle of whole pixels; `x`, `y` is its upper left one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Region {
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
}

/// Of one channel. NaN where no value is finite, and zero for `sum`.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Statistics {
    /// Finite values.
    pub n: u64,
    /// NaN and infinite values, which are left out.
    pub not_finite: u64,
    pub mean: f64,
    pub sd: f64,
    pub min: f64,
    pub max: f64,
    pub median: f64,
    pub sum: f64,
}

/// Of all wanted channels of a frame.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RegionStatistics {
    pub region: Region,
    pub frame: usize,
    pub area_px: u64,
    /// Where the picture's axes are lengths.
    pub area_nm2: Option<f64>,
    pub channels: Vec<ChannelStatistics>,
}

/// Of one channel, by name.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ChannelStatistics {
    pub channel: usize,
    pub name: String,
    #[serde(flatten)]
    pub values: Statistics,
}

impl Region {
    /// All of a picture.
    #[must_use]
    pub fn whole(micrograph: &Micrograph) -> Self {
        Self { x: 0, y: 0, width: micrograph.width(), height: micrograph.height() }
    }

    #[must_use]
    pub fn area_px(&self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// Refuses rectangles without pixels, and those that leave the picture.
    fn check(&self, micrograph: &Micrograph) -> Result<(), AnalysisError> {
        let inside = |from: usize, length: usize, side: usize| {
            length > 0 && from.checked_add(length).is_some_and(|end| end <= side)
        };
        let (width, height) = (micrograph.width(), micrograph.height());
        if inside(self.x, self.width, width) && inside(self.y, self.height, height) {
            return Ok(());
        }
        Err(AnalysisError::Place(format!(
            "The rectangle of {} × {} px at {}, {} does not lie in the picture of {width} × {height} px",
            self.width, self.height, self.x, self.y
        )))
    }
}

/// Statistics of some channels of a frame in a rectangle.
///
/// # Errors
/// `Place` when the rectangle leaves the picture; what reading the planes gives.
pub fn region_statistics(
    micrograph: &Micrograph,
    frame: usize,
    channels: &[usize],
    region: Region,
    monitor: &Monitor,
) -> Result<RegionStatistics, AnalysisError> {
    region.check(micrograph)?;
    let mut found = Vec::with_capacity(channels.len());
    for (done, &channel) in channels.iter().enumerate() {
        let plane = micrograph.plane(frame, channel)?;
        let values = statistics(&plane, region, &monitor.part(done, channels.len()))?;
        let name = micrograph.channel_names().get(channel).cloned().unwrap_or_default();
        found.push(ChannelStatistics { channel, name, values });
    }
    let area_px = region.area_px();
    let scale = PlaneScale::of(micrograph.calibration()).filter(PlaneScale::is_length);
    let area_nm2 = scale.map(|scale| area_px as f64 * scale.x * scale.y);
    Ok(RegionStatistics { region, frame, area_px, area_nm2, channels: found })
}

/// Statistics of a plane's pixels in a rectangle; what lies outside the plane does not count.
pub fn statistics(plane: &Plane, region: Region, monitor: &Monitor) -> Result<Statistics, Cancelled> {
    let pixels = Pixels { plane, region };
    let (mut n, mut not_finite, mut sum) = (0_u64, 0_u64, 0.0);
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    pixels.walk(&monitor.part(0, STEPS), |value| {
        if value.is_finite() {
            n += 1;
            sum += value;
            (min, max) = (min.min(value), max.max(value));
        } else {
            not_finite += 1;
        }
    })?;
    if n == 0 {
        let none = f64::NAN;
        return Ok(Statistics {
            n,
            not_finite,
            mean: none,
            sd: none,
            min: none,
            max: none,
            median: none,
            sum,
        });
    }
    let mean = sum / n as f64;
    let mut squares = 0.0;
    pixels.walk(&monitor.part(1, STEPS), |value| {
        if value.is_finite() {
            squares += (value - mean) * (value - mean);
        }
    })?;
    let lower = pixels.of_rank((n - 1) / 2, monitor, 2)?;
    let upper = if n.is_multiple_of(2) { pixels.of_rank(n / 2, monitor, 2 + ROUNDS)? } else { lower };
    let (sd, median) = ((squares / n as f64).sqrt(), f64::midpoint(lower, upper));
    Ok(Statistics { n, not_finite, mean, sd, min, max, median, sum })
}

/// Bits of a value that one round of the search for a rank finds.
const DIGIT: u32 = 16;
/// Rounds of that search.
const ROUNDS: usize = (64 / DIGIT) as usize;
/// Walks over the pixels in all.
const STEPS: usize = 2 + 2 * ROUNDS;

/// The pixels of a rectangle.
struct Pixels<'a> {
    plane: &'a Plane,
    region: Region,
}

impl Pixels<'_> {
    /// Every value, row by row.
    fn walk(&self, monitor: &Monitor, mut each: impl FnMut(f64)) -> Result<(), Cancelled> {
        let Region { x, y, width, height } = self.region;
        let mut row = Vec::new();
        for done in 0..height {
            if done.is_multiple_of(64) {
                monitor.progress(done, height)?;
            }
            self.plane.read_row(y + done, x..x.saturating_add(width), &mut row);
            row.iter().copied().for_each(&mut each);
        }
        Ok(())
    }

    /// The finite value that stands at place `rank`, from 0, when all are in order. Found digit by digit from the highest
    /// on, so that no copy of the values is needed, however many there are.
    fn of_rank(&self, mut rank: u64, monitor: &Monitor, first: usize) -> Result<f64, Cancelled> {
        let mut found = 0_u64;
        for round in 0..ROUNDS {
            let known = DIGIT * round as u32;
            let mut counts = vec![0_u64; 1 << DIGIT];
            self.walk(&monitor.part(first + round, STEPS), |value| {
                let key = ordered(value);
                if value.is_finite() && (known == 0 || key >> (64 - known) == found) {
                    counts[(key >> (64 - DIGIT - known)) as usize & ((1 << DIGIT) - 1)] += 1;
                }
            })?;
            let mut digit = 0;
            for (at, count) in counts.into_iter().enumerate() {
                digit = at as u64;
                if rank < count {
                    break;
                }
                rank -= count;
            }
            found = found << DIGIT | digit;
        }
        Ok(from_ordered(found))
    }
}

const SIGN: u64 = 1 << 63;

/// A number whose order among others is that of the values.
fn ordered(value: f64) -> u64 {
    // Adding zero makes the two zeros one.
    let bits = (value + 0.0).to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

fn from_ordered(key: u64) -> f64 {
    f64::from_bits(if key & SIGN == 0 { !key } else { key & !SIGN })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Calibration, PixelSize};
    use ndarray::{Array2, Array4, array};

    fn of(plane: &Plane, region: [usize; 4]) -> Statistics {
        let [x, y, width, height] = region;
        statistics(plane, Region { x, y, width, height }, &Monitor::silent()).unwrap()
    }

    #[test]
    fn numbers_by_hand() {
        let plane = Plane::from_u8(array![[9, 2, 4, 9], [9, 4, 4, 9], [9, 5, 5, 9], [9, 7, 9, 9]]);
        // 2 4 4 4 5 5 7 9, the textbook's eight values: mean 5, deviation 2.
        let expected = Statistics {
            n: 8,
            not_finite: 0,
            mean: 5.0,
            sd: 2.0,
            min: 2.0,
            max: 9.0,
            median: 4.5,
            sum: 40.0,
        };
        assert_eq!(of(&plane, [1, 0, 2, 4]), expected);
        assert_eq!(of(&plane, [1, 0, 1, 3]).median, 4.0, "of an odd number the middle one");
    }

    #[test]
    fn what_is_not_finite_is_left_out_and_counted() {
        let plane = Plane::from_f32(array![[f32::NAN, -1.5, f32::INFINITY], [0.0, -0.0, 3.0]]);
        let found = of(&plane, [0, 0, 3, 2]);
        assert_eq!((found.n, found.not_finite, found.min, found.max, found.sum), (4, 2, -1.5, 3.0, 1.5));
        assert_eq!(found.median, 0.0);
        let nothing = of(&plane, [0, 0, 1, 1]);
        assert_eq!((nothing.n, nothing.not_finite, nothing.sum), (0, 1, 0.0));
        assert!(nothing.mean.is_nan() && nothing.median.is_nan());
    }

    #[test]
    fn numbers_agree_with_numpy() {
        // NumPy 2.4: mean(), std(), median(), sum() of ((31 y + 17 x) % 97)[4:15, 7:21] and [4:15, 7:22].
        let plane =
            Plane::from_u16(Array2::from_shape_fn((40, 50), |(y, x)| ((y * 31 + x * 17) % 97) as u16));
        let cases = [
            ([7, 4, 14, 11], 154, 48.064_935_064_935_064, 28.025_655_066_008_72, 48.0, 7402.0),
            ([7, 4, 15, 11], 165, 48.460_606_060_606_06, 28.093_242_360_029_52, 49.0, 7996.0),
        ];
        for (region, n, mean, sd, median, sum) in cases {
            let found = of(&plane, region);
            assert_eq!((found.n, found.median, found.sum, found.min, found.max), (n, median, sum, 0.0, 96.0));
            assert!((found.mean - mean).abs() < 1e-12 && (found.sd - sd).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn the_order_of_values_is_that_of_their_keys() {
        let values = [f64::MIN, -2.5, -f64::MIN_POSITIVE, 0.0, 1e-300, 1.0, 1.0 + f64::EPSILON, f64::MAX];
        assert!(values.windows(2).all(|pair| ordered(pair[0]) < ordered(pair[1])));
        assert!(values.iter().all(|value| from_ordered(ordered(*value)) == *value));
        assert_eq!(ordered(-0.0), ordered(0.0));
    }

    #[test]
    fn areas_are_in_nm_only_where_both_axes_are_lengths() {
        let made =
            |calibration| Micrograph::from_array("a", Array4::ones((1, 2, 5, 8)), Vec::new(), calibration);
        let pixel = PixelSize { x_nm: 2.0, y_nm: 3.0, source: "test".to_owned() };
        let region = Region { x: 6, y: 1, width: 2, height: 4 };
        let calibrated = made(Calibration::of_pixel(&pixel));
        let found = region_statistics(&calibrated, 0, &[1], region, &Monitor::silent()).unwrap();
        assert_eq!((found.area_px, found.area_nm2, found.channels[0].values.sum), (8, Some(48.0), 8.0));
        let bare = made(Calibration::default());
        let found = region_statistics(&bare, 0, &[0, 1], Region::whole(&bare), &Monitor::silent()).unwrap();
        assert_eq!((found.area_px, found.area_nm2, found.channels.len()), (40, None, 2));
        for (x, width) in [(7, 2), (0, 0), (9, 1), (usize::MAX, 2)] {
            let outside = Region { x, width, ..region };
            let refused = region_statistics(&bare, 0, &[0], outside, &Monitor::silent());
            assert!(matches!(refused, Err(AnalysisError::Place(_))), "{outside:?}");
        }
    }
}
