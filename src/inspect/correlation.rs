//! How far each feature goes with a class: Pearson's correlation over the places of the feature map.
//!
//! The class plane (a probability, or 1 where a label map has the class) is brought to the feature's grid: each feature
//! pixel is compared with the mean of the plane over its own footprint, the share of the class there. The other way
//! round, a map spread over the source's pixels, every value would be counted as often as it has pixels under it, and a
//! class's borders, which a coarse map cannot know, would count against it.
use super::FeatureMaps;
use super::scale::{Span, mean_over};
use crate::monitor::{Cancelled, Monitor};
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

/// Features between two looks at whether to go on.
const AT_A_TIME: usize = 16;

/// The mean of a plane over the source `[y, x]` under each feature pixel, `[y, x]` of the feature's grid; NaN where a
/// feature pixel lies outside of the plane.
#[must_use]
pub fn on_grid(plane: ArrayView2<'_, f32>, maps: &FeatureMaps) -> Array2<f32> {
    let (_, height, width) = maps.maps.dim();
    let spans = |axis: usize, count: usize, length: usize| -> Vec<Option<Span>> {
        let edge = |index: usize| maps.origin[axis] + index as f64 * maps.scale[axis];
        (0..count).map(|index| Span::within(edge(index), edge(index + 1), length)).collect()
    };
    let (rows, columns) = (spans(0, height, plane.nrows()), spans(1, width, plane.ncols()));
    let mut grid = Array2::from_elem((height, width), f32::NAN);
    let lines: Vec<_> = grid.axis_iter_mut(Axis(0)).collect();
    lines.into_par_iter().zip(&rows).for_each(|(mut line, row)| {
        for (value, column) in line.iter_mut().zip(&columns) {
            if let (Some(row), Some(column)) = (row, column) {
                *value = mean_over(plane, row, column);
            }
        }
    });
    grid
}

/// Pearson's correlation of each feature with a class plane over the source, `[y, x]`: −1…1, over the places where both
/// are finite; NaN for features or planes that are the same everywhere.
pub fn correlations(
    maps: &FeatureMaps,
    plane: ArrayView2<'_, f32>,
    monitor: &Monitor,
) -> Result<Vec<f32>, Cancelled> {
    monitor.stage(&format!("Comparing {} with the class", maps.node));
    let grid = on_grid(plane, maps);
    let features: Vec<_> = maps.maps.axis_iter(Axis(0)).collect();
    let mut found = Vec::with_capacity(features.len());
    for some in features.chunks(AT_A_TIME) {
        monitor.progress(found.len(), features.len())?;
        found.par_extend(some.par_iter().map(|feature| pearson(*feature, grid.view())));
    }
    monitor.progress(1, 1)?;
    Ok(found)
}

/// Over the pairs of finite values.
fn pearson(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>) -> f32 {
    let pairs = || {
        let both = a.iter().copied().zip(b.iter().copied());
        both.filter(|(a, b)| a.is_finite() && b.is_finite())
    };
    let (mut count, mut sums) = (0.0, [0.0_f64; 2]);
    let mut ranges = [[f32::INFINITY, f32::NEG_INFINITY]; 2];
    for (a, b) in pairs() {
        count += 1.0;
        for (place, value) in [a, b].into_iter().enumerate() {
            sums[place] += f64::from(value);
            ranges[place] = [ranges[place][0].min(value), ranges[place][1].max(value)];
        }
    }
    // A mean that is rounded would give what never changes a little variance of its own.
    if ranges.iter().any(|[low, high]| low >= high) {
        return f32::NAN;
    }
    let means = sums.map(|sum| sum / count);
    let (mut both, mut squares) = (0.0, [0.0; 2]);
    for (a, b) in pairs() {
        let (a, b) = (f64::from(a) - means[0], f64::from(b) - means[1]);
        both += a * b;
        squares[0] += a * a;
        squares[1] += b * b;
    }
    (both / (squares[0].sqrt() * squares[1].sqrt())).clamp(-1.0, 1.0) as f32
}

#[cfg(test)]
mod tests {
    use super::super::reference::{close, reference};
    use super::*;
    use ndarray::{Array3, array, s};

    fn maps(maps: Array3<f32>, scale: [f64; 2], origin: [f64; 2]) -> FeatureMaps {
        FeatureMaps { node: "n".into(), maps, scale, origin }
    }

    #[test]
    fn correlations_are_numpy_s_on_every_grid() {
        let reference = reference();
        let (plane, values) = (reference.plane("plane"), reference.maps("maps"));
        for (index, (scale, origin)) in reference.cases.iter().enumerate() {
            let maps = maps(values.clone(), *scale, *origin);
            let grid = on_grid(plane.view(), &maps);
            close(&grid.into_raw_vec_and_offset().0, &reference.values(&format!("grid:{index}")), 1e-6);
            let found = correlations(&maps, plane.view(), &Monitor::silent()).unwrap();
            close(&found, &reference.values(&format!("correlation:{index}")), 1e-5);
            assert!(found[5].is_nan(), "the constant feature goes with nothing");
        }
    }

    #[test]
    fn a_feature_that_is_the_class_has_one_and_its_opposite_minus_one() {
        let class = array![[0.0, 1.0], [1.0, 0.0]];
        let mut both = Array3::zeros((2, 2, 2));
        both.slice_mut(s![0, .., ..]).assign(&class);
        both.slice_mut(s![1, .., ..]).assign(&class.mapv(|value: f32| 5.0 - 3.0 * value));
        let maps = maps(both, [1.0; 2], [0.0; 2]);
        assert_eq!(correlations(&maps, class.view(), &Monitor::silent()).unwrap(), [1.0, -1.0]);
        let nowhere = Array2::zeros((2, 2));
        let found = correlations(&maps, nowhere.view(), &Monitor::silent()).unwrap();
        assert!(found.iter().all(|r| r.is_nan()), "a class that is nowhere goes with nothing");
    }

    #[test]
    fn comparing_stops_when_told_to() {
        let (watch, monitor) = Monitor::watched();
        watch.cancel();
        let maps = maps(Array3::zeros((1, 2, 2)), [1.0; 2], [0.0; 2]);
        assert!(correlations(&maps, Array2::zeros((2, 2)).view(), &monitor).is_err());
    }
}
