//! The room network without what computes: graphs, cards, files and foreign formats.

#![allow(dead_code, unused_imports, reason = "the rest of the room uses it")]

#[path = "../../src/network/architectures/mod.rs"]
pub mod architectures;
#[path = "../../src/network/card.rs"]
mod card;
#[path = "../../src/network/error.rs"]
mod error;
#[path = "../../src/network/file.rs"]
mod file;
#[path = "../../src/network/geometry.rs"]
mod geometry;
#[path = "../../src/network/graph.rs"]
mod graph;
#[path = "../../src/network/limits.rs"]
mod limits;
#[path = "../../src/network/onnx/mod.rs"]
mod onnx;
#[path = "../../src/network/op/mod.rs"]
mod op;
#[path = "../../src/network/order.rs"]
mod order;
#[path = "../../src/network/pytorch/mod.rs"]
mod pytorch;
#[path = "../../src/network/receptive.rs"]
mod receptive;
#[path = "../../src/network/shape/mod.rs"]
mod shape;
#[path = "../../src/network/sliding.rs"]
mod sliding;
#[path = "../../src/network/stride.rs"]
mod stride;
#[path = "../../src/network/training_statistics.rs"]
mod training_statistics;
#[path = "../../src/network/weights.rs"]
mod weights;
#[path = "../../src/network/windows.rs"]
mod windows;

use crate::monitor::Monitor;
use candle_core::Device;
use std::path::{Path, PathBuf};

pub use card::*;
pub use error::NetworkError;
pub use graph::{Graph, Node};
pub use op::{
    Between, Coordinates, Extent, Function, Nearest, Op, PadMode, Pairing, PoolKind, Pooling, Reduction, Resample,
    ResizeTo, Resizing,
};
pub use receptive::{ReceptiveField, receptive_fields, receptive_window};
pub use stride::total_stride;
pub use training_statistics::{FeatureSpace, Neighbours, TrainingStatistics};
pub use weights::{ParameterSpec, Weights};

/// Outputs of an ONNX file that are looked at.
const MOST_OUTPUTS: usize = 3;

/// A network with its weights and card; it cannot be run.
#[derive(Debug, Clone)]
pub struct Model {
    pub graph: Graph,
    pub weights: Weights,
    pub card: ModelCard,
    pub path: Option<PathBuf>,
}

impl Model {
    pub fn new(graph: Graph, weights: Weights, card: ModelCard) -> Result<Self, NetworkError> {
        weights.check(&graph)?;
        card.check(&graph)?;
        Ok(Self { graph, weights, card, path: None })
    }
}

/// Reads an ONNX file and makes a network of each of its outputs, whatever its first axis is.
pub fn read_onnx(path: &Path) {
    let Ok(file) = onnx::read(path) else { return };
    for output in file.outputs().into_iter().take(MOST_OUTPUTS) {
        for reading in [onnx::Reading::Batch, onnx::Reading::Sample] {
            let wish = onnx::Wish { output: Some(output), reading, ..onnx::Wish::default() };
            if let Ok(onnx::Answer::Network(lowered)) = onnx::lower(&file, &wish, &Monitor::silent()) {
                lowered.weights.check(&lowered.graph).expect("the weights are the graph's");
                look(&lowered.graph);
            }
        }
    }
}

/// Reads a file of weights, PyTorch's or safetensors, with all its numbers.
pub fn read_weights(path: &Path) {
    let Ok(mut checkpoint) = pytorch::Checkpoint::open(path, None) else { return };
    let weights: Vec<(String, usize)> = checkpoint
        .weights()
        .map(|(name, shape)| (name.to_owned(), shape.iter().product()))
        .collect();
    for (name, values) in weights.into_iter().take(64) {
        if let Ok(numbers) = checkpoint.numbers(&name) {
            assert_eq!(numbers.len(), values, "{name}");
        }
    }
}

/// Reads a model file, all of it.
pub fn read_model(path: &Path) -> Result<(), NetworkError> {
    let opened = file::Opened::open(path)?;
    look(&opened.graph);
    opened.weights(path, &Device::Cpu)?;
    Ok(())
}

/// What a person would see of a graph first: shapes and receptive fields. Neither may panic, however odd the graph.
pub fn look(graph: &Graph) {
    let sides = total_stride(graph).map(|stride| 64_usize.next_multiple_of(stride));
    let image = [graph.input_channels(), sides[0], sides[1]];
    let shapes = match graph.input_array() {
        Some(shape) => graph.shapes_of(shape),
        None => graph.shapes(image),
    };
    if let Ok(shapes) = shapes {
        assert_eq!(shapes.len(), graph.nodes().len());
        std::hint::black_box(receptive_fields(graph).len());
    }
    let text = serde_json::to_string(graph).expect("a graph is JSON");
    let again: Graph = serde_json::from_str(&text).expect("a graph's own JSON is read");
    assert_eq!(*graph, again);
}
