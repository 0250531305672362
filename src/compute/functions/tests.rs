//! Against double precision.
use super::super::vector::{Arithmetic, Fused, Plain};
use super::{exp, ln, normal, sigmoid, tanh};

/// The largest relative error of `found` against `exact` over the numbers from `low` to `high`.
fn worst([low, high]: [f32; 2], found: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> f64 {
    const STEPS: u32 = 200_000;
    let at = |i: u32| low + (high - low) * (i as f32 / STEPS as f32);
    let error = |x: f32| {
        let exact = exact(f64::from(x));
        ((f64::from(found(x)) - exact) / exact.abs().max(f64::from(f32::MIN_POSITIVE))).abs()
    };
    (0..=STEPS).map(|i| error(at(i))).fold(0.0, f64::max)
}

/// Φ(x) for x < 0 by the continued fraction of Laplace, from its end; for −3 < x by the power series of Φ − ½.
fn normal_cdf(x: f64) -> f64 {
    let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let a = x.abs();
    let tail = if a < 3.0 {
        // Φ(a) − ½ = φ(a)·(a + a³/3 + a⁵/(3·5) + …), without cancellation.
        let mut term = a;
        let mut sum = a;
        for k in 1..80 {
            term *= a * a / f64::from(2 * k + 1);
            sum += term;
        }
        0.5 - density * sum
    } else {
        density / (1..200).rev().fold(a, |rest, k| a + f64::from(k) / rest)
    };
    if x > 0.0 { 1.0 - tail } else { tail }
}

#[test]
fn functions_are_those_of_double_precision() {
    fn check<A: Arithmetic>() {
        assert!(worst([-87.3, 88.7], exp::<A>, f64::exp) < 2e-7);
        assert!(worst([-1.0, 1.0], exp::<A>, f64::exp) < 1.5e-7);
        assert!(worst([1e-30, 4.0], ln::<A>, f64::ln) < 3e-7);
        assert!(worst([1.0, 1e6], ln::<A>, f64::ln) < 3e-7);
        assert!(worst([-87.0, 20.0], sigmoid::<A>, |x| 1.0 / (1.0 + (-x).exp())) < 4e-7);
        assert!(worst([-12.0, 12.0], tanh::<A>, f64::tanh) < 3e-7);
        assert!(worst([-0.7, 0.7], tanh::<A>, f64::tanh) < 3e-7);
        assert!(worst([-3.0, 8.0], |x| normal::<A>(x).0, normal_cdf) < 1e-6);
        // x²/2 is rounded before its exponential is taken.
        assert!(worst([-12.0, -3.0], |x| normal::<A>(x).0, normal_cdf) < 6e-6);
        let density = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        assert!(worst([-4.0, 4.0], |x| normal::<A>(x).1, density) < 1e-6);
    }
    check::<Fused>();
    check::<Plain>();
}

#[test]
fn the_reference_is_the_normal_distribution() {
    // scipy.stats.norm.cdf
    assert!((normal_cdf(-1.0) - 0.158_655_253_931_457).abs() < 1e-14);
    assert!((normal_cdf(-6.0) / 9.865_876_450_376_98e-10 - 1.0).abs() < 1e-12);
}

#[test]
fn the_ends_are_what_they_should_be() {
    fn check<A: Arithmetic>() {
        let (inf, nan) = (f32::INFINITY, f32::NAN);
        assert_eq!([exp::<A>(-inf), exp::<A>(-90.0), exp::<A>(0.0)], [0.0, 0.0, 1.0]);
        assert!([89.0, inf].iter().all(|&x| exp::<A>(x) > 3.4e38));
        assert_eq!([ln::<A>(1.0), ln::<A>(inf)], [0.0, inf]);
        assert_eq!([tanh::<A>(-inf), tanh::<A>(0.0), tanh::<A>(30.0)], [-1.0, 0.0, 1.0]);
        assert_eq!([sigmoid::<A>(-inf), sigmoid::<A>(0.0), sigmoid::<A>(inf)], [0.0, 0.5, 1.0]);
        assert_eq!([normal::<A>(-40.0).0, normal::<A>(40.0).0], [0.0, 1.0]);
        assert!((normal::<A>(0.0).0 - 0.5).abs() < 1e-7);
        let of_nan = [exp::<A>(nan), ln::<A>(nan), tanh::<A>(nan), sigmoid::<A>(nan), normal::<A>(nan).0];
        assert!(of_nan.iter().all(|x| x.is_nan()), "{of_nan:?}");
    }
    check::<Fused>();
    check::<Plain>();
}
