//! Sums, means and largest values along axes, and softmax.

use super::super::attributes::{Call, axes_of, axis_of};
use super::super::build::Builder;
use super::super::known::Element;
use super::super::refuse;
use super::super::size::Size;
use super::{Made, one};
use crate::network::{Op, Reduction};

fn reduction(op: &str) -> Option<Reduction> {
    Some(match op {
        "ReduceMean" => Reduction::Mean,
        "ReduceSum" => Reduction::Sum,
        "ReduceMax" => Reduction::Max,
        "ReduceMin" => Reduction::Min,
        "ReduceProd" => Reduction::Product,
        "ReduceL1" => Reduction::L1,
        "ReduceL2" => Reduction::L2,
        "ReduceSumSquare" => Reduction::SumSquare,
        "ReduceLogSum" => Reduction::LogSum,
        "ReduceLogSumExp" => Reduction::LogSumExp,
        _ => return None,
    })
}

pub(super) fn reduce(builder: &mut Builder, call: &Call<'_>) -> Made {
    let Some(function) = reduction(&call.node.op_type) else { return refuse("there is no such function") };
    let mut input = builder.live(call.needed(0)?)?;
    let keep = call.int("keepdims", 1) != 0;
    let axes = match call.ints_of(1, "axes")? {
        Some(axes) if !axes.is_empty() => axes_of(&axes, input.rank())?,
        _ if call.flag("noop_with_empty_axes") => return one(input),
        _ => (0..input.rank()).collect(),
    };
    if axes.contains(&0) {
        input = builder.flat(&input)?;
    }
    let own_axes: Vec<usize> = axes.iter().filter_map(|&axis| input.own_axis(axis)).collect();
    // The mean of an image's pixels has an operation of its own.
    if function == Reduction::Mean && input.batched && input.rank() == 4 && own_axes == [1, 2] {
        let own = vec![input.own()[0].clone(), Size::from(1_i64), Size::from(1_i64)];
        let pooled = builder.after(if keep { "" } else { "mean" }, &input, Op::GlobalAvgPool, own)?;
        let dims = pooled.dims[..2].to_vec();
        return one(if keep { pooled } else { builder.reshape(&pooled, dims, true)? });
    }
    let own = reduced(input.own(), &own_axes, keep);
    one(builder.after("", &input, Op::Reduce { function, axes: own_axes, keep }, own)?)
}

fn reduced(own: &[Size], axes: &[usize], keep: bool) -> Vec<Size> {
    let size = |(axis, size): (usize, &Size)| match axes.contains(&axis) {
        true => keep.then(|| Size::from(1_i64)),
        false => Some(size.clone()),
    };
    own.iter().enumerate().filter_map(size).collect()
}

/// Where the largest or smallest value stands.
pub(super) fn extreme(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let axis = axis_of(call.int("axis", 0), input.rank())?;
    let input = if axis == 0 { builder.flat(&input)? } else { input };
    let Some(own_axis) = input.own_axis(axis) else { return refuse("it mixes the images of a batch") };
    let (keep, last) = (call.int("keepdims", 1) != 0, call.flag("select_last_index"));
    let op = if call.node.op_type == "ArgMax" {
        Op::ArgMax { axis: own_axis, keep, last }
    } else {
        Op::ArgMin { axis: own_axis, keep, last }
    };
    let own = reduced(input.own(), &[own_axis], keep);
    let mut result = builder.after("", &input, op, own)?;
    result.element = Element::Int;
    one(result)
}

/// To opset 12 over all axes from `axis` on together, from 13 on along that axis.
pub(super) fn softmax(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let together = call.opset < 13;
    let axis = axis_of(call.int("axis", if together { 1 } else { -1 }), input.rank())?;
    let input = if axis == 0 { builder.flat(&input)? } else { input };
    let Some(own_axis) = input.own_axis(axis) else { return refuse("it mixes the images of a batch") };
    let op = |axis| match call.node.op_type.as_str() {
        "LogSoftmax" => Op::LogSoftmax { axis },
        _ => Op::Softmax { axis },
    };
    if !together || input.dims[axis + 1..].iter().all(|size| size.is(1)) {
        return one(builder.pointwise("", &input, op(own_axis))?);
    }
    let mut all = Some(Size::from(1_i64));
    for size in &input.dims[axis..] {
        all = all.and_then(|all| all.times(size));
    }
    let mut dims = input.dims[..axis].to_vec();
    dims.push(builder.size(all));
    let joined = builder.reshape(&input, dims, input.batched)?;
    let soft = builder.pointwise("joined", &joined, op(own_axis))?;
    one(builder.reshape(&soft, input.dims.clone(), input.batched)?)
}
