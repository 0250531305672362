//! A regressor's numbers, out: maps as a TIFF of 32-bit channels with their calibration, and a table.

use super::manifest;
use super::names::result_stem;
use super::results::{forget_manifest, make_folder, write_bytes};
use super::tables::outputs_csv;
use super::tiff::{Document, PageAxis};
use super::{ExportError, TiffPages};
use crate::analysis::{Regression, RunSettings};
use crate::imaging::{Calibration, Micrograph};
use crate::network::Model;
use ndarray::{Array2, Array3, Axis};
use std::path::{Path, PathBuf};

/// A regressor's result and all that made it.
#[derive(Debug, Clone, Copy)]
pub struct RegressionJob<'a> {
    pub micrograph: &'a Micrograph,
    pub model: &'a Model,
    pub settings: &'a RunSettings,
    /// Such as "CPU, 2 threads"; anything that does not begin with "CPU" is a GPU.
    pub device: &'a str,
    /// As asked for; 0 for every core.
    pub threads: usize,
    pub regression: &'a Regression,
}

/// Writes `STEM.maps.tif` (where there are maps), `STEM.numbers.csv` with mean, deviation and range of each output and,
/// last, `STEM.manifest.json`; gives the paths.
///
/// # Errors
/// The first file that cannot be written, by name. Files written before it are whole; no manifest speaks of them.
pub fn write_regression(job: &RegressionJob<'_>, dir: &Path) -> Result<Vec<PathBuf>, ExportError> {
    make_folder(dir)?;
    let stem = result_stem(job.micrograph, job.settings.frame);
    let manifest = forget_manifest(dir, &stem)?;
    let mut files = Vec::new();
    if let Some(maps) = job.regression.maps() {
        let path = dir.join(format!("{stem}.maps.tif"));
        write_maps(job, maps, &path)?;
        files.push(path);
    }
    let path = dir.join(format!("{stem}.numbers.csv"));
    let table = outputs_csv(job.regression).map_err(ExportError::at(&path))?;
    write_bytes(&path, &table)?;
    files.push(path);
    write_bytes(&manifest, &manifest::of_regression(job, dir, &files)?)?;
    files.push(manifest);
    Ok(files)
}

/// One page an output; ImageJ shows them all in one window, from the lowest number to the highest.
fn write_maps(job: &RegressionJob<'_>, maps: &Array3<f32>, path: &Path) -> Result<(), ExportError> {
    let Regression { outputs, statistics, pixel, .. } = job.regression;
    let names: Vec<String> = outputs.iter().map(|output| output.name.clone()).collect();
    let pages: Vec<Array2<f32>> = maps.axis_iter(Axis(0)).map(|page| page.to_owned()).collect();
    let low = statistics.iter().map(|of| of.min).fold(f64::INFINITY, f64::min);
    let high = statistics.iter().map(|of| of.max).fold(f64::NEG_INFINITY, f64::max);
    let calibration = Calibration::default().with_pixel(pixel.as_ref());
    let (pages, axis) = (TiffPages::F32(&pages), PageAxis::Channels);
    let display = (low < high).then_some([low, high]);
    Document { pages, axis, names: &names, calibration: &calibration, display }.write(path)
}

#[cfg(test)]
mod tests {
    use super::super::results::testing;
    use super::*;
    use crate::analysis::{Numbers, OutputStatistics};
    use crate::imaging;

    fn regression(numbers: Numbers) -> Regression {
        let made = testing::made();
        let of = |mean| OutputStatistics { n: 8, mean, sd: 0.5, min: 0.0, max: 2.0 };
        Regression {
            numbers,
            outputs: made.model.card.classes[..2].to_vec(),
            units: Some("wt. %".to_owned()),
            statistics: vec![of(1.0), of(0.25)],
            specimen_rows: 2,
            pixel: Some(testing::pixel()),
            tile: None,
        }
    }

    fn job<'a>(made: &'a testing::Made, regression: &'a Regression) -> RegressionJob<'a> {
        RegressionJob {
            micrograph: &made.micrograph,
            model: &made.model,
            settings: &made.settings,
            device: "CPU, 2 threads",
            threads: 2,
            regression,
        }
    }

    #[test]
    fn maps_come_back_with_their_names_and_their_pixel_size() {
        let dir = tempfile::tempdir().unwrap();
        let maps = Array3::from_shape_fn((2, 2, 4), |(c, y, x)| (c * 8 + y * 4 + x) as f32 / 7.0);
        let (made, regression) = (testing::made(), regression(Numbers::Maps(maps.clone())));
        let files = write_regression(&job(&made, &regression), dir.path()).unwrap();
        let names: Vec<_> = files.iter().map(|f| f.file_name().unwrap().to_string_lossy()).collect();
        assert_eq!(names, ["two_phases.maps.tif", "two_phases.numbers.csv", "two_phases.manifest.json"]);
        let read = &imaging::open(&files[0]).unwrap()[0];
        assert_eq!(read.channel_names(), ["matrix", "γ′"]);
        assert!((read.calibration().pixel().unwrap().x_nm / 12.3 - 1.0).abs() < 1e-6);
        for channel in 0..2 {
            assert_eq!(read.plane(0, channel).unwrap().to_f32(), maps.index_axis(Axis(0), channel));
        }
        let table = std::fs::read_to_string(&files[1]).unwrap();
        assert_eq!(
            table,
            "output,output_name,units,mean,sd,min,max,pixels\n0,matrix,wt. %,1,0.5,0,2,8\n1,γ′,wt. %,0.25,0.5,0,2,8\n"
        );
        let manifest = std::fs::read_to_string(&files[2]).unwrap();
        assert!(
            manifest.contains("polepiece regress 'two phases' --model 'test model' --out "),
            "{manifest}"
        );
        assert!(manifest.contains("\"units\": \"wt. %\"") && manifest.contains("two_phases.maps.tif"));
    }

    #[test]
    fn an_image_s_numbers_are_a_table_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (made, regression) = (testing::made(), regression(Numbers::Image(vec![1.0, 0.25])));
        let files = write_regression(&job(&made, &regression), dir.path()).unwrap();
        assert_eq!(files.len(), 2);
        let table = std::fs::read_to_string(&files[0]).unwrap();
        assert_eq!(table, "output,output_name,units,value\n0,matrix,wt. %,1\n1,γ′,wt. %,0.25\n");
    }
}
