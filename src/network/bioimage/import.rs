//! A package becomes a model: its ONNX network with the steps around it, and a card.

use super::arrays;
use super::description::{Axis, Description, TensorDescription};
use super::nodes::{Split, Steps, split};
use super::package::Package;
use super::steps::Step;
use crate::monitor::Monitor;
use crate::network::onnx::{self, Answer, Lowered, Wish};
use crate::network::{ClassInfo, DataSource, Graph, Model, ModelCard, NetworkError, Node, Op, Task};
use candle_core::{Device, Tensor};
use ndarray::ArrayD;
use std::collections::BTreeMap;
use std::path::Path;

/// A package that was read.
pub struct Imported {
    pub model: Model,
    /// What a person should know of it.
    pub notes: Vec<String>,
    /// The package's own example, where it has one.
    pub test: Option<Example>,
}

/// Numbers in and out, `[batch, channel, y, x]` or `[batch, channel]`, before and behind all steps of the package.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    pub input: ArrayD<f32>,
    pub output: ArrayD<f32>,
}

/// Reads a model package of bioimage.io, version 0.4 or 0.5: a ZIP file, a folder, or the description in it.
///
/// # Errors
/// [`NetworkError::File`] with what the package lacks, names outside of itself, or describes in a way that is not
/// known here.
pub fn import(path: &Path, monitor: &Monitor) -> Result<Imported, NetworkError> {
    let mut package = Package::open(path)?;
    let description = Description::read(&package.description).map_err(|what| package.wrong(what))?;
    let bytes = package.read(&description.weights)?;
    let file = onnx::from_bytes(bytes).map_err(|error| package.wrong(error.to_string()))?;
    let lowered = match onnx::lower(&file, &Wish::default(), monitor) {
        Ok(Answer::Network(lowered)) => *lowered,
        Ok(Answer::Constant(_)) => return Err(package.wrong("The network does not look at its input".into())),
        Err(onnx::OnnxError::Cancelled(cancelled)) => return Err(cancelled.into()),
        Err(error) => return Err(package.wrong(error.to_string())),
    };
    let test = example(&mut package, &description)?;
    let (model, mut notes) =
        put_together(&description, lowered, test.as_ref()).map_err(|error| match error {
            NetworkError::File { .. } | NetworkError::Io { .. } => error,
            other => package.wrong(other.to_string()),
        })?;
    if test.is_none() {
        notes.push("The package has no test tensors that say what the network should answer".into());
    }
    Ok(Imported { model, notes, test })
}

/// The package's test tensors, with their axes in order.
fn example(package: &mut Package, description: &Description) -> Result<Option<Example>, NetworkError> {
    let mut read = |tensor: &TensorDescription| -> Result<Option<ArrayD<f32>>, NetworkError> {
        let Some(file) = &tensor.test else { return Ok(None) };
        let bytes = package.read(file)?;
        let array = arrays::read(&bytes).and_then(|array| arrays::ordered(array, &tensor.axes));
        array.map(Some).map_err(|what| package.wrong(format!("The test tensor {}: {what}", file.source)))
    };
    let (input, output) = (read(&description.input)?, read(&description.output)?);
    Ok(input.zip(output).map(|(input, output)| Example { input, output }))
}

/// The network with its steps, and its card.
fn put_together(
    description: &Description,
    lowered: Lowered,
    test: Option<&Example>,
) -> Result<(Model, Vec<String>), NetworkError> {
    let refuse = |what: String| NetworkError::Graph(what);
    let Lowered { graph, mut weights, mut notes, .. } = lowered;
    check_input(description, &graph).map_err(refuse)?;
    let channels = graph.input_channels();
    let Split { normalisation, rest, notes: said } = split(&description.input, channels).map_err(refuse)?;
    notes.extend(said);
    let (graph, numbers) = with_steps(graph, &rest, &description.output)?;
    for (name, shape, values) in numbers {
        let failed = |source| NetworkError::Compute { node: name.clone(), source };
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu).map_err(failed)?;
        weights.tensors.insert(name, tensor);
    }
    if let Some([y, x]) = description.output.halo.filter(|halo| *halo != [0, 0]) {
        notes.push(format!(
            "The package's halo of {y}×{x} pixels: tiles get the border that the network's receptive field needs"
        ));
    }
    let mut card = card(description, &graph, test)?;
    card.normalisation = normalisation;
    Ok((Model::new(graph, weights, card)?, notes))
}

/// Images with channels, y and x, and nothing else.
fn check_input(description: &Description, graph: &Graph) -> Result<(), String> {
    let axes = &description.input.axes;
    if let Some(Axis::Other(name)) = axes.iter().find(|axis| matches!(axis, Axis::Other(_))) {
        return Err(format!("The input has the axis {name}; images of channels, y and x are read"));
    }
    let turned = graph.nodes().iter().any(|node| {
        node.op == Op::Permute { axes: vec![1, 2, 0] }
            && node.inputs.first() == graph.nodes().first().map(|input| &input.name)
    });
    let fits = match axes[..] {
        [Axis::Batch, Axis::Channel, Axis::Y, Axis::X] => !turned,
        [Axis::Batch, Axis::Y, Axis::X, Axis::Channel] => turned,
        _ => false,
    };
    if fits && graph.input_channels() > 0 {
        return Ok(());
    }
    Err(format!(
        "The input's axes are {axes:?}, which the network does not take so; batch, channel, y, x are read"
    ))
}

/// Weight names, shapes and numbers of the constants that steps need.
type Numbers = Vec<(String, Vec<usize>, Vec<f32>)>;

/// The graph with nodes for the steps before and behind it.
fn with_steps(
    graph: Graph,
    before: &[&Step],
    output: &TensorDescription,
) -> Result<(Graph, Numbers), NetworkError> {
    let refuse = |what: String| NetworkError::Graph(what);
    let mut nodes: Vec<Node> = graph.nodes().to_vec();
    let (Some(first), Some(last)) = (nodes.first().cloned(), nodes.last().cloned()) else {
        return Err(refuse("The network has no nodes".into()));
    };
    let mut steps = Steps::new("preprocessing", first.name.clone(), 3);
    for step in before {
        steps.add(step).map_err(refuse)?;
    }
    if steps.last != first.name {
        let read_before = |input: &mut String| {
            if *input == first.name {
                input.clone_from(&steps.last);
            }
        };
        nodes.iter_mut().flat_map(|node| &mut node.inputs).for_each(read_before);
    }
    let axes: Vec<&Axis> = output.axes.iter().filter(|axis| **axis != Axis::Batch).collect();
    let (turn, count) = match axes[..] {
        [Axis::Channel, Axis::Y, Axis::X] => (None, 3),
        [Axis::Y, Axis::X, Axis::Channel] => (Some(vec![2, 0, 1]), 3),
        [Axis::Channel] => (None, 1),
        _ => {
            return Err(refuse(format!(
                "The output's axes are {:?}; channel, y, x or channel are read",
                output.axes
            )));
        }
    };
    let mut behind = Steps::new("postprocessing", last.name, count);
    if let Some(axes) = turn {
        behind.push("turned", Op::Permute { axes });
    }
    for step in &output.steps {
        behind.add(step).map_err(|what| refuse(format!("{what} (postprocessing)")))?;
    }
    let mut numbers = std::mem::take(&mut steps.numbers);
    numbers.append(&mut behind.numbers);
    nodes.append(&mut steps.nodes);
    nodes.append(&mut behind.nodes);
    Ok((Graph::new("bioimage.io", nodes)?, numbers))
}

/// What the package says, as a card. Answers are numbers: what they mean is the package's business.
fn card(description: &Description, graph: &Graph, test: Option<&Example>) -> Result<ModelCard, NetworkError> {
    let channels = graph.input_channels();
    let size =
        test.and_then(|test| <[usize; 4]>::try_from(test.input.shape()).ok()).map(|[_, _, y, x]| [y, x]);
    let any = |side: usize| graph.shapes([channels, side, side]).ok();
    let free = any(256).is_some() && any(512).is_some();
    let shape = match size {
        Some([y, x]) => graph.shapes([channels, y, x])?.pop(),
        None => any(512).and_then(|mut shapes| shapes.pop()),
    };
    let shape = shape.ok_or_else(|| {
        NetworkError::Graph("The package does not say for which size of image its network is".into())
    })?;
    let outputs = shape.first().copied().unwrap_or(0);
    let names = named(&description.output.channels, outputs, "output");
    let class = |(i, name): (usize, String)| ClassInfo { name, colour: super::super::pytorch::colour(i + 1) };
    let data = description.training_data.iter().map(|id| DataSource {
        name: id.clone(),
        licence: String::new(),
        note: "as the package says".into(),
    });
    Ok(ModelCard {
        name: if description.name.is_empty() {
            "Package of bioimage.io".into()
        } else {
            description.name.clone()
        },
        description: words(description),
        task: Task::Regress,
        classes: names.into_iter().enumerate().map(class).collect(),
        channels: named(&description.input.channels, channels, "channel"),
        pixel_size_nm: None,
        normalisation: crate::network::Normalisation::ZScore,
        input_size: size.filter(|_| !free),
        training_data: data.collect(),
        licence: description.licence.clone(),
        units: None,
        metrics: BTreeMap::new(),
        metrics_on: String::new(),
        recipe: String::new(),
        trained_by: description.authors.join(", "),
    })
}

/// The package's words, with who is to be cited.
fn words(description: &Description) -> String {
    let mut parts = vec![description.text.clone()];
    if !description.citations.is_empty() {
        parts.push(format!("Cite: {}", description.citations.join("; ")));
    }
    parts.push(format!("Package of bioimage.io, version {}", description.version));
    parts.retain(|part| !part.is_empty());
    parts.join(". ")
}

/// The package's names where they are as many and all different, else numbered ones.
fn named(names: &[String], count: usize, what: &str) -> Vec<String> {
    let different: std::collections::BTreeSet<&String> =
        names.iter().filter(|name| !name.trim().is_empty()).collect();
    if different.len() == count && names.len() == count {
        return names.to_vec();
    }
    (1..=count).map(|n| format!("{what} {n}")).collect()
}
