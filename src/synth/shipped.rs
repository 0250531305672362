//! The files of `sample_data/` are what their seeds give.

use super::{Kind, Sample};
use crate::imaging::{self, Micrograph};
use ndarray::Axis;
use std::path::{Path, PathBuf};

/// Name, kind, seed and size `[y, x]` of each; sample number 0 of the seed.
const SHIPPED: [(&str, Kind, u64, [usize; 2]); 4] = [
    ("sem-precipitates", Kind::Precipitates, 26, [512, 768]),
    ("sem-grains", Kind::Grains, 6, [512, 512]),
    ("stem-columns", Kind::Stem, 1, [512, 512]),
    ("eds-map", Kind::Eds, 2, [256, 256]),
];

/// Samples 0 to 4 of this seed are the frames of the stack.
const STACK: (&str, Kind, u64, [usize; 2], u64) = ("sem-stack", Kind::Precipitates, 3, [256, 256], 5);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data")
}

fn open(path: &Path) -> Micrograph {
    imaging::open(path).unwrap_or_else(|error| panic!("{error}")).swap_remove(0)
}

/// Compares a frame with a sample, and the label map of the same name with its classes.
fn check(image: &Micrograph, frame: usize, mask: &Micrograph, sample: &Sample) {
    for (channel, drawn) in sample.image.axis_iter(Axis(0)).enumerate() {
        let stored = image.plane(frame, channel).unwrap();
        assert!(stored.to_f32() == drawn, "{} frame {frame} channel {channel} differs", image.name());
    }
    let labels = mask.plane(frame, 0).unwrap().to_f32();
    assert!(labels == sample.labels.mapv(f32::from), "the mask of {} differs", image.name());
}

#[test]
fn every_shipped_sample_is_what_its_seed_gives() {
    for (name, kind, seed, size) in SHIPPED {
        let sample = kind.sample(seed, 0, size);
        let image = open(&folder().join(format!("{name}.tif")));
        let mask = open(&folder().join(format!("masks/{name}.tif")));
        assert_eq!(image.sample_type(), kind.sample_type());
        let (stored, drawn) = (image.calibration().pixel().unwrap(), sample.calibration.pixel().unwrap());
        assert!((stored.x_nm / drawn.x_nm - 1.0).abs() < 1e-9, "{name}: {} nm", stored.x_nm);
        check(&image, 0, &mask, &sample);
    }
}

#[test]
fn the_shipped_stack_is_five_samples_without_a_common_pixel_size() {
    let (name, kind, seed, size, frames) = STACK;
    let image = open(&folder().join(format!("{name}.tif")));
    let mask = open(&folder().join(format!("masks/{name}.tif")));
    assert_eq!((image.frames() as u64, image.calibration().pixel()), (frames, None));
    for frame in 0..frames {
        check(&image, frame as usize, &mask, &kind.sample(seed, frame, size));
    }
}
