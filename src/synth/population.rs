//! Families of particles: how large, how long, how close, and where they swarm.

use super::blob::Blob;
use super::dice::Dice;
use super::exact::direction;
use super::field::{Field, Noise};

/// Particles of one family.
pub(super) struct Population {
    /// Median diameter in px and its spread in the logarithm.
    diameter: f32,
    spread: f32,
    /// Length over breadth.
    aspect: f32,
    /// Share of the picture's area to fill.
    area: f32,
    /// 0: any direction, 1: all alike within a colony.
    aligned: f32,
    lobes: f32,
    squareness: u8,
    /// Px between neighbours; negative lets them grow together.
    gap: f32,
    /// Particles come in swarms this many px wide; 0 for evenly.
    swarm: f32,
    /// How many bodies a particle is grown together from.
    bodies: usize,
}

impl Population {
    /// Anything from fine to coarse, round to rod, single to grown together.
    pub(super) fn any(dice: &mut Dice) -> Self {
        let long = dice.chance(0.3);
        Self {
            diameter: dice.log_between(3.5, 90.0),
            spread: dice.between(0.1, 0.6),
            aspect: if long { dice.log_between(2.0, 9.0) } else { dice.between(1.0, 1.7) },
            area: dice.log_between(0.02, 0.4),
            aligned: dice.unit(),
            lobes: dice.between(0.0, 0.22),
            squareness: [2, 2, 4, 8][dice.below(4)],
            gap: dice.between(-3.0, 4.0),
            swarm: if dice.chance(0.35) { dice.log_between(20.0, 120.0) } else { 0.0 },
            bodies: if dice.chance(0.25) { 2 + dice.below(4) } else { 1 },
        }
    }

    /// Small round ones in swarms, as in the channels between large γ′; `diameter` is the median in px.
    pub(super) fn fine(diameter: f32, dice: &mut Dice) -> Self {
        Self {
            diameter,
            spread: dice.between(0.15, 0.4),
            aspect: dice.between(1.0, 1.3),
            area: dice.log_between(0.005, 0.06),
            aligned: 0.0,
            lobes: 0.05,
            squareness: 2,
            gap: dice.between(1.5, 4.0),
            swarm: dice.log_between(30.0, 90.0),
            bodies: 1,
        }
    }

    /// Adds particles to `cover` until the area is filled or no more places are found.
    pub(super) fn scatter(&self, cover: &mut Field, dice: &mut Dice) {
        let (height, width) = cover.dim();
        let pixels = (height * width) as f32;
        let (swarms, colonies) = (Noise(dice.bits()), Noise(dice.bits()));
        let one = 0.785 * self.diameter * self.diameter;
        let tries = (3.0 * self.area * pixels / one).ceil().min(20_000.0) as usize + 4;
        let (mut filled, main) = (0.0, dice.unit());
        for _ in 0..tries {
            if filled > self.area * pixels {
                return;
            }
            let centre = [dice.unit() * height as f32, dice.unit() * width as f32];
            if self.swarm > 0.0 && swarms.at(centre[0] / self.swarm, centre[1] / self.swarm) < 0.15 {
                continue;
            }
            let colony = colonies.at(centre[0] / 90.0, centre[1] / 90.0);
            let turns = main + 0.3 * colony + (1.0 - self.aligned) * dice.unit();
            let diameter = dice.log_normal(self.diameter, self.spread).clamp(2.5, 130.0);
            let bodies = self.bodies(centre, diameter, turns, dice);
            if !bodies.iter().any(|body| body.touches(cover, self.gap)) {
                for body in &bodies {
                    body.paint(cover);
                }
                filled += 0.785 * diameter * diameter;
            }
        }
    }

    /// The bodies of one particle of a diameter.
    fn bodies(&self, centre: [f32; 2], diameter: f32, turns: f32, dice: &mut Dice) -> Vec<Blob> {
        let stretch = self.aspect.sqrt();
        let count = if diameter > 12.0 { self.bodies } else { 1 };
        let share = if count > 1 { 0.6 } else { 1.0 };
        (0..count)
            .map(|k| {
                let away = if k == 0 { 0.0 } else { diameter * share * dice.between(0.3, 0.55) };
                let [c, s] = dice.heading();
                let radius = 0.5 * diameter * share * if k == 0 { 1.0 } else { dice.between(0.5, 1.0) };
                let mut blob = Blob::ellipse(
                    [centre[0] + away * s, centre[1] + away * c],
                    [radius * stretch, (radius / stretch).max(0.9)],
                    direction(turns),
                );
                blob.squareness = self.squareness;
                if radius > 3.0 { blob.wavy(self.lobes, dice) } else { blob }
            })
            .collect()
    }
}

/// Coarse blocks, spheroids and colonies of rods, coarse first so that fine ones keep off them.
pub(super) fn spheroidite(cover: &mut Field, dice: &mut Dice) {
    let scale = dice.log_between(0.6, 2.0);
    let coarse = Population {
        diameter: scale * dice.between(25.0, 60.0),
        spread: 0.35,
        aspect: dice.between(1.0, 1.6),
        area: dice.between(0.0, 0.08),
        aligned: 0.0,
        lobes: 0.2,
        squareness: [2, 4, 8][dice.below(3)],
        gap: 1.0,
        swarm: 0.0,
        bodies: 1 + dice.below(3),
    };
    let spheroids = Population {
        diameter: scale * dice.between(4.0, 14.0),
        spread: dice.between(0.3, 0.6),
        aspect: dice.between(1.1, 1.8),
        area: dice.between(0.03, 0.14),
        lobes: 0.12,
        squareness: [2, 4][dice.below(2)],
        gap: dice.between(-1.5, 2.0),
        bodies: 1 + dice.below(2),
        ..Population::fine(6.0, dice)
    };
    let rods = Population {
        diameter: scale * dice.between(4.0, 9.0),
        spread: 0.3,
        aspect: dice.between(2.5, 7.0),
        area: dice.between(0.0, 0.05),
        aligned: 0.97,
        squareness: 4,
        gap: 1.5,
        swarm: dice.between(40.0, 110.0),
        ..Population::fine(6.0, dice)
    };
    coarse.scatter(cover, dice);
    Population { swarm: if dice.chance(0.3) { spheroids.swarm } else { 0.0 }, ..spheroids }
        .scatter(cover, dice);
    rods.scatter(cover, dice);
}
