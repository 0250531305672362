//! Convolution against direct sums in f64, over shapes nobody would choose, and against PyTorch.
use super::op::Convolution;
use super::{Algorithm, ConvKind, ConvSpec, conv_transpose2d, conv2d, engine, gradient};
use crate::compute::as_elsewhere;
use candle_core::{Device, Result, Tensor, Var};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// A convolution to try: `transposed` goes from map to image.
#[derive(Debug, Clone, Copy)]
struct Case {
    batch: usize,
    channels_in: usize,
    channels_out: usize,
    size: [usize; 2],
    kernel: [usize; 2],
    spec: ConvSpec,
    output_padding: [usize; 2],
    transposed: bool,
    bias: bool,
}

struct Numbers {
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
}

fn random(rng: &mut StdRng, dims: &[usize]) -> Tensor {
    let values: Vec<f32> = (0..dims.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

impl Case {
    fn numbers(&self, seed: u64) -> Numbers {
        let (mut rng, groups) = (StdRng::seed_from_u64(seed), self.spec.groups);
        let [h, w] = self.size;
        let [ky, kx] = self.kernel;
        let (inn, out) = (self.channels_in * groups, self.channels_out * groups);
        let dims =
            if self.transposed { [inn, self.channels_out, ky, kx] } else { [out, self.channels_in, ky, kx] };
        Numbers {
            x: random(&mut rng, &[self.batch, inn, h, w]),
            weight: random(&mut rng, &dims),
            bias: random(&mut rng, &[out]),
        }
    }

    fn run(&self, n: &Numbers) -> Result<Tensor> {
        let bias = self.bias.then_some(&n.bias);
        if self.transposed {
            conv_transpose2d(&n.x, &n.weight, bias, self.spec, self.output_padding)
        } else {
            conv2d(&n.x, &n.weight, bias, self.spec)
        }
    }

    fn convolution(&self, n: &Numbers) -> Convolution {
        let output_padding = self.output_padding;
        let kind = if self.transposed { ConvKind::Transposed { output_padding } } else { ConvKind::Plain };
        let [size, weights] = [&n.x, &n.weight].map(|t| t.dims4().unwrap().into());
        Convolution::new(kind, self.spec, size, weights).unwrap()
    }

    /// Calls `f(x index, weight index, result index)` for every product of the convolution on a result of `out` [y, x].
    fn products(&self, out: [usize; 2], mut f: impl FnMut(usize, usize, usize)) {
        let (groups, [ky, kx]) = (self.spec.groups, self.kernel);
        // The side with the larger grid reads through the kernel; a transposed convolution swaps the two.
        let (image, map) = if self.transposed { (out, self.size) } else { (self.size, out) };
        let inside = |m: usize, k: usize, i: usize| {
            let at = m * self.spec.stride[i] + k * self.spec.dilation[i];
            at.checked_sub(self.spec.padding[i]).filter(|&at| at < image[i])
        };
        let sides = if self.transposed {
            (self.channels_out, self.channels_in)
        } else {
            (self.channels_in, self.channels_out)
        };
        let (image_channels, map_channels) = sides;
        for b in 0..self.batch {
            for (g, mc, ic) in (0..groups).flat_map(|g| {
                (0..map_channels).flat_map(move |mc| (0..image_channels).map(move |ic| (g, mc, ic)))
            }) {
                for (my, mx) in (0..map[0]).flat_map(|my| (0..map[1]).map(move |mx| (my, mx))) {
                    for (i, j) in (0..ky).flat_map(|i| (0..kx).map(move |j| (i, j))) {
                        let (Some(y), Some(x)) = (inside(my, i, 0), inside(mx, j, 1)) else { continue };
                        let image_at =
                            (((b * groups + g) * image_channels + ic) * image[0] + y) * image[1] + x;
                        let map_at = (((b * groups + g) * map_channels + mc) * map[0] + my) * map[1] + mx;
                        let weight_at = (((g * map_channels + mc) * image_channels + ic) * ky + i) * kx + j;
                        if self.transposed {
                            f(map_at, weight_at, image_at);
                        } else {
                            f(image_at, weight_at, map_at);
                        }
                    }
                }
            }
        }
    }
}

fn values(x: &Tensor) -> Vec<f64> {
    x.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f64::from).collect()
}

/// Largest difference over the largest value.
fn error(found: &Tensor, expected: &[f64]) -> f64 {
    let found = values(found);
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
    found
        .iter()
        .zip(expected)
        .fold(0.0, |a: f64, (f, e)| if f.is_nan() { f64::NAN } else { a.max((f - e).abs()) })
        / largest
}

/// Largest error of an algorithm on a few channels: the transforms of Winograd's lose a little, and the pairs of bf16 on
/// the matrix unit hold 16 bits.
fn tolerance(algorithm: Algorithm) -> f64 {
    match algorithm {
        Algorithm::Direct => 1e-5,
        Algorithm::Winograd => 2e-5,
        Algorithm::Amx => 4e-5,
    }
}

/// Result and gradients from every algorithm that can give them.
fn check_algorithms(case: &Case, numbers: &Numbers, upstream: &Tensor, [ys, dx, dw]: [&[f64]; 3]) {
    let convolution = case.convolution(numbers);
    let [x, weight, bias, upstream] = [&numbers.x, &numbers.weight, &numbers.bias, upstream]
        .map(|t| t.flatten_all().unwrap().to_vec1::<f32>().unwrap());
    let (pass, back) = (convolution.pass(), convolution.back());
    for algorithm in Algorithm::ALL {
        let near = |found: Vec<f32>, expected: &[f64], what: &str| {
            let len = found.len();
            let found = Tensor::from_vec(found, len, &Device::Cpu).unwrap();
            assert!(error(&found, expected) < tolerance(algorithm), "{algorithm} {what} of {case:?}");
        };
        if algorithm.can(&pass) {
            let bias = case.bias.then_some(&bias[..]);
            near(engine::run_once_with(algorithm, &pass, &x, &weight, bias), ys, "result");
        }
        if algorithm.can(&back) {
            near(engine::run_once_with(algorithm, &back, &upstream, &weight, None), dx, "image gradient");
        }
        let geometry = &convolution.geometry;
        // The matrix unit's is for shapes that fill its tiles, and has tests of its own.
        if algorithm != Algorithm::Amx && algorithm.can(&geometry.forward()) {
            let (image, map) = if case.transposed { (&upstream, &x) } else { (&x, &upstream) };
            near(gradient::by_weights_with(algorithm, geometry, image, map), dw, "weight gradient");
            if algorithm == Algorithm::Direct {
                near(gradient::directly(geometry, image, map), dw, "weight gradient by dot products");
                near(
                    gradient::by_outer_products(geometry, image, map),
                    dw,
                    "weight gradient by outer products",
                );
            }
        }
    }
}

/// Result and all gradients against direct sums.
fn check(case: Case, seed: u64) {
    let numbers = case.numbers(seed);
    let [x, weight, bias] =
        [&numbers.x, &numbers.weight, &numbers.bias].map(|t| Var::from_tensor(t).unwrap());
    let vars = Numbers {
        x: x.as_tensor().clone(),
        weight: weight.as_tensor().clone(),
        bias: bias.as_tensor().clone(),
    };
    let y = case.run(&vars).unwrap();
    let (_, channels, height, width) = y.dims4().unwrap();
    let upstream = random(&mut StdRng::seed_from_u64(seed + 1), y.dims());
    let grads = (&y * &upstream).unwrap().sum_all().unwrap().backward().unwrap();

    let (xs, ws, gs) = (values(&numbers.x), values(&numbers.weight), values(&upstream));
    let (mut ys, mut dx, mut dw) = (vec![0.0; gs.len()], vec![0.0; xs.len()], vec![0.0; ws.len()]);
    case.products([height, width], |x, w, y| {
        ys[y] += xs[x] * ws[w];
        dx[x] += gs[y] * ws[w];
        dw[w] += gs[y] * xs[x];
    });
    if case.bias {
        let (bs, mut db) = (values(&numbers.bias), vec![0.0; channels]);
        for i in 0..ys.len() {
            let channel = i / (height * width) % channels;
            ys[i] += bs[channel];
            db[channel] += gs[i];
        }
        assert!(error(grads.get(&bias).unwrap(), &db) < 1e-5, "bias gradient of {case:?}");
    }
    let (pass, back) = (case.convolution(&numbers).pass(), case.convolution(&numbers).back());
    let [forward, back] = [pass, back].map(|pass| tolerance(Algorithm::choose(&pass)));
    assert!(error(&y, &ys) < forward, "result of {case:?}");
    assert!(error(grads.get(&x).unwrap(), &dx) < back, "image gradient of {case:?}");
    assert!(error(grads.get(&weight).unwrap(), &dw) < 1e-5, "weight gradient of {case:?}");
    check_algorithms(&case, &numbers, &upstream, [&ys, &dx, &dw]);
}

fn pair(range: std::ops::Range<usize>) -> impl Strategy<Value = [usize; 2]> {
    [range.clone(), range]
}

fn cases() -> impl Strategy<Value = Case> {
    // Few images, on each of which all threads work, and so many that each has a thread.
    let batch = prop_oneof![2 => 1..3usize, 1 => Just(8)];
    let shape = (batch, 1..12usize, 1..12usize, pair(1..14), pair(1..5));
    let spec = (pair(1..4), pair(0..6), pair(1..4), 1..4usize);
    (shape, spec, pair(0..3), any::<bool>(), any::<bool>()).prop_filter_map(
        "the kernel does not fit",
        |(
            (batch, channels_in, channels_out, size, kernel),
            (stride, padding, dilation, groups),
            more,
            transposed,
            bias,
        )| {
            let spec = ConvSpec { stride, padding, dilation, groups };
            let reach = [0, 1].map(|i| (kernel[i] - 1) * dilation[i]);
            let output_padding = [0, 1].map(|i| more[i].min(stride[i].max(dilation[i]) - 1));
            let fits = |i: usize| {
                if transposed {
                    (size[i] - 1) * stride[i] + reach[i] + 1 + output_padding[i] > 2 * padding[i]
                } else {
                    size[i] + 2 * padding[i] > reach[i]
                }
            };
            (fits(0) && fits(1)).then_some(Case {
                batch,
                channels_in,
                channels_out,
                size,
                kernel,
                spec,
                output_padding,
                transposed,
                bias,
            })
        },
    )
}

/// Those of most layers: a 3×3 kernel without stride, dilation and groups, whatever the padding.
fn three_by_three() -> impl Strategy<Value = Case> {
    cases().prop_filter_map("the kernel does not fit", |case| {
        let (kernel, padding) = ([3, 3], case.spec.padding);
        let fits = |i: usize| {
            let size = if case.transposed { case.size[i] + 3 } else { case.size[i] + 2 * padding[i] };
            if case.transposed { size > 2 * padding[i] + 1 } else { size >= 3 }
        };
        let spec = ConvSpec { padding, ..ConvSpec::default() };
        (fits(0) && fits(1)).then_some(Case { kernel, spec, output_padding: [0, 0], ..case })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_convolution_and_its_gradients_equal_direct_sums(case in cases(), seed in 0..u64::MAX / 2) {
        check(case, seed);
    }

    #[test]
    fn on_other_devices_any_convolution_and_its_gradients_equal_direct_sums(
        case in cases(),
        seed in 0..u64::MAX / 2,
    ) {
        as_elsewhere(|| check(case, seed));
    }

    #[test]
    fn any_three_by_three_convolution_equals_direct_sums(case in three_by_three(), seed in 0..u64::MAX / 2) {
        check(case, seed);
    }
}

const PLAIN: Case = Case {
    batch: 1,
    channels_in: 1,
    channels_out: 1,
    size: [1, 1],
    kernel: [1, 1],
    spec: ConvSpec { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 },
    output_padding: [0, 0],
    transposed: false,
    bias: true,
};

fn same(kernel: usize) -> ConvSpec {
    ConvSpec { padding: [kernel / 2; 2], ..ConvSpec::default() }
}

#[test]
fn the_convolutions_of_networks_equal_direct_sums() {
    let three = Case { kernel: [3, 3], spec: same(3), ..PLAIN };
    let spread = ConvSpec { stride: [2, 2], ..ConvSpec::default() };
    let cases = [
        PLAIN,
        three,
        // Several tiles in both directions, and in the weight gradient.
        Case { batch: 2, channels_in: 3, channels_out: 9, size: [70, 301], ..three },
        Case { channels_in: 40, channels_out: 33, size: [33, 40], ..three },
        Case { channels_in: 130, channels_out: 20, size: [9, 9], ..three },
        Case { channels_in: 10, channels_out: 70, size: [21, 19], ..three },
        Case { channels_in: 16, channels_out: 3, size: [50, 40], ..PLAIN },
        Case { size: [40, 50], spec: ConvSpec { groups: 24, ..same(3) }, ..three },
        Case { channels_in: 3, channels_out: 8, size: [64, 48], kernel: [7, 7], spec: same(7), ..PLAIN },
        Case {
            channels_in: 6,
            channels_out: 5,
            size: [40, 40],
            spec: ConvSpec { stride: [2, 2], ..same(3) },
            ..three
        },
        Case {
            channels_in: 12,
            channels_out: 6,
            size: [37, 64],
            kernel: [2, 2],
            spec: spread,
            transposed: true,
            ..PLAIN
        },
        Case { size: [20, 20], spec: ConvSpec { dilation: [9, 9], padding: [9, 9], ..same(3) }, ..three },
    ];
    for (seed, case) in cases.into_iter().enumerate() {
        check(case, seed as u64);
        check(Case { bias: false, ..case }, seed as u64);
        as_elsewhere(|| check(case, seed as u64));
    }
}

#[test]
fn the_same_convolution_twice_is_the_same_to_the_last_bit() {
    let case = Case {
        batch: 3,
        channels_in: 20,
        channels_out: 24,
        size: [61, 93],
        kernel: [3, 3],
        spec: same(3),
        ..PLAIN
    };
    let once = || {
        let numbers = case.numbers(7);
        let [x, weight, bias] =
            [&numbers.x, &numbers.weight, &numbers.bias].map(|t| Var::from_tensor(t).unwrap());
        let vars = Numbers {
            x: x.as_tensor().clone(),
            weight: weight.as_tensor().clone(),
            bias: bias.as_tensor().clone(),
        };
        let y = case.run(&vars).unwrap();
        let grads = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        let all = [&y, grads.get(&x).unwrap(), grads.get(&weight).unwrap(), grads.get(&bias).unwrap()];
        all.map(|t| {
            t.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        })
    };
    let first = once();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    for _ in 0..3 {
        assert!(once() == first, "another run gave other bits");
        assert!(pool.install(once) == first, "another number of threads gave other bits");
    }
}

#[test]
fn inputs_need_not_be_contiguous() {
    let case = Case { channels_in: 3, channels_out: 4, size: [6, 9], kernel: [3, 3], spec: same(3), ..PLAIN };
    let n = case.numbers(3);
    let turned = |t: &Tensor| t.transpose(2, 3).unwrap().contiguous().unwrap().transpose(2, 3).unwrap();
    let strided = Numbers { x: turned(&n.x), weight: turned(&n.weight), bias: n.bias.clone() };
    assert_eq!(values(&case.run(&strided).unwrap()), values(&case.run(&n).unwrap()));
    let shifted = Tensor::cat(&[&n.x, &n.x], 0).unwrap().narrow(0, 1, 1).unwrap();
    assert_eq!(
        values(&case.run(&Numbers { x: shifted, ..n.clone() }).unwrap()),
        values(&case.run(&n).unwrap())
    );
}

impl Clone for Numbers {
    fn clone(&self) -> Self {
        Self { x: self.x.clone(), weight: self.weight.clone(), bias: self.bias.clone() }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let fails = |case: Case, found: &str| {
        let error = case.run(&case.numbers(0)).unwrap_err().to_string();
        assert!(error.contains(found), "{error}");
    };
    fails(Case { kernel: [3, 3], ..PLAIN }, "a 3×3 kernel does not fit a padded image of 1×1");
    fails(Case { spec: ConvSpec { stride: [0, 1], ..ConvSpec::default() }, ..PLAIN }, "at least 1");
    fails(Case { transposed: true, output_padding: [1, 0], ..PLAIN }, "output padding [1, 0] is too large");
    let n = Case { channels_in: 2, ..PLAIN }.numbers(0);
    let other = PLAIN.numbers(0);
    for transposed in [false, true] {
        let wrong = Numbers { x: n.x.clone(), ..other.clone() };
        let error = Case { transposed, ..PLAIN }.run(&wrong).unwrap_err().to_string();
        assert!(error.contains("2 channels in 1 groups do not fit weights [1, 1, 1, 1]"), "{error}");
    }
    let wrong = Numbers { bias: n.weight.flatten_all().unwrap(), ..other };
    let error = PLAIN.run(&wrong).unwrap_err().to_string();
    assert!(error.contains("expected a bias of 1, found [2]"), "{error}");
}
