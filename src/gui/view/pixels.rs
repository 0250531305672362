//! The colours of an image's pixels, averaged down to what a screen can show.
use super::picture::TILE;
use crate::imaging::{Colormap, Contrast, Display, Shades, Sum, Summand, Tinted};
use eframe::egui::{Color32, ColorImage};
use ndarray::ArrayView2;
use rayon::prelude::*;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A texel of a reduced picture is the mean of at most this many samples along each axis.
const SAMPLES: usize = 4;

/// What a picture shows, `[y, x]`.
#[derive(Clone, Copy)]
pub(in crate::gui) enum Pixels<'a> {
    /// With a straight curve.
    Values {
        values: ArrayView2<'a, f32>,
        contrast: Contrast,
        colormap: Colormap,
    },
    Toned {
        values: ArrayView2<'a, f32>,
        display: Display,
    },
    /// The sum of channels, all of the same shape.
    Composite {
        shape: [usize; 2],
        channels: &'a [Tinted<'a>],
    },
    Labels {
        labels: ArrayView2<'a, u16>,
        palette: &'a [Color32],
    },
}

/// A number that changes whenever a picture would look different.
pub(in crate::gui) fn stamp(parts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

/// The parts of a display that a [`stamp`] is made of.
pub(in crate::gui) fn display_parts(display: &Display) -> impl Hash + use<> {
    let Display { contrast, tone, colormap } = display;
    let numbers = [contrast.low, contrast.high, tone.gamma].map(f32::to_bits);
    (numbers, tone.logarithmic, tone.inverted, *colormap)
}

/// The tables that a picture's texels are looked up in.
enum Lookup<'a> {
    Values { values: ArrayView2<'a, f32>, shades: Shades, colours: Box<[Color32; Shades::LEVELS]> },
    Composite(Vec<(ArrayView2<'a, f32>, Summand)>),
    Labels { labels: ArrayView2<'a, u16>, palette: &'a [Color32] },
}

/// The pixels that a row of texels is the mean of: some rows, and some columns for each texel.
#[derive(Clone, Copy)]
struct Row<'a> {
    down: &'a [usize],
    across: &'a [Vec<usize>],
}

impl<'a> Pixels<'a> {
    pub(super) fn shape(&self) -> [usize; 2] {
        let (height, width) = match self {
            Self::Values { values, .. } | Self::Toned { values, .. } => values.dim(),
            Self::Composite { shape, .. } => return *shape,
            Self::Labels { labels, .. } => labels.dim(),
        };
        [height, width]
    }

    /// The tile of a level whose first texel is at `top`, `left` of that level.
    pub(super) fn render(&self, level: u32, top: usize, left: usize) -> ColorImage {
        let step = 1usize << level;
        let full = self.shape();
        let [height, width] = full.map(|side| side.div_ceil(step));
        let (rows, columns) = (TILE.min(height - top), TILE.min(width - left));
        let places = |first: usize, length: usize| {
            let samples = step.min(SAMPLES);
            let at = move |k: usize| first * step + (2 * k + 1) * step / (2 * samples);
            (0..samples).map(at).filter(|at| *at < length).collect::<Vec<_>>()
        };
        let across: Vec<Vec<usize>> = (left..left + columns).map(|x| places(x, full[1])).collect();
        let lookup = self.lookup();
        let mut texels = vec![Color32::TRANSPARENT; rows * columns];
        texels.par_chunks_exact_mut(columns.max(1)).enumerate().for_each(|(row, texels)| {
            let down = places(top + row, full[0]);
            lookup.fill(Row { down: &down, across: &across }, texels);
        });
        ColorImage::new([columns, rows], texels)
    }

    fn lookup(&self) -> Lookup<'a> {
        let of_values = |values: ArrayView2<'a, f32>, display: &Display| {
            let shades = display.shades();
            let rgb = shades.colours();
            let colour = |level: usize| Color32::from_rgb(rgb[level][0], rgb[level][1], rgb[level][2]);
            let colours = Box::new(std::array::from_fn(colour));
            Lookup::Values { values, shades, colours }
        };
        match self {
            Self::Values { values, contrast, colormap } => {
                of_values(*values, &Display::new(*contrast, *colormap))
            }
            Self::Toned { values, display } => of_values(*values, display),
            Self::Composite { shape, channels } => {
                let fits = |channel: &&Tinted<'_>| channel.values.dim() == (shape[0], shape[1]);
                let table = |channel: &Tinted<'a>| (channel.values, channel.summand());
                Lookup::Composite(channels.iter().filter(fits).map(table).collect())
            }
            Self::Labels { labels, palette } => Lookup::Labels { labels: *labels, palette },
        }
    }
}

impl Lookup<'_> {
    /// A row of texels.
    fn fill(&self, row: Row<'_>, texels: &mut [Color32]) {
        let (mut means, mut levels) = (vec![0.0; texels.len()], vec![0; texels.len()]);
        match self {
            Self::Values { values, shades, colours } => {
                row.means(*values, &mut means);
                shades.levels(&means, &mut levels);
                for (texel, level) in texels.iter_mut().zip(levels) {
                    *texel = colours[usize::from(level) % Shades::LEVELS];
                }
            }
            Self::Composite(channels) if channels.is_empty() => texels.fill(Color32::BLACK),
            Self::Composite(channels) => {
                let mut sums = vec![Sum::default(); texels.len()];
                for (values, summand) in channels {
                    row.means(*values, &mut means);
                    summand.add(&means, &mut levels, &mut sums);
                }
                for (texel, sum) in texels.iter_mut().zip(sums) {
                    let [r, g, b] = sum.rgb();
                    *texel = Color32::from_rgb(r, g, b);
                }
            }
            Self::Labels { labels, palette } => {
                for (texel, across) in texels.iter_mut().zip(row.across) {
                    *texel = mean_colour(*labels, palette, row.down, across);
                }
            }
        }
    }
}

impl Row<'_> {
    /// Mean of each texel's samples that are numbers; NaN where none is.
    fn means(self, values: ArrayView2<'_, f32>, means: &mut [f32]) {
        let one_to_one = self.down.len() == 1 && self.across.iter().all(|across| across.len() == 1);
        if let ([y], Some(first), true) = (self.down, self.across.first(), one_to_one)
            && let Some(pixels) = values.row(*y).to_slice()
            && let Some(pixels) = pixels.get(first[0]..first[0] + means.len())
            && self.across.last().is_some_and(|last| last[0] + 1 == first[0] + means.len())
        {
            means.copy_from_slice(pixels);
            return;
        }
        for (texel, across) in means.iter_mut().zip(self.across) {
            *texel = mean(values, self.down, across);
        }
    }
}

/// The mean of the samples that are numbers; NaN where none is.
fn mean(values: ArrayView2<'_, f32>, down: &[usize], across: &[usize]) -> f32 {
    let (mut sum, mut count) = (0.0, 0.0);
    for &y in down {
        for &x in across {
            let value = values[[y, x]];
            if !value.is_nan() {
                sum += value;
                count += 1.0;
            }
        }
    }
    if count > 0.0 { sum / count } else { f32::NAN }
}

fn mean_colour(
    labels: ArrayView2<'_, u16>,
    palette: &[Color32],
    down: &[usize],
    across: &[usize],
) -> Color32 {
    let mut sum = [0u32; 4];
    let mut count = 0;
    for &y in down {
        for &x in across {
            let colour = palette.get(usize::from(labels[[y, x]])).copied().unwrap_or_default();
            for (total, part) in sum.iter_mut().zip(colour.to_array()) {
                *total += u32::from(part);
            }
            count += 1;
        }
    }
    let [r, g, b, a] = sum.map(|total| (total / count.max(1)) as u8);
    Color32::from_rgba_premultiplied(r, g, b, a)
}

/// A map `[y, x]` as a picture of `size` `[width, height]`: averaged down or repeated up.
pub(in crate::gui) fn mean_picture(
    map: ArrayView2<'_, f32>,
    size: [usize; 2],
    contrast: Contrast,
    colormap: Colormap,
) -> Vec<Color32> {
    let lookup = Pixels::Values { values: map, contrast, colormap }.lookup();
    let (height, width) = map.dim();
    let places = |cell: usize, cells: usize, length: usize| -> Vec<usize> {
        let step = length as f64 / cells as f64;
        let samples = (step.ceil() as usize).clamp(1, SAMPLES);
        let at = |k: usize| (cell as f64 + (k as f64 + 0.5) / samples as f64) * step;
        (0..samples).map(|k| (at(k) as usize).min(length.saturating_sub(1))).collect()
    };
    let across: Vec<Vec<usize>> = (0..size[0]).map(|x| places(x, size[0], width)).collect();
    let mut picture = vec![Color32::TRANSPARENT; size[0] * size[1]];
    for (y, texels) in picture.chunks_exact_mut(size[0].max(1)).enumerate() {
        let down = places(y, size[1], height);
        lookup.fill(Row { down: &down, across: &across }, texels);
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{ChannelColour, NOT_A_NUMBER, Tone};
    use ndarray::Array2;

    fn grey(values: &Array2<f32>) -> Pixels<'_> {
        let contrast = Contrast { low: 0.0, high: 255.0 };
        Pixels::Values { values: values.view(), contrast, colormap: Colormap::Grey }
    }

    #[test]
    fn a_reduced_level_is_the_mean_of_its_pixels() {
        let values =
            Array2::from_shape_vec((2, 4), vec![0.0, 100.0, 8.0, 8.0, 100.0, 200.0, 8.0, 8.0]).unwrap();
        let image = grey(&values).render(1, 0, 0);
        assert_eq!(image.size, [2, 1]);
        assert_eq!(image.pixels, [Color32::from_gray(100), Color32::from_gray(8)]);
    }

    #[test]
    fn odd_edges_keep_their_pixels() {
        let values = Array2::from_elem((3, 5), 40.0);
        let image = grey(&values).render(1, 0, 0);
        assert_eq!(image.size, [3, 2]);
        assert!(image.pixels.iter().all(|texel| *texel == Color32::from_gray(40)));
    }

    #[test]
    fn a_small_picture_is_averaged_and_a_large_one_repeated() {
        let map = Array2::from_shape_vec((1, 4), vec![0.0, 100.0, 30.0, 50.0]).unwrap();
        let contrast = Contrast { low: 0.0, high: 255.0 };
        let greys = |size| mean_picture(map.view(), size, contrast, Colormap::Grey);
        assert_eq!(greys([2, 1]), [Color32::from_gray(50), Color32::from_gray(40)]);
        assert_eq!(greys([8, 1])[2..4], [Color32::from_gray(100); 2]);
    }

    #[test]
    fn labels_without_a_colour_are_clear() {
        let labels = Array2::from_shape_vec((1, 2), vec![1, 7]).unwrap();
        let palette = [Color32::TRANSPARENT, Color32::RED];
        let image = Pixels::Labels { labels: labels.view(), palette: &palette }.render(0, 0, 0);
        assert_eq!(image.pixels, [Color32::RED, Color32::TRANSPARENT]);
    }

    #[test]
    fn missing_values_have_their_colour_and_do_not_spread() {
        let nan = f32::NAN;
        let values =
            Array2::from_shape_vec((2, 4), vec![nan, 100.0, nan, nan, 100.0, 100.0, nan, nan]).unwrap();
        let [r, g, b] = NOT_A_NUMBER;
        let missing = Color32::from_rgb(r, g, b);
        assert_eq!(grey(&values).render(0, 0, 0).pixels[..2], [missing, Color32::from_gray(100)]);
        assert_eq!(grey(&values).render(1, 0, 0).pixels, [Color32::from_gray(100), missing]);
    }

    #[test]
    fn a_composite_adds_its_channels_at_every_level() {
        let (first, second) = (Array2::from_elem((2, 2), 40.0), Array2::from_elem((2, 2), 1.0));
        let tinted = |values, high, colour, gamma| Tinted {
            values,
            contrast: Contrast { low: 0.0, high },
            tone: Tone { gamma, ..Tone::default() },
            colour,
        };
        // 255 · 0.4 = 102 of green; 1 of 4 to the power of a half is a half, 127.5 of magenta, rounded up.
        let channels = [
            tinted(first.view(), 100.0, ChannelColour::Green, 1.0),
            tinted(second.view(), 4.0, ChannelColour::Magenta, 0.5),
        ];
        let pixels = Pixels::Composite { shape: [2, 2], channels: &channels };
        let expected = Color32::from_rgb(128, 102, 128);
        assert_eq!(pixels.render(0, 0, 0).pixels, [expected; 4]);
        assert_eq!(pixels.render(1, 0, 0).pixels, [expected]);
        let none = Pixels::Composite { shape: [2, 2], channels: &[] };
        assert_eq!(none.render(0, 0, 0).pixels, [Color32::BLACK; 4]);
    }
}
