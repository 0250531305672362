//! `polepiece describe`: every node of a model, with what it costs and what it sees.

use serde::Serialize;

use crate::network::{self, Forecast, Graph, Model, ModelCard, NodeCost, ReceptiveField, Task};

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
    forecast: Forecast,
    nodes: &'a [NodeCost],
}

pub(super) fn run(args: &DescribeArgs) -> Outcome {
    let path = network::find_model(&args.model)?;
    let (graph, card) = Model::read_header(&path)?;
    let input = args.input.unwrap_or_else(|| usual_input(&graph, &card));
    let nodes = network::describe(&graph, input)?;
    let forecast = network::forecast(&graph, input)?;
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
            nodes: &nodes,
        })?;
        return Ok(Finished::default());
    }
    let heading = ["node", "kind", "attributes", "shape", "parameters", "multiply-adds", "sees px"];
    let rows = nodes.iter().map(|node| {
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
        ]
    });
    let rows: Vec<Vec<String>> = std::iter::once(heading.map(str::to_owned).to_vec()).chain(rows).collect();
    let [channels, height, width] = input;
    say(&format!("{} ({}), input {channels}×{height}×{width}", card.name, graph.architecture));
    say(&table(&rows));
    say(&format!(
        "{} parameters, {} multiply-adds; a run takes about {} MB, most at {}",
        grouped(parameters),
        grouped(multiply_adds),
        grouped(forecast.peak_bytes / 1_000_000),
        forecast.worst_node
    ));
    Ok(Finished::default())
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
