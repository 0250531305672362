//! Feature maps out: NumPy arrays and contact sheets.

use super::ExportError;
use super::array::write_array;
use super::names::file_name;
use super::pictures::rgb_png;
use super::results::make_folder;
use crate::files::write_whole;
use crate::imaging::Colormap;
use crate::inspect::{FeatureMaps, SheetStyle, sheet};
use std::path::{Path, PathBuf};

/// Longest side of a feature in a sheet, px.
const CELL: usize = 128;

/// Writes `NODE.npy` (`[channel, y, x]`, f32) and `NODE.png` (all features as one sheet).
pub fn write_features(maps: &FeatureMaps, dir: &Path) -> Result<Vec<PathBuf>, ExportError> {
    make_folder(dir)?;
    let array = dir.join(format!("{}.npy", file_name(&maps.node)));
    write_array(&maps.maps, &array)?;
    Ok(vec![array, write_feature_sheet(maps, dir)?])
}

/// Writes `NODE.png` alone: all features in graph order, grey, each with its own contrast.
pub fn write_feature_sheet(maps: &FeatureMaps, dir: &Path) -> Result<PathBuf, ExportError> {
    let order: Vec<usize> = (0..maps.maps.dim().0).collect();
    write_ordered_sheet(maps, &order, dir)
}

/// Writes `NODE.png`: these features in this order, grey, each with its own contrast.
pub fn write_ordered_sheet(maps: &FeatureMaps, order: &[usize], dir: &Path) -> Result<PathBuf, ExportError> {
    make_folder(dir)?;
    let path = dir.join(format!("{}.png", file_name(&maps.node)));
    let style = SheetStyle { colormap: Colormap::Grey, shared_contrast: false, cell: CELL, columns: None };
    let sheet = sheet(maps, order, style);
    if sheet.width == 0 || sheet.height == 0 {
        return Err(ExportError::Unsupported(format!("The node {} has no feature maps to show", maps.node)));
    }
    write_whole(&path, |out| rgb_png(&sheet.rgb, [sheet.height, sheet.width], out))
        .map_err(ExportError::at(&path))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn features_are_an_array_in_c_order_and_a_sheet() {
        let dir = tempfile::tempdir().unwrap();
        let maps = Array3::from_shape_fn((3, 2, 4), |(c, y, x)| (c * 100 + y * 10 + x) as f32);
        // An axis order in memory that is not C order.
        let maps = maps.permuted_axes([0, 2, 1]);
        let features = FeatureMaps {
            node: "dec2/conv:1".to_owned(),
            maps: maps.clone(),
            scale: [1.0; 2],
            origin: [0.0; 2],
        };
        let paths = write_features(&features, &dir.path().join("new/folder")).unwrap();
        assert!(paths[0].ends_with("dec2_conv_1.npy") && paths[1].ends_with("dec2_conv_1.png"));
        let npy = npyz::NpyFile::new(std::fs::File::open(&paths[0]).unwrap()).unwrap();
        assert_eq!((npy.shape(), npy.order()), ([3, 4, 2].as_slice(), npyz::Order::C));
        let values: Vec<f32> = npy.into_vec().unwrap();
        assert_eq!(values, maps.iter().copied().collect::<Vec<_>>());
        let picture = image::open(&paths[1]).unwrap();
        assert!(picture.width() >= 3 * 64 && picture.height() >= 64);
    }

    #[test]
    fn a_node_without_maps_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let features = FeatureMaps {
            node: "gap".to_owned(),
            maps: Array3::zeros((0, 1, 1)),
            scale: [1.0; 2],
            origin: [0.0; 2],
        };
        let error = write_feature_sheet(&features, dir.path()).unwrap_err();
        assert_eq!(error.to_string(), "The node gap has no feature maps to show");
    }

    #[test]
    fn a_file_in_the_way_of_the_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let features = FeatureMaps {
            node: "a".to_owned(),
            maps: Array3::zeros((1, 1, 1)),
            scale: [1.0; 2],
            origin: [0.0; 2],
        };
        let error = write_features(&features, &file).unwrap_err().to_string();
        assert!(error.starts_with("The folder for the results cannot be made"), "{error}");
        assert!(error.ends_with("/file"), "{error}");
    }
}
