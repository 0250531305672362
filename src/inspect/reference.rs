//! Numbers of scikit-learn and NumPy: tests/fixtures/inspect/sheet.safetensors, made by `tests/reference/sheet.py`, which
//! says what is in it.
use ndarray::{Array2, Array3};
use safetensors::SafeTensors;

pub(super) struct Reference {
    bytes: Vec<u8>,
    /// Scale and origin `[y, x]` of grids over the plane.
    pub(super) cases: Vec<([f64; 2], [f64; 2])>,
}

pub(super) fn reference() -> Reference {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/inspect/sheet.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let cases = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["cases"]).unwrap();
    Reference { bytes, cases }
}

impl Reference {
    fn tensor(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let tensors = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = tensors.tensor(name).unwrap();
        let value = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
        (tensor.shape().to_vec(), tensor.data().chunks_exact(4).map(value).collect())
    }

    pub(super) fn values(&self, name: &str) -> Vec<f32> {
        self.tensor(name).1
    }

    pub(super) fn plane(&self, name: &str) -> Array2<f32> {
        let (shape, values) = self.tensor(name);
        Array2::from_shape_vec((shape[0], shape[1]), values).unwrap()
    }

    pub(super) fn maps(&self, name: &str) -> Array3<f32> {
        let (shape, values) = self.tensor(name);
        Array3::from_shape_vec((shape[0], shape[1], shape[2]), values).unwrap()
    }
}

/// Both NaN, or no further apart than that.
pub(super) fn close(found: &[f32], expected: &[f32], apart: f32) {
    assert_eq!(found.len(), expected.len());
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let same = (found - expected).abs() <= apart || (found.is_nan() && expected.is_nan());
        assert!(same, "{found} instead of {expected} at {place}");
    }
}
