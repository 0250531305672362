//! Why a class's score is what it is, out: raw values, a heat map over the picture, or a table.

use super::array::write_array;
use super::pictures::rgb_png;
use super::tiff::{TiffPages, write_tiff};
use super::{ExportError, Paint};
use crate::files::write_whole;
use crate::imaging::{Calibration, Colormap, Micrograph};
use crate::inspect::{Attribution, AttributionMap};
use ndarray::{Array2, s};
use std::io;
use std::path::Path;

/// Writes by the name's ending:
/// `.npy` the map's planes as they are, `[channel, y, x]` on the method's own grid, f32;
/// `.tif` one plane over the micrograph's pixels with their calibration, f32, 0 in the info bar;
/// `.png` the same in colours over the picture of `frame`, ever more opaque up to `paint`'s opacity;
/// `.csv` the channels of an ablation.
///
/// # Errors
/// Another ending, a table where there is none or a map where there is none, and those of reading and writing.
pub fn write_attribution(
    found: &Attribution,
    (micrograph, frame): (&Micrograph, usize),
    paint: Paint,
    path: &Path,
) -> Result<(), ExportError> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
    let unsupported = |what: String| Err(ExportError::Unsupported(format!("{what}: {}", path.display())));
    let map = match (ending.as_str(), &found.map) {
        ("csv", _) if !found.channels.is_empty() => {
            let table = ablation_csv(found).map_err(ExportError::at(path))?;
            return write_whole(path, |out| io::Write::write_all(out, &table)).map_err(ExportError::at(path));
        }
        ("npy" | "tif" | "tiff" | "png", Some(map)) => map,
        (_, Some(_)) => return unsupported("A map is written as .npy, .tif or .png".to_owned()),
        (_, None) => return unsupported("An ablation is written as .csv".to_owned()),
    };
    match ending.as_str() {
        "npy" => write_array(&map.values, path),
        "png" => {
            let rgb = heat(map, (micrograph, frame), paint)?;
            let size = [micrograph.height(), micrograph.width()];
            write_whole(path, |out| rgb_png(&rgb, size, out)).map_err(ExportError::at(path))
        }
        _ => {
            let pages = [on_picture(map, micrograph)];
            let calibration = Calibration::default().with_pixel(micrograph.calibration().pixel().as_ref());
            write_tiff(path, TiffPages::F32(&pages), &[], &calibration)
        }
    }
}

/// The plane over the whole picture; 0 in the info bar.
fn on_picture(map: &AttributionMap, micrograph: &Micrograph) -> Array2<f32> {
    let mut plane = Array2::zeros((micrograph.height(), micrograph.width()));
    let rows = micrograph.specimen_rows();
    let specimen = map.on_specimen([rows.len(), micrograph.width()]);
    plane.slice_mut(s![rows, ..]).assign(&specimen);
    plane
}

/// RGB bytes `[y][x][3]`: Magma for sizes, blue to red for values with a sign.
fn heat(
    map: &AttributionMap,
    (micrograph, frame): (&Micrograph, usize),
    paint: Paint,
) -> Result<Vec<u8>, ExportError> {
    let grey = micrograph.grey(frame)?;
    let display = paint.display(grey.slice(s![micrograph.specimen_rows(), ..]));
    Ok(over_picture(map, micrograph, grey.iter().map(|value| display.colour(*value)), paint.opacity))
}

/// The map over the pixels of a picture, whose colours go from 0 to 255, ever more opaque with its size.
pub(super) fn over_picture(
    map: &AttributionMap,
    micrograph: &Micrograph,
    below: impl Iterator<Item = [f32; 3]>,
    opacity: f32,
) -> Vec<u8> {
    let (plane, reach, signed) = (on_picture(map, micrograph), map.reach(), map.is_signed());
    let pixel = |(below, &value): ([f32; 3], &f32)| {
        let part = if reach > 0.0 { (value / reach).clamp(-1.0, 1.0) } else { 0.0 };
        let share = opacity.clamp(0.0, 1.0) * part.abs().sqrt();
        let over = heat_colour(part, signed);
        [0, 1, 2].map(|i| (below[i] + (over[i] - below[i]) * share).round() as u8)
    };
    below.zip(&plane).flat_map(pixel).collect()
}

/// Of a share of the end of the colours, −1 to 1: Magma for sizes, blue to red for values with a sign.
pub(super) fn heat_colour(part: f32, signed: bool) -> [f32; 3] {
    if signed { Colormap::Signed.colour(part.midpoint(1.0)) } else { Colormap::Magma.colour(part.abs()) }
}

/// What each channel is worth, one line a channel; changes are without it less with it.
pub fn ablation_csv(found: &Attribution) -> io::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record([
        "channel",
        "channel_name",
        "logit",
        "logit_change",
        "probability",
        "probability_change",
        "iou_change",
    ])?;
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let whole = [
        String::new(),
        "all channels".to_owned(),
        number(Some(found.score.logit)),
        String::new(),
        number(found.score.probability),
        String::new(),
        String::new(),
    ];
    table.write_record(whole)?;
    for effect in &found.channels {
        let mut line = vec![effect.channel.to_string(), effect.name.clone()];
        line.extend(
            [
                Some(effect.score.logit),
                Some(effect.logit),
                effect.score.probability,
                effect.probability,
                effect.iou,
            ]
            .map(number),
        );
        table.write_record(&line)?;
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Contrast;
    use crate::inspect::{ChannelEffect, Score, Summary};
    use ndarray::{Array4, array};

    fn found() -> Attribution {
        let map = AttributionMap {
            names: vec!["grey".into()],
            values: array![[[4.0, -1.0]]],
            origin: [0.0; 2],
            scale: [2.0, 1.0],
            summary: Summary::Sum,
            smooth: false,
        };
        Attribution {
            method: "integrated".into(),
            class: 1,
            class_name: "carbide".into(),
            over: "the whole image".into(),
            score: Score { places: 4, logit: 2.5, probability: Some(0.75) },
            node: None,
            weights: Vec::new(),
            completeness: None,
            iou: None,
            channels: Vec::new(),
            map: Some(map),
        }
    }

    #[test]
    fn a_map_is_written_raw_over_the_pixels_and_as_a_picture() {
        let dir = tempfile::tempdir().unwrap();
        let pixels = Array4::from_shape_vec((1, 1, 2, 2), vec![0.0_f32, 10.0, 0.0, 10.0]).unwrap();
        let image = Micrograph::from_array("m", pixels, vec!["grey".into()], Calibration::default());
        let paint =
            Paint { contrast: Some(Contrast { low: 0.0, high: 10.0 }), opacity: 1.0, ..Paint::default() };
        let [npy, tif, png] = ["a.npy", "a.tif", "a.png"].map(|name| dir.path().join(name));
        for path in [&npy, &tif, &png] {
            write_attribution(&found(), (&image, 0), paint, path).unwrap();
        }
        let array = npyz::NpyFile::new(std::fs::File::open(&npy).unwrap()).unwrap();
        assert_eq!(array.shape(), [1, 1, 2]);
        let written = crate::imaging::open(&tif).unwrap().remove(0);
        assert_eq!(written.grey(0).unwrap(), array![[4.0, -1.0], [4.0, -1.0]]);
        let picture = image::open(&png).unwrap().to_rgb8();
        // The strongest value hides the picture; a quarter of it is half as opaque.
        assert_eq!(picture.get_pixel(0, 1).0, Colormap::Signed.rgb(1.0));
        let quarter = Colormap::Signed.colour(0.375);
        assert_eq!(picture.get_pixel(1, 0).0, quarter.map(|part| part.midpoint(255.0).round() as u8));
        let error = write_attribution(&found(), (&image, 0), paint, &dir.path().join("a.csv")).unwrap_err();
        assert!(error.to_string().starts_with("A map is written as .npy, .tif or .png: "), "{error}");
    }

    #[test]
    fn an_ablation_is_a_table() {
        let score = Score { places: 4, logit: 1.0, probability: Some(0.5) };
        let effect = ChannelEffect {
            channel: 0,
            name: "Al".into(),
            score,
            logit: -1.5,
            probability: Some(-0.25),
            iou: None,
        };
        let ablation = Attribution { channels: vec![effect], map: None, ..found() };
        let table = String::from_utf8(ablation_csv(&ablation).unwrap()).unwrap();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[1..], [",all channels,2.5,,0.75,,", "0,Al,1,-1.5,0.5,-0.25,"]);
    }
}
