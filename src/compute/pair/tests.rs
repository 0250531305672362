//! Functions of two values: how they broadcast, and their slopes.
use super::*;
use crate::compute::as_elsewhere;
use candle_core::{Device, Var};

const ALL: [Pair; 16] = [
    Pair::Add,
    Pair::Subtract,
    Pair::Multiply,
    Pair::Divide,
    Pair::Power,
    Pair::Minimum,
    Pair::Maximum,
    Pair::Remainder,
    Pair::Equal,
    Pair::Less,
    Pair::LessOrEqual,
    Pair::Greater,
    Pair::GreaterOrEqual,
    Pair::And,
    Pair::Or,
    Pair::Prelu,
];

fn numbers(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

fn filled(dims: &[usize], seed: f64, positive: bool) -> Tensor {
    let count = dims.iter().product::<usize>();
    let values = (0..count).map(|i| {
        let value = ((i as f64 * 1.7 + seed).sin() * 2.0) as f32;
        if positive { value.abs() + 0.3 } else { value }
    });
    Tensor::from_iter(values, &Device::Cpu).unwrap().reshape(dims).unwrap()
}

/// The value at each place of the result, by counting out both places.
fn by_hand(a: &Tensor, b: &Tensor, dims: &[usize], pair: Pair) -> Vec<f32> {
    let spread = |x: &Tensor| numbers(&x.broadcast_as(dims).unwrap().contiguous().unwrap());
    spread(a).into_iter().zip(spread(b)).map(|(a, b)| pair.value(a, b)).collect()
}

#[test]
fn shapes_broadcast_from_the_right_and_the_batch_apart() {
    let shapes: [(&[usize], &[usize], &[usize]); 7] = [
        (&[2, 3, 4, 5], &[2, 3, 4, 5], &[2, 3, 4, 5]),
        (&[2, 3, 4, 5], &[1, 3, 1, 1], &[2, 3, 4, 5]),
        (&[2, 3, 1, 1], &[2, 3, 4, 5], &[2, 3, 4, 5]),
        (&[1, 1, 4, 1], &[2, 3, 1, 5], &[2, 3, 4, 5]),
        (&[2, 3, 4, 5], &[1, 1, 1, 1], &[2, 3, 4, 5]),
        (&[2, 1, 400], &[1, 3, 400], &[2, 3, 400]),
        (&[1, 20_000], &[1, 1], &[1, 20_000]),
    ];
    for (a, b, dims) in shapes {
        let (a, b) = (filled(a, 0.1, false), filled(b, 0.7, false));
        for pair in [Pair::Subtract, Pair::Maximum] {
            let y = combine(&a, &b, pair).unwrap();
            assert_eq!((y.dims(), numbers(&y)), (dims, by_hand(&a, &b, dims, pair)), "{a:?} {b:?}");
        }
    }
    // A vector meets the last axis of every image of the batch.
    let y = combine(&filled(&[2, 3, 4], 0.1, false), &filled(&[1, 4], 0.7, false), Pair::Add).unwrap();
    assert_eq!(y.dims(), [2, 3, 4]);
    assert!(combine(&filled(&[2, 3], 0.1, false), &filled(&[1, 4], 0.7, false), Pair::Add).is_err());
}

fn check_slopes(pair: Pair) {
    let a = Var::from_tensor(&filled(&[2, 3, 2], 0.4, pair == Pair::Power)).unwrap();
    let b = Var::from_tensor(&filled(&[1, 3, 1], 1.9, true)).unwrap();
    let y = combine(&a, &b, pair).unwrap();
    let weights = filled(&[2, 3, 2], 2.2, false);
    let loss = |y: &Tensor| (y * &weights).unwrap().sum_all().unwrap();
    let slopes = loss(&y).backward().unwrap();
    let at = |a: &Tensor, b: &Tensor| loss(&combine(a, b, pair).unwrap()).to_scalar::<f32>().unwrap();
    for (side, var) in [&a, &b].into_iter().enumerate() {
        let slopes = numbers(slopes.get(var).unwrap());
        for (place, slope) in slopes.iter().enumerate() {
            let moved = |by: f32| {
                let mut values = numbers(var);
                values[place] += by;
                let moved = Tensor::from_vec(values, var.dims(), &Device::Cpu).unwrap();
                if side == 0 { at(&moved, &b) } else { at(&a, &moved) }
            };
            let expected = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            assert!(
                (slope - expected).abs() < 0.02 * expected.abs().max(0.5),
                "{pair:?} {side}: {slope}, {expected}"
            );
        }
    }
}

#[test]
fn slopes_are_what_small_steps_show_on_all_devices() {
    let smooth = |pair: &Pair| !matches!(pair, Pair::Remainder);
    ALL.into_iter().filter(smooth).for_each(check_slopes);
    as_elsewhere(|| ALL.into_iter().filter(smooth).for_each(check_slopes));
}

#[test]
fn other_devices_give_the_same_values() {
    let (a, b) = (filled(&[2, 3, 4], 0.1, false), filled(&[1, 3, 1], 0.7, false));
    for pair in ALL {
        let here = numbers(&combine(&a, &b, pair).unwrap());
        let there = as_elsewhere(|| numbers(&combine(&a, &b, pair).unwrap()));
        let alike =
            |(x, y): (&f32, &f32)| (x - y).abs() < 1e-5 * x.abs().max(1.0) || x.is_nan() && y.is_nan();
        assert!(here.iter().zip(&there).all(alike), "{pair:?}: {here:?} {there:?}");
    }
}

#[test]
fn remainders_and_powers_are_python_s() {
    let one = |pair, a: f32, b: f32| {
        let [a, b] = [a, b].map(|x| Tensor::new(&[[x]], &Device::Cpu).unwrap());
        numbers(&combine(&a, &b, pair).unwrap())[0]
    };
    assert_eq!(
        [(-7.0, 3.0), (7.0, -3.0), (5.5, 2.0)].map(|(a, b)| one(Pair::Remainder, a, b)),
        [2.0, -2.0, 1.5]
    );
    assert_eq!([(-2.0, 3.0), (0.0, 0.0), (9.0, 0.5)].map(|(a, b)| one(Pair::Power, a, b)), [-8.0, 1.0, 3.0]);
    assert!(one(Pair::Power, -8.0, 0.5).is_nan());
}

#[test]
fn a_choice_reads_its_condition_as_not_zero() {
    let condition = Tensor::new(&[[1f32, 0.0, -2.0]], &Device::Cpu).unwrap();
    let (a, b) = (
        Tensor::new(&[[5f32]], &Device::Cpu).unwrap(),
        Tensor::new(&[[7f32, 8., 9.]], &Device::Cpu).unwrap(),
    );
    assert_eq!(numbers(&choose(&condition, &a, &b).unwrap()), [5.0, 8.0, 5.0]);
}
