//! Adam with decoupled weight decay (Loshchilov & Hutter 2019), its moments in the open so that training can be resumed.
use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};
use std::collections::BTreeMap;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// A trained tensor with the running means of its gradient and of its square.
pub(super) struct Trained {
    pub var: Var,
    pub first_moment: Tensor,
    pub second_moment: Tensor,
}

/// The optimiser over named tensors.
pub(super) struct AdamW {
    pub trained: BTreeMap<String, Trained>,
    pub weight_decay: f64,
    /// Steps done.
    pub steps: usize,
}

impl AdamW {
    pub(super) fn new(vars: impl IntoIterator<Item = (String, Var)>, weight_decay: f64) -> Result<Self> {
        let zeros = |(name, var): (String, Var)| {
            let (first_moment, second_moment) = (var.zeros_like()?, var.zeros_like()?);
            Ok((name, Trained { var, first_moment, second_moment }))
        };
        let trained = vars.into_iter().map(zeros).collect::<Result<_>>()?;
        Ok(Self { trained, weight_decay, steps: 0 })
    }

    /// One step down the gradients. Biases and norms (one axis) do not decay.
    pub(super) fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<()> {
        self.steps += 1;
        let exponent = self.steps as i32;
        let (debias1, debias2) = (1.0 - BETA1.powi(exponent), 1.0 - BETA2.powi(exponent));
        for trained in self.trained.values_mut() {
            let Some(gradient) = gradients.get(&trained.var) else { continue };
            // Detached, or each step would keep the graph of all steps before it.
            let gradient = gradient.detach();
            trained.first_moment = ((&trained.first_moment * BETA1)? + (&gradient * (1.0 - BETA1))?)?;
            trained.second_moment = ((&trained.second_moment * BETA2)? + (gradient.sqr()? * (1.0 - BETA2))?)?;
            let scale = ((&trained.second_moment / debias2)?.sqrt()? + EPSILON)?;
            let update = ((&trained.first_moment * (learning_rate / debias1))? / scale)?;
            let value = trained.var.as_tensor().detach();
            let decay = if value.rank() > 1 { 1.0 - learning_rate * self.weight_decay } else { 1.0 };
            trained.var.set(&((value * decay)? - update)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// `tests/reference/losses.py`, the line "adamw".
    #[test]
    fn three_steps_are_those_of_pytorch() {
        let matrix = Var::from_slice(&[1.0f32, -2.0, 0.5], (1, 3), &Device::Cpu).unwrap();
        let bias = Var::from_slice(&[0.3f32], 1, &Device::Cpu).unwrap();
        let vars = [("matrix".to_owned(), matrix.clone()), ("bias".to_owned(), bias.clone())];
        let mut adamw = AdamW::new(vars, 0.1).unwrap();
        for step in 1..=3 {
            // The gradient of Σ p² · step / 2 is p · step.
            let half = f64::from(step) / 2.0;
            let loss =
                (matrix.sqr().unwrap().sum_all().unwrap() + bias.sqr().unwrap().sum_all().unwrap()).unwrap();
            adamw.step(&(loss * half).unwrap().backward().unwrap(), 0.01).unwrap();
        }
        let found = matrix.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (found, expected) in found.iter().zip([0.967_770_3f32, -1.964_787_2, 0.469_240_7]) {
            assert!((found - expected).abs() < 2e-6, "{found} is not {expected}");
        }
        let found = bias.to_vec1::<f32>().unwrap()[0];
        assert!((found - 0.270_674_8).abs() < 1e-6, "{found}");
    }
}
