//! The matrix unit against the sums as they are written, on shapes of real networks.
use super::super::engine::{Algorithm, Packed, run};
use super::super::gradient::directly;
use super::super::output::Finish;
use super::super::pass::{Geometry, Pass};
use super::super::planes::Planes;
use super::{available, by_weights};

/// Numbers between −1 and 1 that look random.
fn numbers(len: usize, salt: u32) -> Vec<f32> {
    let mut state = salt.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(next).collect()
}

fn geometry(channels: [usize; 2], image: usize, kernel: usize, stride: usize, padding: usize) -> Geometry {
    let map = (image + 2 * padding - kernel) / stride + 1;
    Geometry {
        batch: 2,
        groups: 1,
        image_channels: channels[0],
        map_channels: channels[1],
        image: [image, image],
        map: [map, map],
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
        dilation: [1, 1],
    }
}

/// 16 and fewer channels, numbers that fill no tile, several blocks and steps, strides, one tap.
fn shapes() -> Vec<Geometry> {
    vec![
        geometry([8, 12], 21, 3, 1, 1),
        geometry([17, 33], 40, 3, 1, 1),
        geometry([70, 50], 19, 3, 1, 1),
        geometry([24, 40], 33, 3, 2, 1),
        geometry([16, 16], 30, 2, 2, 0),
        geometry([96, 20], 25, 1, 1, 0),
        geometry([12, 10], 26, 7, 2, 3),
        Geometry { groups: 2, ..geometry([16, 24], 18, 3, 1, 0) },
        Geometry { dilation: [2, 1], map: [15, 17], ..geometry([40, 9], 17, 3, 1, 1) },
    ]
}

/// Largest difference over the largest value.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
    found.iter().zip(expected).fold(0.0_f32, |a, (f, e)| a.max((f - e).abs())) / largest
}

fn carry_out(algorithm: Algorithm, pass: &Pass, source: &[f32], weights: &[f32], finish: Finish) -> Vec<f32> {
    let channels = pass.groups * pass.source_channels;
    let planes = Planes::one(source, channels, pass.source[0] * pass.source[1]);
    run(pass, &planes, &Packed::new(algorithm, pass, weights), finish)
}

#[test]
fn passes_agree_with_the_sums_as_they_are_written() {
    if !available() {
        return;
    }
    for geometry in shapes() {
        let weights = numbers(geometry.weight_len(), 1);
        for pass in [geometry.forward(), geometry.adjoint()] {
            let source =
                numbers(pass.batch * pass.groups * pass.source_channels * pass.source[0] * pass.source[1], 2);
            let bias = numbers(pass.groups * pass.target_channels, 3);
            let finish = Finish { bias: Some(&bias), relu: true, ..Finish::default() };
            let [found, again, expected] = [Algorithm::Amx, Algorithm::Amx, Algorithm::Direct]
                .map(|algorithm| carry_out(algorithm, &pass, &source, &weights, finish));
            assert_eq!(found, again, "the same from run to run");
            let error = difference(&found, &expected);
            assert!(error < 1e-5, "{error} in {geometry:?}");
        }
    }
}

#[test]
fn gradients_agree_with_the_sums_as_they_are_written() {
    if !available() {
        return;
    }
    for geometry in shapes() {
        let len = |channels: usize, [height, width]: [usize; 2]| {
            geometry.batch * geometry.groups * channels * height * width
        };
        let image = numbers(len(geometry.image_channels, geometry.image), 4);
        let map = numbers(len(geometry.map_channels, geometry.map), 5);
        // SAFETY: the matrix unit is available.
        #[allow(unsafe_code)]
        let [found, again] = [(); 2].map(|()| unsafe { by_weights(&geometry, &image, &map) });
        assert_eq!(found, again, "the same from run to run");
        let error = difference(&found, &directly(&geometry, &image, &map));
        assert!(error < 1e-5, "{error} in {geometry:?}");
    }
}

#[test]
fn what_is_not_a_number_stays_where_it_belongs() {
    if !available() {
        return;
    }
    let geometry = geometry([16, 16], 20, 3, 1, 1);
    let (pass, weights) = (geometry.forward(), numbers(geometry.weight_len(), 6));
    let plane = 400;
    let mut source = numbers(2 * 16 * plane, 7);
    source[5 * plane + 10 * 20 + 10] = f32::NAN;
    let with_nan = carry_out(Algorithm::Amx, &pass, &source, &weights, Finish::default());
    for (i, value) in with_nan.iter().enumerate() {
        let (image, y, x) = (i / (16 * plane), i / 20 % 20, i % 20);
        let reached = image == 0 && (9..=11).contains(&y) && (9..=11).contains(&x);
        assert_eq!(value.is_nan(), reached, "image {image}, y {y}, x {x}");
    }
    // What one run leaves in the buffers does not reach the next.
    source[5 * plane + 10 * 20 + 10] = 0.0;
    let map = numbers(2 * 16 * plane, 8);
    // SAFETY: the matrix unit is available.
    #[allow(unsafe_code)]
    let gradient = unsafe { by_weights(&geometry, &source, &map) };
    let after = carry_out(Algorithm::Amx, &pass, &source, &weights, Finish::default());
    assert!(after.iter().chain(&gradient).all(|value| value.is_finite()));
}
