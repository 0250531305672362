//! Tiny images and models for this room's tests.

use super::{Command, Preferences, Session, Threading};
use crate::export::{TiffPages, write_tiff};
use crate::network::architectures::{UnetSpec, lenet, unet};
use crate::network::{ClassInfo, Model, ModelCard, Normalisation, Task, Weights};
use candle_core::Device;
use std::path::{Path, PathBuf};

/// A session whose jobs answer at once and which keeps nothing.
pub(super) fn session() -> Session {
    Session::new(Threading::AtOnce, Preferences::default(), false)
}

/// A session with an image of 10 × 12 px and a tiny segmenter.
pub(super) fn ready(dir: &Path) -> Session {
    let mut session = session();
    session.apply(Command::Open(vec![grey_png(dir, "image.png", 10, 12)]));
    session.apply(Command::ChooseModel(TinyModel::segmenter().save(dir, "tiny")));
    assert!(session.messages.is_empty(), "{:?}", texts(&session));
    session
}

pub(super) fn texts(session: &Session) -> Vec<&str> {
    session.messages.iter().map(|message| message.text.as_str()).collect()
}

pub(super) fn grey_png(dir: &Path, name: &str, width: u32, height: u32) -> PathBuf {
    let path = dir.join(name);
    image::GrayImage::from_fn(width, height, |x, y| image::Luma([(x * 20 + y * 7) as u8]))
        .save(&path)
        .unwrap();
    path
}

/// A TIFF of frames of 6 × 4 px whose values are the frame's number.
pub(super) fn stack_tiff(dir: &Path, name: &str, frames: u8) -> PathBuf {
    let path = dir.join(name);
    let mut file = tiff::encoder::TiffEncoder::new(std::fs::File::create(&path).unwrap()).unwrap();
    for frame in 0..frames {
        file.write_image::<tiff::encoder::colortype::Gray8>(6, 4, &[frame; 24]).unwrap();
    }
    path
}

/// A colour picture of 6 × 4 px.
pub(super) fn colour_png(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join(name);
    image::RgbImage::from_fn(6, 4, |x, y| image::Rgb([(x * 40) as u8, (y * 50) as u8, 7]))
        .save(&path)
        .unwrap();
    path
}

/// A TIFF of two channels of 6 × 4 px: y · 6 + x, and 100 more.
pub(super) fn two_channels(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join(name);
    let plane = |first: f32| ndarray::Array2::from_shape_fn((4, 6), |(y, x)| first + (y * 6 + x) as f32);
    let names = ["Al".to_owned(), "Ni".to_owned()];
    let calibration = crate::imaging::Calibration::default();
    write_tiff(&path, TiffPages::F32(&[plane(0.0), plane(100.0)]), &names, &calibration).unwrap();
    path
}

/// A model of random weights.
#[derive(Debug, Clone, Copy)]
pub(super) struct TinyModel {
    pub(super) task: Task,
    pub(super) channels: usize,
    pub(super) seed: u64,
}

impl TinyModel {
    pub(super) fn segmenter() -> Self {
        Self { task: Task::Segment, channels: 1, seed: 1 }
    }

    pub(super) fn classifier() -> Self {
        Self { task: Task::Classify, ..Self::segmenter() }
    }

    pub(super) fn regressor() -> Self {
        Self { task: Task::Regress, ..Self::segmenter() }
    }

    pub(super) fn build(self) -> Model {
        let (in_channels, classes) = (self.channels, 2);
        let spec = UnetSpec { in_channels, classes, base: 2, depth: 1, batch_norm: true, upsample: None };
        let graph = match self.task {
            Task::Segment | Task::Regress | Task::Any => unet(spec),
            Task::Classify => lenet(in_channels, classes, 2, None),
        };
        let graph = graph.unwrap();
        let weights = Weights::initialised(&graph, self.seed, &Device::Cpu).unwrap();
        let class = |name: &str, colour| ClassInfo { name: name.to_owned(), colour };
        let card = ModelCard {
            name: "Tiny".to_owned(),
            description: String::new(),
            task: self.task,
            classes: vec![class("matrix", [0, 0, 0]), class("particle", [255, 128, 0])],
            units: None,
            channels: (0..in_channels).map(|channel| format!("channel {channel}")).collect(),
            pixel_size_nm: None,
            normalisation: Normalisation::ZScore,
            input_size: (self.task == Task::Classify).then_some([32, 32]),
            training_data: Vec::new(),
            licence: "MIT".to_owned(),
            metrics: std::collections::BTreeMap::new(),
            metrics_on: String::new(),
            recipe: String::new(),
            trained_by: String::new(),
        };
        Model::new(graph, weights, card).unwrap()
    }

    /// Gives the path, as a model is chosen by.
    pub(super) fn save(self, dir: &Path, stem: &str) -> String {
        let path = dir.join(format!("{stem}.safetensors"));
        self.build().save(&path).unwrap();
        path.to_str().unwrap().to_owned()
    }
}
