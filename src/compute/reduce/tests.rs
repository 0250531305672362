//! Reductions by their formulas, and their slopes by small steps.
use super::*;
use crate::compute::as_elsewhere;
use candle_core::{Device, Var};

const ALL: [Reducing; 10] = [
    Reducing::Mean,
    Reducing::Sum,
    Reducing::Max,
    Reducing::Min,
    Reducing::Product,
    Reducing::L1,
    Reducing::L2,
    Reducing::SumSquare,
    Reducing::LogSum,
    Reducing::LogSumExp,
];

fn numbers(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

fn filled(dims: &[usize]) -> Tensor {
    let values = (0..dims.iter().product::<usize>()).map(|i| (i as f32 * 1.3).sin() + 1.2);
    Tensor::from_iter(values, &Device::Cpu).unwrap().reshape(dims).unwrap()
}

#[test]
fn every_reduction_of_a_row_is_its_formula() {
    let x = Tensor::new(&[[3f32, -4.0, 2.0]], &Device::Cpu).unwrap();
    let sum_exp = 3f32.exp() + (-4f32).exp() + 2f32.exp();
    let expected = [1.0 / 3.0, 1.0, 3.0, -4.0, -24.0, 9.0, 29f32.sqrt(), 29.0, 0.0, sum_exp.ln()];
    let check = || {
        for (function, expected) in ALL.into_iter().zip(expected) {
            let y = reduce(&x, &[1], function).unwrap();
            assert_eq!(y.dims(), [1, 1]);
            assert!((numbers(&y)[0] - expected).abs() < 1e-6, "{function:?}: {y}");
        }
    };
    check();
    as_elsewhere(check);
}

#[test]
fn slopes_are_what_small_steps_show_on_all_devices() {
    let x = Var::from_tensor(&filled(&[2, 3, 2, 2])).unwrap();
    let weights = filled(&[2, 1, 2, 1]);
    let check = || {
        for function in ALL {
            let loss =
                |x: &Tensor| (reduce(x, &[1, 3], function).unwrap() * &weights).unwrap().sum_all().unwrap();
            let slopes = loss(&x).backward().unwrap();
            for (place, slope) in numbers(slopes.get(&x).unwrap()).into_iter().enumerate() {
                let moved = |by: f32| {
                    let mut values = numbers(&x);
                    values[place] += by;
                    let x = Tensor::from_vec(values, x.dims(), &Device::Cpu).unwrap();
                    loss(&x).to_scalar::<f32>().unwrap()
                };
                let expected = (moved(5e-3) - moved(-5e-3)) / 1e-2;
                assert!(
                    (slope - expected).abs() < 0.02 * expected.abs().max(0.5),
                    "{function:?}: {slope}, {expected}"
                );
            }
        }
    };
    check();
    as_elsewhere(check);
}

#[test]
fn places_of_extremes_are_the_first_or_the_last() {
    let x = Tensor::new(&[[1f32, 5., 0., 5., 0.]], &Device::Cpu).unwrap();
    let check = || {
        let place = |least, last| numbers(&place_of_extreme(&x, 1, least, last).unwrap())[0];
        assert_eq!(
            [place(false, false), place(false, true), place(true, false), place(true, true)],
            [1.0, 3.0, 2.0, 4.0]
        );
    };
    check();
    as_elsewhere(check);
}

#[test]
fn the_mean_of_millions_is_exact() {
    let x = Tensor::full(0.1f32, (1, 3_000_000), &Device::Cpu).unwrap();
    assert!((numbers(&reduce(&x, &[1], Reducing::Mean).unwrap())[0] - 0.1).abs() < 3e-7);
}
