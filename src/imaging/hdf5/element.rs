//! The type of a dataset's elements.

use bytemuck::Pod;
use hdf5_pure::{Datatype, DatatypeByteOrder, FloatingPointLayout};
use ndarray::Array2;

use super::super::bytes::Order;
use super::super::error::Fault;
use super::super::plane::by_kind;
use super::super::raw::Stored;
use super::super::{Plane, SampleType, Samples};

/// What lies at each position of a dataset: one number, a complex one, or the colours of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) stored: Stored,
    pub(super) order: Order,
    /// Numbers side by side: 3 or 4 for a colour, else 1.
    pub(super) parts: usize,
}

impl Element {
    /// Bytes of one element in the file.
    pub(super) fn bytes(self) -> usize {
        self.stored.bytes() * self.parts
    }

    /// The element of a datatype, where planes of it can be shown.
    pub(super) fn of(datatype: &Datatype) -> Result<Self, Fault> {
        if let Datatype::Compound { size, members } = datatype {
            let parts = members.iter().map(|m| number(&m.datatype)).collect::<Option<Vec<_>>>();
            let all = parts.as_deref().unwrap_or_default();
            let Some(&(kind, order)) = all.first() else { return Err(refused(datatype)) };
            let gapless = members.iter().enumerate().all(|(i, m)| m.byte_offset == (i * kind.bytes()) as u64);
            let uniform = all.iter().all(|part| *part == (kind, order));
            if !(gapless && uniform && *size as usize == kind.bytes() * all.len()) {
                return Err(refused(datatype));
            }
            let initials: String =
                members.iter().filter_map(|m| m.name.to_lowercase().chars().next()).collect();
            return match (initials.as_str(), kind) {
                ("ri", SampleType::F32 | SampleType::F64) => {
                    Ok(Self { stored: Stored::Complex(kind), order, parts: 1 })
                }
                ("rgb" | "rgba", _) => Ok(Self { stored: Stored::Real(kind), order, parts: all.len() }),
                _ => Err(refused(datatype)),
            };
        }
        let (kind, order) = number(datatype).ok_or_else(|| refused(datatype))?;
        Ok(Self { stored: Stored::Real(kind), order, parts: 1 })
    }

    /// A plane of one part of the elements, gapless rows in the file's byte order.
    pub(super) fn plane(self, bytes: &[u8], shape: (usize, usize)) -> Result<Plane, Fault> {
        let Stored::Real(kind) = self.stored else {
            return Err(Fault::Bad("A complex plane has two parts".into()));
        };
        macro_rules! as_kind {
            ($word:ty, $make:expr) => {
                array::<$word>(bytes, self.order, shape).map($make)
            };
        }
        let samples = by_kind!(kind, as_kind);
        samples.map(|samples| Plane { samples })
    }

    /// Modulus and phase of a complex plane.
    pub(super) fn complex(self, bytes: &[u8], shape: (usize, usize)) -> Result<[Plane; 2], Fault> {
        let (height, width) = shape;
        let parts = (height, width * 2);
        let double = self.stored == Stored::Complex(SampleType::F64);
        let values = if double {
            array::<f64>(bytes, self.order, parts)?
        } else {
            array::<f32>(bytes, self.order, parts)?.mapv(f64::from)
        };
        let value = |y, x| (values[[y, 2 * x]], values[[y, 2 * x + 1]]);
        let modulus = Array2::from_shape_fn(shape, |(y, x)| value(y, x).0.hypot(value(y, x).1));
        let phase = Array2::from_shape_fn(shape, |(y, x)| value(y, x).1.atan2(value(y, x).0));
        let plane = |values: Array2<f64>| Plane {
            samples: if double { Samples::F64(values) } else { Samples::F32(values.mapv(|v| v as f32)) },
        };
        Ok([plane(modulus), plane(phase)])
    }
}

fn refused(datatype: &Datatype) -> Fault {
    Fault::Unsupported(format!("Its elements are no numbers that can be shown ({datatype})"))
}

/// A plain number's type and byte order.
fn number(datatype: &Datatype) -> Option<(SampleType, Order)> {
    let order = |order: &DatatypeByteOrder| match order {
        DatatypeByteOrder::LittleEndian => Some(Order::Little),
        DatatypeByteOrder::BigEndian => Some(Order::Big),
        DatatypeByteOrder::Vax => None,
    };
    match datatype {
        Datatype::FixedPoint { size, byte_order, layout } => {
            let whole = u32::from(layout.bit_precision) == size.checked_mul(8)?;
            // Fewer bits fill the lower end of an unsigned number; a sign would stand in the middle.
            if layout.bit_offset != 0 || (layout.signed && !whole) {
                return None;
            }
            let kind = match (size, layout.signed) {
                (1, false) => SampleType::U8,
                (2, false) => SampleType::U16,
                (4, false) => SampleType::U32,
                (8, false) => SampleType::U64,
                (1, true) => SampleType::I8,
                (2, true) => SampleType::I16,
                (4, true) => SampleType::I32,
                (8, true) => SampleType::I64,
                _ => return None,
            };
            Some((kind, order(byte_order)?))
        }
        Datatype::FloatingPoint { size, byte_order, layout } => {
            Some((float(*size, *layout)?, order(byte_order)?))
        }
        // How h5py stores truth values.
        Datatype::Enumeration { base_type, members, .. } => {
            let mut names: Vec<&str> = members.iter().map(|m| m.name.as_str()).collect();
            names.sort_unstable();
            match number(base_type)? {
                (SampleType::I8 | SampleType::U8, order) if names == ["FALSE", "TRUE"] => {
                    Some((SampleType::Bool, order))
                }
                base => Some(base),
            }
        }
        _ => None,
    }
}

/// The IEEE types.
fn float(size: u32, layout: FloatingPointLayout) -> Option<SampleType> {
    let at_the_ends = layout.bit_offset == 0 && layout.mantissa_location == 0;
    let parts =
        (size, layout.bit_precision, layout.exponent_size, layout.mantissa_size, layout.exponent_bias);
    match parts {
        (2, 16, 5, 10, 15) if at_the_ends => Some(SampleType::F16),
        (4, 32, 8, 23, 127) if at_the_ends => Some(SampleType::F32),
        (8, 64, 11, 52, 1023) if at_the_ends => Some(SampleType::F64),
        _ => None,
    }
}

/// Numbers as they lie in memory.
fn array<T: Pod>(bytes: &[u8], order: Order, shape: (usize, usize)) -> Result<Array2<T>, Fault> {
    let mut values = vec![T::zeroed(); bytes.len() / size_of::<T>()];
    let target: &mut [u8] = bytemuck::cast_slice_mut(&mut values);
    let whole = target.len();
    target.copy_from_slice(&bytes[..whole]);
    if !order.is_native() {
        target.chunks_exact_mut(size_of::<T>()).for_each(<[u8]>::reverse);
    }
    Array2::from_shape_vec(shape, values)
        .map_err(|_| Fault::Bad("The image's size does not fit its data".into()))
}
