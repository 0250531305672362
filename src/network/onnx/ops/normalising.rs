//! Norms.

use super::super::attributes::{Call, axes_of, axis_of};
use super::super::build::Builder;
use super::super::known::Known;
use super::super::size::Size;
use super::super::value::{Live, Value};
use super::super::{Refused, refuse};
use super::pairing::combine;
use super::pointwise::{number, short};
use super::{Made, one};
use crate::network::{Function, Op, Pairing, Reduction};
use ndarray::{ArrayD, IxDyn};

/// Known numbers, one a channel.
fn by_channel(call: &Call<'_>, index: usize, channels: usize) -> Result<ArrayD<f32>, Refused> {
    let Some(values) = call.needed_known(index)?.values() else {
        return refuse("its numbers hang on the image's size");
    };
    if values.shape() != [channels] {
        return refuse(format!(
            "its input {index} has the shape {:?}, expected {channels} numbers",
            values.shape()
        ));
    }
    Ok(values)
}

/// The number of channels, axis 1.
fn channels_of(live: &Live) -> Result<usize, Refused> {
    match live.dims.get(1).and_then(Size::count) {
        Some(channels) => Ok(channels),
        None => refuse("its input has no fixed number of channels"),
    }
}

pub(super) fn batch_norm(builder: &mut Builder, call: &Call<'_>) -> Made {
    if call.int("spatial", 1) == 0 {
        return refuse("it is not spatial (one mean a pixel)");
    }
    if call.wanted.iter().skip(1).any(|wanted| *wanted) {
        return refuse("its running statistics are read, which only training makes");
    }
    if call.flag("training_mode") {
        builder.nearly("batch-norm as in training is taken with the statistics that the file holds")?;
    }
    let input = builder.live(call.needed(0)?)?;
    let channels = call.needed_known(1)?.len();
    let [weight, bias, mean, var] = [1, 2, 3, 4].map(|index| by_channel(call, index, channels));
    let (weight, bias, mean, var) = (weight?, bias?, mean?, var?);
    let eps = short(call.float("epsilon", 1e-5));
    if input.rank() == 4 {
        let input = builder.batched(&input)?;
        let weights = vec![("weight", weight), ("bias", bias), ("running_mean", mean), ("running_var", var)];
        let own = input.own().to_vec();
        let node =
            builder.make_weighted(Op::BatchNorm2d { channels, eps }, input.node, own.clone(), weights)?;
        return one(input.with(node, own));
    }
    // Other numbers of axes: times one number a channel, plus another.
    let scale = ndarray::Zip::from(&weight)
        .and(&var)
        .map_collect(|&weight, &var| (f64::from(weight) / (f64::from(var) + eps).sqrt()) as f32);
    let shift = &bias - &(&mean * &scale);
    scaled(builder, &input, scale, Some(shift))
}

/// Times one number a channel, plus another.
fn scaled(builder: &mut Builder, input: &Live, scale: ArrayD<f32>, shift: Option<ArrayD<f32>>) -> Made {
    let mut shape = vec![1; input.rank().saturating_sub(1)];
    if let Some(first) = shape.first_mut() {
        *first = scale.len();
    }
    let known = |array: ArrayD<f32>| Known::floats(array).reshaped(&shape).map(Value::from);
    let scale = known(scale)?;
    let Some(shift) = shift else {
        return one(combine(builder, "", &Value::from(input.clone()), &scale, Pairing::Multiply)?);
    };
    let product = combine(builder, "scale", &Value::from(input.clone()), &scale, Pairing::Multiply)?;
    one(combine(builder, "", &Value::from(product), &known(shift)?, Pairing::Add)?)
}

pub(super) fn instance_norm(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let channels = channels_of(&input)?;
    let (weight, bias) = (by_channel(call, 1, channels)?, by_channel(call, 2, channels)?);
    grouped(builder, call, &input, channels, (weight, bias))
}

fn grouped(
    builder: &mut Builder,
    call: &Call<'_>,
    input: &Live,
    groups: usize,
    (weight, bias): (ArrayD<f32>, ArrayD<f32>),
) -> Made {
    let input = builder.batched(input)?;
    let eps = short(call.float("epsilon", 1e-5));
    let op = Op::GroupNorm { channels: weight.len(), groups, eps };
    let own = input.own().to_vec();
    let node =
        builder.make_weighted(op, input.node, own.clone(), vec![("weight", weight), ("bias", bias)])?;
    one(input.with(node, own))
}

/// To opset 20 its scale and bias are one number a group, from 21 on one a channel.
pub(super) fn group_norm(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let channels = channels_of(&input)?;
    let groups = call.sizes_one("num_groups", 1)?;
    if !channels.is_multiple_of(groups) {
        return refuse(format!("{groups} groups do not divide {channels} channels"));
    }
    let numbers = |index: usize| {
        if call.opset >= 21 {
            return by_channel(call, index, channels);
        }
        let values = by_channel(call, index, groups)?;
        let each = values.iter().flat_map(|&value| std::iter::repeat_n(value, channels / groups)).collect();
        ArrayD::from_shape_vec(IxDyn(&[channels]), each).map_err(|error| Refused(error.to_string()))
    };
    let pair = (numbers(1)?, numbers(2)?);
    grouped(builder, call, &input, groups, pair)
}

pub(super) fn local_response_norm(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let input = builder.batched(&input)?;
    let op = Op::LocalResponseNorm {
        size: call.sizes_one("size", 1)?,
        alpha: short(call.float("alpha", 1e-4)),
        beta: short(call.float("beta", 0.75)),
        k: short(call.float("bias", 1.0)),
    };
    one(builder.pointwise("", &input, op)?)
}

/// Mean 0 and deviation 1 over some axes.
pub(super) fn mean_variance(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let axes = axes_of(call.ints("axes").unwrap_or(&[0, 2, 3]), input.rank())?;
    let input = if axes.contains(&0) { builder.flat(&input)? } else { input };
    let centred = Centred::of(builder, &input, &axes)?;
    let variance = centred.variance(builder, &axes)?;
    let root = builder.pointwise("root", &variance, Op::Map { function: Function::Sqrt })?;
    let root = combine(builder, "eps", &Value::from(root), &Value::from(number(1e-9)), Pairing::Add)?;
    one(combine(builder, "", &Value::from(centred.rest), &Value::from(root), Pairing::Divide)?)
}

/// A value, its mean over some axes, and what is left without it.
struct Centred {
    mean: Live,
    rest: Live,
}

impl Centred {
    fn of(builder: &mut Builder, input: &Live, axes: &[usize]) -> Result<Self, Refused> {
        let mean = mean(builder, "mean", input, axes)?;
        let (value, minus) = (Value::from(input.clone()), Value::from(mean.clone()));
        let rest = combine(builder, "centred", &value, &minus, Pairing::Subtract)?;
        Ok(Self { mean, rest })
    }

    fn variance(&self, builder: &mut Builder, axes: &[usize]) -> Result<Live, Refused> {
        let rest = Value::from(self.rest.clone());
        let squares = combine(builder, "squares", &rest, &rest, Pairing::Multiply)?;
        mean(builder, "variance", &squares, axes)
    }
}

/// The mean over some of ONNX's axes, which stay with size 1; the batch is none of them.
fn mean(builder: &mut Builder, suffix: &str, input: &Live, axes: &[usize]) -> Result<Live, Refused> {
    let own_axes: Vec<usize> = axes.iter().filter_map(|&axis| input.own_axis(axis)).collect();
    let mut own = input.own().to_vec();
    for &axis in &own_axes {
        own[axis] = Size::from(1_i64);
    }
    builder.after(suffix, input, Op::Reduce { function: Reduction::Mean, axes: own_axes, keep: true }, own)
}

/// Over the last axes, from `axis` on; its further outputs are the mean and one over the deviation.
pub(super) fn layer_norm(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let axis = axis_of(call.int("axis", -1), input.rank())?;
    let input = if axis == 0 { builder.flat(&input)? } else { input };
    let eps = short(call.float("epsilon", 1e-5));
    let axes: Vec<usize> = (axis..input.rank()).collect();
    let shape: Option<Vec<usize>> = input.dims[axis..].iter().map(Size::count).collect();
    let weight = call.needed_known(1)?;
    let bias = call.known(2)?;
    let whole = shape.filter(|shape| {
        weight.shape() == shape.as_slice() && bias.is_none_or(|bias| bias.shape() == shape.as_slice())
    });
    let asked = call.wanted.iter().skip(1).any(|wanted| *wanted);
    let mut outputs = Vec::new();
    if let (Some(shape), Some(weight)) = (&whole, weight.values()) {
        let bias = bias.and_then(Known::values).unwrap_or_else(|| ArrayD::zeros(IxDyn(shape)));
        let op = Op::LayerNorm { shape: shape.clone(), eps };
        let own = input.own().to_vec();
        let node =
            builder.make_weighted(op, input.node, own.clone(), vec![("weight", weight), ("bias", bias)])?;
        outputs.push(Value::from(input.with(node, own)));
        if !asked {
            return Ok(outputs);
        }
    }
    let centred = Centred::of(builder, &input, &axes)?;
    let variance = centred.variance(builder, &axes)?;
    let raised =
        combine(builder, "eps", &Value::from(variance), &Value::from(number(eps as f32)), Pairing::Add)?;
    let deviation = builder.pointwise("deviation", &raised, Op::Map { function: Function::Sqrt })?;
    let inverse = builder.pointwise("inverse", &deviation, Op::Map { function: Function::Reciprocal })?;
    if outputs.is_empty() {
        let (rest, inverse) = (Value::from(centred.rest), Value::from(inverse.clone()));
        let normed = combine(builder, "normed", &rest, &inverse, Pairing::Multiply)?;
        let weight = call.needed(1)?.clone();
        let mut result = combine(builder, "scale", &Value::from(normed), &weight, Pairing::Multiply)?;
        if let Some(bias) = call.input(2).cloned() {
            result = combine(builder, "", &Value::from(result), &bias, Pairing::Add)?;
        }
        outputs.push(Value::from(result));
    }
    outputs.extend([Value::from(centred.mean), Value::from(inverse)]);
    Ok(outputs)
}
