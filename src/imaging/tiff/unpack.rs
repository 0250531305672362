//! From the bytes of a chunk to numbers: bit depths, byte order and predictors (TIFF 6.0, sections 8 and 14).

use super::super::bytes::Order;
use super::super::error::Fault;
use super::kinds::Predictor;
use super::page::Page;

/// An unsigned number that a sample's bits are read into, whatever they mean.
pub(super) trait Word: Copy + Default + Send + Sync {
    const BITS: usize;
    fn from_number(number: u64) -> Self;
    fn plus(self, other: Self, mask: u64) -> Self;
    /// The number in the leading bytes.
    fn from_bytes(bytes: &[u8], order: Order) -> Self;
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
            fn from_bytes(bytes: &[u8], order: Order) -> Self {
                let mut own = [0; size_of::<Self>()];
                own.copy_from_slice(&bytes[..size_of::<Self>()]);
                match order {
                    Order::Little => Self::from_le_bytes(own),
                    Order::Big => Self::from_be_bytes(own),
                }
            }
        }
    )*};
}

word!(u8, u16, u32, u64);

/// The words `[y, x, sample]` of a decompressed chunk.
pub(super) fn words<W: Word>(page: &Page, mut bytes: Vec<u8>, rows: usize) -> Result<Vec<W>, Fault> {
    let row_words = page.chunk_width * page.chunk_samples();
    let row_bytes = page.row_bytes();
    if bytes.len() != row_bytes * rows {
        return Err(Fault::Bad("A strip or tile is shorter than its rows".into()));
    }
    let mut order = page.order;
    if page.predictor == Predictor::FloatingPoint {
        bytes.chunks_exact_mut(row_bytes).for_each(|row| undo_float_predictor(row, page));
        order = Order::Big;
    }
    let mut words: Vec<W> = Vec::with_capacity(row_words * rows);
    for row in bytes.chunks_exact(row_bytes) {
        if page.bits == W::BITS {
            words.extend(row.chunks_exact(W::BITS / 8).map(|b| W::from_bytes(b, order)));
        } else if page.bits.is_multiple_of(8) {
            words.extend(row.chunks_exact(page.bits / 8).map(|b| W::from_number(order.number(b))));
        } else {
            words.extend(bit_fields(row, page.bits).take(row_words).map(W::from_number));
        }
    }
    if page.predictor == Predictor::Horizontal {
        let (samples, mask) = (page.chunk_samples(), u64::MAX >> (64 - page.bits));
        for row in words.chunks_exact_mut(row_words) {
            for i in samples..row.len() {
                row[i] = row[i].plus(row[i - samples], mask);
            }
        }
    }
    Ok(words)
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
fn undo_float_predictor(row: &mut [u8], page: &Page) {
    let samples = page.chunk_samples();
    for i in samples..row.len() {
        row[i] = row[i].wrapping_add(row[i - samples]);
    }
    let size = page.bits / 8;
    let count = row.len() / size;
    let split = row.to_vec();
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
        assert_eq!(u16::from_bytes(&[1, 2], Order::Little), 0x0201);
        assert_eq!(u32::from_bytes(&[1, 2, 3, 4], Order::Big), 0x0102_0304);
        assert_eq!(0xfff_u16.plus(2, 0xfff), 1, "a sum of 12-bit numbers stays in 12 bits");
    }
}
