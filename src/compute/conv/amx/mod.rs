//! Convolution on a processor's matrix unit: Intel's advanced matrix extensions (AMX), which multiply tiles of bf16
//! numbers and add them up in f32.
//!
//! A bf16 number has 8 significant bits, so each f32 value is split into two: `x ≈ high + low`, 16 bits together. A
//! product is then `high·high + high·low + low·high`, which is right to about 2⁻¹⁶ of its size; what is left out,
//! `low·low`, is smaller still (Henry, Tang and Heinecke 2019, arXiv:1904.06376). Three bf16 products on this unit take
//! a fifth of the time of one f32 product on the vector units.

mod gradient;
mod kernel;
mod run;
mod split;
mod support;
mod weights;

#[cfg(test)]
mod tests;

pub(super) use gradient::by_weights;
pub(super) use run::run;
pub(super) use support::available;
pub(super) use weights::{Packed, packed_bytes};
