//! `polepiece describe`: every node of a model or of an architecture, with what it costs and what it sees.

use std::ops::Range;

use anyhow::{Context as _, bail};
use candle_core::Device;
use serde::Serialize;

use crate::analysis::{self, Outlook, RunSettings};
use crate::network::architectures::{Architecture, build};
use crate::network::{
    self, Computed, Forecast, Graph, Model, ModelCard, NodeCost, ReceptiveField, Sliding, Task,
};

use super::architectures;
use super::args::DescribeArgs;
use super::effective::EffectiveArgs;
use super::terminal::{Finished, Outcome, grouped, say, say_json, table};

/// What is described.
struct Subject {
    title: String,
    graph: Graph,
    task: Task,
    /// None of an architecture.
    card: Option<ModelCard>,
    input: [usize; 3],
}

impl Subject {
    fn pixel_nm(&self) -> Option<f64> {
        self.card.as_ref().and_then(|card| card.pixel_size_nm)
    }
}

#[derive(Serialize)]
struct Description<'a> {
    model: &'a str,
    architecture: &'a str,
    task: Task,
    input: [usize; 3],
    parameters: u64,
    multiply_adds: u64,
    /// Size of a pixel the model was trained at; null where unknown.
    pixel_nm: Option<f64>,
    /// Of the input in one piece.
    forecast: Forecast,
    /// Of an image of the input's size, with its result; null where it cannot be run.
    run: Option<&'a Outlook>,
    nodes: Vec<NodeLine<'a>>,
}

#[derive(Serialize)]
struct NodeLine<'a> {
    #[serde(flatten)]
    cost: &'a NodeCost,
    #[serde(flatten)]
    sliding: Sliding,
    /// The receptive field at the pixel size the model was trained at; null where that is unknown.
    receptive_field_nm: Option<ReceptiveField>,
    /// What the value at `--at` can see; null without it, and where the node has no such place.
    at: Option<Sight>,
    computed: &'a Computed,
}

/// The part of the input that one place of a node's output can see, beyond the border too.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Sight {
    output: [usize; 2],
    /// Rows and columns, first and end, in pixels; null where all can be seen.
    input: Option<[[i64; 2]; 2]>,
    input_nm: Option<[[f64; 2]; 2]>,
}

pub(super) fn run(args: &DescribeArgs) -> Outcome {
    if args.list {
        return architectures::list(args.json);
    }
    let model = args.model.as_deref().context("Name a model or an architecture")?;
    if args.effective.effective.is_some() {
        return super::effective::run(model, &args.effective, args.json);
    }
    if let Some(image) = &args.spent.profile {
        return super::spent::run(model, (image, &args.spent), args.effective.frame, args.json);
    }
    let subject = find(model, args)?;
    let (graph, input) = (&subject.graph, subject.input);
    let nodes = network::describe(graph, input)?;
    if args.drawing.drawing.is_some() {
        super::drawing::write(&args.drawing, graph, &nodes, &subject.title)?;
        return Ok(Finished::default());
    }
    let computed = network::computed(graph, input)?;
    let forecast = network::forecast(graph, input)?;
    let size = [input[1], input[2]];
    let outlook = |card| analysis::outlook(graph, card, size, &RunSettings::default(), &Device::Cpu);
    let outlook = subject.card.as_ref().map(outlook);
    let description = Description {
        model: &subject.title,
        architecture: &graph.architecture,
        task: subject.task,
        input,
        parameters: nodes.iter().map(|node| node.parameters as u64).sum(),
        multiply_adds: nodes.iter().fold(0, |sum: u64, node| sum.saturating_add(node.multiply_adds)),
        pixel_nm: subject.pixel_nm(),
        nodes: lines(&subject, &nodes, &computed, &args.effective)?,
        run: outlook.as_ref().and_then(|outlook| outlook.as_ref().ok()),
        forecast,
    };
    if args.json {
        say_json(&description)?;
        return Ok(Finished::default());
    }
    print(&description, args.effective.at.is_some());
    if let Some(Err(error)) = &outlook {
        say(&error.to_string());
    }
    Ok(Finished::default())
}

fn print(description: &Description, with_sight: bool) {
    let Description { model, architecture, input: [channels, height, width], .. } = *description;
    say(&format!("{model} ({architecture}), input {channels}×{height}×{width}"));
    say(&table(&rows(&description.nodes, with_sight)));
    say(&format!(
        "{} parameters, {} multiply-adds; in one piece the network takes about {} MB, most at {}",
        grouped(description.parameters),
        grouped(description.multiply_adds),
        grouped(description.forecast.peak_bytes / 1_000_000),
        description.forecast.worst_node
    ));
    if let Some(outlook) = description.run {
        say(&format!("An image of {width}×{height} px takes {}", outlook.words()));
    }
}

/// One line a node, or that of the node which is asked for.
fn lines<'a>(
    subject: &Subject,
    nodes: &'a [NodeCost],
    computed: &'a [Computed],
    asked: &EffectiveArgs,
) -> anyhow::Result<Vec<NodeLine<'a>>> {
    let pixel_nm = subject.pixel_nm();
    let sights = sights(subject, nodes, asked.at)?;
    let all = nodes.iter().zip(computed).zip(sights).zip(subject.graph.nodes());
    let all = all.map(|(((cost, computed), at), node)| NodeLine {
        cost,
        sliding: node.op.sliding(),
        receptive_field_nm: cost.receptive_field.zip(pixel_nm).map(|(field, nm)| in_nm(field, nm)),
        at,
        computed,
    });
    let Some(name) = asked.node.as_deref() else { return Ok(all.collect()) };
    let lines: Vec<NodeLine> = all.filter(|line| line.cost.name == name).collect();
    if lines.is_empty() {
        bail!("There is no node {name} in {}", subject.title);
    }
    Ok(lines)
}

/// A model file or an installed model, else an architecture.
fn find(name: &str, args: &DescribeArgs) -> anyhow::Result<Subject> {
    let missing = match network::find_model(name) {
        Ok(path) => {
            let given = args.choices.first_given();
            let given = given.or(args.classes.map(|_| "--classes".to_owned()));
            if let Some(flag) = given.or(args.in_channels.map(|_| "--in-channels".to_owned())) {
                bail!("A model is built already: {flag}");
            }
            let (graph, card) = Model::read_header(&path)?;
            let input = args.input.unwrap_or_else(|| usual_input(&graph, &card));
            return Ok(Subject { title: card.name.clone(), graph, task: card.task, card: Some(card), input });
        }
        Err(error) => error,
    };
    let Some(architecture) = Architecture::from_name(name) else {
        let names = Architecture::ALL.map(Architecture::name).join(", ");
        return Err(anyhow::Error::new(missing)
            .context(format!("Neither a model nor an architecture (there are {names})")));
    };
    let (spec, input) = architectures::chosen(architecture, args)?;
    let about = architecture.about();
    Ok(Subject { title: about.title.to_owned(), graph: build(&spec)?, task: about.task, card: None, input })
}

/// What the value at `at` of every node can see.
fn sights(
    subject: &Subject,
    nodes: &[NodeCost],
    at: Option<[usize; 2]>,
) -> anyhow::Result<Vec<Option<Sight>>> {
    let Some(output) = at else { return Ok(vec![None; nodes.len()]) };
    let windows = network::receptive_windows_on(&subject.graph, subject.input, output)?;
    let pixel_nm = subject.pixel_nm();
    let sight = |(node, window): (&NodeCost, Option<[Range<i64>; 2]>)| {
        let within = matches!(node.shape[..], [_, y, x] if output[0] < y && output[1] < x);
        let input = window.map(|axes| axes.map(|range| [range.start, range.end]));
        let nm = |nm: f64| input.map(|axes| axes.map(|ends| ends.map(|end| end as f64 * nm)));
        within.then(|| Sight { output, input, input_nm: pixel_nm.and_then(nm) })
    };
    Ok(nodes.iter().zip(windows).map(sight).collect())
}

fn in_nm(field: ReceptiveField, nm: f64) -> ReceptiveField {
    let scaled = |pair: [f64; 2]| pair.map(|n| n * nm);
    ReceptiveField {
        size: scaled(field.size),
        jump: scaled(field.jump),
        start: scaled(field.start),
        widest: scaled(field.widest),
    }
}

/// The table for people; with `--at` also the rows and columns that are seen from there.
fn rows(lines: &[NodeLine], with_sight: bool) -> Vec<Vec<String>> {
    let mut heading =
        vec!["node", "kind", "attributes", "shape", "parameters", "multiply-adds", "sees px", "computed"];
    if with_sight {
        heading.extend(["rows seen", "columns seen"]);
    }
    let row = |line: &NodeLine| {
        let node = line.cost;
        let mut row = vec![
            node.name.clone(),
            node.kind.clone(),
            node.attributes.clone(),
            node.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×"),
            grouped(node.parameters as u64),
            grouped(node.multiply_adds),
            node.receptive_field.map_or("all".into(), sees),
            line.computed.words.clone(),
        ];
        if with_sight {
            row.extend(seen(line.at.as_ref()));
        }
        row
    };
    let heading = heading.into_iter().map(str::to_owned).collect();
    std::iter::once(heading).chain(lines.iter().map(row)).collect()
}

fn seen(sight: Option<&Sight>) -> [String; 2] {
    match sight {
        None => ["", ""].map(str::to_owned),
        Some(Sight { input: None, .. }) => ["all", "all"].map(str::to_owned),
        Some(Sight { input: Some(axes), .. }) => axes.map(|[first, end]| format!("{first} to {}", end - 1)),
    }
}

/// The size a classifier resamples to, else 512 × 512, rounded to what the network halves evenly.
fn usual_input(graph: &Graph, card: &ModelCard) -> [usize; 3] {
    let stride = network::total_stride(graph);
    let [height, width] = card
        .input_size
        .unwrap_or([512usize.next_multiple_of(stride[0]), 512usize.next_multiple_of(stride[1])]);
    [graph.input_channels(), height, width]
}

fn sees(field: ReceptiveField) -> String {
    let [y, x] = field.widest;
    if y == x { format!("{y}") } else { format!("{y}×{x}") }
}
