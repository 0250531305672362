//! Functions of two or more values, repeated to a common shape.

use super::super::attributes::Call;
use super::super::build::Builder;
use super::super::known::{Element, Known};
use super::super::value::{Live, Value};
use super::super::{Refused, refuse};
use super::pointwise::{number, short};
use super::{Made, one};
use crate::network::{Function, Op, Pairing};

pub(super) fn pair(builder: &mut Builder, call: &Call<'_>) -> Made {
    let op = call.node.op_type.as_str();
    let values: Vec<Value> =
        (0..call.inputs.len()).map(|index| call.needed(index).cloned()).collect::<Result<_, _>>()?;
    match op {
        "Mod" => one(remainder(builder, call, &values)?),
        "PRelu" => one(prelu(builder, &values)?),
        "Xor" => one(xor(builder, &values)?),
        "Mean" => {
            let sum = fold(builder, &values, Pairing::Add)?;
            let share = Value::from(number(1.0 / values.len() as f32));
            one(combine(builder, "", &Value::from(sum), &share, Pairing::Multiply)?)
        }
        "Sum" => one(sum(builder, &values)?),
        _ => match pairing(op) {
            Some(function) => one(fold(builder, &values, function)?),
            None => refuse("there is no such function"),
        },
    }
}

fn pairing(op: &str) -> Option<Pairing> {
    Some(match op {
        "Add" => Pairing::Add,
        "Sub" => Pairing::Subtract,
        "Mul" => Pairing::Multiply,
        "Div" => Pairing::Divide,
        "Pow" => Pairing::Power,
        "Min" => Pairing::Minimum,
        "Max" => Pairing::Maximum,
        "Equal" => Pairing::Equal,
        "Less" => Pairing::Less,
        "LessOrEqual" => Pairing::LessOrEqual,
        "Greater" => Pairing::Greater,
        "GreaterOrEqual" => Pairing::GreaterOrEqual,
        "And" => Pairing::And,
        "Or" => Pairing::Or,
        _ => return None,
    })
}

/// From left to right; one value alone is itself.
fn fold(builder: &mut Builder, values: &[Value], function: Pairing) -> Result<Live, Refused> {
    let Some((first, others)) = values.split_first() else { return refuse("it has no inputs") };
    let mut result = first.clone();
    for (index, value) in others.iter().enumerate() {
        let suffix = if index + 1 == others.len() { "" } else { "part" };
        result = Value::from(combine(builder, suffix, &result, value, function)?);
    }
    builder.live(&result)
}

/// Values of one shape become one `Add` of all of them.
fn sum(builder: &mut Builder, values: &[Value]) -> Result<Live, Refused> {
    let live = |value: &Value| match value {
        Value::Live(live) => Some(live.clone()),
        Value::Known(_) => None,
    };
    let lives: Vec<Live> = values.iter().filter_map(live).collect();
    let alike = lives.len() == values.len()
        && lives.len() > 2
        && lives.iter().all(|live| live.dims == lives[0].dims && live.batched == lives[0].batched);
    if !alike {
        return fold(builder, values, Pairing::Add);
    }
    let node =
        builder.make("", Op::Add, lives.iter().map(|live| live.node).collect(), lives[0].own().to_vec())?;
    Ok(lives[0].with(node, lives[0].own().to_vec()))
}

/// A function of two values.
pub(super) fn combine(
    builder: &mut Builder,
    suffix: &str,
    a: &Value,
    b: &Value,
    function: Pairing,
) -> Result<Live, Refused> {
    if let Some(unchanged) = unchanged(a, b, function) {
        return Ok(unchanged);
    }
    let element = match function {
        Pairing::Equal
        | Pairing::Less
        | Pairing::LessOrEqual
        | Pairing::Greater
        | Pairing::GreaterOrEqual
        | Pairing::And
        | Pairing::Or => Element::Bool,
        _ => a.element(),
    };
    let aligned = builder.aligned(&[a, b])?;
    let both_live = matches!((a, b), (Value::Live(_), Value::Live(_)));
    let alike = aligned.lives[0].own() == aligned.lives[1].own();
    let op = if function == Pairing::Add && both_live && alike { Op::Add } else { Op::Combine { function } };
    let whole = matches!(function, Pairing::Divide | Pairing::Power) && element == Element::Int;
    let name = if whole { "exact" } else { suffix };
    let node = builder.make(name, op, aligned.nodes(), aligned.own())?;
    let result = aligned.result(node, element);
    if whole {
        // Whole numbers are divided towards zero.
        return builder.pointwise(suffix, &result, Op::Map { function: Function::Trunc });
    }
    Ok(result)
}

/// The value itself, where a lone known number changes nothing.
fn unchanged(a: &Value, b: &Value, function: Pairing) -> Option<Live> {
    let neutral = match function {
        Pairing::Add | Pairing::Subtract => 0.0,
        Pairing::Multiply | Pairing::Divide | Pairing::Power => 1.0,
        _ => return None,
    };
    let alone =
        |known: &Known, live: &Live| known.scalar() == Some(neutral) && known.shape().len() <= live.rank();
    match (a, b) {
        (Value::Live(live), Value::Known(known)) if alone(known, live) => Some(live.clone()),
        (Value::Known(known), Value::Live(live))
            if alone(known, live) && matches!(function, Pairing::Add | Pairing::Multiply) =>
        {
            Some(live.clone())
        }
        _ => None,
    }
}

/// `Mod` of whole numbers has the divisor's sign, `fmod` the dividend's.
fn remainder(builder: &mut Builder, call: &Call<'_>, values: &[Value]) -> Result<Live, Refused> {
    let [a, b] = values else { return refuse(format!("it has {} inputs, expected 2", values.len())) };
    if !call.flag("fmod") {
        return combine(builder, "", a, b, Pairing::Remainder);
    }
    let ratio = combine(builder, "ratio", a, b, Pairing::Divide)?;
    let whole = builder.pointwise("whole", &ratio, Op::Map { function: Function::Trunc })?;
    let taken = combine(builder, "taken", &Value::from(whole), b, Pairing::Multiply)?;
    combine(builder, "", a, &Value::from(taken), Pairing::Subtract)
}

/// Whether one is true and the other is not.
fn xor(builder: &mut Builder, values: &[Value]) -> Result<Live, Refused> {
    let [a, b] = values else { return refuse(format!("it has {} inputs, expected 2", values.len())) };
    let equal = combine(builder, "equal", a, b, Pairing::Equal)?;
    builder.pointwise("", &equal, Op::Map { function: Function::Not })
}

fn prelu(builder: &mut Builder, values: &[Value]) -> Result<Live, Refused> {
    let [a, slope] = values else { return refuse(format!("it has {} inputs, expected 2", values.len())) };
    if let (Value::Live(live), Value::Known(known)) = (a, slope)
        && let Some(slope) = known.scalar()
    {
        return builder.pointwise("", live, Op::LeakyRelu { slope: short(slope) });
    }
    combine(builder, "", a, slope, Pairing::Prelu)
}

pub(super) fn choose(builder: &mut Builder, call: &Call<'_>) -> Made {
    let (condition, a, b) = (call.needed(0)?.clone(), call.needed(1)?.clone(), call.needed(2)?.clone());
    let element = a.element();
    let aligned = builder.aligned(&[&condition, &a, &b])?;
    let node = builder.make("", Op::Where, aligned.nodes(), aligned.own())?;
    one(aligned.result(node, element))
}

/// Bounds as attributes (to opset 6) or inputs; those that the network computes are minima and maxima.
pub(super) fn clip(builder: &mut Builder, call: &Call<'_>) -> Made {
    let mut result = builder.live(call.needed(0)?)?;
    let bound = |index: usize, name: &str| match call.input(index) {
        Some(Value::Live(_)) => Ok(None),
        _ => call.number_of(index, name),
    };
    let (min, max) = (bound(1, "min")?, bound(2, "max")?);
    // Exporters write the largest float for a bound that is none.
    let within = |bound: &f64| bound.abs() < f64::from(f32::MAX);
    let (min, max) = (min.filter(within).map(short), max.filter(within).map(short));
    if min.is_some() || max.is_some() {
        let op = match (min, max) {
            (Some(0.0), None) => Op::Relu,
            _ => Op::Map { function: Function::Clip { min, max } },
        };
        result = builder.pointwise("", &result, op)?;
    }
    for (index, function) in [(1, Pairing::Maximum), (2, Pairing::Minimum)] {
        if let Some(bound @ Value::Live(_)) = call.input(index) {
            result = combine(builder, "", &Value::from(result), bound, function)?;
        }
    }
    one(result)
}
