//! The colours of an image's pixels, averaged down to what a screen can show.
use super::picture::TILE;
use crate::imaging::{Colormap, Contrast};
use eframe::egui::{Color32, ColorImage};
use ndarray::ArrayView2;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A texel of a reduced picture is the mean of at most this many samples along each axis.
const SAMPLES: usize = 4;

/// What a picture shows, `[y, x]`.
#[derive(Clone, Copy)]
pub(in crate::gui) enum Pixels<'a> {
    Values { values: ArrayView2<'a, f32>, contrast: Contrast, colormap: Colormap },
    Labels { labels: ArrayView2<'a, u16>, palette: &'a [Color32] },
}

/// A number that changes whenever a picture would look different.
pub(in crate::gui) fn stamp(parts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

impl Pixels<'_> {
    pub(super) fn shape(&self) -> [usize; 2] {
        let (height, width) = match self {
            Self::Values { values, .. } => values.dim(),
            Self::Labels { labels, .. } => labels.dim(),
        };
        [height, width]
    }

    /// The tile of a level whose first texel is at `top`, `left` of that level.
    pub(super) fn render(&self, level: u32, top: usize, left: usize) -> ColorImage {
        let step = 1usize << level;
        let [height, width] = self.shape().map(|side| side.div_ceil(step));
        let (rows, columns) = (TILE.min(height - top), TILE.min(width - left));
        let mut texels = Vec::with_capacity(rows * columns);
        let places = |first: usize, length: usize| {
            let samples = step.min(SAMPLES);
            (0..samples)
                .map(|k| first * step + (2 * k + 1) * step / (2 * samples))
                .filter(|at| *at < length)
                .collect::<Vec<_>>()
        };
        let [full_height, full_width] = self.shape();
        let across: Vec<Vec<usize>> = (left..left + columns).map(|x| places(x, full_width)).collect();
        let lookup = self.lookup();
        for y in top..top + rows {
            let down = places(y, full_height);
            for right in &across {
                texels.push(self.texel(&down, right, &lookup));
            }
        }
        ColorImage::new([columns, rows], texels)
    }

    /// Colours of 256 brightnesses, or of the labels.
    fn lookup(&self) -> Vec<Color32> {
        match self {
            Self::Values { colormap, .. } => (0..=255u8)
                .map(|unit| {
                    let [r, g, b] = colormap.rgb(f32::from(unit) / 255.0);
                    Color32::from_rgb(r, g, b)
                })
                .collect(),
            Self::Labels { palette, .. } => palette.to_vec(),
        }
    }

    fn texel(&self, down: &[usize], across: &[usize], lookup: &[Color32]) -> Color32 {
        match self {
            Self::Values { values, contrast, .. } => {
                let (mut sum, mut count) = (0.0, 0.0);
                for &y in down {
                    for &x in across {
                        sum += values[[y, x]];
                        count += 1.0;
                    }
                }
                let mean = if count > 0.0 { sum / count } else { f32::NAN };
                lookup[(contrast.unit(mean) * 255.0 + 0.5) as usize]
            }
            Self::Labels { labels, .. } => {
                let mut sum = [0u32; 4];
                let mut count = 0;
                for &y in down {
                    for &x in across {
                        let colour = lookup.get(usize::from(labels[[y, x]])).copied().unwrap_or_default();
                        for (total, part) in sum.iter_mut().zip(colour.to_array()) {
                            *total += u32::from(part);
                        }
                        count += 1;
                    }
                }
                let [r, g, b, a] = sum.map(|total| (total / count.max(1)) as u8);
                Color32::from_rgba_premultiplied(r, g, b, a)
            }
        }
    }
}

/// A map `[y, x]` as a picture of `size` `[width, height]`: averaged down or repeated up.
pub(in crate::gui) fn mean_picture(
    map: ArrayView2<'_, f32>,
    size: [usize; 2],
    contrast: Contrast,
    colormap: Colormap,
) -> Vec<Color32> {
    let pixels = Pixels::Values { values: map, contrast, colormap };
    let lookup = pixels.lookup();
    let (height, width) = map.dim();
    let places = |cell: usize, cells: usize, length: usize| -> Vec<usize> {
        let step = length as f64 / cells as f64;
        let samples = (step.ceil() as usize).clamp(1, SAMPLES);
        let at = |k: usize| (cell as f64 + (k as f64 + 0.5) / samples as f64) * step;
        (0..samples).map(|k| (at(k) as usize).min(length.saturating_sub(1))).collect()
    };
    let across: Vec<Vec<usize>> = (0..size[0]).map(|x| places(x, size[0], width)).collect();
    let mut picture = Vec::with_capacity(size[0] * size[1]);
    for y in 0..size[1] {
        let down = places(y, size[1], height);
        picture.extend(across.iter().map(|across| pixels.texel(&down, across, &lookup)));
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
