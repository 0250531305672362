//! A node's features as a stack with its calibration, and as one picture.

use super::ExportError;
use super::convert::{ConvertRequest, Converted, Target, convert};
use super::pictures::{begin, finish, rgb_png};
use crate::files::write_whole;
use crate::imaging::{AxisScale, Calibration, Micrograph, PixelSize};
use crate::inspect::{Clusters, Components, FeatureMaps};
use crate::monitor::Monitor;
use ndarray::Axis;
use std::path::Path;

/// Writes an OME-TIFF of one channel a feature, f32. It has a pixel size only where the source (`pixel`) has one, times
/// what a feature pixel covers.
pub fn write_feature_stack(
    maps: &FeatureMaps,
    pixel: Option<&PixelSize>,
    path: &Path,
    monitor: &Monitor,
) -> Result<Converted, ExportError> {
    if maps.maps.is_empty() {
        return Err(ExportError::Unsupported(format!("The node {} has no feature maps to write", maps.node)));
    }
    let calibration = pixel.map_or_else(Calibration::default, |pixel| {
        let axis = |letter, nm: f64, axis: usize| {
            let offset = maps.origin[axis] * nm;
            AxisScale { offset, ..AxisScale::new(letter, nm * maps.scale[axis], "nm", &pixel.source) }
        };
        Calibration::from_axes([axis('Y', pixel.y_nm, 0), axis('X', pixel.x_nm, 1)])
    });
    let names = (0..maps.maps.len_of(Axis(0))).map(|feature| format!("{} {feature}", maps.node)).collect();
    let stack = maps.maps.clone().insert_axis(Axis(0));
    let micrograph = Micrograph::from_array(&maps.node, stack, names, calibration);
    let request = ConvertRequest {
        target: Target::OmeTiff,
        frames: None,
        channels: None,
        compression: None,
        crop_info_bar: false,
        rendering: None,
    };
    convert(&micrograph, &request, path, monitor)
}

/// Writes the principal components of a node's features as a PNG: the first is red, the second green, the third blue.
pub fn write_components(components: &Components, path: &Path) -> Result<(), ExportError> {
    let (_, height, width) = components.scores.dim();
    let rgb = components.rgb();
    write_whole(path, |out| rgb_png(&rgb, [height, width], out)).map_err(ExportError::at(path))
}

/// Writes groups of places as an indexed PNG, whose indices are the groups.
pub fn write_clusters(clusters: &Clusters, path: &Path) -> Result<(), ExportError> {
    let size = [clusters.labels.nrows(), clusters.labels.ncols()];
    let indices: Vec<u8> = clusters.labels.iter().map(|&group| group as u8).collect();
    let palette: Vec<u8> = (0..Clusters::MOST).flat_map(Clusters::colour).collect();
    write_whole(path, |out| {
        let mut encoder = begin(size, out)?;
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_palette(palette);
        finish(encoder, &indices)
    })
    .map_err(ExportError::at(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging;
    use crate::inspect::{clusters, components};
    use ndarray::Array3;

    fn maps() -> FeatureMaps {
        let maps = Array3::from_shape_fn((3, 2, 4), |(c, y, x)| (c * 100 + y * 10 + x) as f32 - 50.0);
        FeatureMaps { node: "enc2.relu".into(), maps, scale: [2.0, 4.0], origin: [0.0, 1.0] }
    }

    #[test]
    fn a_stack_has_named_channels_and_larger_pixels() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("features.ome.tif");
        let pixel = PixelSize { x_nm: 5.0, y_nm: 3.0, source: "test".into() };
        write_feature_stack(&maps(), Some(&pixel), &path, &Monitor::silent()).unwrap();
        let read = imaging::open(&path).unwrap().remove(0);
        assert_eq!((read.frames(), read.channels(), read.height(), read.width()), (1, 3, 2, 4));
        assert_eq!(read.channel_names()[2], "enc2.relu 2");
        assert_eq!(read.plane(0, 2).unwrap().value(1, 3), 163.0);
        let found = read.calibration().pixel().unwrap();
        assert!((found.y_nm - 6.0).abs() < 1e-9 && (found.x_nm - 20.0).abs() < 1e-9, "{found:?}");
        write_feature_stack(&maps(), None, &path, &Monitor::silent()).unwrap();
        assert!(
            imaging::open(&path).unwrap()[0].calibration().pixel().is_none(),
            "no pixel size is invented"
        );
        let empty = FeatureMaps { maps: Array3::zeros((0, 1, 1)), ..maps() };
        let error = write_feature_stack(&empty, None, &path, &Monitor::silent()).unwrap_err();
        assert_eq!(error.to_string(), "The node enc2.relu has no feature maps to write");
    }

    #[test]
    fn pictures_have_a_pixel_a_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("picture.png");
        write_components(&components(&maps(), &Monitor::silent()).unwrap(), &path).unwrap();
        let picture = image::open(&path).unwrap().into_rgb8();
        assert_eq!((picture.width(), picture.height()), (4, 2));
        // All three features rise together: red goes from dark to bright.
        assert_eq!((picture.get_pixel(0, 0)[0], picture.get_pixel(3, 1)[0]), (0, 255));
        let groups = clusters(&maps(), 2, 0, &Monitor::silent()).unwrap();
        write_clusters(&groups, &path).unwrap();
        let picture = image::open(&path).unwrap().into_rgb8();
        let expected = Clusters::colour(usize::from(groups.labels[[1, 3]]));
        assert_eq!(picture.get_pixel(3, 1).0, expected);
    }
}
