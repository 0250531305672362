//! HAADF-STEM images of a crystal along a zone axis: columns of two atomic numbers, vacancies and a tilt boundary.
//!
//! Columns are Gaussians whose brightness goes with about Z^1.7 (Pennycook and Jesson, Ultramicroscopy 37, 1991).

use super::dice::Dice;
use super::exact::{direction, exp32};
use super::field::{Field, Noise, noise_plane};
use super::kind::Sample;
use ndarray::Array2;
use std::f32::consts::FRAC_1_SQRT_2;

/// Draws a sample: 0 background, 1 atomic column, 2 vacancy.
pub(super) fn draw(size: [usize; 2], dice: &mut Dice) -> Sample {
    let nm_per_px = (dice.log_between(0.01, 0.03) * 1000.0).round() / 1000.0;
    let crystal = Crystal::any(nm_per_px, dice);
    let sites = crystal.sites(size, dice);
    let scan = Scan::any(size, dice);
    let mut labels = Array2::zeros(size);
    let mut signal = noise_plane(size, Noise(dice.bits()), crystal.spacing * 2.5, 2)
        .mapv(|cloud| crystal.background * (1.0 + 0.25 * cloud));
    for site in &sites {
        site.label(&mut labels, &crystal, &scan);
        site.add(&mut signal, &crystal, &scan);
    }
    let thickness = noise_plane(size, Noise(dice.bits()), size[0].max(size[1]).max(64) as f32, 1);
    let plane = expose(&signal, &thickness, dice);
    Sample::grey(plane, labels, "HAADF", nm_per_px)
}

/// One site of the crystal's motif.
#[derive(Clone, Copy)]
struct Motif {
    /// In units of the cell, `[along the first edge, along the second]`.
    at: [f32; 2],
    brightness: f32,
}

struct Crystal {
    /// Edges of the cell in px, `[y, x]`, before rotation.
    cell: [[f32; 2]; 2],
    motif: Vec<Motif>,
    /// Px between nearest columns.
    spacing: f32,
    /// Standard deviation of a column in px.
    sigma: f32,
    background: f32,
    /// Share of sites without atoms, and what is seen there of a full column.
    vacancies: f32,
    remainder: f32,
}

impl Crystal {
    /// Perovskite, rock salt or a hexagonal metal, at a pixel size.
    fn any(nm_per_px: f32, dice: &mut Dice) -> Self {
        let light = dice.between(0.3, 0.75);
        let full = Motif { at: [0.0, 0.0], brightness: 1.0 };
        let middle = |brightness| Motif { at: [0.5, 0.5], brightness };
        let (edge_nm, shape, motif, nearest) = match dice.below(3) {
            // A-site and B-site columns along [001].
            0 => (dice.between(0.37, 0.41), [1.0, 0.0, 1.0], vec![full, middle(light)], FRAC_1_SQRT_2),
            // One kind of column on a rectangle, as along [110], with a second one between.
            1 => (dice.between(0.28, 0.34), [1.0, 0.0, 1.414], vec![full, middle(light.max(0.5))], 0.866),
            // Rows of a hexagon.
            _ => (dice.between(0.25, 0.32), [1.0, 0.5, 0.866], vec![full], 1.0),
        };
        // Columns a little apart at every magnification: at least five px.
        let edge = (edge_nm / nm_per_px).max(5.0 / nearest);
        let spacing = edge * nearest;
        let cell = [[0.0, shape[0] * edge], [shape[2] * edge, shape[1] * edge]];
        Self {
            cell,
            motif,
            spacing,
            sigma: spacing * dice.between(0.16, 0.24),
            background: dice.between(0.05, 0.35),
            vacancies: dice.log_between(0.01, 0.06),
            remainder: dice.between(0.0, 0.15),
        }
    }

    /// Where the lattice turned by `turns` about the middle of the picture puts the columns it would have.
    fn lattice(&self, size: [usize; 2], turns: f32, shift: [f32; 2]) -> Vec<([f32; 2], Motif)> {
        let [c, s] = direction(turns);
        let [half_y, half_x] = size.map(|side| side as f32 / 2.0);
        let margin = self.spacing * 2.0;
        let reach = ((half_y * half_y + half_x * half_x).sqrt() + margin) / (0.6 * self.spacing);
        let reach = reach.ceil() as i32;
        let mut sites = Vec::new();
        for i in -reach..=reach {
            for j in -reach..=reach {
                for motif in &self.motif {
                    let (a, b) = (i as f32 + motif.at[0] + shift[0], j as f32 + motif.at[1] + shift[1]);
                    let y = a * self.cell[0][0] + b * self.cell[1][0];
                    let x = a * self.cell[0][1] + b * self.cell[1][1];
                    let at = [half_y + x * s + y * c, half_x + x * c - y * s];
                    if at[0].abs().max((at[0] - 2.0 * half_y).abs()) < 2.0 * half_y + margin
                        && at[1].abs().max((at[1] - 2.0 * half_x).abs()) < 2.0 * half_x + margin
                    {
                        sites.push((at, *motif));
                    }
                }
            }
        }
        sites
    }

    /// The columns of two grains on the two sides of a boundary, some of them missing.
    fn sites(&self, size: [usize; 2], dice: &mut Dice) -> Vec<Site> {
        let boundary = Boundary::any(size, dice);
        let turns = dice.unit();
        let other = turns + if boundary.present { dice.sign() * dice.between(0.02, 0.12) } else { 0.0 };
        let shift = [dice.unit(), dice.unit()];
        let static_shift = self.spacing * dice.between(0.0, 0.03);
        let mut sites: Vec<Site> = Vec::new();
        for (side, turns) in [(1.0, turns), (-1.0, other)] {
            for (at, motif) in self.lattice(size, turns, shift) {
                let distance = side * boundary.side(at);
                // A third of a spacing is left on either side, so that columns of the two grains do not overlap.
                if distance < if boundary.present { 0.33 * self.spacing } else { 0.0 } {
                    continue;
                }
                let missing = dice.chance(self.vacancies);
                let brightness = motif.brightness * (1.0 + 0.06 * dice.normal()).max(0.5);
                let at = at.map(|v| v + static_shift * dice.normal());
                sites.push(Site { at, brightness, missing });
            }
        }
        sites
    }
}

/// A gently bent line between two grains.
struct Boundary {
    present: bool,
    through: [f32; 2],
    normal: [f32; 2],
    bend: Noise,
    bend_scale: f32,
    bend_px: f32,
}

impl Boundary {
    fn any(size: [usize; 2], dice: &mut Dice) -> Self {
        let longest = size[0].max(size[1]) as f32;
        Self {
            present: dice.chance(0.7),
            through: size.map(|side| side as f32 * dice.between(0.25, 0.75)),
            normal: dice.heading(),
            bend: Noise(dice.bits()),
            bend_scale: longest.max(32.0) * 0.4,
            bend_px: longest * dice.between(0.0, 0.06),
        }
    }

    /// Px from the boundary, positive in the first grain; without a boundary everything is far inside it.
    fn side(&self, [y, x]: [f32; 2]) -> f32 {
        if !self.present {
            return 1e6;
        }
        let (dy, dx) = (y - self.through[0], x - self.through[1]);
        let along = (dy * self.normal[0] - dx * self.normal[1]) / self.bend_scale;
        dx * self.normal[0] + dy * self.normal[1] + self.bend_px * self.bend.at(along, 0.5)
    }
}

/// One column, or the place where one is missing.
struct Site {
    /// `[y, x]` in px before the scan bends the picture.
    at: [f32; 2],
    brightness: f32,
    missing: bool,
}

impl Site {
    /// Marks the column's disc; neighbours keep what is theirs.
    fn label(&self, labels: &mut Array2<u16>, crystal: &Crystal, scan: &Scan) {
        let radius = (1.35 * crystal.sigma).min(0.42 * crystal.spacing).max(1.2);
        let class = if self.missing { 2 } else { 1 };
        scan.near(self.at, radius, labels.dim(), |y, x, square| {
            if square <= radius * radius {
                labels[[y, x]] = class;
            }
        });
    }

    /// Adds the column's Gaussian to the signal.
    fn add(&self, signal: &mut Field, crystal: &Crystal, scan: &Scan) {
        let share = if self.missing { crystal.remainder } else { 1.0 };
        let falloff = -0.5 / (crystal.sigma * crystal.sigma);
        scan.near(self.at, 3.5 * crystal.sigma, signal.dim(), |y, x, square| {
            signal[[y, x]] += share * self.brightness * exp32(falloff * square);
        });
    }
}

/// How drift and scan noise bend the picture: px that each line is moved sideways, and drift along the slow axis.
struct Scan {
    /// Sideways for each line.
    lines: Vec<f32>,
    /// Slow-axis stretch, such as 0.01.
    stretch: f32,
}

impl Scan {
    fn any(size: [usize; 2], dice: &mut Dice) -> Self {
        let (shear, sway) = (dice.between(-0.03, 0.03), dice.between(0.0, 4.0));
        let (jitter, noise) = (dice.between(0.0, 0.35), Noise(dice.bits()));
        let lines = (0..size[0])
            .map(|y| shear * y as f32 + sway * noise.at(y as f32 / 90.0, 0.5) + jitter * dice.normal())
            .collect();
        Self { lines, stretch: dice.between(-0.02, 0.02) }
    }

    /// Calls `visit(y, x, squared distance)` for the pixels within about `reach` px of a place on the specimen.
    fn near(&self, at: [f32; 2], reach: f32, size: (usize, usize), mut visit: impl FnMut(usize, usize, f32)) {
        let middle = at[0] * (1.0 + self.stretch);
        let range = |centre: f32, length: usize| {
            let from = (centre - reach).ceil().max(0.0) as usize;
            from..((centre + reach).floor() + 1.0).max(0.0).min(length as f32) as usize
        };
        for y in range(middle, size.0) {
            let centre = at[1] + self.lines[y];
            let dy = y as f32 - middle;
            for x in range(centre, size.1) {
                let dx = x as f32 - centre;
                visit(y, x, dy * dy + dx * dx);
            }
        }
    }
}

/// Electrons counted under a changing thickness and a flickering source, with the detector's offset.
fn expose(signal: &Field, thickness: &Field, dice: &mut Dice) -> Field {
    let electrons = dice.log_between(12.0, 1500.0);
    let counts_per_electron = dice.log_between(1.0, 20.0);
    let offset = dice.between(0.0, 400.0).round();
    let wedge = dice.between(0.0, 0.35);
    let flicker = dice.between(0.0, 0.04);
    let mut plane = Array2::zeros(signal.dim());
    for (y, mut row) in plane.rows_mut().into_iter().enumerate() {
        let beam = electrons * (1.0 + flicker * dice.normal());
        for (x, value) in row.iter_mut().enumerate() {
            let seen = signal[[y, x]].max(0.0) * (1.0 + wedge * thickness[[y, x]]).max(0.2);
            let counted = dice.poisson(beam * seen);
            *value = (counted * counts_per_electron + offset).round().clamp(0.0, 65535.0);
        }
    }
    plane
}
