//! Grey levels, texture, Gaussians and distances against NumPy's, `SciPy`'s and scikit-learn's (tests/reference/likeness.py).
use super::grey::grey_statistics;
use super::neighbours::nearest_distance;
use super::space::distance_in;
use super::{GREY_NAMES, fit_space};
use ndarray::{Array2, Array3};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    image: Vec<f32>,
    shape: (usize, usize, usize),
    grey: Vec<f64>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    rows: Vec<Vec<f64>>,
    files: Vec<usize>,
    named: bool,
    new: Vec<f64>,
    mean: Vec<f32>,
    spread: Vec<f32>,
    variances: Vec<f32>,
    rest: f32,
    distances: Vec<f32>,
    distance: f64,
    points: Vec<Vec<f32>>,
    nearest_distances: Vec<f32>,
    nearest_distance: f64,
}

fn reference() -> Reference {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/analysis/likeness.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn near(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 2e-5 * expected.abs().max(1.0), "{found}, not {expected}");
    }
}

#[test]
fn grey_levels_and_texture_agree_with_numpy_and_scipy() {
    let reference = reference();
    assert_eq!(reference.grey.len(), GREY_NAMES.len());
    let image = Array3::from_shape_vec(reference.shape, reference.image).unwrap();
    for (found, expected) in grey_statistics(image.view()).into_iter().zip(reference.grey) {
        assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
    }
}

#[test]
fn gaussians_and_distances_agree_with_numpy() {
    for case in reference().cases {
        let (images, numbers) = (case.rows.len(), case.rows[0].len());
        let rows = Array2::from_shape_vec((images, numbers), case.rows.concat()).unwrap();
        let names: Vec<&str> = if case.named { vec!["number"; numbers] } else { Vec::new() };
        let space = fit_space("node", &names, rows.view(), &case.files).unwrap();
        near(&space.mean, &case.mean);
        near(&space.spread, &case.spread);
        near(&space.variances, &case.variances);
        near(&[space.rest], &[case.rest]);
        near(&space.distances, &case.distances);
        let found = distance_in(&space, &case.new);
        assert!((found - case.distance).abs() < 1e-4, "{found}, not {}", case.distance);
    }
}

#[test]
fn distances_to_the_nearest_images_agree_with_scikit_learn() {
    for case in reference().cases {
        let (images, numbers) = (case.rows.len(), case.rows[0].len());
        let rows = Array2::from_shape_vec((images, numbers), case.rows.concat()).unwrap();
        let names: Vec<&str> = if case.named { vec!["number"; numbers] } else { Vec::new() };
        let space = fit_space("node", &names, rows.view(), &case.files).unwrap();
        let neighbours = space.neighbours.as_ref().unwrap();
        near(&neighbours.points.concat(), &case.points.concat());
        near(&neighbours.distances, &case.nearest_distances);
        let found = nearest_distance(&space, neighbours, &case.new);
        assert!((found - case.nearest_distance).abs() < 1e-5, "{found}, not {}", case.nearest_distance);
    }
}
