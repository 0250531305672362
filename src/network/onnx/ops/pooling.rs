//! Pooling.

use super::super::attributes::Call;
use super::super::build::Builder;
use super::super::refuse;
use super::super::size::Size;
use super::convolution::{Window, pair_of};
use super::{Made, one};
use crate::network::{Op, PoolKind, Pooling, Reduction};

pub(super) fn pool(builder: &mut Builder, call: &Call<'_>) -> Made {
    let kind = if call.node.op_type == "MaxPool" { PoolKind::Max } else { PoolKind::Average };
    if call.wanted.get(1).copied().unwrap_or_default() {
        return refuse("its second output, the places of the largest values, is read");
    }
    let input = builder.live(call.needed(0)?)?;
    let axes = input.rank().saturating_sub(2);
    let Some(kernel) = call.ints("kernel_shape").map(<[i64]>::len) else {
        return refuse("it has no kernel_shape");
    };
    if kernel != axes || axes == 0 {
        return refuse(format!(
            "its kernel has {kernel} axes, its input {} with batch and channel",
            input.rank()
        ));
    }
    let kernel = call.sizes("kernel_shape", axes, 1, 1)?;
    let size = input.dims[2..].to_vec();
    let window = Window::of(builder, call, kernel, &size)?;
    let ceil = call.flag("ceil_mode");
    let mut own = input.own()[..input.own().len() - axes].to_vec();
    let mut uneven = false;
    for (axis, size) in size.iter().enumerate() {
        let down = window.positions(axis, size);
        let up = if ceil { rounded_up(&window, axis, size) } else { down.clone() };
        uneven |= up.is_none() || up != down;
        own.push(builder.size(up));
    }
    let count_padding = call.flag("count_include_pad");
    let border = window.before.iter().chain(&window.after).any(|&n| n > 0);
    let usual = input.batched
        && axes == 2
        && !uneven
        && window.before == window.after
        && window.dilation == [1, 1]
        && window.before.iter().zip(&window.kernel).all(|(&before, &kernel)| before <= kernel / 2)
        && (kind == PoolKind::Max || count_padding || !border);
    let (kernel, stride) = (pair_of(&window.kernel), pair_of(&window.stride));
    let op = match kind {
        PoolKind::Max if usual => Op::MaxPool2d { kernel, stride, padding: pair_of(&window.before) },
        PoolKind::Average if usual => Op::AvgPool2d { kernel, stride, padding: pair_of(&window.before) },
        _ => Op::Pool(Pooling {
            kind,
            kernel: window.kernel,
            stride: window.stride,
            before: window.before,
            after: window.after,
            dilation: window.dilation,
            ceil: uneven,
            count_padding,
        }),
    };
    one(builder.after("", &input, op, own)?)
}

/// Positions where the last window may reach beyond the border but must begin before it.
fn rounded_up(window: &Window, axis: usize, size: &Size) -> Option<Size> {
    let border = i64::try_from(window.before[axis].checked_add(window.after[axis])?).ok()?;
    let (reach, stride) = (window.reach(axis) as i64, window.stride[axis] as i64);
    let free = size.plus(&Size::from(border - reach))?;
    let positions = free.over(stride)?.ceil()?.plus(&Size::from(1_i64))?;
    let Some(size) = size.number() else {
        // Without a border the last window begins inside where the window is as long as its stride, or longer.
        return (border == 0 && reach >= stride).then_some(positions);
    };
    let count = positions.number()?;
    let behind = (count - 1) * stride >= size + window.before[axis] as i64;
    Some(Size::from(if behind { count - 1 } else { count }))
}

pub(super) fn global_pool(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    if input.rank() < 3 {
        return refuse(format!("it takes images, its input has {} axes with the batch", input.rank()));
    }
    let mean = call.node.op_type == "GlobalAveragePool";
    let pixels = input.rank() - 2;
    let mut own = input.own().to_vec();
    let first = own.len() - pixels;
    own[first..].fill(Size::from(1_i64));
    let op = if mean && input.batched && pixels == 2 {
        Op::GlobalAvgPool
    } else {
        let function = if mean { Reduction::Mean } else { Reduction::Max };
        Op::Reduce { function, axes: (first..own.len()).collect(), keep: true }
    };
    one(builder.after("", &input, op, own)?)
}
