//! A model as an ONNX file, for other programs to run: the same operators with the same weights under the same names.
//!
//! Values are called after our nodes, and keep the batch axis in front, whose length is left open as those of the image
//! are wherever the network takes any. Where ONNX has no operator for one of ours, it becomes several, called
//! "NODE/…". The numbers of the card go into the file's metadata.

mod builder;
mod container;
mod functions;
mod layers;
mod metadata;
mod operations;
mod reshaping;
mod resizing;
mod sizes;

use super::proto::{
    DimensionProto, GraphProto, ModelProto, OperatorSetIdProto, TensorShapeProto, TensorTypeProto, TypeProto,
    ValueInfoProto, data_type,
};
use crate::monitor::Monitor;
use crate::network::{Model, NetworkError, Node, Op};
use builder::Builder;
use container::Weight;
use operations::Site;
use sizes::Sizes;
use std::path::Path;

/// The versions of ONNX's operators that can be written, and the version of the file's layout that came with each.
const OPSETS: [(i64, i64); 6] = [(17, 8), (18, 8), (19, 9), (20, 9), (21, 10), (22, 10)];
/// What is written unless more is needed: every runtime of the last years knows it.
const USUAL_OPSET: i64 = 18;

/// How a model is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OnnxSettings {
    /// Version of the operators, 17 to 22; `None`: 18, or the first in which all that the network needs is there.
    pub opset: Option<i64>,
    /// `[y, x]` of the images the file is for; `None`: all that the network takes.
    pub size: Option<[usize; 2]>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnnxWritten {
    pub opset: i64,
    /// Such as "batch×1×height×width".
    pub input: String,
    pub output: String,
}

/// Writes the file whole or not at all.
///
/// # Errors
/// When a node cannot be said in ONNX, or not in that version of it (with the node's name), the network is larger than a
/// file may be, or the file cannot be written.
pub fn write_onnx(
    model: &Model,
    path: &Path,
    settings: OnnxSettings,
    monitor: &Monitor,
) -> Result<OnnxWritten, NetworkError> {
    monitor.stage("Writing ONNX");
    if model.path.as_deref().is_some_and(|own| same_file(own, path)) {
        let what = "The model itself stands there, and is not written over".to_owned();
        return Err(NetworkError::File { path: path.to_owned(), what });
    }
    model.weights.check(&model.graph)?;
    let (opset, ir_version) = versions(model, settings.opset)?;
    let sizes = Sizes::of(&model.graph, &model.card, settings.size)?;
    let mut builder = Builder::new(opset);
    let weights = add_nodes(model, &sizes, &mut builder)?;
    let output = model.graph.nodes().len() - 1;
    let output_name = output_name(model, &mut builder);
    let graph = GraphProto {
        node: builder.nodes,
        name: model.graph.architecture.clone(),
        initializer: builder.tensors,
        input: vec![value_info(&model.graph.nodes()[0].name, &sizes.dimensions(0))],
        output: vec![value_info(&output_name, &sizes.dimensions(output))],
    };
    let file = ModelProto {
        ir_version,
        producer_name: "Polepiece".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: model.card.description.clone(),
        graph: None,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: opset }],
        metadata_props: metadata::entries(&model.card)?,
        functions: Vec::new(),
    };
    container::write(path, &file, &graph, &weights, monitor)?;
    let [input, output] = [0, output].map(|node| words(&sizes.dimensions(node)));
    Ok(OnnxWritten { opset, input, output })
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// The version of operators that is wanted or needed, and of the file's layout.
fn versions(model: &Model, wanted: Option<i64>) -> Result<(i64, i64), NetworkError> {
    let needed = |node: &Node| operations::least_opset(&node.op);
    let demanding = model.graph.nodes().iter().max_by_key(|node| needed(node));
    let least = demanding.map_or(0, needed);
    let opset = wanted.unwrap_or(USUAL_OPSET.max(least));
    let Some(found) = OPSETS.iter().find(|(known, _)| *known == opset).copied() else {
        let (first, last) = (OPSETS[0].0, OPSETS[OPSETS.len() - 1].0);
        return Err(NetworkError::Graph(format!(
            "Version {opset} of ONNX's operators cannot be written; {first} to {last} can"
        )));
    };
    match demanding {
        Some(node) if opset < least => Err(NetworkError::Graph(format!(
            "Node {}: {} as it is needs version {least} of ONNX's operators, not {opset}",
            node.name,
            node.op.kind()
        ))),
        _ => Ok(found),
    }
}

/// All nodes in our order; gives the weights they read.
fn add_nodes<'a>(
    model: &'a Model,
    sizes: &Sizes,
    builder: &mut Builder,
) -> Result<Vec<Weight<'a>>, NetworkError> {
    let graph = &model.graph;
    let mut weights = Vec::new();
    // Constants have one value for the whole batch, and so has what is computed of them alone.
    let mut batched = vec![false; graph.nodes().len()];
    for (index, node) in graph.nodes().iter().enumerate() {
        let inputs = graph.inputs_of(index);
        batched[index] =
            matches!(node.op, Op::Input { .. } | Op::Array { .. }) || inputs.iter().any(|&i| batched[i]);
        for spec in node.parameters() {
            let Some(tensor) = model.weights.tensors.get(&spec.name) else { continue };
            let mut dims: Vec<i64> = spec.shape.iter().map(|&n| n as i64).collect();
            if matches!(node.op, Op::Constant { .. }) {
                dims.insert(0, 1);
            }
            weights.push(Weight { name: spec.name, dims, tensor });
        }
        builder.begin(&node.name);
        Site { graph, sizes, index, node, inputs, batched: &batched }.write(builder)?;
    }
    Ok(weights)
}

/// The name of the answer. A value that enters the file cannot leave it under the same name.
fn output_name(model: &Model, builder: &mut Builder) -> String {
    let Some(last) = model.graph.output() else { return String::new() };
    if matches!(last.op, Op::Input { .. } | Op::Array { .. } | Op::Constant { .. }) {
        builder.begin(&last.name);
        return builder.part("Identity", &[&operations::value_name(last)], Vec::new());
    }
    last.name.clone()
}

fn value_info(name: &str, dimensions: &[Result<usize, String>]) -> ValueInfoProto {
    let dimension = |length: &Result<usize, String>| DimensionProto {
        dim_value: length.as_ref().ok().map(|&number| number as i64),
        dim_param: length.as_ref().err().cloned(),
    };
    let shape = TensorShapeProto { dim: dimensions.iter().map(dimension).collect() };
    let tensor_type = TensorTypeProto { elem_type: data_type::FLOAT, shape: Some(shape) };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto { tensor_type: Some(tensor_type) }),
        ..ValueInfoProto::default()
    }
}

fn words(dimensions: &[Result<usize, String>]) -> String {
    let length = |length: &Result<usize, String>| length.as_ref().map_or_else(Clone::clone, usize::to_string);
    dimensions.iter().map(length).collect::<Vec<_>>().join("×")
}

#[cfg(test)]
mod tests;
