//! What an electron microscope adds to a scene: edges, shading, probe, charging, scan faults and noise.

use super::dice::Dice;
use super::exact::exp32;
use super::field::{Field, Noise, blur, slope};
use ndarray::Array2;

/// How an outline shows in secondary electrons (Goldstein et al., Scanning Electron Microscopy, ch. 5): more
/// electrons leave near an edge, the detector's side is brighter, and charge darkens or brightens around it.
pub(super) struct Edge {
    /// Brightness just outside and just inside, in grey levels.
    pub(super) outside: f32,
    pub(super) inside: f32,
    /// How far it reaches, px.
    pub(super) width: f32,
    /// Grey levels between the side that faces the detector and the other.
    pub(super) relief: f32,
    /// Direction to the detector, `[cos, sin]`.
    pub(super) detector: [f32; 2],
}

impl Edge {
    /// Adds the edge of what `cover` (0..=1) covers to an image in grey levels.
    pub(super) fn add(&self, image: &mut Field, cover: &Field) {
        let near = blur(cover, self.width);
        let slopes = slope(&near, self.detector);
        // A straight edge blurred by sigma has the slope 0.4 / sigma and the value 1/2 on either side.
        let relief = self.relief * self.width / 0.4;
        ndarray::Zip::from(image).and(cover).and(&near).and(&slopes).for_each(
            |value, &inside, &near, &slope| {
                let outside = self.outside * 2.0 * near * (1.0 - inside);
                let within = self.inside * 2.0 * (1.0 - near) * inside;
                *value += outside + within - relief * slope;
            },
        );
    }
}

/// A detector and a scan with their faults; lengths in px, levels in grey levels of 255.
pub(super) struct Instrument {
    /// Standard deviation of the probe.
    pub(super) probe: f32,
    /// Unsharp masking in the microscope's own software, 0 for none.
    pub(super) sharpen: f32,
    /// Noise at the level 128: shot noise grows with the signal, read noise does not.
    pub(super) shot: f32,
    pub(super) read: f32,
    /// How much of a pixel's noise carries over to the next one of the line, 0..1.
    pub(super) persistence: f32,
    /// Difference of brightness across the picture.
    pub(super) shading: f32,
    /// How far lines slip sideways.
    pub(super) jitter: f32,
    /// Lines brighter and darker than their neighbours.
    pub(super) streaks: f32,
    /// Bands where the specimen charged up.
    pub(super) charging: f32,
}

impl Instrument {
    /// An ordinary session at the microscope; `contrast` is what separates the classes, in grey levels, and `clarity`
    /// the least and most that it is over the noise.
    pub(super) fn any(contrast: f32, clarity: [f32; 2], dice: &mut Dice) -> Self {
        let noise = (contrast / dice.log_between(clarity[0], clarity[1])).clamp(1.0, 24.0);
        let shot_share = dice.between(0.5, 0.95);
        let sometimes = |dice: &mut Dice, chance: f32, low: f32, high: f32| {
            if dice.chance(chance) { dice.between(low, high) } else { 0.0 }
        };
        Self {
            probe: dice.log_between(0.4, 2.0),
            sharpen: sometimes(dice, 0.3, 0.2, 1.5),
            shot: noise * shot_share,
            read: noise * (1.0 - shot_share * shot_share).sqrt(),
            persistence: sometimes(dice, 0.6, 0.0, 0.6),
            shading: contrast.min(50.0) * dice.between(0.0, 1.0),
            jitter: sometimes(dice, 0.4, 0.1, 0.6),
            streaks: noise * sometimes(dice, 0.5, 0.05, 0.5),
            charging: contrast.min(40.0) * sometimes(dice, 0.25, 0.2, 0.7),
        }
    }

    /// The picture this instrument takes of an ideal one: whole grey levels 0..=255.
    pub(super) fn expose(&self, ideal: &Field, dice: &mut Dice) -> Field {
        let mut image = blur(ideal, self.probe);
        if self.sharpen > 0.0 {
            let soft = blur(&image, 1.5 + self.probe);
            image.zip_mut_with(&soft, |value, soft| *value += self.sharpen * (*value - soft));
        }
        self.shade(&mut image, dice);
        self.scan(&mut image, dice);
        self.count(&mut image, dice);
        image
    }

    fn shade(&self, image: &mut Field, dice: &mut Dice) {
        let (height, width) = image.dim();
        let longest = height.max(width) as f32;
        let [cos, sin] = dice.heading();
        let clouds = Noise(dice.bits());
        let cloud_share = dice.unit();
        for ((y, x), value) in image.indexed_iter_mut() {
            let (v, u) = (y as f32 / longest - 0.5, x as f32 / longest - 0.5);
            let ramp = u * cos + v * sin;
            *value +=
                self.shading * (ramp * (1.0 - cloud_share) + 0.5 * cloud_share * clouds.at(v * 2.0, u * 2.0));
        }
    }

    /// Line by line: slips, streaks, and bands of charge that fade along the slow direction.
    fn scan(&self, image: &mut Field, dice: &mut Dice) {
        let width = image.ncols();
        let (mut band, mut drift) = (0.0f32, 0.0f32);
        for mut row in image.rows_mut() {
            band *= 0.9;
            if dice.chance(0.02) {
                band += self.charging * dice.between(-0.5, 1.0);
            }
            drift = 0.7 * drift + dice.normal();
            let level = band + self.streaks * drift;
            let slip = self.jitter * dice.normal();
            let line: Vec<f32> = row.to_vec();
            for (x, value) in row.iter_mut().enumerate() {
                let from = (x as f32 + slip).clamp(0.0, (width - 1) as f32);
                let (left, part) = (from.floor() as usize, from.fract());
                *value = line[left] * (1.0 - part) + line[(left + 1).min(width - 1)] * part + level;
            }
        }
    }

    /// Noise and whole numbers.
    fn count(&self, image: &mut Field, dice: &mut Dice) {
        // Keeps the standard deviation while a part of each pixel's noise comes from the one before.
        let fresh = (1.0 - self.persistence * self.persistence).sqrt();
        for mut row in image.rows_mut() {
            let mut last = dice.normal();
            for value in &mut row {
                last = self.persistence * last + fresh * dice.normal();
                let shot = self.shot * (value.clamp(0.0, 255.0) / 128.0).sqrt();
                let noise = shot * last + self.read * dice.normal();
                *value = (*value + noise).round().clamp(0.0, 255.0);
            }
        }
    }
}

/// The bright trail that charge leaves along the scan line behind dark pores, 0..=1.
pub(super) fn trail(cover: &Field, length: f32) -> Field {
    let keep = exp32(-1.0 / length.max(1.0));
    let mut out = Array2::zeros(cover.dim());
    for (row, mut to) in cover.rows().into_iter().zip(out.rows_mut()) {
        let mut charge = 0.0f32;
        for (inside, value) in row.iter().zip(&mut to) {
            charge = (charge * keep).max(*inside);
            *value = charge * (1.0 - inside);
        }
    }
    out
}

/// A few polishing scratches, −1..=1: dark and bright straight lines of about a pixel.
pub(super) fn scratches(size: [usize; 2], count: usize, dice: &mut Dice) -> Field {
    let mut out = Array2::zeros(size);
    let [cos, sin] = dice.heading();
    for _ in 0..count {
        let [c, s] = if dice.chance(0.7) { [cos, sin] } else { dice.heading() };
        let (y0, x0) = (dice.unit() * size[0] as f32, dice.unit() * size[1] as f32);
        let (half, strength) = (dice.log_between(8.0, 300.0), dice.sign() * dice.between(0.3, 1.0));
        for ((y, x), value) in out.indexed_iter_mut() {
            let (dy, dx) = (y as f32 - y0, x as f32 - x0);
            let (along, across) = ((dx * c + dy * s).abs(), (dy * c - dx * s).abs());
            if across < 1.2 && along < half {
                *value += strength * (1.2 - across) * (1.0 - along / half).min(0.3);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> Instrument {
        Instrument {
            probe: 0.0,
            sharpen: 0.0,
            shot: 0.0,
            read: 0.0,
            persistence: 0.0,
            shading: 0.0,
            jitter: 0.0,
            streaks: 0.0,
            charging: 0.0,
        }
    }

    #[test]
    fn a_perfect_instrument_shows_the_scene_clipped_to_bytes() {
        let scene = ndarray::array![[10.2f32, -5.0], [300.0, 128.5]];
        let seen = quiet().expose(&scene, &mut Dice::new(1, 1, 1));
        assert_eq!(seen, ndarray::array![[10.0, 0.0], [255.0, 129.0]]);
    }

    #[test]
    fn the_noise_is_as_strong_as_asked() {
        let scene = Array2::from_elem((200, 200), 128.0);
        for persistence in [0.0, 0.5] {
            let seen = Instrument { shot: 3.0, read: 4.0, persistence, ..quiet() }
                .expose(&scene, &mut Dice::new(1, 1, 1));
            assert!((seen.std(0.0) - 5.0).abs() < 0.2, "{}", seen.std(0.0));
        }
    }

    #[test]
    fn an_edge_is_bright_outside_and_untouched_far_away() {
        let cover = Array2::from_shape_fn((40, 40), |(_, x)| if x < 20 { 1.0 } else { 0.0 });
        let mut image = Array2::zeros((40, 40));
        let edge = Edge { outside: 10.0, inside: 0.0, width: 3.0, relief: 0.0, detector: [1.0, 0.0] };
        edge.add(&mut image, &cover);
        assert!((image[[20, 20]] - 10.0).abs() < 2.0, "{}", image[[20, 20]]);
        assert!(image[[20, 10]].abs() < 1e-6 && image[[20, 39]].abs() < 0.01);
    }

    #[test]
    fn charge_trails_to_the_right() {
        let mut cover = Array2::zeros((1, 10));
        cover[[0, 3]] = 1.0;
        let trail = trail(&cover, 2.0);
        assert_eq!(trail[[0, 2]], 0.0);
        assert!((trail[[0, 4]] - 0.606_53).abs() < 1e-4 && trail[[0, 5]] < trail[[0, 4]]);
    }
}
