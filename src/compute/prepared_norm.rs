//! A batch-norm whose statistics are fixed, ready for running a trained network again and again.
use super::concat;
use super::cpu::{build, with_all_floats};
use super::is_ours;
use super::norm::{rectified, scale_and_shift};
use candle_core::{Result, Tensor, bail};

/// One scale and shift a channel, and perhaps a ReLU in the same pass over memory. Not differentiable.
#[derive(Debug, Clone)]
pub struct PreparedNorm {
    scale: Tensor,
    shift: Tensor,
    relu: bool,
}

impl PreparedNorm {
    /// From `weight` and `bias`, running mean and variance, all `[channel]`.
    ///
    /// # Errors
    /// When their lengths differ.
    pub fn new([weight, bias]: [&Tensor; 2], [mean, var]: [&Tensor; 2], eps: f64) -> Result<Self> {
        if weight.rank() != 1 || [bias, mean, var].iter().any(|v| v.dims() != weight.dims()) {
            bail!("Batch norm: expected four vectors of one length, the first is {:?}", weight.dims())
        }
        let [scale, shift] = scale_and_shift([weight, bias], [mean, var], eps)?;
        Ok(Self { scale: scale.detach(), shift: shift.detach(), relu: false })
    }

    /// The same with a ReLU after it.
    #[must_use]
    pub fn then_relu(self) -> Self {
        Self { relu: true, ..self }
    }

    /// What it multiplies by, and what it adds, `[channel]`.
    #[must_use]
    pub fn scale_and_shift(&self) -> [&Tensor; 2] {
        [&self.scale, &self.shift]
    }

    /// The result `[batch, channel, y, x]` on `inputs`, which are read as if joined along their channels.
    ///
    /// # Errors
    /// When sizes do not fit.
    pub fn run(&self, inputs: &[&Tensor]) -> Result<Tensor> {
        let Some(first) = inputs.first() else { bail!("Batch norm of nothing") };
        let (batch, _, height, width) = first.dims4()?;
        let mut channels = Vec::with_capacity(inputs.len());
        for input in inputs {
            match *input.dims() {
                [b, c, h, w] if [b, h, w] == [batch, height, width] => channels.push(c),
                _ => bail!("Batch norm: {:?} and {:?} cannot be joined", first.dims(), input.dims()),
            }
        }
        let joined: usize = channels.iter().sum();
        if self.scale.dims() != [joined] {
            bail!("Batch norm: expected {:?} channels, found {joined}", self.scale.dims())
        }
        if !is_ours(first) {
            return self.run_elsewhere(&concat(inputs)?);
        }
        let plane = height * width;
        let values = with_all_floats(&[&self.scale, &self.shift], |scale_and_shift| {
            with_all_floats(inputs, |parts| {
                let planes = planes(parts, &channels, plane, batch);
                self.values(&planes, [scale_and_shift[0], scale_and_shift[1]], plane)
            })
        })??;
        Tensor::from_vec(values, (batch, joined, height, width), first.device())
    }

    fn values(&self, planes: &[&[f32]], [scale, shift]: [&[f32]; 2], plane: usize) -> Vec<f32> {
        build(planes.len() * plane, plane, |at, out| {
            let channel = at / plane % scale.len();
            let (x, scale, shift) = (planes[at / plane].iter(), scale[channel], shift[channel]);
            if self.relu {
                out.put(x.map(|x| rectified(x * scale + shift)));
            } else {
                out.put(x.map(|x| x * scale + shift));
            }
        })
    }

    fn run_elsewhere(&self, x: &Tensor) -> Result<Tensor> {
        let column = (1, self.scale.elem_count(), 1, 1);
        let y = x.broadcast_mul(&self.scale.reshape(column)?)?.broadcast_add(&self.shift.reshape(column)?)?;
        if self.relu { y.relu() } else { Ok(y) }
    }
}

/// The planes of joined tensors in order: of each image the channels of each part.
fn planes<'a>(parts: &[&'a [f32]], channels: &[usize], plane: usize, batch: usize) -> Vec<&'a [f32]> {
    let mut planes = Vec::with_capacity(batch * channels.iter().sum::<usize>());
    for image in 0..batch {
        for (values, &count) in parts.iter().zip(channels) {
            planes.extend(values[image * count * plane..][..count * plane].chunks_exact(plane));
        }
    }
    planes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::{Activation, activate, batch_norm_eval};
    use candle_core::Device;

    fn numbers(dims: &[usize], seed: usize) -> Tensor {
        let count: usize = dims.iter().product();
        let values: Vec<f32> = (0..count).map(|i| ((i * 37 + seed * 11) % 23) as f32 / 7.0 - 1.5).collect();
        Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
    }

    fn values(x: &Tensor) -> Vec<f32> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn joined_inputs_and_relu_are_what_the_operations_give_one_by_one() {
        let (a, b) = (numbers(&[2, 3, 4, 5], 1), numbers(&[2, 2, 4, 5], 2));
        let [weight, bias, mean, root] = [3, 4, 5, 6].map(|seed| numbers(&[5], seed));
        let var = root.sqr().unwrap();
        let one_by_one =
            batch_norm_eval(&concat(&[&a, &b]).unwrap(), [&weight, &bias], [&mean, &var], 1e-5).unwrap();
        let norm = PreparedNorm::new([&weight, &bias], [&mean, &var], 1e-5).unwrap();
        assert_eq!(values(&norm.run(&[&a, &b]).unwrap()), values(&one_by_one));
        let rectified = activate(&one_by_one, Activation::Relu).unwrap();
        let norm = norm.then_relu();
        assert_eq!(values(&norm.run(&[&a, &b]).unwrap()), values(&rectified));
        let elsewhere = norm.run_elsewhere(&concat(&[&a, &b]).unwrap()).unwrap();
        assert_eq!(values(&elsewhere), values(&rectified));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let vector = |n| numbers(&[n], 1);
        let two = vector(2);
        assert!(PreparedNorm::new([&two, &vector(3)], [&two, &two], 0.1).is_err());
        let norm = PreparedNorm::new([&two, &two], [&two, &two], 9.0).unwrap();
        let error = norm.run(&[&numbers(&[1, 3, 2, 2], 1)]).unwrap_err().to_string();
        assert!(error.contains("expected [2] channels, found 3"), "{error}");
        let error =
            norm.run(&[&numbers(&[1, 1, 2, 2], 1), &numbers(&[1, 1, 2, 1], 1)]).unwrap_err().to_string();
        assert!(error.contains("cannot be joined"), "{error}");
        assert!(norm.run(&[]).is_err());
    }
}
