//! One plane of stored samples.
use ndarray::Array2;

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
        todo!()
    }
}

/// Stored samples `[y, x]`, exactly as the file has them.
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
    F16(Array2<half::f16>),
    F32(Array2<f32>),
    F64(Array2<f64>),
}

/// One plane `[y, x]` of a micrograph.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    pub samples: Samples,
}

impl Plane {
    #[must_use]
    pub fn from_f32(values: Array2<f32>) -> Self {
        Self { samples: Samples::F32(values) }
    }
    #[must_use]
    pub fn height(&self) -> usize {
        todo!()
    }
    #[must_use]
    pub fn width(&self) -> usize {
        todo!()
    }
    #[must_use]
    pub fn sample_type(&self) -> SampleType {
        todo!()
    }
    /// The stored value at row `y`, column `x`; NaN outside. 64-bit integers are rounded to f64.
    #[must_use]
    pub fn value(&self, _y: usize, _x: usize) -> f64 {
        todo!()
    }
    /// All values as f32 `[y, x]`.
    #[must_use]
    pub fn to_f32(&self) -> Array2<f32> {
        todo!()
    }
}
