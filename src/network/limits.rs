//! What attributes an operation may have: PyTorch's rules, and bounds that keep every later sum from overflowing.

use super::Op;

/// Kernels, strides, paddings, dilations and scales; beyond it no image has pixels to fill them.
const MAX_EXTENT: usize = 65_535;
/// Channels and features.
const MAX_CHANNELS: usize = u32::MAX as usize;
/// Values of one weight tensor: 2^40, 4 TiB of f32.
const MAX_WEIGHT: usize = 1 << 40;

impl Op {
    /// How many inputs a node of this operation may have, at least and at most.
    pub(super) fn arity(&self) -> (usize, usize) {
        match self {
            Self::Input { .. } => (0, 0),
            Self::Concat | Self::Add => (2, usize::MAX),
            _ => (1, 1),
        }
    }

    /// Checks the attributes alone; the error says which one, without the node's name.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Input { channels } => count("channels", *channels),
            Self::BatchNorm2d { channels, eps } => {
                count("channels", *channels)?;
                ensure(eps.is_finite() && *eps >= 0.0, || format!("eps must be 0 or more, found {eps}"))
            }
            Self::Conv2d { in_channels, out_channels, kernel, stride, padding, dilation, groups, .. } => {
                extents(kernel, stride, padding, dilation)?;
                channels(*in_channels, *out_channels, *groups, *kernel)
            }
            Self::ConvTranspose2d {
                in_channels,
                out_channels,
                kernel,
                stride,
                padding,
                output_padding,
                dilation,
                groups,
                ..
            } => {
                extents(kernel, stride, padding, dilation)?;
                for axis in 0..2 {
                    let (extra, most) = (output_padding[axis], stride[axis].max(dilation[axis]));
                    ensure(extra < most, || {
                        format!("output padding must be less than stride or dilation, found {extra}")
                    })?;
                }
                channels(*in_channels, *out_channels, *groups, *kernel)
            }
            Self::Linear { in_features, out_features, .. } => {
                count("input features", *in_features)?;
                count("output features", *out_features)?;
                weight(&[*out_features, *in_features])
            }
            Self::LeakyRelu { slope } => {
                ensure(slope.is_finite(), || format!("slope must be a number, found {slope}"))
            }
            Self::Dropout { p } => {
                ensure((0.0..=1.0).contains(p), || format!("p must lie between 0 and 1, found {p}"))
            }
            Self::MaxPool2d { kernel, stride, padding } | Self::AvgPool2d { kernel, stride, padding } => {
                extents(kernel, stride, padding, &[1, 1])?;
                ensure(padding[0] <= kernel[0] / 2 && padding[1] <= kernel[1] / 2, || {
                    format!("padding must be at most half the kernel, found {}×{}", padding[0], padding[1])
                })
            }
            Self::Upsample { scale, .. } => extent("scale", *scale),
            _ => Ok(()),
        }
    }
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn count(what: &str, value: usize) -> Result<(), String> {
    ensure((1..=MAX_CHANNELS).contains(&value), || {
        format!("{what} must lie between 1 and {MAX_CHANNELS}, found {value}")
    })
}

fn extent(what: &str, value: usize) -> Result<(), String> {
    ensure((1..=MAX_EXTENT).contains(&value), || {
        format!("{what} must lie between 1 and {MAX_EXTENT}, found {value}")
    })
}

fn extents(
    kernel: &[usize; 2],
    stride: &[usize; 2],
    padding: &[usize; 2],
    dilation: &[usize; 2],
) -> Result<(), String> {
    for axis in 0..2 {
        extent("kernel", kernel[axis])?;
        extent("stride", stride[axis])?;
        extent("dilation", dilation[axis])?;
        ensure(padding[axis] <= MAX_EXTENT, || {
            format!("padding must be at most {MAX_EXTENT}, found {}", padding[axis])
        })?;
    }
    Ok(())
}

fn channels(inputs: usize, outputs: usize, groups: usize, kernel: [usize; 2]) -> Result<(), String> {
    count("input channels", inputs)?;
    count("output channels", outputs)?;
    count("groups", groups)?;
    ensure(inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups), || {
        format!("{groups} groups must divide {inputs} input and {outputs} output channels")
    })?;
    weight(&[inputs / groups, outputs, kernel[0], kernel[1]])
}

fn weight(shape: &[usize]) -> Result<(), String> {
    let values = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
    ensure(values.is_some_and(|n| n <= MAX_WEIGHT), || "its weight would be larger than 4 TiB".into())
}
