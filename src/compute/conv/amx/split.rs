//! f32 numbers as the sum of two bf16 numbers.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, __m512, __m512bh, __m512i, _mm512_and_si512, _mm512_castsi512_ps, _mm512_castsi512_si256,
    _mm512_cvtepu16_epi32, _mm512_cvtne2ps_pbh, _mm512_extracti64x4_epi64, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_mask_storeu_epi32, _mm512_maskz_loadu_ps, _mm512_permutexvar_epi16,
    _mm512_set1_epi32, _mm512_shuffle_i32x4, _mm512_slli_epi32, _mm512_storeu_si512, _mm512_sub_ps,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
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
    assert!(second.len() == len && high.len() == len && low.len() == len, "rows are equally long");
    let interleave = interleaving();
    for at in (0..len).step_by(16) {
        let mask = u16::MAX >> (16 - (len - at).min(16));
        // SAFETY: the mask keeps reads and writes below the length of all four.
        unsafe {
            let a = _mm512_maskz_loadu_ps(mask, first.as_ptr().add(at));
            let b = _mm512_maskz_loadu_ps(mask, second.as_ptr().add(at));
            let [upper, lower] = split_registers(a, b, interleave);
            _mm512_mask_storeu_epi32(high.as_mut_ptr().add(at).cast(), mask, upper);
            _mm512_mask_storeu_epi32(low.as_mut_ptr().add(at).cast(), mask, lower);
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

/// Writes the high and low parts of a row of numbers.
///
/// # Safety
/// The processor has AVX-512 F, BW and BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn split_row(row: &[f32], high: &mut [u16], low: &mut [u16]) {
    let len = row.len();
    assert!(
        high.len() == len && low.len() == len && len.is_multiple_of(32),
        "rows are equally long and whole registers"
    );
    for at in (0..len).step_by(32) {
        // SAFETY: `at + 32` is at most the length of all three.
        unsafe {
            let [upper, lower] = split_following(row.as_ptr().add(at));
            _mm512_storeu_si512(high.as_mut_ptr().add(at).cast(), upper);
            _mm512_storeu_si512(low.as_mut_ptr().add(at).cast(), lower);
        }
    }
}

/// Splits 16 rows of 32 numbers, `stride` apart, and writes them as two right tiles `[16 pairs of columns, 16 rows]`:
/// the high parts, and `low_at` bf16 numbers after them the low parts.
///
/// # Safety
/// The processor has AVX-512 F, BW and BF16. `rows` is good for reading the rows, `tile` for writing both tiles.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn split_across(rows: *const f32, stride: usize, tile: *mut u16, low_at: usize) {
    let mut parts = [[_mm512_set1_epi32(0); 16]; 2];
    let [high, low] = &mut parts;
    for (row, (high, low)) in high.iter_mut().zip(low).enumerate() {
        // SAFETY: the caller's promise.
        [*high, *low] = unsafe { split_following(rows.add(row * stride)) };
    }
    for (part, place) in parts.iter().zip([0, low_at]) {
        for (row, values) in transposed(part).into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { _mm512_storeu_si512(tile.add(place + 32 * row).cast(), values) };
        }
    }
}

/// High and low parts of 32 numbers in their order.
///
/// # Safety
/// The processor has the instructions, `from` is good for 32 numbers.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn split_following(from: *const f32) -> [__m512i; 2] {
    // SAFETY: the caller's promise; the transmuted types are both 512 bits, and a bf16 number is the upper half of an
    // f32 number.
    unsafe {
        let (a, b) = (_mm512_loadu_ps(from), _mm512_loadu_ps(from.add(16)));
        let high: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(b, a));
        let widened =
            |half: __m256i| _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(half)));
        let a_high = widened(_mm512_castsi512_si256(high));
        let b_high = widened(_mm512_extracti64x4_epi64::<1>(high));
        let low = _mm512_cvtne2ps_pbh(_mm512_sub_ps(b, b_high), _mm512_sub_ps(a, a_high));
        [high, std::mem::transmute::<__m512bh, __m512i>(low)]
    }
}

/// 16 rows of 16 numbers of 32 bits as columns.
#[target_feature(enable = "avx512f")]
fn transposed(rows: &[__m512i; 16]) -> [__m512i; 16] {
    let mut a = *rows;
    for i in (0..16).step_by(2) {
        a[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    let mut b = a;
    for i in (0..16).step_by(4) {
        b[i] = _mm512_unpacklo_epi64(a[i], a[i + 2]);
        b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 2]);
        b[i + 2] = _mm512_unpacklo_epi64(a[i + 1], a[i + 3]);
        b[i + 3] = _mm512_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
    // b[4k + j] holds, in its 128-bit lane l, column 4l + j of rows 4k to 4k + 3.
    let mut columns = b;
    for j in 0..4 {
        let even = _mm512_shuffle_i32x4::<0x88>(b[j], b[4 + j]);
        let odd = _mm512_shuffle_i32x4::<0xdd>(b[j], b[4 + j]);
        let even_below = _mm512_shuffle_i32x4::<0x88>(b[8 + j], b[12 + j]);
        let odd_below = _mm512_shuffle_i32x4::<0xdd>(b[8 + j], b[12 + j]);
        columns[j] = _mm512_shuffle_i32x4::<0x88>(even, even_below);
        columns[4 + j] = _mm512_shuffle_i32x4::<0x88>(odd, odd_below);
        columns[8 + j] = _mm512_shuffle_i32x4::<0xdd>(even, even_below);
        columns[12 + j] = _mm512_shuffle_i32x4::<0xdd>(odd, odd_below);
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::super::available;
    use super::*;

    #[test]
    fn two_halves_make_a_number_to_sixteen_bits() {
        for value in [1.0, -0.1, 2.345_678_9, 1.0e-20, -7.7e30, 0.0] {
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
            (0..41).map(|i| ((i * 37 + salt) as f32).sin() * 10f32.powi(i as i32 % 9 - 4)).collect()
        };
        let (first, second, mut high, mut low) = (row(1), row(2), vec![0; 41], vec![0; 41]);
        // SAFETY: the matrix unit's processors have these instructions, and it was asked for.
        unsafe { split_pairs(&first, &second, &mut high, &mut low) };
        for i in 0..41 {
            let (a, b) = (split(first[i]), split(second[i]));
            let pair = |part: usize| u32::from(a[part]) | u32::from(b[part]) << 16;
            assert_eq!([high[i], low[i]], [pair(0), pair(1)], "{i}");
        }
    }

    #[test]
    fn rows_are_split_in_place_and_across() {
        if !available() {
            return;
        }
        let rows: Vec<f32> = (0..16 * 40).map(|i| ((i * 29) as f32).cos() * 3.0).collect();
        let (mut high, mut low, mut tiles) = (vec![0; 32], vec![0; 32], vec![0; 1024]);
        // SAFETY: the instructions are there; 16 rows of 32 numbers 40 apart are in `rows`, two tiles in `tiles`.
        unsafe {
            split_row(&rows[..32], &mut high, &mut low);
            split_across(rows.as_ptr(), 40, tiles.as_mut_ptr(), 512);
        }
        for column in 0..32 {
            assert_eq!([high[column], low[column]], split(rows[column]), "{column}");
            for row in 0..16 {
                let place = column / 2 * 32 + 2 * row + column % 2;
                assert_eq!(
                    [tiles[place], tiles[512 + place]],
                    split(rows[row * 40 + column]),
                    "{row} {column}"
                );
            }
        }
    }
}
