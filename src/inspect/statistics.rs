//! Numbers about each feature map, and orders by them.
use super::FeatureMaps;
use super::moments::Moments;
use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

/// Of the finite values of one feature map; NaN where there are none.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct FeatureStatistics {
    pub mean: f32,
    /// Population variance (divided by the number of values).
    pub variance: f32,
    pub min: f32,
    pub max: f32,
    /// Share of exact zeros.
    pub sparsity: f32,
    /// Constant over the whole image; of a one-pixel map: exactly zero.
    pub dead: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum FeatureOrder {
    #[default]
    Index,
    Variance,
    Mean,
    Sparsity,
    /// With a class, by [`super::correlations`].
    Correlation,
}

/// One a feature.
#[must_use]
pub fn statistics(maps: &FeatureMaps) -> Vec<FeatureStatistics> {
    let planes: Vec<_> = maps.maps.axis_iter(Axis(0)).collect();
    planes.into_par_iter().map(of_plane).collect()
}

fn of_plane(plane: ArrayView2<'_, f32>) -> FeatureStatistics {
    let mut moments = Moments::new();
    match plane.to_slice() {
        Some(values) => moments.add(values),
        None => plane.rows().into_iter().for_each(|row| match row.to_slice() {
            Some(values) => moments.add(values),
            None => moments.add(&row.to_vec()),
        }),
    }
    moments.statistics()
}

/// Feature indices in the order to show (largest first, except by index; equal ones by index, NaN last); dead ones
/// left out on request. By correlation the strongest are first, whatever their sign; without correlations it is by
/// index.
#[must_use]
pub fn ordered(
    statistics: &[FeatureStatistics],
    correlations: Option<&[f32]>,
    by: FeatureOrder,
    hide_dead: bool,
) -> Vec<usize> {
    let mut order: Vec<usize> =
        (0..statistics.len()).filter(|&index| !(hide_dead && statistics[index].dead)).collect();
    let key = |index: usize| {
        let value = match by {
            FeatureOrder::Index => 0.0,
            FeatureOrder::Variance => statistics[index].variance,
            FeatureOrder::Mean => statistics[index].mean,
            FeatureOrder::Sparsity => statistics[index].sparsity,
            FeatureOrder::Correlation => {
                correlations.map_or(0.0, |all| all.get(index).map_or(f32::NAN, |r| r.abs()))
            }
        };
        if value.is_nan() { f32::NEG_INFINITY } else { value }
    };
    order.sort_by(|&a, &b| key(b).total_cmp(&key(a)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, array};

    fn of(maps: Array3<f32>) -> Vec<FeatureStatistics> {
        statistics(&FeatureMaps { node: "n".into(), maps, scale: [1.0; 2], origin: [0.0; 2] })
    }

    #[test]
    fn numbers_are_those_of_the_finite_values() {
        let found = of(array![[[0.0, 2.0], [4.0, 0.0]], [[f32::NAN, 1.0], [3.0, f32::INFINITY]]]);
        assert_eq!(
            found[0],
            FeatureStatistics { mean: 1.5, variance: 2.75, min: 0.0, max: 4.0, sparsity: 0.5, dead: false }
        );
        assert_eq!(
            found[1],
            FeatureStatistics { mean: 2.0, variance: 1.0, min: 1.0, max: 3.0, sparsity: 0.0, dead: false }
        );
    }

    #[test]
    fn constant_and_undefined_maps_are_dead() {
        let nan = f32::NAN;
        let found = of(array![[[0.0, 0.0]], [[7.0, 7.0]], [[nan, nan]], [[0.0, 1e-30]]]);
        assert_eq!(found.iter().map(|s| s.dead).collect::<Vec<_>>(), [true, true, true, false]);
        assert!(found[2].mean.is_nan());
        let dense = of(array![[[0.0]], [[2.0]]]);
        assert_eq!(dense.iter().map(|s| s.dead).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn orders_put_the_largest_first_and_equal_ones_by_index() {
        // Means 1, 3, 3, NaN; variances 1, 0, 4, NaN; sparsities 1/2, 0, 0, 0.
        let found = of(array![[[0.0, 2.0]], [[3.0, 3.0]], [[1.0, 5.0]], [[f32::NAN, f32::NAN]]]);
        let cases = [
            (FeatureOrder::Index, false, vec![0, 1, 2, 3]),
            (FeatureOrder::Index, true, vec![0, 2]),
            (FeatureOrder::Variance, false, vec![2, 0, 1, 3]),
            (FeatureOrder::Mean, false, vec![1, 2, 0, 3]),
            (FeatureOrder::Sparsity, false, vec![0, 1, 2, 3]),
            (FeatureOrder::Mean, true, vec![2, 0]),
            (FeatureOrder::Correlation, false, vec![0, 1, 2, 3]),
        ];
        for (by, hide_dead, expected) in cases {
            assert_eq!(ordered(&found, None, by, hide_dead), expected, "{by:?}, hiding dead {hide_dead}");
        }
    }

    #[test]
    fn the_strongest_correlation_is_first_whatever_its_sign() {
        let found = of(array![[[0.0, 2.0]], [[3.0, 3.0]], [[1.0, 5.0]], [[0.0, 1.0]]]);
        let correlations = [0.2, f32::NAN, -0.9, 0.5];
        let by = |hide_dead| ordered(&found, Some(&correlations), FeatureOrder::Correlation, hide_dead);
        assert_eq!((by(false), by(true)), (vec![2, 3, 0, 1], vec![2, 3, 0]));
    }
}
