//! A plane with smaller and smaller copies of itself, so that any part can be drawn at any zoom for the same effort.
//!
//! Level 0 is the plane as it is stored; each level is half as wide and high as the one above, and each of its values the
//! mean of 2 × 2 there. Levels 0 and 1 are made from the stored samples when they are asked for; only levels from
//! [`FIRST_KEPT`] on are kept, as f32, which takes a twelfth of the plane's pixels in all: 300 MB for 30,000 × 30,000.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::Plane;
use crate::monitor::{Cancelled, Monitor};

/// Level 1 from four stored samples a value costs little; the next would cost sixteen.
const FIRST_KEPT: u32 = 2;
/// Rows of the first kept level that are made at a time.
const BAND: usize = 16;
/// Planes of fewer pixels are halved in no time, whatever the zoom.
const SMALL: usize = 1 << 20;

/// A plane and its reduced copies.
#[derive(Debug, Clone)]
pub struct Pyramid {
    plane: Arc<Plane>,
    /// From [`FIRST_KEPT`] on; empty until they are built.
    kept: Vec<Array2<f32>>,
}

impl Pyramid {
    /// The plane alone: reduced levels show single samples until they are built.
    #[must_use]
    pub fn unbuilt(plane: Arc<Plane>) -> Self {
        Self { plane, kept: Vec::new() }
    }

    /// All levels. Values that are not finite are left out of the means; a mean of nothing is NaN.
    pub fn build(plane: Arc<Plane>, monitor: &Monitor) -> Result<Self, Cancelled> {
        let mut level = first_kept(&plane, monitor)?;
        let mut kept = Vec::new();
        while level.nrows().max(level.ncols()) > 1 {
            monitor.check()?;
            let next = halved(level.view());
            kept.push(std::mem::replace(&mut level, next));
        }
        kept.push(level);
        Ok(Self { plane, kept })
    }

    #[must_use]
    pub fn plane(&self) -> &Arc<Plane> {
        &self.plane
    }

    /// `[height, width]` of level 0.
    #[must_use]
    pub fn shape(&self) -> [usize; 2] {
        [self.plane.height(), self.plane.width()]
    }

    #[must_use]
    pub fn is_built(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Small planes are as quick as built ones while a picture of them is made.
    #[must_use]
    pub fn is_worth_building(&self) -> bool {
        self.plane.height() * self.plane.width() >= SMALL && !self.is_built()
    }

    /// Bytes of the copies, without the plane.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.kept.iter().map(|level| level.len() * size_of::<f32>()).sum()
    }

    /// `[rows, columns]` of a level's values from row `top` and column `left` on; fewer where the level ends.
    ///
    /// Of a level that is not built yet, each value is one sample from the middle of its area, or, in a plane so small
    /// that this takes no time, the mean.
    #[must_use]
    pub fn tile(&self, level: u32, [top, left]: [usize; 2], [rows, columns]: [usize; 2]) -> Array2<f32> {
        let [height, width] = self.shape().map(|side| side.div_ceil(1 << level.min(63)));
        let (bottom, right) = ((top + rows).min(height), (left + columns).min(width));
        let (top, left) = (top.min(bottom), left.min(right));
        let kept = level.checked_sub(FIRST_KEPT).and_then(|place| self.kept.get(place as usize));
        if let Some(kept) = kept {
            return kept.slice(s![top..bottom, left..right]).to_owned();
        }
        let step = 1_usize << level.min(63);
        if level < FIRST_KEPT || self.shape()[0] * self.shape()[1] < SMALL {
            let mut values = self.plane.part(top * step..bottom * step, left * step..right * step);
            for _ in 0..level {
                values = halved(values.view());
            }
            return values;
        }
        let at = |place: usize, side: usize| (place * step + step / 2).min(side.saturating_sub(1));
        let [full_height, full_width] = self.shape();
        Array2::from_shape_fn((bottom - top, right - left), |(y, x)| {
            self.plane.value(at(top + y, full_height), at(left + x, full_width)) as f32
        })
    }
}

/// The first level that is kept, from the stored samples, band by band.
fn first_kept(plane: &Plane, monitor: &Monitor) -> Result<Array2<f32>, Cancelled> {
    let step = 1 << FIRST_KEPT;
    let (height, width) = (plane.height().div_ceil(step), plane.width().div_ceil(step));
    let mut level = Array2::zeros((height, width));
    let bands: Vec<_> = level.axis_chunks_iter_mut(Axis(0), BAND).enumerate().collect();
    let total = bands.len();
    let done = std::sync::atomic::AtomicUsize::new(0);
    bands.into_par_iter().try_for_each(|(index, mut band)| {
        let top = index * BAND * step;
        let mut values = plane.part(top..top + BAND * step, 0..plane.width());
        for _ in 0..FIRST_KEPT {
            values = halved(values.view());
        }
        band.assign(&values);
        let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        monitor.progress(done, total)
    })?;
    Ok(level)
}

/// Half as wide and high: each value is the mean of the finite ones of 2 × 2, of fewer at an odd edge.
fn halved(values: ArrayView2<'_, f32>) -> Array2<f32> {
    let values = values.as_standard_layout();
    let (height, width) = values.dim();
    let mut half = Array2::zeros((height.div_ceil(2), width.div_ceil(2)));
    for (y, mut row) in half.rows_mut().into_iter().enumerate() {
        // At an odd edge the last line stands for both; the mean is the same.
        let (upper, lower) = (values.row(2 * y), values.row((2 * y + 1).min(height - 1)));
        if let (Some(upper), Some(lower), Some(row)) =
            (upper.to_slice(), lower.to_slice(), row.as_slice_mut())
        {
            let pairs = upper.chunks(2).zip(lower.chunks(2));
            row.iter_mut().zip(pairs).for_each(|(to, (above, below))| *to = mean(above, below));
        }
    }
    half
}

/// Of one or two values above and as many below.
fn mean(above: &[f32], below: &[f32]) -> f32 {
    if let ([a, b], [c, d]) = (above, below) {
        let quick = (a + b + (c + d)) * 0.25;
        if quick.is_finite() {
            return quick;
        }
    }
    let finite = above.iter().chain(below).filter(|value| value.is_finite());
    let (sum, count) = finite.fold((0.0, 0.0), |(sum, n), value| (sum + f64::from(*value), n + 1.0));
    if count > 0.0 { (sum / count) as f32 } else { f32::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn pyramid(values: Array2<f32>) -> Pyramid {
        Pyramid::build(Arc::new(Plane::from_f32(values)), &Monitor::silent()).unwrap()
    }

    #[test]
    fn every_level_is_the_mean_of_two_by_two_of_the_one_above() {
        let built = pyramid(Array2::from_shape_fn((8, 8), |(y, x)| (8 * y + x) as f32));
        assert_eq!(built.tile(0, [1, 2], [1, 3]), array![[10.0, 11.0, 12.0]]);
        // (0 + 1 + 8 + 9) / 4 = 4.5, and two columns on 2 more.
        assert_eq!(built.tile(1, [0, 0], [1, 2]), array![[4.5, 6.5]]);
        // (4.5 + 6.5 + 20.5 + 22.5) / 4
        assert_eq!(built.tile(2, [0, 0], [9, 9]), array![[13.5, 17.5], [45.5, 49.5]]);
        assert_eq!(built.tile(3, [0, 0], [1, 1]), array![[31.5]], "the mean of all");
        assert_eq!(built.bytes(), 5 * 4);
    }

    #[test]
    fn odd_edges_and_missing_values_do_not_count() {
        let nan = f32::NAN;
        let built = pyramid(array![[1.0, nan, 6.0], [nan, f32::INFINITY, 8.0], [5.0, 7.0, nan]]);
        let level = built.tile(1, [0, 0], [2, 2]);
        assert_eq!(level.slice(s![.., 0]), array![1.0, 6.0]);
        assert_eq!(level[[0, 1]], 7.0);
        assert!(level[[1, 1]].is_nan(), "a mean of nothing");
        assert_eq!(built.tile(2, [0, 0], [1, 1]), array![[14.0 / 3.0]]);
    }

    #[test]
    fn tiles_end_with_their_level_whether_it_is_built_or_not() {
        let plane = Arc::new(Plane::from_u8(Array2::from_shape_fn((1030, 1050), |(y, x)| (y ^ x) as u8)));
        let built = Pyramid::build(Arc::clone(&plane), &Monitor::silent()).unwrap();
        let unbuilt = Pyramid::unbuilt(plane);
        assert!(unbuilt.is_worth_building() && !built.is_worth_building());
        for level in 0..12 {
            for (at, size) in [([0, 0], [64, 64]), ([200, 250], [512, 512]), ([5000, 0], [3, 3])] {
                assert_eq!(built.tile(level, at, size).dim(), unbuilt.tile(level, at, size).dim(), "{level}");
            }
        }
        assert_eq!(
            unbuilt.tile(3, [1, 2], [1, 1])[[0, 0]],
            f32::from(0x0c_u8 ^ 0x14),
            "the middle of its area"
        );
        assert_eq!(built.tile(11, [0, 0], [9, 9]).dim(), (1, 1));
    }

    #[test]
    fn a_small_plane_is_right_without_being_built() {
        let plane = Arc::new(Plane::from_u16(array![[1, 3, 5], [5, 7, 9]]));
        let unbuilt = Pyramid::unbuilt(plane);
        assert!(!unbuilt.is_worth_building());
        assert_eq!(unbuilt.tile(2, [0, 0], [1, 1]), array![[5.5]], "of 4 and 7");
    }

    #[test]
    fn building_stops_when_it_is_not_wanted() {
        let (watch, monitor) = Monitor::watched();
        watch.cancel();
        let plane = Arc::new(Plane::from_u8(Array2::zeros((64, 64))));
        assert_eq!(Pyramid::build(plane, &monitor).unwrap_err(), Cancelled);
    }
}
