//! A model of an ONNX file: its network with a card that says what is known of it, and nothing else.

use super::logits::Logits;
use super::{Answer, Lowered, OnnxError, OnnxFile, Wish, lower, read};
use crate::monitor::Monitor;
use crate::network::{
    ClassInfo, Graph, Model, ModelCard, NetworkError, Normalisation, Op, Task, total_stride,
};
use std::collections::BTreeMap;
use std::path::Path;

/// Under this key our own ONNX files have their whole card.
const CARD: &str = "polepiece.card";
/// Side of the images that a network is tried with where the file does not say one.
const TRIAL_SIDE: usize = 256;

/// Colours of classes (Okabe and Ito's, which all eyes tell apart); class 0 is dark.
const COLOURS: [[u8; 3]; 8] = [
    [40, 40, 40],
    [230, 159, 0],
    [86, 180, 233],
    [0, 158, 115],
    [240, 228, 66],
    [0, 114, 178],
    [213, 94, 0],
    [204, 121, 167],
];

/// What a person says of a model; what is not said is taken from the file, or unknown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImportOptions {
    pub name: Option<String>,
    pub task: Option<Task>,
    /// Which output; the first one where there is none.
    pub output: Option<String>,
    pub classes: Option<Vec<String>>,
    pub channels: Option<Vec<String>>,
    pub normalisation: Option<Normalisation>,
    pub pixel_size_nm: Option<f64>,
    pub licence: Option<String>,
}

/// An imported model, and what a person should know of it.
#[derive(Debug)]
pub struct Imported {
    pub model: Model,
    pub notes: Vec<String>,
}

/// Reads an ONNX file and makes a model of it.
///
/// # Errors
/// [`NetworkError::File`] with why the file cannot be had as a network, or not as the one that was asked for.
pub fn import(path: &Path, options: &ImportOptions, monitor: &Monitor) -> Result<Imported, NetworkError> {
    monitor.stage("Reading the ONNX file");
    let about = |error: OnnxError| match error {
        OnnxError::Cancelled(cancelled) => NetworkError::Cancelled(cancelled),
        error => NetworkError::File { path: path.to_owned(), what: error.to_string() },
    };
    let file = read(path).map_err(about)?;
    monitor.check()?;
    monitor.stage("Building the network");
    let wish = Wish { output: options.output.as_deref(), ..Wish::default() };
    let lowered = match lower(&file, &wish, monitor).map_err(about)? {
        Answer::Network(lowered) => *lowered,
        Answer::Constant(_) => {
            let what = "The output does not hang on the input".into();
            return Err(NetworkError::File { path: path.to_owned(), what });
        }
    };
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let source = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    model_of(&file, lowered, (stem, &source), options).map_err(|error| match error {
        NetworkError::Cancelled(_) => error,
        error => NetworkError::File { path: path.to_owned(), what: error.to_string() },
    })
}

fn model_of(
    file: &OnnxFile,
    lowered: Lowered,
    (stem, source): (String, &str),
    options: &ImportOptions,
) -> Result<Imported, NetworkError> {
    let Lowered { graph, weights, input, output, mut notes } = lowered;
    let own: Option<ModelCard> = file
        .metadata()
        .iter()
        .find(|(key, _)| *key == CARD)
        .and_then(|(_, text)| serde_json::from_str(text).ok());
    if own.is_some() {
        notes.push("the file holds a card of this program, which is taken".into());
    }
    let declared = declared_size(&graph, &input.1);
    if let Some([y, x]) = declared {
        notes.push(format!("the file was made for images of {y}×{x} pixels; others may not fit"));
    }
    let (shape, [y, x]) = answer(&graph, declared)?;
    let asked = options.task.or(own.as_ref().map(|card| card.task));
    let task = asked.unwrap_or_else(|| guess(&graph, &shape, [y, x], &mut notes));
    let input = input_shape(&graph, [y, x]);
    let logits = Logits::of(graph, weights, (task, &input), &mut notes)?;
    let (graph, weights) = (logits.graph, logits.weights);
    let outputs = answer(&graph, declared)?.0.first().copied().unwrap_or(1);
    let has_image = matches!(graph.nodes().first().map(|node| &node.op), Some(Op::Input { .. }));
    let channels = if has_image { graph.input_channels() } else { 0 };
    let named = options.classes.clone();
    let classes = match (named, &own) {
        (Some(names), _) => classes(&names, logits.was_one),
        (None, Some(card)) => card.classes.clone(),
        (None, None) => classes(&default_classes(task, outputs, logits.was_one), false),
    };
    let normalisation =
        options.normalisation.or(own.as_ref().map(|card| card.normalisation)).unwrap_or_else(|| {
            notes.push(
                "the file does not say how images are normalised; their values are given to it as they are"
                    .into(),
            );
            Normalisation::Fixed { mean: 0.0, std: 1.0 }
        });
    let licence = options.licence.clone().or(own.as_ref().map(|card| card.licence.clone()));
    let producer = file.producer();
    let by = if producer.is_empty() { String::new() } else { format!(" by {producer}") };
    let base = own.unwrap_or_else(|| blank(task, normalisation));
    let described = format!(
        "Imported from {source}, written{by} in operator set {}, output {output}. Training data unknown.",
        file.opset()
    );
    let card = ModelCard {
        name: options.name.clone().unwrap_or(if base.name.is_empty() { stem } else { base.name.clone() }),
        description: if base.description.is_empty() { described } else { base.description.clone() },
        task,
        classes,
        channels: options.channels.clone().unwrap_or_else(|| default_channels(&base.channels, channels)),
        pixel_size_nm: options.pixel_size_nm.or(base.pixel_size_nm),
        normalisation,
        input_size: base.input_size.or(declared.filter(|_| task != Task::Segment)),
        licence: licence.filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".into()),
        ..base
    };
    Ok(Imported { model: Model::new(graph, weights, card)?, notes })
}

/// A card of which nothing is known.
fn blank(task: Task, normalisation: Normalisation) -> ModelCard {
    ModelCard {
        name: String::new(),
        description: String::new(),
        task,
        classes: Vec::new(),
        units: None,
        channels: Vec::new(),
        pixel_size_nm: None,
        normalisation,
        input_size: None,
        training_data: Vec::new(),
        licence: String::new(),
        metrics: BTreeMap::new(),
        metrics_on: String::new(),
        recipe: String::new(),
        trained_by: String::new(),
    }
}

/// The `[y, x]` that the file names, where it names both.
fn declared_size(graph: &Graph, dims: &[Option<usize>]) -> Option<[usize; 2]> {
    let is_image = matches!(graph.nodes().first().map(|node| &node.op), Some(Op::Input { .. }));
    let turned = graph
        .nodes()
        .get(1)
        .is_some_and(|node| matches!(&node.op, Op::Permute { axes } if *axes == [1, 2, 0]));
    match dims {
        [_, Some(y), Some(x), _] if is_image && turned => Some([*y, *x]),
        [_, _, Some(y), Some(x)] if is_image => Some([*y, *x]),
        _ => None,
    }
}

/// The answer's shape for an image of the declared size, or of one that fits the network's stride; and that size.
fn answer(graph: &Graph, declared: Option<[usize; 2]>) -> Result<(Vec<usize>, [usize; 2]), NetworkError> {
    let [y, x] =
        declared.unwrap_or_else(|| total_stride(graph).map(|n| TRIAL_SIDE.next_multiple_of(n.max(1))));
    Ok((graph.shapes_of(&input_shape(graph, [y, x]))?.pop().unwrap_or_default(), [y, x]))
}

/// What the network reads, for an image of that size.
fn input_shape(graph: &Graph, [y, x]: [usize; 2]) -> Vec<usize> {
    graph.input_array().map_or_else(|| vec![graph.input_channels(), y, x], <[usize]>::to_vec)
}

/// What a network is for, by the shape of its answer alone.
fn guess(graph: &Graph, shape: &[usize], size: [usize; 2], notes: &mut Vec<String>) -> Task {
    let is_image = matches!(graph.nodes().first().map(|node| &node.op), Some(Op::Input { .. }));
    let yes_or_no = matches!(graph.output().map(|node| &node.op), Some(Op::Sigmoid));
    let (task, word) = match shape {
        [n, y, x] if is_image && [*y, *x] == size && (*n > 1 || yes_or_no) => (Task::Segment, "a segmenter"),
        [n] | [n, 1, 1] if is_image && (*n > 1 || yes_or_no) => (Task::Classify, "a classifier"),
        _ => (Task::Any, "a network of any kind"),
    };
    notes.push(format!("nobody says what it is for; by the shape of its answer it is taken for {word}"));
    task
}

fn default_classes(task: Task, outputs: usize, was_one: bool) -> Vec<String> {
    match task {
        Task::Segment if was_one => vec!["background".into(), "foreground".into()],
        Task::Classify if was_one => vec!["no".into(), "yes".into()],
        Task::Any => Vec::new(),
        _ => (0..outputs).map(|i| format!("class {i}")).collect(),
    }
}

/// Names with colours; one name for an answer of yes or no has its opposite before it.
fn classes(names: &[String], was_one: bool) -> Vec<ClassInfo> {
    let opposite = match names {
        [one] if was_one => Some(format!("not {one}")),
        _ => None,
    };
    let colour = |index: usize| COLOURS[index % COLOURS.len()];
    let named = opposite.iter().chain(names).enumerate();
    named.map(|(index, name)| ClassInfo { name: name.clone(), colour: colour(index) }).collect()
}

fn default_channels(named: &[String], count: usize) -> Vec<String> {
    match count {
        _ if named.len() == count => named.to_vec(),
        1 => vec!["grey".into()],
        _ => (0..count).map(|i| format!("channel {i}")).collect(),
    }
}
