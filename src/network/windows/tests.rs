//! Windows by hand.
use super::*;

fn repeat(windows: &Windows, scale: i64) -> Option<Windows> {
    let spot = Spot { centred: false, rounding: Some(Nearest::Floor), reach: 0, widens: false };
    windows.sample(Sampling { inputs: 1, outputs: scale, spot })
}

fn interpolate(windows: &Windows, [inputs, outputs]: [i64; 2], reach: i64, widens: bool) -> Windows {
    let spot = Spot { centred: true, rounding: None, reach, widens };
    windows.sample(Sampling { inputs, outputs, spot }).unwrap()
}

fn slide(kernel: i64, stride: i64, padding: i64, dilation: i64) -> Slide {
    Slide { kernel, stride, padding, dilation }
}

fn first(windows: &Windows, count: i64) -> Vec<Window> {
    (0..count).map(|i| windows.at(i).unwrap()).collect()
}

#[test]
fn a_strided_dilated_convolution_reads_its_taps() {
    let windows = Windows::identity().slide(slide(3, 2, 1, 2)).unwrap();
    assert_eq!(first(&windows, 3), [Some((-1, 3)), Some((1, 5)), Some((3, 7))]);
    assert_eq!((windows.jump(), windows.span()), (2.0, (-1.0, 5.0, 5.0)));
}

#[test]
fn two_by_two_transposed_pairs_read_one_input() {
    let windows = Windows::identity().spread(slide(2, 2, 0, 1)).unwrap();
    assert_eq!(first(&windows, 4), [Some((0, 0)), Some((0, 0)), Some((1, 1)), Some((1, 1))]);
    // Output 1 lies at ½ and reads [0, 1), so the span that fits all outputs begins at −½ and is 1½ long.
    assert_eq!((windows.jump(), windows.span()), (0.5, (-0.5, 1.5, 1.0)));
    assert_eq!(windows, repeat(&Windows::identity(), 2).unwrap());
}

#[test]
fn a_transposed_kernel_of_3_reads_one_or_two_inputs() {
    // kernel 3, stride 2, padding 1: output o meets input i where o + 1 = 2i + k, k in 0..3.
    // o = 0: (i 0, k 1); o = 1: (i 1, k 0) and (i 0, k 2); o = 2: (i 1, k 1).
    let windows = Windows::identity().spread(slide(3, 2, 1, 1)).unwrap();
    assert_eq!(first(&windows, 4), [Some((0, 0)), Some((0, 1)), Some((1, 1)), Some((1, 2))]);
}

#[test]
fn outputs_that_a_small_transposed_kernel_leaves_out_read_nothing() {
    let windows = Windows::identity().spread(slide(1, 2, 0, 1)).unwrap();
    assert_eq!(first(&windows, 3), [Some((0, 0)), None, Some((1, 1))]);
    // A 3-wide convolution behind it reads one or two.
    let behind = windows.slide(slide(3, 1, 1, 1)).unwrap();
    assert_eq!(first(&behind, 3), [Some((0, 0)), Some((0, 1)), Some((1, 1))]);
}

#[test]
fn dilated_transposed_taps_skip_inputs() {
    // kernel 2, stride 2, dilation 4: output o meets i = o/2 and i = o/2 − 2 for even o, none for odd o.
    let windows = Windows::identity().spread(slide(2, 2, 0, 4)).unwrap();
    assert_eq!(first(&windows, 3), [Some((-2, 0)), None, Some((-1, 1))]);
}

#[test]
fn bilinear_upsampling_reads_both_neighbours() {
    // By 2, output 0 lies at −¼ and output 1 at ¼.
    let windows = interpolate(&Windows::identity(), [1, 2], 1, false);
    assert_eq!(first(&windows, 3), [Some((-1, 0)), Some((0, 1)), Some((0, 1))]);
    // By 3, output 1 lies on input 0.
    let windows = interpolate(&Windows::identity(), [1, 3], 1, false);
    assert_eq!(first(&windows, 4), [Some((-1, 0)), Some((0, 0)), Some((0, 1)), Some((0, 1))]);
}

#[test]
fn resampling_by_a_fraction_reads_what_lies_around_each_place() {
    // Two outputs for three inputs: places ¼ and 1¾, 3¼….
    let windows = interpolate(&Windows::identity(), [3, 2], 1, false);
    assert_eq!(first(&windows, 3), [Some((0, 1)), Some((1, 2)), Some((3, 4))]);
    // Antialiased, all within 1½: −1¼ to 1¾, and ¼ to 3¼.
    let windows = interpolate(&Windows::identity(), [3, 2], 1, true);
    assert_eq!(first(&windows, 2), [Some((-1, 1)), Some((1, 3))]);
    // Cubic by 2: two on both sides of −¼.
    let windows = interpolate(&Windows::identity(), [1, 2], 2, false);
    assert_eq!(first(&windows, 2), [Some((-2, 1)), Some((-1, 2))]);
    // Three means of five: 0 to 1⅔, 1⅔ to 3⅓, 3⅓ to 5.
    let windows = Windows::identity().sample(Sampling::shared(5, 3)).unwrap();
    assert_eq!(first(&windows, 3), [Some((0, 1)), Some((1, 3)), Some((3, 4))]);
    assert!((windows.jump() - 5.0 / 3.0).abs() < 1e-12);
    // Nearest of two outputs for three inputs, by halves: places 0 and 1½.
    let nearest = |rounding| {
        let spot = Spot { centred: false, rounding: Some(rounding), reach: 0, widens: false };
        let windows = Windows::identity().sample(Sampling { inputs: 3, outputs: 2, spot }).unwrap();
        windows.at(1).unwrap().unwrap().0
    };
    assert_eq!([Nearest::RoundPreferFloor, Nearest::RoundPreferCeil].map(nearest), [1, 2]);
}

#[test]
fn going_down_and_up_again_gives_a_short_period() {
    let down = Windows::identity().slide(slide(2, 2, 0, 1)).unwrap();
    let up = repeat(&down, 2).unwrap();
    assert_eq!(first(&up, 4), [Some((0, 1)), Some((0, 1)), Some((2, 3)), Some((2, 3))]);
    assert_eq!(up.slide(slide(2, 2, 0, 1)).unwrap(), down);
    let joined = up.union(&Windows::identity().slide(slide(3, 1, 1, 1)).unwrap()).unwrap();
    assert_eq!(first(&joined, 3), [Some((-1, 1)), Some((0, 2)), Some((1, 3))]);
}

#[test]
fn branches_that_drift_apart_and_endless_periods_see_everything() {
    let down = Windows::identity().slide(slide(2, 2, 0, 1)).unwrap();
    assert_eq!(down.union(&Windows::identity()), None);
    assert_eq!(repeat(&Windows::identity(), 65_535), None);
}
