//! Pictures for eyes: class colours as an indexed PNG, the overlay, and any RGB as PNG.

use super::Paint;
use crate::analysis::LabelMap;
use crate::network::ClassInfo;
use ndarray::{ArrayView2, s};
use std::io::{self, Write};

/// A label map in its class colours. Up to 256 classes it is an indexed PNG whose indices are the classes, so that
/// both a viewer and a program read it right.
pub(super) fn palette_png(labels: &LabelMap, classes: &[ClassInfo], out: &mut impl Write) -> io::Result<()> {
    let size = [labels.height(), labels.width()];
    if classes.len() > 256 {
        let rgb: Vec<u8> = labels.0.iter().flat_map(|&class| colour(classes, class)).collect();
        return rgb_png(&rgb, size, out);
    }
    let indices: Vec<u8> = labels.0.iter().map(|&class| class as u8).collect();
    let palette: Vec<u8> = classes.iter().flat_map(|class| class.colour).collect();
    let mut encoder = begin(size, out)?;
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(palette);
    finish(encoder, &indices)
}

/// RGB bytes `[y][x][3]` of the image as `paint` shows it with the class colours over it; class 0 is not painted. Without
/// a contrast in `paint`, the first `specimen` rows decide it.
pub(super) fn overlay(
    grey: ArrayView2<'_, f32>,
    specimen: usize,
    (labels, classes): (&LabelMap, &[ClassInfo]),
    paint: Paint,
) -> Vec<u8> {
    let display = paint.display(grey.slice(s![..specimen.min(grey.nrows()), ..]));
    let opacity = paint.opacity.clamp(0.0, 1.0);
    let pixel = |(&value, &class): (&f32, &u16)| {
        let below = display.colour(value);
        let over = colour(classes, class);
        let share = if class == 0 { 0.0 } else { opacity };
        [0, 1, 2].map(|part| (below[part] + (f32::from(over[part]) - below[part]) * share).round() as u8)
    };
    grey.iter().zip(&labels.0).flat_map(pixel).collect()
}

fn colour(classes: &[ClassInfo], class: u16) -> [u8; 3] {
    classes.get(usize::from(class)).map_or([0; 3], |class| class.colour)
}

/// RGB bytes `[y][x][3]` of a size [y, x] as PNG.
pub(super) fn rgb_png(rgb: &[u8], size: [usize; 2], out: &mut impl Write) -> io::Result<()> {
    let mut encoder = begin(size, out)?;
    encoder.set_color(png::ColorType::Rgb);
    finish(encoder, rgb)
}

pub(super) fn begin<W: Write>([height, width]: [usize; 2], out: W) -> io::Result<png::Encoder<'static, W>> {
    let side = |length: usize| {
        u32::try_from(length).map_err(|_| io::Error::other("The picture is too large for a PNG"))
    };
    let mut encoder = png::Encoder::new(out, side(width)?, side(height)?);
    encoder.set_depth(png::BitDepth::Eight);
    Ok(encoder)
}

pub(super) fn finish<W: Write>(encoder: png::Encoder<'_, W>, data: &[u8]) -> io::Result<()> {
    let mut writer = encoder.write_header()?;
    writer.write_image_data(data)?;
    writer.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Colormap, Contrast, Tone};
    use ndarray::array;

    fn classes(count: u16) -> Vec<ClassInfo> {
        let colour = |k: u16| [(k % 251) as u8, 100, 200];
        (0..count).map(|k| ClassInfo { name: format!("class {k}"), colour: colour(k) }).collect()
    }

    #[test]
    fn a_palette_png_holds_indices_and_colours() {
        let labels = LabelMap(array![[0, 2, 1], [1, 0, 2]]);
        let mut bytes = Vec::new();
        palette_png(&labels, &classes(3), &mut bytes).unwrap();
        let mut reader = png::Decoder::new(io::Cursor::new(&bytes)).read_info().unwrap();
        assert_eq!(reader.info().color_type, png::ColorType::Indexed);
        assert_eq!(reader.info().palette.as_deref().unwrap(), [0, 100, 200, 1, 100, 200, 2, 100, 200]);
        let mut indices = vec![0; 6];
        reader.next_frame(&mut indices).unwrap();
        assert_eq!(indices, [0, 2, 1, 1, 0, 2]);
        let rgb = image::load_from_memory(&bytes).unwrap().to_rgb8();
        assert_eq!(rgb.get_pixel(1, 0).0, [2, 100, 200]);
    }

    #[test]
    fn more_classes_than_a_palette_holds_become_colours() {
        let labels = LabelMap(array![[0, 299]]);
        let mut bytes = Vec::new();
        palette_png(&labels, &classes(300), &mut bytes).unwrap();
        let rgb = image::load_from_memory(&bytes).unwrap().to_rgb8();
        assert_eq!(rgb.get_pixel(1, 0).0, [48, 100, 200]);
    }

    #[test]
    fn the_overlay_mixes_colours_and_leaves_the_background() {
        let grey = array![[0.0f32, 10.0], [5.0, 5.0]];
        let labels = LabelMap(array![[0, 0], [1, 2]]);
        let paint = Paint { contrast: Some(Contrast { low: 0.0, high: 10.0 }), ..Paint::default() };
        let classes =
            [[9, 9, 9], [255, 0, 0], [0, 0, 255]].map(|colour| ClassInfo { name: String::new(), colour });
        // Grey 127.5 halfway to 255 is 191.25, to 0 is 63.75.
        let expected = [[0, 0, 0], [255, 255, 255], [191, 64, 64], [64, 64, 191]].concat();
        assert_eq!(overlay(grey.view(), 2, (&labels, &classes), paint), expected);
        let solid = overlay(grey.view(), 2, (&labels, &classes), Paint { opacity: 1.0, ..paint });
        assert_eq!(solid[6..9], [255, 0, 0]);
    }

    #[test]
    fn the_overlay_is_painted_as_the_window_shows_the_image() {
        let grey = array![[0.0f32, 2.5], [10.0, f32::NAN]];
        let labels = LabelMap(array![[0, 0], [0, 0]]);
        let tone = Tone { gamma: 0.5, inverted: true, ..Tone::default() };
        let contrast = Some(Contrast { low: 0.0, high: 10.0 });
        let paint = Paint { contrast, tone, ..Paint::default() };
        // A quarter to the power of a half is a half; 127.5 is rounded up. What is not a number is magenta.
        let expected = [[255; 3], [128; 3], [0; 3], [255, 0, 255]].concat();
        assert_eq!(overlay(grey.view(), 2, (&labels, &[]), paint), expected);
        let coloured = Paint { colormap: Colormap::Viridis, ..paint };
        // The ends of Viridis as matplotlib has them.
        assert_eq!(overlay(grey.view(), 2, (&labels, &[]), coloured)[..3], [253, 231, 37]);
    }
}
