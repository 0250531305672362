//! What each operation computes; the one place that turns an [`Op`] into calls of [`crate::compute`].

mod further;
mod named;

use super::{BatchStatistics, NetworkError, Node, Op, Resample, TrainState, Weights};
use crate::compute::{
    self, Activation, ConvKind, ConvSpec, Interpolation, PoolSpec, PreparedConv, PreparedNorm,
};
use candle_core::{Result, Tensor};
use rand::RngExt;

/// A node about to be computed.
pub(super) struct Layer<'a> {
    pub(super) node: &'a Node,
    pub(super) weights: &'a Weights,
    pub(super) inputs: &'a [&'a Tensor],
    /// Whether a ReLU is computed with the node: in training, after a batch-norm.
    pub(super) then_relu: bool,
}

impl Layer<'_> {
    /// The node's value; `train` when training.
    pub(super) fn forward(
        &self,
        train: Option<&mut TrainState>,
    ) -> std::result::Result<Tensor, NetworkError> {
        if let Op::Constant { .. } = self.node.op {
            // A batch of one, which is repeated where it meets others.
            return self.weight("value")?.unsqueeze(0).map_err(|source| self.failed(source));
        }
        let Some(x) = self.inputs.first() else {
            return Err(NetworkError::Graph(format!("Node {} has nothing to compute from", self.node.name)));
        };
        let value = match &self.node.op {
            Op::Conv2d { bias, .. } | Op::ConvTranspose2d { bias, .. } => {
                let (weight, bias) = (self.weight("weight")?, self.bias(*bias)?);
                match self.node.op.convolution() {
                    Some((ConvKind::Transposed { output_padding }, spec)) => {
                        compute::conv_transpose2d(x, weight, bias, spec, output_padding)
                    }
                    Some((ConvKind::Plain, spec)) => compute::conv2d(x, weight, bias, spec),
                    None => return Err(self.without("convolution")),
                }
            }
            Op::Linear { bias, .. } => linear(x, self.weight("weight")?, self.bias(*bias)?),
            Op::BatchNorm2d { eps, .. } => return self.batch_norm(x, *eps, train),
            Op::GroupNorm { groups, eps, .. } => {
                compute::group_norm(x, *groups, [self.weight("weight")?, self.weight("bias")?], *eps)
            }
            Op::LayerNorm { eps, .. } => {
                compute::layer_norm(x, [self.weight("weight")?, self.weight("bias")?], *eps)
            }
            Op::Dropout { p } => match train {
                Some(state) => dropout(x, *p, state),
                None => Ok((*x).clone()),
            },
            op => without_weights(op, self.inputs),
        };
        value.map_err(|source| self.failed(source))
    }

    /// The node's convolution with its weights, ready to run.
    pub(super) fn prepared_conv(&self) -> std::result::Result<PreparedConv, NetworkError> {
        let bias =
            matches!(self.node.op, Op::Conv2d { bias: true, .. } | Op::ConvTranspose2d { bias: true, .. });
        let (kind, spec) = self.node.op.convolution().ok_or_else(|| self.without("convolution"))?;
        PreparedConv::new(self.weight("weight")?, self.bias(bias)?, kind, spec).map_err(|e| self.failed(e))
    }

    /// The node's batch-norm with its running statistics, ready to run.
    pub(super) fn prepared_norm(&self) -> std::result::Result<PreparedNorm, NetworkError> {
        let Op::BatchNorm2d { eps, .. } = self.node.op else { return Err(self.without("batch-norm")) };
        let affine = [self.weight("weight")?, self.weight("bias")?];
        let running = [self.weight("running_mean")?, self.weight("running_var")?];
        PreparedNorm::new(affine, running, eps).map_err(|e| self.failed(e))
    }

    fn batch_norm(
        &self,
        x: &Tensor,
        eps: f64,
        train: Option<&mut TrainState>,
    ) -> std::result::Result<Tensor, NetworkError> {
        let [weight, bias] = [self.weight("weight")?, self.weight("bias")?];
        let Some(state) = train else {
            let running = [self.weight("running_mean")?, self.weight("running_var")?];
            return compute::batch_norm_eval(x, [weight, bias], running, eps).map_err(|e| self.failed(e));
        };
        let normalise =
            if self.then_relu { compute::batch_norm_relu_train } else { compute::batch_norm_train };
        let normed = normalise(x, weight, bias, eps).map_err(|e| self.failed(e))?;
        let node = self.node.name.clone();
        state.batch_statistics.push(BatchStatistics { node, mean: normed.mean, var: normed.var });
        Ok(normed.y)
    }

    fn weight(&self, suffix: &str) -> std::result::Result<&Tensor, NetworkError> {
        let name = format!("{}.{suffix}", self.node.name);
        self.weights.tensors.get(&name).ok_or_else(|| NetworkError::Weight {
            name,
            expected: "a tensor".into(),
            found: "none".into(),
        })
    }

    fn bias(&self, there: bool) -> std::result::Result<Option<&Tensor>, NetworkError> {
        there.then(|| self.weight("bias")).transpose()
    }

    fn without(&self, what: &str) -> NetworkError {
        NetworkError::Graph(format!("Node {} is no {what}", self.node.name))
    }

    fn failed(&self, source: candle_core::Error) -> NetworkError {
        NetworkError::Compute { node: self.node.name.clone(), source }
    }
}

impl Op {
    /// What a convolution is, without its weights; `None` for all else.
    pub(super) fn convolution(&self) -> Option<(ConvKind, ConvSpec)> {
        match *self {
            Self::Conv2d { stride, padding, dilation, groups, .. } => {
                Some((ConvKind::Plain, ConvSpec { stride, padding, dilation, groups }))
            }
            Self::ConvTranspose2d { stride, padding, output_padding, dilation, groups, .. } => {
                let spec = ConvSpec { stride, padding, dilation, groups };
                Some((ConvKind::Transposed { output_padding }, spec))
            }
            _ => None,
        }
    }
}

/// Operations that are functions of their inputs alone. There is at least one input.
fn without_weights(op: &Op, inputs: &[&Tensor]) -> Result<Tensor> {
    let x = inputs[0];
    match op {
        Op::Relu => compute::activate(x, Activation::Relu),
        Op::LeakyRelu { slope } => compute::activate(x, Activation::LeakyRelu { slope: *slope }),
        Op::Gelu => compute::activate(x, Activation::Gelu),
        Op::Silu => compute::activate(x, Activation::Silu),
        Op::Sigmoid => compute::activate(x, Activation::Sigmoid),
        Op::Tanh => compute::activate(x, Activation::Tanh),
        Op::MaxPool2d { kernel, stride, padding } => {
            compute::max_pool2d(x, PoolSpec { kernel: *kernel, stride: *stride, padding: *padding })
        }
        Op::AvgPool2d { kernel, stride, padding } => {
            compute::avg_pool2d(x, PoolSpec { kernel: *kernel, stride: *stride, padding: *padding })
        }
        Op::GlobalAvgPool => compute::global_avg_pool(x),
        Op::Upsample { scale, resample } => {
            let interpolation = match resample {
                Resample::Nearest => Interpolation::Nearest,
                Resample::Bilinear => Interpolation::Bilinear,
            };
            compute::upsample(x, *scale, interpolation)
        }
        Op::Concat { axis } => {
            let inputs = of_one_batch(inputs)?;
            compute::join(&inputs.iter().collect::<Vec<_>>(), axis + 1)
        }
        Op::Add => {
            let inputs = of_one_batch(inputs)?;
            inputs[1..].iter().try_fold(inputs[0].clone(), |sum, x| sum + x)
        }
        Op::Flatten => x.flatten_from(1),
        Op::Identity => Ok(x.clone()),
        op => further::compute(op, inputs),
    }
}

/// The inputs, constants repeated for each image of the batch.
fn of_one_batch(inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    let batch = inputs.iter().map(|x| x.dims()[0]).max().unwrap_or(1);
    let repeated = |x: &&Tensor| {
        let mut dims = x.dims().to_vec();
        if std::mem::replace(&mut dims[0], batch) == batch {
            return Ok((*x).clone());
        }
        x.broadcast_as(dims)?.contiguous()
    };
    inputs.iter().map(repeated).collect()
}

/// `x` [batch, in] · `weight` [out, in]ᵀ + `bias` [out].
fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let y = x.matmul(&weight.t()?)?;
    match bias {
        Some(bias) => y.broadcast_add(bias),
        None => Ok(y),
    }
}

/// Each value is kept with probability 1 − p, and then divided by it, so that the mean stays (Srivastava et al. 2014).
fn dropout(x: &Tensor, p: f64, state: &mut TrainState) -> Result<Tensor> {
    let kept = if p < 1.0 { (1.0 / (1.0 - p)) as f32 } else { 0.0 };
    let mask: Vec<f32> =
        (0..x.elem_count()).map(|_| if state.rng.random_bool(p) { 0.0 } else { kept }).collect();
    x * Tensor::from_vec(mask, x.shape(), x.device())?
}

#[cfg(test)]
mod tests;
