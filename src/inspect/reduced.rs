//! Small pictures and exact numbers of a node whose maps are too large to keep, filled tile by tile.
use super::moments::Moments;
use super::{FeatureMaps, FeatureStatistics, PlannedNode};
use ndarray::{Array3, ArrayView3, Axis, s};
use rayon::prelude::*;

/// What is kept of a node when its maps are not.
#[derive(Debug, Clone, PartialEq)]
pub struct ReducedMaps {
    /// Means over squares of feature pixels, with the scale that belongs to them; NaN where a value is not finite.
    pub maps: FeatureMaps,
    /// `[channel, y, x]` of the maps themselves.
    pub shape: [usize; 3],
    /// Of all values of the maps themselves.
    pub statistics: Vec<FeatureStatistics>,
}

/// How many feature pixels a small picture's pixel stands for along each axis, so that no side is longer than `longest`.
pub(super) fn step_for(shape: [usize; 3], longest: usize) -> usize {
    shape[1].max(shape[2]).div_ceil(longest.max(1)).max(1)
}

/// Bytes of a node's small pictures.
pub(super) fn reduced_bytes(shape: [usize; 3], longest: usize) -> u64 {
    let step = step_for(shape, longest);
    let [_, height, width] = shape.map(|n| n as u64);
    let numbers = size_of::<Moments>() as u64 + size_of::<FeatureStatistics>() as u64;
    let step = step as u64;
    (shape[0] as u64).saturating_mul(4 * height.div_ceil(step) * width.div_ceil(step) + numbers)
}

/// A node on its way to [`ReducedMaps`].
#[derive(Debug)]
pub(super) struct Reducing {
    node: PlannedNode,
    step: usize,
    sums: Array3<f32>,
    moments: Vec<Moments>,
}

impl Reducing {
    pub(super) fn new(node: &PlannedNode, longest: usize) -> Self {
        let [channels, height, width] = node.shape;
        let step = step_for(node.shape, longest);
        let sums = Array3::zeros((channels, height.div_ceil(step), width.div_ceil(step)));
        Self { node: node.clone(), step, sums, moments: vec![Moments::new(); channels] }
    }

    /// `[channel, y, x]` of the maps themselves.
    pub(super) fn shape(&self) -> [usize; 3] {
        self.node.shape
    }

    /// Takes in a part `[channel, y, x]` that lies at `at` `[y, x]` within the whole maps; each value comes once.
    pub(super) fn add(&mut self, at: [usize; 2], part: ArrayView3<'_, f32>) {
        let step = self.step;
        let channels: Vec<_> = self.sums.axis_iter_mut(Axis(0)).zip(part.axis_iter(Axis(0))).collect();
        channels.into_par_iter().zip(&mut self.moments).for_each(|((mut sums, plane), moments)| {
            for (y, row) in plane.rows().into_iter().enumerate() {
                let copy = row.to_slice().is_none().then(|| row.to_vec());
                let values = row.to_slice().or(copy.as_deref()).unwrap_or_default();
                moments.add(values);
                let mut line = sums.row_mut((at[0] + y) / step);
                let (mut x, mut rest) = (at[1], values);
                while !rest.is_empty() {
                    let (square, after) = rest.split_at((step - x % step).min(rest.len()));
                    line[x / step] += sum(square);
                    x += square.len();
                    rest = after;
                }
            }
        });
    }

    pub(super) fn finish(self) -> ReducedMaps {
        let Self { node, step, sums: mut maps, moments } = self;
        let [_, height, width] = node.shape;
        let (_, rows, columns) = maps.dim();
        let length = |place: usize, whole: usize| step.min(whole - (place * step).min(whole)) as f32;
        for y in 0..rows {
            for x in 0..columns {
                let pixels = length(y, height) * length(x, width);
                maps.slice_mut(s![.., y, x]).mapv_inplace(|sum| {
                    let mean = sum / pixels;
                    if mean.is_finite() { mean } else { f32::NAN }
                });
            }
        }
        let scale = node.scale.map(|scale| scale * step as f64);
        ReducedMaps {
            maps: FeatureMaps { node: node.name, maps, scale, origin: node.origin },
            shape: node.shape,
            statistics: moments.iter().map(Moments::statistics).collect(),
        }
    }
}

/// Summed side by side, so that the compiler makes vectors of it.
fn sum(values: &[f32]) -> f32 {
    let (blocks, rest) = values.as_chunks::<8>();
    let mut sums = [0.0_f32; 8];
    for block in blocks {
        sums.iter_mut().zip(block).for_each(|(sum, value)| *sum += value);
    }
    sums.iter().chain(rest).sum()
}

#[cfg(test)]
mod tests {
    use super::super::statistics;
    use super::*;

    fn node(shape: [usize; 3]) -> PlannedNode {
        PlannedNode { name: "n".into(), shape, scale: [2.0, 2.0], origin: [1.0, -1.0] }
    }

    #[test]
    fn tiles_in_any_cut_give_the_means_and_numbers_of_the_whole() {
        let maps = Array3::from_shape_fn((3, 10, 13), |(c, y, x)| (c * 100 + y * 13 + x) as f32);
        let mut reducing = Reducing::new(&node([3, 10, 13]), 4);
        for rows in [0..3, 3..4, 4..10] {
            for columns in [0..5, 5..13] {
                reducing.add([rows.start, columns.start], maps.slice(s![.., rows.clone(), columns.clone()]));
            }
        }
        let found = reducing.finish();
        // Squares of four: 10 rows make 3, 13 columns 4.
        assert_eq!((found.maps.maps.dim(), found.shape), ((3, 3, 4), [3, 10, 13]));
        assert_eq!((found.maps.scale, found.maps.origin), ([8.0, 8.0], [1.0, -1.0]));
        for ((c, y, x), value) in found.maps.maps.indexed_iter() {
            let square = maps.slice(s![c, y * 4..(y * 4 + 4).min(10), x * 4..(x * 4 + 4).min(13)]);
            let mean = square.sum() / square.len() as f32;
            assert!((value - mean).abs() < 1e-3, "{value} instead of {mean} at {c} {y} {x}");
        }
        let whole = FeatureMaps { node: "n".into(), maps, scale: [2.0; 2], origin: [0.0; 2] };
        for (found, whole) in found.statistics.iter().zip(statistics(&whole)) {
            assert_eq!(
                (found.min, found.max, found.sparsity, found.dead),
                (whole.min, whole.max, whole.sparsity, whole.dead)
            );
            assert!(
                (found.mean - whole.mean).abs() < 1e-4
                    && (found.variance / whole.variance - 1.0).abs() < 1e-6
            );
        }
    }

    #[test]
    fn a_square_with_a_value_that_is_none_is_none() {
        let mut maps = Array3::from_elem((1, 4, 4), 1.0);
        maps[[0, 0, 1]] = f32::INFINITY;
        let mut reducing = Reducing::new(&node([1, 4, 4]), 2);
        reducing.add([0, 0], maps.view());
        let found = reducing.finish();
        assert!(found.maps.maps[[0, 0, 0]].is_nan() && found.maps.maps[[0, 1, 1]] == 1.0);
        assert_eq!(found.statistics[0].max, 1.0);
    }

    #[test]
    fn small_pictures_are_within_their_size() {
        assert_eq!(
            [step_for([1, 64, 64], 64), step_for([1, 65, 3], 64), step_for([1, 2048, 2048], 64)],
            [1, 2, 32]
        );
        assert_eq!(reduced_bytes([2, 2048, 1024], 64) - reduced_bytes([2, 1, 1], 64), 2 * 4 * (64 * 32 - 1));
    }
}
