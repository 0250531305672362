//! EDS element maps of an alloy with carbides and oxides: few X-ray counts, blurred by the interaction volume.

use super::blob::Blob;
use super::cells::Cells;
use super::dice::Dice;
use super::field::{Field, Noise, blur, noise_plane};
use super::kind::{Sample, calibrated};
use ndarray::{Array2, Array3, Axis, Zip};

const ELEMENTS: [&str; 8] = ["C", "O", "Al", "Si", "Ti", "Cr", "Fe", "Ni"];

/// Draws a sample: 0 matrix, 1 carbide, 2 oxide.
pub(super) fn draw(size: [usize; 2], dice: &mut Dice) -> Sample {
    let (carbides, oxides) = (carbides(size, dice), oxides(size, dice));
    let labels = Zip::from(&carbides).and(&oxides).map_collect(|&carbide, &oxide| {
        match (carbide > 0.5, oxide > 0.5) {
            (_, true) => 2,
            (true, false) => 1,
            (false, false) => 0,
        }
    });
    // X-rays come from a volume wider than the probe.
    let volume = dice.log_between(0.5, 2.2);
    let (carbide, oxide) = (blur(&carbides, volume), blur(&oxides, volume));
    let topography = noise_plane(size, Noise(dice.bits()), 60.0, 3).mapv(|v| 1.0 + 0.12 * v);
    let phases = phases(dice);
    let dose = dice.log_between(2.0, 14.0);
    let mut image = Array3::zeros((ELEMENTS.len(), size[0], size[1]));
    for (element, mut plane) in image.axis_iter_mut(Axis(0)).enumerate() {
        let [in_matrix, in_carbide, in_oxide] = phases.map(|phase| phase[element]);
        let continuum = dice.between(0.015, 0.05);
        Zip::from(&mut plane).and(&carbide).and(&oxide).and(&topography).for_each(
            |counts, &c, &o, &height| {
                let c = c * (1.0 - o);
                let share = in_matrix * (1.0 - c - o).max(0.0) + in_carbide * c + in_oxide * o;
                *counts = dice.poisson(dose * height * (share + continuum)).min(65535.0);
            },
        );
    }
    let channel_names = ELEMENTS.map(str::to_owned).to_vec();
    let nm_per_px = dice.log_between(20.0, 300.0).round();
    Sample { image, labels, channel_names, calibration: calibrated(nm_per_px) }
}

/// Counts of each element relative to the matrix's main line: matrix, carbide, oxide.
fn phases(dice: &mut Dice) -> [[f32; 8]; 3] {
    // C, O, Al, Si, Ti, Cr, Fe, Ni.
    let steel = [0.05, 0.04, 0.02, 0.04, 0.01, 0.3, 1.0, 0.12];
    let nickel = [0.05, 0.04, 0.12, 0.02, 0.04, 0.25, 0.08, 1.0];
    let titanium_carbide = [0.5, 0.03, 0.01, 0.01, 1.1, 0.1, 0.06, 0.05];
    let chromium_carbide = [0.45, 0.03, 0.01, 0.02, 0.02, 1.0, 0.3, 0.1];
    let alumina = [0.06, 1.0, 0.9, 0.03, 0.02, 0.08, 0.07, 0.05];
    let silicate = [0.06, 1.1, 0.15, 0.8, 0.03, 0.15, 0.12, 0.04];
    let matrix = if dice.chance(0.5) { steel } else { nickel };
    let carbide = if dice.chance(0.5) { titanium_carbide } else { chromium_carbide };
    let oxide = if dice.chance(0.6) { alumina } else { silicate };
    [matrix, carbide, oxide].map(|phase: [f32; 8]| phase.map(|share| share * dice.between(0.8, 1.25)))
}

/// Blocks, and films along grain boundaries.
fn carbides(size: [usize; 2], dice: &mut Dice) -> Field {
    let mut cover = Array2::zeros(size);
    scatter(&mut cover, dice.between(0.02, 0.12), [3.0, 16.0], [2, 4, 8][dice.below(3)], dice);
    if dice.chance(0.5) {
        let (spacing, irregular) = (dice.between(40.0, 110.0), [1.0, 0.15]);
        let cells = Cells::new(size, spacing, irregular, dice);
        let (patches, half) = (Noise(dice.bits()), dice.between(1.0, 2.5));
        for ((y, x), value) in cover.indexed_iter_mut() {
            let (y, x) = (y as f32, x as f32);
            if patches.at(y / 22.0, x / 22.0) > 0.0 {
                *value = value.max((0.5 + half - cells.at(y, x).depth).clamp(0.0, 1.0));
            }
        }
    }
    cover
}

/// Round inclusions.
fn oxides(size: [usize; 2], dice: &mut Dice) -> Field {
    let mut cover = Array2::zeros(size);
    scatter(&mut cover, dice.between(0.02, 0.1), [2.5, 18.0], 2, dice);
    cover
}

/// Wavy particles of radius `[least, most]` px until a share of the area is filled.
fn scatter(cover: &mut Field, area: f32, radii: [f32; 2], squareness: u8, dice: &mut Dice) {
    let (height, width) = cover.dim();
    let (mut filled, target) = (0.0, area * (height * width) as f32);
    while filled < target {
        let radius = dice.log_between(radii[0], radii[1]);
        let aspect = dice.between(1.0, 1.35);
        let centre = [dice.unit() * height as f32, dice.unit() * width as f32];
        let mut blob = Blob::ellipse(centre, [radius * aspect, radius / aspect], dice.heading());
        blob.squareness = squareness;
        blob.wavy(0.12, dice).paint(cover);
        filled += std::f32::consts::PI * radius * radius;
    }
}
