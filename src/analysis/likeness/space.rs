//! A Gaussian over a few numbers an image, from a few images, and distances in it.
use super::neighbours::neighbours_of;
use crate::inspect::symmetric_eigen;
use crate::network::FeatureSpace;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Most axes that are kept.
const MOST_AXES: usize = 16;
/// Share of the variance that the axes are to explain.
const EXPLAINED: f64 = 0.9;
/// The variance along all other directions is at least that share of the mean variance: a few images leave most
/// directions of many features empty, and what is empty by chance must not count as impossible.
const LEAST: f64 = 0.05;
/// A number's spread is at least that share of the root mean square of all spreads.
const FLOOR: f64 = 0.1;

/// The images' Gaussian, in full precision.
struct Gaussian {
    mean: Array1<f64>,
    spread: Array1<f64>,
    /// One row an axis.
    axes: Array2<f64>,
    variances: Vec<f64>,
    rest: f64,
}

/// Fits a Gaussian to `rows` `[image, number]`, measures each image in one that was made without its file, and keeps the
/// images as points; `of_file` says which images are of one. `named` numbers are each of their own kind, so that no
/// spread is held against another.
///
/// Of n images with d numbers each: z is (number − mean) / spread, the axes are the first eigenvectors of z's covariance
/// (at most 16, at most a third of n − 1, as many as explain 90 %), `rest` is the mean of the other eigenvalues but at
/// least 5 % of the mean of all. `None` of fewer than four files.
#[must_use]
pub fn fit_space(
    of: &str,
    names: &[&str],
    rows: ArrayView2<'_, f64>,
    of_file: &[usize],
) -> Option<FeatureSpace> {
    let all: BTreeSet<usize> = of_file.iter().copied().collect();
    if all.len() < 4 || rows.ncols() == 0 || rows.nrows() != of_file.len() {
        return None;
    }
    let named = !names.is_empty();
    let left_out = |file: &usize| {
        let kept: Vec<usize> = (0..of_file.len()).filter(|&row| of_file[row] != *file).collect();
        let others = Gaussian::of(rows.select(Axis(0), &kept).view(), named);
        let own = (0..of_file.len()).filter(|&row| of_file[row] == *file);
        own.map(|row| others.distance(rows.row(row)) as f32).collect::<Vec<_>>()
    };
    let files: Vec<usize> = all.into_iter().collect();
    let mut distances: Vec<f32> = files.par_iter().flat_map_iter(left_out).collect();
    distances.sort_by(f32::total_cmp);
    let gaussian = Gaussian::of(rows, named);
    let single = |values: &Array1<f64>| values.iter().map(|&value| value as f32).collect::<Vec<_>>();
    let (mean, spread) = (single(&gaussian.mean), single(&gaussian.spread));
    let neighbours = neighbours_of(rows, (&mean, &spread), of_file);
    Some(FeatureSpace {
        of: of.to_owned(),
        names: names.iter().map(ToString::to_string).collect(),
        mean,
        spread,
        axes: gaussian.axes.outer_iter().map(|axis| single(&axis.to_owned())).collect(),
        variances: gaussian.variances.iter().map(|&value| value as f32).collect(),
        rest: gaussian.rest as f32,
        distances,
        neighbours,
    })
}

/// How far an image is from a space's images: the square root of its squared Mahalanobis distance over the number of
/// numbers, so that about 1 is usual. Infinite where the numbers do not fit the space.
pub(super) fn distance_in(space: &FeatureSpace, numbers: &[f64]) -> f64 {
    if numbers.len() != space.mean.len() {
        return f64::INFINITY;
    }
    let double = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect::<Array1<f64>>();
    let mut axes = Array2::zeros((space.axes.len(), space.mean.len()));
    for (mut row, axis) in axes.outer_iter_mut().zip(&space.axes) {
        row.assign(&double(axis));
    }
    let gaussian = Gaussian {
        mean: double(&space.mean),
        spread: double(&space.spread),
        axes,
        variances: space.variances.iter().map(|&value| f64::from(value)).collect(),
        rest: f64::from(space.rest),
    };
    gaussian.distance(ArrayView1::from(numbers))
}

impl Gaussian {
    fn of(rows: ArrayView2<'_, f64>, named: bool) -> Self {
        let (n, d) = rows.dim();
        let freedom = n.saturating_sub(1).max(1) as f64;
        let mean = rows.sum_axis(Axis(0)) / n.max(1) as f64;
        let mut z = &rows - &mean;
        let variance = z.map_axis(Axis(0), |column| column.dot(&column) / freedom);
        let shared = if named { 0.0 } else { FLOOR * FLOOR * variance.sum() / d as f64 };
        let spread = variance.mapv(|variance| (variance + shared).sqrt().max(1e-6));
        z /= &spread;
        let total = z.iter().map(|value| value * value).sum::<f64>() / freedom;
        let (axes, variances) = principal(&z, total, freedom);
        let left = d - variances.len();
        let rest = (total - variances.iter().sum::<f64>()) / left.max(1) as f64;
        let rest = rest.max(LEAST * total / d as f64).max(1e-12);
        Self { mean, spread, axes, variances, rest }
    }

    fn distance(&self, numbers: ArrayView1<'_, f64>) -> f64 {
        let z = (&numbers - &self.mean) / &self.spread;
        let along = self.axes.dot(&z);
        let mut left = z.dot(&z);
        let mut squared = 0.0;
        for (coordinate, variance) in along.iter().zip(&self.variances) {
            squared += coordinate * coordinate / variance;
            left -= coordinate * coordinate;
        }
        if !(squared.is_finite() && left.is_finite()) {
            return f64::INFINITY;
        }
        ((squared + left.max(0.0) / self.rest) / z.len() as f64).sqrt()
    }
}

/// The first eigenvectors of z's covariance, one a row, and their eigenvalues; from the smaller of the two matrices of
/// products, which have the same.
fn principal(z: &Array2<f64>, total: f64, freedom: f64) -> (Array2<f64>, Vec<f64>) {
    let (n, d) = z.dim();
    let by_image = n < d;
    let products = if by_image { z.dot(&z.t()) } else { z.t().dot(z) } / freedom;
    let (values, vectors) = symmetric_eigen(products);
    let most = MOST_AXES.min((n.saturating_sub(1) / 3).max(1));
    let (mut axes, mut variances, mut explained) = (Vec::new(), Vec::new(), 0.0);
    for (value, vector) in values.into_iter().zip(vectors.outer_iter()).take(most) {
        if explained >= EXPLAINED * total || value <= 1e-9 * total.max(1e-12) {
            break;
        }
        let mut axis = if by_image { z.t().dot(&vector) } else { vector.to_owned() };
        // Either sign is the same axis; one of the two is written.
        let largest = axis.iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
        axis /= axis.dot(&axis).sqrt().max(1e-12).copysign(largest);
        axes.extend(axis);
        variances.push(value);
        explained += value;
    }
    (Array2::from_shape_vec((variances.len(), d), axes).unwrap_or_default(), variances)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_equal_spreads_give_distances_by_hand() {
        // Four images at (±1, ±1): both spreads are √(4/3), so z is ±√(3/4) and its covariance the unit matrix.
        let rows = ndarray::array![[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]];
        let space = fit_space("input", &["a", "b"], rows.view(), &[0, 1, 2, 3]).unwrap();
        assert_eq!((space.mean, space.axes.len()), (vec![0.0, 0.0], 1));
        let space = fit_space("input", &["a", "b"], rows.view(), &[0, 1, 2, 3]).unwrap();
        // (2, 0) is z = (√3, 0): any axis and the rest have variance 1, so the distance is √(3 / 2).
        assert!((distance_in(&space, &[2.0, 0.0]) - 1.5_f64.sqrt()).abs() < 1e-6);
        assert_eq!(distance_in(&space, &[2.0]), f64::INFINITY);
        assert_eq!(space.distances.len(), 4);
    }

    #[test]
    fn a_few_images_or_one_file_make_no_space() {
        let rows = ndarray::Array2::from_shape_fn((6, 3), |(i, j)| ((i * 7 + j * 3) % 5) as f64);
        assert!(fit_space("n", &[], rows.view(), &[0, 0, 1, 1, 2, 2]).is_none());
        assert!(fit_space("n", &[], rows.view(), &[0, 0, 1, 1, 2, 3]).is_some());
    }

    #[test]
    fn numbers_that_never_change_make_a_sound_space() {
        let rows = ndarray::Array2::from_elem((5, 3), 4.0);
        let space = fit_space("n", &[], rows.view(), &[0, 1, 2, 3, 4]).unwrap();
        let statistics =
            crate::network::TrainingStatistics { images: 5, pixel_nm: None, spaces: vec![space] };
        statistics.check().unwrap();
    }
}
