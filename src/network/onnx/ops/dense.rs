//! Dense layers and matrix products.

use super::super::attributes::Call;
use super::super::build::{Builder, broadcast};
use super::super::known::{Element, Known};
use super::super::size::Size;
use super::super::value::{Live, Value};
use super::super::{Refused, refuse};
use super::pairing::combine;
use super::pointwise::number;
use super::{Made, one};
use crate::network::{Op, Pairing};
use ndarray::{ArrayD, IxDyn};

/// alpha · A · B + beta · C, with A and B turned where told.
pub(super) fn gemm(builder: &mut Builder, call: &Call<'_>) -> Made {
    let (alpha, beta) = (call.float("alpha", 1.0) as f32, call.float("beta", 1.0) as f32);
    let (turn_a, turn_b) = (call.flag("transA"), call.flag("transB"));
    if call.needed(0)?.rank() != 2 || call.needed(1)?.rank() != 2 {
        return refuse("its inputs are no matrices");
    }
    if let (Value::Live(a), Value::Known(b), false) = (call.needed(0)?, call.needed(1)?, turn_a)
        && let Some(b) = b.values()
        && let Ok(a) = builder.batched(a)
    {
        // Dense layers keep their weight as [out, in].
        let weight = if turn_b { b } else { b.reversed_axes().as_standard_layout().into_owned() };
        let bias = call.known(2).ok().flatten().and_then(|c| bias_of(c, weight.shape()[0]));
        if bias.is_some() || call.input(2).is_none() {
            return one(linear(builder, &a, weight * alpha, bias.map(|bias| bias * beta))?);
        }
    }
    let a = turned(builder, call.needed(0)?, turn_a)?;
    let b = turned(builder, call.needed(1)?, turn_b)?;
    let mut result = product(builder, "product", &a, &b)?;
    if alpha != 1.0 {
        result =
            combine(builder, "alpha", &Value::from(result), &Value::from(number(alpha)), Pairing::Multiply)?;
    }
    if let Some(c) = call.input(2).cloned() {
        let c = if beta == 1.0 {
            c
        } else {
            let c = Value::from(builder.live(&c)?);
            Value::from(combine(builder, "beta", &c, &Value::from(number(beta)), Pairing::Multiply)?)
        };
        result = combine(builder, "", &Value::from(result), &c, Pairing::Add)?;
    }
    one(result)
}

/// Known numbers that are the same for every row, one a column.
fn bias_of(known: &Known, columns: usize) -> Option<ArrayD<f32>> {
    let values = known.values()?;
    match values.shape() {
        [] | [1] | [1, 1] => Some(ArrayD::from_elem(IxDyn(&[columns]), *values.iter().next()?)),
        [n] | [1, n] if *n == columns => {
            ArrayD::from_shape_vec(IxDyn(&[columns]), values.iter().copied().collect()).ok()
        }
        _ => None,
    }
}

fn linear(
    builder: &mut Builder,
    input: &Live,
    weight: ArrayD<f32>,
    bias: Option<ArrayD<f32>>,
) -> Result<Live, Refused> {
    let (out_features, in_features) = (weight.shape()[0], weight.shape()[1]);
    let op = Op::Linear { in_features, out_features, bias: bias.is_some() };
    let own = vec![Size::from(out_features)];
    let weights = std::iter::once(("weight", weight)).chain(bias.map(|bias| ("bias", bias))).collect();
    let node = builder.make_weighted(op, input.node, own.clone(), weights)?;
    Ok(input.with(node, own))
}

/// A matrix turned, or as it is.
fn turned(builder: &mut Builder, value: &Value, turn: bool) -> Result<Value, Refused> {
    if !turn {
        return Ok(value.clone());
    }
    if let Value::Known(known) = value
        && let Some(values) = known.values()
    {
        return Ok(Value::from(Known::floats(values.reversed_axes().as_standard_layout().into_owned())));
    }
    let live = builder.live(value)?;
    let live = builder.flat(&live)?;
    let own = live.own().iter().rev().cloned().collect();
    Ok(Value::from(builder.after("turned", &live, Op::Permute { axes: vec![1, 0] }, own)?))
}

pub(super) fn matmul(builder: &mut Builder, call: &Call<'_>) -> Made {
    let (a, b) = (call.needed(0)?.clone(), call.needed(1)?.clone());
    if let (Value::Live(a), Value::Known(b)) = (&a, &b)
        && a.batched
        && a.rank() == 2
        && b.shape().len() == 2
        && let Some(b) = b.values()
    {
        return one(linear(builder, a, b.reversed_axes().as_standard_layout().into_owned(), None)?);
    }
    one(product(builder, "", &a, &b)?)
}

/// NumPy's matrix product: over the last two axes, lists taken as a row before and a column behind.
fn product(builder: &mut Builder, suffix: &str, a: &Value, b: &Value) -> Result<Live, Refused> {
    let (row, column) = (a.rank() == 1, b.rank() == 1);
    let a = if row { with_axis(builder, a, 0)? } else { a.clone() };
    let b = if column { with_axis(builder, b, 1)? } else { b.clone() };
    if a.rank() < 2 || b.rank() < 2 {
        return refuse("its inputs are no matrices");
    }
    let rank = a.rank().max(b.rank());
    // The batch stays one where it is none of the axes that are multiplied.
    let batched = |value: &Value| matches!(value, Value::Live(live) if live.batched);
    let apart = rank > 2
        && [&a, &b].iter().all(|value| value.rank() < rank || batched(value) || value.dims()[0].is(1))
        && [&a, &b].iter().all(|value| value.rank() == rank || !batched(value));
    let apart = apart && (batched(&a) || batched(&b));
    let mut ready = |value: &Value| match value {
        Value::Known(known) if apart && known.shape().len() == rank => {
            builder.live(&Value::from(known.reshaped(&known.shape()[1..])?))
        }
        Value::Live(live) if apart && live.rank() == rank => builder.batched(live),
        Value::Live(live) if apart => Ok(live.clone()),
        Value::Live(live) => builder.flat(live),
        Value::Known(_) => builder.live(value),
    };
    let (left, right) = (ready(&a)?, ready(&b)?);
    let (a_dims, b_dims) = (a.dims(), b.dims());
    let mut dims = broadcast(&a_dims[..a_dims.len() - 2], &b_dims[..b_dims.len() - 2])?;
    dims.extend([a_dims[a_dims.len() - 2].clone(), b_dims[b_dims.len() - 1].clone()]);
    let own = dims[usize::from(apart)..].to_vec();
    let name = if row || column { "product" } else { suffix };
    let node = builder.make(name, Op::MatMul, vec![left.node, right.node], own)?;
    let mut result = Live { node, dims, batched: apart, element: Element::Float };
    if row || column {
        let mut dims = result.dims.clone();
        if column {
            dims.pop();
        }
        if row {
            dims.remove(rank - 2);
        }
        result = builder.reshape(&result, dims, apart)?;
    }
    Ok(result)
}

/// A list as a matrix of one row or one column.
fn with_axis(builder: &mut Builder, value: &Value, axis: usize) -> Result<Value, Refused> {
    match value {
        Value::Known(known) => {
            let mut shape = known.shape().to_vec();
            shape.insert(axis, 1);
            Ok(Value::from(known.reshaped(&shape)?))
        }
        Value::Live(live) => {
            let mut dims = live.dims.clone();
            dims.insert(axis, Size::from(1_i64));
            let live = builder.flat(live)?;
            Ok(Value::from(builder.reshape(&live, dims, false)?))
        }
    }
}
