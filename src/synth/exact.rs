//! Functions built from operations that IEEE 754 makes exact, so that every machine draws the same picture.
//!
//! The standard library's `exp`, `ln`, `sin` and `cos` call the platform's mathematics library, whose last digit
//! differs between systems. Addition, multiplication, division and square root do not.

use std::f64::consts::{LN_2, TAU};

/// e^x; 0 below −700 and capped at e^700.
pub(super) fn exp(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    let x = x.min(700.0);
    let doublings = (x / LN_2).round();
    let rest = x - doublings * LN_2;
    // |rest| is at most 0.35: the 13th power of it over 13! is below the last digit.
    let mut sum = 1.0;
    for k in (1..=13).rev() {
        sum = 1.0 + sum * rest / f64::from(k);
    }
    sum * f64::from_bits(((doublings as i64 + 1023) as u64) << 52)
}

/// e^x in single precision.
pub(super) fn exp32(x: f32) -> f32 {
    exp(f64::from(x)) as f32
}

/// Natural logarithm of a normal positive number, by Halley's iteration on [`exp`].
pub(super) fn ln(x: f64) -> f64 {
    let exponent = ((x.to_bits() >> 52) & 0x7ff) as i64 - 1023;
    let mut y = exponent as f64 * LN_2;
    for _ in 0..4 {
        let e = exp(y);
        y += 2.0 * (x - e) / (x + e);
    }
    y
}

/// Cosine and sine of an angle counted in whole turns.
pub(super) fn direction(turns: f32) -> [f32; 2] {
    let turns = f64::from(turns);
    let quarter = (turns * 4.0).round();
    let angle = (turns - quarter / 4.0) * TAU;
    let square = angle * angle;
    let (mut cos, mut sin) = (1.0, 1.0);
    for k in (1..=8).rev() {
        let n = f64::from(2 * k);
        cos = 1.0 - cos * square / (n * (n - 1.0));
        sin = 1.0 - sin * square / (n * (n + 1.0));
    }
    let (cos, sin) = (cos as f32, (sin * angle) as f32);
    match (quarter as i64).rem_euclid(4) {
        0 => [cos, sin],
        1 => [-sin, cos],
        2 => [-cos, -sin],
        _ => [sin, -cos],
    }
}

/// One step of the `SplitMix64` generator (Steele, Lea and Flood, OOPSLA 2014): a hash of 64 bits.
pub(super) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 24 bits of a hash as a number in 0..1.
pub(super) fn unit_of(hash: u64) -> f32 {
    (hash >> 40) as f32 / (1u64 << 24) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_agree_with_the_mathematics_library() {
        for i in -60..60 {
            let x = f64::from(i) / 3.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-14, "exp({x})");
            let positive = x.exp();
            assert!((ln(positive) - x).abs() < 1e-13, "ln({positive})");
            let [cos, sin] = direction(x as f32);
            let angle = f64::from(x as f32) * TAU;
            assert!((f64::from(cos) - angle.cos()).abs() < 1e-6, "cos of {x} turns");
            assert!((f64::from(sin) - angle.sin()).abs() < 1e-6, "sin of {x} turns");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1000.0), 0.0);
    }

    #[test]
    fn splitmix_gives_its_published_numbers() {
        // The first output of SplitMix64 seeded with 0 and with 1234567 (Rosetta Code, "Splitmix64").
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(1_234_567), 6_457_827_717_110_365_317);
    }
}
