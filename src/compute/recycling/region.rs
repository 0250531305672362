//! Which pieces of a stretch of addresses are free.

/// Blocks are multiples of this.
const UNIT: usize = 4 << 10;
/// Free pieces that can be remembered. What does not fit is not used again.
pub(super) const MOST_PIECES: usize = 4096;

/// The size of the block that holds `size` bytes.
pub(super) fn rounded(size: usize) -> usize {
    size.checked_next_multiple_of(UNIT).unwrap_or(usize::MAX)
}

/// A free piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    at: usize,
    size: usize,
    /// Whether it was used since it was last given back to the system.
    touched: bool,
}

const NOTHING: Piece = Piece { at: 0, size: 0, touched: false };

/// Addresses from 0 to a size. It takes no memory while it works, being part of what gives memory.
#[derive(Debug)]
pub(super) struct Region {
    size: usize,
    /// From here on nothing was ever taken.
    end: usize,
    /// Free pieces before `end` by address, no two of which touch.
    free: [Piece; MOST_PIECES],
    pieces: usize,
}

impl Region {
    // Only ever a constant: nothing this large lies on a stack.
    #[allow(clippy::large_stack_arrays)]
    pub(super) const fn new(size: usize) -> Self {
        Self { size, end: 0, free: [NOTHING; MOST_PIECES], pieces: 0 }
    }

    /// The same with addresses up to `size`.
    pub(super) fn grow_to(&mut self, size: usize) {
        self.size = self.size.max(size);
    }

    /// Takes a block of at least `size`: the smallest free piece that holds it, else new addresses; `None` when there are
    /// not that many left.
    pub(super) fn take(&mut self, size: usize) -> Option<usize> {
        let size = rounded(size);
        let holding = (0..self.pieces).filter(|&i| self.free[i].size >= size);
        if let Some(best) = holding.min_by_key(|&i| self.free[i].size) {
            let piece = &mut self.free[best];
            let at = piece.at;
            *piece = Piece { at: at + size, size: piece.size - size, ..*piece };
            if piece.size == 0 {
                self.forget(best);
            }
            return Some(at);
        }
        // The last free piece grows where it reaches the end.
        let last = self.pieces.checked_sub(1).map(|last| self.free[last]);
        let at = last.filter(|last| last.at + last.size == self.end).map_or(self.end, |last| last.at);
        let end = at.checked_add(size).filter(|&end| end <= self.size)?;
        if at < self.end {
            self.forget(self.pieces - 1);
        }
        self.end = end;
        Some(at)
    }

    /// Makes a block of [`Region::take`] free.
    pub(super) fn give_back(&mut self, at: usize, size: usize) {
        self.put(Piece { at, size: rounded(size), touched: true });
    }

    /// Takes a free piece, address and size, that was used since it was last given back to the system.
    pub(super) fn take_touched(&mut self) -> Option<(usize, usize)> {
        let place = (0..self.pieces).find(|&i| self.free[i].touched)?;
        let Piece { at, size, .. } = self.free[place];
        self.forget(place);
        Some((at, size))
    }

    /// Makes such a piece free after the system has got its memory.
    pub(super) fn give_back_untouched(&mut self, at: usize, size: usize) {
        self.put(Piece { at, size, touched: false });
    }

    fn put(&mut self, mut piece: Piece) {
        let at = piece.at;
        let after = self.free[..self.pieces].partition_point(|free| free.at < at);
        let mut place = after;
        if after < self.pieces && piece.at + piece.size == self.free[after].at {
            piece.size += self.free[after].size;
            piece.touched |= self.free[after].touched;
            self.forget(after);
        }
        if let Some(before) = after.checked_sub(1).filter(|&i| self.free[i].at + self.free[i].size == at) {
            let Piece { at, size, touched } = self.free[before];
            piece = Piece { at, size: size + piece.size, touched: touched || piece.touched };
            self.forget(before);
            place = before;
        }
        if self.pieces < MOST_PIECES {
            self.free.copy_within(place..self.pieces, place + 1);
            self.free[place] = piece;
            self.pieces += 1;
        }
    }

    /// Bytes of free pieces that were used since they were last given back to the system.
    pub(super) fn touched(&self) -> usize {
        self.free[..self.pieces].iter().filter(|piece| piece.touched).map(|piece| piece.size).sum()
    }

    fn forget(&mut self, piece: usize) {
        self.free.copy_within(piece + 1..self.pieces, piece);
        self.pieces -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const U: usize = UNIT;

    fn free(region: &Region) -> Vec<(usize, usize)> {
        region.free[..region.pieces].iter().map(|piece| (piece.at / U, piece.size / U)).collect()
    }

    #[test]
    fn the_smallest_piece_that_holds_it_is_taken() {
        let mut region = Region::new(100 * U);
        let blocks: Vec<usize> = [3, 1, 5, 1, 4, 1].map(|n| region.take(n * U).unwrap()).to_vec();
        assert_eq!(blocks, [0, 3 * U, 4 * U, 9 * U, 10 * U, 14 * U]);
        for (block, size) in [(2, 5), (0, 3), (4, 4)] {
            region.give_back(blocks[block], size * U);
        }
        assert_eq!(free(&region), [(0, 3), (4, 5), (10, 4)]);
        assert_eq!(region.take(4 * U - 1), Some(10 * U), "4 rather than 5");
        assert_eq!(region.take(4 * U), Some(4 * U), "and of 5 one is left");
        assert_eq!(free(&region), [(0, 3), (8, 1)]);
        assert_eq!(region.take(4 * U), Some(15 * U), "new ones");
    }

    #[test]
    fn neighbours_grow_together_and_the_last_one_grows_into_the_new() {
        let mut region = Region::new(10 * U);
        let [a, b, c, d] = [0; 4].map(|_| region.take(2 * U).unwrap());
        region.give_back(a, 2 * U);
        region.give_back(c, 2 * U);
        assert_eq!(free(&region), [(0, 2), (4, 2)]);
        region.give_back(b, 2 * U);
        assert_eq!(free(&region), [(0, 6)]);
        region.give_back(d, 2 * U);
        assert_eq!(free(&region), [(0, 8)]);
        assert_eq!(region.take(9 * U), Some(0), "8 free ones and a new one");
        assert_eq!((free(&region), region.end), (vec![], 9 * U));
        assert_eq!(region.take(2 * U), None);
        assert_eq!(region.take(U), Some(9 * U));
        assert_eq!(region.take(1), None);
        assert_eq!(region.take(usize::MAX), None);
    }

    #[test]
    fn what_was_released_is_not_released_again_before_it_was_used() {
        let mut region = Region::new(10 * U);
        let [a, b, c] = [0; 3].map(|_| region.take(U).unwrap());
        let released = |region: &mut Region| {
            let pieces: Vec<_> = std::iter::from_fn(|| region.take_touched()).collect();
            for &(at, size) in &pieces {
                region.give_back_untouched(at, size);
            }
            pieces.into_iter().map(|(at, size)| (at / U, size / U)).collect::<Vec<_>>()
        };
        region.give_back(a, U);
        region.give_back(c, U);
        assert_eq!(region.touched(), 2 * U);
        assert_eq!(released(&mut region), [(0, 1), (2, 1)]);
        assert_eq!((region.touched(), free(&region)), (0, vec![(0, 1), (2, 1)]));
        assert_eq!(released(&mut region), []);
        let a = region.take(U).unwrap();
        region.give_back(a, U);
        assert_eq!(released(&mut region), [(0, 1)]);
        region.give_back(b, U);
        assert_eq!(
            released(&mut region),
            [(0, 3)],
            "one used piece between unused ones makes one of them all"
        );
    }

    #[test]
    fn more_pieces_than_can_be_remembered_are_lost_and_no_harm_is_done() {
        let mut region = Region::new(usize::MAX / 2);
        let blocks: Vec<usize> = (0..2 * MOST_PIECES + 10).map(|_| region.take(U).unwrap()).collect();
        blocks.iter().step_by(2).for_each(|&block| region.give_back(block, U));
        assert_eq!(region.pieces, MOST_PIECES);
        let again: std::collections::BTreeSet<_> =
            (0..MOST_PIECES).map(|_| region.take(U).unwrap()).collect();
        assert_eq!((again.len(), region.pieces), (MOST_PIECES, 0));
        assert!(again.iter().all(|block| (block / U).is_multiple_of(2)));
    }
}
