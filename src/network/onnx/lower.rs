//! From a file to a network: which nodes are needed, and in which order.

use super::build::Builder;
use super::file::OnnxFile;
use super::functions::{Plain, inlined};
use super::names::Names;
use super::ops::operator;
use super::proto::TensorProto;
use super::value::Value;
use super::walk::Walk;
use super::{OnnxError, finish};
use crate::monitor::Monitor;
use crate::network::order::topological;
use crate::network::{Graph, Weights};
use ndarray::ArrayD;
use std::collections::{BTreeMap, BTreeSet};

/// What axis 0 of the model's input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The batch; every image is computed by itself.
    Batch,
    /// An axis like the others, of one sample.
    Sample,
}

/// What is wanted of a file.
pub struct Wish<'a> {
    /// Name of the output; the first one where there is none.
    pub output: Option<&'a str>,
    /// Inputs that are given numbers.
    pub bound: BTreeMap<String, TensorProto>,
    pub reading: Reading,
    /// Refuse what the network would do only nearly as the file says (training-mode norms, borders that hang on the
    /// image's size) rather than say so.
    pub strict: bool,
}

impl Default for Wish<'_> {
    fn default() -> Self {
        Self { output: None, bound: BTreeMap::new(), reading: Reading::Batch, strict: false }
    }
}

/// A file made into a network.
#[derive(Debug)]
pub struct Lowered {
    pub graph: Graph,
    pub weights: Weights,
    /// Name of the input and the sizes of its axes, batch included; `None` for any.
    pub input: (String, Vec<Option<usize>>),
    /// Name of the output that was chosen.
    pub output: String,
    /// What a person should know of the import.
    pub notes: Vec<String>,
}

/// What became of an output.
#[derive(Debug)]
pub enum Answer {
    Network(Box<Lowered>),
    /// Numbers that do not hang on the input.
    Constant(ArrayD<f32>),
}

/// Makes a network of the part of a file that leads to one output.
///
/// # Errors
/// [`OnnxError::Operators`] with all operators that there is no way for, [`OnnxError::Node`] for a form of one,
/// [`OnnxError::File`] for what no network can be.
pub fn lower(file: &OnnxFile, wish: &Wish<'_>, monitor: &Monitor) -> Result<Answer, OnnxError> {
    let nodes = inlined(&file.model, &file.graph.node, file.opset)?;
    let output = chosen(file, wish)?;
    let (order, read) = needed(&nodes, &output)?;
    check_operators(&nodes, &order)?;
    let mut walk = Walk {
        file,
        wish,
        builder: Builder::new(Names::of(&file.graph), wish.strict),
        values: BTreeMap::new(),
        numbers: file.graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect(),
    };
    let input = walk.enter(&nodes, &order, &read, &output)?;
    for (done, &index) in order.iter().enumerate() {
        monitor.progress(done, order.len())?;
        walk.node(&nodes[index], &read, &output)?;
    }
    let Some(answer) = walk.value(&output)? else {
        return Err(OnnxError::File(format!("Nothing makes the output {output}")));
    };
    match answer {
        Value::Known(known) => match known.values() {
            Some(values) => Ok(Answer::Constant(values)),
            None => Err(OnnxError::File(format!(
                "The output {output} is a size of the input, not computed from it"
            ))),
        },
        Value::Live(live) => {
            let mut notes = dropped(file, &nodes, &order, &output);
            notes.append(&mut walk.builder.notes);
            let (graph, weights) = finish::network(walk.builder, &live)?;
            Ok(Answer::Network(Box::new(Lowered { graph, weights, input, output, notes })))
        }
    }
}

/// The output that was asked for.
fn chosen(file: &OnnxFile, wish: &Wish<'_>) -> Result<String, OnnxError> {
    let outputs = file.outputs();
    match wish.output {
        Some(name) if outputs.contains(&name) => Ok(name.to_owned()),
        Some(name) => Err(OnnxError::File(format!("There is no output {name}, only {}", outputs.join(", ")))),
        None => match outputs.first() {
            Some(first) => Ok((*first).to_owned()),
            None => Err(OnnxError::File("The model has no output".into())),
        },
    }
}

/// What the network does not compute, because the chosen output does not need it.
fn dropped(file: &OnnxFile, nodes: &[Plain], order: &[usize], output: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let others: Vec<&str> = file.outputs().into_iter().filter(|name| *name != output).collect();
    if !others.is_empty() {
        notes.push(format!("of its outputs, {output} is taken, and not {}", others.join(", ")));
    }
    let left = nodes.len() - order.len();
    if left > 0 {
        let nodes = if left == 1 { "1 node that does" } else { "nodes that do" };
        let count = if left == 1 { String::new() } else { format!("{left} ") };
        notes.push(format!(
            "{count}{nodes} not lead to {output} {} left out",
            if left == 1 { "is" } else { "are" }
        ));
    }
    notes
}

/// The nodes that lead to an output, each after those it reads, and the names that they read.
fn needed(nodes: &[Plain], output: &str) -> Result<(Vec<usize>, BTreeSet<String>), OnnxError> {
    let mut makers: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, plain) in nodes.iter().enumerate() {
        for name in plain.node.output.iter().filter(|name| !name.is_empty()) {
            if makers.insert(name, index).is_some() {
                return Err(OnnxError::File(format!("Two nodes make {name}")));
            }
        }
    }
    let mut wanted = vec![false; nodes.len()];
    let mut read = BTreeSet::new();
    let mut open: Vec<&str> = vec![output];
    while let Some(name) = open.pop() {
        let Some(&index) = makers.get(name) else { continue };
        if !std::mem::replace(&mut wanted[index], true) {
            for input in nodes[index].node.input.iter().filter(|input| !input.is_empty()) {
                read.insert(input.clone());
                open.push(input);
            }
        }
    }
    let links: Vec<Vec<usize>> = nodes
        .iter()
        .zip(&wanted)
        .map(|(plain, wanted)| {
            let inputs = plain.node.input.iter().filter(|_| *wanted);
            inputs.filter_map(|input| makers.get(input.as_str()).copied()).collect()
        })
        .collect();
    let order = topological(&links).map_err(|cycle| {
        let names: Vec<String> =
            cycle.iter().chain(cycle.first()).take(20).map(|&index| title(&nodes[index])).collect();
        OnnxError::File(format!("The nodes form a cycle: {}", names.join(" → ")))
    })?;
    Ok((order.into_iter().filter(|&index| wanted[index]).collect(), read))
}

/// What a node is called in messages.
pub(super) fn title(plain: &Plain) -> String {
    let node = &plain.node;
    let name = if node.name.is_empty() { node.output.first() } else { Some(&node.name) };
    name.map_or("?", String::as_str).chars().take(120).collect()
}

fn check_operators(nodes: &[Plain], order: &[usize]) -> Result<(), OnnxError> {
    let mut missing: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for &index in order {
        let node = &nodes[index].node;
        let own = node.domain.is_empty() || node.domain == "ai.onnx";
        if !own || operator(&node.op_type).is_none() {
            let domain = if own { String::new() } else { format!("{}.", node.domain) };
            missing.entry(format!("{domain}{}", node.op_type)).or_default().push(title(&nodes[index]));
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(OnnxError::Operators { operators: missing.into_iter().collect() })
    }
}
