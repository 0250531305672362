//! Arrays of numbers with a shape, under Candle's names: what the readers of networks need of it. Building Candle itself
//! would take longer than all the fuzzing.

use std::fmt;

/// The one error there is: numbers that do not fill a shape.
#[derive(Debug)]
pub enum Error {
    Msg(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Msg(text) = self;
        f.write_str(text)
    }
}

impl std::error::Error for Error {}

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    Cpu,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DType {
    F32,
}

impl DType {
    pub fn as_str(&self) -> &'static str {
        "f32"
    }
}

#[derive(Debug, Clone)]
pub struct Tensor {
    values: Vec<f32>,
    dims: Vec<usize>,
}

impl Tensor {
    pub fn from_vec(values: Vec<f32>, dims: impl AsRef<[usize]>, _: &Device) -> Result<Self> {
        let dims = dims.as_ref().to_vec();
        let wanted = dims.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
        if wanted != Some(values.len()) {
            return Err(Error::Msg(format!("{} values for a shape of {dims:?}", values.len())));
        }
        Ok(Self { values, dims })
    }

    pub fn ones(dims: &[usize], _: DType, device: &Device) -> Result<Self> {
        Self::from_vec(vec![1.0; dims.iter().product()], dims, device)
    }

    pub fn zeros(dims: &[usize], _: DType, device: &Device) -> Result<Self> {
        Self::from_vec(vec![0.0; dims.iter().product()], dims, device)
    }

    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    pub fn elem_count(&self) -> usize {
        self.values.len()
    }

    pub fn dtype(&self) -> DType {
        DType::F32
    }

    pub fn flatten_all(&self) -> Result<Self> {
        Ok(Self { values: self.values.clone(), dims: vec![self.values.len()] })
    }

    pub fn to_vec1<T: From<f32>>(&self) -> Result<Vec<T>> {
        Ok(self.values.iter().map(|&value| value.into()).collect())
    }
}
