//! The room network without what computes: graphs, cards, files and foreign formats.

#![allow(dead_code, unused_imports, reason = "the rest of the room uses it")]

#[path = "../../src/network/card.rs"]
mod card;
#[path = "../../src/network/error.rs"]
mod error;
#[path = "../../src/network/file.rs"]
mod file;
#[path = "../../src/network/graph.rs"]
mod graph;
#[path = "../../src/network/limits.rs"]
mod limits;
#[path = "../../src/network/op/mod.rs"]
mod op;
#[path = "../../src/network/order.rs"]
mod order;
#[path = "../../src/network/receptive.rs"]
mod receptive;
#[path = "../../src/network/shape/mod.rs"]
mod shape;
#[path = "../../src/network/stride.rs"]
mod stride;
#[path = "../../src/network/weights.rs"]
mod weights;
#[path = "../../src/network/windows.rs"]
mod windows;

use candle_core::Device;
use std::path::Path;

pub use card::{ClassInfo, DataSource, ModelCard, Normalisation, Task};
pub use error::NetworkError;
pub use graph::{Graph, Node};
pub use op::{
    Between, Coordinates, Extent, Function, Nearest, Op, PadMode, Pairing, PoolKind, Pooling, Reduction, Resample,
    ResizeTo, Resizing,
};
pub use receptive::{ReceptiveField, receptive_fields, receptive_window};
pub use stride::total_stride;
pub use weights::{ParameterSpec, Weights};

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
