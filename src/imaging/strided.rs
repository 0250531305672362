//! Arrays of any number of axes that lie in a file, as planes.

use std::path::Path;

use super::axes::{Axes, is_frame};
use super::bytes::{Input, Order};
use super::error::Fault;
use super::raw::{Raw, Stored};

/// Where an array lies: element `i, j, …` at `offset + i · steps[0] + j · steps[1] + …` bytes.
pub(super) struct Strided<'a> {
    pub path: &'a Path,
    pub offset: u64,
    pub stored: Stored,
    pub order: Order,
    /// A letter an axis ([`Axes`]), with its length and its step in bytes.
    pub letters: &'a str,
    pub shape: &'a [usize],
    pub steps: &'a [u64],
}

impl Strided<'_> {
    /// The axes and the planes of it, of a file of `length` bytes.
    ///
    /// Complex numbers get an axis `C` of two, modulus and phase, and can have no other channels.
    /// Of a spectral image, axes of length 1 are left out: it may be a line of spectra, or one.
    pub(super) fn planes(&self, length: u64) -> Result<(Axes, Raw), Fault> {
        self.check(length)?;
        let complex = matches!(self.stored, Stored::Complex(_));
        if complex && self.letters.contains(['C', 'E', 'S']) {
            return Err(Fault::Unsupported("Complex numbers in several channels".into()));
        }
        if self.letters.contains('E') {
            let kept = |&(letter, n, _): &(char, usize, u64)| n != 1 || letter == 'E';
            let letters: String = self.each().filter(kept).map(|(letter, ..)| letter).collect();
            let shape: Vec<usize> = self.each().filter(kept).map(|(_, n, _)| n).collect();
            let steps: Vec<u64> = self.each().filter(kept).map(|(.., step)| step).collect();
            return Ok(Strided { letters: &letters, shape: &shape, steps: &steps, ..*self }.laid_out());
        }
        Ok(self.laid_out())
    }

    fn laid_out(&self) -> (Axes, Raw) {
        let complex = matches!(self.stored, Stored::Complex(_));
        let (mut letters, mut shape) = (self.letters.to_owned(), self.shape.to_vec());
        if complex {
            let at = letters.find(['Y', 'X']).unwrap_or(letters.len());
            letters.insert(at, 'C');
            shape.insert(at, 2);
        }
        let channels = if complex { vec![0; 2] } else { self.channels() };
        let (height, width) = (self.of('Y').map_or(1, |(n, _)| n), self.of('X').map_or(1, |(n, _)| n));
        // Samples of a pixel that lies alone are neighbours, and can be read together.
        let alone = channels.iter().max().copied().unwrap_or(0) + self.stored.bytes() as u64;
        let pixel = self.of('X').map_or(alone, |(_, step)| step);
        let row = self.of('Y').map_or(pixel.saturating_mul(width as u64), |(_, step)| step);
        let raw = Raw {
            path: self.path.to_path_buf(),
            stored: self.stored,
            order: self.order,
            height,
            width,
            frames: self.frames(),
            channels,
            row,
            pixel,
        };
        (Axes::new(&letters, &shape), raw)
    }

    /// Refuses an array that is empty or reaches beyond the end of the file.
    fn check(&self, length: u64) -> Result<(), Fault> {
        if self.shape.contains(&0) {
            return Err(Fault::Bad(format!("The file claims an image of {}", times(self.shape))));
        }
        let channels = self.each().filter(|&(letter, ..)| matches!(letter, 'C' | 'E' | 'S'));
        let channels = channels.fold(1usize, |all, (_, n, _)| all.saturating_mul(n));
        if channels > MOST_CHANNELS {
            return Err(Fault::Unsupported(format!("An image of {channels} channels")));
        }
        let bytes = self.stored.bytes() as u64;
        let last = self.shape.iter().zip(self.steps).map(|(&n, &step)| (n as u64 - 1).saturating_mul(step));
        let end = last.fold(self.offset, u64::saturating_add).saturating_add(bytes);
        let size = self.shape.iter().fold(bytes, |size, &n| size.saturating_mul(n as u64));
        let needed = end.max(size.saturating_add(self.offset));
        if needed > length {
            return Err(Fault::Bad(format!(
                "The file is cut short: its image needs {needed} bytes and there are {length}"
            )));
        }
        Ok(())
    }

    fn each(&self) -> impl Iterator<Item = (char, usize, u64)> + '_ {
        let lengths = self.shape.iter().copied().zip(self.steps.iter().copied());
        self.letters.chars().zip(lengths).map(|(letter, (n, step))| (letter, n, step))
    }

    fn of(&self, letter: char) -> Option<(usize, u64)> {
        self.each().find(|&(l, ..)| l == letter).map(|(_, n, step)| (n, step))
    }

    /// Offset of every frame: unnamed axes outermost, then T, then Z, as [`Axes`] has it.
    fn frames(&self) -> Vec<u64> {
        let mut axes: Vec<_> = self.each().filter(|&(l, ..)| is_frame(l)).collect();
        axes.sort_by_key(|&(letter, ..)| match letter {
            'T' => 1,
            'Z' => 2,
            _ => 0,
        });
        axes.into_iter().fold(vec![self.offset], |all, (_, n, step)| spread(&all, n, step))
    }

    fn channels(&self) -> Vec<u64> {
        let axes = "CES".chars().filter_map(|letter| self.of(letter));
        axes.fold(vec![0], |all, (n, step)| spread(&all, n, step))
    }
}

/// Channels or energies of a pixel; the longest spectra have some ten thousand.
const MOST_CHANNELS: usize = 1 << 20;

/// `n` steps from each of `starts`.
fn spread(starts: &[u64], n: usize, step: u64) -> Vec<u64> {
    starts.iter().flat_map(|start| (0..n as u64).map(move |i| start + i * step)).collect()
}

/// The step of each axis of a gapless array whose last axis is fastest.
pub(super) fn steps(shape: &[usize], bytes: usize) -> Vec<u64> {
    let mut steps = vec![0; shape.len()];
    let mut step = bytes as u64;
    for (own, &n) in steps.iter_mut().zip(shape).rev() {
        *own = step;
        step = step.saturating_mul(n as u64);
    }
    steps
}

/// Same, of an array whose first axis is fastest (Fortran's order).
pub(super) fn steps_first_fastest(shape: &[usize], bytes: usize) -> Vec<u64> {
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    steps(&reversed, bytes).into_iter().rev().collect()
}

/// Such as "4 × 5 × 3".
pub(super) fn times(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
}

/// Reads a file forward, in pieces.
pub(super) struct Cursor<'a> {
    input: &'a Input,
    at: u64,
    window: Vec<u8>,
    window_at: u64,
}

/// Bytes read at once.
const WINDOW: u64 = 1 << 16;

impl<'a> Cursor<'a> {
    pub(super) fn new(input: &'a Input, at: u64) -> Self {
        Self { input, at, window: Vec::new(), window_at: 0 }
    }

    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The next bytes; refused where the file has fewer.
    pub(super) fn take(&mut self, count: u64) -> Result<&[u8], Fault> {
        self.input.check(self.at, count)?;
        let inside =
            self.at >= self.window_at && self.at + count <= self.window_at + self.window.len() as u64;
        if !inside {
            let length = count.max(WINDOW).min(self.input.length() - self.at);
            self.window = self.input.bytes(self.at, length)?;
            self.window_at = self.at;
        }
        let from = (self.at - self.window_at) as usize;
        self.at += count;
        Ok(&self.window[from..from + count as usize])
    }

    /// An unsigned number of `size` bytes, at most eight.
    pub(super) fn number(&mut self, size: u64, order: Order) -> Result<u64, Fault> {
        Ok(order.number(self.take(size)?))
    }

    pub(super) fn f64(&mut self, order: Order) -> Result<f64, Fault> {
        Ok(f64::from_bits(self.number(8, order)?))
    }

    pub(super) fn skip(&mut self, count: u64) -> Result<(), Fault> {
        self.input.check(self.at, count)?;
        self.at += count;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::SampleType;
    use super::super::micrograph::Source;
    use super::*;

    /// Bytes 0… of an array of the given shape and steps, plane by plane.
    fn planes(letters: &str, shape: &[usize], steps: &[u64]) -> Vec<Vec<f32>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("array");
        let bytes: Vec<u8> = (0..shape.iter().product::<usize>() as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let stored = Stored::Real(SampleType::U8);
        let order = Order::Little;
        let array = Strided { path: &path, offset: 0, stored, order, letters, shape, steps };
        let (axes, raw) = array.planes(bytes.len() as u64).unwrap();
        let all = (0..axes.frames()).flat_map(|f| (0..axes.channels()).map(move |c| (f, c)));
        let plane = |(f, c): (usize, usize)| {
            let read = raw.read(f, c).unwrap();
            let (_, plane) = read.iter().find(|(own, _)| *own == c).unwrap();
            plane.to_f32().into_iter().collect()
        };
        all.map(plane).collect()
    }

    #[test]
    fn planes_are_found_whichever_axis_is_fastest() {
        let expected = [vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0], vec![6.0, 7.0, 8.0, 9.0, 10.0, 11.0]];
        assert_eq!(planes("TYX", &[2, 2, 3], &steps(&[2, 2, 3], 1)), expected);
        // numpy.arange(12, dtype="u1").reshape((2, 2, 3), order="F")
        let fortran = [vec![0.0, 4.0, 8.0, 2.0, 6.0, 10.0], vec![1.0, 5.0, 9.0, 3.0, 7.0, 11.0]];
        assert_eq!(planes("TYX", &[2, 2, 3], &steps_first_fastest(&[2, 2, 3], 1)), fortran);
        // Energies slowest, declared last.
        assert_eq!(planes("YXE", &[2, 3, 2], &[3, 1, 6]), expected);
        assert_eq!(planes("E", &[2], &[1]), [vec![0.0], vec![1.0]]);
        assert_eq!(planes("XE", &[2, 2], &[2, 1]), [vec![0.0, 2.0], vec![1.0, 3.0]]);
    }

    #[test]
    fn an_array_that_the_file_cannot_hold_is_refused() {
        let refused = |shape: &[usize], steps: &[u64]| {
            let stored = Stored::Real(SampleType::U16);
            let (path, order, letters) = (Path::new("none"), Order::Little, "TYX");
            Strided { path, offset: 8, stored, order, letters, shape, steps }.planes(32).is_err()
        };
        assert!(!refused(&[2, 2, 3], &[12, 6, 2]));
        assert!(refused(&[2, 2, 4], &[16, 8, 2]));
        assert!(refused(&[2, 0, 3], &[12, 6, 2]));
        assert!(refused(&[usize::MAX, 1, 1], &[0, 0, 0]));
        assert!(refused(&[2, 2, 3], &[u64::MAX, 6, 2]));
    }
}
