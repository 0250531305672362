//! One register of floats on each kind of processor, so that the inner loops are written once.
// See kernel.rs: a register only stays one when everything around it is inlined.
#![allow(unsafe_code, clippy::inline_always, clippy::needless_range_loop)]

/// A register of [`Lanes::WIDTH`] floats.
///
/// Every method is unsafe for one reason: it may only run where the processor has the implementing instruction set,
/// inlined into a function compiled for it. Pointers must be good for `WIDTH` floats; they need no alignment.
pub(super) trait Lanes: Copy {
    const WIDTH: usize;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// Lanes `first..last` alone, the others 0; only those are read.
    #[inline(always)]
    unsafe fn load_some(from: *const f32, first: usize, last: usize) -> Self {
        let mut lanes = [0.0; 16];
        for i in first..last {
            // SAFETY: the caller's pointer is good for these lanes.
            lanes[i] = unsafe { *from.wrapping_add(i) };
        }
        // SAFETY: no register is wider.
        unsafe { Self::load(lanes.as_ptr()) }
    }
    unsafe fn store(self, to: *mut f32);
    /// Asks for the line of memory of an address, which may be anything. Nothing where that cannot be asked.
    #[inline(always)]
    unsafe fn prefetch(_at: *const f32) {}
    unsafe fn add(self, b: Self) -> Self;
    unsafe fn sub(self, b: Self) -> Self;
    unsafe fn mul(self, b: Self) -> Self;
    /// `self · b + c`
    unsafe fn mul_add(self, b: Self, c: Self) -> Self;
    unsafe fn sum(self) -> f32;
    /// Of 4 · `WIDTH` floats in a row, every fourth one: from the first, from the second, …
    unsafe fn apart(row: [Self; 4]) -> [Self; 4];
    /// The inverse of [`Lanes::apart`].
    unsafe fn together(phases: [Self; 4]) -> [Self; 4];
    /// `to[i·WIDTH + j] = from[j·stride + i]` for `i` and `j` below `WIDTH`; only those are read and written.
    #[inline(always)]
    unsafe fn transpose(from: *const f32, stride: usize, to: *mut f32) {
        for i in 0..Self::WIDTH {
            for j in 0..Self::WIDTH {
                // SAFETY: the caller's pointers are good for these.
                unsafe { *to.add(i * Self::WIDTH + j) = *from.add(j * stride + i) };
            }
        }
    }
}

/// What every processor can do; the compiler turns the loops into whatever vectors there are.
impl Lanes for [f32; 8] {
    const WIDTH: usize = 8;
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        [value; 8]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's pointer is good for eight floats.
        unsafe { from.cast::<Self>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's pointer is good for eight floats.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        let mut out = self;
        for i in 0..8 {
            out[i] += b[i];
        }
        out
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        let mut out = self;
        for i in 0..8 {
            out[i] -= b[i];
        }
        out
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        let mut out = self;
        for i in 0..8 {
            out[i] *= b[i];
        }
        out
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        let mut out = c;
        for i in 0..8 {
            // Without a fused instruction `f32::mul_add` would be a library call.
            out[i] = if cfg!(target_arch = "aarch64") {
                f32::mul_add(self[i], b[i], c[i])
            } else {
                self[i] * b[i] + c[i]
            };
        }
        out
    }
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        let [a, b, c, d, e, f, g, h] = self;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }
    #[inline(always)]
    unsafe fn apart(row: [Self; 4]) -> [Self; 4] {
        let mut phases = row;
        for i in 0..32 {
            phases[i % 4][i / 4] = row[i / 8][i % 8];
        }
        phases
    }
    #[inline(always)]
    unsafe fn together(phases: [Self; 4]) -> [Self; 4] {
        let mut row = phases;
        for i in 0..32 {
            row[i / 8][i % 8] = phases[i % 4][i / 4];
        }
        row
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use std::arch::x86_64::{
        __m256, __m512, _MM_HINT_T0, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehdup_ps, _mm_movehl_ps,
        _mm_prefetch, _mm256_add_ps, _mm256_castps256_ps128, _mm256_extractf128_ps, _mm256_fmadd_ps,
        _mm256_loadu_ps, _mm256_mul_ps, _mm256_permute2f128_ps, _mm256_set1_ps, _mm256_shuffle_ps,
        _mm256_storeu_ps, _mm256_sub_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps, _mm512_add_ps,
        _mm512_castpd_ps, _mm512_castps_pd, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_maskz_loadu_ps,
        _mm512_mul_ps, _mm512_permutex2var_pd, _mm512_permutex2var_ps, _mm512_reduce_add_ps, _mm512_set1_ps,
        _mm512_setr_epi32, _mm512_setr_epi64, _mm512_shuffle_f32x4, _mm512_shuffle_ps, _mm512_storeu_ps,
        _mm512_sub_ps, _mm512_unpackhi_ps, _mm512_unpacklo_ps,
    };

    // SAFETY: the trait's contract: only called where AVX-512F is there, with pointers good for sixteen floats.
    impl Lanes for __m512 {
        const WIDTH: usize = 16;
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            unsafe { _mm512_set1_ps(value) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            unsafe { _mm512_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn load_some(from: *const f32, first: usize, last: usize) -> Self {
            let below = |lane: usize| (1_u32 << lane) - 1;
            unsafe { _mm512_maskz_loadu_ps((below(last) & !below(first)) as u16, from) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            unsafe { _mm512_storeu_ps(to, self) }
        }
        #[inline(always)]
        unsafe fn prefetch(at: *const f32) {
            unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
        }
        #[inline(always)]
        unsafe fn add(self, b: Self) -> Self {
            unsafe { _mm512_add_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn sub(self, b: Self) -> Self {
            unsafe { _mm512_sub_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn mul(self, b: Self) -> Self {
            unsafe { _mm512_mul_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn mul_add(self, b: Self, c: Self) -> Self {
            unsafe { _mm512_fmadd_ps(self, b, c) }
        }
        #[inline(always)]
        unsafe fn sum(self) -> f32 {
            unsafe { _mm512_reduce_add_ps(self) }
        }
        #[inline(always)]
        unsafe fn apart([a, b, c, d]: [Self; 4]) -> [Self; 4] {
            unsafe {
                let first = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
                let second = _mm512_setr_epi32(2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31);
                let (ab, cd) = (_mm512_permutex2var_ps(a, first, b), _mm512_permutex2var_ps(c, first, d));
                let [p0, p1] = [_mm512_shuffle_f32x4::<0x44>(ab, cd), _mm512_shuffle_f32x4::<0xEE>(ab, cd)];
                let (ab, cd) = (_mm512_permutex2var_ps(a, second, b), _mm512_permutex2var_ps(c, second, d));
                let [p2, p3] = [_mm512_shuffle_f32x4::<0x44>(ab, cd), _mm512_shuffle_f32x4::<0xEE>(ab, cd)];
                [p0, p1, p2, p3]
            }
        }
        #[inline(always)]
        unsafe fn together([a, b, c, d]: [Self; 4]) -> [Self; 4] {
            unsafe {
                let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
                let (ab, cd) = (_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(c, low, d));
                let [p0, p1] = pairs_together(ab, cd);
                let (ab, cd) = (_mm512_permutex2var_ps(a, high, b), _mm512_permutex2var_ps(c, high, d));
                let [p2, p3] = pairs_together(ab, cd);
                [p0, p1, p2, p3]
            }
        }
        #[inline(always)]
        unsafe fn transpose(from: *const f32, stride: usize, to: *mut f32) {
            unsafe {
                // Rows four by four: register 4·i + j then holds, in each quarter q, column 4·q + j of rows 4·i and on.
                let mut fours = [_mm512_set1_ps(0.0); 16];
                for i in 0..4 {
                    let row = from.add(4 * i * stride);
                    let (a, b) = (_mm512_loadu_ps(row), _mm512_loadu_ps(row.add(stride)));
                    let (c, d) = (_mm512_loadu_ps(row.add(2 * stride)), _mm512_loadu_ps(row.add(3 * stride)));
                    let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
                    fours[4 * i] = _mm512_shuffle_ps::<0x44>(ab, cd);
                    fours[4 * i + 1] = _mm512_shuffle_ps::<0xEE>(ab, cd);
                    let (ab, cd) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
                    fours[4 * i + 2] = _mm512_shuffle_ps::<0x44>(ab, cd);
                    fours[4 * i + 3] = _mm512_shuffle_ps::<0xEE>(ab, cd);
                }
                // Then quarters: even ones and odd ones apart, twice.
                for j in 0..4 {
                    let [a, b, c, d] = [fours[j], fours[4 + j], fours[8 + j], fours[12 + j]];
                    let (ab, cd) = (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0x88>(c, d));
                    _mm512_storeu_ps(to.add(16 * j), _mm512_shuffle_f32x4::<0x88>(ab, cd));
                    _mm512_storeu_ps(to.add(16 * (8 + j)), _mm512_shuffle_f32x4::<0xDD>(ab, cd));
                    let (ab, cd) = (_mm512_shuffle_f32x4::<0xDD>(a, b), _mm512_shuffle_f32x4::<0xDD>(c, d));
                    _mm512_storeu_ps(to.add(16 * (4 + j)), _mm512_shuffle_f32x4::<0x88>(ab, cd));
                    _mm512_storeu_ps(to.add(16 * (12 + j)), _mm512_shuffle_f32x4::<0xDD>(ab, cd));
                }
            }
        }
    }

    // SAFETY: the trait's contract: only called where AVX2 and FMA are there, with pointers good for eight floats.
    impl Lanes for __m256 {
        const WIDTH: usize = 8;
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            unsafe { _mm256_set1_ps(value) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            unsafe { _mm256_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            unsafe { _mm256_storeu_ps(to, self) }
        }
        #[inline(always)]
        unsafe fn prefetch(at: *const f32) {
            unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
        }
        #[inline(always)]
        unsafe fn add(self, b: Self) -> Self {
            unsafe { _mm256_add_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn sub(self, b: Self) -> Self {
            unsafe { _mm256_sub_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn mul(self, b: Self) -> Self {
            unsafe { _mm256_mul_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn mul_add(self, b: Self, c: Self) -> Self {
            unsafe { _mm256_fmadd_ps(self, b, c) }
        }
        #[inline(always)]
        unsafe fn sum(self) -> f32 {
            unsafe {
                let four = _mm_add_ps(_mm256_castps256_ps128(self), _mm256_extractf128_ps::<1>(self));
                let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
                _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
            }
        }
        #[inline(always)]
        unsafe fn apart([a, b, c, d]: [Self; 4]) -> [Self; 4] {
            unsafe {
                turned([
                    _mm256_permute2f128_ps::<0x20>(a, c),
                    _mm256_permute2f128_ps::<0x31>(a, c),
                    _mm256_permute2f128_ps::<0x20>(b, d),
                    _mm256_permute2f128_ps::<0x31>(b, d),
                ])
            }
        }
        #[inline(always)]
        unsafe fn together(phases: [Self; 4]) -> [Self; 4] {
            unsafe {
                let [a, b, c, d] = turned(phases);
                [
                    _mm256_permute2f128_ps::<0x20>(a, b),
                    _mm256_permute2f128_ps::<0x20>(c, d),
                    _mm256_permute2f128_ps::<0x31>(a, b),
                    _mm256_permute2f128_ps::<0x31>(c, d),
                ]
            }
        }
        #[inline(always)]
        unsafe fn transpose(from: *const f32, stride: usize, to: *mut f32) {
            unsafe {
                let mut rows = [_mm256_set1_ps(0.0); 8];
                for j in 0..8 {
                    rows[j] = _mm256_loadu_ps(from.add(j * stride));
                }
                let [a, b, c, d, e, f, g, h] = rows;
                let (upper, lower) = (turned([a, b, c, d]), turned([e, f, g, h]));
                for j in 0..4 {
                    _mm256_storeu_ps(to.add(8 * j), _mm256_permute2f128_ps::<0x20>(upper[j], lower[j]));
                    _mm256_storeu_ps(to.add(8 * (4 + j)), _mm256_permute2f128_ps::<0x31>(upper[j], lower[j]));
                }
            }
        }
    }

    /// Pairs of `a` and of `b` by turns.
    #[inline(always)]
    unsafe fn pairs_together(a: __m512, b: __m512) -> [__m512; 2] {
        // SAFETY: only called from the methods above.
        unsafe {
            let (a, b) = (_mm512_castps_pd(a), _mm512_castps_pd(b));
            let low = _mm512_permutex2var_pd(a, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), b);
            let high = _mm512_permutex2var_pd(a, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), b);
            [_mm512_castpd_ps(low), _mm512_castpd_ps(high)]
        }
    }

    /// Rows and columns exchanged, in each half of the registers.
    #[inline(always)]
    unsafe fn turned([a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
        // SAFETY: only called from the methods above.
        unsafe {
            let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
            let [p0, p1] = [_mm256_shuffle_ps::<0x44>(ab, cd), _mm256_shuffle_ps::<0xEE>(ab, cd)];
            let (ab, cd) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
            let [p2, p3] = [_mm256_shuffle_ps::<0x44>(ab, cd), _mm256_shuffle_ps::<0xEE>(ab, cd)];
            [p0, p1, p2, p3]
        }
    }
}
