//! The inner loops on tile registers.
//!
//! A tile register holds up to 16 rows of 64 bytes. `TDPBF16PS c, a, b` adds to `c` `[16, 16]` (f32) the product of `a`
//! `[16, 2r]` and `b` `[2r, 16]`, both bf16; `b` lies in memory as `[r, 16, 2]`, two rows side by side. (Intel 64 and
//! IA-32 Architectures Software Developer's Manual, volume 1, chapter 18.)
#![allow(unsafe_code)]

use std::arch::asm;

/// Rows and columns of a tile of results.
pub(super) const SIDE: usize = 16;
/// Bytes of a row, and of a whole tile in memory.
pub(super) const ROW_BYTES: usize = 64;
pub(super) const TILE_BYTES: usize = SIDE * ROW_BYTES;

/// The tile registers of a thread, set up; given back when dropped.
pub(super) struct Registers(std::marker::PhantomData<*const ()>);

/// What `LDTILECFG` reads.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Registers {
    /// Registers 0 to 3 for results, 4 and 5 for the left matrix (`2·depth` columns), 6 and 7 for the right one.
    ///
    /// # Safety
    /// The matrix unit is available on this processor and to this process.
    pub(super) unsafe fn set_up(depth: usize) -> Self {
        assert!((1..=SIDE).contains(&depth), "a tile has 1 to 16 rows");
        let mut configuration =
            Configuration { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        configuration.row_bytes[..8].fill(ROW_BYTES as u16);
        configuration.rows[..8].fill(SIDE as u8);
        configuration.row_bytes[4..6].fill(4 * depth as u16);
        configuration.rows[6..8].fill(depth as u8);
        // SAFETY: the unit is there (the caller's promise), and the configuration is 64 bytes that obey its palette.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const configuration, options(nostack)) };
        Self(std::marker::PhantomData)
    }
}

impl Drop for Registers {
    fn drop(&mut self) {
        // SAFETY: the registers are in use, so the unit is there.
        unsafe { asm!("tilerelease", options(nostack)) };
    }
}

/// A product of tiles: the left matrix in the order of its use, the right one as rows at given places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Product<'a> {
    /// For each step of the sum four tiles `[16, 2·depth]` of [`TILE_BYTES`] (upper and lower 16 rows' high parts, then
    /// their low parts), or two (high and low) in [`Product::narrow`].
    pub(super) left: *const u8,
    /// For each step how many bytes after `high` and `low` its rows begin.
    pub(super) offsets: &'a [usize],
    /// Where the right matrix's high and low parts begin.
    pub(super) high: *const u8,
    pub(super) low: *const u8,
    /// Bytes between two rows of the right matrix.
    pub(super) stride: usize,
    /// Where the result goes, and the bytes between its rows.
    pub(super) out: *mut f32,
    pub(super) out_stride: usize,
}

impl Product<'_> {
    /// 32 rows by 32 columns of results.
    ///
    /// # Safety
    /// [`Registers`] are set up; everything that is read and written lies in memory that may be.
    pub(super) unsafe fn wide(self, _: &Registers) {
        // SAFETY: the caller's promise. The loop counts down from the number of offsets, which is at least 1.
        unsafe {
            asm!(
                "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                "2:",
                "mov {offset}, [{offsets}]",
                "lea {at}, [{low} + {offset}]",
                "tileloadd tmm4, [{left} + {row}]",
                "tileloadd tmm6, [{at} + {stride}]",
                "tileloadd tmm7, [{at} + {stride} + 64]",
                "tileloadd tmm5, [{left} + {row} + 1024]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "lea {at}, [{high} + {offset}]",
                "tileloadd tmm6, [{at} + {stride}]",
                "tileloadd tmm7, [{at} + {stride} + 64]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "tileloadd tmm4, [{left} + {row} + 2048]",
                "tileloadd tmm5, [{left} + {row} + 3072]",
                "add {left}, 4096",
                "add {offsets}, 8",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "dec {count}",
                "jnz 2b",
                "tilestored [{out} + {out_stride}], tmm0",
                "tilestored [{out} + {out_stride} + 64], tmm1",
                "tilestored [{lower} + {out_stride}], tmm2",
                "tilestored [{lower} + {out_stride} + 64], tmm3",
                offset = out(reg) _,
                at = out(reg) _,
                left = inout(reg) self.left => _,
                offsets = inout(reg) self.offsets.as_ptr() => _,
                count = inout(reg) self.offsets.len() => _,
                high = in(reg) self.high,
                low = in(reg) self.low,
                stride = in(reg) self.stride,
                row = in(reg) ROW_BYTES,
                out = in(reg) self.out,
                lower = in(reg) self.out.byte_add(SIDE * self.out_stride),
                out_stride = in(reg) self.out_stride,
                options(nostack)
            );
        }
    }

    /// 16 rows by 64 columns of results.
    ///
    /// # Safety
    /// As [`Product::wide`].
    pub(super) unsafe fn narrow(self, _: &Registers) {
        // SAFETY: as in `wide`.
        unsafe {
            asm!(
                "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                "2:",
                "mov {offset}, [{offsets}]",
                "lea {at}, [{high} + {offset}]",
                "tileloadd tmm4, [{left} + {row}]",
                "tileloadd tmm5, [{left} + {row} + 1024]",
                "tileloadd tmm6, [{at} + {stride}]",
                "tileloadd tmm7, [{at} + {stride} + 64]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm0, tmm5, tmm6",
                "tdpbf16ps tmm1, tmm5, tmm7",
                "tileloadd tmm6, [{at} + {stride} + 128]",
                "tileloadd tmm7, [{at} + {stride} + 192]",
                "tdpbf16ps tmm2, tmm4, tmm6",
                "tdpbf16ps tmm3, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "lea {at}, [{low} + {offset}]",
                "tileloadd tmm6, [{at} + {stride}]",
                "tileloadd tmm7, [{at} + {stride} + 64]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm6, [{at} + {stride} + 128]",
                "tileloadd tmm7, [{at} + {stride} + 192]",
                "tdpbf16ps tmm2, tmm4, tmm6",
                "tdpbf16ps tmm3, tmm4, tmm7",
                "add {left}, 2048",
                "add {offsets}, 8",
                "dec {count}",
                "jnz 2b",
                "tilestored [{out} + {out_stride}], tmm0",
                "tilestored [{out} + {out_stride} + 64], tmm1",
                "tilestored [{out} + {out_stride} + 128], tmm2",
                "tilestored [{out} + {out_stride} + 192], tmm3",
                offset = out(reg) _,
                at = out(reg) _,
                left = inout(reg) self.left => _,
                offsets = inout(reg) self.offsets.as_ptr() => _,
                count = inout(reg) self.offsets.len() => _,
                high = in(reg) self.high,
                low = in(reg) self.low,
                stride = in(reg) self.stride,
                row = in(reg) ROW_BYTES,
                out = in(reg) self.out,
                out_stride = in(reg) self.out_stride,
                options(nostack)
            );
        }
    }
}

/// Sums of products of tiles along positions: the left matrix as rows at a place, the right one as tiles in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum {
    /// Where the left matrix's high and low parts begin.
    pub(super) high: *const u8,
    pub(super) low: *const u8,
    /// Bytes between two rows of the left matrix.
    pub(super) stride: usize,
    /// For each step four tiles: left and right 16 columns' high parts, then their low parts.
    pub(super) right: *const u8,
    /// Steps of 32 positions, at least one.
    pub(super) steps: usize,
    /// What is added to: `[32, 32]`, or `[16, 32]` in [`Sum::add_low`].
    pub(super) out: *mut f32,
}

/// Bytes between two rows of a sum.
const SUM_ROW: usize = 2 * ROW_BYTES;

impl Sum {
    /// Adds to 32 rows by 32 columns.
    ///
    /// # Safety
    /// [`Registers`] are set up for full depth; everything that is read and written lies in memory that may be.
    pub(super) unsafe fn add(self, _: &Registers) {
        // SAFETY: the caller's promise.
        unsafe {
            asm!(
                "tileloadd tmm0, [{out} + {out_stride}]",
                "tileloadd tmm1, [{out} + {out_stride} + 64]",
                "tileloadd tmm2, [{out} + {out_stride} + 2048]",
                "tileloadd tmm3, [{out} + {out_stride} + 2112]",
                "2:",
                "tileloadd tmm4, [{high} + {stride}]",
                "tileloadd tmm6, [{right} + {row} + 2048]",
                "tileloadd tmm7, [{right} + {row} + 3072]",
                "tileloadd tmm5, [{high_below} + {stride}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "tileloadd tmm6, [{right} + {row}]",
                "tileloadd tmm7, [{right} + {row} + 1024]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "tileloadd tmm4, [{low} + {stride}]",
                "tileloadd tmm5, [{low_below} + {stride}]",
                "add {high}, 64", "add {high_below}, 64", "add {low}, 64", "add {low_below}, 64",
                "add {right}, 4096",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "dec {count}",
                "jnz 2b",
                "tilestored [{out} + {out_stride}], tmm0",
                "tilestored [{out} + {out_stride} + 64], tmm1",
                "tilestored [{out} + {out_stride} + 2048], tmm2",
                "tilestored [{out} + {out_stride} + 2112], tmm3",
                high = inout(reg) self.high => _,
                high_below = inout(reg) self.high.add(SIDE * self.stride) => _,
                low = inout(reg) self.low => _,
                low_below = inout(reg) self.low.add(SIDE * self.stride) => _,
                right = inout(reg) self.right => _,
                count = inout(reg) self.steps => _,
                stride = in(reg) self.stride,
                row = in(reg) ROW_BYTES,
                out = in(reg) self.out,
                out_stride = in(reg) SUM_ROW,
                options(nostack)
            );
        }
    }

    /// Adds to 16 rows by 32 columns.
    ///
    /// # Safety
    /// As [`Sum::add`].
    pub(super) unsafe fn add_low(self, _: &Registers) {
        // SAFETY: the caller's promise.
        unsafe {
            asm!(
                "tileloadd tmm0, [{out} + {out_stride}]",
                "tileloadd tmm1, [{out} + {out_stride} + 64]",
                "2:",
                "tileloadd tmm4, [{high} + {stride}]",
                "tileloadd tmm6, [{right} + {row} + 2048]",
                "tileloadd tmm7, [{right} + {row} + 3072]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm6, [{right} + {row}]",
                "tileloadd tmm7, [{right} + {row} + 1024]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{low} + {stride}]",
                "add {high}, 64", "add {low}, 64", "add {right}, 4096",
                "tdpbf16ps tmm0, tmm5, tmm6",
                "tdpbf16ps tmm1, tmm5, tmm7",
                "dec {count}",
                "jnz 2b",
                "tilestored [{out} + {out_stride}], tmm0",
                "tilestored [{out} + {out_stride} + 64], tmm1",
                high = inout(reg) self.high => _,
                low = inout(reg) self.low => _,
                right = inout(reg) self.right => _,
                count = inout(reg) self.steps => _,
                stride = in(reg) self.stride,
                row = in(reg) ROW_BYTES,
                out = in(reg) self.out,
                out_stride = in(reg) SUM_ROW,
                options(nostack)
            );
        }
    }
}
