//! Known numbers of another kind, chosen between, and summed along axes.

use super::super::known::{Element, Known, Numbers};
use super::super::size::Size;
use super::super::{Refused, refuse};
use super::arithmetic::{Binary, binary, broadcast, each, shaped};
use ndarray::{ArrayD, Axis, IxDyn};

pub(super) fn cast(known: &Known, element: Element) -> Result<Known, Refused> {
    let numbers = match (&known.numbers, element) {
        (Numbers::Floats(array), Element::Float) => Numbers::Floats(array.clone()),
        (Numbers::Floats(array), Element::Int) => Numbers::Ints(array.mapv(|value| value as i64)),
        (Numbers::Floats(array), Element::Bool) => Numbers::Ints(array.mapv(|value| i64::from(value != 0.0))),
        (Numbers::Ints(array), Element::Float) => Numbers::Floats(array.mapv(|value| value as f32)),
        (Numbers::Ints(array), Element::Int) => Numbers::Ints(array.clone()),
        (Numbers::Ints(array), Element::Bool) => Numbers::Ints(array.mapv(|value| i64::from(value != 0))),
        (Numbers::Sizes(_), Element::Bool) => return refuse("it asks whether the image's size is 0"),
        // Sizes are not negative, so that cutting off a fraction rounds down.
        (Numbers::Sizes(array), Element::Int) => {
            return Ok(Known::sizes(each(array, Size::floor)?, element));
        }
        (Numbers::Sizes(array), Element::Float) => return Ok(Known::sizes(array.clone(), element)),
    };
    Ok(Known { element, numbers })
}

pub(super) fn choose(condition: &Known, a: &Known, b: &Known) -> Result<Known, Refused> {
    let shape = broadcast(condition.shape(), &broadcast(a.shape(), b.shape())?)?;
    let picked = |x: &Known| super::moving::expand(x, &shape);
    let (condition, a, b) = (picked(condition)?, picked(a)?, picked(b)?);
    let Some(which) = condition.ints() else { return refuse("its condition hangs on the image's size") };
    let element = a.element;
    let numbers = match (&a.numbers, &b.numbers) {
        (Numbers::Floats(a), Numbers::Floats(b)) => Numbers::Floats(shaped(&shape, pick(&which, a, b))?),
        (Numbers::Ints(a), Numbers::Ints(b)) => Numbers::Ints(shaped(&shape, pick(&which, a, b))?),
        _ => {
            let (Some(a), Some(b)) = (a.as_sizes(), b.as_sizes()) else {
                return refuse("its arithmetic with the image's size cannot be followed");
            };
            return Ok(Known::sizes(shaped(&shape, pick(&which, &a, &b))?, element));
        }
    };
    Ok(Known { element, numbers })
}

fn pick<T: Clone>(which: &[i64], a: &ArrayD<T>, b: &ArrayD<T>) -> Vec<T> {
    let pairs = which.iter().zip(a.iter().zip(b));
    pairs.map(|(&which, (a, b))| if which != 0 { a.clone() } else { b.clone() }).collect()
}

/// `ReduceSum` and its like over these axes.
pub(super) fn reduce(known: &Known, op: &str, axes: &[usize], keep: bool) -> Result<Known, Refused> {
    let kind = match op {
        "ReduceProd" => Binary::Mul,
        "ReduceMax" => Binary::Max,
        "ReduceMin" => Binary::Min,
        _ => Binary::Add,
    };
    let mut result = known.clone();
    let mut count = 1;
    for &axis in axes.iter().rev() {
        let length = result.shape()[axis];
        count *= length;
        let part = |index: usize| super::moved!(&result, array => array.index_axis(Axis(axis), index).to_owned().insert_axis(Axis(axis)));
        if length == 0 {
            return refuse("it reduces an axis without values");
        }
        let mut sum = part(0);
        for index in 1..length {
            sum = binary(&sum, &part(index), kind)?;
        }
        result = sum;
    }
    if op == "ReduceMean" {
        let count = Known::floats(ArrayD::from_elem(IxDyn(&[]), count as f32));
        result = binary(&result, &count, Binary::Div)?;
    }
    if keep {
        return Ok(result);
    }
    let kept = (0..result.shape().len()).filter(|axis| !axes.contains(axis));
    let shape: Vec<usize> = kept.map(|axis| result.shape()[axis]).collect();
    result.reshaped(&shape)
}
