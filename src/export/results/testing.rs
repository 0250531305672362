//! A small result made by hand, for this room's tests.

use super::{ExportJob, Format, Paint};
use crate::analysis::{LabelMap, RunSettings, Segmentation};
use crate::imaging::{Calibration, Micrograph, PixelSize};
use crate::network::architectures::{UnetSpec, unet};
use crate::network::{ClassInfo, Model, ModelCard, Normalisation, Task, Weights};
use candle_core::Device;
use ndarray::{Array3, Array4, array};
use std::collections::BTreeMap;

/// Owns what an export job borrows.
pub(in crate::export) struct Made {
    pub(in crate::export) micrograph: Micrograph,
    pub(in crate::export) model: Model,
    pub(in crate::export) settings: RunSettings,
    pub(in crate::export) segmentation: Segmentation,
}

impl Made {
    pub(in crate::export) fn job<'a>(&'a self, formats: &'a [Format]) -> ExportJob<'a> {
        ExportJob {
            micrograph: &self.micrograph,
            model: &self.model,
            settings: &self.settings,
            device: "CPU, 2 threads",
            threads: 2,
            segmentation: &self.segmentation,
            formats,
            paint: Paint::default(),
        }
    }
}

pub(in crate::export) fn pixel() -> PixelSize {
    PixelSize { x_nm: 12.3, y_nm: 12.3, source: "by hand".to_owned() }
}

/// A picture of 2 × 4 px called "two phases", a model of random weights, and a mask drawn by hand.
pub(in crate::export) fn made() -> Made {
    let calibration = Calibration::of_pixel(&pixel());
    let values = Array4::from_shape_fn((1, 1, 2, 4), |(_, _, y, x)| (y * 4 + x) as f32);
    let labels = array![[0, 1, 1, 0], [0, 0, 0, 2]];
    let probabilities =
        Array3::from_shape_fn(
            (3, 2, 4),
            |(class, y, x)| {
                if usize::from(labels[[y, x]]) == class { 0.5 } else { 0.25 }
            },
        );
    let model = model();
    Made {
        micrograph: Micrograph::from_array("two phases", values, vec!["SE".to_owned()], calibration),
        settings: RunSettings::default(),
        segmentation: Segmentation {
            labels: LabelMap(labels),
            probabilities,
            classes: model.card.classes.clone(),
            specimen_rows: 2,
            pixel: Some(pixel()),
            tile: None,
        },
        model,
    }
}

fn model() -> Model {
    let spec = UnetSpec { in_channels: 1, classes: 3, base: 2, depth: 1, batch_norm: false, upsample: None };
    let graph = unet(spec).unwrap();
    let weights = Weights::initialised(&graph, 1, &Device::Cpu).unwrap();
    let class = |name: &str, colour| ClassInfo { name: name.to_owned(), colour };
    let card = ModelCard {
        name: "test model".to_owned(),
        description: String::new(),
        task: Task::Segment,
        classes: vec![class("matrix", [1, 2, 3]), class("γ′", [255, 0, 0]), class("pore", [0, 0, 255])],
        units: None,
        channels: vec!["grey".to_owned()],
        pixel_size_nm: None,
        normalisation: Normalisation::ZScore,
        input_size: None,
        training_data: vec![],
        licence: String::new(),
        metrics: BTreeMap::new(),
        metrics_on: String::new(),
        recipe: String::new(),
        trained_by: String::new(),
    };
    Model::new(graph, weights, card).unwrap()
}
