//! Large blocks of memory that are kept when they are given back, for the next tensor of a network.
//!
//! With every node of a network tensors of many megabytes come and go. An allocator for all purposes either returns them
//! to the system, which then clears every page anew, or keeps them in pieces that the next size does not fit into. Here
//! large blocks lie side by side and grow together when they are free, so that a run takes little more than the tensors
//! that live at once, and the second run touches no new page.
#![allow(unsafe_code)]

#[cfg(any(target_os = "linux", test))]
mod region;

#[cfg(target_os = "linux")]
mod stretch;

use std::alloc::{GlobalAlloc, Layout};

/// Bytes from which on a block is kept here.
const LARGE: usize = 32 << 10;
/// Alignment that every block has.
const ALIGNMENT: usize = 4096;

/// An allocator that keeps large blocks for the next use, and leaves all else to `A`. Only on Linux; elsewhere it is `A`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Recycling<A>(pub A);

/// Gives memory that is kept for the next tensor back to the system: for when there will be none for a while.
pub fn release_unused() {
    #[cfg(target_os = "linux")]
    stretch::release();
}

/// Bytes that are kept for the next tensor.
pub(super) fn kept_bytes() -> u64 {
    #[cfg(target_os = "linux")]
    return stretch::kept_bytes();
    #[cfg(not(target_os = "linux"))]
    0
}

fn is_large(layout: Layout) -> bool {
    cfg!(target_os = "linux") && layout.size() >= LARGE && layout.align() <= ALIGNMENT
}

#[cfg(target_os = "linux")]
fn take(layout: Layout) -> Option<*mut u8> {
    is_large(layout).then(|| stretch::take(layout.size())).flatten()
}

#[cfg(not(target_os = "linux"))]
fn take(_: Layout) -> Option<*mut u8> {
    None
}

/// Whether the block was taken here, and is free again.
///
/// # Safety
/// Nobody uses the block any more.
#[cfg(target_os = "linux")]
unsafe fn give_back(block: *mut u8, layout: Layout) -> bool {
    // SAFETY: the caller's promise.
    is_large(layout) && unsafe { stretch::give_back(block, layout.size()) }
}

#[cfg(not(target_os = "linux"))]
unsafe fn give_back(_: *mut u8, _: Layout) -> bool {
    false
}

/// Whether a block that was taken here holds `layout` as well as `other`.
fn holds_both(block: *mut u8, layout: Layout, other: Layout) -> bool {
    #[cfg(target_os = "linux")]
    return is_large(layout) && is_large(other) && stretch::is_here(block) && {
        region::rounded(layout.size()) == region::rounded(other.size())
    };
    #[cfg(not(target_os = "linux"))]
    false
}

// SAFETY: blocks are either `A`'s, or pieces of the stretch that are nobody else's until they are given back; which of the
// two is told by the address.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Recycling<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        take(layout).unwrap_or_else(|| unsafe { self.0.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match take(layout) {
            Some(block) => {
                // SAFETY: the block is ours and that long.
                unsafe { block.write_bytes(0, layout.size()) };
                block
            }
            // SAFETY: the caller's promise.
            None => unsafe { self.0.alloc_zeroed(layout) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise; what is not here was made by `A`.
        unsafe {
            if !give_back(block, layout) {
                self.0.dealloc(block, layout);
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise: the alignment is one, and the size rounded up to it does not overflow.
        let larger = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        if holds_both(block, layout, larger) {
            return block;
        }
        // SAFETY: the caller's promise; the new block is another one, and both hold the smaller of the two sizes.
        unsafe {
            if !is_large(layout) && !is_large(larger) {
                return self.0.realloc(block, layout, size);
            }
            let moved = self.alloc(larger);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::alloc::System;

    const ALLOCATOR: Recycling<System> = Recycling(System);

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 64).unwrap()
    }

    /// A block of `size` bytes with a pattern that depends on `seed`.
    fn filled(size: usize, seed: u8) -> *mut u8 {
        // SAFETY: the size is not zero, and the block is written within it.
        unsafe {
            let block = ALLOCATOR.alloc(layout(size));
            assert!(!block.is_null());
            (0..size).step_by(509).for_each(|i| block.add(i).write(seed.wrapping_add((i / 509) as u8)));
            block
        }
    }

    fn check(block: *mut u8, size: usize, seed: u8) {
        // SAFETY: the block was filled up to `size`.
        let wrong = |i: &usize| unsafe { block.add(*i).read() } != seed.wrapping_add((i / 509) as u8);
        assert_eq!((0..size).step_by(509).find(wrong), None);
    }

    #[test]
    fn blocks_of_all_sizes_keep_what_is_written_while_others_come_and_go() {
        let work = |first: usize| {
            let mut blocks: Vec<(*mut u8, usize, u8)> = Vec::new();
            for round in 0..200_usize {
                let size = 1 + (round * 7919 + first * 104_729) % (3 << 20);
                let seed = (round + first) as u8;
                blocks.push((filled(size, seed), size, seed));
                if blocks.len() > 6 {
                    let (block, size, seed) = blocks.swap_remove(round % 5);
                    check(block, size, seed);
                    // SAFETY: it came from there with this layout.
                    unsafe { ALLOCATOR.dealloc(block, layout(size)) };
                }
                if round % 50 == 0 {
                    release_unused();
                }
            }
            for (block, size, seed) in blocks {
                check(block, size, seed);
                // SAFETY: it came from there with this layout.
                unsafe { ALLOCATOR.dealloc(block, layout(size)) };
            }
        };
        std::thread::scope(|scope| {
            for first in 0..3 {
                scope.spawn(move || work(first));
            }
        });
    }

    #[test]
    fn a_very_large_block_can_be_had_again_after_it_was_given_back_and_released() {
        let size = 400 << 20;
        for seed in 1..4 {
            let block = filled(size, seed);
            check(block, size, seed);
            // SAFETY: it came from there with this layout.
            unsafe { ALLOCATOR.dealloc(block, layout(size)) };
            if seed == 2 {
                release_unused();
            }
        }
    }

    #[test]
    fn zeroed_blocks_are_zero_also_when_they_were_used_before() {
        for size in [10, 2 << 20, (2 << 20) + 1] {
            let block = filled(size, 7);
            // SAFETY: blocks come from there with this layout, and are read within it.
            unsafe {
                ALLOCATOR.dealloc(block, layout(size));
                let block = ALLOCATOR.alloc_zeroed(layout(size));
                assert!((0..size).all(|i| block.add(i).read() == 0));
                ALLOCATOR.dealloc(block, layout(size));
            }
        }
    }

    #[test]
    fn growing_and_shrinking_keeps_the_values() {
        let sizes = [100, 1 << 20, (1 << 20) + 9, 5 << 20, 3 << 20, (1 << 20) - 1, 50, 70];
        let mut block = filled(sizes[0], 3);
        for pair in sizes.windows(2) {
            let kept = pair[0].min(pair[1]);
            // SAFETY: the block has the layout of the size before; then it is filled within the new size.
            unsafe {
                block = ALLOCATOR.realloc(block, layout(pair[0]), pair[1]);
                check(block, kept, 3);
                (0..pair[1])
                    .step_by(509)
                    .for_each(|i| block.add(i).write(3_u8.wrapping_add((i / 509) as u8)));
            }
        }
        // SAFETY: it has the layout of the last size.
        unsafe { ALLOCATOR.dealloc(block, layout(sizes[sizes.len() - 1])) };
    }
}
