//! CCITT Group 3 and Group 4 fax (ITU-T T.4 and T.6; TIFF 6.0, section 11): lines of runs, white first, each coded alone
//! or by its difference to the line before. The code tables are the `fax` crate's.

use std::convert::Infallible;

use fax::maps::{Mode, black, mode, white};
use fax::{BitReader, ByteReader};

use super::super::error::Fault;
use super::kinds::Fax;
use super::page::Page;

/// Fills rows of bits, black as 1.
pub(super) fn decode(page: &Page, stored: &[u8], kind: Fax, into: &mut [u8]) -> Result<(), Fault> {
    let width = page.chunk_width;
    // The crate looks further ahead than the last code may reach; no code is zeros alone.
    let Ok(mut bits) = ByteReader::new(stored.iter().copied().chain([0; 4]).map(Ok::<_, Infallible>));
    let mut before = Vec::new();
    into.fill(0);
    for row in into.chunks_exact_mut(page.row_bytes()) {
        let alone = match kind {
            Fax::ByLineBefore => false,
            // Behind the mark a bit says how the line is coded.
            Fax::Either => !end_of_line(&mut bits) || take(&mut bits, 1) == Some(1),
            Fax::Alone => {
                end_of_line(&mut bits);
                true
            }
        };
        let line = if alone { line_alone(&mut bits, width) } else { line_by(&mut bits, &before, width) };
        let line = line.ok_or_else(|| {
            Fault::Bad("The image data is damaged or cut short: its fax codes end too early".into())
        })?;
        paint(row, &line, width);
        before = line;
    }
    Ok(())
}

/// The next bits as a number, which are then passed.
fn take(bits: &mut impl BitReader, count: u8) -> Option<u16> {
    let number = bits.peek(count)?;
    bits.consume(count).ok()?;
    Some(number)
}

/// Passes a mark of eleven zeros or more and a one, where one is ahead. No code begins with more than seven zeros.
fn end_of_line(bits: &mut impl BitReader) -> bool {
    if bits.peek(9) != Some(0) {
        return false;
    }
    while bits.peek(1) == Some(0) {
        if bits.consume(1).is_err() {
            return false;
        }
    }
    take(bits, 1).is_some()
}

/// The length of a run: codes of 64 and more are parts of it, one below ends it.
fn run(bits: &mut impl BitReader, is_black: bool) -> Option<usize> {
    let mut length = 0usize;
    loop {
        let part = if is_black { black::decode(bits)? } else { white::decode(bits)? };
        length = length.checked_add(usize::from(part))?;
        if part < 64 {
            return Some(length);
        }
    }
}

/// Columns where the colour changes, from white.
fn line_alone(bits: &mut impl BitReader, width: usize) -> Option<Vec<usize>> {
    let (mut changes, mut at, mut is_black) = (Vec::new(), 0, false);
    while at < width {
        at += run(bits, is_black)?;
        changes.push(at.min(width));
        is_black = !is_black;
    }
    Some(changes)
}

/// The same by the line before (T.4, section 4.2).
fn line_by(bits: &mut impl BitReader, before: &[usize], width: usize) -> Option<Vec<usize>> {
    let (mut changes, mut at, mut is_black) = (Vec::<usize>::new(), 0usize, false);
    // The first change of the line before that is right of here; a line begins left of its first column.
    let mut right = 0;
    while at < width {
        // To the other colour: changes to black and to white take turns.
        let index = right + (right + usize::from(is_black)) % 2;
        let change = |index: usize| before.get(index).copied().unwrap_or(width);
        match mode::decode(bits)? {
            Mode::Pass => at = change(index + 1),
            Mode::Vertical(delta) => {
                at = change(index).checked_add_signed(isize::from(delta))?.min(width);
                if changes.last().is_some_and(|&last| last > at) {
                    return None;
                }
                changes.push(at);
                is_black = !is_black;
            }
            Mode::Horizontal => {
                for black in [is_black, !is_black] {
                    at = (at + run(bits, black)?).min(width);
                    changes.push(at);
                }
            }
            Mode::Extension | Mode::EOF => return None,
        }
        right += before[right..].iter().take_while(|&&change| change <= at).count();
    }
    Some(changes)
}

/// Sets the bits of the black runs.
fn paint(row: &mut [u8], changes: &[usize], width: usize) {
    for pair in changes.chunks(2) {
        // A run that has no end goes to the end of the line.
        let (start, end) = (pair[0], pair.get(1).copied().unwrap_or(width));
        (start..end).for_each(|column| row[column / 8] |= 0x80 >> (column % 8));
    }
}

#[cfg(test)]
mod tests {
    use fax::slice_reader;

    use super::*;

    #[test]
    fn a_line_alone_is_runs_from_white() {
        // White 4 is 1011, black 3 is 10, white 1 is 000111 (T.4, table 2).
        let changes = line_alone(&mut slice_reader(&[0b1011_1000, 0b0111_0000]), 8).unwrap();
        assert_eq!(changes, [4, 7, 8]);
        let mut row = [0];
        paint(&mut row, &changes, 8);
        assert_eq!(row, [0b0000_1110]);
    }

    #[test]
    fn codes_that_end_or_lead_back_are_refused() {
        assert_eq!(line_alone(&mut slice_reader(&[]), 8), None);
        assert_eq!(line_by(&mut slice_reader(&[]), &[], 8), None);
        // Two changes, of which the second would be left of the first: to the right by 1, then to the left by 3.
        assert_eq!(line_by(&mut slice_reader(&[0b0110_0000, 0b1000_0000]), &[4, 5, 8], 8), None);
    }

    #[test]
    fn a_line_by_the_one_before_moves_its_changes() {
        // Vertical by 0 is 1, by one to the right 011, by one to the left 010 (T.4, table 4).
        let changes = line_by(&mut slice_reader(&[0b0110_1010, 0b0000_0000]), &[4, 7, 8], 8);
        assert_eq!(changes, Some(vec![5, 6, 8]));
    }
}
