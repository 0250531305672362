//! EDS element maps of an alloy with carbides and oxides: few X-ray counts, blurred by the interaction volume.
//!
//! The true composition of a pixel is that of the volume that its X-rays come from, after the blur by that volume and
//! before anything is counted: what an ideal measurement of that pixel would give. Topography and dose change how much is
//! counted and not what is there. An element's atoms give X-rays by its [`YIELD`], so that a pixel's counts are not in
//! proportion to its atoms, and continuum radiation adds to all.

use super::blob::Blob;
use super::cells::Cells;
use super::dice::Dice;
use super::field::{Field, Noise, blur, noise_plane};
use super::kind::{Sample, calibrated};
use ndarray::{Array2, Array3, Axis, Zip};

pub(super) const ELEMENTS: [&str; 8] = ["C", "O", "Al", "Si", "Ti", "Cr", "Fe", "Ni"];

/// Counts that an atom gives, relative to iron's. Soft X-rays are absorbed in the specimen and the detector's window: of
/// carbon less than half is left, of oxygen three quarters, which makes carbides and oxides about stoichiometric.
const YIELD: [f32; 8] = [0.45, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];

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
    let shape = (ELEMENTS.len(), size[0], size[1]);
    let (mut image, mut composition) = (Array3::zeros(shape), Array3::zeros(shape));
    let planes = image.axis_iter_mut(Axis(0)).zip(composition.axis_iter_mut(Axis(0)));
    for (element, (mut plane, mut atoms)) in planes.enumerate() {
        let [in_matrix, in_carbide, in_oxide] = phases.map(|phase| phase[element]);
        let continuum = dice.between(0.015, 0.05);
        Zip::from(&mut plane).and(&mut atoms).and(&carbide).and(&oxide).and(&topography).for_each(
            |counts, atoms, &c, &o, &height| {
                let c = c * (1.0 - o);
                let share = in_matrix * (1.0 - c - o).max(0.0) + in_carbide * c + in_oxide * o;
                *atoms = share / YIELD[element];
                *counts = dice.poisson(dose * height * (share + continuum)).min(65535.0);
            },
        );
    }
    let sums = composition.sum_axis(Axis(0));
    composition.axis_iter_mut(Axis(0)).for_each(|mut plane| plane /= &sums);
    let channel_names = ELEMENTS.map(str::to_owned).to_vec();
    let nm_per_px = dice.log_between(20.0, 300.0).round();
    let calibration = calibrated(nm_per_px);
    Sample { image, labels, channel_names, calibration, composition: Some(composition) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::Kind;

    /// Mean composition of the pixels of a class, all of whose neighbours within 6 px are of it too: past the blur.
    fn inside(sample: &Sample, class: u16) -> Option<Vec<f32>> {
        let (height, width) = sample.labels.dim();
        let pure = |y: usize, x: usize| {
            (y - 6..=y + 6).all(|v| (x - 6..=x + 6).all(|u| sample.labels[[v, u]] == class))
        };
        let places: Vec<_> = (6..height - 6)
            .flat_map(|y| (6..width - 6).map(move |x| (y, x)))
            .filter(|&(y, x)| pure(y, x))
            .collect();
        let composition = sample.composition.as_ref()?;
        let mean = |element: usize| {
            let sum: f32 = places.iter().map(|&(y, x)| composition[[element, y, x]]).sum();
            sum / places.len() as f32
        };
        (places.len() > 10).then(|| (0..8).map(mean).collect())
    }

    #[test]
    fn every_pixel_s_composition_sums_to_one() {
        for index in 0..4 {
            let composition = Kind::Eds.sample(1, index, [40, 56]).composition.unwrap();
            assert_eq!(composition.dim(), (8, 40, 56));
            assert!(composition.iter().all(|share| (0.0..=1.0).contains(share)));
            assert!(composition.sum_axis(Axis(0)).iter().all(|sum| (sum - 1.0).abs() < 1e-5));
        }
        assert!(Kind::Grains.sample(1, 0, [8, 8]).composition.is_none());
    }

    #[test]
    fn phases_are_made_of_what_they_are_called_after() {
        let (mut carbides, mut oxides) = (0, 0);
        for index in 0..24 {
            let sample = Kind::Eds.sample(4, index, [160, 160]);
            let [carbon, oxygen, aluminium, silicon, titanium, chromium, iron, nickel] =
                [0, 1, 2, 3, 4, 5, 6, 7];
            let matrix = inside(&sample, 0).unwrap();
            assert!(matrix[iron] + matrix[nickel] > 0.5, "{matrix:?}");
            if let Some(carbide) = inside(&sample, 1) {
                carbides += 1;
                // TiC is half carbon, Cr₃C₂ two fifths.
                assert!((0.2..0.6).contains(&carbide[carbon]), "{carbide:?}");
                assert!(carbide[titanium] + carbide[chromium] > 0.35, "{carbide:?}");
            }
            if let Some(oxide) = inside(&sample, 2) {
                oxides += 1;
                // Al₂O₃ is three fifths oxygen, SiO₂ two thirds.
                assert!((0.38..0.7).contains(&oxide[oxygen]), "{oxide:?}");
                assert!(oxide[aluminium] + oxide[silicon] > 0.25, "{oxide:?}");
            }
        }
        assert!(carbides > 2 && oxides > 4, "{carbides} {oxides}");
    }

    #[test]
    fn counts_follow_the_composition_by_the_elements_yields() {
        // Over many pixels: the matrix's counts over yield, less the continuum, are in proportion to its atoms.
        let sample = Kind::Eds.sample(2, 0, [256, 256]);
        let composition = sample.composition.as_ref().unwrap();
        let total = |array: &Array3<f32>, element: usize| array.index_axis(Axis(0), element).sum();
        let ratio =
            |element: usize| total(&sample.image, element) / YIELD[element] / total(composition, element);
        // Iron and nickel are the strong lines, of which the continuum is a small part.
        let strong: Vec<usize> = (0..8).filter(|&e| total(composition, e) > 0.1 * 65536.0).collect();
        assert!(strong.len() >= 2);
        let ratios: Vec<f32> = strong.into_iter().map(ratio).collect();
        let (low, high) = ratios.iter().fold((f32::MAX, 0.0_f32), |(l, h), r| (l.min(*r), h.max(*r)));
        assert!(high / low < 1.35, "{ratios:?}");
    }
}
