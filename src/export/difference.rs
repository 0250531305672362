//! Where two things differ, out: the map as an array or a picture, the numbers of an equivariance report as a table.

use super::ExportError;
use super::array::write_array;
use super::pictures::rgb_png;
use crate::analysis::{Equivariance, NodeAgreement, Seams};
use crate::files::write_whole;
use crate::imaging::{Colormap, Contrast, Display};
use ndarray::ArrayView2;
use std::io;
use std::path::Path;

/// The window and colours of a map of differences: blue, white and red about zero where they have a sign, else from
/// black for none to bright for the largest.
#[must_use]
pub fn difference_display(values: ArrayView2<'_, f32>, signed: bool) -> Display {
    let finite = values.iter().filter(|value| value.is_finite());
    let most = finite.fold(0.0_f32, |most, value| most.max(value.abs()));
    let most = if most > 0.0 { most } else { 1.0 };
    if signed {
        Display::new(Contrast { low: -most, high: most }, Colormap::Signed)
    } else {
        Display::new(Contrast { low: 0.0, high: most }, Colormap::Magma)
    }
}

/// Writes a map `[y, x]` as `.npy` (f32; NaN where nothing was compared) or as `.png` in the colours of
/// [`difference_display`], by the name's ending.
pub fn write_difference(values: ArrayView2<'_, f32>, signed: bool, path: &Path) -> Result<(), ExportError> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
    match ending.as_str() {
        "npy" => write_array(&values, path),
        "png" => {
            let rgb = difference_display(values, signed).render(values);
            let size = [values.nrows(), values.ncols()];
            write_whole(path, |out| rgb_png(&rgb, size, out)).map_err(ExportError::at(path))
        }
        _ => {
            let what = format!("A map of differences is written as .npy or .png: {}", path.display());
            Err(ExportError::Unsupported(what))
        }
    }
}

/// Frames that were moved, one line a node: on the whole image and in the interior.
pub fn equivariance_csv<'a>(
    reports: impl IntoIterator<Item = (usize, &'a Equivariance)>,
) -> io::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let names = ["image", "frame", "movement", "node", "on_grid"];
    let numbers = ["pixels", "relative", "correlation"];
    let interior = ["interior_pixels", "interior_relative", "interior_correlation"];
    table.write_record(names.into_iter().chain(numbers).chain(interior))?;
    for (frame, report) in reports {
        for node in &report.nodes {
            let mut line = vec![report.image.clone(), frame.to_string(), report.movement.words()];
            line.extend([node.node.clone(), node.on_grid.to_string()]);
            line.extend([node.whole, node.interior].into_iter().flat_map(agreement));
            table.write_record(&line)?;
        }
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

fn agreement(of: Option<NodeAgreement>) -> [String; 3] {
    let number = |value: Option<f64>| value.filter(|v| v.is_finite()).map(|v| v.to_string());
    let found = of.map(|of| [Some(of.pixels.to_string()), number(of.relative), number(of.correlation)]);
    found.unwrap_or_default().map(Option::unwrap_or_default)
}

/// Frames whose seams were looked for, one line each.
pub fn seams_csv<'a>(reports: impl IntoIterator<Item = (usize, &'a Seams)>) -> io::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let names = ["image", "frame", "tile", "halo_y", "halo_x", "run_is_tiled"];
    let shifted = ["shifted_largest", "shifted_y", "shifted_x", "shifted_mean", "shifted_changed"];
    let whole = ["whole_largest", "whole_y", "whole_x", "whole_mean", "whole_changed"];
    table.write_record(names.into_iter().chain(shifted).chain(whole))?;
    for (frame, report) in reports {
        let mut line = vec![report.image.clone(), frame.to_string(), report.tile.to_string()];
        line.extend(report.halo.map(|halo| halo.to_string()));
        line.push(report.run_is_tiled.to_string());
        for check in [Some(&report.against_shifted), report.against_whole.as_ref()] {
            line.extend(match check {
                Some(check) => [
                    check.largest.to_string(),
                    check.at[0].to_string(),
                    check.at[1].to_string(),
                    check.mean.to_string(),
                    check.changed.map(|share| share.to_string()).unwrap_or_default(),
                ],
                None => Default::default(),
            });
        }
        table.write_record(&line)?;
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Movement, NodeEquivariance};
    use ndarray::{Array2, array};

    #[test]
    fn a_map_is_an_array_or_a_picture_about_zero() {
        let dir = tempfile::tempdir().unwrap();
        let values: Array2<f32> = array![[-2.0, 0.0], [1.0, f32::NAN]];
        write_difference(values.view(), true, &dir.path().join("map.npy")).unwrap();
        let npy = npyz::NpyFile::new(std::fs::File::open(dir.path().join("map.npy")).unwrap()).unwrap();
        assert_eq!(npy.shape(), [2, 2]);
        write_difference(values.view(), true, &dir.path().join("map.png")).unwrap();
        let picture = image::open(dir.path().join("map.png")).unwrap().to_rgb8();
        assert_eq!(picture.get_pixel(1, 0).0, [255; 3], "zero is white");
        let display = difference_display(values.view(), false);
        assert_eq!((display.contrast.low, display.contrast.high), (0.0, 2.0));
        let error = write_difference(values.view(), true, Path::new("map.txt")).unwrap_err().to_string();
        assert_eq!(error, "A map of differences is written as .npy or .png: map.txt");
    }

    #[test]
    fn a_node_is_a_line() {
        let agreement = NodeAgreement { pixels: 12, relative: Some(0.25), correlation: None };
        let node = NodeEquivariance {
            node: "conv".into(),
            on_grid: true,
            whole: Some(agreement),
            interior: None,
            difference: None,
        };
        let report = Equivariance {
            model: "m".into(),
            image: "a.tif".into(),
            movement: Movement { shift: [0, 1], ..Movement::default() },
            size: [3, 4],
            answer: None,
            nodes: vec![node],
            left_out: Vec::new(),
            moved: Array2::zeros((3, 4)),
        };
        let table = String::from_utf8(equivariance_csv([(2, &report)]).unwrap()).unwrap();
        assert_eq!(table.lines().nth(1).unwrap(), "a.tif,2,shifted by 1 px right,conv,true,12,0.25,,,,");
    }
}
