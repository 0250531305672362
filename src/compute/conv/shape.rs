//! Which sizes a convolution has, and which it cannot have.
use super::op::Convolution;
use super::pass::Geometry;
use candle_core::{Result, bail};

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

/// PyTorch's `conv2d` or its `conv_transpose2d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConvKind {
    /// Weights `[channel out, channel in / groups, ky, kx]`.
    Plain,
    /// Weights `[channel in, channel out / groups, ky, kx]`.
    Transposed { output_padding: [usize; 2] },
}

impl Convolution {
    /// The convolution of `x` `[batch, channel in, y, x]` with weights of these sizes.
    pub(super) fn new(kind: ConvKind, spec: ConvSpec, x: [usize; 4], weight: [usize; 4]) -> Result<Self> {
        spec.check([weight[2], weight[3]])?;
        let geometry = match kind {
            ConvKind::Plain => plain(spec, x, weight)?,
            ConvKind::Transposed { output_padding } => transposed(spec, output_padding, x, weight)?,
        };
        if x.contains(&0) || weight.contains(&0) {
            bail!("Convolution of nothing: {x:?} with weights {weight:?}")
        }
        Ok(Self { geometry, transposed: kind != ConvKind::Plain })
    }
}

fn plain(spec: ConvSpec, x: [usize; 4], weight: [usize; 4]) -> Result<Geometry> {
    let ([batch, channels, height, width], [out, per_group, ky, kx]) = (x, weight);
    if channels != per_group * spec.groups || !out.is_multiple_of(spec.groups) {
        bail!("conv2d: {channels} channels in {} groups do not fit weights {weight:?}", spec.groups)
    }
    let map = [0, 1].map(|i| {
        let padded = [height, width][i] + 2 * spec.padding[i];
        let covered = ([ky, kx][i] - 1) * spec.dilation[i] + 1;
        (padded >= covered).then(|| (padded - covered) / spec.stride[i] + 1)
    });
    let [Some(map_height), Some(map_width)] = map else {
        bail!("conv2d: a {ky}×{kx} kernel does not fit a padded image of {height}×{width}")
    };
    let (image, map) = ([height, width], [map_height, map_width]);
    Ok(spec.geometry(batch, [per_group, out / spec.groups], [image, map], [ky, kx]))
}

fn transposed(
    spec: ConvSpec,
    output_padding: [usize; 2],
    x: [usize; 4],
    weight: [usize; 4],
) -> Result<Geometry> {
    let ([batch, channels, height, width], [channels_in, per_group, ky, kx]) = (x, weight);
    if channels != channels_in || !channels.is_multiple_of(spec.groups) {
        bail!("conv_transpose2d: {channels} channels in {} groups do not fit weights {weight:?}", spec.groups)
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
    Ok(spec.geometry(batch, [per_group, channels / spec.groups], [image, [height, width]], [ky, kx]))
}

impl ConvSpec {
    fn geometry(
        self,
        batch: usize,
        [image_channels, map_channels]: [usize; 2],
        [image, map]: [[usize; 2]; 2],
        kernel: [usize; 2],
    ) -> Geometry {
        let Self { stride, padding, dilation, groups } = self;
        Geometry {
            batch,
            groups,
            image_channels,
            map_channels,
            image,
            map,
            kernel,
            stride,
            padding,
            dilation,
        }
    }

    fn check(&self, kernel: [usize; 2]) -> Result<()> {
        let sizes = [kernel, self.stride, self.dilation, [self.groups; 2]];
        if sizes.as_flattened().contains(&0) {
            bail!(
                "Convolution: kernel, stride, dilation and groups must be at least 1, found {kernel:?} and {self:?}"
            )
        }
        Ok(())
    }
}
