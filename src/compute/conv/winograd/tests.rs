//! Transforms against their definition, and whole passes on every instruction set against direct convolution.
use super::transforms::{Backward, Forward, LONGEST, Strip, results_pitch};
use super::{PLACES, SIDE, STEP, can, gradient, run, weights::Packed};
use crate::compute::conv::engine::{self, Algorithm};
use crate::compute::conv::kernel::SLACK;
use crate::compute::conv::output::Finish;
use crate::compute::conv::pass::{Geometry, Pass};
use crate::compute::conv::planes::Planes;
use crate::compute::isa::Isa;

fn numbers(len: usize, salt: u64) -> Vec<f32> {
    let mut state = salt.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

const POINTS: [f64; 5] = [
    0.0,
    std::f64::consts::FRAC_1_SQRT_2,
    -std::f64::consts::FRAC_1_SQRT_2,
    std::f64::consts::SQRT_2,
    -std::f64::consts::SQRT_2,
];

/// `Bᵀ`: coefficients of the product of (x − point) over all points but one, and over all.
fn evaluation() -> [[f64; SIDE]; SIDE] {
    std::array::from_fn(|left_out| {
        let mut coefficients = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        for (_, point) in POINTS.iter().enumerate().filter(|&(i, _)| i != left_out) {
            for i in (0..SIDE).rev() {
                let shifted = if i > 0 { coefficients[i - 1] } else { 0.0 };
                coefficients[i] = shifted - point * coefficients[i];
            }
        }
        coefficients
    })
}

/// `Aᵀ`: powers of the points, the last of them infinite.
fn interpolation() -> [[f64; SIDE]; STEP] {
    std::array::from_fn(|power| {
        let at = |point: &f64| point.powi(power as i32);
        std::array::from_fn(|i| POINTS.get(i).map_or(if power == STEP - 1 { 1.0 } else { 0.0 }, at))
    })
}

/// `matrix · square · matrixᵀ`
fn both_ways<const N: usize>(
    matrix: &[[f64; SIDE]; N],
    square: impl Fn(usize, usize) -> f64,
) -> [[f64; N]; N] {
    let term = |y: usize, x: usize, i: usize, j: usize| matrix[y][i] * square(i, j) * matrix[x][j];
    let value = |y, x| (0..PLACES).map(|k| term(y, x, k / SIDE, k % SIDE)).sum();
    std::array::from_fn(|y| std::array::from_fn(|x| value(y, x)))
}

#[test]
fn patches_are_transformed_as_defined_on_every_instruction_set() {
    for patches in [[1, 1], [2, 7], [1, 8], [3, 16], [2, 37], [1, LONGEST]] {
        let [rows, columns] = patches;
        let place_stride = rows * columns + SLACK + 5;
        // Images that end inside the patches, with them, and beyond.
        let image =
            |at: isize, more: usize| [rows, columns].map(|n| (n * STEP + more).saturating_add_signed(at));
        for (at, size) in
            [(-1, image(-1, 1)), (0, image(0, 2)), (-7, image(-7, 20)), (3, image(3, 90)), (-1, [1, 3])]
        {
            let plane = numbers(size[0] * size[1], 1);
            let pixel = |y: usize, x: usize| {
                let [y, x] = [y, x].map(|i| usize::try_from(i as isize + at).unwrap_or(usize::MAX));
                if y < size[0] && x < size[1] { f64::from(plane[y * size[1] + x]) } else { 0.0 }
            };
            for isa in Isa::available() {
                let (mut strip, mut out) = (Strip::NEW, vec![0.0; PLACES * place_stride]);
                let forward =
                    Forward { plane: &plane, next: &plane, size, at: [at; 2], patches, place_stride };
                forward.run(isa, &mut strip, &mut out);
                for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
                    let expected = both_ways(&evaluation(), |i, j| pixel(y * STEP + i, x * STEP + j));
                    for place in 0..PLACES {
                        let found = f64::from(out[place * place_stride + y * columns + x]);
                        let difference = (found - expected[place / SIDE][place % SIDE]).abs();
                        assert!(difference < 1e-5, "{isa:?} {patches:?} {at} patch {y} {x} place {place}");
                    }
                }
            }
        }
    }
}

#[test]
fn results_are_transformed_back_as_defined_on_every_instruction_set() {
    for patches in [[1, 1], [2, 7], [3, 16], [1, LONGEST]] {
        let [rows, columns] = patches;
        let (pitch, place_stride) = (results_pitch(columns), rows * columns + SLACK + 3);
        let products = numbers(PLACES * place_stride, 2);
        for isa in Isa::available() {
            let mut out = vec![0.0; rows * STEP * pitch];
            Backward { products: &products, patches, place_stride }.run(isa, &mut out);
            for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
                let at =
                    |i: usize, j: usize| f64::from(products[(i * SIDE + j) * place_stride + y * columns + x]);
                let expected = both_ways(&interpolation(), at);
                for (i, j) in (0..STEP).flat_map(|i| (0..STEP).map(move |j| (i, j))) {
                    let found = f64::from(out[(y * STEP + i) * pitch + x * STEP + j]);
                    let difference = (found - expected[i][j]).abs();
                    assert!(difference < 1e-4, "{isa:?} {patches:?} patch {y} {x} result {i} {j}");
                }
            }
        }
    }
}

fn geometry(channels: [usize; 2], image: [usize; 2], padding: usize) -> Geometry {
    let map = image.map(|n| n + 2 * padding - 2);
    let [image_channels, map_channels] = channels;
    let padding = [padding; 2];
    Geometry {
        batch: 2,
        groups: 1,
        image_channels,
        map_channels,
        image,
        map,
        kernel: [3, 3],
        stride: [1, 1],
        padding,
        dilation: [1, 1],
    }
}

/// Every instruction set against direct convolution, on an input in two parts.
fn check(pass: &Pass, weights: &[f32], finish: Finish) {
    let (channels, pixels) = (pass.source_channels, pass.source[0] * pass.source[1]);
    let first = channels / 2;
    let parts = [first, channels - first].map(|c| numbers(pass.batch * c * pixels, c as u64));
    let planes = Planes::joined(vec![(&parts[0], first), (&parts[1], channels - first)], pixels);
    let direct = engine::Packed::new(Algorithm::Direct, pass, weights);
    let expected = engine::run(pass, &planes, &direct, finish);
    let largest = expected.iter().fold(1.0_f32, |a, b| a.max(b.abs()));
    let packed = Packed::new(pass, weights);
    // A thread alone has blocks of its own; so many threads work together on what there is here.
    for (isa, threads) in Isa::available().flat_map(|isa| [(isa, 1), (isa, 16)]) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| run::run_on(isa, pass, &planes, &packed, finish));
        assert_eq!(found.len(), expected.len());
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let difference = (found - expected).abs();
            assert!(difference < 2e-5 * largest, "{isa:?} {threads} {pass:?} {i}: {found}, {expected}");
        }
    }
}

#[test]
fn every_instruction_set_gives_what_direct_convolution_gives() {
    for (channels, image, padding) in [
        ([1, 1], [3, 3], 0),
        ([3, 9], [1, 1], 1),
        ([5, 40], [13, 30], 1),
        ([40, 70], [35, 33], 2),
        // More than one block along both axes, the last ones smaller.
        ([9, 3], [30, 540], 1),
        ([300, 8], [30, 30], 1),
        ([17, 160], [20, 20], 1),
    ] {
        let geometry = geometry(channels, image, padding);
        let weights = numbers(geometry.weight_len(), 3);
        check(&geometry.forward(), &weights, Finish::default());
        check(&geometry.adjoint(), &weights, Finish { relu: true, ..Finish::default() });
        if geometry.map.iter().all(|&n| n > 1) {
            let bias = numbers(channels[1], 4);
            check(
                &geometry.forward(),
                &weights,
                Finish { bias: Some(&bias), halve: true, ..Finish::default() },
            );
        }
    }
}

/// Σ map gradient · shifted image in double precision, for each weight.
fn summed(geometry: &Geometry, image: &[f32], map: &[f32]) -> Vec<f64> {
    let ([height, width], [rows, columns]) = (geometry.image, geometry.map);
    let sum = |weight: usize| {
        let (channels, tap) = (weight / 9, weight % 9);
        let (to, from) = (channels / geometry.image_channels, channels % geometry.image_channels);
        let mut sum = 0.0;
        for item in 0..geometry.batch {
            let image = &image[(item * geometry.image_channels + from) * height * width..];
            let map = &map[(item * geometry.map_channels + to) * rows * columns..];
            for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
                let at = |at: usize, i: usize| (at + [tap / 3, tap % 3][i]).checked_sub(geometry.padding[i]);
                if let (Some(i), Some(j)) =
                    (at(y, 0).filter(|&i| i < height), at(x, 1).filter(|&j| j < width))
                {
                    sum += f64::from(image[i * width + j]) * f64::from(map[y * columns + x]);
                }
            }
        }
        sum
    };
    (0..geometry.weight_len()).map(sum).collect()
}

#[test]
fn every_instruction_set_gives_the_gradient_by_the_weights() {
    for (channels, image, padding) in [
        ([1, 1], [3, 3], 0),
        ([3, 9], [1, 1], 1),
        ([5, 40], [13, 30], 1),
        // More channels than are summed together on either side, and several blocks of patches.
        ([40, 70], [22, 21], 2),
        ([9, 17], [30, 140], 1),
        // So many channels that threads work together: on both images at once, on several blocks of each, and on some
        // of the map's channels after the others.
        ([260, 96], [9, 13], 1),
        ([256, 5], [50, 60], 1),
        ([1040, 130], [3, 3], 1),
    ] {
        let geometry = geometry(channels, image, padding);
        let [pixels, results] = [geometry.image, geometry.map].map(|[h, w]| h * w);
        let image = numbers(geometry.batch * channels[0] * pixels, 7);
        let map = numbers(geometry.batch * channels[1] * results, 8);
        let expected = summed(&geometry, &image, &map);
        let largest = expected.iter().fold(1.0_f64, |a, b| a.max(b.abs()));
        for isa in Isa::available() {
            let found = gradient::by_weights_on(isa, &geometry, &image, &map);
            assert_eq!(found.len(), expected.len());
            for (i, (&found, expected)) in found.iter().zip(&expected).enumerate() {
                let difference = (f64::from(found) - expected).abs();
                assert!(difference < 2e-5 * largest, "{isa:?} {geometry:?} {i}: {found}, {expected}");
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    // One block, on which threads work together, and many.
    for (channels, image) in [([20, 90], [30, 30]), ([3, 5], [200, 600]), ([256, 20], [60, 60])] {
        let geometry = geometry(channels, image, 1);
        let (pass, weights) = (geometry.forward(), numbers(geometry.weight_len(), 5));
        let (pixels, packed) = (image[0] * image[1], Packed::new(&pass, &weights));
        let x = numbers(2 * channels[0] * pixels, 6);
        let planes = Planes::one(&x, channels[0], pixels);
        let once = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run::run_on(Isa::best(), &pass, &planes, &packed, Finish::default()))
        };
        let gradient = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let map = numbers(2 * channels[1] * pixels, 7);
            pool.install(|| gradient::by_weights(&geometry, &x, &map))
        };
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let (first, first_gradient) = (bits(once(1)), bits(gradient(1)));
        assert!([1, 2, 3].into_iter().all(|threads| bits(once(threads)) == first));
        assert!([2, 3].into_iter().all(|threads| bits(gradient(threads)) == first_gradient));
    }
}

#[test]
fn images_worked_on_together_are_what_each_is_alone() {
    // 36 patches each: three images at once, then two, where there are more threads than images.
    let five = Geometry { batch: 5, ..geometry([20, 34], [23, 22], 1) };
    let [pixels, results] = [five.image, five.map].map(|[h, w]| h * w);
    let (x, weights) = (numbers(5 * 20 * pixels, 9), numbers(five.weight_len(), 10));
    let once = |geometry: Geometry, x: &[f32]| {
        let pass = geometry.forward();
        let packed = Packed::new(&pass, &weights);
        run::run_on(Isa::best(), &pass, &Planes::one(x, 20, pixels), &packed, Finish::default())
    };
    let many = rayon::ThreadPoolBuilder::new().num_threads(8).build().unwrap();
    let all = many.install(|| once(five, &x));
    for (image, found) in all.chunks_exact(34 * results).enumerate() {
        let alone = once(Geometry { batch: 1, ..five }, &x[image * 20 * pixels..][..20 * pixels]);
        assert!(found.iter().zip(&alone).all(|(a, b)| a.to_bits() == b.to_bits()), "image {image}");
    }
}

#[test]
fn only_plain_three_by_three_kernels_can_be_computed() {
    let plain = geometry([2, 2], [9, 9], 1);
    assert!(can(&plain.forward()) && can(&plain.adjoint()));
    let others = [
        Geometry { groups: 2, ..plain },
        Geometry { kernel: [1, 9], ..plain },
        Geometry { kernel: [2, 2], ..plain },
        Geometry { kernel: [5, 5], ..plain },
        Geometry { dilation: [1, 2], ..plain },
        Geometry { stride: [2, 1], map: [5, 9], ..plain },
    ];
    for other in others {
        assert!(!can(&other.forward()) && !can(&other.adjoint()), "{other:?}");
    }
}
