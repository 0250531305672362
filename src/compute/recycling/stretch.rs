//! The stretches of addresses that large blocks lie in, each as long as the machine has memory.
#![allow(unsafe_code)]

use super::region::{MOST_PIECES, Region};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Blocks from this size on lie apart from the smaller ones, packed weights and threads' buffers, which stay and would
/// stand in their way.
const VERY_LARGE: usize = 4 << 20;

static STRETCHES: [Stretch; 2] = [const { Stretch::new() }; 2];

/// [`Stretch::begin`] when the system gives none.
const NONE: usize = 1;

/// Addresses in a row, reserved when the first block is asked for.
struct Stretch {
    /// 0: not asked for yet.
    begin: AtomicUsize,
    end: AtomicUsize,
    region: Mutex<Region>,
}

/// A block of `size` bytes; its values are whatever they were.
pub(super) fn take(size: usize) -> Option<*mut u8> {
    STRETCHES[usize::from(size >= VERY_LARGE)].take(size)
}

/// Whether a block is one of these.
pub(super) fn is_here(block: *mut u8) -> bool {
    STRETCHES.iter().any(|stretch| stretch.holds(block))
}

/// Makes a block of `size` bytes free if it is one of these, and says so.
///
/// # Safety
/// Nobody uses the block any more.
pub(super) unsafe fn give_back(block: *mut u8, size: usize) -> bool {
    let Some(stretch) = STRETCHES.iter().find(|stretch| stretch.holds(block)) else { return false };
    stretch.region().give_back(block as usize - stretch.begin.load(Ordering::Relaxed), size);
    true
}

/// Gives the memory of free blocks back to the system.
pub(super) fn release() {
    STRETCHES.iter().for_each(Stretch::release);
}

/// Bytes of free blocks that the system has not got back.
pub(super) fn kept_bytes() -> u64 {
    STRETCHES.iter().map(|stretch| stretch.region().touched() as u64).sum()
}

impl Stretch {
    const fn new() -> Self {
        Self { begin: AtomicUsize::new(0), end: AtomicUsize::new(0), region: Mutex::new(Region::new(0)) }
    }

    fn region(&self) -> MutexGuard<'_, Region> {
        // Nothing panics while it is locked.
        self.region.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, size: usize) -> Option<*mut u8> {
        if self.begin.load(Ordering::Relaxed) == NONE {
            return None;
        }
        let mut region = self.region();
        if self.begin.load(Ordering::Relaxed) == 0 {
            let (begin, size) = reserve().unwrap_or((NONE, 0));
            region.grow_to(size);
            self.end.store(begin + size, Ordering::Relaxed);
            self.begin.store(begin, Ordering::Release);
        }
        let at = region.take(size)?;
        Some((self.begin.load(Ordering::Relaxed) + at) as *mut u8)
    }

    fn holds(&self, block: *mut u8) -> bool {
        (self.begin.load(Ordering::Acquire)..self.end.load(Ordering::Relaxed)).contains(&(block as usize))
    }

    /// Piece by piece, so that nobody waits long for a block.
    fn release(&self) {
        let begin = self.begin.load(Ordering::Relaxed);
        for _ in 0..MOST_PIECES {
            let piece = self.region().take_touched();
            let Some((at, size)) = piece else { return };
            // SAFETY: the piece lies in the mapping and is nobody's, so that nobody minds it becoming zeros.
            unsafe { libc::madvise((begin + at) as *mut libc::c_void, size, libc::MADV_DONTNEED) };
            self.region().give_back_untouched(at, size);
        }
    }
}

/// Addresses for as much as the machine has memory; they take none before they are written to.
fn reserve() -> Option<(usize, usize)> {
    // SAFETY: questions to the system, and a new mapping that overlaps nothing.
    unsafe {
        let (pages, page) = (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE));
        let size = usize::try_from(pages).ok()?.checked_mul(usize::try_from(page).ok()?)?;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let begin = libc::mmap(std::ptr::null_mut(), size, access, kind, -1, 0);
        if begin == libc::MAP_FAILED {
            return None;
        }
        // Large pages are cleared faster, and found faster. Where the system has none, nothing is lost.
        libc::madvise(begin, size, libc::MADV_HUGEPAGE);
        Some((begin as usize, size))
    }
}
