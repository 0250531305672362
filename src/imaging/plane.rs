//! One plane of stored samples.

use std::ops::Range;

use half::f16;
use ndarray::{Array2, s};

/// The type samples are stored as, by its NumPy name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SampleType {
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F16,
    F32,
    F64,
}

impl SampleType {
    /// NumPy's name, such as `uint16`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::U8 => "uint8",
            Self::U16 => "uint16",
            Self::U32 => "uint32",
            Self::U64 => "uint64",
            Self::I8 => "int8",
            Self::I16 => "int16",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::F16 => "float16",
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }

    /// Bytes of one sample in memory.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// Stored samples `[y, x]`, exactly as the file has them; booleans are bytes 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub enum Samples {
    Bool(Array2<u8>),
    U8(Array2<u8>),
    U16(Array2<u16>),
    U32(Array2<u32>),
    U64(Array2<u64>),
    I8(Array2<i8>),
    I16(Array2<i16>),
    I32(Array2<i32>),
    I64(Array2<i64>),
    F16(Array2<f16>),
    F32(Array2<f32>),
    F64(Array2<f64>),
}

/// Runs the same expression over whichever array a [`Samples`] holds.
macro_rules! over {
    ($samples:expr, $array:ident => $body:expr) => {
        match $samples {
            Samples::Bool($array) | Samples::U8($array) => $body,
            Samples::U16($array) => $body,
            Samples::U32($array) => $body,
            Samples::U64($array) => $body,
            Samples::I8($array) => $body,
            Samples::I16($array) => $body,
            Samples::I32($array) => $body,
            Samples::I64($array) => $body,
            Samples::F16($array) => $body,
            Samples::F32($array) => $body,
            Samples::F64($array) => $body,
        }
    };
}

/// What `$read!(word, make)` gives for samples of a type: the word that their bits are read as, and what makes samples of
/// an array of such words.
macro_rules! by_kind {
    ($kind:expr, $read:ident) => {
        match $kind {
            $crate::imaging::SampleType::Bool => {
                $read!(u8, |a| $crate::imaging::Samples::Bool(a.mapv(|v| u8::from(v != 0))))
            }
            $crate::imaging::SampleType::U8 => $read!(u8, $crate::imaging::Samples::U8),
            $crate::imaging::SampleType::U16 => $read!(u16, $crate::imaging::Samples::U16),
            $crate::imaging::SampleType::U32 => $read!(u32, $crate::imaging::Samples::U32),
            $crate::imaging::SampleType::U64 => $read!(u64, $crate::imaging::Samples::U64),
            $crate::imaging::SampleType::I8 => $read!(i8, $crate::imaging::Samples::I8),
            $crate::imaging::SampleType::I16 => $read!(i16, $crate::imaging::Samples::I16),
            $crate::imaging::SampleType::I32 => $read!(i32, $crate::imaging::Samples::I32),
            $crate::imaging::SampleType::I64 => $read!(i64, $crate::imaging::Samples::I64),
            $crate::imaging::SampleType::F16 => {
                $read!(u16, |a| $crate::imaging::Samples::F16(a.mapv(half::f16::from_bits)))
            }
            $crate::imaging::SampleType::F32 => $read!(f32, $crate::imaging::Samples::F32),
            $crate::imaging::SampleType::F64 => $read!(f64, $crate::imaging::Samples::F64),
        }
    };
}

pub(super) use by_kind;

/// A number a file can store.
trait Sample: Copy {
    fn as_f32(self) -> f32;
    fn as_f64(self) -> f64;
    fn push_le(self, out: &mut Vec<u8>);
}

macro_rules! primitive_sample {
    ($($kind:ty),*) => {$(
        impl Sample for $kind {
            // One body serves every type, also those where the conversion is lossless.
            #[allow(clippy::cast_lossless)]
            fn as_f32(self) -> f32 {
                self as f32
            }
            #[allow(clippy::cast_lossless)]
            fn as_f64(self) -> f64 {
                self as f64
            }
            fn push_le(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

primitive_sample!(u8, u16, u32, u64, i8, i16, i32, i64, f32, f64);

impl Sample for f16 {
    fn as_f32(self) -> f32 {
        self.to_f32()
    }
    fn as_f64(self) -> f64 {
        self.to_f64()
    }
    fn push_le(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

/// One plane `[y, x]` of a micrograph.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    pub samples: Samples,
}

impl Plane {
    /// A plane stored as 32-bit floats.
    #[must_use]
    pub fn from_f32(values: Array2<f32>) -> Self {
        Self { samples: Samples::F32(values) }
    }

    /// A plane stored as bytes.
    #[must_use]
    pub fn from_u8(values: Array2<u8>) -> Self {
        Self { samples: Samples::U8(values) }
    }

    /// A plane stored as 16-bit integers.
    #[must_use]
    pub fn from_u16(values: Array2<u16>) -> Self {
        Self { samples: Samples::U16(values) }
    }

    #[must_use]
    pub fn height(&self) -> usize {
        over!(&self.samples, a => a.nrows())
    }

    #[must_use]
    pub fn width(&self) -> usize {
        over!(&self.samples, a => a.ncols())
    }

    #[must_use]
    pub fn sample_type(&self) -> SampleType {
        match self.samples {
            Samples::Bool(_) => SampleType::Bool,
            Samples::U8(_) => SampleType::U8,
            Samples::U16(_) => SampleType::U16,
            Samples::U32(_) => SampleType::U32,
            Samples::U64(_) => SampleType::U64,
            Samples::I8(_) => SampleType::I8,
            Samples::I16(_) => SampleType::I16,
            Samples::I32(_) => SampleType::I32,
            Samples::I64(_) => SampleType::I64,
            Samples::F16(_) => SampleType::F16,
            Samples::F32(_) => SampleType::F32,
            Samples::F64(_) => SampleType::F64,
        }
    }

    /// Bytes the plane takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.height() * self.width() * self.sample_type().bytes()
    }

    /// The stored value at row `y`, column `x`; NaN outside. 64-bit integers are rounded to f64.
    #[must_use]
    pub fn value(&self, y: usize, x: usize) -> f64 {
        over!(&self.samples, a => a.get((y, x)).map_or(f64::NAN, |v| v.as_f64()))
    }

    /// All values as f32 `[y, x]`.
    #[must_use]
    pub fn to_f32(&self) -> Array2<f32> {
        over!(&self.samples, a => a.mapv(Sample::as_f32))
    }

    /// The values of some rows and columns as f32 `[y, x]`; what lies outside the plane is left out.
    #[must_use]
    pub fn part(&self, rows: Range<usize>, columns: Range<usize>) -> Array2<f32> {
        let (rows, columns) = (inside(rows, self.height()), inside(columns, self.width()));
        over!(&self.samples, a => a.slice(s![rows, columns]).mapv(Sample::as_f32))
    }

    /// About `most` values of some rows as f32 `[y, x]`: all of them, or every n-th row and column, beginning
    /// with the middle of the first n.
    #[must_use]
    pub fn sampled(&self, rows: Range<usize>, most: usize) -> Array2<f32> {
        let rows = inside(rows, self.height());
        let ratio = (rows.len() * self.width()) as f64 / most.max(1) as f64;
        let step = (ratio.sqrt().ceil() as usize).max(1);
        // A side shorter than a step still gives its first line.
        let from = |start: usize, length: usize| start + (step / 2).min(length.saturating_sub(1));
        let (top, left) = (from(rows.start, rows.len()), from(0, self.width()));
        let (bottom, step) = (rows.end, step as isize);
        over!(&self.samples, a => a.slice(s![top..bottom; step, left..; step]).mapv(Sample::as_f32))
    }

    /// Puts the stored values of a row's columns in the place of what `values` held; nothing for a row outside.
    pub fn read_row(&self, y: usize, columns: Range<usize>, values: &mut Vec<f64>) {
        values.clear();
        let columns = inside(columns, self.width());
        if y < self.height() {
            over!(&self.samples, a => values.extend(a.slice(s![y, columns]).iter().map(|v| v.as_f64())));
        }
    }

    /// The same with its last row first, as some files store it.
    pub(super) fn upside_down(mut self) -> Self {
        over!(&mut self.samples, a => {
            let rows = a.nrows();
            for y in 0..rows / 2 {
                let (mut above, mut below) = a.multi_slice_mut((s![y, ..], s![rows - 1 - y, ..]));
                above.iter_mut().zip(&mut below).for_each(|(a, b)| std::mem::swap(a, b));
            }
        });
        self
    }

    /// The stored samples row by row, little-endian.
    #[must_use]
    pub fn le_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes());
        over!(&self.samples, a => for v in a { v.push_le(&mut out) });
        out
    }
}

/// The part of `range` that lies in `0..length`.
fn inside(range: Range<usize>, length: usize) -> Range<usize> {
    let end = range.end.min(length);
    range.start.min(end)..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn parts_and_samples_stay_inside_the_plane() {
        let plane = Plane::from_u8(Array2::from_shape_fn((6, 9), |(y, x)| (10 * y + x) as u8));
        assert_eq!(plane.part(4..99, 7..9), array![[47.0, 48.0], [57.0, 58.0]]);
        assert_eq!(plane.part(7..9, 0..2).dim(), (0, 2));
        assert_eq!(plane.sampled(0..6, 54), plane.to_f32());
        assert_eq!(plane.sampled(0..6, 6), array![[11.0, 14.0, 17.0], [41.0, 44.0, 47.0]]);
        assert_eq!(plane.sampled(2..3, 1), array![[21.0, 24.0, 27.0]], "thin ones keep more");
        let mut row = vec![1.0];
        plane.read_row(5, 7..20, &mut row);
        assert_eq!(row, [57.0, 58.0]);
        plane.read_row(6, 0..9, &mut row);
        assert!(row.is_empty());
    }

    #[test]
    fn a_value_outside_the_plane_is_nan() {
        let plane = Plane::from_u16(array![[1, 2, 3], [4, 5, 65535]]);
        assert_eq!((plane.height(), plane.width(), plane.sample_type().name()), (2, 3, "uint16"));
        assert_eq!(plane.value(1, 2), 65535.0);
        assert!(plane.value(2, 0).is_nan());
        assert_eq!(plane.to_f32(), array![[1.0, 2.0, 3.0], [4.0, 5.0, 65535.0]]);
    }

    #[test]
    fn a_plane_upside_down_has_its_last_row_first() {
        let plane = Plane::from_u16(array![[1, 2], [3, 4], [5, 6]]).upside_down();
        assert_eq!(plane, Plane::from_u16(array![[5, 6], [3, 4], [1, 2]]));
    }

    #[test]
    fn little_endian_bytes_come_row_by_row() {
        assert_eq!(Plane::from_u16(array![[1], [0x0203]]).le_bytes(), [1, 0, 3, 2]);
        let half = Plane { samples: Samples::F16(array![[f16::from_f32(1.0)]]) };
        assert_eq!(half.le_bytes(), [0x00, 0x3c]);
        assert_eq!((half.bytes(), half.value(0, 0)), (2, 1.0));
    }
}
