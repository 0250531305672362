//! `polepiece describe`: every node of a model, with what it costs and what it sees.

use serde::Serialize;

use candle_core::Device;

use crate::analysis::{self, Outlook, RunSettings};
use crate::network::{self, Computed, Forecast, Graph, Model, ModelCard, NodeCost, ReceptiveField, Task};

use super::args::DescribeArgs;
use super::terminal::{Finished, Outcome, grouped, say, say_json, table};

#[derive(Serialize)]
struct Description<'a> {
    model: &'a str,
    architecture: &'a str,
    task: Task,
    input: [usize; 3],
    parameters: u64,
    multiply_adds: u64,
    /// Of the input in one piece.
    forecast: Forecast,
    /// Of an image of the input's size, with its result; null where it cannot be run.
    run: Option<Outlook>,
    nodes: Vec<NodeLine<'a>>,
}

#[derive(Serialize)]
struct NodeLine<'a> {
    #[serde(flatten)]
    cost: &'a NodeCost,
    computed: &'a Computed,
}

pub(super) fn run(args: &DescribeArgs) -> Outcome {
    if args.effective.effective.is_some() {
        return super::effective::run(&args.model, &args.effective, args.json);
    }
    let path = network::find_model(&args.model)?;
    let (graph, card) = Model::read_header(&path)?;
    let input = args.input.unwrap_or_else(|| usual_input(&graph, &card));
    let nodes = network::describe(&graph, input)?;
    let computed = network::computed(&graph, input)?;
    let forecast = network::forecast(&graph, input)?;
    let size = [input[1], input[2]];
    let outlook = analysis::outlook(&graph, &card, size, &RunSettings::default(), &Device::Cpu);
    let parameters = nodes.iter().map(|node| node.parameters as u64).sum();
    let multiply_adds = nodes.iter().map(|node| node.multiply_adds).sum();
    if args.json {
        say_json(&Description {
            model: &card.name,
            architecture: &graph.architecture,
            task: card.task,
            input,
            parameters,
            multiply_adds,
            forecast,
            run: outlook.ok(),
            nodes: lines(&nodes, &computed),
        })?;
        return Ok(Finished::default());
    }
    let heading =
        ["node", "kind", "attributes", "shape", "parameters", "multiply-adds", "sees px", "computed"];
    let rows = nodes.iter().zip(&computed).map(|(node, computed)| {
        let shape = node.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×");
        let cost = [grouped(node.parameters as u64), grouped(node.multiply_adds)];
        let [parameters, multiply_adds] = cost;
        let sees = node.receptive_field.map_or("all".into(), sees);
        vec![
            node.name.clone(),
            node.kind.clone(),
            node.attributes.clone(),
            shape,
            parameters,
            multiply_adds,
            sees,
            computed.words.clone(),
        ]
    });
    let rows: Vec<Vec<String>> = std::iter::once(heading.map(str::to_owned).to_vec()).chain(rows).collect();
    let [channels, height, width] = input;
    say(&format!("{} ({}), input {channels}×{height}×{width}", card.name, graph.architecture));
    say(&table(&rows));
    say(&format!(
        "{} parameters, {} multiply-adds; in one piece the network takes about {} MB, most at {}",
        grouped(parameters),
        grouped(multiply_adds),
        grouped(forecast.peak_bytes / 1_000_000),
        forecast.worst_node
    ));
    say(&match outlook {
        Ok(outlook) => format!("An image of {width}×{height} px takes {}", outlook.words()),
        Err(error) => error.to_string(),
    });
    Ok(Finished::default())
}

fn lines<'a>(nodes: &'a [NodeCost], computed: &'a [Computed]) -> Vec<NodeLine<'a>> {
    nodes.iter().zip(computed).map(|(cost, computed)| NodeLine { cost, computed }).collect()
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
