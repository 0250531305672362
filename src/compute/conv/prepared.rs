//! A convolution whose weights are ready, for running a trained network again and again.
use super::engine::{self, Algorithm, Packed};
use super::op::Convolution;
use super::output::Finish;
use super::pass::Pass;
use super::planes::Planes;
use super::shape::{ConvKind, ConvSpec};
use super::{check_bias, elsewhere};
use crate::compute::cpu::{with_all_floats, with_floats};
use crate::compute::{Activation, PoolSpec, activate, concat, is_ours, max_pool2d};
use candle_core::{Result, Tensor, bail};
use std::sync::{Arc, OnceLock};

/// A convolution with fixed weights, and what follows it in the same pass over memory: bias, batch-norm, ReLU, pooling
/// by two. Not differentiable. Weights are packed when they are first used, for each [`Algorithm`] once; what is made of
/// a clone has the same ones.
#[derive(Debug, Clone)]
pub struct PreparedConv {
    kind: ConvKind,
    spec: ConvSpec,
    weight: Tensor,
    bias: Option<Tensor>,
    /// Scale and shift `[channel out]`.
    norm: Option<[Tensor; 2]>,
    relu: bool,
    halve: bool,
    packed: Arc<[OnceLock<Packed>; Algorithm::ALL.len()]>,
}

impl PreparedConv {
    /// `weight` as [`ConvKind`] says, `bias` `[channel out]`.
    ///
    /// # Errors
    /// When they do not fit together.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>, kind: ConvKind, spec: ConvSpec) -> Result<Self> {
        let (weight, bias) = (weight.detach().contiguous()?, bias.map(Tensor::detach));
        let packed = Arc::default();
        let conv = Self { kind, spec, weight, bias, norm: None, relu: false, halve: false, packed };
        check_bias(conv.bias.as_ref(), conv.channels()?)?;
        Ok(conv)
    }

    /// The same with every result times `scale` plus `shift` `[channel out]`: a batch-norm after it. On the CPU the
    /// numbers are those of the two computed one after the other, to the last bit; elsewhere it is folded into the weights.
    ///
    /// # Errors
    /// When their lengths are not the number of channels.
    pub fn scaled(self, scale: &Tensor, shift: &Tensor) -> Result<Self> {
        let (channels, norm) = (self.channels()?, [scale, shift].map(Tensor::detach));
        if let Some(wrong) = norm.iter().find(|v| v.dims() != [channels]) {
            bail!("Convolution: expected scale and shift of {channels}, found {:?}", wrong.dims())
        }
        if !is_ours(&self.weight) {
            return self.folded(&norm);
        }
        Ok(Self { norm: Some(norm), ..self })
    }

    /// Scale and shift multiplied into the weights and added to the bias.
    fn folded(&self, [scale, shift]: &[Tensor; 2]) -> Result<Self> {
        let (first, second, ky, kx) = self.weight.dims4()?;
        let by_channel = match self.kind {
            ConvKind::Plain => scale.reshape((first, 1, 1, 1))?,
            // Weights [group, channel in, channel out / group, …]; scale [group, 1, channel out / group, …].
            ConvKind::Transposed { .. } => {
                let (groups, in_group) = (self.spec.groups, first / self.spec.groups);
                scale
                    .reshape((groups, 1, second))?
                    .broadcast_as((groups, in_group, second))?
                    .reshape((first, second, 1, 1))?
            }
        };
        let weight = self.weight.broadcast_mul(&by_channel.broadcast_as((first, second, ky, kx))?)?;
        let bias = match &self.bias {
            Some(bias) => ((bias * scale)? + shift)?,
            None => shift.clone(),
        };
        Self::new(&weight, Some(&bias), self.kind, self.spec)
    }

    fn channels(&self) -> Result<usize> {
        let (first, second, _, _) = self.weight.dims4()?;
        Ok(if self.kind == ConvKind::Plain { first } else { second * self.spec.groups })
    }

    /// The same with a ReLU after it.
    #[must_use]
    pub fn then_relu(self) -> Self {
        Self { relu: true, ..self }
    }

    /// The same with the largest of each 2×2 pixels kept, after the ReLU. Not of a transposed convolution.
    #[must_use]
    pub fn then_halved(self) -> Self {
        Self { halve: true, ..self }
    }

    /// The result `[batch, channel out, y, x]` on `inputs` `[batch, channel, y, x]`, which are read as if joined along
    /// their channels.
    ///
    /// # Errors
    /// When sizes do not fit.
    pub fn run(&self, inputs: &[&Tensor]) -> Result<Tensor> {
        let (size, channels) = joined_size(inputs)?;
        let convolution = Convolution::new(self.kind, self.spec, size, self.weight.dims4()?.into())?;
        let [batch, _, height, width] = size;
        if !is_ours(inputs[0]) {
            return self.run_elsewhere(&concat(inputs)?);
        }
        let (pass, (channels_out, target)) = (convolution.pass(), convolution.result());
        let target = if self.halve { target.map(|n| n / 2) } else { target };
        if self.halve && (!pass.can_halve() || target.contains(&0)) {
            bail!("Convolution: pooling by two cannot follow in the same pass")
        }
        let values = with_all_floats(inputs, |parts| {
            let parts = parts.iter().copied().zip(channels).collect();
            self.pass_over(&pass, &Planes::joined(parts, height * width))
        })??;
        Tensor::from_vec(values, (batch, channels_out, target[0], target[1]), inputs[0].device())
    }

    fn pass_over(&self, pass: &Pass, planes: &Planes) -> Result<Vec<f32>> {
        let algorithm = Algorithm::choose(pass);
        let place = &self.packed[algorithm as usize];
        let packed = if let Some(packed) = place.get() {
            packed
        } else {
            let packed = with_floats(&self.weight, |weights| Packed::new(algorithm, pass, weights))?;
            place.get_or_init(|| packed)
        };
        let after: Vec<&Tensor> = self.bias.iter().chain(self.norm.iter().flatten()).collect();
        with_all_floats(&after, |after| {
            let (bias, norm) = match *after {
                [] => (None, None),
                [bias] => (Some(bias), None),
                [.., scale, shift] => ((after.len() > 2).then(|| after[0]), Some([scale, shift])),
            };
            engine::run(pass, planes, packed, Finish { bias, norm, relu: self.relu, halve: self.halve })
        })
    }

    fn run_elsewhere(&self, x: &Tensor) -> Result<Tensor> {
        let (weight, bias) = (&self.weight, self.bias.as_ref());
        let mut y = match self.kind {
            ConvKind::Plain => elsewhere::conv2d(x, weight, bias, self.spec)?,
            ConvKind::Transposed { output_padding } => {
                elsewhere::conv_transpose2d(x, weight, bias, self.spec, output_padding)?
            }
        };
        if self.relu {
            y = activate(&y, Activation::Relu)?;
        }
        if self.halve {
            y = max_pool2d(&y, PoolSpec { kernel: [2, 2], stride: [2, 2], padding: [0, 0] })?;
        }
        Ok(y)
    }
}

/// Size `[batch, channel, y, x]` of inputs joined along their channels, and how many channels each has.
fn joined_size(inputs: &[&Tensor]) -> Result<([usize; 4], Vec<usize>)> {
    let Some(first) = inputs.first() else { bail!("Convolution of nothing") };
    let (batch, _, height, width) = first.dims4()?;
    let channels = inputs.iter().map(|input| match *input.dims() {
        [b, c, h, w] if [b, h, w] == [batch, height, width] => Ok(c),
        _ => bail!("Convolution: {:?} and {:?} cannot be joined", first.dims(), input.dims()),
    });
    let channels = channels.collect::<Result<Vec<_>>>()?;
    Ok(([batch, channels.iter().sum(), height, width], channels))
}

/// Which algorithm a convolution of these sizes runs with on this processor.
///
/// # Errors
/// When the sizes do not fit.
pub fn conv_algorithm(
    kind: ConvKind,
    spec: ConvSpec,
    x: [usize; 4],
    weight: [usize; 4],
) -> Result<Algorithm> {
    Ok(Algorithm::choose(&Convolution::new(kind, spec, x, weight)?.pass()))
}

/// Bytes that [`PreparedConv`] keeps beside the weights once a convolution of these sizes has been run on the CPU.
///
/// # Errors
/// When the sizes do not fit.
pub fn conv_packed_bytes(kind: ConvKind, spec: ConvSpec, x: [usize; 4], weight: [usize; 4]) -> Result<u64> {
    let pass = Convolution::new(kind, spec, x, weight)?.pass();
    Ok(engine::packed_bytes(Algorithm::choose(&pass), &pass))
}

#[cfg(test)]
mod tests;
