//! Numbers about two sets of values of the same places.
use crate::analysis::AnalysisError;
use crate::analysis::memory;
use crate::inspect::FeatureMaps;
use ndarray::{Array2, ArrayView2, Axis};
use serde::Serialize;

/// Over all pairs of values that are both numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ValueAgreement {
    pub n: u64,
    /// Pearson's; `None` where one of the two does not vary.
    pub correlation: Option<f64>,
    /// Mean of A − B.
    pub mean: f64,
    /// Mean of |A − B|.
    pub mean_absolute: f64,
    /// The largest |A − B|, and where on the source, `[y, x]` px: the pixel's middle.
    pub largest: f32,
    pub at: [f64; 2],
}

/// Where two sights differ.
#[derive(Debug, Clone, PartialEq)]
pub struct DifferenceMap {
    /// A − B where one value a pixel is compared, else the largest |A − B| of any class; `[y, x]`, NaN where there is
    /// nothing to compare.
    pub values: Array2<f32>,
    /// Where it lies on the source, as [`FeatureMaps`] do.
    pub origin: [f64; 2],
    pub scale: [f64; 2],
    /// Whether it is A − B.
    pub signed: bool,
}

/// Planes of the source's own size, in pairs.
pub(super) fn of_planes(pairs: &[[ArrayView2<'_, f32>; 2]]) -> (DifferenceMap, Option<ValueAgreement>) {
    let size = pairs.first().map_or((0, 0), |[a, _]| a.dim());
    let signed = pairs.len() == 1;
    let (origin, scale) = ([0.0; 2], [1.0; 2]);
    let mut map = DifferenceMap { values: Array2::from_elem(size, f32::NAN), origin, scale, signed };
    let mut sums = Sums::default();
    for [a, b] in pairs {
        for (((at, &a), &b), value) in a.indexed_iter().zip(b).zip(&mut map.values) {
            let difference = sums.add(a, b, at);
            if signed {
                *value = difference;
            } else if difference.is_finite() {
                // The maximum of a number and none is the number.
                *value = value.max(difference.abs());
            }
        }
    }
    let values = sums.agreement(&map);
    (map, values)
}

/// Two feature maps, on the grid of the finer one: each of its pixels against the pixel of the other that lies over its
/// middle.
pub(super) fn of_features(
    [(a, of_a), (b, of_b)]: [(&FeatureMaps, usize); 2],
) -> Result<(DifferenceMap, Option<ValueAgreement>), AnalysisError> {
    let area = |maps: &FeatureMaps| maps.scale[0] * maps.scale[1];
    let a_is_finer = area(a) <= area(b);
    let (fine, coarse) = if a_is_finer { ((a, of_a), (b, of_b)) } else { ((b, of_b), (a, of_a)) };
    let (maps, other) = (fine.0, coarse.0);
    let (_, height, width) = maps.maps.dim();
    memory::check_free("The map of the difference", memory::f32_bytes([1, height, width]))?;
    let plane = maps.maps.index_axis(Axis(0), fine.1);
    let over = other.maps.index_axis(Axis(0), coarse.1);
    let mut map = DifferenceMap {
        values: Array2::from_elem((height, width), f32::NAN),
        origin: maps.origin,
        scale: maps.scale,
        signed: true,
    };
    let single = plane.len() == 1 && over.len() == 1;
    let mut sums = Sums::default();
    for ((y, x), value) in map.values.indexed_iter_mut() {
        let middle = [(0, y), (1, x)]
            .map(|(axis, at): (usize, usize)| maps.origin[axis] + (at as f64 + 0.5) * maps.scale[axis]);
        let there = if single { Some([0, 0]) } else { other.pixel_at(middle) };
        let Some(there) = there else { continue };
        let (mine, theirs) = (plane[[y, x]], over[there]);
        let (a, b) = if a_is_finer { (mine, theirs) } else { (theirs, mine) };
        *value = sums.add(a, b, (y, x));
    }
    let values = sums.agreement(&map);
    Ok((map, values))
}

#[derive(Default)]
struct Sums {
    n: u64,
    a: f64,
    b: f64,
    aa: f64,
    bb: f64,
    ab: f64,
    absolute: f64,
    largest: f32,
    at: (usize, usize),
}

impl Sums {
    /// Gives A − B; pairs of which one is no number do not count.
    fn add(&mut self, a: f32, b: f32, at: (usize, usize)) -> f32 {
        let difference = a - b;
        if !difference.is_finite() {
            return difference;
        }
        self.n += 1;
        if difference.abs() > self.largest {
            (self.largest, self.at) = (difference.abs(), at);
        }
        let (a, b) = (f64::from(a), f64::from(b));
        self.a += a;
        self.b += b;
        self.aa += a * a;
        self.bb += b * b;
        self.ab += a * b;
        self.absolute += (a - b).abs();
        difference
    }

    fn agreement(&self, map: &DifferenceMap) -> Option<ValueAgreement> {
        if self.n == 0 {
            return None;
        }
        let n = self.n as f64;
        let variance = |squares: f64, sum: f64| squares / n - (sum / n) * (sum / n);
        let (a, b) = (variance(self.aa, self.a), variance(self.bb, self.b));
        // Below this a variance is what rounding left of none.
        let varies = a > 1e-12 * self.aa / n && b > 1e-12 * self.bb / n;
        let covariance = self.ab / n - self.a / n * self.b / n;
        let place = |axis: usize, at: usize| map.origin[axis] + (at as f64 + 0.5) * map.scale[axis];
        Some(ValueAgreement {
            n: self.n,
            correlation: varies.then(|| (covariance / (a * b).sqrt()).clamp(-1.0, 1.0)),
            mean: (self.a - self.b) / n,
            mean_absolute: self.absolute / n,
            largest: self.largest,
            at: [place(0, self.at.0), place(1, self.at.1)],
        })
    }
}
