//! What a package says of its model, the same for both versions of the format (bioimage.io, "Model description"): tensors with
//! their axes, the steps before and behind the network, its weights, and who made it.

use super::package::FileRef;
use super::steps::{self, Step};
use serde_json::Value;

/// An axis of a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Axis {
    Batch,
    Channel,
    Y,
    X,
    /// Depth, time and others, which no image here has.
    Other(String),
}

impl Axis {
    /// By a letter of version 0.4 or a name of version 0.5.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "b" | "batch" => Self::Batch,
            "c" | "channel" => Self::Channel,
            "y" => Self::Y,
            "x" => Self::X,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// What goes in or comes out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TensorDescription {
    pub(super) name: String,
    pub(super) axes: Vec<Axis>,
    pub(super) channels: Vec<String>,
    /// Before the network for an input, behind it for an output.
    pub(super) steps: Vec<Step>,
    /// Border that the answer should lose, `[y, x]`.
    pub(super) halo: Option<[u64; 2]>,
    pub(super) test: Option<FileRef>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Description {
    pub(super) version: String,
    pub(super) name: String,
    pub(super) text: String,
    pub(super) authors: Vec<String>,
    pub(super) citations: Vec<String>,
    pub(super) licence: String,
    pub(super) training_data: Option<String>,
    pub(super) weights: FileRef,
    pub(super) input: TensorDescription,
    pub(super) output: TensorDescription,
}

impl Description {
    /// Reads a description of version 0.4 or 0.5.
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        let version = match &value["format_version"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let newer = match version.split('.').collect::<Vec<_>>()[..] {
            ["0", "4", ..] => false,
            ["0", "5", ..] => true,
            _ => return Err(format!("A package of version {version}; versions 0.4 and 0.5 are read")),
        };
        if value["type"].as_str().is_some_and(|kind| kind != "model") {
            return Err(format!("A package with a {}, not with a model", text(&value["type"])));
        }
        let read = if newer { newer_tensor } else { older_tensor };
        let tests = |key: &str| if newer { Value::Null } else { value[key][0].clone() };
        let input = read(only(value, "inputs")?, &tests("test_inputs"), "preprocessing")?;
        let output = read(only(value, "outputs")?, &tests("test_outputs"), "postprocessing")?;
        Ok(Self {
            version,
            name: text(&value["name"]),
            text: text(&value["description"]),
            authors: list(&value["authors"]).iter().map(|author| text(&author["name"])).collect(),
            citations: list(&value["cite"]).iter().map(citation).collect(),
            licence: text(&value["license"]),
            training_data: value["training_data"]["id"].as_str().map(str::to_owned),
            weights: weights(&value["weights"])?,
            input,
            output,
        })
    }
}

/// The ONNX weights; other kinds need the program that made them.
fn weights(value: &Value) -> Result<FileRef, String> {
    let kinds: Vec<&str> = value.as_object().into_iter().flatten().map(|(kind, _)| kind.as_str()).collect();
    let onnx = &value["onnx"];
    let found = file(onnx);
    found.ok_or_else(|| format!("The package has no ONNX weights, only {}", listed(&kinds)))
}

/// A file by name alone or with its hash.
fn file(value: &Value) -> Option<FileRef> {
    let source = value.as_str().or_else(|| value["source"].as_str())?;
    Some(FileRef { source: source.to_owned(), sha256: value["sha256"].as_str().map(str::to_owned) })
}

/// The one tensor of a list.
fn only<'a>(value: &'a Value, key: &str) -> Result<&'a Value, String> {
    match list(&value[key]) {
        [one] => Ok(one),
        several => Err(format!("The model has {} {key}; models with one are read", several.len())),
    }
}

/// Version 0.4: axes as letters, a halo for each of them.
fn older_tensor(value: &Value, test: &Value, steps_key: &str) -> Result<TensorDescription, String> {
    let letters = value["axes"].as_str().unwrap_or_default();
    let axes: Vec<Axis> =
        letters.chars().map(|letter| Axis::named(letter.encode_utf8(&mut [0; 4]))).collect();
    let halos = list(&value["halo"]);
    let halo_of = |wanted: &Axis| {
        let place = axes.iter().position(|axis| axis == wanted)?;
        halos.get(place)?.as_u64()
    };
    let halo = halo_of(&Axis::Y).zip(halo_of(&Axis::X)).map(|(y, x)| [y, x]);
    let steps = steps::read(list(&value[steps_key]), "name")?;
    Ok(TensorDescription {
        name: text(&value["name"]),
        channels: Vec::new(),
        steps,
        halo,
        test: file(test),
        axes,
    })
}

/// Version 0.5: axes as a list of their own descriptions.
fn newer_tensor(value: &Value, _: &Value, steps_key: &str) -> Result<TensorDescription, String> {
    let described = list(&value["axes"]);
    let id = |axis: &Value| match axis["type"].as_str() {
        Some("batch") => "batch".to_owned(),
        Some("channel") => "channel".to_owned(),
        // The only kind of axis that may go without a name is a spatial one, which is then x.
        _ => axis["id"].as_str().unwrap_or("x").to_owned(),
    };
    let axes: Vec<Axis> = described.iter().map(|axis| Axis::named(&id(axis))).collect();
    let place = |wanted: &Axis| axes.iter().position(|axis| axis == wanted).and_then(|i| described.get(i));
    let halo_of = |wanted: &Axis| place(wanted).and_then(|axis| axis["halo"].as_u64());
    let halo = halo_of(&Axis::Y).zip(halo_of(&Axis::X)).map(|(y, x)| [y, x]);
    let channels = place(&Axis::Channel).map(|axis| list(&axis["channel_names"])).unwrap_or_default();
    Ok(TensorDescription {
        name: text(&value["id"]),
        channels: channels.iter().map(text).collect(),
        steps: steps::read(list(&value[steps_key]), "id")?,
        halo,
        test: file(&value["test_tensor"]),
        axes,
    })
}

fn citation(value: &Value) -> String {
    let place = value["doi"].as_str().or_else(|| value["url"].as_str()).unwrap_or_default();
    [text(&value["text"]), place.to_owned()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none at all".into() } else { names.join(", ") }
}
