//! What attributes an operation may have: PyTorch's rules, and bounds that keep every later sum from overflowing.

use super::{Between, Coordinates, Extent, Op, PadMode, Pooling, ResizeTo, Resizing};

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
            Self::Input { .. } | Self::Array { .. } | Self::Constant { .. } => (0, 0),
            Self::Concat { .. } | Self::Add => (2, usize::MAX),
            Self::Reshape { .. } => (1, usize::MAX),
            Self::Combine { .. }
            | Self::MatMul
            | Self::CenterCrop
            | Self::Resize(Resizing { to: ResizeTo::Like, .. }) => (2, 2),
            Self::Where => (3, 3),
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
            other => other.check_further(),
        }
    }

    /// The same of operations that come with imported networks.
    fn check_further(&self) -> Result<(), String> {
        match self {
            Self::Array { shape }
            | Self::Constant { shape }
            | Self::Expand { shape }
            | Self::Tile { repeats: shape } => sizes("shape", shape),
            Self::Map { function } => {
                function.numbers().iter().try_for_each(|n| number("a number of it", *n))
            }
            Self::GroupNorm { channels, groups, eps } => {
                count("channels", *channels)?;
                ensure(*groups > 0 && channels.is_multiple_of(*groups), || {
                    format!("{groups} groups must divide {channels} channels")
                })?;
                number("eps", *eps)
            }
            Self::LayerNorm { shape, eps } => {
                sizes("shape", shape)?;
                ensure(!shape.is_empty(), || "it needs at least one axis".into())?;
                number("eps", *eps)
            }
            Self::LocalResponseNorm { size, alpha, beta, k } => {
                extent("size", *size)?;
                [alpha, beta, k].into_iter().try_for_each(|n| number("alpha, beta and k", *n))
            }
            Self::Pool(pooling) => check_pooling(pooling),
            Self::AdaptiveAvgPool2d { size } => size.iter().try_for_each(|n| extent("size", *n)),
            Self::Resize(resizing) => check_resizing(resizing),
            Self::Reshape { shape } => {
                let rest = shape.iter().filter(|extent| **extent == Extent::Rest).count();
                ensure(rest <= 1, || format!("one axis at most can take what is left, found {rest}"))?;
                axes_bound(shape.len())
            }
            Self::Permute { axes } => {
                let mut sorted = axes.clone();
                sorted.sort_unstable();
                ensure(sorted.iter().enumerate().all(|(i, axis)| i == *axis), || {
                    format!("axes must be each axis once, found {axes:?}")
                })?;
                axes_bound(axes.len())
            }
            Self::Slice { step, .. } => ensure(*step != 0, || "step must not be 0".into()),
            Self::Gather { indices, shape, .. } => {
                axes_bound(shape.len())?;
                let places = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
                ensure(places == Some(indices.len()), || {
                    format!("{} indices do not have the shape {shape:?}", indices.len())
                })
            }
            Self::Pad { before, after, mode } => {
                ensure(before.len() == after.len(), || "padding needs two numbers an axis".into())?;
                let most = MAX_EXTENT as u64;
                let sides = before.iter().chain(after);
                ensure(sides.clone().all(|n| n.unsigned_abs() <= most), || {
                    format!("padding must be at most {most}")
                })?;
                match mode {
                    PadMode::Constant { value } => {
                        ensure(!value.is_nan(), || "the padding's value must be a number".into())
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

fn check_pooling(pooling: &Pooling) -> Result<(), String> {
    let Pooling { kernel, stride, before, after, dilation, .. } = pooling;
    let axes = kernel.len();
    axes_bound(axes)?;
    ensure(axes > 0 && [stride, before, after, dilation].iter().all(|list| list.len() == axes), || {
        "kernel, stride, padding and dilation need one number an axis".into()
    })?;
    for axis in 0..axes {
        extent("kernel", kernel[axis])?;
        extent("stride", stride[axis])?;
        extent("dilation", dilation[axis])?;
        let reach = dilation[axis] * (kernel[axis] - 1) + 1;
        ensure(before[axis] < reach && after[axis] < reach, || {
            format!("padding must be less than the window, found {}+{}", before[axis], after[axis])
        })?;
    }
    Ok(())
}

fn check_resizing(resizing: &Resizing) -> Result<(), String> {
    match &resizing.to {
        ResizeTo::Scales(scales) => {
            axes_bound(scales.len())?;
            let holds = scales.iter().all(|&s| s.is_finite() && s > 0.0 && s <= MAX_EXTENT as f64);
            ensure(holds, || format!("scales must lie between 0 and {MAX_EXTENT}, found {scales:?}"))?;
        }
        ResizeTo::Sizes(list) | ResizeTo::NotLarger(list) | ResizeTo::NotSmaller(list) => {
            sizes("sizes", list)?;
        }
        ResizeTo::Like => {}
    }
    if let Between::Cubic { a } = resizing.between {
        number("the cubic coefficient", a)?;
    }
    match &resizing.coordinates {
        Coordinates::CropAndResize { start, end, outside } => {
            ensure(start.len() == end.len(), || "the region needs two ends an axis".into())?;
            start.iter().chain(end).chain([outside]).try_for_each(|n| number("the region's ends", *n))
        }
        _ => Ok(()),
    }
}

/// Axes of a value, the batch apart.
const MAX_AXES: usize = 12;

fn axes_bound(axes: usize) -> Result<(), String> {
    ensure(axes <= MAX_AXES, || format!("{MAX_AXES} axes at most, found {axes}"))
}

/// Sizes of a value whose product can be counted.
fn sizes(what: &str, shape: &[usize]) -> Result<(), String> {
    axes_bound(shape.len())?;
    let values = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
    ensure(values.is_some_and(|n| (1..=MAX_WEIGHT).contains(&n)), || {
        format!("{what} must have 1 to 2^40 values, found {shape:?}")
    })
}

fn number(what: &str, value: f64) -> Result<(), String> {
    ensure(value.is_finite(), || format!("{what} must be finite, found {value}"))
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
