//! One picture as PNG: 8- or 16-bit values as they are, or any values rendered with a contrast.

use super::part::Part;
use super::{Converted, ExportError, Rendering};
use crate::export::error::Broken;
use crate::export::pictures;
use crate::files::write_whole;
use crate::imaging::{Contrast, PixelSize, SampleType};
use crate::monitor::Monitor;
use ndarray::{Array2, s};
use std::path::Path;

/// Numbers in a PNG have 31 bits.
const HIGHEST: f64 = 2_147_483_647.0;

/// The samples of a picture and how they are to be read.
struct Picture {
    colour: png::ColorType,
    sample_type: SampleType,
    /// As a PNG has them: the high byte first.
    bytes: Vec<u8>,
}

pub(super) fn write(
    mut part: Part<'_>,
    rendering: Option<Rendering>,
    path: &Path,
    monitor: &Monitor,
) -> Result<Converted, ExportError> {
    one_picture(&part)?;
    let picture = match rendering {
        None => as_it_is(&part)?,
        Some(rendering) => rendered(&mut part, rendering)?,
    };
    monitor.progress(1, 2)?;
    let pixel = part.calibration.pixel();
    let density = pixel.as_ref().map(density);
    if matches!(density, Some(None)) {
        part.notes.push(
            "The pixel size is only in the PNG's text: its field for pixels per metre cannot hold it"
                .to_owned(),
        );
    }
    let size = [part.height, part.width];
    write_whole(path, |out| {
        let mut encoder = pictures::begin(size, out)?;
        encoder.set_color(picture.colour);
        if picture.sample_type == SampleType::U16 {
            encoder.set_depth(png::BitDepth::Sixteen);
        }
        encoder.set_pixel_dims(density.flatten());
        if let Some(pixel) = &pixel {
            let added = encoder.add_text_chunk("Pixel size".to_owned(), words(pixel));
            added.map_err(std::io::Error::from)?;
        }
        pictures::finish(encoder, &picture.bytes)?;
        Ok::<_, Broken>(())
    })
    .map_err(|broken| broken.at(path))?;
    let samples = picture.colour.samples();
    let (mut axes, mut shape) = ("YX".to_owned(), vec![part.height, part.width]);
    if samples > 1 {
        axes.push('S');
        shape.push(samples);
    }
    let sample_type = picture.sample_type;
    Ok(Converted { files: vec![path.to_path_buf()], axes, shape, sample_type, notes: part.notes })
}

/// Refuses more than one picture, with what to choose.
fn one_picture(part: &Part<'_>) -> Result<(), ExportError> {
    let (frames, channels) = (part.frames.len(), part.channels.len());
    let refuse = |why: String| Err(ExportError::Unsupported(why));
    if frames > 1 {
        return refuse(format!(
            "A PNG holds one picture and there are {frames} frames; choose one, or npy or tiff"
        ));
    }
    if channels > 1 && !(part.colour && channels <= 4) && !is_grey_with_alpha(part) {
        return refuse(format!(
            "A PNG holds one picture and there are {channels} channels; choose one, or npy or tiff"
        ));
    }
    Ok(())
}

fn is_grey_with_alpha(part: &Part<'_>) -> bool {
    part.is_whole() && part.names() == ["grey", "alpha"]
}

fn as_it_is(part: &Part<'_>) -> Result<Picture, ExportError> {
    let sample_type = part.micrograph.sample_type();
    if !matches!(sample_type, SampleType::U8 | SampleType::U16) {
        let name = sample_type.name();
        return Err(ExportError::Unsupported(format!(
            "A PNG holds 8- or 16-bit unsigned numbers and these are {name}; render them with a contrast or by \
             percentiles, or keep them with npy or tiff"
        )));
    }
    let mut bytes = part.le_bytes(part.frames.start, &part.channels)?;
    if sample_type == SampleType::U16 {
        bytes.chunks_exact_mut(2).for_each(<[u8]>::reverse);
    }
    let colour = match part.channels.len() {
        1 => png::ColorType::Grayscale,
        2 => png::ColorType::GrayscaleAlpha,
        3 => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    };
    Ok(Picture { colour, sample_type, bytes })
}

/// Values as brightness, 8 bits; of a colour with the one contrast for all three.
fn rendered(part: &mut Part<'_>, rendering: Rendering) -> Result<Picture, ExportError> {
    let rows = |values: Array2<f32>| values.slice_move(s![..part.height, ..]);
    let grey = rows(part.micrograph.grey(part.frames.start)?);
    let shown = if part.colour { &part.channels[..3] } else { &part.channels[..1] };
    let planes = shown.iter().map(|&channel| Ok(rows(part.plane(channel)?.to_f32())));
    let planes = planes.collect::<Result<Vec<_>, ExportError>>()?;
    let contrast = match rendering {
        Rendering::Window(contrast) => contrast,
        Rendering::Percentiles if part.colour => Contrast::auto(grey.view()),
        Rendering::Percentiles => Contrast::auto(planes[0].view()),
    };
    let mut bytes = vec![0; planes.len() * part.height * part.width];
    for (at, plane) in planes.iter().enumerate() {
        for (pixel, &value) in bytes.chunks_exact_mut(planes.len()).zip(plane) {
            pixel[at] = (contrast.unit(value) * 255.0).round() as u8;
        }
    }
    let colour = if planes.len() == 3 { png::ColorType::Rgb } else { png::ColorType::Grayscale };
    let Contrast { low, high } = contrast;
    part.notes.push(format!("The values were rendered: {low} is black and {high} is white"));
    Ok(Picture { colour, sample_type: SampleType::U8, bytes })
}

/// Pixels per metre (`pHYs`); `None` where less than one or more than the field holds.
fn density(pixel: &PixelSize) -> Option<png::PixelDimensions> {
    let per_metre = |nm: f64| {
        let count = (1e9 / nm).round();
        (1.0..=HIGHEST).contains(&count).then_some(count as u32)
    };
    let (xppu, yppu) = (per_metre(pixel.x_nm)?, per_metre(pixel.y_nm)?);
    Some(png::PixelDimensions { xppu, yppu, unit: png::Unit::Meter })
}

/// The exact pixel size for the text chunk, whose letters are Latin-1.
fn words(pixel: &PixelSize) -> String {
    let text = format!("x {} nm, y {} nm, from {}", pixel.x_nm, pixel.y_nm, pixel.source);
    let latin =
        |c: char| if (' '..='~').contains(&c) || ('\u{a1}'..='\u{ff}').contains(&c) { c } else { '?' };
    text.chars().map(latin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_density_is_held_where_the_field_can_hold_it() {
        let density = |nm| density(&PixelSize { x_nm: nm, y_nm: nm, source: String::new() }).map(|d| d.xppu);
        assert_eq!(density(12.5), Some(80_000_000));
        assert_eq!((density(0.4), density(0.5), density(3e9)), (None, Some(2_000_000_000), None));
    }
}
