//! Two-dimensional convolution, forward and backward.
use candle_core::{Result, Tensor};

/// Geometry of a convolution; `[y, x]` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvSpec {
    pub stride: [usize; 2],
    pub padding: [usize; 2],
    pub dilation: [usize; 2],
    pub groups: usize,
}

/// `x` [batch, channel in, y, x] ⋆ `weight` [channel out, channel in / groups, ky, kx] + `bias` [channel out].
/// Cross-correlation, as PyTorch's `conv2d`. Differentiable.
pub fn conv2d(_x: &Tensor, _weight: &Tensor, _bias: Option<&Tensor>, _spec: ConvSpec) -> Result<Tensor> {
    todo!()
}

/// PyTorch's `conv_transpose2d`: `weight` [channel in, channel out / groups, ky, kx]. Differentiable.
pub fn conv_transpose2d(
    _x: &Tensor,
    _weight: &Tensor,
    _bias: Option<&Tensor>,
    _spec: ConvSpec,
    _output_padding: [usize; 2],
) -> Result<Tensor> {
    todo!()
}
