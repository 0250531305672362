//! Cuts a crop out of a training image and varies it: geometry moves image and labels together, grey levels change
//! the image alone.
use super::Augment;
use super::grey::vary_grey;
use super::held_out::Truth;
use ndarray::{Array2, Array3, ArrayView3};
use rand::RngExt;
use rand::rngs::StdRng;

/// Which part of an image a crop shows, and how it lies in it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Placement {
    /// Middle of the crop in the image, pixel centres at integers, `[y, x]`.
    centre: [f32; 2],
    /// From an offset in the crop to one in the image, rows (y, x).
    matrix: [[f32; 2]; 2],
    /// Samples a crop pixel averages along each axis, so that shrinking does not alias.
    samples: usize,
}

/// A crop `[channel, y, x]` of `size` with what is true of it: labels take the nearest pixel, maps of numbers are
/// interpolated as the image is. `pivot` is the grey level that a negative leaves where it is.
pub(super) fn crop(
    image: ArrayView3<'_, f32>,
    truth: &Truth,
    size: [usize; 2],
    how: (&Augment, f32),
    rng: &mut StdRng,
) -> (Array3<f32>, Truth) {
    let (augment, pivot) = how;
    let (_, height, width) = image.dim();
    let placement = Placement::draw([height, width], size, augment, rng);
    let mut crop = placement.image(image, size);
    let truth = match truth {
        Truth::Map(labels) => Truth::Map(placement.labels(labels, size)),
        Truth::Maps(maps) => Truth::Maps(placement.image(maps.view(), size)),
        whole @ (Truth::Class(_) | Truth::Numbers(_)) => whole.clone(),
    };
    vary_grey(&mut crop, augment, pivot, rng);
    (crop, truth)
}

impl Placement {
    fn draw(image: [usize; 2], size: [usize; 2], augment: &Augment, rng: &mut StdRng) -> Self {
        let turns = if augment.quarter_turns { rng.random_range(0..4) } else { 0 };
        let [flip_y, flip_x] = [0, 1].map(|_| if augment.flip && rng.random_bool(0.5) { -1.0 } else { 1.0 });
        let [low, high] = augment.scale;
        let varied = (low, high) != (1.0, 1.0) || augment.rotation > 0.0;
        let varied = varied && rng.random_bool(f64::from(augment.scale_chance));
        let (mut scale, mut angle) = (1.0, 0.0);
        if varied {
            scale = (low.ln() + rng.random::<f32>() * (high.ln() - low.ln())).exp();
            angle = (rng.random::<f32>() * 2.0 - 1.0) * augment.rotation.to_radians();
        }
        let (sin, cos) = quarter_turned(angle.sin_cos(), turns);
        let matrix =
            [[cos * flip_y / scale, -sin * flip_x / scale], [sin * flip_y / scale, cos * flip_x / scale]];
        let samples = if scale < 0.8 { (1.0 / scale).ceil() as usize } else { 1 };
        let centre = [0, 1].map(|axis| {
            let extent: f32 = (0..2).map(|i| matrix[axis][i].abs() * size[i] as f32).sum();
            let room = image[axis] as f32 - extent;
            let mut start = if room > 0.0 { rng.random::<f32>() * room } else { room / 2.0 };
            if !varied {
                // Whole pixels stay whole pixels, noise and all.
                start = start.round();
            }
            start + (extent - 1.0) / 2.0
        });
        Self { centre, matrix, samples }
    }

    /// Where an offset from the crop's middle lies in the image.
    fn at(&self, offset: [f32; 2]) -> [f32; 2] {
        [0, 1].map(|axis| {
            self.centre[axis] + self.matrix[axis][0] * offset[0] + self.matrix[axis][1] * offset[1]
        })
    }

    fn image(&self, image: ArrayView3<'_, f32>, size: [usize; 2]) -> Array3<f32> {
        let middle = size.map(|side| (side as f32 - 1.0) / 2.0);
        let channels = image.dim().0;
        let mut crop = Array3::zeros((channels, size[0], size[1]));
        let steps: Vec<f32> =
            (0..self.samples).map(|k| (k as f32 + 0.5) / self.samples as f32 - 0.5).collect();
        let share = 1.0 / (self.samples * self.samples) as f32;
        for y in 0..size[0] {
            for x in 0..size[1] {
                for (dy, dx) in steps.iter().flat_map(|dy| steps.iter().map(move |dx| (dy, dx))) {
                    let at = self.at([y as f32 - middle[0] + dy, x as f32 - middle[1] + dx]);
                    let bilinear = Bilinear::new(at, [image.dim().1, image.dim().2]);
                    for channel in 0..channels {
                        crop[[channel, y, x]] += share * bilinear.of(|y, x| image[[channel, y, x]]);
                    }
                }
            }
        }
        crop
    }

    fn labels(&self, labels: &Array2<u8>, size: [usize; 2]) -> Array2<u8> {
        let middle = size.map(|side| (side as f32 - 1.0) / 2.0);
        let (height, width) = labels.dim();
        Array2::from_shape_fn(size, |(y, x)| {
            let [y, x] = self.at([y as f32 - middle[0], x as f32 - middle[1]]);
            labels[[mirrored(y.round() as i64, height), mirrored(x.round() as i64, width)]]
        })
    }
}

/// Turns a direction by quarter turns, without rounding.
fn quarter_turned((sin, cos): (f32, f32), turns: u8) -> (f32, f32) {
    match turns {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

/// The index that mirroring at the edges leads to, the edge pixel repeated.
pub(super) fn mirrored(index: i64, length: usize) -> usize {
    let period = 2 * length as i64;
    let inside = index.rem_euclid(period);
    (if inside < length as i64 { inside } else { period - 1 - inside }) as usize
}

/// Four pixels and how much each counts.
struct Bilinear {
    rows: [usize; 2],
    columns: [usize; 2],
    part: [f32; 2],
}

impl Bilinear {
    fn new([y, x]: [f32; 2], [height, width]: [usize; 2]) -> Self {
        let (top, left) = (y.floor(), x.floor());
        let rows = [mirrored(top as i64, height), mirrored(top as i64 + 1, height)];
        let columns = [mirrored(left as i64, width), mirrored(left as i64 + 1, width)];
        Self { rows, columns, part: [y - top, x - left] }
    }

    fn of(&self, value: impl Fn(usize, usize) -> f32) -> f32 {
        let across = |row: usize| {
            let (left, right) = (value(row, self.columns[0]), value(row, self.columns[1]));
            left + self.part[1] * (right - left)
        };
        let (top, bottom) = (across(self.rows[0]), across(self.rows[1]));
        top + self.part[0] * (bottom - top)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Axis;
    use rand::SeedableRng;

    fn ramp(height: usize, width: usize) -> Array3<f32> {
        Array3::from_shape_fn((1, height, width), |(_, y, x)| (y * width + x) as f32)
    }

    fn labels_of(image: &Array3<f32>) -> Array2<u8> {
        image.index_axis(Axis(0), 0).mapv(|v| v as u8)
    }

    #[test]
    fn unscaled_crops_keep_their_pixels_and_their_labels() {
        let image = ramp(12, 16);
        let labels = Truth::Map(labels_of(&image));
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..40 {
            let mut rng = StdRng::seed_from_u64(seed);
            let (crop, cut) = crop(image.view(), &labels, [4, 4], (&Augment::default(), 0.5), &mut rng);
            assert_eq!(Truth::Map(labels_of(&crop)), cut);
            assert!(crop.iter().all(|v| v.fract() == 0.0), "whole pixels only");
            // Neighbours of the crop are neighbours of the image, whichever way it was turned.
            let step = (crop[[0, 0, 1]] - crop[[0, 0, 0]]).abs();
            assert!(step == 1.0 || step == 16.0);
            seen.insert((crop[[0, 0, 1]] - crop[[0, 0, 0]]) as i64);
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [-16, -1, 1, 16], "all four ways occur");
    }

    #[test]
    fn a_crop_larger_than_the_image_mirrors_its_edges() {
        let image = ramp(2, 2);
        let still = Augment { flip: false, quarter_turns: false, ..Augment::default() };
        let mut rng = StdRng::seed_from_u64(1);
        let (crop, _) = crop(image.view(), &Truth::Class(0), [4, 4], (&still, 0.5), &mut rng);
        let row = |y: usize| crop.index_axis(Axis(0), 0).row(y).to_vec();
        assert_eq!([row(0), row(1)], [[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]);
        assert_eq!([row(2), row(3)], [[2.0, 2.0, 3.0, 3.0], [2.0, 2.0, 3.0, 3.0]]);
    }

    #[test]
    fn magnified_crops_show_less_of_the_image() {
        // A slope along x of 1 a pixel has a slope of 1 / scale in the crop.
        let image = Array3::from_shape_fn((1, 64, 64), |(_, _, x)| x as f32);
        for scale in [0.5f32, 2.0] {
            let how = Augment {
                flip: false,
                quarter_turns: false,
                scale: [scale, scale],
                scale_chance: 1.0,
                ..Augment::default()
            };
            let mut rng = StdRng::seed_from_u64(3);
            let (crop, _) = crop(image.view(), &Truth::Class(0), [16, 16], (&how, 0.5), &mut rng);
            let slope = (crop[[0, 8, 12]] - crop[[0, 8, 4]]) / 8.0;
            assert!((slope - 1.0 / scale).abs() < 1e-4, "{slope}");
        }
    }

    #[test]
    fn turned_labels_follow_their_image() {
        let image = Array3::from_shape_fn((1, 60, 60), |(_, y, x)| if y > 30 && x > 20 { 1.0 } else { 0.0 });
        let labels = Truth::Map(labels_of(&image));
        let how = Augment { rotation: 30.0, scale: [0.7, 1.5], scale_chance: 1.0, ..Augment::default() };
        for seed in 0..10 {
            let mut rng = StdRng::seed_from_u64(seed);
            let (crop, cut) = crop(image.view(), &labels, [24, 24], (&how, 0.5), &mut rng);
            let Truth::Map(cut) = cut else { panic!("no labels") };
            let wrong = crop.iter().zip(cut).filter(|(v, l)| (**v > 0.5) != (*l == 1)).count();
            assert!(wrong <= 24, "{wrong} pixels differ beyond the edge's own");
        }
    }

    #[test]
    fn maps_of_numbers_move_as_their_image_does() {
        let image = ramp(40, 40);
        let maps = Truth::Maps(image.clone());
        let how = Augment { rotation: 20.0, scale: [0.7, 1.5], scale_chance: 1.0, ..Augment::default() };
        for seed in 0..5 {
            let mut rng = StdRng::seed_from_u64(seed);
            let (crop, cut) = crop(image.view(), &maps, [16, 16], (&how, 0.5), &mut rng);
            assert_eq!(Truth::Maps(crop), cut);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_crop() {
        let image = ramp(40, 40);
        let how = Augment {
            rotation: 10.0,
            scale: [0.5, 2.0],
            noise: 0.1,
            blur: 1.0,
            shading: 0.2,
            ..Augment::default()
        };
        let cut = |seed| {
            crop(image.view(), &Truth::Class(0), [16, 16], (&how, 0.5), &mut StdRng::seed_from_u64(seed)).0
        };
        assert_eq!(cut(7), cut(7));
        assert_ne!(cut(7), cut(8));
    }

    #[test]
    fn mirroring_repeats_the_edge() {
        let indices: Vec<usize> = (-4..8).map(|i| mirrored(i, 3)).collect();
        assert_eq!(indices, [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
        assert_eq!(mirrored(5, 1), 0);
    }
}
