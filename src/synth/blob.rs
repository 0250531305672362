//! Particles as outlines: superellipses with lobes, painted with soft edges.

use super::dice::Dice;
use super::field::Field;

/// A superellipse |u|ⁿ + |v|ⁿ = 1 whose radius also waves around it.
#[derive(Clone, Copy)]
pub(super) struct Blob {
    /// `[y, x]` in px.
    pub(super) centre: [f32; 2],
    /// Half the length and half the breadth in px.
    pub(super) half: [f32; 2],
    /// Direction of the length, `[cos, sin]`.
    pub(super) axis: [f32; 2],
    /// How square: n is 2, 4 or 8.
    pub(super) squareness: u8,
    /// Cosine and sine parts of 2, 3, 4 and 5 waves around the outline.
    pub(super) lobes: [[f32; 2]; 4],
}

impl Blob {
    /// An ellipse without lobes.
    pub(super) fn ellipse(centre: [f32; 2], half: [f32; 2], axis: [f32; 2]) -> Self {
        Self { centre, half, axis, squareness: 2, lobes: [[0.0; 2]; 4] }
    }

    /// The same with lobes up to `strength` of the radius, weaker the finer.
    pub(super) fn wavy(mut self, strength: f32, dice: &mut Dice) -> Self {
        for (k, wave) in self.lobes.iter_mut().enumerate() {
            let part = strength / (1.0 + 0.5 * k as f32);
            *wave = [dice.between(-part, part), dice.between(-part, part)];
        }
        self
    }

    /// Px from the outline, positive inside; right near the outline, rough far from it.
    pub(super) fn depth(&self, y: f32, x: f32) -> f32 {
        let (dy, dx) = (y - self.centre[0], x - self.centre[1]);
        let u = (dx * self.axis[0] + dy * self.axis[1]) / self.half[0];
        let v = (dy * self.axis[0] - dx * self.axis[1]) / self.half[1];
        let (uu, vv) = (u * u, v * v);
        let round = (uu + vv).sqrt();
        if round < 1e-6 {
            return self.half[0].min(self.half[1]);
        }
        let radius = match self.squareness {
            2 => round,
            4 => (uu * uu + vv * vv).sqrt().sqrt(),
            _ => (uu * uu * uu * uu + vv * vv * vv * vv).sqrt().sqrt().sqrt(),
        };
        let (c, s) = (u / round, v / round);
        let (mut ck, mut sk, mut wave) = (c, s, 1.0);
        for [a, b] in self.lobes {
            (ck, sk) = (ck * c - sk * s, sk * c + ck * s);
            wave += a * ck + b * sk;
        }
        // Px per unit of radius in this direction: the distance from the centre.
        (wave - radius) / radius * (dy * dy + dx * dx).sqrt()
    }

    /// Distance beyond which nothing of it is.
    fn reach(&self) -> f32 {
        let waves: f32 = self.lobes.iter().map(|[a, b]| (a * a + b * b).sqrt()).sum();
        // A square's corner is farther than its side.
        let corner = if self.squareness == 2 { 1.0 } else { 1.42 };
        self.half[0].max(self.half[1]) * (1.0 + waves) * corner + 1.5
    }

    /// Rows and columns it may cover, `[from, to)`, widened by `margin` px.
    fn bounds(&self, size: (usize, usize), margin: f32) -> [[usize; 2]; 2] {
        let reach = self.reach() + margin;
        let range = |centre: f32, length: usize| {
            let from = (centre - reach).floor().max(0.0) as usize;
            let to = (centre + reach).ceil().max(0.0) as usize + 1;
            [from.min(length), to.min(length)]
        };
        [range(self.centre[0], size.0), range(self.centre[1], size.1)]
    }

    /// Raises `cover` (0..=1) to this particle's where it lies.
    pub(super) fn paint(&self, cover: &mut Field) {
        let [rows, columns] = self.bounds(cover.dim(), 0.0);
        for y in rows[0]..rows[1] {
            for x in columns[0]..columns[1] {
                let inside = (0.5 + self.depth(y as f32, x as f32)).clamp(0.0, 1.0);
                let here = &mut cover[[y, x]];
                *here = here.max(inside);
            }
        }
    }

    /// Whether it comes nearer than `gap` px to what is covered; a negative gap lets it overlap that much.
    pub(super) fn touches(&self, cover: &Field, gap: f32) -> bool {
        let [rows, columns] = self.bounds(cover.dim(), gap.max(0.0));
        (rows[0]..rows[1]).any(|y| {
            (columns[0]..columns[1]).any(|x| cover[[y, x]] > 0.5 && self.depth(y as f32, x as f32) > -gap)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn a_disc_covers_its_area() {
        let mut cover = Array2::zeros((64, 64));
        Blob::ellipse([31.5, 31.5], [20.0, 20.0], [1.0, 0.0]).paint(&mut cover);
        let expected = std::f32::consts::PI * 400.0;
        assert!((cover.sum() / expected - 1.0).abs() < 0.01, "{} for {expected}", cover.sum());
        assert_eq!(cover[[31, 31]], 1.0);
        assert_eq!(cover[[5, 31]], 0.0);
    }

    #[test]
    fn a_square_one_fills_its_corners() {
        let mut square = Blob::ellipse([20.0, 20.0], [10.0, 10.0], [1.0, 0.0]);
        assert!(square.depth(12.0, 12.0) < 0.0);
        square.squareness = 8;
        assert!(square.depth(12.0, 12.0) > 0.0);
    }

    #[test]
    fn the_axis_turns_the_length() {
        let upright = Blob::ellipse([20.0, 20.0], [10.0, 2.0], [0.0, 1.0]);
        assert!(upright.depth(28.0, 20.0) > 0.0);
        assert!(upright.depth(20.0, 28.0) < 0.0);
    }

    #[test]
    fn neighbours_are_noticed_within_the_gap() {
        let mut cover = Array2::zeros((64, 64));
        Blob::ellipse([32.0, 20.0], [8.0, 8.0], [1.0, 0.0]).paint(&mut cover);
        let near = Blob::ellipse([32.0, 40.0], [8.0, 8.0], [1.0, 0.0]);
        assert!(!near.touches(&cover, 2.0), "four pixels lie between them");
        assert!(near.touches(&cover, 6.0));
    }
}
