//! Classical filters of `[y, x]` planes of f32 values. Crates for them work on 8-bit pictures.
use ndarray::{Array2, ArrayView2, Axis, Zip};
use rayon::prelude::*;

/// Gaussian blur of standard deviation `sigma` px, cut off at four of them; the border pixel goes on outside.
pub(super) fn gaussian(plane: ArrayView2<'_, f32>, sigma: f64) -> Array2<f32> {
    let reach = (4.0 * sigma + 0.5) as isize;
    let mut weights: Vec<f64> =
        (-reach..=reach).map(|at| (-0.5 * (at as f64 / sigma).powi(2)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= sum;
    }
    along_both(plane, |line, at| {
        let last = line.len() as isize - 1;
        let term =
            |(k, weight): (isize, &f64)| weight * f64::from(line[(at as isize + k).clamp(0, last) as usize]);
        (-reach..).zip(&weights).map(term).sum::<f64>() as f32
    })
}

/// The middle value of the square of `side` px (odd) around each pixel; the border pixel goes on outside.
pub(super) fn median(plane: ArrayView2<'_, f32>, side: usize) -> Array2<f32> {
    let (height, width) = plane.dim();
    let reach = (side / 2) as isize;
    let inside = |at: isize, length: usize| at.clamp(0, length as isize - 1) as usize;
    let mut out = Array2::zeros((height, width));
    let rows: Vec<_> = out.axis_iter_mut(Axis(0)).enumerate().collect();
    rows.into_par_iter().for_each(|(y, mut row)| {
        let mut values = Vec::with_capacity(side * side);
        for (x, value) in row.iter_mut().enumerate() {
            values.clear();
            for dy in -reach..=reach {
                let line = plane.row(inside(y as isize + dy, height));
                values.extend((-reach..=reach).map(|dx| line[inside(x as isize + dx, width)]));
            }
            let middle = values.len() / 2;
            *value = *values.select_nth_unstable_by(middle, f32::total_cmp).1;
        }
    });
    out
}

/// What is brighter than all that a square of `side` px (odd) fits under: the plane less its opening.
pub(super) fn top_hat(plane: ArrayView2<'_, f32>, side: usize) -> Array2<f32> {
    let reach = side / 2;
    let over = |line: &[f32], at: usize, better: fn(f32, f32) -> f32| {
        let (from, to) = (at.saturating_sub(reach), (at + reach + 1).min(line.len()));
        line[from..to].iter().copied().reduce(better).unwrap_or(0.0)
    };
    let eroded = along_both(plane, |line, at| over(line, at, f32::min));
    let opened = along_both(eroded.view(), |line, at| over(line, at, f32::max));
    &plane - &opened
}

/// Mean and standard deviation over the square of `side` px (odd) around each pixel; the picture is mirrored about its
/// border pixels.
pub(super) fn local_moments(plane: ArrayView2<'_, f32>, side: usize) -> (Array2<f64>, Array2<f64>) {
    let mean = box_mean(plane.mapv(f64::from), side);
    // About the middle of all values, so that squares of large values do not swallow small deviations.
    let middle = mean.mean().unwrap_or(0.0);
    let squares = box_mean(plane.mapv(|value| (f64::from(value) - middle).powi(2)), side);
    let mut deviation = squares;
    Zip::from(&mut deviation)
        .and(&mean)
        .for_each(|square, mean| *square = (*square - (mean - middle).powi(2)).max(0.0).sqrt());
    (mean, deviation)
}

fn box_mean(plane: Array2<f64>, side: usize) -> Array2<f64> {
    let along_rows = mean_along_rows(&plane, side);
    mean_along_rows(&along_rows.reversed_axes().as_standard_layout().to_owned(), side)
        .reversed_axes()
        .as_standard_layout()
        .to_owned()
}

fn mean_along_rows(plane: &Array2<f64>, side: usize) -> Array2<f64> {
    let (width, reach) = (plane.ncols(), (side / 2) as isize);
    let mut out = Array2::zeros(plane.raw_dim());
    let rows: Vec<_> = out.axis_iter_mut(Axis(0)).zip(plane.axis_iter(Axis(0))).collect();
    rows.into_par_iter().for_each(|(mut to, row)| {
        // Sums of all values before each place of the mirrored row.
        let mut sums = vec![0.0];
        let mut sum = 0.0;
        for at in -reach..width as isize + reach {
            sum += row[mirrored(at, width)];
            sums.push(sum);
        }
        for (x, value) in to.iter_mut().enumerate() {
            *value = (sums[x + side] - sums[x]) / side as f64;
        }
    });
    out
}

/// The place that stands for one outside: the row is mirrored about its first and last pixel.
fn mirrored(at: isize, length: usize) -> usize {
    let period = 2 * (length as isize - 1);
    if period <= 0 {
        return 0;
    }
    let at = at.rem_euclid(period);
    at.min(period - at) as usize
}

/// Applies `value(line, place)` along x, then along y.
fn along_both(plane: ArrayView2<'_, f32>, value: impl Fn(&[f32], usize) -> f32 + Sync) -> Array2<f32> {
    let along = |plane: ArrayView2<'_, f32>| {
        let mut out = Array2::zeros(plane.raw_dim());
        let lines: Vec<_> = out.axis_iter_mut(Axis(0)).zip(plane.axis_iter(Axis(0))).collect();
        lines.into_par_iter().for_each(|(mut to, from)| {
            let line = from.to_vec();
            to.iter_mut().enumerate().for_each(|(at, to)| *to = value(&line, at));
        });
        out
    };
    along(along(plane).t()).reversed_axes().as_standard_layout().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_outside_are_mirrored_as_often_as_needed() {
        let found: Vec<usize> = (-4..8).map(|at| mirrored(at, 3)).collect();
        assert_eq!(found, [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]);
        assert_eq!(mirrored(-5, 1), 0);
    }

    #[test]
    fn pictures_of_a_pixel_can_be_filtered() {
        let one = Array2::from_elem((1, 1), 3.0_f32);
        assert_eq!(median(one.view(), 5)[[0, 0]], 3.0);
        assert_eq!(top_hat(one.view(), 41)[[0, 0]], 0.0);
        assert!((gaussian(one.view(), 2.0)[[0, 0]] - 3.0).abs() < 1e-6);
        let (mean, deviation) = local_moments(one.view(), 51);
        assert!((mean[[0, 0]] - 3.0).abs() < 1e-9 && deviation[[0, 0]] < 1e-6);
    }
}
