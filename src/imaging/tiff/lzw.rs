//! LZW (TIFF 6.0, section 13), and as programs before 1990 wrote it: with bits from the lowest, and codes that become
//! longer one code later.
//!
//! Every string of the table has been written before, so the table holds where in the output, and not the strings. That
//! is several times as fast as the general decoder of the `weezl` crate, which the `tiff` crate uses.

const CLEAR: usize = 256;
const END: usize = 257;
/// Codes are at most twelve bits long.
const MOST: usize = 4096;
/// Strings from this length on are copied at once.
const LONG: usize = 24;

/// Where in the output a string begins, and its length.
#[derive(Clone, Copy, Default)]
struct Written {
    start: usize,
    length: usize,
}

/// Fills `into`; false when the codes end or make no sense before.
pub(super) fn decode(stored: &[u8], into: &mut [u8]) -> bool {
    // The first code of either form is CLEAR, nine bits long.
    let old = matches!(stored, [0, second, ..] if second & 1 == 1);
    let mut bits = Bits { stored, held: 0, count: 0, lowest_first: old };
    let mut table = vec![Written::default(); MOST];
    let (mut next, mut width, mut before) = (END + 1, 9, None::<Written>);
    let mut at = 0;
    while at < into.len() {
        let Some(code) = bits.take(width) else { return false };
        if code == CLEAR {
            (next, width, before) = (END + 1, 9, None);
            continue;
        }
        if code == END {
            return false;
        }
        // A new string: the one before with the first byte of this one, which is written right behind it.
        if let Some(Written { start, length }) = before.filter(|_| next < MOST) {
            table[next] = Written { start, length: length + 1 };
            next += 1;
        }
        let length = if code < CLEAR {
            into[at] = code as u8;
            1
        } else if code < next {
            repeat(into, table[code], at);
            table[code].length
        } else {
            return false;
        };
        before = Some(Written { start: at, length });
        at += length;
        if next + usize::from(!old) >= 1 << width && width < 12 {
            width += 1;
        }
    }
    true
}

/// Writes a string again at `at`, as far as there is room. It may reach one byte into what is being written.
fn repeat(into: &mut [u8], Written { start, length }: Written, at: usize) {
    let length = length.min(into.len() - at);
    if length >= LONG && start + length <= at {
        into.copy_within(start..start + length, at);
    } else {
        (0..length).for_each(|i| into[at + i] = into[start + i]);
    }
}

/// Codes from a row of bytes.
struct Bits<'a> {
    stored: &'a [u8],
    held: u64,
    count: u32,
    lowest_first: bool,
}

impl Bits<'_> {
    fn take(&mut self, width: u32) -> Option<usize> {
        if self.count < width {
            self.fill();
        }
        let left = self.count.checked_sub(width)?;
        let mask = (1u64 << width) - 1;
        let code = if self.lowest_first {
            let code = self.held & mask;
            self.held >>= width;
            code
        } else {
            self.held >> left & mask
        };
        self.count = left;
        Some(code as usize)
    }

    /// Takes up four more bytes, or as many as there are.
    fn fill(&mut self) {
        let count = self.stored.len().min(4);
        let (bytes, rest) = self.stored.split_at(count);
        for &byte in bytes {
            if self.lowest_first {
                self.held |= u64::from(byte) << self.count;
            } else {
                self.held = self.held << 8 | u64::from(byte);
            }
            self.count += 8;
        }
        self.stored = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_decoded() {
        // TIFF 6.0, page 61: 7 7 7 8 8 7 7 6 6 are the codes 256 7 258 8 8 258 6 6 257, of nine bits each.
        let codes = [256u128, 7, 258, 8, 8, 258, 6, 6, 257];
        let bits = codes.iter().fold(0u128, |bits, code| bits << 9 | code) << 7;
        let stored = &bits.to_be_bytes()[5..];
        let mut out = [0; 9];
        assert!(decode(stored, &mut out));
        assert_eq!(out, [7, 7, 7, 8, 8, 7, 7, 6, 6]);
        assert!(!decode(stored, &mut [0; 10]), "there is no tenth byte");
        assert!(decode(stored, &mut [0; 4]), "more than is wanted does no harm");
    }

    #[test]
    fn codes_of_no_string_are_refused() {
        // CLEAR and then 300, of which nothing is known.
        let stored = (256u32 << 23 | 300 << 14).to_be_bytes();
        assert!(!decode(&stored, &mut [0; 2]));
        assert!(!decode(&[], &mut [0; 2]));
    }
}
