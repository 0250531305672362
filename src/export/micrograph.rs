//! Images and label maps out, as files that training, ImageJ and Polepiece itself read.

use super::results::make_folder;
use super::tiff::{Document, PageAxis};
use super::{ExportError, TiffPages, write_tiff};
use crate::analysis::LabelMap;
use crate::imaging::{Calibration, SampleType};
use crate::synth::{Kind, Sample};
use ndarray::{Array2, ArrayView3, Axis};
use std::path::{Path, PathBuf};

/// Writes an image `[channel, y, x]` as u8, u16 or f32, one page a channel.
///
/// Integers are rounded; a value that the type cannot hold is refused rather than clipped.
pub fn write_micrograph(
    path: &Path,
    image: ArrayView3<'_, f32>,
    sample_type: SampleType,
    channel_names: &[String],
    calibration: &Calibration,
) -> Result<(), ExportError> {
    let limit = match sample_type {
        SampleType::U8 => f32::from(u8::MAX),
        SampleType::U16 => f32::from(u16::MAX),
        SampleType::F32 => f32::INFINITY,
        other => {
            let why = format!("A micrograph is written as uint8, uint16 or float32, not {}", other.name());
            return Err(ExportError::Unsupported(why));
        }
    };
    let fits = |value: f32| limit == f32::INFINITY || (0.0..=limit).contains(&value.round());
    if let Some(value) = image.iter().find(|&&value| !fits(value)) {
        let why = format!("{value} does not fit {}: {}", sample_type.name(), path.display());
        return Err(ExportError::Unsupported(why));
    }
    let planes = image.axis_iter(Axis(0));
    match sample_type {
        SampleType::U8 => {
            let pages: Vec<Array2<u8>> = planes.map(|plane| plane.mapv(|v| v.round() as u8)).collect();
            write_tiff(path, TiffPages::U8(&pages), channel_names, calibration)
        }
        SampleType::U16 => {
            let pages: Vec<Array2<u16>> = planes.map(|plane| plane.mapv(|v| v.round() as u16)).collect();
            write_tiff(path, TiffPages::U16(&pages), channel_names, calibration)
        }
        _ => {
            let pages: Vec<Array2<f32>> = planes.map(|plane| plane.to_owned()).collect();
            write_tiff(path, TiffPages::F32(&pages), channel_names, calibration)
        }
    }
}

/// Writes a label map: u8 while there are at most 255 classes, else u16. ImageJ is told to show the highest class
/// white.
pub fn write_labels(
    path: &Path,
    labels: &LabelMap,
    classes: usize,
    calibration: &Calibration,
) -> Result<(), ExportError> {
    let highest = labels.0.iter().copied().max().unwrap_or(0);
    let calibration = Calibration::default().with_pixel(calibration.pixel().as_ref());
    let display = Some([0.0, (classes.max(2) - 1) as f64]);
    let document = |pages| {
        Document { pages, axis: PageAxis::Channels, names: &[], calibration: &calibration, display }
            .write(path)
    };
    if classes <= 255 && highest <= 255 {
        document(TiffPages::U8(&[labels.0.mapv(|class| class as u8)]))
    } else {
        document(TiffPages::U16(std::slice::from_ref(&labels.0)))
    }
}

/// Files of a synthetic sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleFiles {
    pub image: PathBuf,
    pub labels: PathBuf,
    /// Of samples that have one.
    pub composition: Option<PathBuf>,
}

/// Writes a synthetic sample as `DIR/STEM.tif`, its label map as `DIR/STEM.labels.tif` and its composition, where there
/// is one, as `DIR/STEM.composition.tif`, one f32 page an element.
pub fn write_sample(sample: &Sample, kind: Kind, stem: &str, dir: &Path) -> Result<SampleFiles, ExportError> {
    make_folder(dir)?;
    let (image, labels) = (dir.join(format!("{stem}.tif")), dir.join(format!("{stem}.labels.tif")));
    let Sample { channel_names, calibration, .. } = sample;
    write_micrograph(&image, sample.image.view(), kind.sample_type(), channel_names, calibration)?;
    write_labels(&labels, &LabelMap(sample.labels.clone()), kind.classes().len(), calibration)?;
    let path = dir.join(format!("{stem}.composition.tif"));
    let composition = sample.composition.as_ref().map(|shares| {
        let pages: Vec<Array2<f32>> = shares.axis_iter(Axis(0)).map(|plane| plane.to_owned()).collect();
        let (pages, axis) = (TiffPages::F32(&pages), PageAxis::Channels);
        Document { pages, axis, names: channel_names, calibration, display: Some([0.0, 1.0]) }
            .write(&path)
            .map(|()| path)
    });
    Ok(SampleFiles { image, labels, composition: composition.transpose()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging;
    use ndarray::{Array3, array};

    #[test]
    fn every_kind_of_sample_comes_back_as_it_was_drawn() {
        let dir = tempfile::tempdir().unwrap();
        for kind in Kind::ALL {
            let sample = kind.sample(1, 2, [24, 40]);
            let files = write_sample(&sample, kind, kind.name(), dir.path()).unwrap();
            let SampleFiles { image, labels: mask, composition } = files;
            assert_eq!(composition.is_some(), kind == Kind::Eds);
            if let (Some(path), Some(drawn)) = (composition, &sample.composition) {
                let read = &imaging::open(&path).unwrap()[0];
                assert_eq!(read.channel_names(), sample.channel_names);
                assert_eq!(read.plane(0, 7).unwrap().to_f32(), drawn.index_axis(Axis(0), 7));
            }
            let read = &imaging::open(&image).unwrap()[0];
            assert_eq!(read.sample_type(), kind.sample_type());
            assert_eq!((read.frames(), read.channel_names()), (1, sample.channel_names.as_slice()));
            for (channel, plane) in sample.image.axis_iter(Axis(0)).enumerate() {
                assert_eq!(read.plane(0, channel).unwrap().to_f32(), plane);
            }
            let (found, drawn) = (read.calibration().pixel().unwrap(), sample.calibration.pixel().unwrap());
            assert!((found.x_nm / drawn.x_nm - 1.0).abs() < 1e-9);
            let labels = imaging::open(&mask).unwrap()[0].plane(0, 0).unwrap();
            assert_eq!(labels.sample_type(), SampleType::U8);
            assert_eq!(labels.to_f32(), sample.labels.mapv(f32::from));
        }
    }

    #[test]
    fn many_classes_need_sixteen_bits() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mask.tif");
        let labels = LabelMap(array![[0, 300]]);
        for classes in [3, 301] {
            write_labels(&path, &labels, classes, &Calibration::default()).unwrap();
            let plane = imaging::open(&path).unwrap()[0].plane(0, 0).unwrap();
            assert_eq!((plane.sample_type(), plane.value(0, 1)), (SampleType::U16, 300.0));
        }
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        let path = Path::new("never.tif");
        let image = Array3::from_elem((1, 1, 1), 256.4);
        let write = |sample_type| {
            write_micrograph(path, image.view(), sample_type, &[], &Calibration::default())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(write(SampleType::U8), "256.4 does not fit uint8: never.tif");
        assert!(write(SampleType::I64).contains("not int64"));
        let nan = Array3::from_elem((1, 1, 1), f32::NAN);
        assert!(write_micrograph(path, nan.view(), SampleType::U16, &[], &Calibration::default()).is_err());
    }
}
