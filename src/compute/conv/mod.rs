//! Two-dimensional convolution, forward and backward: the one door to whatever computes it.
//!
//! On the CPU convolutions run as shifted products over planes copied with their border ([`pass`], [`window`],
//! [`kernel`]); nothing is unrolled into columns. On other devices Candle's own operations do it ([`elsewhere`]).

mod apply;
mod elsewhere;
mod gradient;
mod kernel;
mod lanes;
mod op;
mod pass;
mod window;

#[cfg(test)]
mod tests;

use candle_core::{Result, Tensor, bail};
use op::Convolution;
use pass::Geometry;

pub(crate) use window::SCRATCH_BYTES_PER_THREAD;

/// Geometry of a convolution; `[y, x]` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvSpec {
    pub stride: [usize; 2],
    pub padding: [usize; 2],
    pub dilation: [usize; 2],
    pub groups: usize,
}

impl Default for ConvSpec {
    /// Stride and dilation 1, no padding, one group.
    fn default() -> Self {
        Self { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

/// `x` [batch, channel in, y, x] ⋆ `weight` [channel out, channel in / groups, ky, kx] + `bias` [channel out].
/// Cross-correlation, as PyTorch's `conv2d`. Differentiable.
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, spec: ConvSpec) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let (out, per_group, ky, kx) = weight.dims4()?;
    spec.check([ky, kx], bias, out)?;
    if channels != per_group * spec.groups || !out.is_multiple_of(spec.groups) {
        bail!("conv2d: {channels} channels in {} groups do not fit weights {:?}", spec.groups, weight.dims())
    }
    let map = [0, 1].map(|i| {
        let padded = [height, width][i] + 2 * spec.padding[i];
        let covered = ([ky, kx][i] - 1) * spec.dilation[i] + 1;
        (padded >= covered).then(|| (padded - covered) / spec.stride[i] + 1)
    });
    let [Some(map_height), Some(map_width)] = map else {
        bail!("conv2d: a {ky}×{kx} kernel does not fit a padded image of {height}×{width}")
    };
    if !x.device().is_cpu() {
        return elsewhere::conv2d(x, weight, bias, spec);
    }
    let geometry = Geometry {
        batch,
        groups: spec.groups,
        image_channels: per_group,
        map_channels: out / spec.groups,
        image: [height, width],
        map: [map_height, map_width],
        kernel: [ky, kx],
        stride: spec.stride,
        padding: spec.padding,
        dilation: spec.dilation,
    };
    Convolution { geometry, transposed: false }.apply(x, weight, bias)
}

/// PyTorch's `conv_transpose2d`: `weight` [channel in, channel out / groups, ky, kx]. Differentiable.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    spec: ConvSpec,
    output_padding: [usize; 2],
) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let (channels_in, per_group, ky, kx) = weight.dims4()?;
    spec.check([ky, kx], bias, per_group * spec.groups)?;
    if channels != channels_in || !channels.is_multiple_of(spec.groups) {
        bail!(
            "conv_transpose2d: {channels} channels in {} groups do not fit weights {:?}",
            spec.groups,
            weight.dims()
        )
    }
    let image = [0, 1].map(|i| {
        let reach = ([height, width][i].max(1) - 1) * spec.stride[i] + ([ky, kx][i] - 1) * spec.dilation[i];
        (reach + 1 + output_padding[i]).saturating_sub(2 * spec.padding[i])
    });
    if (0..2).any(|i| image[i] == 0 || output_padding[i] >= spec.stride[i].max(spec.dilation[i])) {
        bail!(
            "conv_transpose2d: padding {:?} or output padding {output_padding:?} is too large for a {ky}×{kx} kernel",
            spec.padding
        )
    }
    if !x.device().is_cpu() {
        return elsewhere::conv_transpose2d(x, weight, bias, spec, output_padding);
    }
    let geometry = Geometry {
        batch,
        groups: spec.groups,
        image_channels: per_group,
        map_channels: channels / spec.groups,
        image,
        map: [height, width],
        kernel: [ky, kx],
        stride: spec.stride,
        padding: spec.padding,
        dilation: spec.dilation,
    };
    Convolution { geometry, transposed: true }.apply(x, weight, bias)
}

impl ConvSpec {
    fn check(&self, kernel: [usize; 2], bias: Option<&Tensor>, channels: usize) -> Result<()> {
        let sizes = [kernel, self.stride, self.dilation, [self.groups; 2]];
        if sizes.as_flattened().contains(&0) {
            bail!(
                "Convolution: kernel, stride, dilation and groups must be at least 1, found {kernel:?} and {self:?}"
            )
        }
        match bias {
            Some(bias) if bias.dims() != [channels] => {
                bail!("Convolution: expected a bias of {channels}, found {:?}", bias.dims())
            }
            _ => Ok(()),
        }
    }
}
