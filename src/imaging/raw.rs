//! Planes of uncompressed samples that lie in a file at known places.

use std::path::{Path, PathBuf};

use bytemuck::{Pod, Zeroable};
use ndarray::Array2;
use rayon::prelude::*;

use super::bytes::{Input, Order};
use super::error::Fault;
use super::micrograph::Source;
use super::plane::by_kind;
use super::{ImagingError, Plane, SampleType, Samples};

/// How the samples of a plane are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// As they are.
    Real(SampleType),
    /// Pairs of real and imaginary part, each of this type (F32 or F64, or I16): channel 0 is the modulus, channel 1
    /// the phase in radians, both as F32 (F64 of F64).
    Complex(SampleType),
}

impl Stored {
    /// Bytes of one sample in the file.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Real(kind) => kind.bytes(),
            Self::Complex(kind) => 2 * kind.bytes(),
        }
    }

    /// What a plane of them is.
    pub(super) fn sample_type(self) -> SampleType {
        match self {
            Self::Real(kind) => kind,
            Self::Complex(SampleType::F64) => SampleType::F64,
            Self::Complex(_) => SampleType::F32,
        }
    }
}

/// Where the samples are: `frames[f] + channels[c] + y · row + x · pixel`, in bytes.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub path: PathBuf,
    pub stored: Stored,
    pub order: Order,
    pub height: usize,
    pub width: usize,
    /// Offset of each frame in the file.
    pub frames: Vec<u64>,
    /// Offset of each channel in its frame; of complex samples modulus and phase have the same.
    pub channels: Vec<u64>,
    pub row: u64,
    pub pixel: u64,
}

/// Bytes read at once by one thread.
const PIECE: usize = 4 << 20;
/// Bytes of neighbouring channels that are kept when a pass over the file reads them anyway.
const NEIGHBOURS: usize = 64 << 20;

impl Raw {
    /// Frames one behind the other from `offset` on, each one plane of gapless rows.
    pub(super) fn stack(path: &Path, offset: u64, stored: Stored, order: Order, shape: [usize; 3]) -> Self {
        let [frames, height, width] = shape;
        let pixel = stored.bytes() as u64;
        let plane = pixel.saturating_mul(width as u64).saturating_mul(height as u64);
        let complex = matches!(stored, Stored::Complex(_));
        Self {
            path: path.to_path_buf(),
            stored,
            order,
            height,
            width,
            frames: (0..frames as u64).map(|f| offset.saturating_add(f.saturating_mul(plane))).collect(),
            channels: vec![0; if complex { 2 } else { 1 }],
            row: pixel * width as u64,
            pixel,
        }
    }

    /// Refuses a layout that reaches beyond the end of a file of `length` bytes.
    pub(super) fn check(&self, length: u64) -> Result<(), Fault> {
        let last = |of: &[u64]| of.iter().copied().max().unwrap_or(0);
        let steps = |count: usize, step: u64| (count as u64).saturating_sub(1).saturating_mul(step);
        let end = [last(&self.channels), steps(self.height, self.row), steps(self.width, self.pixel)]
            .into_iter()
            .fold(last(&self.frames), u64::saturating_add)
            .saturating_add(self.stored.bytes() as u64);
        if end > length {
            return Err(Fault::Bad(format!(
                "The file is cut short: its image needs {end} bytes and there are {length}"
            )));
        }
        Ok(())
    }

    pub(super) fn planes(&self, frame: usize, channel: usize) -> Result<Vec<(usize, Plane)>, Fault> {
        let input = Input::open(&self.path)?;
        let kind = match self.stored {
            Stored::Real(kind) => kind,
            Stored::Complex(kind) => return self.complex(&input, frame, kind),
        };
        let wanted = self.together(channel);
        let at: Vec<u64> = wanted.clone().map(|c| self.frames[frame] + self.channels[c]).collect();
        macro_rules! as_kind {
            ($word:ty, $make:expr) => {
                self.arrays::<$word>(&input, &at)?.into_iter().map($make).collect()
            };
        }
        let samples: Vec<Samples> = by_kind!(kind, as_kind);
        Ok(wanted.zip(samples).map(|(c, samples)| (c, Plane { samples })).collect())
    }

    /// The channels to read with `channel`: where samples of a pixel are neighbours, those that the pass meets anyway.
    fn together(&self, channel: usize) -> std::ops::Range<usize> {
        let count = self.channels.len();
        let beside = self.pixel > self.stored.bytes() as u64 && count > 1;
        if !beside {
            return channel..channel + 1;
        }
        let plane = (self.height * self.width * self.stored.bytes()).max(1);
        let most = (NEIGHBOURS / plane).clamp(1, count);
        let first = (channel / most) * most;
        first..(first + most).min(count)
    }

    /// The planes that begin at each of `at`.
    fn arrays<T: Word>(&self, input: &Input, at: &[u64]) -> Result<Vec<Array2<T>>, Fault> {
        if self.height > 1 && self.row < self.pixel {
            // Columns are what lies together: read them as rows, and turn the planes.
            let (height, width, row, pixel) = (self.width, self.height, self.pixel, self.row);
            let turned = Self { height, width, row, pixel, ..self.clone() }.arrays::<T>(input, at)?;
            return Ok(turned.into_iter().map(|plane| plane.t().as_standard_layout().into_owned()).collect());
        }
        let (height, width) = (self.height, self.width);
        let gapless = self.pixel == size_of::<T>() as u64 && self.row == self.pixel * width as u64;
        if gapless {
            return at.iter().map(|&start| self.gapless(input, start)).collect();
        }
        let first = at.iter().copied().min().unwrap_or(0);
        let reach = at.iter().map(|a| a - first).max().unwrap_or(0) as usize + size_of::<T>();
        let span = (width - 1) * self.pixel as usize + reach;
        let mut planes: Vec<Vec<T>> = at.iter().map(|_| Vec::with_capacity(height * width)).collect();
        let mut row = vec![0; span];
        for y in 0..height {
            input.fill(first + y as u64 * self.row, &mut row)?;
            for (plane, start) in planes.iter_mut().zip(at) {
                let samples = row[(start - first) as usize..].chunks(self.pixel as usize).take(width);
                plane.extend(samples.map(|s| T::read(&s[..size_of::<T>()], self.order)));
            }
        }
        planes.into_iter().map(|values| shaped(values, (height, width))).collect()
    }

    /// A plane that lies in the file as it lies in memory, but for the order of bytes.
    fn gapless<T: Word>(&self, input: &Input, start: u64) -> Result<Array2<T>, Fault> {
        input.check(start, (self.height * self.width * size_of::<T>()) as u64)?;
        let mut values = vec![T::zeroed(); self.height * self.width];
        let swap = !self.order.is_native();
        let piece = PIECE / size_of::<T>();
        values.par_chunks_mut(piece).enumerate().try_for_each(|(i, part)| {
            input.fill(start + (i * PIECE) as u64, bytemuck::cast_slice_mut(part))?;
            if swap {
                for value in part.iter_mut() {
                    *value = value.swapped();
                }
            }
            Ok::<_, Fault>(())
        })?;
        shaped(values, (self.height, self.width))
    }

    /// Modulus and phase.
    fn complex(&self, input: &Input, frame: usize, kind: SampleType) -> Result<Vec<(usize, Plane)>, Fault> {
        let part = |offset: u64| {
            let raw = Self { stored: Stored::Real(kind), ..self.clone() };
            let at = [self.frames[frame] + self.channels[0] + offset];
            Ok::<_, Fault>(match kind {
                SampleType::F64 => raw.arrays::<f64>(input, &at)?.remove(0),
                SampleType::I16 => raw.arrays::<i16>(input, &at)?.remove(0).mapv(f64::from),
                _ => raw.arrays::<f32>(input, &at)?.remove(0).mapv(f64::from),
            })
        };
        let (mut modulus, mut phase) = (part(0)?, part(kind.bytes() as u64)?);
        ndarray::Zip::from(&mut modulus).and(&mut phase).for_each(|re, im| {
            (*re, *im) = (re.hypot(*im), im.atan2(*re));
        });
        let make = |values: Array2<f64>| match self.stored.sample_type() {
            SampleType::F64 => Samples::F64(values),
            _ => Samples::F32(values.mapv(|v| v as f32)),
        };
        Ok([modulus, phase].into_iter().enumerate().map(|(c, v)| (c, Plane { samples: make(v) })).collect())
    }
}

impl Source for Raw {
    fn read(&self, frame: usize, channel: usize) -> Result<Vec<(usize, Plane)>, ImagingError> {
        self.planes(frame, channel).map_err(|fault| fault.at(&self.path))
    }
}

fn shaped<T>(values: Vec<T>, shape: (usize, usize)) -> Result<Array2<T>, Fault> {
    Array2::from_shape_vec(shape, values)
        .map_err(|_| Fault::Bad("The image's size does not fit its data".into()))
}

/// A number as it lies in memory.
trait Word: Pod + Zeroable + Send + Sync {
    fn read(bytes: &[u8], order: Order) -> Self;
    fn swapped(self) -> Self;
}

macro_rules! word {
    ($($kind:ty),*) => {$(
        impl Word for $kind {
            fn read(bytes: &[u8], order: Order) -> Self {
                let mut own = [0; size_of::<Self>()];
                own.copy_from_slice(bytes);
                match order {
                    Order::Little => Self::from_le_bytes(own),
                    Order::Big => Self::from_be_bytes(own),
                }
            }
            fn swapped(self) -> Self {
                let mut bytes = self.to_ne_bytes();
                bytes.reverse();
                Self::from_ne_bytes(bytes)
            }
        }
    )*};
}

word!(u8, u16, u32, u64, i8, i16, i32, i64, f32, f64);

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(bytes: &[u8], dir: &tempfile::TempDir, stored: Stored, order: Order, shape: [usize; 3]) -> Raw {
        let path = dir.path().join("samples");
        std::fs::write(&path, bytes).unwrap();
        let raw = Raw::stack(&path, 1, stored, order, shape);
        raw.check(bytes.len() as u64).unwrap();
        raw
    }

    fn values(plane: &Plane) -> Vec<f32> {
        plane.to_f32().into_iter().collect()
    }

    #[test]
    fn frames_lie_one_behind_the_other_in_either_byte_order() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = [0xff, 0, 1, 0, 2, 0, 3, 1, 0];
        let big = raw(&bytes, &dir, Stored::Real(SampleType::U16), Order::Big, [2, 1, 2]);
        assert_eq!(values(&big.read(1, 0).unwrap()[0].1), [3.0, 256.0]);
        let little = Raw { order: Order::Little, ..big };
        assert_eq!(values(&little.read(0, 0).unwrap()[0].1), [256.0, 512.0]);
        assert!(little.check(8).is_err());
    }

    #[test]
    fn channels_of_a_pixel_are_picked_apart() {
        let dir = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..13).collect();
        let mut all = raw(&bytes, &dir, Stored::Real(SampleType::U8), Order::Little, [1, 2, 2]);
        all = Raw { channels: vec![0, 1, 2], pixel: 3, row: 6, ..all };
        all.check(13).unwrap();
        let read = all.read(0, 2).unwrap();
        assert_eq!(read.iter().map(|(c, _)| *c).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(values(&read[2].1), [3.0, 6.0, 9.0, 12.0]);
        // The same samples plane by plane, with rows that have a gap.
        let planar = Raw { channels: vec![0, 6], pixel: 1, row: 3, ..all };
        assert_eq!(values(&planar.read(0, 1).unwrap()[0].1), [7.0, 8.0, 10.0, 11.0]);
    }

    #[test]
    fn complex_numbers_are_modulus_and_phase() {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = vec![0];
        for v in [3.0f32, 4.0, 0.0, -2.0] {
            bytes.extend(v.to_le_bytes());
        }
        let complex = raw(&bytes, &dir, Stored::Complex(SampleType::F32), Order::Little, [1, 1, 2]);
        let read = complex.read(0, 0).unwrap();
        assert_eq!(values(&read[0].1), [5.0, 2.0]);
        assert_eq!(values(&read[1].1), [(4f32).atan2(3.0), -std::f32::consts::FRAC_PI_2]);
    }
}
