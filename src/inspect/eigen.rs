//! The largest eigenvalues of a symmetric matrix with their vectors.
use crate::monitor::{Cancelled, Monitor};
use ndarray::{Array1, Array2, ArrayView1, Axis, s};

/// Sides up to which all eigenvalues are found at once.
const SMALL: usize = 128;
/// Vectors beside those that are wanted: the further apart the first that is left out lies, the fewer rounds.
const BESIDE: usize = 9;
const MOST_ROUNDS: usize = 400;
const MOST_SWEEPS: usize = 60;
/// How much of the largest eigenvalue a vector may be off.
const EXACT: f64 = 1e-10;

/// The `count` largest eigenvalues, falling, and their vectors of unit length, one a row.
pub(super) fn largest(
    matrix: &Array2<f64>,
    count: usize,
    monitor: &Monitor,
) -> Result<(Vec<f64>, Array2<f64>), Cancelled> {
    let side = matrix.nrows();
    let count = count.min(side);
    let (values, vectors) =
        if side <= SMALL { symmetric_eigen(matrix.clone()) } else { by_subspace(matrix, count, monitor)? };
    Ok((values[..count].to_vec(), vectors.slice(s![..count, ..]).to_owned()))
}

/// All eigenvalues of a symmetric matrix, falling, and their vectors of unit length, one a row: by cyclic rotations
/// (Jacobi 1846), each of which makes one pair beside the diagonal zero, until all are. For at most a few hundred rows.
#[must_use]
pub fn symmetric_eigen(mut matrix: Array2<f64>) -> (Vec<f64>, Array2<f64>) {
    let side = matrix.nrows();
    let mut vectors = Array2::<f64>::eye(side);
    let size: f64 = matrix.iter().map(|value| value * value).sum();
    for _ in 0..MOST_SWEEPS {
        let pairs = (0..side).flat_map(|p| (p + 1..side).map(move |q| (p, q)));
        let beside: f64 = pairs.clone().map(|(p, q)| matrix[[p, q]] * matrix[[p, q]]).sum();
        if beside <= size * f64::EPSILON * f64::EPSILON {
            break;
        }
        pairs.for_each(|(p, q)| rotate(&mut matrix, &mut vectors, p, q));
    }
    let mut order: Vec<usize> = (0..side).collect();
    order.sort_by(|&a, &b| matrix[[b, b]].total_cmp(&matrix[[a, a]]));
    (order.iter().map(|&k| matrix[[k, k]]).collect(), vectors.select(Axis(0), &order))
}

fn rotate(matrix: &mut Array2<f64>, vectors: &mut Array2<f64>, p: usize, q: usize) {
    let off = matrix[[p, q]];
    if off == 0.0 {
        return;
    }
    let theta = (matrix[[q, q]] - matrix[[p, p]]) / (2.0 * off);
    let tangent = theta.signum() / (theta.abs() + theta.mul_add(theta, 1.0).sqrt());
    let cosine = 1.0 / tangent.mul_add(tangent, 1.0).sqrt();
    let sine = tangent * cosine;
    let turn = |a: &mut f64, b: &mut f64| (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    for k in 0..matrix.nrows() {
        let (mut a, mut b) = (matrix[[k, p]], matrix[[k, q]]);
        turn(&mut a, &mut b);
        (matrix[[k, p]], matrix[[k, q]]) = (a, b);
    }
    for rows in [matrix, vectors] {
        for k in 0..rows.ncols() {
            let (mut a, mut b) = (rows[[p, k]], rows[[q, k]]);
            turn(&mut a, &mut b);
            (rows[[p, k]], rows[[q, k]]) = (a, b);
        }
    }
}

/// A few vectors are multiplied with the matrix again and again, and each time turned to stand on each other (subspace
/// iteration with Rayleigh–Ritz; Saad 2011, chapter 5): far fewer products than all eigenvalues would take.
fn by_subspace(
    matrix: &Array2<f64>,
    count: usize,
    monitor: &Monitor,
) -> Result<(Vec<f64>, Array2<f64>), Cancelled> {
    let side = matrix.nrows();
    // Any beginning that leans on no vector alone.
    let begin = |(row, column): (usize, usize)| {
        let bits = (row * side + column + 1) as u64;
        let mixed =
            (bits.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (bits << 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let mut basis = Array2::from_shape_fn(((count + BESIDE).min(side), side), begin);
    stand_apart(&mut basis);
    let mut values = vec![0.0; basis.nrows()];
    for _ in 0..MOST_ROUNDS {
        monitor.check()?;
        let image = basis.dot(matrix);
        let (found, turn) = symmetric_eigen(image.dot(&basis.t()));
        let (vectors, images) = (turn.dot(&basis), turn.dot(&image));
        let off = |k: usize| (&images.row(k) - &(&vectors.row(k) * found[k])).mapv(|v| v * v).sum().sqrt();
        let done = (0..count).all(|k| off(k) <= EXACT * found[0].abs());
        values = found;
        basis = if done { vectors } else { images };
        stand_apart(&mut basis);
        if done {
            break;
        }
    }
    Ok((values, basis))
}

/// Rows of unit length at right angles (Gram–Schmidt, twice, so that rounding does not count).
fn stand_apart(rows: &mut Array2<f64>) {
    for k in 0..rows.nrows() {
        let mut row: Array1<f64> = rows.row(k).to_owned();
        for _ in 0..2 {
            for before in 0..k {
                let earlier: ArrayView1<'_, f64> = rows.row(before);
                let along = earlier.dot(&row);
                row.scaled_add(-along, &earlier);
            }
        }
        let length = row.dot(&row).sqrt();
        if length > 0.0 {
            row /= length;
        }
        rows.row_mut(k).assign(&row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn two_by_two_is_what_is_worked_out_by_hand() {
        let (values, vectors) = largest(&array![[2.0, 1.0], [1.0, 2.0]], 5, &Monitor::silent()).unwrap();
        assert!((values[0] - 3.0).abs() < 1e-14 && (values[1] - 1.0).abs() < 1e-14, "{values:?}");
        assert!((vectors[[0, 0]] - vectors[[0, 1]]).abs() < 1e-14, "{vectors}");
        assert!((vectors[[1, 0]] + vectors[[1, 1]]).abs() < 1e-14, "{vectors}");
    }

    #[test]
    fn a_large_matrix_is_that_of_its_few_vectors() {
        // Aᵢⱼ = Σₖ λₖ uₖᵢ uₖⱼ with cosines, which stand at right angles, as uₖ.
        let side = SMALL + 30;
        let wave = |k: usize| {
            let angle = |i: usize| std::f64::consts::PI * (k as f64) * (i as f64 + 0.5) / side as f64;
            Array1::from_shape_fn(side, |i| angle(i).cos() * (2.0 / side as f64).sqrt())
        };
        let known = [9.0, 4.0, 3.9, 1.0];
        let mut matrix = Array2::<f64>::eye(side) * 0.5;
        for (k, value) in known.iter().enumerate() {
            let wave = wave(k + 1).insert_axis(Axis(0));
            matrix.scaled_add(value - 0.5, &wave.t().dot(&wave));
        }
        let (values, vectors) = largest(&matrix, 3, &Monitor::silent()).unwrap();
        for k in 0..3 {
            assert!((values[k] - known[k]).abs() < 1e-9, "{values:?}");
            let along = vectors.row(k).dot(&wave(k + 1)).abs();
            assert!((along - 1.0).abs() < 1e-9, "vector {k}: {along}");
        }
        let (_, small) = symmetric_eigen(matrix.clone());
        assert!((small.row(0).dot(&vectors.row(0)).abs() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_matrix_of_zeros_has_no_direction_of_its_own() {
        let (values, vectors) =
            largest(&Array2::zeros((SMALL + 1, SMALL + 1)), 3, &Monitor::silent()).unwrap();
        assert_eq!(values, [0.0; 3]);
        assert!(vectors.iter().all(|value| value.is_finite()));
    }

    #[test]
    fn the_matrix_is_put_together_again() {
        let matrix = Array2::from_shape_fn((9, 9), |(i, j)| ((i * j + i + j) % 7) as f64 - 2.0);
        let (values, vectors) = symmetric_eigen(matrix.clone());
        assert!(values.is_sorted_by(|a, b| a >= b));
        let again = vectors.t().dot(&(&vectors * &Array1::from_vec(values).insert_axis(Axis(1))));
        assert!((again - matrix).iter().all(|off| off.abs() < 1e-10));
    }
}
