//! A package's test tensors: NPY files, with their axes in the order of this house.

use super::description::Axis;
use ndarray::{ArrayD, IxDyn};
use npyz::{DType, NpyFile, Order, TypeChar};
use std::io::Cursor;

/// Most axes of a tensor.
const MAX_AXES: usize = 8;

/// The numbers of an NPY file as f32.
pub(super) fn read(bytes: &[u8]) -> Result<ArrayD<f32>, String> {
    let broken = |error: std::io::Error| format!("not an NPY file that can be read: {error}");
    let file = NpyFile::new(Cursor::new(bytes)).map_err(broken)?;
    let shape: Vec<usize> = file.shape().iter().map(|&n| usize::try_from(n).unwrap_or(usize::MAX)).collect();
    let DType::Plain(kind) = file.dtype() else { return Err("an array of records".into()) };
    let size = usize::try_from(kind.size_field()).unwrap_or(0);
    let elements = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
    let needed = elements.and_then(|n| n.checked_mul(size)).filter(|&n| n <= bytes.len());
    if needed.is_none() || shape.len() > MAX_AXES {
        return Err(format!("an array of {shape:?} in a file of {} bytes", bytes.len()));
    }
    let fortran = file.order() == Order::Fortran;
    let numbers = numbers(file, kind.type_char(), size).map_err(broken)?;
    if fortran {
        let turned: Vec<usize> = shape.iter().rev().copied().collect();
        let array = ArrayD::from_shape_vec(IxDyn(&turned), numbers).map_err(|e| e.to_string())?;
        return Ok(array.reversed_axes());
    }
    ArrayD::from_shape_vec(IxDyn(&shape), numbers).map_err(|e| e.to_string())
}

fn numbers(file: NpyFile<Cursor<&[u8]>>, kind: TypeChar, size: usize) -> std::io::Result<Vec<f32>> {
    fn as_f32<T>(values: Vec<T>, convert: impl Fn(T) -> f32) -> Vec<f32> {
        values.into_iter().map(convert).collect()
    }
    match (kind, size) {
        (TypeChar::Float, 4) => file.into_vec::<f32>(),
        (TypeChar::Float, 8) => file.into_vec::<f64>().map(|v| as_f32(v, |n| n as f32)),
        (TypeChar::Uint, 1) => file.into_vec::<u8>().map(|v| as_f32(v, f32::from)),
        (TypeChar::Uint, 2) => file.into_vec::<u16>().map(|v| as_f32(v, f32::from)),
        (TypeChar::Uint, 4) => file.into_vec::<u32>().map(|v| as_f32(v, |n| n as f32)),
        (TypeChar::Uint, 8) => file.into_vec::<u64>().map(|v| as_f32(v, |n| n as f32)),
        (TypeChar::Int, 1) => file.into_vec::<i8>().map(|v| as_f32(v, f32::from)),
        (TypeChar::Int, 2) => file.into_vec::<i16>().map(|v| as_f32(v, f32::from)),
        (TypeChar::Int, 4) => file.into_vec::<i32>().map(|v| as_f32(v, |n| n as f32)),
        (TypeChar::Int, 8) => file.into_vec::<i64>().map(|v| as_f32(v, |n| n as f32)),
        (TypeChar::Bool, 1) => file.into_vec::<bool>().map(|v| as_f32(v, |n| f32::from(u8::from(n)))),
        _ => Err(std::io::Error::other("its numbers are of an unknown type")),
    }
}

/// `[batch, channel, y, x]` or `[batch, channel]`, whatever the order in the file.
pub(super) fn ordered(array: ArrayD<f32>, axes: &[Axis]) -> Result<ArrayD<f32>, String> {
    if array.ndim() != axes.len() {
        return Err(format!("{} axes instead of the {} that are described", array.ndim(), axes.len()));
    }
    let wanted = [Axis::Batch, Axis::Channel, Axis::Y, Axis::X];
    let order: Vec<usize> =
        wanted.iter().filter_map(|axis| axes.iter().position(|found| found == axis)).collect();
    if order.len() != axes.len() {
        return Err("axes that no image here has".into());
    }
    Ok(array.permuted_axes(IxDyn(&order)).as_standard_layout().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// The NPY file of that header and those bytes.
    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let text = format!("{header:<117}\n");
        [b"\x93NUMPY\x01\x00".as_slice(), &(text.len() as u16).to_le_bytes(), text.as_bytes(), data].concat()
    }

    #[test]
    fn arrays_are_read_in_either_order_and_never_beyond_their_file() {
        let data = [1_u8, 2, 3, 4, 5, 6];
        let c = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }", &data);
        assert_eq!(read(&c).unwrap(), array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]].into_dyn());
        let fortran = npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", &data);
        assert_eq!(read(&fortran).unwrap(), array![[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]].into_dyn());
        let lying =
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776, 1048576), }", &data);
        assert!(read(&lying).unwrap_err().starts_with("an array of [1099511627776, 1048576] in a file"));
        assert!(read(&c[..40]).is_err());
        assert!(read(b"text").is_err());
    }

    #[test]
    fn axes_are_put_in_order() {
        let channels_last =
            ArrayD::from_shape_fn(IxDyn(&[1, 2, 3, 4]), |i| (i[1] * 100 + i[2] * 10 + i[3]) as f32);
        let axes = [Axis::Batch, Axis::Y, Axis::X, Axis::Channel];
        let turned = ordered(channels_last.clone(), &axes).unwrap();
        assert_eq!(turned.shape(), [1, 4, 2, 3]);
        assert_eq!(turned[[0, 3, 1, 2]], 123.0);
        assert!(ordered(channels_last, &axes[1..]).is_err());
    }
}
