//! How an image is moved: flipped, rotated, shifted, and the way back.
use super::AnalysisError;
use ndarray::{Array3, ArrayView2, ArrayView3, Axis};
use rayon::prelude::*;
use serde::Serialize;

/// Nearer than this to a whole number, in px, a place is on the grid.
const ON_GRID: f64 = 1e-6;

/// Which way an image is mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Flip {
    #[default]
    None,
    /// Left and right change places.
    X,
    /// Top and bottom change places.
    Y,
}

/// A movement T of an image: flipped, then rotated, then shifted.
///
/// Quarter turns move pixels onto pixels, and the picture takes the other format. Other angles turn about the middle of
/// a picture that keeps its size; the pixels between are found by bilinear interpolation, which smooths. What comes in
/// from beyond the border is the image's mirror image, its border pixels repeated.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Movement {
    /// First.
    pub flip: Flip,
    /// Counter-clockwise, as seen on a screen; second.
    pub degrees: f64,
    /// Down and to the right in px of the network's input, `[y, x]`; last.
    pub shift: [i64; 2],
}

impl Movement {
    /// Whether nothing moves.
    #[must_use]
    pub fn is_still(&self) -> bool {
        self.flip == Flip::None && self.turns() == Some(0) && self.shift == [0, 0]
    }

    /// Whether every pixel comes to lie on a pixel, so that nothing is interpolated.
    #[must_use]
    pub fn is_on_pixels(&self) -> bool {
        self.turns().is_some()
    }

    /// Quarter turns, 0 to 3; `None` for angles between.
    fn turns(&self) -> Option<u8> {
        let turns = self.degrees / 90.0;
        (turns.is_finite() && turns.fract() == 0.0).then(|| turns.rem_euclid(4.0) as u8)
    }

    /// Such as "flipped left to right, rotated by 90°, shifted by 3 px down and 1 px left".
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        match self.flip {
            Flip::None => {}
            Flip::X => words.push("flipped left to right".to_owned()),
            Flip::Y => words.push("flipped upside down".to_owned()),
        }
        if self.turns() != Some(0) {
            words.push(format!("rotated by {}°", self.degrees));
        }
        let [down, right] = self.shift;
        let side = |by: i64, names: [&str; 2]| {
            (by != 0).then(|| format!("{} px {}", by.unsigned_abs(), names[usize::from(by < 0)]))
        };
        let parts: Vec<String> =
            [side(down, ["down", "up"]), side(right, ["right", "left"])].into_iter().flatten().collect();
        if !parts.is_empty() {
            words.push(format!("shifted by {}", parts.join(" and ")));
        }
        if words.is_empty() { "not moved".to_owned() } else { words.join(", ") }
    }

    /// Size `[y, x]` of the moved image.
    pub(super) fn moved_size(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        if self.turns().is_some_and(|turns| turns % 2 == 1) { [width, height] } else { [height, width] }
    }

    /// An error where nothing of an image of `size` `[y, x]` would be left, or the angle is no number.
    pub(super) fn check(&self, size: [usize; 2]) -> Result<(), AnalysisError> {
        if !self.degrees.is_finite() {
            return Err(AnalysisError::Place(format!("An image cannot be rotated by {}°", self.degrees)));
        }
        let moved = self.moved_size(size);
        let gone = |axis: usize| self.shift[axis].unsigned_abs() >= moved[axis] as u64;
        if gone(0) || gone(1) {
            let ([down, right], [height, width]) = (self.shift, moved);
            let what = format!(
                "A shift by {down} px down and {right} px right leaves nothing of an image of {width} × {height} px"
            );
            return Err(AnalysisError::Place(what));
        }
        Ok(())
    }

    /// Where positions of an image of `size` go.
    pub(super) fn of_positions(&self, size: [usize; 2]) -> Affine {
        let (sin, cos) = match self.turns() {
            Some(0) => (0.0, 1.0),
            Some(1) => (1.0, 0.0),
            Some(2) => (0.0, -1.0),
            Some(_) => (-1.0, 0.0),
            None => self.degrees.to_radians().sin_cos(),
        };
        let [down, across] = match self.flip {
            Flip::None => [1.0, 1.0],
            Flip::X => [1.0, -1.0],
            Flip::Y => [-1.0, 1.0],
        };
        // Rows are counted downwards: counter-clockwise, what is on the right comes up.
        let turn = [[cos * down, -sin * across], [sin * down, cos * across]];
        let half = |size: [usize; 2]| size.map(|length| length as f64 / 2.0);
        let (before, after) = (half(size), half(self.moved_size(size)));
        let along = |axis: usize| {
            let middle = turn[axis][0] * before[0] + turn[axis][1] * before[1];
            after[axis] + self.shift[axis] as f64 - middle
        };
        Affine { turn, by: [along(0), along(1)] }
    }

    /// The moved image `[channel, y, x]`.
    pub(super) fn of_image(&self, image: ArrayView3<'_, f32>) -> Array3<f32> {
        let (channels, height, width) = image.dim();
        let size = [height, width];
        let [rows, columns] = self.moved_size(size);
        let mut moved = Array3::zeros((channels, rows, columns));
        if image.is_empty() {
            return moved;
        }
        let back = Path::between(self.of_positions(size).back(), Grid::PIXELS, Grid::PIXELS);
        for (plane, mut moved) in image.outer_iter().zip(moved.outer_iter_mut()) {
            let lines: Vec<_> = moved.axis_iter_mut(Axis(0)).enumerate().collect();
            lines.into_par_iter().for_each(|(y, mut line)| {
                for (x, value) in line.iter_mut().enumerate() {
                    *value = between(plane, back.at([y, x]), mirrored);
                }
            });
        }
        moved
    }
}

/// Positions `[y, x]` to positions: `turn · position + by`, where `turn` keeps lengths. A pixel (i, j) spans i..i+1,
/// j..j+1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Affine {
    turn: [[f64; 2]; 2],
    by: [f64; 2],
}

impl Affine {
    pub(super) fn at(&self, [y, x]: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|axis| self.turn[axis][0] * y + self.turn[axis][1] * x + self.by[axis])
    }

    /// The way back.
    pub(super) fn back(&self) -> Self {
        let [[a, b], [c, d]] = self.turn;
        let turn = [[a, c], [b, d]];
        let by = [0, 1].map(|axis: usize| -(turn[axis][0] * self.by[0] + turn[axis][1] * self.by[1]));
        Self { turn, by }
    }
}

/// How the pixels of a plane lie: the first begins at `origin`, each is `scale` long, `[y, x]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Grid {
    pub(super) origin: [f64; 2],
    pub(super) scale: [f64; 2],
}

impl Grid {
    /// The image's own.
    pub(super) const PIXELS: Self = Self { origin: [0.0; 2], scale: [1.0; 2] };

    /// The middle of a pixel.
    pub(super) fn middle(&self, at: [usize; 2]) -> [f64; 2] {
        [0, 1].map(|axis: usize| self.origin[axis] + (at[axis] as f64 + 0.5) * self.scale[axis])
    }

    /// The index whose pixel's middle is at a position, between the pixels where it is not whole.
    pub(super) fn index(&self, position: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|axis: usize| (position[axis] - self.origin[axis]) / self.scale[axis] - 0.5)
    }
}

/// From the pixels of one grid to indices of another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path {
    first: [f64; 2],
    /// By one row on, and by one column.
    steps: [[f64; 2]; 2],
}

impl Path {
    pub(super) fn between(by: Affine, from: Grid, to: Grid) -> Self {
        let place = |at: [usize; 2]| to.index(by.at(from.middle(at)));
        let first = place([0, 0]);
        let step = |at: [usize; 2]| {
            let next = place(at);
            [next[0] - first[0], next[1] - first[1]].map(tidy)
        };
        Self { steps: [step([1, 0]), step([0, 1])], first: first.map(tidy) }
    }

    pub(super) fn at(&self, [y, x]: [usize; 2]) -> [f64; 2] {
        [0, 1].map(|axis: usize| {
            self.first[axis] + y as f64 * self.steps[0][axis] + x as f64 * self.steps[1][axis]
        })
    }

    /// Whether every pixel comes to lie on a pixel.
    pub(super) fn is_on_grid(&self) -> bool {
        self.steps.iter().flatten().chain(&self.first).all(|place| place.fract() == 0.0)
    }
}

/// What is a whole number but for rounding, made one.
fn tidy(place: f64) -> f64 {
    if (place - place.round()).abs() < ON_GRID { place.round() } else { place }
}

/// The value of a plane between its pixels (bilinear); `pixel` says which one stands at an index outside.
pub(super) fn between(
    plane: ArrayView2<'_, f32>,
    [y, x]: [f64; 2],
    pixel: impl Fn(i64, usize) -> usize,
) -> f32 {
    let (low, part) = ([y.floor(), x.floor()], [y - y.floor(), x - x.floor()]);
    let row = |step: i64| pixel(low[0] as i64 + step, plane.nrows());
    let column = |step: i64| pixel(low[1] as i64 + step, plane.ncols());
    let first = plane[[row(0), column(0)]];
    if part == [0.0, 0.0] {
        return first;
    }
    let mix = |a: f32, b: f32, part: f64| f64::from(a) + f64::from(b - a) * part;
    let above = mix(first, plane[[row(0), column(1)]], part[1]);
    let below = mix(plane[[row(1), column(0)]], plane[[row(1), column(1)]], part[1]);
    (above + (below - above) * part[0]) as f32
}

/// The pixel that stands at an index of a row of `size` that is continued by its mirror images on both sides.
fn mirrored(index: i64, size: usize) -> usize {
    let size = size as i64;
    let place = index.rem_euclid(2 * size);
    (if place < size { place } else { 2 * size - 1 - place }) as usize
}

/// The pixel at an index, the last one beyond the border.
pub(super) fn clamped(index: i64, size: usize) -> usize {
    index.clamp(0, size as i64 - 1) as usize
}

#[cfg(test)]
mod tests {
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
}
