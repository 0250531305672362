//! Two-dimensional convolution, forward and backward: the one door to whatever computes it.
//!
//! On the CPU a convolution is a [`pass`]: a grid of positions, and which pixel each tap of the kernel reads. The
//! [`engine`] chooses the algorithm that carries it out; each reads [`planes`] and writes to an [`output`]. On other
//! devices Candle's own operations do it ([`elsewhere`]).

#[cfg(target_arch = "x86_64")]
mod amx;
mod beside;
mod direct;
mod elsewhere;
mod engine;
mod gradient;
mod kernel;
mod lanes;
mod op;
mod outer;
mod output;
mod pass;
mod planes;
mod prepared;
mod shape;
mod window;
mod winograd;

#[cfg(test)]
mod tests;

pub(super) use elsewhere::{between, workspace_bytes};
pub use engine::Algorithm;
pub use prepared::{PreparedConv, conv_algorithm, conv_packed_bytes};
pub use shape::{ConvKind, ConvSpec};

/// Bytes of working memory that one thread takes while convolving, at most in all usual cases.
pub(crate) const SCRATCH_BYTES_PER_THREAD: u64 = window::LARGEST_SCRATCH + winograd::LARGEST_SCRATCH;
/// And what all of them share.
pub(crate) const SHARED_SCRATCH_BYTES: u64 = winograd::LARGEST_SHARED;

use super::is_ours;
use candle_core::{Result, Tensor, bail};
use op::Convolution;

/// `x` [batch, channel in, y, x] ⋆ `weight` [channel out, channel in / groups, ky, kx] + `bias` [channel out].
/// Cross-correlation, as PyTorch's `conv2d`. Differentiable.
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, spec: ConvSpec) -> Result<Tensor> {
    let (size, weights) = (x.dims4()?.into(), weight.dims4()?.into());
    let convolution = Convolution::new(ConvKind::Plain, spec, size, weights)?;
    check_bias(bias, convolution.result().0)?;
    if !is_ours(x) {
        return elsewhere::conv2d(x, weight, bias, spec);
    }
    convolution.apply(x, weight, bias)
}

/// PyTorch's `conv_transpose2d`: `weight` [channel in, channel out / groups, ky, kx]. Differentiable.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    spec: ConvSpec,
    output_padding: [usize; 2],
) -> Result<Tensor> {
    let (size, weights) = (x.dims4()?.into(), weight.dims4()?.into());
    let convolution = Convolution::new(ConvKind::Transposed { output_padding }, spec, size, weights)?;
    check_bias(bias, convolution.result().0)?;
    if !is_ours(x) {
        return elsewhere::conv_transpose2d(x, weight, bias, spec, output_padding);
    }
    convolution.apply(x, weight, bias)
}

/// Gradients by `x` and by `weight`, of those that are variables, where `grad` is the gradient by the convolution's
/// result: what the backward pass of [`conv2d`] and [`conv_transpose2d`] computes, alone. On the CPU.
pub fn conv_gradients(
    kind: ConvKind,
    spec: ConvSpec,
    [x, weight, grad]: [&Tensor; 3],
) -> Result<(Option<Tensor>, Option<Tensor>)> {
    let convolution = Convolution::new(kind, spec, x.dims4()?.into(), weight.dims4()?.into())?;
    let (channels, [height, width]) = convolution.result();
    if *grad.dims() != [x.dim(0)?, channels, height, width] {
        bail!("Convolution: a gradient of {:?} does not fit the result", grad.dims())
    }
    convolution.backward(x, weight, grad)
}

fn check_bias(bias: Option<&Tensor>, channels: usize) -> Result<()> {
    match bias {
        Some(bias) if bias.dims() != [channels] => {
            bail!("Convolution: expected a bias of {channels}, found {:?}", bias.dims())
        }
        _ => Ok(()),
    }
}
