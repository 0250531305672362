//! Held against NumPy, and against what must be so.
use super::*;
use ndarray::{Array2, array};

fn moved(movement: Movement, image: &Array2<f32>) -> Array2<f32> {
    let image = image.view().insert_axis(Axis(0));
    movement.of_image(image).index_axis_move(Axis(0), 0)
}

fn turned(degrees: f64) -> Movement {
    Movement { degrees, ..Movement::default() }
}

#[test]
fn quarter_turns_are_numpy_s_rot90() {
    // np.rot90(a, k) for k = 1, 2, 3.
    let image = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    assert_eq!(moved(turned(90.0), &image), array![[3.0, 6.0], [2.0, 5.0], [1.0, 4.0]]);
    assert_eq!(moved(turned(180.0), &image), array![[6.0, 5.0, 4.0], [3.0, 2.0, 1.0]]);
    assert_eq!(moved(turned(-90.0), &image), array![[4.0, 1.0], [5.0, 2.0], [6.0, 3.0]]);
    assert_eq!(moved(turned(360.0), &image), image);
}

#[test]
fn a_flip_comes_before_the_turn_and_the_shift_last() {
    let image = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let flip = |flip| Movement { flip, ..Movement::default() };
    assert_eq!(moved(flip(Flip::X), &image), array![[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]]);
    assert_eq!(moved(flip(Flip::Y), &image), array![[4.0, 5.0, 6.0], [1.0, 2.0, 3.0]]);
    let both = Movement { degrees: 90.0, ..flip(Flip::X) };
    assert_eq!(moved(both, &image), array![[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]);
    let all = Movement { shift: [0, 1], ..both };
    assert_eq!(moved(all, &image), array![[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]);
    assert_eq!(all.words(), "flipped left to right, rotated by 90°, shifted by 1 px right");
}

#[test]
fn beyond_the_border_comes_the_mirror_image() {
    // np.pad(a, (2, 0), mode="symmetric") and the first three.
    let image = array![[1.0, 2.0, 3.0]];
    let shift = |dx| Movement { shift: [0, dx], ..Movement::default() };
    assert_eq!(moved(shift(2), &image), array![[2.0, 1.0, 1.0]]);
    assert_eq!(moved(shift(-1), &image), array![[2.0, 3.0, 3.0]]);
    assert!(shift(2).check([1, 3]).is_ok());
    let error = shift(-3).check([1, 3]).unwrap_err().to_string();
    assert!(error.ends_with("leaves nothing of an image of 3 × 1 px"), "{error}");
    assert!(turned(f64::NAN).check([1, 3]).is_err());
}

#[test]
fn other_angles_interpolate_about_the_middle() {
    // Along a slope the turned values are the slope's at the turned places, exactly.
    let image = Array2::from_shape_fn((21, 21), |(y, x)| 2.0 * y as f32 + 3.0 * x as f32);
    let found = moved(turned(30.0), &image);
    let (sin, cos) = 30_f64.to_radians().sin_cos();
    for (y, x) in [(10, 10), (8, 13), (14, 9)] {
        let (down, right) = (y as f64 - 10.0, x as f64 - 10.0);
        let (from_y, from_x) = (10.0 + cos * down + sin * right, 10.0 - sin * down + cos * right);
        let expected = 2.0 * from_y + 3.0 * from_x;
        assert!((f64::from(found[[y, x]]) - expected).abs() < 1e-4, "{y}, {x}");
    }
}

#[test]
fn the_way_back_is_the_way_back() {
    let movement = Movement { flip: Flip::Y, degrees: 33.0, shift: [4, -7] };
    let there = movement.of_positions([40, 30]);
    for place in [[0.0, 0.0], [12.5, 29.0]] {
        let again = there.back().at(there.at(place));
        assert!((again[0] - place[0]).abs() < 1e-9 && (again[1] - place[1]).abs() < 1e-9);
    }
    assert!(!movement.is_on_pixels() && !movement.is_still() && turned(720.0).is_still());
    assert_eq!(Movement::default().words(), "not moved");
}

#[test]
fn a_coarse_grid_is_met_by_shifts_of_its_own_step() {
    let grid = Grid { origin: [0.0; 2], scale: [4.0; 2] };
    let path = |shift: [i64; 2]| {
        let by = Movement { shift, ..Movement::default() }.of_positions([32, 32]);
        Path::between(by, grid, grid)
    };
    assert!(path([4, -8]).is_on_grid() && !path([2, 0]).is_on_grid());
    assert_eq!(path([4, -8]).at([3, 5]), [4.0, 3.0]);
    assert_eq!(path([2, 0]).at([0, 0]), [0.5, 0.0]);
}
