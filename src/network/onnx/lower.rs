//! The walk over a file's nodes.

use super::attributes::Call;
use super::build::Builder;
use super::file::OnnxFile;
use super::functions::{Plain, inlined};
use super::known::Element;
use super::names::Names;
use super::ops::operator;
use super::proto::{TensorProto, ValueInfoProto};
use super::size::Size;
use super::value::{Live, Value};
use super::{OnnxError, Refused, finish, fold, tensor};
use crate::monitor::Monitor;
use crate::network::order::topological;
use crate::network::{Graph, Op, Weights};
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
fn title(plain: &Plain) -> String {
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

struct Walk<'a> {
    file: &'a OnnxFile,
    wish: &'a Wish<'a>,
    builder: Builder,
    values: BTreeMap<String, Value>,
    numbers: BTreeMap<&'a str, &'a TensorProto>,
}

impl Walk<'_> {
    /// Makes the node that the image enters at, and checks that nothing else enters.
    fn enter(
        &mut self,
        nodes: &[Plain],
        order: &[usize],
        read: &BTreeSet<String>,
        output: &str,
    ) -> Result<(String, Vec<Option<usize>>), OnnxError> {
        let open = |input: &&ValueInfoProto| {
            !self.numbers.contains_key(input.name.as_str()) && !self.wish.bound.contains_key(&input.name)
        };
        let mut inputs = self.file.graph.input.iter().filter(open);
        let Some(image) = inputs.next() else { return Ok((String::new(), Vec::new())) };
        let others: Vec<&str> =
            inputs.map(|input| input.name.as_str()).filter(|name| read.contains(*name)).collect();
        if !others.is_empty() {
            return Err(OnnxError::File(format!(
                "The model reads several inputs, {} beside {}; a network has one",
                others.join(", "),
                image.name
            )));
        }
        let used = read.contains(&image.name) || output == image.name;
        let readers: BTreeSet<&str> = order
            .iter()
            .map(|&index| &nodes[index].node)
            .filter(|node| node.input.contains(&image.name))
            .map(|node| node.op_type.as_str())
            .collect();
        let readers = readers.into_iter().collect::<Vec<_>>().join(", ");
        let (sizes, element) = match declared(image, &readers) {
            Ok(declared) => declared,
            Err(_) if !used => return Ok((image.name.clone(), Vec::new())),
            Err(error) => return Err(error),
        };
        if used {
            let consumers = order.iter().map(|&index| &nodes[index]);
            let live = self.image(&image.name, &sizes, element, consumers)?;
            self.values.insert(image.name.clone(), Value::Live(live));
        }
        Ok((image.name.clone(), sizes))
    }

    fn image<'n>(
        &mut self,
        name: &str,
        sizes: &[Option<usize>],
        element: Element,
        consumers: impl Iterator<Item = &'n Plain>,
    ) -> Result<Live, OnnxError> {
        let refused = |Refused(what): Refused| OnnxError::File(format!("The input {name}: {what}"));
        let batched = self.wish.reading == Reading::Batch && !sizes.is_empty();
        let mut dims: Vec<Size> = sizes
            .iter()
            .enumerate()
            .map(|(axis, size)| size.map_or_else(|| Size::axis(axis), Size::from))
            .collect();
        if batched && !dims[0].number().is_some_and(|n| n > 1) {
            // An image is computed by itself, so that a free batch is one of one.
            dims[0] = Size::from(1_i64);
        }
        self.builder.base = "input".into();
        if batched && dims.len() == 4 {
            return self.planes(name, dims, element, consumers);
        }
        let own = dims[usize::from(batched)..].to_vec();
        let Some(shape) = own.iter().map(Size::count).collect::<Option<Vec<usize>>>() else {
            return Err(OnnxError::File(format!(
                "The input {name} has {} axes whose sizes the file does not say; only images may have any size",
                dims.len()
            )));
        };
        let node = self.builder.make("", Op::Array { shape }, Vec::new(), own).map_err(refused)?;
        Ok(Live { node, dims, batched, element })
    }

    /// Images, channels first or (as TensorFlow's) last.
    fn planes<'n>(
        &mut self,
        name: &str,
        mut dims: Vec<Size>,
        element: Element,
        consumers: impl Iterator<Item = &'n Plain>,
    ) -> Result<Live, OnnxError> {
        let refused = |Refused(what): Refused| OnnxError::File(format!("The input {name}: {what}"));
        let readers: Vec<&Plain> =
            consumers.filter(|plain| plain.node.input.iter().any(|input| input == name)).collect();
        let channels_last = !readers.is_empty() && readers.iter().all(|plain| puts_channels_first(plain));
        let axis = if channels_last { 3 } else { 1 };
        let channels = dims[axis].count().or_else(|| self.channels_of(name, &readers));
        let Some(channels) = channels.filter(|&channels| channels > 0) else {
            return Err(OnnxError::File(format!("The input {name} does not say how many channels it has")));
        };
        dims[axis] = Size::from(channels);
        let own = if channels_last {
            vec![dims[3].clone(), dims[1].clone(), dims[2].clone()]
        } else {
            dims[1..].to_vec()
        };
        let node = self.builder.make("", Op::Input { channels }, Vec::new(), own).map_err(refused)?;
        if !channels_last {
            return Ok(Live { node, dims, batched: true, element });
        }
        self.builder.note(format!("the input {name} has its channels last; images are turned to fit"));
        // Turned so that the file's own turn undoes it.
        let own = dims[1..].to_vec();
        let turned = self
            .builder
            .make("turned", Op::Permute { axes: vec![1, 2, 0] }, vec![node], own)
            .map_err(refused)?;
        Ok(Live { node: turned, dims, batched: true, element })
    }

    /// The channels that a convolution reads of the input.
    fn channels_of(&self, name: &str, readers: &[&Plain]) -> Option<usize> {
        let conv = readers.iter().find(|plain| {
            plain.node.op_type == "Conv" && plain.node.input.first().is_some_and(|input| input == name)
        })?;
        let weight = self.numbers.get(conv.node.input.get(1)?.as_str())?;
        let group = conv.node.attribute.iter().find(|attribute| attribute.name == "group").map_or(1, |a| a.i);
        usize::try_from(weight.dims.get(1)?.checked_mul(group)?).ok()
    }

    /// What stands at a name; `None` where nothing has made it.
    fn value(&mut self, name: &str) -> Result<Option<Value>, OnnxError> {
        if let Some(value) = self.values.get(name) {
            return Ok(Some(value.clone()));
        }
        let (numbers, outside) = match self.wish.bound.get(name) {
            Some(bound) => (bound, None),
            None => match self.numbers.get(name) {
                Some(numbers) => (*numbers, self.file.outside.as_ref()),
                None => return Ok(None),
            },
        };
        let known = tensor::known(numbers, outside)
            .map_err(|Refused(what)| OnnxError::File(format!("The model's numbers cannot be had: {what}")))?;
        let value = Value::from(known);
        self.values.insert(name.to_owned(), value.clone());
        Ok(Some(value))
    }

    /// Builds one node.
    fn node(&mut self, plain: &Plain, read: &BTreeSet<String>, output: &str) -> Result<(), OnnxError> {
        let node = &plain.node;
        let mut inputs = Vec::with_capacity(node.input.len());
        for name in &node.input {
            let value = if name.is_empty() { None } else { self.value(name)? };
            if value.is_none() && !name.is_empty() {
                return Err(OnnxError::File(format!(
                    "Node {} reads {name}, which nothing makes",
                    title(plain)
                )));
            }
            inputs.push(value);
        }
        let wanted = node
            .output
            .iter()
            .map(|name| !name.is_empty() && (read.contains(name) || name == output))
            .collect();
        let known = inputs.iter().flatten().all(|value| matches!(value, Value::Known(_)));
        let call = Call { node, inputs, wanted, opset: plain.opset };
        self.builder.base = self.builder.names.for_node(node);
        let folded: Option<Result<Vec<Value>, Refused>> = known
            .then(|| fold::fold(&call))
            .flatten()
            .map(|folded| folded.map(|known| known.into_iter().map(Value::from).collect()));
        let made = match (folded, operator(&node.op_type)) {
            (Some(folded), _) => folded,
            (None, Some(operator)) => operator(&mut self.builder, &call),
            (None, None) => Err(Refused("there is no way to run it".into())),
        };
        let values = made.map_err(|Refused(what)| OnnxError::Node {
            node: title(plain),
            op: node.op_type.clone(),
            what,
        })?;
        for (name, value) in node.output.iter().zip(values) {
            if !name.is_empty() {
                self.values.insert(name.clone(), value);
            }
        }
        Ok(())
    }
}

/// Whether a node turns [batch, y, x, channel] to [batch, channel, y, x].
fn puts_channels_first(plain: &Plain) -> bool {
    plain.node.op_type == "Transpose"
        && plain
            .node
            .attribute
            .iter()
            .any(|attribute| attribute.name == "perm" && attribute.ints == [0, 3, 1, 2])
}

/// Sizes and kind of numbers of the input, as the file declares them.
fn declared(input: &ValueInfoProto, readers: &str) -> Result<(Vec<Option<usize>>, Element), OnnxError> {
    let refuse =
        |what: &str| Err(OnnxError::File(format!("The input {}, which {readers} reads, {what}", input.name)));
    let Some(tensor) = input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref()) else {
        return refuse("is no array of numbers");
    };
    let Some(element) = Element::of(tensor.elem_type) else {
        return refuse("holds texts or complex numbers");
    };
    let Some(shape) = &tensor.shape else {
        return refuse("does not say how many axes it has");
    };
    if shape.dim.iter().any(|dim| dim.dim_value == Some(0)) {
        return refuse("has no values");
    }
    let size = |dim: &super::proto::DimensionProto| {
        dim.dim_value.and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0)
    };
    Ok((shape.dim.iter().map(size).collect(), element))
}
