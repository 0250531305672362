//! What became of a node's feature maps.
use super::Between;
use crate::analysis::movement::{Grid, Path, between, clamped};
use crate::inspect::FeatureMaps;
use crate::network::ReceptiveField;
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;
use serde::Serialize;

/// A node's maps of the image and of the moved image, moved back.
#[derive(Debug, Clone, Serialize)]
pub struct NodeEquivariance {
    pub node: String,
    /// Whether each of its pixels comes to lie on one: shifts by multiples of its jump, quarter turns, flips of what lies
    /// evenly. Else its maps are interpolated on the way back, and part of the difference is that.
    pub on_grid: bool,
    /// Of all its pixels that are in both images; `None` where there are none.
    pub whole: Option<NodeAgreement>,
    /// Of those that see the specimen alone, in both; `None` where there are none.
    pub interior: Option<NodeAgreement>,
    /// Kept where the node was asked for by name.
    #[serde(skip)]
    pub difference: Option<NodeDifference>,
}

/// How two sets of feature maps agree, over all features together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NodeAgreement {
    /// Pixels of the node's maps that were compared.
    pub pixels: u64,
    /// ‖T⁻¹ f(T x) − f(x)‖ / ‖f(x)‖, by Euclidean norms; `None` where f(x) is 0 everywhere.
    pub relative: Option<f64>,
    /// Pearson's; `None` where one of the two does not vary.
    pub correlation: Option<f64>,
}

/// Where a node's maps differ.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeDifference {
    /// Root of the mean square over the features, `[y, x]` of the node's own pixels; NaN where there is nothing to
    /// compare.
    pub values: Array2<f32>,
    /// Where it lies on the network's input, as [`FeatureMaps`] do.
    pub origin: [f64; 2],
    pub scale: [f64; 2],
}

/// Which of a node's pixels are compared.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Not,
    Border,
    Interior,
}

impl NodeEquivariance {
    pub(super) fn between(
        (still, moved): (&FeatureMaps, &FeatureMaps),
        field: Option<&ReceptiveField>,
        pair: &Between,
        keep: bool,
    ) -> Self {
        let grid = |maps: &FeatureMaps| Grid { origin: maps.origin, scale: maps.scale };
        let (_, height, width) = still.maps.dim();
        // One number a feature: nothing to move.
        let single = [still, moved].iter().all(|maps| maps.maps.dim().1 * maps.maps.dim().2 == 1);
        let path = Path::between(pair.there, grid(still), grid(moved));
        let part = |at: [usize; 2]| {
            if single {
                return Part::Border;
            }
            if !pair.is_shown(grid(still).middle(at)) {
                return Part::Not;
            }
            let interior = field.is_some_and(|field| pair.is_interior(field, at, path.at(at)));
            if interior { Part::Interior } else { Part::Border }
        };
        let parts = Array2::from_shape_fn((height, width), |(y, x)| part([y, x]));
        let there = |at: [usize; 2]| if single { [0.0; 2] } else { path.at(at) };
        let planes: Vec<_> = still.maps.axis_iter(Axis(0)).zip(moved.maps.axis_iter(Axis(0))).collect();
        let sums: Vec<[Sums; 2]> = planes.par_iter().map(|planes| sums_of(*planes, &parts, &there)).collect();
        let [border, interior] =
            sums.into_iter().fold([Sums::default(); 2], |[a, b], [c, d]| [a.and(c), b.and(d)]);
        let count = |part: Part| parts.iter().filter(|other| **other == part).count() as u64;
        let (border_pixels, interior_pixels) = (count(Part::Border), count(Part::Interior));
        Self {
            node: still.node.clone(),
            on_grid: single || path.is_on_grid(),
            whole: border.and(interior).agreement(border_pixels + interior_pixels),
            interior: interior.agreement(interior_pixels),
            difference: keep.then(|| NodeDifference {
                values: differences(&planes, &parts, &there),
                origin: still.origin,
                scale: still.scale,
            }),
        }
    }
}

/// Of pairs a (moved back) and b (still).
#[derive(Clone, Copy, Default)]
struct Sums {
    n: u64,
    difference: f64,
    a: f64,
    b: f64,
    aa: f64,
    bb: f64,
    ab: f64,
}

impl Sums {
    fn add(&mut self, a: f32, b: f32) {
        let (a, b) = (f64::from(a), f64::from(b));
        self.n += 1;
        self.difference += (a - b) * (a - b);
        self.a += a;
        self.b += b;
        self.aa += a * a;
        self.bb += b * b;
        self.ab += a * b;
    }

    fn and(self, other: Self) -> Self {
        Self {
            n: self.n + other.n,
            difference: self.difference + other.difference,
            a: self.a + other.a,
            b: self.b + other.b,
            aa: self.aa + other.aa,
            bb: self.bb + other.bb,
            ab: self.ab + other.ab,
        }
    }

    fn agreement(self, pixels: u64) -> Option<NodeAgreement> {
        let n = self.n as f64;
        let variances =
            [(self.aa, self.a), (self.bb, self.b)].map(|(square, sum)| square / n - (sum / n).powi(2));
        let covariance = self.ab / n - self.a / n * self.b / n;
        // Below this a variance is what rounding left of none.
        let varies = variances[0] > 1e-12 * self.aa / n && variances[1] > 1e-12 * self.bb / n;
        (pixels > 0).then(|| NodeAgreement {
            pixels,
            relative: (self.bb > 0.0).then(|| (self.difference / self.bb).sqrt()),
            correlation: varies.then(|| (covariance / (variances[0] * variances[1]).sqrt()).clamp(-1.0, 1.0)),
        })
    }
}

/// Of one feature's planes: at the border, and in the interior.
fn sums_of(
    (still, moved): (ArrayView2<'_, f32>, ArrayView2<'_, f32>),
    parts: &Array2<Part>,
    there: &impl Fn([usize; 2]) -> [f64; 2],
) -> [Sums; 2] {
    let [mut border, mut interior] = [Sums::default(); 2];
    for ((y, x), part) in parts.indexed_iter() {
        let sums = match part {
            Part::Not => continue,
            Part::Border => &mut border,
            Part::Interior => &mut interior,
        };
        sums.add(between(moved, there([y, x]), clamped), still[[y, x]]);
    }
    [border, interior]
}

fn differences(
    planes: &[(ArrayView2<'_, f32>, ArrayView2<'_, f32>)],
    parts: &Array2<Part>,
    there: &(impl Fn([usize; 2]) -> [f64; 2] + Sync),
) -> Array2<f32> {
    let mut values = Array2::from_elem(parts.dim(), f32::NAN);
    let lines: Vec<_> = values.axis_iter_mut(Axis(0)).enumerate().collect();
    lines.into_par_iter().for_each(|(y, mut line)| {
        for (x, value) in line.iter_mut().enumerate().filter(|(x, _)| parts[[y, *x]] != Part::Not) {
            let squares = planes.iter().map(|(still, moved)| {
                let apart = f64::from(between(*moved, there([y, x]), clamped) - still[[y, x]]);
                apart * apart
            });
            *value = (squares.sum::<f64>() / planes.len().max(1) as f64).sqrt() as f32;
        }
    });
    values
}
