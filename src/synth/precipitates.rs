//! SEM images of two-phase alloys: γ′ in nickel, carbides in steel and what lies between, with pores.

use super::blob::Blob;
use super::cells::{Cells, Metric};
use super::dice::Dice;
use super::exact::direction;
use super::field::{Field, Noise, blur, noise_plane};
use super::kind::Sample;
use super::optics::{Edge, Instrument, scratches, trail};
use super::population::{Population, spheroidite};
use ndarray::{Array2, Zip};

/// What the specimen is like.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    /// Most of the area, in blocks with thin channels between them, and fine ones in the channels.
    Packed,
    /// Bright carbides of many sizes and rods in colonies, in a lath-like matrix.
    Spheroidite,
    /// One or two populations of anything.
    Scattered,
}

/// Draws a sample: 0 matrix, 1 precipitate, 2 pore.
pub(super) fn draw(size: [usize; 2], dice: &mut Dice) -> Sample {
    let style = match dice.below(10) {
        0..4 => Style::Packed,
        4..7 => Style::Spheroidite,
        _ => Style::Scattered,
    };
    let mut cover = Array2::zeros(size);
    match style {
        Style::Packed => {
            cover = packed(size, dice);
            if dice.chance(0.75) {
                let diameter = dice.log_between(3.5, 12.0);
                Population::fine(diameter, dice).scatter(&mut cover, dice);
            }
        }
        Style::Spheroidite => spheroidite(&mut cover, dice),
        Style::Scattered => {
            for _ in 0..=dice.below(2) {
                Population::any(dice).scatter(&mut cover, dice);
            }
        }
    }
    let pores = pores(size, dice);
    let labels = Zip::from(&cover).and(&pores).map_collect(|&solid, &pore| match (solid > 0.5, pore > 0.5) {
        (_, true) => 2,
        (true, false) => 1,
        (false, false) => 0,
    });
    let plane = photograph(style, &cover, &pores, dice);
    Sample::grey(plane, labels, "SE", (dice.log_between(5.0, 50.0) * 10.0).round() / 10.0)
}

/// Blocks between channels: Voronoi cells shrunk from their borders, bent by noise, rounded by a blur.
fn packed(size: [usize; 2], dice: &mut Dice) -> Field {
    let spacing = dice.log_between(14.0, 130.0);
    let metric = if dice.chance(0.5) { Metric::Square(dice.heading()) } else { Metric::Round };
    let irregular = [dice.between(0.3, 1.0), dice.between(0.0, 0.2)];
    let cells = Cells::new(size, spacing, irregular, dice).measured(metric);
    let (bend_y, bend_x, pools) = (Noise(dice.bits()), Noise(dice.bits()), Noise(dice.bits()));
    let bend = spacing * dice.between(0.0, 0.3);
    let bend_scale = spacing * dice.between(0.35, 0.9);
    let channel = spacing * dice.between(0.04, 0.17);
    let pooling = spacing * dice.between(0.0, 0.3);
    let raw = Array2::from_shape_fn(size, |(y, x)| {
        let (y, x) = (y as f32, x as f32);
        let bent_y = y + bend * bend_y.fractal(y / bend_scale, x / bend_scale, 2);
        let bent_x = x + bend * bend_x.fractal(y / bend_scale, x / bend_scale, 2);
        let place = cells.at(bent_y, bent_x);
        let pool = pools.at(y / (1.7 * spacing), x / (1.7 * spacing)).max(0.0);
        let half_channel = channel.max(0.8) + pooling * pool;
        (0.5 + place.depth - half_channel).clamp(0.0, 1.0)
    });
    let rounding = (spacing * dice.between(0.04, 0.14)).max(0.5);
    // A straight edge blurred by sigma has the slope 0.4 / sigma: scaled back to a soft edge of one pixel.
    blur(&raw, rounding).mapv(|v| (0.5 + (v - 0.5) * rounding * 2.5).clamp(0.0, 1.0))
}

/// Round to ragged holes, a few or none.
fn pores(size: [usize; 2], dice: &mut Dice) -> Field {
    let mut cover = Array2::zeros(size);
    if dice.chance(0.3) {
        return cover;
    }
    let pixels = (size[0] * size[1]) as f32;
    let count = 1 + (dice.log_between(0.3, 12.0) * pixels / 262_144.0) as usize;
    let middle = dice.log_between(4.0, 16.0);
    for _ in 0..count {
        let radius = dice.log_normal(middle, 0.5).clamp(2.0, 40.0);
        let aspect = dice.between(1.0, 1.5);
        let centre = [dice.unit() * size[0] as f32, dice.unit() * size[1] as f32];
        Blob::ellipse(centre, [radius * aspect, radius / aspect], dice.heading())
            .wavy(0.2, dice)
            .paint(&mut cover);
    }
    cover
}

/// Grey levels of the two phases, and how they are set off from each other.
struct Look {
    matrix: f32,
    precipitate: f32,
    edge: Edge,
    /// Strength of the matrix's and the precipitates' own texture, in grey levels.
    textures: [f32; 2],
}

impl Look {
    fn any(style: Style, dice: &mut Dice) -> Self {
        let contrast = match style {
            Style::Packed => dice.log_between(10.0, 80.0),
            Style::Spheroidite => dice.log_between(50.0, 120.0),
            Style::Scattered => dice.log_between(12.0, 120.0),
        };
        // Etched carbides and backscattered images are bright, secondary electrons of etched γ′ dark.
        let bright = dice.chance(match style {
            Style::Packed => 0.35,
            Style::Spheroidite => 0.9,
            Style::Scattered => 0.55,
        });
        let middle = dice.between(72.0 + contrast / 2.0, 222.0 - contrast / 2.0);
        let signed = if bright { contrast } else { -contrast };
        let halo = match style {
            Style::Packed => dice.between(-0.2, 1.2),
            Style::Spheroidite => dice.between(-0.6, 0.1),
            Style::Scattered => dice.between(-0.4, 0.7),
        };
        let edge = Edge {
            outside: contrast * halo,
            inside: contrast * dice.between(-0.15, 0.6),
            width: dice.log_between(1.0, 6.0),
            relief: contrast * dice.between(0.0, 0.5),
            detector: dice.heading(),
        };
        let rough =
            if style == Style::Spheroidite { dice.between(0.2, 0.75) } else { dice.between(0.0, 0.2) };
        let textures = [contrast * rough, contrast * dice.between(0.0, 0.12)];
        Self { matrix: middle - signed / 2.0, precipitate: middle + signed / 2.0, edge, textures }
    }
}

/// The image of a scene, in whole grey levels.
fn photograph(style: Style, cover: &Field, pores: &Field, dice: &mut Dice) -> Field {
    let size = [cover.nrows(), cover.ncols()];
    let look = Look::any(style, dice);
    let contrast = (look.precipitate - look.matrix).abs();
    let laths = laths(size, style == Style::Spheroidite || dice.chance(0.25), dice);
    let grain = noise_plane(size, Noise(dice.bits()), dice.log_between(3.0, 30.0), 3);
    let mut image = Zip::from(cover).and(&laths).and(&grain).map_collect(|&solid, &lath, &grain| {
        let matrix = look.matrix + look.textures[0] * lath;
        let precipitate = look.precipitate + look.textures[1] * grain;
        matrix + (precipitate - matrix) * solid
    });
    look.edge.add(&mut image, cover);
    let lines = scratches(size, if dice.chance(0.4) { dice.below(6) } else { 0 }, dice);
    image.scaled_add(contrast * 0.6, &lines);
    sink_pores(&mut image, pores, look.matrix.min(look.precipitate), dice);
    let clarity = if style == Style::Spheroidite { [4.0, 25.0] } else { [1.6, 14.0] };
    Instrument::any(contrast, clarity, dice).expose(&image, dice)
}

/// Dark holes with a rim bright from charge, and its trail along the scan.
fn sink_pores(image: &mut Field, pores: &Field, darkest: f32, dice: &mut Dice) {
    let floor = darkest * dice.between(0.05, 0.4);
    let (rim, width) = (dice.between(0.0, 70.0), dice.log_between(1.0, 3.0));
    let tail = if dice.chance(0.3) { dice.between(5.0, 30.0) } else { 0.0 };
    let trail = trail(pores, dice.log_between(3.0, 30.0));
    Zip::from(&mut *image).and(pores).and(&trail).for_each(|value, &pore, &trail| {
        *value += (floor - *value) * pore + tail * trail;
    });
    Edge { outside: rim, inside: 0.0, width, relief: rim * 0.3, detector: dice.heading() }.add(image, pores);
}

/// The matrix's own texture, about −1..=1: laths that run another way in every colony, or soft clouds.
fn laths(size: [usize; 2], streaky: bool, dice: &mut Dice) -> Field {
    let noise = Noise(dice.bits());
    let breadth = dice.log_between(2.0, 8.0);
    if !streaky {
        return noise_plane(size, noise, breadth * 3.0, 3);
    }
    let length = breadth * dice.between(2.0, 6.0);
    let (spacing, irregular) = (dice.between(40.0, 130.0), [1.0, 0.2]);
    let colonies = Cells::new(size, spacing, irregular, dice);
    let bend = Noise(dice.bits());
    Array2::from_shape_fn(size, |(y, x)| {
        let (y, x) = (y as f32, x as f32);
        let bent = 14.0 * bend.fractal(y / 25.0, x / 25.0, 2);
        let colony = colonies.at(y + bent, x - bent);
        let [c, s] = direction(colony.unit(0));
        let (along, across) = (x * c + y * s, y * c - x * s);
        0.85 * noise.fractal(across / breadth, along / length, 3) + 0.5 * (colony.unit(1) - 0.5)
    })
}
