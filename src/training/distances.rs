//! What training a regressor makes small: mean squared, mean absolute or Huber's error.
use super::Loss;
use candle_core::{Result, Tensor};

/// Of an output `[batch, output, …]` against numbers in the same order; where they are NaN nothing is said and nothing
/// pulls. A scalar, the mean over all known numbers, as PyTorch's `MSELoss`, `L1Loss` and `HuberLoss(delta)` are; 0 where
/// no number is known.
pub(super) fn distance(kind: Loss, delta: f64, output: &Tensor, truth: &[f32]) -> Result<Tensor> {
    let known: Vec<f32> = truth.iter().map(|value| f32::from(value.is_finite())).collect();
    let count = known.iter().filter(|known| **known > 0.0).count();
    let filled: Vec<f32> = truth.iter().map(|v| if v.is_finite() { *v } else { 0.0 }).collect();
    let output = output.flatten_all()?;
    let mut error = (&output - Tensor::from_vec(filled, truth.len(), output.device())?)?;
    if count < truth.len() {
        error = (error * Tensor::from_vec(known, truth.len(), output.device())?)?;
    }
    let each = match kind {
        Loss::MeanAbsolute => error.abs()?,
        Loss::Huber => {
            // d²/2 up to delta and delta · (d − delta/2) beyond it, both as c · (d − c/2) with c the smaller of d, delta.
            let distance = error.abs()?;
            let near = distance.minimum(delta)?;
            (&near * (&distance - (&near * 0.5)?)?)?
        }
        _ => error.sqr()?,
    };
    each.sum_all()? * (1.0 / count.max(1) as f64)
}

#[cfg(test)]
mod tests {
    //! Expected numbers: `tests/reference/losses.py` (PyTorch 2).
    use super::*;
    use candle_core::{Device, Var};

    const OUTPUT: [f32; 8] = [0.5, -1.0, 2.0, 0.1, 1.5, 0.3, -0.7, 0.2];
    const TRUTH: [f32; 8] = [0.0, -1.25, f32::NAN, 0.4, -1.0, 0.3, 0.1, 0.25];

    fn check(kind: Loss, expected: (f32, [f32; 8])) {
        let output = Var::from_slice(&OUTPUT, (2, 2, 2, 1), &Device::Cpu).unwrap();
        let loss = distance(kind, 0.5, output.as_tensor(), &TRUTH).unwrap();
        let gradient = loss.backward().unwrap().get(&output).unwrap().flatten_all().unwrap();
        let value = loss.to_scalar::<f32>().unwrap();
        assert!((value - expected.0).abs() < 1e-6, "{kind:?}: {value}");
        let gradient = gradient.to_vec1::<f32>().unwrap();
        for (found, expected) in gradient.iter().zip(expected.1) {
            assert!((found - expected).abs() < 1e-6, "{kind:?}: {gradient:?}");
        }
    }

    #[test]
    fn each_distance_is_that_of_pytorch() {
        check(Loss::MeanSquared, MEAN_SQUARED);
        check(Loss::MeanAbsolute, MEAN_ABSOLUTE);
        check(Loss::Huber, HUBER);
    }

    #[test]
    fn nothing_known_pulls_nowhere() {
        let output = Tensor::new(&[1.0_f32, 2.0], &Device::Cpu).unwrap();
        let loss = distance(Loss::Huber, 1.0, &output, &[f32::NAN; 2]).unwrap();
        assert_eq!(loss.to_scalar::<f32>().unwrap(), 0.0);
    }

    const MEAN_SQUARED: (f32, [f32; 8]) = (
        1.042_142_9,
        [0.142_857_1, 0.071_428_6, 0.0, -0.085_714_3, 0.714_285_7, 0.0, -0.228_571_4, -0.014_285_7],
    );
    const MEAN_ABSOLUTE: (f32, [f32; 8]) = (
        0.628_571_4,
        [0.142_857_1, 0.142_857_1, 0.0, -0.142_857_1, 0.142_857_1, 0.0, -0.142_857_1, -0.142_857_1],
    );
    const HUBER: (f32, [f32; 8]) = (
        0.228_928_6,
        [0.071_428_6, 0.035_714_3, 0.0, -0.042_857_1, 0.071_428_6, 0.0, -0.071_428_6, -0.007_142_9],
    );
}
