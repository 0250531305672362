//! Arithmetic with known numbers, sizes among them.

use super::super::known::{Element, Known, Numbers};
use super::super::size::Size;
use super::super::{Refused, refuse};
use super::MOST;
use ndarray::{ArrayD, Axis, IxDyn};

/// A function of one number.
#[derive(Clone, Copy)]
pub(super) enum Unary {
    Neg,
    Floor,
    Ceil,
    Not,
    /// Of floats alone.
    Real(fn(f64) -> f64),
}

impl Unary {
    pub(super) fn named(op: &str) -> Option<Self> {
        Some(match op {
            "Neg" => Self::Neg,
            "Floor" => Self::Floor,
            "Ceil" => Self::Ceil,
            "Not" => Self::Not,
            "Abs" => Self::Real(f64::abs),
            "Sqrt" => Self::Real(f64::sqrt),
            "Exp" => Self::Real(f64::exp),
            "Log" => Self::Real(f64::ln),
            "Reciprocal" => Self::Real(f64::recip),
            "Round" => Self::Real(f64::round_ties_even),
            "Relu" => Self::Real(|x| x.max(0.0)),
            "Sigmoid" => Self::Real(|x| 1.0 / (1.0 + (-x).exp())),
            "Tanh" => Self::Real(f64::tanh),
            _ => return None,
        })
    }
}

pub(super) fn unary(known: &Known, kind: Unary) -> Result<Known, Refused> {
    let element = known.element;
    let numbers = match (&known.numbers, kind) {
        (Numbers::Floats(array), Unary::Real(f)) => {
            Numbers::Floats(array.mapv(|value| f(f64::from(value)) as f32))
        }
        (Numbers::Floats(array), Unary::Neg) => Numbers::Floats(array.mapv(|value| -value)),
        (Numbers::Floats(array), Unary::Floor) => Numbers::Floats(array.mapv(f32::floor)),
        (Numbers::Floats(array), Unary::Ceil) => Numbers::Floats(array.mapv(f32::ceil)),
        (Numbers::Ints(array), Unary::Real(f)) => Numbers::Ints(array.mapv(|value| f(value as f64) as i64)),
        (Numbers::Ints(array), Unary::Neg) => Numbers::Ints(array.mapv(i64::wrapping_neg)),
        (Numbers::Ints(array), Unary::Not) => Numbers::Ints(array.mapv(|value| i64::from(value == 0))),
        (Numbers::Ints(array), Unary::Floor | Unary::Ceil) => Numbers::Ints(array.clone()),
        (Numbers::Sizes(array), kind) => {
            let change = |size: &Size| match kind {
                Unary::Neg => Size::from(0_i64).minus(size),
                Unary::Floor => size.floor(),
                Unary::Ceil => size.ceil(),
                Unary::Not | Unary::Real(_) => None,
            };
            return Ok(Known::sizes(each(array, change)?, element));
        }
        (Numbers::Floats(_), Unary::Not) => return refuse("it negates numbers that are not true or false"),
    };
    Ok(Known { element, numbers })
}

/// Applies a function of sizes that may not be told.
fn each(array: &ArrayD<Size>, change: impl Fn(&Size) -> Option<Size>) -> Result<ArrayD<Size>, Refused> {
    let sizes: Option<Vec<Size>> = array.iter().map(change).collect();
    from_sizes(array.shape(), sizes)
}

fn from_sizes(shape: &[usize], sizes: Option<Vec<Size>>) -> Result<ArrayD<Size>, Refused> {
    let array = sizes.and_then(|sizes| ArrayD::from_shape_vec(IxDyn(shape), sizes).ok());
    array.map_or_else(|| refuse("its arithmetic with the image's size cannot be followed"), Ok)
}

/// A function of two numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Mod,
    Min,
    Max,
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

impl Binary {
    pub(super) fn named(op: &str) -> Option<Self> {
        Some(match op {
            "Add" | "Sum" => Self::Add,
            "Sub" => Self::Sub,
            "Mul" => Self::Mul,
            "Div" => Self::Div,
            "Pow" => Self::Pow,
            "Mod" => Self::Mod,
            "Min" => Self::Min,
            "Max" => Self::Max,
            "Equal" => Self::Equal,
            "Less" => Self::Less,
            "LessOrEqual" => Self::LessOrEqual,
            "Greater" => Self::Greater,
            "GreaterOrEqual" => Self::GreaterOrEqual,
            "And" => Self::And,
            "Or" => Self::Or,
            _ => return None,
        })
    }

    fn is_question(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::Less
                | Self::LessOrEqual
                | Self::Greater
                | Self::GreaterOrEqual
                | Self::And
                | Self::Or
        )
    }

    fn of_floats(self, a: f64, b: f64) -> f64 {
        let truth = |holds: bool| f64::from(u8::from(holds));
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Pow => a.powf(b),
            Self::Mod => a - b * (a / b).floor(),
            Self::Min => a.min(b),
            Self::Max => a.max(b),
            Self::Equal => truth(a == b),
            Self::Less => truth(a < b),
            Self::LessOrEqual => truth(a <= b),
            Self::Greater => truth(a > b),
            Self::GreaterOrEqual => truth(a >= b),
            Self::And => truth(a != 0.0 && b != 0.0),
            Self::Or => truth(a != 0.0 || b != 0.0),
        }
    }

    /// `None` for a division by nothing.
    fn of_ints(self, a: i64, b: i64) -> Option<i64> {
        Some(match self {
            Self::Add => a.wrapping_add(b),
            Self::Sub => a.wrapping_sub(b),
            Self::Mul => a.wrapping_mul(b),
            Self::Div => a.checked_div(b)?,
            Self::Mod => a.checked_sub(b.checked_mul(floor_div(a, b)?)?)?,
            Self::Pow => (a as f64).powf(b as f64) as i64,
            Self::Min => a.min(b),
            Self::Max => a.max(b),
            Self::Equal => i64::from(a == b),
            Self::Less => i64::from(a < b),
            Self::LessOrEqual => i64::from(a <= b),
            Self::Greater => i64::from(a > b),
            Self::GreaterOrEqual => i64::from(a >= b),
            Self::And => i64::from(a != 0 && b != 0),
            Self::Or => i64::from(a != 0 || b != 0),
        })
    }

    /// `None` where the answer hangs on the image, or cannot be written as a size.
    fn of_sizes(self, a: &Size, b: &Size, element: Element) -> Option<Size> {
        if let (Some(a), Some(b), true) = (a.number(), b.number(), element != Element::Float) {
            return self.of_ints(a, b).map(Size::from);
        }
        let difference = || a.minus(b).and_then(|difference| difference.number());
        match self {
            Self::Add => a.plus(b),
            Self::Sub => a.minus(b),
            Self::Mul => a.times(b),
            Self::Div => {
                let quotient = a.divided(b).or_else(|| a.over(b.number()?))?;
                if element == Element::Float { Some(quotient) } else { quotient.floor() }
            }
            Self::Mod => {
                let divisor = b.number()?;
                a.minus(&a.over(divisor)?.floor()?.times(b)?)
            }
            // Two sizes that differ by a number compare alike for every image.
            Self::Min => Some(if difference()? <= 0 { a.clone() } else { b.clone() }),
            Self::Max => Some(if difference()? >= 0 { a.clone() } else { b.clone() }),
            Self::Equal => difference().map(|n| Size::from(i64::from(n == 0))).or_else(|| never_equal(a, b)),
            Self::Less => difference().map(|n| Size::from(i64::from(n < 0))),
            Self::LessOrEqual => difference().map(|n| Size::from(i64::from(n <= 0))),
            Self::Greater => difference().map(|n| Size::from(i64::from(n > 0))),
            Self::GreaterOrEqual => difference().map(|n| Size::from(i64::from(n >= 0))),
            Self::Pow | Self::And | Self::Or => None,
        }
    }
}

/// A size of an image is never 0 or less, which is what exporters ask of it.
fn never_equal(a: &Size, b: &Size) -> Option<Size> {
    let below = |size: &Size| size.number().is_some_and(|n| n < 1);
    (below(a) || below(b)).then(|| Size::from(0_i64))
}

fn floor_div(a: i64, b: i64) -> Option<i64> {
    let quotient = a.checked_div(b)?;
    Some(if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
}

pub(super) fn binary(a: &Known, b: &Known, kind: Binary) -> Result<Known, Refused> {
    let shape = broadcast(a.shape(), b.shape())?;
    let element = if kind.is_question() { Element::Bool } else { a.element };
    let numbers = match (&a.numbers, &b.numbers) {
        (Numbers::Sizes(_), _) | (_, Numbers::Sizes(_)) => {
            let (Some(a_sizes), Some(b_sizes)) = (a.as_sizes(), b.as_sizes()) else {
                return refuse("its arithmetic with the image's size cannot be followed");
            };
            let sizes = zip(&a_sizes, &b_sizes, &shape)?.map(|(x, y)| kind.of_sizes(x, y, a.element));
            let sizes = from_sizes(&shape, sizes.collect())?;
            return Ok(Known::sizes(sizes, element));
        }
        (Numbers::Ints(x), Numbers::Ints(y)) => {
            let values: Option<Vec<i64>> = zip(x, y, &shape)?.map(|(&x, &y)| kind.of_ints(x, y)).collect();
            let Some(values) = values else { return refuse("it divides by 0") };
            Numbers::Ints(shaped(&shape, values)?)
        }
        _ => {
            let (Some(x), Some(y)) = (a.values(), b.values()) else { return refuse("unknown numbers") };
            let values = zip(&x, &y, &shape)?
                .map(|(&x, &y)| kind.of_floats(f64::from(x), f64::from(y)) as f32)
                .collect();
            let floats = shaped(&shape, values)?;
            if element == Element::Float {
                Numbers::Floats(floats)
            } else {
                Numbers::Ints(floats.mapv(|value| value as i64))
            }
        }
    };
    Ok(Known { element, numbers })
}

fn shaped<T>(shape: &[usize], values: Vec<T>) -> Result<ArrayD<T>, Refused> {
    ArrayD::from_shape_vec(IxDyn(shape), values).map_err(|error| Refused(error.to_string()))
}

/// The values of both, each repeated to the shape.
fn zip<'a, T>(
    a: &'a ArrayD<T>,
    b: &'a ArrayD<T>,
    shape: &[usize],
) -> Result<impl Iterator<Item = (&'a T, &'a T)>, Refused> {
    let (Some(a), Some(b)) = (a.broadcast(IxDyn(shape)), b.broadcast(IxDyn(shape))) else {
        return refuse("its inputs' shapes do not fit");
    };
    let (a, b) = (a.into_iter(), b.into_iter());
    Ok(a.zip(b))
}

/// The shape that both are repeated to (NumPy's broadcasting).
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Refused> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).and_then(|own| shape.get(own)).copied().unwrap_or(1)
    };
    let sizes = (0..rank).map(|axis| match (at(a, axis), at(b, axis)) {
        (x, y) if x == y => Some(x),
        (1, n) | (n, 1) => Some(n),
        _ => None,
    });
    let Some(shape) = sizes.collect::<Option<Vec<usize>>>() else {
        return refuse(format!("its inputs' shapes {a:?} and {b:?} do not fit"));
    };
    let given = |shape: &[usize]| shape.iter().product::<usize>();
    allowed(&shape, given(a).max(given(b)))?;
    Ok(shape)
}

/// Refuses arrays that are much larger than what they are made of.
pub(super) fn allowed(shape: &[usize], given: usize) -> Result<(), Refused> {
    let values = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
    match values {
        Some(values) if values <= MOST.max(given) => Ok(()),
        _ => refuse(format!("it would make an array of shape {shape:?}")),
    }
}

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
