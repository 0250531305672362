//! Functions of single values.

use super::super::attributes::Call;
use super::super::build::Builder;
use super::super::known::{Element, Known};
use super::super::proto::data_type;
use super::super::refuse;
use super::super::value::{Live, Value};
use super::{Made, one};
use crate::network::{Function, Op};
use ndarray::{ArrayD, IxDyn};

/// Whether [`map`] knows the operator.
pub(super) fn named(op: &str) -> bool {
    plain(op).is_some()
        || matches!(
            op,
            "LeakyRelu"
                | "Elu"
                | "Selu"
                | "Celu"
                | "ThresholdedRelu"
                | "HardSigmoid"
                | "Gelu"
                | "Identity"
                | "Cast"
                | "CastLike"
                | "Swish"
        )
}

/// Operators without attributes.
fn plain(op: &str) -> Option<Op> {
    let function = match op {
        "Relu" => return Some(Op::Relu),
        "Sigmoid" => return Some(Op::Sigmoid),
        "Tanh" => return Some(Op::Tanh),
        "Abs" => Function::Abs,
        "Neg" => Function::Neg,
        "Exp" => Function::Exp,
        "Log" => Function::Log,
        "Sqrt" => Function::Sqrt,
        "Reciprocal" => Function::Reciprocal,
        "Floor" => Function::Floor,
        "Ceil" => Function::Ceil,
        "Round" => Function::Round,
        "Sign" => Function::Sign,
        "Sin" => Function::Sin,
        "Cos" => Function::Cos,
        "Erf" => Function::Erf,
        "Not" => Function::Not,
        "Softplus" => Function::Softplus,
        "Softsign" => Function::Softsign,
        "Mish" => Function::Mish,
        "HardSwish" => Function::HardSwish,
        _ => return None,
    };
    Some(Op::Map { function })
}

pub(super) fn map(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let op = call.node.op_type.as_str();
    let alpha = |default: f64| call.float("alpha", default);
    let function = match op {
        "Identity" => return one(input),
        "Cast" | "CastLike" => return cast(builder, call, &input),
        "LeakyRelu" => {
            return one(builder.pointwise("", &input, Op::LeakyRelu { slope: short(alpha(0.01)) })?);
        }
        "Gelu" if call.word("approximate") == "tanh" => Function::GeluTanh,
        "Gelu" => return one(builder.pointwise("", &input, Op::Gelu)?),
        "Swish" if alpha(1.0) == 1.0 => return one(builder.pointwise("", &input, Op::Silu)?),
        "Swish" => return refuse(format!("its alpha is {}, expected 1", alpha(1.0))),
        "Elu" => Function::Elu { alpha: short(alpha(1.0)) },
        "Celu" => Function::Celu { alpha: short(alpha(1.0)) },
        "Selu" => Function::Selu {
            alpha: call.float("alpha", 1.673_263_192_176_818_8),
            gamma: call.float("gamma", 1.050_701_022_148_132_3),
        },
        "ThresholdedRelu" => Function::ThresholdedRelu { alpha: short(alpha(1.0)) },
        "HardSigmoid" => {
            Function::HardSigmoid { alpha: short(alpha(0.2)), beta: short(call.float("beta", 0.5)) }
        }
        other => match plain(other) {
            Some(op) => {
                let mut result = builder.pointwise("", &input, op)?;
                if other == "Not" {
                    result.element = Element::Bool;
                }
                return one(result);
            }
            None => return refuse("there is no such function"),
        },
    };
    one(builder.pointwise("", &input, Op::Map { function })?)
}

/// The shortest decimal that is this f32: 0.1 for 0.10000000149.
pub(super) fn short(value: f64) -> f64 {
    format!("{}", value as f32).parse().unwrap_or(value)
}

/// Between kinds of numbers; all are f32 in the network, so that only rounding is left.
fn cast(builder: &mut Builder, call: &Call<'_>, input: &Live) -> Made {
    let to = match call.input(1) {
        Some(like) if call.node.op_type == "CastLike" => Some(like.element()),
        _ => i32::try_from(call.int("to", i64::from(data_type::FLOAT))).ok().and_then(Element::of),
    };
    let mut result = match (input.element, to) {
        (_, None) => return refuse("it makes something else than plain numbers"),
        (Element::Float, Some(Element::Int)) => {
            builder.pointwise("", input, Op::Map { function: Function::Trunc })?
        }
        (Element::Float | Element::Int, Some(Element::Bool)) => {
            let not = builder.pointwise("not", input, Op::Map { function: Function::Not })?;
            builder.pointwise("", &not, Op::Map { function: Function::Not })?
        }
        _ => input.clone(),
    };
    result.element = to.unwrap_or(Element::Float);
    one(result)
}

/// Nothing is dropped when a network is only run.
pub(super) fn dropout(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let training = call.known(2)?.and_then(Known::scalar).is_some_and(|training| training != 0.0);
    let ratio = call.number_of(1, "ratio")?.unwrap_or(0.5);
    if training && ratio != 0.0 {
        builder.nearly("dropout as in training is left out")?;
    }
    let mut outputs = vec![Value::from(input.clone())];
    if call.wanted.get(1).copied().unwrap_or_default() {
        let Some(shape) = input.dims.iter().map(super::super::size::Size::count).collect::<Option<Vec<_>>>()
        else {
            return refuse("its mask hangs on the image's size");
        };
        let mask = super::super::fold::filled(&shape, 1)?;
        outputs.push(Value::from(Known { element: Element::Bool, ..mask }));
    }
    Ok(outputs)
}

impl From<Live> for Value {
    fn from(live: Live) -> Self {
        Self::Live(live)
    }
}

/// An array of one number, repeated as often as the shape says by whoever reads it.
pub(super) fn number(value: f32) -> Known {
    Known::floats(ArrayD::from_elem(IxDyn(&[]), value))
}
