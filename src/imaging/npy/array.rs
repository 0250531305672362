//! An NPY file as the array of numbers that it is, whatever its axes mean.

use std::path::Path;

use half::f16;
use ndarray::{ArrayD, IxDyn, ShapeBuilder as _};

use super::{LONGEST, Layout};
use crate::imaging::bytes::{Input, Order};
use crate::imaging::error::Fault;
use crate::imaging::raw::Stored;
use crate::imaging::{ImagingError, SampleType};

/// The whole array as f32, to which larger types are rounded.
///
/// # Errors
/// When it is no NPY file of real numbers, is damaged or cut short, or has no values.
pub fn read_array(path: &Path) -> Result<ArrayD<f32>, ImagingError> {
    read(path).map_err(|fault| fault.at(path))
}

fn read(path: &Path) -> Result<ArrayD<f32>, Fault> {
    let input = Input::open(path)?;
    let layout = Layout::of_any(&input.bytes(0, LONGEST.min(input.length()))?)?;
    let Stored::Real(kind) = layout.stored else {
        return Err(Fault::Unsupported("An NPY array of complex numbers, where real ones are wanted".into()));
    };
    if layout.shape.contains(&0) {
        return Err(Fault::Bad("The NPY array has no values".into()));
    }
    let needed = layout.bytes();
    if needed > input.length() {
        let length = input.length();
        return Err(Fault::Bad(format!(
            "The NPY array is cut short: {needed} bytes expected, {length} found"
        )));
    }
    let values = values(&input.bytes(layout.data, needed - layout.data)?, kind, layout.order);
    let shape = IxDyn(&layout.shape).set_f(layout.fortran);
    ArrayD::from_shape_vec(shape, values).map_err(|error| Fault::Bad(error.to_string()))
}

fn values(bytes: &[u8], kind: SampleType, order: Order) -> Vec<f32> {
    match kind {
        SampleType::Bool => each(bytes, order, |[byte]| f32::from(u8::from(byte != 0))),
        SampleType::U8 => each(bytes, order, |[byte]| f32::from(byte)),
        SampleType::I8 => each(bytes, order, |bytes| f32::from(i8::from_le_bytes(bytes))),
        SampleType::U16 => each(bytes, order, |bytes| f32::from(u16::from_le_bytes(bytes))),
        SampleType::I16 => each(bytes, order, |bytes| f32::from(i16::from_le_bytes(bytes))),
        SampleType::U32 => each(bytes, order, |bytes| u32::from_le_bytes(bytes) as f32),
        SampleType::I32 => each(bytes, order, |bytes| i32::from_le_bytes(bytes) as f32),
        SampleType::U64 => each(bytes, order, |bytes| u64::from_le_bytes(bytes) as f32),
        SampleType::I64 => each(bytes, order, |bytes| i64::from_le_bytes(bytes) as f32),
        SampleType::F16 => each(bytes, order, |bytes| f16::from_le_bytes(bytes).to_f32()),
        SampleType::F32 => each(bytes, order, f32::from_le_bytes),
        SampleType::F64 => each(bytes, order, |bytes| f64::from_le_bytes(bytes) as f32),
    }
}

/// Each number of `N` bytes, which `make` is given with the lowest first.
fn each<const N: usize>(bytes: &[u8], order: Order, make: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let number = |&(mut bytes): &[u8; N]| {
        if order == Order::Big {
            bytes.reverse();
        }
        make(bytes)
    };
    bytes.as_chunks::<N>().0.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// A file of version 1 whose header says so, with these bytes behind it.
    fn file(dir: &Path, header: &str, data: &[u8]) -> std::path::PathBuf {
        let path = dir.join("x.npy");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16 + 1).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.push(b'\n');
        bytes.extend(data);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn every_real_type_in_both_orders_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let check = |descr: &str, data: &[u8], expected: f32| {
            let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,), }}");
            assert_eq!(read_array(&file(dir.path(), &header, data)).unwrap()[[0]], expected, "{descr}");
        };
        check("|b1", &[1], 1.0);
        check("|u1", &[200], 200.0);
        check("|i1", &[0xff], -1.0);
        check("<u2", &[1, 2], 513.0);
        check(">u2", &[1, 2], 258.0);
        check("<i2", &[0xfe, 0xff], -2.0);
        check("<u4", &7_u32.to_le_bytes(), 7.0);
        check(">i4", &(-7_i32).to_be_bytes(), -7.0);
        check("<u8", &(1_u64 << 40).to_le_bytes(), 1_099_511_627_776.0);
        check("<i8", &(-3_i64).to_le_bytes(), -3.0);
        // 1.5 is 0x3e00 in half precision.
        check("<f2", &[0x00, 0x3e], 1.5);
        check(">f4", &0.1_f32.to_be_bytes(), 0.1);
        check("<f8", &0.1_f64.to_le_bytes(), 0.1);
    }

    #[test]
    fn axes_of_any_number_and_order_stay_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }";
        let read = read_array(&file(dir.path(), header, &[1, 4, 2, 5, 3, 6])).unwrap();
        assert_eq!(read, array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]].into_dyn());
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 2, 1, 1, 1, 2), }";
        assert_eq!(
            read_array(&file(dir.path(), header, &[1, 2, 3, 4])).unwrap().shape(),
            [1, 1, 2, 1, 1, 1, 2]
        );
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (), }";
        assert_eq!(read_array(&file(dir.path(), header, &[9])).unwrap()[[]], 9.0);
    }

    #[test]
    fn what_is_no_array_of_real_numbers_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let refuse = |header: &str, data: &[u8], expected: &str| {
            let message = read_array(&file(dir.path(), header, data)).unwrap_err().to_string();
            assert!(message.contains(expected) && message.ends_with("x.npy"), "{message}");
        };
        let of = |descr: &str, shape: &str| {
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}")
        };
        refuse(&of("<f4", "(3,)"), &[0; 8], "cut short: ");
        refuse(&of("<f4", "(4611686018427387904, 4611686018427387904)"), &[0; 8], "cut short: ");
        refuse(&of("<f4", "(0, 3)"), &[], "has no values");
        refuse(&of("<c8", "(1,)"), &[0; 8], "complex numbers");
        refuse(&of("<U4", "(1,)"), &[0; 16], "");
        std::fs::write(dir.path().join("x.npy"), "no array").unwrap();
        let message = read_array(&dir.path().join("x.npy")).unwrap_err().to_string();
        assert!(message.starts_with("The header of the NPY array is damaged"), "{message}");
    }
}
