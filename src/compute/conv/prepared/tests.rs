//! Prepared convolutions against the operations one by one.
use super::*;
use crate::compute::{batch_norm_eval, conv_transpose2d, conv2d};
use candle_core::Device;
use rand::{RngExt, SeedableRng, rngs::StdRng};

fn random(rng: &mut StdRng, dims: &[usize]) -> Tensor {
    let values: Vec<f32> = (0..dims.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

fn values(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

#[track_caller]
fn close(found: &Tensor, expected: &Tensor) {
    assert_eq!(found.dims(), expected.dims());
    let largest = values(expected).iter().fold(1.0_f32, |a, b| a.max(b.abs()));
    for (a, b) in values(found).iter().zip(values(expected)) {
        assert!((a - b).abs() <= 1e-5 * largest || a.is_nan() && b.is_nan(), "{a} instead of {b}");
    }
}

const BY_TWO: PoolSpec = PoolSpec { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };

struct Case {
    kind: ConvKind,
    spec: ConvSpec,
    weight: [usize; 4],
    size: [usize; 2],
    bias: bool,
}

impl Case {
    fn channels(&self) -> [usize; 2] {
        let [first, second, ..] = self.weight;
        match self.kind {
            ConvKind::Plain => [second * self.spec.groups, first],
            ConvKind::Transposed { .. } => [first, second * self.spec.groups],
        }
    }

    /// Every combination of what may follow, on joined inputs, against one operation after the other.
    fn check(&self) {
        let mut rng = StdRng::seed_from_u64(9);
        let [inn, out] = self.channels();
        let parts: Vec<usize> = if inn > 2 { vec![1, inn - 2, 1] } else { vec![inn] };
        let parts: Vec<Tensor> =
            parts.iter().map(|&c| random(&mut rng, &[2, c, self.size[0], self.size[1]])).collect();
        let parts: Vec<&Tensor> = parts.iter().collect();
        let x = concat(&parts).unwrap();
        let weight = random(&mut rng, &self.weight);
        let bias = self.bias.then(|| random(&mut rng, &[out]));
        let [gain, offset, mean, root] = [0; 4].map(|_| random(&mut rng, &[out]));
        let var = root.sqr().unwrap();
        let norm = crate::compute::PreparedNorm::new([&gain, &offset], [&mean, &var], 0.1).unwrap();
        let [scale, shift] = norm.scale_and_shift();
        for (scaled, relu, halve) in [false, true].into_iter().flat_map(|scaled| {
            [(false, false), (true, false), (false, true), (true, true)]
                .map(|(relu, halve)| (scaled, relu, halve))
        }) {
            if halve && self.kind != ConvKind::Plain {
                continue;
            }
            let mut conv = PreparedConv::new(&weight, bias.as_ref(), self.kind, self.spec).unwrap();
            let mut expected = match self.kind {
                ConvKind::Plain => conv2d(&x, &weight, bias.as_ref(), self.spec).unwrap(),
                ConvKind::Transposed { output_padding } => {
                    conv_transpose2d(&x, &weight, bias.as_ref(), self.spec, output_padding).unwrap()
                }
            };
            let mut folded = conv.clone();
            if scaled {
                folded = conv.folded(&[scale.clone(), shift.clone()]).unwrap();
                conv = conv.scaled(scale, shift).unwrap();
                expected = batch_norm_eval(&expected, [&gain, &offset], [&mean, &var], 0.1).unwrap();
            }
            if relu {
                (conv, folded) = (conv.then_relu(), folded.then_relu());
                expected = activate(&expected, Activation::Relu).unwrap();
            }
            if halve {
                (conv, folded) = (conv.then_halved(), folded.then_halved());
                expected = max_pool2d(&expected, BY_TWO).unwrap();
            }
            let found = conv.run(&parts).unwrap();
            assert_eq!(values(&found), values(&expected), "to the last bit: {scaled} {relu} {halve}");
            assert_eq!(found.dims(), expected.dims());
            assert_eq!(values(&conv.run(&[&x]).unwrap()), values(&expected), "again, in one piece");
            close(&folded.run(&parts).unwrap(), &expected);
            close(&folded.run_elsewhere(&x).unwrap(), &expected);
        }
    }
}

const PLAIN: ConvSpec = ConvSpec { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 };

#[test]
fn what_follows_in_one_pass_is_what_the_operations_give_one_by_one() {
    let case =
        |kind, spec, weight, size| [false, true].map(|bias| Case { kind, spec, weight, size, bias }.check());
    case(ConvKind::Plain, PLAIN, [8, 5, 3, 3], [12, 10]);
    // Odd sizes lose a row and a column, over more than one tile.
    case(ConvKind::Plain, PLAIN, [9, 3, 3, 3], [71, 267]);
    case(ConvKind::Plain, ConvSpec { padding: [0, 0], ..PLAIN }, [3, 16, 1, 1], [9, 7]);
    case(ConvKind::Plain, ConvSpec { groups: 3, ..PLAIN }, [6, 2, 3, 3], [8, 9]);
    case(ConvKind::Plain, ConvSpec { stride: [2, 2], padding: [3, 3], ..PLAIN }, [4, 3, 7, 7], [21, 18]);
    case(ConvKind::Plain, ConvSpec { dilation: [2, 3], ..PLAIN }, [4, 3, 3, 2], [15, 16]);
    case(ConvKind::Plain, ConvSpec { padding: [0, 0], ..PLAIN }, [1, 1, 2, 2], [3, 3]);
}

#[test]
fn a_scaled_transposed_convolution_knows_its_groups() {
    let case = |output_padding, spec, weight, size| {
        let kind = ConvKind::Transposed { output_padding };
        [false, true].map(|bias| Case { kind, spec, weight, size, bias }.check())
    };
    let by_two = ConvSpec { stride: [2, 2], padding: [0, 0], ..PLAIN };
    case([0, 0], by_two, [6, 4, 2, 2], [7, 9]);
    case([1, 0], ConvSpec { groups: 3, stride: [2, 3], ..PLAIN }, [6, 2, 3, 3], [5, 4]);
}

#[test]
fn a_nan_goes_where_it_goes_one_by_one() {
    let mut image = vec![1.0_f32; 36];
    image[14] = f32::NAN;
    let x = Tensor::from_vec(image, (1, 1, 6, 6), &Device::Cpu).unwrap();
    let weight = Tensor::full(-1.0_f32, (1, 1, 1, 1), &Device::Cpu).unwrap();
    let spec = ConvSpec::default();
    let conv = PreparedConv::new(&weight, None, ConvKind::Plain, spec).unwrap().then_relu().then_halved();
    let found = values(&conv.run(&[&x]).unwrap());
    // Row 2, column 2 is in the middle window; all else is −1, and 0 after the ReLU.
    for (i, value) in found.iter().enumerate() {
        assert!(if i == 4 { value.is_nan() } else { *value == 0.0 }, "{found:?}");
    }
}

#[test]
fn weights_are_packed_once_for_all_clones() {
    let mut rng = StdRng::seed_from_u64(1);
    let weight = random(&mut rng, &[4, 2, 3, 3]);
    let x = random(&mut rng, &[1, 2, 6, 6]);
    let conv = PreparedConv::new(&weight, None, ConvKind::Plain, PLAIN).unwrap();
    conv.clone().then_relu().run(&[&x]).unwrap();
    assert!(conv.packed.iter().any(|packed| packed.get().is_some()));
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut rng = StdRng::seed_from_u64(2);
    let weight = random(&mut rng, &[4, 2, 3, 3]);
    let conv = || PreparedConv::new(&weight, None, ConvKind::Plain, PLAIN).unwrap();
    let mut says = |conv: PreparedConv, sizes: &[[usize; 4]], expected: &str| {
        let inputs: Vec<Tensor> = sizes.iter().map(|size| random(&mut rng, size)).collect();
        let error = conv.run(&inputs.iter().collect::<Vec<_>>()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    says(conv(), &[], "Convolution of nothing");
    says(conv(), &[[1, 1, 4, 4], [1, 1, 4, 5]], "cannot be joined");
    says(conv(), &[[1, 3, 4, 4]], "3 channels in 1 groups do not fit");
    says(conv().then_halved(), &[[1, 2, 1, 8]], "pooling by two cannot follow");
    let up = PreparedConv::new(
        &weight,
        None,
        ConvKind::Transposed { output_padding: [0, 0] },
        ConvSpec { stride: [2, 2], ..PLAIN },
    );
    says(up.unwrap().then_halved(), &[[1, 4, 4, 4]], "pooling by two cannot follow");
    let vector = |n: usize| Tensor::zeros(n, candle_core::DType::F32, &Device::Cpu).unwrap();
    let error = conv().scaled(&vector(4), &vector(3)).unwrap_err().to_string();
    assert!(error.contains("expected scale and shift of 4, found [3]"), "{error}");
    let wrong = PreparedConv::new(&weight, Some(&vector(2)), ConvKind::Plain, PLAIN).unwrap_err();
    assert!(wrong.to_string().contains("expected a bias of 4"), "{wrong}");
}
