//! A tensor as a view of a storage: where its first number is, how large it is and how far its axes step.

use super::element::Element;
use crate::network::weights::size_text;

/// Most axes of a tensor; networks have five.
const MAX_AXES: usize = 16;

/// A tensor before its numbers are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// Place of the storage in the file's list of them.
    pub(super) storage: usize,
    pub(super) element: Element,
    /// The first number, counted in elements of the storage.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// Elements from one index of an axis to the next.
    pub(super) strides: Vec<usize>,
    elements: usize,
    /// Elements of the storage from the first to the last that the view reads.
    span: usize,
}

impl View {
    /// Checks that the sizes can be counted; [`View::check`] holds them against the storage.
    pub(super) fn new(
        storage: usize,
        element: Element,
        offset: usize,
        shape: Vec<usize>,
        mut strides: Vec<usize>,
    ) -> Result<Self, String> {
        if shape.len() > MAX_AXES || shape.len() != strides.len() {
            let (axes, steps) = (shape.len(), strides.len());
            return Err(format!("A tensor of {axes} axes with {steps} strides; at most {MAX_AXES} are read"));
        }
        // An axis of one index never steps, whatever its stride says.
        shape.iter().zip(&mut strides).filter(|(n, _)| **n <= 1).for_each(|(_, step)| *step = 0);
        let elements = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
        let reach = |sum: usize, (&n, &step): (&usize, &usize)| (n - 1).checked_mul(step)?.checked_add(sum);
        let span = match elements {
            Some(0) => Some(0),
            _ => shape.iter().zip(&strides).try_fold(1_usize, reach),
        };
        match (elements, span) {
            (Some(elements), Some(span)) => {
                Ok(Self { storage, element, offset, shape, strides, elements, span })
            }
            _ => Err(format!("A tensor of the impossible size {shape:?}")),
        }
    }

    /// A tensor whose numbers lie one after another.
    pub(super) fn contiguous(storage: usize, element: Element, shape: Vec<usize>) -> Result<Self, String> {
        let mut strides = vec![1_usize; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
        }
        Self::new(storage, element, 0, shape, strides)
    }

    /// How many numbers it has.
    pub(super) fn elements(&self) -> usize {
        self.elements
    }

    /// First byte of the storage that it reads, and how many bytes from there; `None` beyond all counting.
    pub(super) fn bytes(&self) -> Option<(u64, u64)> {
        let size = self.element.size() as u64;
        let [start, length] =
            [self.offset, self.span].map(|n| u64::try_from(n).ok().and_then(|n| n.checked_mul(size)));
        Some((start?, length?))
    }

    /// Refuses a view that reaches beyond a storage of so many bytes.
    pub(super) fn check(&self, storage_bytes: u64) -> Result<(), String> {
        let end = self.bytes().and_then(|(start, length)| start.checked_add(length));
        match end {
            Some(end) if self.elements == 0 || end <= storage_bytes => Ok(()),
            _ => Err(format!(
                "a tensor of {} {} numbers, {} on, reaches beyond its storage of {storage_bytes} bytes",
                size_text(&self.shape),
                self.element.name(),
                self.offset
            )),
        }
    }

    /// The numbers in the order of the axes, from the bytes that [`View::bytes`] says.
    pub(super) fn numbers(&self, bytes: &[u8], big_endian: bool) -> Option<Vec<f32>> {
        let size = self.element.size();
        let mut numbers = Vec::with_capacity(self.elements);
        let mut index = vec![0; self.shape.len()];
        let mut at = 0;
        for _ in 0..self.elements {
            numbers.push(self.element.number(bytes.get(at * size..)?, big_endian)?);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at += self.strides[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                at -= self.strides[axis] * self.shape[axis];
                index[axis] = 0;
            }
        }
        Some(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0, 1, 2… as bytes of f32.
    fn counting(count: u16) -> Vec<u8> {
        (0..count).flat_map(|n| f32::from(n).to_le_bytes()).collect()
    }

    fn view(offset: usize, shape: &[usize], strides: &[usize]) -> View {
        View::new(0, Element::F32, offset, shape.into(), strides.into()).unwrap()
    }

    #[test]
    fn strides_are_followed() {
        let bytes = counting(12);
        let read = |view: &View| {
            view.check(48).unwrap();
            let (start, length) = view.bytes().unwrap();
            view.numbers(&bytes[start as usize..(start + length) as usize], false).unwrap()
        };
        assert_eq!(read(&view(0, &[2, 3], &[3, 1])), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        // The same, transposed; a column; a number that is repeated; a single number.
        assert_eq!(read(&view(0, &[3, 2], &[1, 3])), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(read(&view(2, &[4], &[3])), [2.0, 5.0, 8.0, 11.0]);
        assert_eq!(read(&view(5, &[2, 2], &[0, 0])), [5.0; 4]);
        assert_eq!(read(&view(7, &[], &[])), [7.0]);
        let empty = view(900, &[3, 0], &[1, 1]);
        empty.check(48).unwrap();
        assert_eq!(empty.numbers(&[], false), Some(vec![]));
        let contiguous = View::contiguous(0, Element::F32, vec![2, 2, 3]).unwrap();
        assert_eq!(contiguous.strides, [6, 3, 1]);
        assert_eq!(read(&contiguous).len(), 12);
    }

    #[test]
    fn what_reaches_beyond_the_storage_is_refused() {
        assert!(view(0, &[12], &[1]).check(48).is_ok());
        let message = view(1, &[3, 4], &[4, 1]).check(48).unwrap_err();
        assert_eq!(message, "a tensor of 3×4 float32 numbers, 1 on, reaches beyond its storage of 48 bytes");
        assert!(view(0, &[2], &[12]).check(48).is_err());
        assert!(view(usize::MAX, &[2], &[1]).check(u64::MAX).is_err());
        let refuse = |shape: &[usize], strides: &[usize]| {
            View::new(0, Element::F32, 0, shape.into(), strides.into()).unwrap_err()
        };
        assert!(refuse(&[1 << 60, 16], &[1, 1]).contains("impossible size"));
        assert!(refuse(&[3, 3], &[usize::MAX, 1]).contains("impossible size"));
        assert!(refuse(&[3, 3], &[1]).contains("2 axes with 1 strides"));
        assert!(refuse(&[1; 17], &[1; 17]).contains("at most 16"));
    }
}
