//! Nothing is learned from the text below a picture, and nothing is judged there.
use super::dataset::Dataset;
use super::held_out::Truth;
use super::*;
use crate::analysis::IGNORE;
use crate::imaging::InfoBarChoice;
use crate::monitor::Monitor;
use image::{GrayImage, Luma};
use std::path::Path;

/// Pictures of a disc with its mask in `dir`, `rows` of letters below both.
fn write_pair(dir: &Path, rows: u32) -> EvaluationData {
    let disc = |x: u32, y: u32| y < 32 && x.abs_diff(20).pow(2) + y.abs_diff(16).pow(2) < 90;
    let grey = |x: u32, y: u32| match (disc(x, y), y < 32) {
        (true, _) => Luma([200]),
        (false, true) => Luma([(40 + (x * 7 + y * 5) % 30) as u8]),
        (false, false) => Luma([if (x / 2 + y).is_multiple_of(3) { 255 } else { 0 }]),
    };
    // What the mask says below the picture must not count.
    let mask =
        |x: u32, y: u32| Luma([if disc(x, y) || (y >= 32 && x.is_multiple_of(2)) { 255_u8 } else { 0 }]);
    let [images, masks] = ["images", "masks"].map(|name| dir.join(format!("{name} {rows}")));
    for folder in [&images, &masks] {
        std::fs::create_dir_all(folder).unwrap();
    }
    for name in ["a.png", "b.png"] {
        GrayImage::from_fn(40, 32 + rows, grey).save(images.join(name)).unwrap();
        GrayImage::from_fn(40, 32 + rows, mask).save(masks.join(name)).unwrap();
    }
    EvaluationData { images, masks, scheme: None, info_bar: InfoBarChoice::Rows(rows as usize) }
}

#[test]
fn otsu_is_judged_on_the_specimen_alone() {
    let dir = tempfile::tempdir().unwrap();
    let [bare, below] = [0, 8].map(|rows| write_pair(dir.path(), rows));
    let judge = |data: &EvaluationData| evaluate_otsu(data, None, &Monitor::silent()).unwrap();
    assert_eq!(judge(&bare), judge(&below));
    assert_eq!(judge(&bare).mean_iou, 1.0);
    assert!(judge(&EvaluationData { info_bar: InfoBarChoice::Auto, ..below }).mean_iou < 1.0);
}

#[test]
fn training_images_end_where_the_specimen_does() {
    let dir = tempfile::tempdir().unwrap();
    let load = |rows: u32| {
        let data = write_pair(dir.path(), rows);
        let wanted =
            FolderTraining { images: data.images, masks: Some(data.masks), ..FolderTraining::default() };
        let options = TrainOptions { info_bar: data.info_bar, ..TrainOptions::default() };
        Dataset::load(&Recipe::from_folders(&wanted).unwrap(), &options, &Monitor::silent()).unwrap()
    };
    let [bare, below] = [0, 8].map(load);
    assert_eq!(bare.train, below.train);
    assert_eq!(bare.train[0].images[0].image.dim(), (1, 32, 40));
    assert_eq!((bare.validate.len(), below.validate.len()), (1, 1));
    let Truth::Map(truth) = &below.validate[0].truth else { panic!("no mask") };
    assert_eq!(truth.dim(), (40, 40));
    assert!(truth.rows().into_iter().skip(32).flatten().all(|&class| class == IGNORE));
}
