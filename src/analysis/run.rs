//! A model on a frame of a micrograph: the one function behind the window's Run and the command line.
use super::label_map::count_classes;
use super::predict::Frame;
use super::retry::until_it_fits;
use super::tiling::Tiling;
use super::walk::{Walk, check_wanted, planned_nodes};
use super::{AnalysisError, LabelMap, Regression, memory, network_input, predict, regression};
use crate::imaging::{Micrograph, PixelSize};
use crate::inspect::{FeatureMaps, PlannedNode, Recorder, Wanted};
use crate::monitor::Monitor;
use crate::network::{ClassInfo, Model, Scope, Task};
use candle_core::Device;
use ndarray::{Array3, s};
use std::sync::Arc;

/// Everything that decides a result, besides model and micrograph.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct RunSettings {
    pub frame: usize,
    /// Which microscope channels feed the network's inputs, in order; `None`: grey for one input, else the first ones.
    pub channels: Option<Vec<usize>>,
    /// Side in px of the piece that a tile decides (its halo comes on top), rounded up to the network's stride; `None`:
    /// chosen by memory, whole image if it fits. Networks in which a node sees the whole image are never cut.
    pub tile: Option<usize>,
    /// Bytes the network may take at its worst moment, weights included; `None`: half of what is free, at most 768 MiB, and
    /// of a graphics card's memory four fifths of what is free. The result itself comes on top and is checked against
    /// what the host has free.
    pub memory_limit: Option<u64>,
}

/// Classes per pixel, and how sure. Both have the picture's whole size.
#[derive(Debug, Clone)]
pub struct Segmentation {
    /// Class 0 in the info bar, which belongs to no object.
    pub labels: LabelMap,
    /// Softmax `[class, y, x]`; 0 for every class in the info bar, of which nothing is said.
    pub probabilities: Array3<f32>,
    pub classes: Vec<ClassInfo>,
    /// How many rows show the specimen; those below are the info bar and count as nothing.
    pub specimen_rows: usize,
    pub pixel: Option<PixelSize>,
    /// Side of the tiles used (the same in [`RunSettings::tile`] repeats the run exactly); `None`: whole.
    pub tile: Option<usize>,
}

impl Segmentation {
    /// Share of the specimen that each class covers; the info bar is no specimen.
    #[must_use]
    pub fn area_fractions(&self) -> Vec<f64> {
        let specimen = self.labels.0.slice(s![..self.specimen_rows.min(self.labels.height()), ..]);
        let pixels = specimen.len().max(1) as f64;
        let counts = count_classes(specimen, self.classes.len());
        counts.into_iter().map(|count| count as f64 / pixels).collect()
    }
}

/// One probability a class.
#[derive(Debug, Clone)]
pub struct Classification {
    pub probabilities: Vec<f32>,
    pub classes: Vec<ClassInfo>,
}

#[derive(Debug, Clone)]
pub enum Prediction {
    Segmentation(Arc<Segmentation>),
    Classification(Arc<Classification>),
    Regression(Arc<Regression>),
    /// Of a model whose card promises no answer: its feature maps are what there is to see.
    Nothing,
}

/// Runs the model on one frame; `recorder` keeps the feature maps it wants on the way. The input goes to the device
/// that the model's weights are on; `device` is for models without weights.
pub fn run(
    model: &Model,
    micrograph: &Micrograph,
    settings: &RunSettings,
    device: &Device,
    recorder: &mut Recorder,
    monitor: &Monitor,
) -> Result<Prediction, AnalysisError> {
    check_wanted(&recorder.wanted, model)?;
    let prepared = Prepared::new(model, micrograph, settings, device, monitor)?;
    let frame = Frame {
        height: micrograph.height(),
        specimen_rows: micrograph.specimen_rows().len(),
        pixel: micrograph.calibration().pixel(),
    };
    prepared.predict(model, &frame, recorder, monitor)
}

/// The feature maps of one node, stopping the run there.
pub fn features_of(
    node: &str,
    model: &Model,
    micrograph: &Micrograph,
    settings: &RunSettings,
    device: &Device,
    monitor: &Monitor,
) -> Result<FeatureMaps, AnalysisError> {
    let wanted = Wanted::Nodes(vec![node.to_owned()]);
    check_wanted(&wanted, model)?;
    let prepared = Prepared::new(model, micrograph, settings, device, monitor)?;
    let stop = prepared.nodes.iter().position(|planned| planned.name == node);
    let bytes = stop.map_or(0, |index| prepared.nodes[index].bytes());
    memory::check_free(&format!("Keeping the feature maps of {node}"), bytes)?;
    let mut recorder = Recorder::new(wanted, bytes);
    prepared.record(model, stop, &mut recorder, monitor)?;
    let kept = recorder.finish().maps.remove(node).map(Arc::unwrap_or_clone);
    kept.ok_or_else(|| AnalysisError::Mismatch(format!("{} gave nothing at node {node}", model.card.name)))
}

/// An image ready to run.
pub(super) struct Prepared<'a> {
    /// The network's input `[channel, y, x]`, not padded.
    pub(super) image: Array3<f32>,
    pub(super) tiling: Tiling,
    pub(super) nodes: Vec<PlannedNode>,
    /// Where the weights are.
    device: &'a Device,
}

impl<'a> Prepared<'a> {
    fn new(
        model: &'a Model,
        micrograph: &Micrograph,
        settings: &RunSettings,
        device: &'a Device,
        monitor: &Monitor,
    ) -> Result<Self, AnalysisError> {
        let image = read(model, micrograph, settings, monitor)?;
        let source = [micrograph.specimen_rows().len(), micrograph.width()];
        Self::of(model, image, source, settings, device)
    }

    /// Of a network's input that shows `source` `[y, x]` px of a micrograph.
    pub(super) fn of(
        model: &'a Model,
        image: Array3<f32>,
        source: [usize; 2],
        settings: &RunSettings,
        device: &'a Device,
    ) -> Result<Self, AnalysisError> {
        let device = model.weights.tensors.values().next().map_or(device, |tensor| tensor.device());
        let size = [image.dim().1, image.dim().2];
        let (tiling, extent) = match model.card.scope(&model.graph)? {
            Scope::PerPixel => {
                let tiling = Tiling::choose(&model.graph, size, settings, device)?;
                let padded = tiling.padded;
                (tiling, padded)
            }
            Scope::PerImage => (Tiling::in_one_piece(&model.graph, size, settings, device)?, source),
        };
        let nodes = planned_nodes(&model.graph, tiling.padded, extent, source)?;
        Ok(Self { image, tiling, nodes, device })
    }

    /// The model's answer; `recorder` keeps the feature maps it wants on the way.
    pub(super) fn predict(
        &self,
        model: &Model,
        frame: &Frame,
        recorder: &mut Recorder,
        monitor: &Monitor,
    ) -> Result<Prediction, AnalysisError> {
        self.walk(model, None, monitor, |walk| {
            recorder.plan(&self.nodes);
            Ok(match model.card.task {
                Task::Segment => Prediction::Segmentation(Arc::new(predict::segment(walk, recorder, frame)?)),
                Task::Classify => Prediction::Classification(Arc::new(predict::classify(walk, recorder)?)),
                Task::Regress => {
                    Prediction::Regression(Arc::new(regression::regress(walk, recorder, frame)?))
                }
                Task::Any => {
                    walk.run(recorder, |_, _| Ok(()))?;
                    Prediction::Nothing
                }
            })
        })
    }

    /// The feature maps that a recorder wants, as far as the node `stop`.
    pub(super) fn record(
        &self,
        model: &Model,
        stop: Option<usize>,
        recorder: &mut Recorder,
        monitor: &Monitor,
    ) -> Result<(), AnalysisError> {
        self.walk(model, stop, monitor, |walk| {
            recorder.plan(&self.nodes);
            walk.run(recorder, |_, _| Ok(()))
        })
    }

    /// Walks the model over the tiles as far as the node `stop`; in smaller tiles where the device is full.
    fn walk<T>(
        &self,
        model: &Model,
        stop: Option<usize>,
        monitor: &Monitor,
        mut work: impl FnMut(&Walk<'_>) -> Result<T, AnalysisError>,
    ) -> Result<T, AnalysisError> {
        let (image, device) = (self.image.view(), self.device);
        until_it_fits(&model.graph, self.tiling.clone(), device, |tiling, smaller| {
            work(&Walk { model, prepared: model.prepared(), device, image, tiling, smaller, stop, monitor })
        })
    }
}

/// A frame of a micrograph as the network is given it.
pub(super) fn read(
    model: &Model,
    micrograph: &Micrograph,
    settings: &RunSettings,
    monitor: &Monitor,
) -> Result<Array3<f32>, AnalysisError> {
    monitor.check()?;
    if let Some(shape) = model.graph.input_array() {
        let what = format!("{} reads arrays of shape {shape:?}, no images", model.card.name);
        return Err(AnalysisError::Mismatch(what));
    }
    monitor.stage(&format!("Reading {}", micrograph.name()));
    let inputs = model.graph.input_channels();
    let image = network_input(&model.card, inputs, micrograph, settings.frame, settings.channels.as_deref())?;
    monitor.check()?;
    Ok(image)
}
