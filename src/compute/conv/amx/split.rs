//! f32 numbers as the sum of two bf16 numbers.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m512, __m512i, _mm512_and_si512, _mm512_castsi512_ps, _mm512_cvtne2ps_pbh, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_permutexvar_epi16, _mm512_set1_epi32, _mm512_slli_epi32, _mm512_storeu_si512,
    _mm512_sub_ps,
};

/// The high and the low part of a number, as bf16 bits; both rounded to the nearest, ties to even.
pub(super) fn split(value: f32) -> [u16; 2] {
    let high = half::bf16::from_f32(value);
    [high.to_bits(), half::bf16::from_f32(value - high.to_f32()).to_bits()]
}

/// Writes the high and low parts of two rows of numbers, side by side: `[first, second]` for each column.
///
/// # Safety
/// The processor has AVX-512 F, BW and BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn split_pairs(first: &[f32], second: &[f32], high: &mut [u32], low: &mut [u32]) {
    let len = first.len();
    assert!(
        second.len() == len && high.len() == len && low.len() == len && len.is_multiple_of(16),
        "rows are equally long and whole registers"
    );
    let interleave = interleaving();
    for at in (0..len).step_by(16) {
        // SAFETY: `at + 16` is at most the length of all four.
        unsafe {
            let a = _mm512_loadu_ps(first.as_ptr().add(at));
            let b = _mm512_loadu_ps(second.as_ptr().add(at));
            let [upper, lower] = split_registers(a, b, interleave);
            _mm512_storeu_si512(high.as_mut_ptr().add(at).cast(), upper);
            _mm512_storeu_si512(low.as_mut_ptr().add(at).cast(), lower);
        }
    }
}

/// Where each 16-bit number goes that `VCVTNE2PS2BF16` puts one source after the other.
#[target_feature(enable = "avx512f")]
fn interleaving() -> __m512i {
    let order: [u16; 32] = std::array::from_fn(|i| (i / 2 + if i % 2 == 0 { 0 } else { 16 }) as u16);
    // SAFETY: the array is 64 bytes.
    unsafe { _mm512_loadu_si512(order.as_ptr().cast()) }
}

/// High and low parts of `a` and `b`, interleaved.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn split_registers(a: __m512, b: __m512, interleave: __m512i) -> [__m512i; 2] {
    let pairs = |a: __m512, b: __m512| {
        let both = _mm512_cvtne2ps_pbh(b, a);
        // SAFETY: both types are 512 bits.
        let both: __m512i = unsafe { std::mem::transmute(both) };
        _mm512_permutexvar_epi16(interleave, both)
    };
    let high = pairs(a, b);
    // A bf16 number is the upper half of an f32 number.
    let a_high = _mm512_castsi512_ps(_mm512_slli_epi32::<16>(high));
    let b_high = _mm512_castsi512_ps(_mm512_and_si512(high, _mm512_set1_epi32(0xffff_0000_u32 as i32)));
    [high, pairs(_mm512_sub_ps(a, a_high), _mm512_sub_ps(b, b_high))]
}

#[cfg(test)]
mod tests {
    use super::super::available;
    use super::*;

    #[test]
    fn two_halves_make_a_number_to_sixteen_bits() {
        for value in [1.0, -0.1, 3.141_592_7, 1.0e-20, -7.7e30, 0.0] {
            let [high, low] = split(value).map(|bits| f64::from(half::bf16::from_bits(bits).to_f32()));
            assert!((high + low - f64::from(value)).abs() <= f64::from(value).abs() / 65_536.0, "{value}");
        }
    }

    #[test]
    fn pairs_of_rows_are_split_as_single_numbers_are() {
        if !available() {
            return;
        }
        let row = |salt: usize| -> Vec<f32> {
            (0..48).map(|i| ((i * 37 + salt) as f32).sin() * 10f32.powi(i as i32 % 9 - 4)).collect()
        };
        let (first, second, mut high, mut low) = (row(1), row(2), vec![0; 48], vec![0; 48]);
        // SAFETY: the matrix unit's processors have these instructions, and it was asked for.
        unsafe { split_pairs(&first, &second, &mut high, &mut low) };
        for i in 0..48 {
            let (a, b) = (split(first[i]), split(second[i]));
            let pair = |part: usize| u32::from(a[part]) | u32::from(b[part]) << 16;
            assert_eq!([high[i], low[i]], [pair(0), pair(1)], "{i}");
        }
    }
}
