//! How far an image is from the nearest training images.
use crate::network::{FeatureSpace, Neighbours};
use ndarray::ArrayView2;

/// An image is as far as its third nearest training image: one odd image of the training, or two that show nearly the
/// same, do not vouch for all that is like them. On fresh scenes of the training's kinds the first, third and fifth
/// nearest give as many false alarms (`benches/LIKENESS.md`).
const NEAREST: usize = 3;

/// The images of `rows` `[image, number]` as points, and how far each is from its third nearest of other files. Their
/// distance is Euclid's in units of the numbers' spreads: it takes no shape of the training images for granted, and on
/// held-out images of the shipped models gave fewer false alarms in a node's features than the Gaussian's axes.
///
/// `None` where an image has fewer than three of other files.
pub(super) fn neighbours_of(
    rows: ArrayView2<'_, f64>,
    (mean, spread): (&[f32], &[f32]),
    files: &[usize],
) -> Option<Neighbours> {
    let points: Vec<Vec<f32>> = rows
        .outer_iter()
        .map(|row| {
            coordinates(&row.to_vec(), (mean, spread)).map(|z| ((z * 100.0).round() / 100.0) as f32).collect()
        })
        .collect();
    let mut distances = Vec::with_capacity(points.len());
    for (point, file) in points.iter().zip(files) {
        let z: Vec<f64> = point.iter().map(|&value| f64::from(value)).collect();
        let others = points.iter().zip(files).filter(|(_, other)| *other != file).map(|(other, _)| other);
        distances.push(nearest_of(others, &z, NEAREST)? as f32);
    }
    distances.sort_by(f32::total_cmp);
    Some(Neighbours { nearest: NEAREST, points, distances })
}

/// How far an image is from the `nearest`-th nearest of a space's images; infinite where its numbers do not fit the space.
pub(super) fn nearest_distance(space: &FeatureSpace, neighbours: &Neighbours, numbers: &[f64]) -> f64 {
    if numbers.len() != space.mean.len() {
        return f64::INFINITY;
    }
    let z: Vec<f64> = coordinates(numbers, (&space.mean, &space.spread)).collect();
    nearest_of(neighbours.points.iter(), &z, neighbours.nearest).unwrap_or(f64::INFINITY)
}

/// Numbers less their mean in units of their spread.
fn coordinates(numbers: &[f64], (mean, spread): (&[f32], &[f32])) -> impl Iterator<Item = f64> {
    let scale = mean.iter().zip(spread);
    numbers.iter().zip(scale).map(|(number, (&mean, &spread))| (number - f64::from(mean)) / f64::from(spread))
}

/// The `nearest`-th smallest root mean square difference of `z` and a point; `None` of fewer points.
fn nearest_of<'a>(points: impl Iterator<Item = &'a Vec<f32>>, z: &[f64], nearest: usize) -> Option<f64> {
    let distance = |point: &Vec<f32>| {
        let squares = point.iter().zip(z).map(|(&p, z)| (f64::from(p) - z).powi(2));
        (squares.sum::<f64>() / z.len().max(1) as f64).sqrt()
    };
    let mut distances: Vec<f64> = points.map(distance).collect();
    let place = nearest.checked_sub(1).filter(|place| *place < distances.len())?;
    Some(*distances.select_nth_unstable_by(place, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::likeness::fit_space;

    #[test]
    fn points_on_a_line_have_distances_by_hand() {
        // Five images at 0, 1, 2, 3 and 9, of which the last two are of one file; mean 3, spread 1 for this test.
        let rows = ndarray::array![[0.0], [1.0], [2.0], [3.0], [9.0]];
        let found = neighbours_of(rows.view(), (&[3.0], &[1.0]), &[0, 1, 2, 3, 3]).unwrap();
        assert_eq!(found.points, [[-3.0], [-2.0], [-1.0], [0.0], [6.0]]);
        // Third nearest: of 0 3 away, of 1 2, of 2 2; of 3 and 9, which do not count for each other, 3 and 9.
        assert_eq!(found.distances, [2.0, 2.0, 3.0, 3.0, 9.0]);
        assert!(neighbours_of(rows.view(), (&[3.0], &[1.0]), &[0, 0, 0, 1, 1]).is_none());
    }

    #[test]
    fn an_image_between_two_groups_is_far_from_all_though_near_the_mean() {
        let side = |place: usize| if place < 6 { -1.0 } else { 1.0 };
        let rows =
            ndarray::Array2::from_shape_fn((12, 2), |(i, j)| side(i) + 0.01 * ((i * 5 + j * 3) % 7) as f64);
        let space = fit_space("node", &["a", "b"], rows.view(), &(0..12).collect::<Vec<_>>()).unwrap();
        let neighbours = space.neighbours.as_ref().unwrap();
        let (between, within) = (
            nearest_distance(&space, neighbours, &[0.0, 0.0]),
            nearest_distance(&space, neighbours, &[1.02, 1.02]),
        );
        assert!(between > 10.0 * f64::from(neighbours.distances[11]), "{between}");
        assert!(within < 2.0 * f64::from(neighbours.distances[11]), "{within}");
        assert_eq!(nearest_distance(&space, neighbours, &[0.0]), f64::INFINITY);
        assert!(!nearest_distance(&space, neighbours, &[f64::NAN, 0.0]).is_finite());
    }
}
