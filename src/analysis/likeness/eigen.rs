//! Eigenvectors of a symmetric matrix by Jacobi's rotations (1846): exact to rounding, and enough for a few hundred
//! rows. No crate, for the one that has them takes longer to build than all of this room.
use ndarray::{Array1, Array2};

/// Sweeps over all pairs; a dozen is always enough.
const SWEEPS: usize = 40;

/// Eigenvalues from large to small, and the eigenvectors of unit length, one a row.
pub(super) fn symmetric_eigen(matrix: &Array2<f64>) -> (Vec<f64>, Array2<f64>) {
    let side = matrix.nrows();
    let mut rows: Vec<Vec<f64>> = matrix.outer_iter().map(|row| row.to_vec()).collect();
    let mut vectors: Vec<Vec<f64>> =
        Array2::eye(side).outer_iter().map(|row: ndarray::ArrayView1<'_, f64>| row.to_vec()).collect();
    let scale = matrix.iter().map(|value| value * value).sum::<f64>().sqrt();
    for _ in 0..SWEEPS {
        let mut turned = false;
        for p in 0..side {
            for q in p + 1..side {
                turned |= turn(&mut rows, &mut vectors, (p, q), 1e-14 * scale);
            }
        }
        if !turned {
            break;
        }
    }
    let mut order: Vec<usize> = (0..side).collect();
    order.sort_by(|&a, &b| rows[b][b].total_cmp(&rows[a][a]));
    let values = order.iter().map(|&place| rows[place][place]).collect();
    let mut sorted = Array2::zeros((side, side));
    for (mut to, place) in sorted.outer_iter_mut().zip(order) {
        to.assign(&Array1::from_vec(std::mem::take(&mut vectors[place])));
    }
    (values, sorted)
}

/// Makes the value at (p, q) zero by a rotation in that plane; false where it is so small that it counts as zero.
fn turn(rows: &mut [Vec<f64>], vectors: &mut [Vec<f64>], (p, q): (usize, usize), least: f64) -> bool {
    let apq = rows[p][q];
    if apq.abs() <= least {
        return false;
    }
    let theta = (rows[q][q] - rows[p][p]) / (2.0 * apq);
    let tangent = 1.0_f64.copysign(theta) / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    for row in rows.iter_mut() {
        let (a, b) = (row[p], row[q]);
        (row[p], row[q]) = (cosine * a - sine * b, sine * a + cosine * b);
    }
    rotate(rows, (p, q), (cosine, sine));
    rotate(vectors, (p, q), (cosine, sine));
    true
}

/// Rotates two rows.
fn rotate(rows: &mut [Vec<f64>], (p, q): (usize, usize), (cosine, sine): (f64, f64)) {
    let (before, after) = rows.split_at_mut(q);
    for (a, b) in before[p].iter_mut().zip(&mut after[0]) {
        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn eigenvectors_are_those_by_hand() {
        // [[2, 1], [1, 2]] has 3 along (1, 1) and 1 along (1, −1).
        let (values, vectors) = symmetric_eigen(&array![[2.0, 1.0], [1.0, 2.0]]);
        assert!((values[0] - 3.0).abs() < 1e-12 && (values[1] - 1.0).abs() < 1e-12);
        assert!((vectors[[0, 0]] - vectors[[0, 1]]).abs() < 1e-12);
        assert!((vectors[[1, 0]] + vectors[[1, 1]]).abs() < 1e-12);
    }

    #[test]
    fn the_matrix_is_put_together_again() {
        let matrix = Array2::from_shape_fn((9, 9), |(i, j)| ((i * j + i + j) % 7) as f64 - 2.0);
        let (values, vectors) = symmetric_eigen(&matrix);
        assert!(values.is_sorted_by(|a, b| a >= b));
        let again = vectors.t().dot(&(&vectors * &Array1::from_vec(values).insert_axis(ndarray::Axis(1))));
        assert!((again - matrix).iter().all(|off| off.abs() < 1e-10));
    }
}
