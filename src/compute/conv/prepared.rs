//! A convolution whose weights are ready, for running a trained network again and again.
use super::engine::{self, Algorithm, Packed};
use super::op::Convolution;
use super::output::Finish;
use super::pass::Pass;
use super::planes::Planes;
use super::shape::{ConvKind, ConvSpec};
use super::{check_bias, elsewhere};
use crate::compute::cpu::{floats, with_floats};
use crate::compute::{Activation, PoolSpec, activate, concat, max_pool2d};
use candle_core::{Result, Storage, Tensor, bail};
use std::sync::OnceLock;

/// A convolution with fixed weights, and what follows it in the same pass over memory: bias, ReLU, pooling by two.
/// Not differentiable. Weights are packed when they are first used, for each [`Algorithm`] once.
#[derive(Debug)]
pub struct PreparedConv {
    kind: ConvKind,
    spec: ConvSpec,
    weight: Tensor,
    bias: Option<Tensor>,
    relu: bool,
    halve: bool,
    packed: [OnceLock<Packed>; Algorithm::ALL.len()],
}

impl PreparedConv {
    /// `weight` as [`ConvKind`] says, `bias` `[channel out]`.
    ///
    /// # Errors
    /// When they do not fit together.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>, kind: ConvKind, spec: ConvSpec) -> Result<Self> {
        let (weight, bias) = (weight.detach().contiguous()?, bias.map(Tensor::detach));
        let (first, second, _, _) = weight.dims4()?;
        let out = if kind == ConvKind::Plain { first } else { second * spec.groups };
        check_bias(bias.as_ref(), out)?;
        let packed = Default::default();
        Ok(Self { kind, spec, weight, bias, relu: false, halve: false, packed })
    }

    /// The same with every result times `scale` plus `shift` `[channel out]`: a batch-norm after it, folded into it.
    ///
    /// # Errors
    /// When their lengths are not the number of channels.
    pub fn scaled(self, scale: &Tensor, shift: &Tensor) -> Result<Self> {
        let (first, second, ky, kx) = self.weight.dims4()?;
        let by_channel = match self.kind {
            ConvKind::Plain => scale.reshape((first, 1, 1, 1))?,
            // Weights [group, channel in, channel out / group, …]; scale [group, 1, channel out / group, …].
            ConvKind::Transposed { .. } => {
                let scale = scale.reshape((self.spec.groups, 1, second, 1, 1))?;
                let in_group = first / self.spec.groups;
                scale
                    .broadcast_as((self.spec.groups, in_group, second, 1, 1))?
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

    /// The same with a ReLU after it.
    #[must_use]
    pub fn then_relu(self) -> Self {
        Self { relu: true, ..self }
    }

    /// The same with the largest of each 2×2 pixels kept, after the ReLU.
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
        let Some(first) = inputs.first() else { bail!("Convolution of nothing") };
        let (batch, _, height, width) = first.dims4()?;
        let mut channels = Vec::with_capacity(inputs.len());
        for input in inputs {
            match *input.dims() {
                [b, c, h, w] if [b, h, w] == [batch, height, width] => channels.push(c),
                _ => bail!("Convolution: {:?} and {:?} cannot be joined", first.dims(), input.dims()),
            }
        }
        let size = [batch, channels.iter().sum(), height, width];
        let convolution = Convolution::new(self.kind, self.spec, size, self.weight.dims4()?.into())?;
        if !first.device().is_cpu() {
            return self.run_elsewhere(&concat(inputs)?);
        }
        let pass = convolution.pass();
        let inputs = inputs.iter().map(|input| input.contiguous()).collect::<Result<Vec<_>>>()?;
        let guards: Vec<_> = inputs.iter().map(|input| input.storage_and_layout()).collect();
        let mut parts = Vec::with_capacity(guards.len());
        for ((storage, layout), channels) in guards.iter().zip(channels) {
            let Storage::Cpu(storage) = &**storage else { bail!("Convolution: inputs on several devices") };
            parts.push((floats(storage, layout)?, channels));
        }
        let values = self.pass_over(&pass, &Planes::joined(parts, height * width))?;
        let (channels, target) = convolution.result();
        let [height, width] = if self.halve { target.map(|n| n / 2) } else { target };
        Tensor::from_vec(values, (batch, channels, height, width), first.device())
    }

    fn pass_over(&self, pass: &Pass, planes: &Planes) -> Result<Vec<f32>> {
        if self.halve && !pass.can_halve() {
            bail!("Convolution: pooling cannot follow a transposed convolution in the same pass")
        }
        let algorithm = Algorithm::choose(pass);
        let packed = match self.packed[algorithm as usize].get() {
            Some(packed) => packed,
            None => {
                let packed = with_floats(&self.weight, |weights| Packed::new(algorithm, pass, weights))?;
                self.packed[algorithm as usize].get_or_init(|| packed)
            }
        };
        let run = |bias: Option<&[f32]>| {
            engine::run(pass, planes, packed, Finish { bias, relu: self.relu, halve: self.halve })
        };
        match &self.bias {
            Some(bias) => with_floats(bias, |bias| run(Some(bias))),
            None => Ok(run(None)),
        }
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
