//! Nodes whose inputs are all known are computed while the file is read: shape arithmetic above all, and what exporters
//! leave of a layer's weights.

mod arithmetic;
mod moving;

use super::attributes::{Call, axes_of, axis_of};
use super::known::{Element, Known};
use super::proto::data_type;
use super::{Refused, refuse};
use arithmetic::{Binary, Unary, binary, reduce, unary};
use ndarray::{ArrayD, IxDyn};

pub(super) use moving::{count_of_slice, order_of, slices, split_sizes};

/// Most numbers that arithmetic may make of few: files hold larger weights as they are.
const MOST: usize = 1 << 24;

type Folded = Result<Vec<Known>, Refused>;

/// The outputs of a node whose inputs are all known; `None` for an operator that is not computed here.
pub(super) fn fold(call: &Call<'_>) -> Option<Folded> {
    let op = call.node.op_type.as_str();
    if let Some(kind) = Binary::named(op) {
        return Some(pairs(call, kind));
    }
    if let Some(kind) = Unary::named(op) {
        return Some(first(call).and_then(|known| unary(known, kind)).map(one));
    }
    Some(match op {
        "Constant" => constant(call).map(one),
        "Identity" | "Dropout" => first(call).map(|known| vec![known.clone()]),
        "Cast" => cast(call).map(one),
        "CastLike" => cast_like(call).map(one),
        "Shape" => shape(call).map(one),
        "Size" => first(call).map(|known| one(scalar(known.len() as i64))),
        "ConstantOfShape" => constant_of_shape(call).map(one),
        "Range" => range(call).map(one),
        "Where" => choose(call).map(one),
        "ReduceSum" | "ReduceProd" | "ReduceMax" | "ReduceMin" | "ReduceMean" => reduced(call).map(one),
        _ => return moving::fold(call),
    })
}

fn one(known: Known) -> Vec<Known> {
    vec![known]
}

fn scalar(value: i64) -> Known {
    Known::of_ints(ArrayD::from_elem(IxDyn(&[]), value))
}

fn first<'a>(call: &'a Call<'_>) -> Result<&'a Known, Refused> {
    call.needed_known(0)
}

/// Operators of two or more inputs, from left to right.
fn pairs(call: &Call<'_>, kind: Binary) -> Folded {
    let mut result = first(call)?.clone();
    for index in 1..call.inputs.len() {
        result = binary(&result, call.needed_known(index)?, kind)?;
    }
    Ok(one(result))
}

/// The node `Constant`, whose number stands in an attribute.
fn constant(call: &Call<'_>) -> Result<Known, Refused> {
    if let Some(tensor) = call.tensor("value") {
        return super::tensor::known(tensor, None);
    }
    if let Some(ints) = call.ints("value_ints") {
        return Ok(Known::list(ints.to_vec()));
    }
    if let Some(floats) = call.floats("value_floats") {
        return Ok(Known::floats(ndarray::Array1::from(floats.to_vec()).into_dyn()));
    }
    if call.has("value_int") {
        return Ok(scalar(call.int("value_int", 0)));
    }
    if call.has("value_float") {
        let value = call.float("value_float", 0.0) as f32;
        return Ok(Known::floats(ArrayD::from_elem(IxDyn(&[]), value)));
    }
    refuse("it holds no numbers")
}

fn cast(call: &Call<'_>) -> Result<Known, Refused> {
    let to = call.int("to", i64::from(data_type::FLOAT));
    match i32::try_from(to).ok().and_then(Element::of) {
        Some(element) => arithmetic::cast(first(call)?, element),
        None => refuse(format!("it casts to data type {to}, which holds no plain numbers")),
    }
}

fn cast_like(call: &Call<'_>) -> Result<Known, Refused> {
    arithmetic::cast(first(call)?, call.needed_known(1)?.element)
}

fn shape(call: &Call<'_>) -> Result<Known, Refused> {
    let shape = first(call)?.shape();
    let part = shape_part(call, shape.len());
    Ok(Known::list(shape[part].iter().map(|&n| n as i64).collect()))
}

/// Which axes `Shape` speaks of.
pub(super) fn shape_part(call: &Call<'_>, rank: usize) -> std::ops::Range<usize> {
    let bound = |value: i64| {
        let counted = if value < 0 { value.saturating_add(rank as i64) } else { value };
        counted.clamp(0, rank as i64) as usize
    };
    let (start, end) = (bound(call.int("start", 0)), bound(call.int("end", rank as i64)));
    start..end.max(start)
}

fn constant_of_shape(call: &Call<'_>) -> Result<Known, Refused> {
    let value = match call.tensor("value") {
        Some(tensor) => super::tensor::known(tensor, None)?,
        None => Known::floats(ArrayD::zeros(IxDyn(&[1]))),
    };
    if value.len() != 1 {
        return refuse("its value is not one number");
    }
    let shape = whole_shape(first(call)?)?;
    moving::expand(&value.reshaped(&[])?, &shape)
}

/// Known numbers as the shape of an array that may be made.
fn whole_shape(known: &Known) -> Result<Vec<usize>, Refused> {
    let sizes = known
        .ints()
        .and_then(|ints| ints.iter().map(|&n| usize::try_from(n).ok()).collect::<Option<Vec<usize>>>());
    match sizes {
        Some(sizes) => Ok(sizes),
        None => refuse("its shape hangs on the image's size, or is negative"),
    }
}

/// An array of that number only.
pub(super) fn filled(shape: &[usize], value: i64) -> Result<Known, Refused> {
    moving::expand(&scalar(value), shape)
}

fn range(call: &Call<'_>) -> Result<Known, Refused> {
    let bound = |index| {
        let number = call.needed_known(index)?.scalar();
        number.map_or_else(|| refuse("its bounds are not numbers known beforehand"), Ok)
    };
    let (start, limit, step) = (bound(0)?, bound(1)?, bound(2)?);
    let count = ((limit - start) / step).ceil();
    if !(count <= MOST as f64) || step == 0.0 {
        return refuse(format!("it would make {count} numbers"));
    }
    let values = (0..count.max(0.0) as usize).map(|i| start + i as f64 * step);
    Ok(match first(call)?.element {
        Element::Float => {
            Known::floats(ndarray::Array1::from_iter(values.map(|value| value as f32)).into_dyn())
        }
        _ => Known::list(values.map(|value| value as i64).collect()),
    })
}

fn choose(call: &Call<'_>) -> Result<Known, Refused> {
    let Some(condition) = first(call)?.ints() else {
        return refuse("its condition hangs on the image's size");
    };
    let (a, b) = (call.needed_known(1)?, call.needed_known(2)?);
    let condition = Known::of_ints(
        ArrayD::from_shape_vec(IxDyn(first(call)?.shape()), condition)
            .map_err(|error| Refused(error.to_string()))?,
    );
    arithmetic::choose(&condition, a, b)
}

fn reduced(call: &Call<'_>) -> Result<Known, Refused> {
    let known = first(call)?;
    let rank = known.shape().len();
    let axes = match call.ints_of(1, "axes")? {
        Some(axes) if !axes.is_empty() => axes_of(&axes, rank)?,
        _ if call.flag("noop_with_empty_axes") => return Ok(known.clone()),
        _ => (0..rank).collect(),
    };
    reduce(known, &call.node.op_type, &axes, call.int("keepdims", 1) != 0)
}

/// Numbers to sizes of an array, all of them known.
fn axis(call: &Call<'_>, known: &Known, default: i64) -> Result<usize, Refused> {
    axis_of(call.int("axis", default), known.shape().len())
}

/// Applies a function that moves values to whichever array there is.
macro_rules! moved {
    ($known:expr, $array:ident => $body:expr) => {
        match &$known.numbers {
            Numbers::Floats($array) => Known { element: $known.element, numbers: Numbers::Floats($body) },
            Numbers::Ints($array) => Known { element: $known.element, numbers: Numbers::Ints($body) },
            Numbers::Sizes($array) => Known::sizes($body, $known.element),
        }
    };
}
use moved;
