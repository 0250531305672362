//! The numbers of a `TensorProto`: typed fields, raw bytes, or a file beside the model. Nothing is allocated that the
//! file does not hold.

use super::external::Outside;
use super::known::{Element, Known, Numbers};
use super::proto::{TensorProto, data_type};
use super::{Refused, refuse};
use half::{bf16, f16};
use ndarray::{ArrayD, IxDyn};
use prost::bytes::Bytes;

/// The numbers of a tensor; `outside` reads those that stand in a file of their own.
pub(super) fn known(tensor: &TensorProto, outside: Option<&Outside>) -> Result<Known, Refused> {
    let Some(element) = Element::of(tensor.data_type) else {
        return refuse(format!("{} holds no plain numbers (data type {})", name(tensor), tensor.data_type));
    };
    let shape = shape(tensor)?;
    let numbers = match raw(tensor, outside)? {
        Some(bytes) => from_bytes(tensor, &bytes, &shape)?,
        None => from_fields(tensor, &shape)?,
    };
    Ok(Known { element, numbers })
}

fn name(tensor: &TensorProto) -> String {
    if tensor.name.is_empty() { "a constant".into() } else { tensor.name.chars().take(120).collect() }
}

/// Its shape; the number of its values can be counted.
fn shape(tensor: &TensorProto) -> Result<Vec<usize>, Refused> {
    let shape: Option<Vec<usize>> = tensor.dims.iter().map(|&n| usize::try_from(n).ok()).collect();
    let countable =
        shape.filter(|shape| shape.iter().try_fold(8_usize, |product, &n| product.checked_mul(n)).is_some());
    match countable {
        Some(shape) => Ok(shape),
        None => refuse(format!("{} has the impossible shape {:?}", name(tensor), tensor.dims)),
    }
}

/// The raw bytes, here or beside the model.
fn raw(tensor: &TensorProto, outside: Option<&Outside>) -> Result<Option<Bytes>, Refused> {
    if tensor.data_location == 1 {
        return match outside {
            Some(outside) => outside.read(tensor).map(Some),
            None => refuse(format!("the numbers of {} stand in another file", name(tensor))),
        };
    }
    Ok(tensor.raw_data.clone())
}

/// Bytes of one value.
fn width(data_type: i32) -> usize {
    match data_type {
        data_type::UINT8 | data_type::INT8 | data_type::BOOL => 1,
        data_type::UINT16 | data_type::INT16 | data_type::FLOAT16 | data_type::BFLOAT16 => 2,
        data_type::FLOAT | data_type::INT32 | data_type::UINT32 => 4,
        _ => 8,
    }
}

fn from_bytes(tensor: &TensorProto, bytes: &Bytes, shape: &[usize]) -> Result<Numbers, Refused> {
    let expected = shape.iter().product::<usize>() * width(tensor.data_type);
    if bytes.len() != expected {
        return refuse(format!(
            "{} of shape {shape:?} must have {expected} bytes, the file has {}",
            name(tensor),
            bytes.len()
        ));
    }
    fn each<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.as_chunks::<N>().0.iter().map(|&chunk| read(chunk)).collect()
    }
    let ints = |values: Vec<i64>| array(shape, values).map(Numbers::Ints);
    let floats = |values: Vec<f32>| array(shape, values).map(Numbers::Floats);
    match tensor.data_type {
        data_type::FLOAT => floats(each(bytes, f32::from_le_bytes)),
        data_type::DOUBLE => floats(each(bytes, |eight| f64::from_le_bytes(eight) as f32)),
        data_type::FLOAT16 => floats(each(bytes, |two| f16::from_le_bytes(two).to_f32())),
        data_type::BFLOAT16 => floats(each(bytes, |two| bf16::from_le_bytes(two).to_f32())),
        data_type::UINT8 => ints(each(bytes, |[byte]| i64::from(byte))),
        data_type::BOOL => ints(each(bytes, |[byte]| i64::from(byte != 0))),
        data_type::INT8 => ints(each(bytes, |one| i64::from(i8::from_le_bytes(one)))),
        data_type::UINT16 => ints(each(bytes, |two| i64::from(u16::from_le_bytes(two)))),
        data_type::INT16 => ints(each(bytes, |two| i64::from(i16::from_le_bytes(two)))),
        data_type::INT32 => ints(each(bytes, |four| i64::from(i32::from_le_bytes(four)))),
        data_type::UINT32 => ints(each(bytes, |four| i64::from(u32::from_le_bytes(four)))),
        data_type::UINT64 => ints(each(bytes, |eight| u64::from_le_bytes(eight) as i64)),
        _ => ints(each(bytes, i64::from_le_bytes)),
    }
}

fn from_fields(tensor: &TensorProto, shape: &[usize]) -> Result<Numbers, Refused> {
    let narrow = || tensor.int32_data.iter().copied();
    let half = |value: i32| f16::from_bits(value as u16).to_f32();
    let brain = |value: i32| bf16::from_bits(value as u16).to_f32();
    let count = shape.iter().product::<usize>();
    let given = match tensor.data_type {
        data_type::FLOAT => tensor.float_data.len(),
        data_type::DOUBLE => tensor.double_data.len(),
        data_type::INT64 => tensor.int64_data.len(),
        data_type::UINT32 | data_type::UINT64 => tensor.uint64_data.len(),
        _ => tensor.int32_data.len(),
    };
    if given != count {
        let name = name(tensor);
        return refuse(format!("{name} of shape {shape:?} must have {count} numbers, the file has {given}"));
    }
    let floats = |values: Vec<f32>| array(shape, values).map(Numbers::Floats);
    let ints = |values: Vec<i64>| array(shape, values).map(Numbers::Ints);
    match tensor.data_type {
        data_type::FLOAT => floats(tensor.float_data.clone()),
        data_type::DOUBLE => floats(tensor.double_data.iter().map(|&value| value as f32).collect()),
        data_type::FLOAT16 => floats(narrow().map(half).collect()),
        data_type::BFLOAT16 => floats(narrow().map(brain).collect()),
        data_type::INT64 => ints(tensor.int64_data.clone()),
        data_type::UINT32 | data_type::UINT64 => {
            ints(tensor.uint64_data.iter().map(|&value| value as i64).collect())
        }
        _ => ints(narrow().map(i64::from).collect()),
    }
}

fn array<T>(shape: &[usize], values: Vec<T>) -> Result<ArrayD<T>, Refused> {
    ArrayD::from_shape_vec(IxDyn(shape), values).map_err(|error| Refused(error.to_string()))
}

/// A tensor's numbers as f32; for files of test values beside a model.
///
/// # Errors
/// [`OnnxError::File`](super::OnnxError) when it holds no plain numbers, or not as many as it says.
pub fn array_of(tensor: &TensorProto) -> Result<ArrayD<f32>, super::OnnxError> {
    let values = known(tensor, None).map(|known| known.values());
    match values {
        Ok(Some(values)) => Ok(values),
        Ok(None) => Err(super::OnnxError::File("The tensor holds no plain numbers".into())),
        Err(Refused(what)) => Err(super::OnnxError::File(what)),
    }
}
