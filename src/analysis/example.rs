//! A model against the example that came with it.

use super::{AnalysisError, ArrayRun, run_array};
use crate::monitor::Monitor;
use crate::network::Model;
use crate::network::bioimage::Example;
use candle_core::Device;
use serde::Serialize;

/// How far an answer is from the one that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// Largest distance of two numbers.
    pub largest: f32,
    /// Largest expected number, without its sign.
    pub scale: f32,
    /// How many numbers were compared.
    pub values: usize,
}

/// Runs a model on an example, as its card says, and compares.
///
/// # Errors
/// When the example does not fit the network, its answer has another shape, or the run fails.
pub fn compare(model: &Model, example: &Example, monitor: &Monitor) -> Result<Difference, AnalysisError> {
    let device = Device::Cpu;
    let answer = model.graph.output().map(|node| node.name.clone()).unwrap_or_default();
    let run = ArrayRun {
        model,
        input: &example.input,
        normalise: true,
        nodes: Some(vec![answer]),
        device: &device,
    };
    let mut found = None;
    let mut keep = |_: &str, value| {
        found = Some(value);
        true
    };
    run_array(&run, &mut keep, monitor)?;
    let found = found.ok_or_else(|| AnalysisError::Mismatch("The network gave no answer".into()))?;
    // A whole image's numbers may have axes of one index behind them.
    let short = |shape: &[usize]| -> Vec<usize> { shape.iter().copied().filter(|&n| n != 1).collect() };
    let (expected, shape) = (example.output.shape(), found.shape());
    if short(expected) != short(shape) {
        let what = format!("The example's answer has the shape {expected:?}, the network's {shape:?}");
        return Err(AnalysisError::Mismatch(what));
    }
    let mut difference = Difference { largest: 0.0, scale: 0.0, values: found.len() };
    for (ours, theirs) in found.iter().zip(&example.output) {
        let distance = (ours - theirs).abs();
        // NaN on one side alone is as far as can be.
        let distance =
            if distance.is_nan() && ours.is_nan() != theirs.is_nan() { f32::INFINITY } else { distance };
        difference.largest = difference.largest.max(distance);
        difference.scale = difference.scale.max(theirs.abs());
    }
    Ok(difference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::bioimage::import;
    use std::path::{Path, PathBuf};

    fn package(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bioimage").join(name)
    }

    #[test]
    fn packages_answer_as_onnx_runtime_does_with_their_steps() {
        for (name, values, most) in [("older.zip", 140, 1e-6), ("newer", 324, 1e-3), ("last.zip", 286, 0.0)] {
            let imported = import(&package(name), &Monitor::silent()).unwrap();
            let example = imported.test.unwrap();
            let difference = compare(&imported.model, &example, &Monitor::silent()).unwrap();
            assert_eq!(difference.values, values, "{name}");
            assert!(difference.scale >= 0.5, "{name}: an answer of zeros shows nothing");
            assert!(difference.largest <= most, "{name}: {difference:?}");
        }
    }

    #[test]
    fn an_example_that_does_not_fit_is_refused() {
        let imported = import(&package("older.zip"), &Monitor::silent()).unwrap();
        let mut example = imported.test.unwrap();
        example.output = example.input.clone();
        let message = compare(&imported.model, &example, &Monitor::silent()).unwrap_err().to_string();
        assert!(message.contains("The example's answer has the shape [1, 2, 14, 10]"), "{message}");
    }
}
