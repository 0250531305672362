//! From the bytes of a chunk to numbers: bit depths, byte order and predictors (TIFF 6.0, sections 8 and 14).

use bytemuck::Pod;

use super::super::bytes::Order;
use super::kinds::Predictor;
use super::page::Page;

/// An unsigned number that a sample's bits are read into, whatever they mean.
pub(super) trait Word: Pod + Default + Send + Sync {
    const BITS: usize;
    fn from_number(number: u64) -> Self;
    fn plus(self, other: Self, mask: u64) -> Self;
    fn swapped(self) -> Self;
}

macro_rules! word {
    ($($kind:ty),*) => {$(
        impl Word for $kind {
            const BITS: usize = <$kind>::BITS as usize;
            fn from_number(number: u64) -> Self {
                number as Self
            }
            // One body serves every type, also those where the conversion is lossless.
            #[allow(clippy::cast_lossless)]
            fn plus(self, other: Self, mask: u64) -> Self {
                self.wrapping_add(other) & mask as Self
            }
            fn swapped(self) -> Self {
                self.swap_bytes()
            }
        }
    )*};
}

word!(u8, u16, u32, u64);

/// Turns the rows of a decompressed chunk into words `[y, x, sample]`.
pub(super) fn words<W: Word>(page: &Page, bytes: &mut [u8], words: &mut [W]) {
    let order = undo_float_predictor(page, bytes);
    if page.bits == W::BITS {
        bytemuck::cast_slice_mut(words).copy_from_slice(bytes);
        swap(order, words);
    } else {
        let row_words = page.chunk_width * page.chunk_samples();
        for (row, words) in bytes.chunks_exact(page.row_bytes()).zip(words.chunks_exact_mut(row_words)) {
            if page.bits.is_multiple_of(8) {
                let numbers = row.chunks_exact(page.bits / 8).map(|bytes| order.number(bytes));
                words.iter_mut().zip(numbers).for_each(|(word, number)| *word = W::from_number(number));
            } else {
                let numbers = bit_fields(row, page.bits);
                words.iter_mut().zip(numbers).for_each(|(word, number)| *word = W::from_number(number));
            }
        }
    }
    undo_horizontal_predictor(page, words);
}

/// The same of words whose bytes have been read into their own place.
pub(super) fn in_place<W: Word>(page: &Page, words: &mut [W]) {
    let order = undo_float_predictor(page, bytemuck::cast_slice_mut(words));
    swap(order, words);
    undo_horizontal_predictor(page, words);
}

/// From the order of bytes of a file to this machine's.
pub(super) fn swap<W: Word>(order: Order, words: &mut [W]) {
    if !order.is_native() {
        for word in words {
            *word = word.swapped();
        }
    }
}

fn undo_horizontal_predictor<W: Word>(page: &Page, words: &mut [W]) {
    if page.predictor != Predictor::Horizontal {
        return;
    }
    let (samples, mask) = (page.chunk_samples(), u64::MAX >> (64 - page.bits));
    for row in words.chunks_exact_mut(page.chunk_width * samples) {
        if samples == 1 {
            // The sum stays in a register.
            let mut sum = W::default();
            for word in row {
                sum = sum.plus(*word, mask);
                *word = sum;
            }
        } else {
            for i in samples..row.len() {
                row[i] = row[i].plus(row[i - samples], mask);
            }
        }
    }
}

/// The order of bytes that the samples are in then.
fn undo_float_predictor(page: &Page, bytes: &mut [u8]) -> Order {
    if page.predictor != Predictor::FloatingPoint {
        return page.order;
    }
    let mut split = Vec::new();
    bytes.chunks_exact_mut(page.row_bytes()).for_each(|row| undo_float_row(row, &mut split, page));
    Order::Big
}

/// Numbers of `bits` bits, highest bit first, whatever the byte order (TIFF 6.0, page 29).
fn bit_fields(row: &[u8], bits: usize) -> impl Iterator<Item = u64> + '_ {
    (0..row.len() * 8 / bits).map(move |i| {
        let (first, end) = (i * bits, (i + 1) * bits);
        let covering = &row[first / 8..end.div_ceil(8)];
        // Up to nine bytes hold a number of 63 bits.
        let number = covering.iter().fold(0u128, |n, &b| n << 8 | u128::from(b));
        (number >> (covering.len() * 8 - (end - first / 8 * 8))) as u64 & (u64::MAX >> (64 - bits))
    })
}

/// Bytes of equal weight lie together, highest first, and each is the difference to the one a pixel before (Adobe TIFF
/// Technical Note 3). The result is big-endian, whatever the file is.
fn undo_float_row(row: &mut [u8], split: &mut Vec<u8>, page: &Page) {
    let samples = page.chunk_samples();
    for i in samples..row.len() {
        row[i] = row[i].wrapping_add(row[i - samples]);
    }
    let size = page.bits / 8;
    let count = row.len() / size;
    split.clear();
    split.extend_from_slice(row);
    for (i, value) in row.chunks_exact_mut(size).enumerate() {
        value.iter_mut().enumerate().for_each(|(byte, to)| *to = split[byte * count + i]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_fields_run_from_the_highest_bit() {
        assert_eq!(bit_fields(&[0b1011_0001], 1).collect::<Vec<_>>(), [1, 0, 1, 1, 0, 0, 0, 1]);
        assert_eq!(bit_fields(&[0x12, 0x34, 0x56], 12).collect::<Vec<_>>(), [0x123, 0x456]);
        assert_eq!(bit_fields(&[0b1010_1111, 0b1100_0000], 5).collect::<Vec<_>>(), [21, 31, 0]);
    }

    #[test]
    fn words_take_their_byte_order() {
        let mut words = [u16::from_ne_bytes([1, 2])];
        swap(Order::Big, &mut words);
        assert_eq!(words, [0x0102]);
        let mut words = [u32::from_ne_bytes([1, 2, 3, 4])];
        swap(Order::Little, &mut words);
        assert_eq!(words, [0x0403_0201]);
        assert_eq!(0xfff_u16.plus(2, 0xfff), 1, "a sum of 12-bit numbers stays in 12 bits");
    }
}
