//! Exponential, logarithm, hyperbolic tangent and normal distribution without branches, for loops over vectors.
//!
//! The polynomials are least-maximum fits of the relative error, made for single precision; the tests hold each function
//! against double precision.
// They must be inlined into the loop that the compiler turns into vectors.
#![allow(clippy::inline_always)]

use super::vector::Arithmetic;

/// 1.5·2^23: adding it rounds a small number to a whole one, which then stands in the low bits.
const ROUND: f32 = 12_582_912.0;

/// ln 2 in two parts; the first has few digits, so that small whole multiples of it are exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// Σ coefficients[k]·x^k
#[inline(always)]
fn polynomial<A: Arithmetic, const N: usize>(coefficients: [f32; N], x: f32) -> f32 {
    let mut sum = coefficients[N - 1];
    for k in (0..N - 1).rev() {
        sum = A::mul_add(sum, x, coefficients[k]);
    }
    sum
}

/// e^x; 0 where that is too small to be a normal number, at most the largest number, NaN of NaN.
#[inline(always)]
pub(super) fn exp<A: Arithmetic>(x: f32) -> f32 {
    const LEAST: f32 = -87.336_54;
    const MOST: f32 = 88.722_83;
    let y = if x < LEAST { LEAST } else { x };
    let y = if y > MOST { MOST } else { y };
    let rounded = A::mul_add(y, std::f32::consts::LOG2_E, ROUND);
    let twos = rounded - ROUND;
    let r = A::mul_add(twos, -LN_2[1], A::mul_add(twos, -LN_2[0], y));
    let rest =
        polynomial::<A, 5>([0.499_999_94, 0.166_665_21, 0.041_668_39, 0.008_368_711, 0.001_381_460_8], r);
    let power = A::mul_add(r * r, rest, r) + 1.0;
    // Times 2^twos: its whole number stands in the low bits, and is added to the exponent.
    let value = f32::from_bits(power.to_bits().wrapping_add(rounded.to_bits() << 23));
    let beyond = if x < 0.0 { 0.0 } else { x };
    if x >= LEAST { value } else { beyond }
}

/// ln x of a normal positive number; NaN of NaN, infinite at infinity.
#[inline(always)]
pub(super) fn ln<A: Arithmetic>(x: f32) -> f32 {
    const ROOT_HALF: i32 = std::f32::consts::FRAC_1_SQRT_2.to_bits() as i32;
    // x = 2^e·m with m from √½ to √2.
    let bits = (x.to_bits() as i32).wrapping_sub(ROOT_HALF);
    let e = (bits >> 23) as f32;
    let f = f32::from_bits((bits & 0x007f_ffff).wrapping_add(ROOT_HALF) as u32) - 1.0;
    let coefficients = [
        0.333_333_3,
        -0.250_008_2,
        0.200_012_27,
        -0.166_233_57,
        0.142_017_57,
        -0.131_601_83,
        0.127_615_76,
        -0.076_344_97,
    ];
    let rest = A::mul_add(f, polynomial::<A, 8>(coefficients, f), -0.5);
    let small = A::mul_add(f * f, rest, e * LN_2[1]);
    let value = A::mul_add(e, LN_2[0], f + small);
    if x < f32::INFINITY { value } else { x }
}

/// tanh x
#[inline(always)]
pub(super) fn tanh<A: Arithmetic>(x: f32) -> f32 {
    let square = x * x;
    let coefficients = [-0.333_332_8, 0.133_314_42, -0.053_739_715, 0.020_639_088, -0.005_704_987_3];
    let near = A::mul_add(x, square * polynomial::<A, 5>(coefficients, square), x);
    let size = x.abs();
    let far = (1.0 - 2.0 / (exp::<A>(size + size) + 1.0)).copysign(x);
    if size < 0.625 { near } else { far }
}

/// 1/(1 + e^−x)
#[inline(always)]
pub(super) fn sigmoid<A: Arithmetic>(x: f32) -> f32 {
    let power = exp::<A>(-x.abs());
    let above = 1.0 / (1.0 + power);
    if x < 0.0 { above * power } else { above }
}

/// Standard normal distribution Φ(x) and its density φ(x), Φ exact to its last digits in the lower tail too.
#[inline(always)]
pub(super) fn normal<A: Arithmetic>(x: f32) -> (f32, f32) {
    let coefficients = [
        0.119_643_87,
        0.120_473_86,
        0.102_157_04,
        0.118_777_8,
        -0.028_240_93,
        0.165_859_3,
        -0.118_573_89,
        0.015_419_662,
        0.004_483_329_6,
    ];
    let bell = exp::<A>(-0.5 * x * x);
    // Φ(−|x|)/e^(−x²/2) as a polynomial of t: it falls like 1/|x|.
    let t = 1.0 / A::mul_add(x.abs(), 0.3, 1.0);
    let tail = bell * (t * polynomial::<A, 9>(coefficients, t));
    let below = if x > 0.0 { 1.0 - tail } else { tail };
    (below, bell * 0.398_942_3)
}

#[cfg(test)]
mod tests;
