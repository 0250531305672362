//! SEM images of a polycrystal in channelling contrast, with grain boundaries and branching cracks.

use super::cells::Cells;
use super::dice::Dice;
use super::exact::direction;
use super::field::{Field, Noise, noise_plane};
use super::kind::Sample;
use super::optics::{Edge, Instrument, scratches};
use ndarray::{Array2, Zip};

/// Draws a sample: 0 grain interior, 1 grain boundary, 2 crack.
pub(super) fn draw(size: [usize; 2], dice: &mut Dice) -> Sample {
    let tissue = Tissue::any(size, dice);
    let mut cracks = Array2::zeros(size);
    if dice.chance(0.75) {
        for _ in 0..=dice.below(2) {
            crack(&mut cracks, dice);
        }
    }
    let contrast = dice.log_between(15.0, 80.0);
    let line = dice.between(0.35, 1.1) * contrast * if dice.chance(0.75) { -1.0 } else { 1.0 };
    let middle = dice.between(80.0, 170.0);
    let half = tissue.half_boundary;
    let (mut image, mut labels) = (Array2::zeros(size), Array2::zeros(size));
    Zip::indexed(&mut image).and(&mut labels).and(&cracks).for_each(|(y, x), value, label, &open| {
        let (grey, depth) = tissue.at(y as f32, x as f32);
        let boundary = (0.5 + half - depth).clamp(0.0, 1.0);
        *value = middle + contrast * grey + line * boundary;
        *label = if open > 0.5 { 2 } else { u16::from(depth < half) };
    });
    let texture = noise_plane(size, Noise(dice.bits()), dice.log_between(2.0, 20.0), 3);
    image.scaled_add(contrast * dice.between(0.0, 0.12), &texture);
    let lines = scratches(size, if dice.chance(0.4) { dice.below(5) } else { 0 }, dice);
    image.scaled_add(contrast * 0.5, &lines);
    open_cracks(&mut image, &cracks, middle - contrast, dice);
    let plane = Instrument::any(contrast, [1.6, 14.0], dice).expose(&image, dice);
    Sample::grey(plane, labels, "SE", (dice.log_between(20.0, 500.0)).round())
}

/// Grains with slightly bent borders.
struct Tissue {
    cells: Cells,
    bends: [Noise; 2],
    bend: f32,
    bend_scale: f32,
    /// Half the width of a boundary in px.
    half_boundary: f32,
    /// How much a grain's brightness changes across it.
    tilt: f32,
}

impl Tissue {
    fn any(size: [usize; 2], dice: &mut Dice) -> Self {
        let spacing = dice.log_between(16.0, 110.0);
        let irregular = [dice.between(0.6, 1.0), dice.between(0.0, 0.3)];
        Self {
            cells: Cells::new(size, spacing, irregular, dice),
            bends: [Noise(dice.bits()), Noise(dice.bits())],
            bend: spacing * dice.between(0.0, 0.1),
            bend_scale: spacing * dice.between(0.5, 1.2),
            half_boundary: 0.5 * dice.log_between(1.6, 5.0),
            tilt: dice.between(0.0, 0.3),
        }
    }

    /// Brightness −0.5..=0.5 and px to the boundary.
    fn at(&self, y: f32, x: f32) -> (f32, f32) {
        let [bent_y, bent_x] =
            self.bends.map(|noise| self.bend * noise.fractal(y / self.bend_scale, x / self.bend_scale, 2));
        let place = self.cells.at(y + bent_y, x + bent_x);
        let [c, s] = direction(place.unit(1));
        let across = (place.offset[1] * c + place.offset[0] * s) / 60.0;
        (place.unit(0) - 0.5 + self.tilt * across, place.depth)
    }
}

/// A tip of a crack under way.
struct Tip {
    at: [f32; 2],
    turns: f32,
    half_width: f32,
    left: f32,
}

/// A crack from somewhere: it wanders, gets narrower and branches.
fn crack(cover: &mut Field, dice: &mut Dice) {
    let (height, width) = cover.dim();
    let longest = height.max(width) as f32;
    let start = [dice.unit() * height as f32, dice.unit() * width as f32];
    let half_width = dice.log_between(1.0, 4.0);
    let wander = dice.between(0.01, 0.035);
    let branching = dice.between(0.0, 0.03);
    let mut tips =
        vec![Tip { at: start, turns: dice.unit(), half_width, left: longest * dice.between(0.4, 1.2) }];
    let mut drawn = 0;
    while let Some(mut tip) = tips.pop() {
        let thinning = (tip.half_width - 0.4) / tip.left.max(1.0);
        let main = tip.turns;
        while tip.left > 0.0 {
            disc(cover, tip.at, tip.half_width);
            let [c, s] = direction(tip.turns);
            tip.at = [tip.at[0] + s, tip.at[1] + c];
            tip.left -= 1.0;
            tip.half_width -= thinning;
            // Pulled back to its main direction, so that it does not curl up.
            tip.turns += wander * dice.normal() + 0.04 * (main - tip.turns);
            drawn += 1;
            if drawn < 6000 && tip.half_width > 0.9 && dice.chance(branching) {
                let turns = tip.turns + dice.sign() * dice.between(0.06, 0.2);
                let left = tip.left * dice.between(0.2, 0.6);
                tips.push(Tip { at: tip.at, turns, half_width: 0.7 * tip.half_width, left });
            }
        }
    }
}

fn disc(cover: &mut Field, at: [f32; 2], radius: f32) {
    let (height, width) = cover.dim();
    let range = |centre: f32, length: usize| {
        let from = (centre - radius - 1.0).floor().max(0.0) as usize;
        from..((centre + radius + 2.0).ceil().max(0.0) as usize).min(length)
    };
    for y in range(at[0], height) {
        for x in range(at[1], width) {
            let (dy, dx) = (y as f32 - at[0], x as f32 - at[1]);
            let inside = (0.5 + radius - (dy * dy + dx * dx).sqrt()).clamp(0.0, 1.0);
            let here = &mut cover[[y, x]];
            *here = here.max(inside);
        }
    }
}

/// Sinks the cracks to darkness and lights their lips.
fn open_cracks(image: &mut Field, cracks: &Field, darkest: f32, dice: &mut Dice) {
    let floor = (darkest * dice.between(0.1, 0.6)).max(0.0);
    image.zip_mut_with(cracks, |value, &open| *value += (floor - *value) * open);
    let lips = dice.between(0.0, 60.0);
    let edge = Edge {
        outside: lips,
        inside: 0.0,
        width: dice.between(1.0, 2.5),
        relief: lips * 0.3,
        detector: dice.heading(),
    };
    edge.add(image, cracks);
}
