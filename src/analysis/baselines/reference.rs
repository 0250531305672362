//! The classical methods against scikit-image's and `SciPy`'s (tests/reference/baselines.py).
use super::{Method, Polarity};
use ndarray::Array2;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Reference {
    shape: (usize, usize),
    picture: Vec<f32>,
    masks: BTreeMap<String, [String; 2]>,
}

#[test]
fn masks_are_those_of_scikit_image() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/analysis/baselines.json");
    let reference: Reference = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let picture = Array2::from_shape_vec(reference.shape, reference.picture).unwrap();
    for method in Method::ALL {
        let sides = [Polarity::Bright, Polarity::Dark].into_iter().zip(&reference.masks[method.name()]);
        for (polarity, expected) in sides {
            let found = method.mask(picture.view(), polarity);
            let other =
                found.iter().zip(expected.chars()).filter(|(found, c)| **found != (*c == '1')).count();
            // Of 4200 pixels a few lie on the threshold to within rounding.
            assert!(other <= 4, "{} {polarity:?}: {other} px differ", method.name());
        }
    }
}
