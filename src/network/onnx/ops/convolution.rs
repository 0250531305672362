//! Convolutions. One along a line is one of images a pixel high; borders that differ on two sides are padded before.

use super::super::attributes::Call;
use super::super::build::Builder;
use super::super::known::Known;
use super::super::size::Size;
use super::super::value::{Live, Value};
use super::super::{Refused, refuse};
use super::{Made, one};
use crate::network::{Op, PadMode};
use ndarray::{ArrayD, Axis};

/// A window's attributes, one number an axis.
pub(super) struct Window {
    pub(super) kernel: Vec<usize>,
    pub(super) stride: Vec<usize>,
    pub(super) dilation: Vec<usize>,
    pub(super) before: Vec<usize>,
    pub(super) after: Vec<usize>,
}

impl Window {
    /// Reads them; borders that follow from the image's size are computed for `size`.
    pub(super) fn of(
        builder: &mut Builder,
        call: &Call<'_>,
        kernel: Vec<usize>,
        size: &[Size],
    ) -> Result<Self, Refused> {
        let axes = kernel.len();
        if size.len() != axes {
            return refuse(format!("its kernel has {axes} axes, its input {}", size.len()));
        }
        let stride = call.sizes("strides", axes, 1, 1)?;
        let dilation = call.sizes("dilations", axes, 1, 1)?;
        let pads = call.sizes("pads", 2 * axes, 0, 0)?;
        let (before, after) = pads.split_at(axes);
        let mut window = Self { kernel, stride, dilation, before: before.into(), after: after.into() };
        match call.word("auto_pad") {
            "" | "NOTSET" => {}
            "VALID" => (window.before, window.after) = (vec![0; axes], vec![0; axes]),
            upper_or_lower @ ("SAME_UPPER" | "SAME_LOWER") => {
                for axis in 0..axes {
                    let total = window.same_border(builder, axis, &size[axis])?;
                    let (less, more) = (total / 2, total - total / 2);
                    let upper = upper_or_lower == "SAME_UPPER";
                    window.before[axis] = if upper { less } else { more };
                    window.after[axis] = if upper { more } else { less };
                }
            }
            other => return refuse(format!("its auto_pad is {other:?}")),
        }
        Ok(window)
    }

    /// Values from the first to the last that the kernel reads.
    pub(super) fn reach(&self, axis: usize) -> usize {
        self.dilation[axis].saturating_mul(self.kernel[axis].saturating_sub(1)).saturating_add(1)
    }

    /// The border that makes the output ⌈size / stride⌉ long.
    fn same_border(&self, builder: &mut Builder, axis: usize, size: &Size) -> Result<usize, Refused> {
        let (reach, stride) = (self.reach(axis), self.stride[axis]);
        let left = match size.count() {
            Some(size) if size % stride != 0 => size % stride,
            Some(_) => stride,
            None => {
                if stride > 1 {
                    builder.nearly("its border is that of images whose size is a multiple of its stride")?;
                }
                stride
            }
        };
        Ok(reach.saturating_sub(left))
    }

    /// Positions along an axis.
    pub(super) fn positions(&self, axis: usize, size: &Size) -> Option<Size> {
        let border = self.before[axis].checked_add(self.after[axis])?;
        size.windows(whole(border)?, whole(self.reach(axis))?, whole(self.stride[axis])?)
    }

    /// The same for images a pixel high, where it is for lines.
    pub(super) fn of_planes(mut self) -> Self {
        if self.kernel.len() == 1 {
            for (list, none) in [
                (&mut self.kernel, 1),
                (&mut self.stride, 1),
                (&mut self.dilation, 1),
                (&mut self.before, 0),
                (&mut self.after, 0),
            ] {
                list.insert(0, none);
            }
        }
        self
    }
}

fn whole(n: usize) -> Option<i64> {
    i64::try_from(n).ok()
}

pub(super) fn pair_of(list: &[usize]) -> [usize; 2] {
    [list.first().copied().unwrap_or(1), list.get(1).copied().unwrap_or(1)]
}

/// The weight of a convolution, [out, in, y, x] (or with the first two the other way round).
pub(super) fn kernel_of(call: &Call<'_>) -> Result<ArrayD<f32>, Refused> {
    let Some(weight) = call.needed_known(1)?.values() else {
        return refuse("its weight hangs on the image's size");
    };
    match weight.ndim() {
        3 | 4 => Ok(weight),
        axes => refuse(format!("its kernel has {} axes, 1 or 2 can be had", axes.saturating_sub(2))),
    }
}

/// A weight for lines as one for images a pixel high.
pub(super) fn of_planes(weight: ArrayD<f32>) -> ArrayD<f32> {
    if weight.ndim() == 3 { weight.insert_axis(Axis(2)) } else { weight }
}

/// The input as an image, lines as images a pixel high.
pub(super) fn image(builder: &mut Builder, value: &Value, axes: usize) -> Result<Live, Refused> {
    let live = builder.live(value)?;
    if live.rank() != axes + 2 {
        return refuse(format!(
            "its kernel has {axes} axes, its input {} with batch and channel",
            live.rank()
        ));
    }
    let live = builder.batched(&live)?;
    if axes == 2 {
        return Ok(live);
    }
    let mut dims = live.dims.clone();
    dims.insert(2, Size::from(1_i64));
    builder.reshape(&live, dims, true)
}

/// The result, lines as lines again.
pub(super) fn line(builder: &mut Builder, live: Live, axes: usize) -> Result<Live, Refused> {
    if axes == 2 {
        return Ok(live);
    }
    let mut dims = live.dims.clone();
    dims.remove(2);
    builder.reshape(&live, dims, true)
}

/// A bias, one number a channel.
pub(super) fn bias_of(call: &Call<'_>, channels: usize) -> Result<Option<ArrayD<f32>>, Refused> {
    let Some(bias) = call.known(2)?.and_then(Known::values) else { return Ok(None) };
    if bias.shape() != [channels] {
        return refuse(format!("its bias has the shape {:?}, expected {channels} numbers", bias.shape()));
    }
    Ok(Some(bias))
}

pub(super) fn conv(builder: &mut Builder, call: &Call<'_>) -> Made {
    let weight = kernel_of(call)?;
    let axes = weight.ndim() - 2;
    let mut input = image(builder, call.needed(0)?, axes)?;
    let size = input.dims[4 - axes..].to_vec();
    let window = Window::of(builder, call, weight.shape()[2..].to_vec(), &size)?.of_planes();
    let weight = of_planes(weight);
    let groups = call.sizes_one("group", 1)?;
    let (out_channels, in_channels) = (weight.shape()[0], weight.shape()[1].saturating_mul(groups));
    let bias = bias_of(call, out_channels)?;
    let positions = [0, 1].map(|axis| window.positions(axis, &input.dims[2 + axis]));
    let own = vec![
        Size::from(out_channels),
        builder.size(positions[0].clone()),
        builder.size(positions[1].clone()),
    ];
    let even = window.before == window.after;
    if !even {
        input = padded(builder, &input, &window)?;
    }
    let op = Op::Conv2d {
        in_channels,
        out_channels,
        kernel: pair_of(&window.kernel),
        stride: pair_of(&window.stride),
        padding: if even { pair_of(&window.before) } else { [0, 0] },
        dilation: pair_of(&window.dilation),
        groups,
        bias: bias.is_some(),
    };
    let weights = std::iter::once(("weight", weight)).chain(bias.map(|bias| ("bias", bias))).collect();
    let node = builder.make_weighted(op, input.node, own.clone(), weights)?;
    let result = input.with(node, own);
    one(line(builder, result, axes)?)
}

/// A border of zeros that is not the same on both sides.
fn padded(builder: &mut Builder, input: &Live, window: &Window) -> Result<Live, Refused> {
    let sides =
        |list: &[usize]| std::iter::once(0).chain(list.iter().map(|&n| n as i64)).collect::<Vec<i64>>();
    let (before, after) = (sides(&window.before), sides(&window.after));
    let own: Vec<Option<Size>> = input
        .own()
        .iter()
        .zip(before.iter().zip(&after))
        .map(|(size, (before, after))| size.plus(&Size::from(before.checked_add(*after)?)))
        .collect();
    let own = own.into_iter().map(|size| builder.size(size)).collect();
    let op = Op::Pad { before, after, mode: PadMode::Constant { value: 0.0 } };
    builder.after("pad", input, op, own)
}
