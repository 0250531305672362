//! Each function and its derivative against double precision.
use super::*;
use crate::compute::as_elsewhere;
use candle_core::{Device, Var};

/// The functions as they are written in books.
fn by_the_book(mapping: Mapping, x: f64) -> f64 {
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    match mapping {
        Mapping::Abs => x.abs(),
        Mapping::Neg => -x,
        Mapping::Exp => x.exp(),
        Mapping::Log => x.ln(),
        Mapping::Sqrt => x.sqrt(),
        Mapping::Reciprocal => x.recip(),
        Mapping::Floor => x.floor(),
        Mapping::Ceil => x.ceil(),
        Mapping::Round => x.round_ties_even(),
        Mapping::Trunc => x.trunc(),
        Mapping::Sign => x.signum(),
        Mapping::Erf => candle_core::cpu::erf::erf_f64(x),
        Mapping::Not => 0.0,
        Mapping::Softplus => softplus(x),
        Mapping::Softsign => x / (1.0 + x.abs()),
        Mapping::Mish => x * softplus(x).tanh(),
        Mapping::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Mapping::Sin => x.sin(),
        Mapping::Cos => x.cos(),
        Mapping::HardSigmoid { alpha, beta } => (alpha * x + beta).clamp(0.0, 1.0),
        Mapping::Elu { alpha } => x.max(0.0) + (alpha * x.exp_m1()).min(0.0),
        Mapping::Celu { alpha } => x.max(0.0) + (alpha * (x / alpha).exp_m1()).min(0.0),
        Mapping::Selu { alpha, gamma } => gamma * (x.max(0.0) + (alpha * x.exp_m1()).min(0.0)),
        Mapping::GeluTanh => {
            0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh())
        }
        Mapping::ThresholdedRelu { alpha } => {
            if x > alpha {
                x
            } else {
                0.0
            }
        }
        Mapping::Clip { min, max } => x.max(min).min(max),
    }
}

fn all() -> Vec<Mapping> {
    vec![
        Mapping::Abs,
        Mapping::Neg,
        Mapping::Exp,
        Mapping::Log,
        Mapping::Sqrt,
        Mapping::Reciprocal,
        Mapping::Floor,
        Mapping::Ceil,
        Mapping::Round,
        Mapping::Trunc,
        Mapping::Sign,
        Mapping::Erf,
        Mapping::Not,
        Mapping::Softplus,
        Mapping::Softsign,
        Mapping::Mish,
        Mapping::HardSwish,
        Mapping::Sin,
        Mapping::Cos,
        Mapping::HardSigmoid { alpha: 0.2, beta: 0.5 },
        Mapping::Elu { alpha: 1.3 },
        Mapping::Celu { alpha: 0.7 },
        Mapping::Selu { alpha: 1.673_263, gamma: 1.050_701 },
        Mapping::GeluTanh,
        Mapping::ThresholdedRelu { alpha: 0.8 },
        Mapping::Clip { min: -0.9, max: 1.7 },
        Mapping::Clip { min: f64::NEG_INFINITY, max: 2.1 },
    ]
}

/// Values and slopes at places that no function has a corner at.
fn check(mapping: Mapping) {
    let positive = matches!(mapping, Mapping::Log | Mapping::Sqrt);
    let places: Vec<f64> = (-170..=170)
        .map(|i| f64::from(i) * 0.061_3 + 0.001_7)
        .chain([1e-3, -1e-3, 30.3, -30.3])
        .filter(|&x| !positive || x > 0.0)
        .collect();
    let x = Tensor::from_iter(places.iter().map(|&x| x as f32), &Device::Cpu).unwrap();
    let x = Var::from_tensor(&x).unwrap();
    let y = map(&x, mapping).unwrap();
    let slopes = y.sum_all().unwrap().backward().unwrap();
    let [found, slopes] = [&y, slopes.get(&x).unwrap()].map(|t| t.to_vec1::<f32>().unwrap());
    let places = x.to_vec1::<f32>().unwrap();
    for ((&x, &found), &slope) in places.iter().zip(&found).zip(&slopes) {
        let (x, step) = (f64::from(x), 1e-5);
        let expected = by_the_book(mapping, x);
        let near = |found: f32, expected: f64, part: f64| {
            (f64::from(found) - expected).abs() <= part * expected.abs().max(0.05)
        };
        assert!(near(found, expected, 2e-5), "{mapping:?} of {x}: {found}, not {expected}");
        let expected = (by_the_book(mapping, x + step) - by_the_book(mapping, x - step)) / (2.0 * step);
        assert!(near(slope, expected, 1e-3), "slope of {mapping:?} at {x}: {slope}, not {expected}");
    }
}

#[test]
fn every_function_and_its_slope_are_those_of_the_books_on_all_devices() {
    all().into_iter().for_each(check);
    as_elsewhere(|| all().into_iter().for_each(check));
}

#[test]
fn what_is_special_stays_special() {
    let one = |mapping, x: f32| {
        let x = Tensor::new(&[x], &Device::Cpu).unwrap();
        map(&x, mapping).unwrap().to_vec1::<f32>().unwrap()[0]
    };
    assert_eq!(one(Mapping::Exp, 200.0), f32::INFINITY);
    assert_eq!(one(Mapping::Log, 0.0), f32::NEG_INFINITY);
    assert!(one(Mapping::Log, -1.0).is_nan() && one(Mapping::Sign, f32::NAN).is_nan());
    assert_eq!([2.5, -0.5, 3.5].map(|x| one(Mapping::Round, x)), [2.0, 0.0, 4.0]);
    assert_eq!([0.0, -0.0, 0.3].map(|x| one(Mapping::Not, x)), [1.0, 1.0, 0.0]);
    assert_eq!(one(Mapping::Clip { min: 3.0, max: 1.0 }, 2.0), 1.0);
    assert!(one(Mapping::Clip { min: 0.0, max: 1.0 }, f32::NAN).is_nan());
    assert!((one(Mapping::Softplus, -40.0) / 4.248_354e-18 - 1.0).abs() < 1e-4);
    assert_eq!(one(Mapping::Mish, 1000.0), 1000.0);
    assert_eq!(one(Mapping::Erf, f32::INFINITY), 1.0);
}
