//! Arrays whose numbers are known without running the network: weights, attributes, and arithmetic with sizes.

use super::proto::data_type;
use super::size::{Size, fraction};
use super::{Refused, refuse};
use ndarray::{ArrayD, IxDyn};

/// What the numbers of an array are; the network computes all of them as f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Float,
    Int,
    Bool,
}

impl Element {
    /// Of ONNX's data type; `None` for texts and complex numbers.
    pub(super) fn of(data_type: i32) -> Option<Self> {
        match data_type {
            data_type::FLOAT | data_type::FLOAT16 | data_type::BFLOAT16 | data_type::DOUBLE => {
                Some(Self::Float)
            }
            data_type::BOOL => Some(Self::Bool),
            data_type::UINT8..=data_type::INT64 | data_type::UINT32 | data_type::UINT64 => Some(Self::Int),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Numbers {
    Floats(ArrayD<f32>),
    Ints(ArrayD<i64>),
    /// Where one of them at least hangs on the image's size.
    Sizes(ArrayD<Size>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    pub(super) element: Element,
    pub(super) numbers: Numbers,
}

impl Known {
    pub(super) fn floats(array: ArrayD<f32>) -> Self {
        Self { element: Element::Float, numbers: Numbers::Floats(array) }
    }

    pub(super) fn of_ints(array: ArrayD<i64>) -> Self {
        Self { element: Element::Int, numbers: Numbers::Ints(array) }
    }

    /// A list of whole numbers.
    pub(super) fn list(values: Vec<i64>) -> Self {
        Self::of_ints(ndarray::Array1::from(values).into_dyn())
    }

    /// Sizes; plain numbers where all of them are.
    pub(super) fn sizes(array: ArrayD<Size>, element: Element) -> Self {
        let numbers = if array.iter().all(|size| size.number().is_some()) && element != Element::Float {
            Numbers::Ints(array.mapv(|size| size.number().unwrap_or_default()))
        } else if element == Element::Float
            && array.iter().all(|size| size.times(&Size::from(1_i64)).is_some_and(|s| plain(&s).is_some()))
        {
            Numbers::Floats(array.mapv(|size| plain(&size).unwrap_or_default() as f32))
        } else {
            Numbers::Sizes(array)
        };
        Self { element, numbers }
    }

    pub(super) fn shape(&self) -> &[usize] {
        match &self.numbers {
            Numbers::Floats(array) => array.shape(),
            Numbers::Ints(array) => array.shape(),
            Numbers::Sizes(array) => array.shape(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shape().iter().product()
    }

    /// All of them as whole numbers, in order; `None` where one hangs on the image's size.
    pub(super) fn ints(&self) -> Option<Vec<i64>> {
        match &self.numbers {
            Numbers::Floats(array) => Some(array.iter().map(|&value| value as i64).collect()),
            Numbers::Ints(array) => Some(array.iter().copied().collect()),
            Numbers::Sizes(array) => array.iter().map(Size::number).collect(),
        }
    }

    /// All of them as sizes, in order; `None` where one is no fraction.
    pub(super) fn as_sizes(&self) -> Option<ArrayD<Size>> {
        match &self.numbers {
            Numbers::Floats(array) => {
                let sizes: Option<Vec<Size>> = array
                    .iter()
                    .map(|&value| {
                        let (whole, over) = fraction(f64::from(value))?;
                        Size::from(whole).over(over)
                    })
                    .collect();
                ArrayD::from_shape_vec(array.raw_dim(), sizes?).ok()
            }
            Numbers::Ints(array) => Some(array.mapv(Size::from)),
            Numbers::Sizes(array) => Some(array.clone()),
        }
    }

    /// The numbers the network computes with; `None` where one hangs on the image's size.
    pub(super) fn values(&self) -> Option<ArrayD<f32>> {
        match &self.numbers {
            Numbers::Floats(array) => Some(array.clone()),
            Numbers::Ints(array) => Some(array.mapv(|value| value as f32)),
            Numbers::Sizes(_) => None,
        }
    }

    /// The one number of an array of one.
    pub(super) fn scalar(&self) -> Option<f64> {
        if self.len() != 1 {
            return None;
        }
        match &self.numbers {
            Numbers::Floats(array) => array.iter().next().map(|&value| f64::from(value)),
            Numbers::Ints(array) => array.iter().next().map(|&value| value as f64),
            Numbers::Sizes(_) => None,
        }
    }

    /// The same numbers in another shape of as many.
    pub(super) fn reshaped(&self, shape: &[usize]) -> Result<Self, Refused> {
        fn reshape<T: Clone>(array: &ArrayD<T>, shape: &[usize]) -> Option<ArrayD<T>> {
            ArrayD::from_shape_vec(IxDyn(shape), array.iter().cloned().collect()).ok()
        }
        let numbers = match &self.numbers {
            Numbers::Floats(array) => reshape(array, shape).map(Numbers::Floats),
            Numbers::Ints(array) => reshape(array, shape).map(Numbers::Ints),
            Numbers::Sizes(array) => reshape(array, shape).map(Numbers::Sizes),
        };
        match numbers {
            Some(numbers) => Ok(Self { element: self.element, numbers }),
            None => refuse(format!("{:?} numbers do not fit the shape {shape:?}", self.shape())),
        }
    }
}

/// The value of a size without terms, fractions too.
fn plain(size: &Size) -> Option<f64> {
    // Whole numbers and fractions alike have the value that they have for every image.
    (0..=64_i64).filter(|&over| over > 0).find_map(|over| {
        let scaled = size.times(&Size::from(over))?;
        scaled.number().map(|number| number as f64 / over as f64)
    })
}
