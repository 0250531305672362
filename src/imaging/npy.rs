//! NPY: one array of `NumPy`.
//!
//! The `npyz` crate reads the header; the samples are read where they lie.

mod array;

use std::panic::catch_unwind;
use std::path::Path;

use npyz::{DType, Endianness, NpyHeader, TypeChar};

use super::axes::Axes;
use super::beside::Beside;
use super::bytes::{Input, Order};
use super::error::Fault;
use super::format::{Format, Start};
use super::micrograph::About;
use super::raw::{Raw, Stored};
use super::strided::{Strided, steps, steps_first_fastest};
use super::{ImagingError, Micrograph, SampleType};

pub use array::read_array;

/// The format, for the table of them.
pub(super) struct Npy;

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

impl Format for Npy {
    fn name(&self) -> &'static str {
        "NPY"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["npy"]
    }

    fn recognises(&self, start: &Start) -> bool {
        start.begins(MAGIC)
    }

    /// Axes have no names in the file: where nothing of ours beside it names them, the last two are Y and X, one before them is T, two are T and C, three are T, Z
    /// and C. A colour is never guessed from a length of 3.
    fn open(&self, path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
        open(path).map_err(|fault| fault.at(path))
    }
}

fn open(path: &Path) -> Result<Vec<Micrograph>, Fault> {
    let input = Input::open(path)?;
    let start = input.bytes(0, LONGEST.min(input.length()))?;
    let layout = Layout::read(&start)?;
    let beside = Beside::read(path, &layout.shape);
    let letters = beside.as_ref().map_or(layout.letters(), |beside| &beside.axes);
    let (axes, raw) = layout.planes(path, 0, input.length(), letters)?;
    let mut about = layout.about(path, "NPY", axes);
    if let Some(beside) = beside {
        beside.tell(&mut about);
    }
    Ok(vec![Micrograph::from_file(about, Box::new(raw))])
}

/// Bytes that a header may have: what `NumPy` itself writes is a hundredth of it.
pub(super) const LONGEST: u64 = 1 << 16;
/// Brackets inside of brackets.
const DEEPEST: usize = 16;

/// What a header says.
pub(super) struct Layout {
    pub stored: Stored,
    order: Order,
    shape: Vec<usize>,
    fortran: bool,
    /// Where the samples begin.
    pub data: u64,
    dtype: String,
}

impl Layout {
    /// From the first bytes of the array, which has no more axes than a micrograph.
    pub(super) fn read(start: &[u8]) -> Result<Self, Fault> {
        let layout = Self::of_any(start)?;
        match layout.shape.len() {
            0..=5 => Ok(layout),
            axes => Err(Fault::Unsupported(format!("An NPY array of {axes} axes"))),
        }
    }

    /// The same of an array of any number of axes.
    fn of_any(start: &[u8]) -> Result<Self, Fault> {
        let bad = |what: &str| Fault::Bad(format!("The header of the NPY array is damaged: {what}"));
        let cut = || bad("it is cut short");
        if !start.starts_with(MAGIC) {
            return Err(bad("it does not begin as one"));
        }
        let (size, version) = (if start.get(6) == Some(&1) { 2 } else { 4 }, start.get(6));
        if !matches!(version, Some(1..=3)) {
            return Err(Fault::Unsupported("An NPY array of an unknown version".into()));
        }
        let length = Order::Little.number(start.get(8..8 + size).ok_or_else(cut)?);
        let data = 8 + size as u64 + length;
        if data > LONGEST {
            return Err(bad("it is longer than any"));
        }
        let header = start.get(..data as usize).ok_or_else(cut)?;
        if depth(header) > DEEPEST {
            return Err(bad("brackets lie inside of each other"));
        }
        // Third-party code over untrusted bytes: a panic there must stay one file's error.
        let parsed = catch_unwind(|| NpyHeader::from_reader(header));
        let parsed = parsed.map_err(|_| bad("it cannot be read"))?.map_err(|e| bad(&e.to_string()))?;
        let lengths: Option<Vec<usize>> = parsed.shape().iter().map(|&n| usize::try_from(n).ok()).collect();
        let (stored, order, dtype) = samples(&parsed.dtype())?;
        let fortran = parsed.order() == npyz::Order::Fortran;
        let shape = lengths.ok_or_else(|| bad("an axis is too long"))?;
        Ok(Self { stored, order, shape, fortran, data, dtype })
    }

    /// What the axes are taken for where nothing names them.
    pub(super) fn letters(&self) -> &'static str {
        match (self.shape.len(), self.stored) {
            (0, _) => "",
            (1, _) => "X",
            (2, _) => "YX",
            (3, _) => "TYX",
            (4, Stored::Real(_)) => "TCYX",
            (4, Stored::Complex(_)) => "TZYX",
            (_, Stored::Real(_)) => "TZCYX",
            (_, Stored::Complex(_)) => "QTZYX",
        }
    }

    /// Axes and planes of an array that begins at `offset` of a file of `length` bytes.
    pub(super) fn planes(
        &self,
        path: &Path,
        offset: u64,
        length: u64,
        letters: &str,
    ) -> Result<(Axes, Raw), Fault> {
        let bytes = self.stored.bytes();
        let steps =
            if self.fortran { steps_first_fastest(&self.shape, bytes) } else { steps(&self.shape, bytes) };
        let shape = self.shape.as_slice();
        let offset = offset.saturating_add(self.data);
        Strided { path, offset, stored: self.stored, order: self.order, letters, shape, steps: &steps }
            .planes(length)
    }

    pub(super) fn about(&self, path: &Path, format: &'static str, axes: Axes) -> About {
        let mut about = About::new(path, format, axes, self.stored.sample_type());
        if matches!(self.stored, Stored::Complex(_)) {
            about.channel_names = vec!["modulus".into(), "phase".into()];
        }
        about.metadata.push("NPY / descr", self.dtype.clone());
        about.metadata.push("NPY / fortran_order", if self.fortran { "True" } else { "False" });
        about
    }

    /// Bytes of the whole array with its header.
    pub(super) fn bytes(&self) -> u64 {
        let samples =
            self.shape.iter().fold(self.stored.bytes() as u64, |all, &n| all.saturating_mul(n as u64));
        samples.saturating_add(self.data)
    }
}

/// How deep brackets lie inside of each other.
fn depth(header: &[u8]) -> usize {
    let steps = header.iter().scan(0usize, |depth, byte| {
        match byte {
            b'(' | b'[' | b'{' => *depth += 1,
            b')' | b']' | b'}' => *depth = depth.saturating_sub(1),
            _ => {}
        }
        Some(*depth)
    });
    steps.max().unwrap_or(0)
}

/// The sample type of a `NumPy` type, its byte order, and its name.
fn samples(dtype: &DType) -> Result<(Stored, Order, String), Fault> {
    let name = dtype.descr();
    let refused = || Fault::Unsupported(format!("An NPY array of type {name}"));
    let DType::Plain(plain) = dtype else {
        return Err(refused());
    };
    let stored = match (plain.type_char(), plain.size_field()) {
        (TypeChar::Bool, 1) => Stored::Real(SampleType::Bool),
        (TypeChar::Uint, 1) => Stored::Real(SampleType::U8),
        (TypeChar::Uint, 2) => Stored::Real(SampleType::U16),
        (TypeChar::Uint, 4) => Stored::Real(SampleType::U32),
        (TypeChar::Uint, 8) => Stored::Real(SampleType::U64),
        (TypeChar::Int, 1) => Stored::Real(SampleType::I8),
        (TypeChar::Int, 2) => Stored::Real(SampleType::I16),
        (TypeChar::Int, 4) => Stored::Real(SampleType::I32),
        (TypeChar::Int, 8) => Stored::Real(SampleType::I64),
        (TypeChar::Float, 2) => Stored::Real(SampleType::F16),
        (TypeChar::Float, 4) => Stored::Real(SampleType::F32),
        (TypeChar::Float, 8) => Stored::Real(SampleType::F64),
        (TypeChar::Complex, 8) => Stored::Complex(SampleType::F32),
        (TypeChar::Complex, 16) => Stored::Complex(SampleType::F64),
        (TypeChar::Object, _) => {
            return Err(Fault::Unsupported("An NPY array of Python objects".into()));
        }
        _ => return Err(refused()),
    };
    let order = if plain.endianness() == Endianness::Big { Order::Big } else { Order::Little };
    Ok((stored, order, name.trim_matches('\'').to_owned()))
}
