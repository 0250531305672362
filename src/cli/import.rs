//! `polepiece import`: a model file of what another program trained.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::network::onnx::{self, ImportOptions};
use crate::network::{Graph, ModelCard};

use super::args::ImportArgs;
use super::terminal::{Finished, Outcome, complain, say, say_json, with_progress};

#[derive(Serialize)]
struct Done<'a> {
    path: String,
    nodes: usize,
    parameters: usize,
    notes: &'a [String],
    #[serde(flatten)]
    card: &'a ModelCard,
}

pub(super) fn run(args: &ImportArgs) -> Outcome {
    let options = ImportOptions {
        name: args.name.clone(),
        task: args.task.map(Into::into),
        output: args.output.clone(),
        classes: args.classes.clone(),
        channels: args.channels.clone(),
        normalisation: args.normalise,
        pixel_size_nm: args.pixel_size.as_ref().map(|scale| scale.pixel().x_nm),
        licence: args.licence.clone(),
    };
    let label = args.model.display().to_string();
    let imported = with_progress(&label, |monitor| onnx::import(&args.model, &options, monitor))?;
    imported.model.save(&args.out)?;
    let (graph, card) = (&imported.model.graph, &imported.model.card);
    let parameters: usize = graph.parameters().iter().map(|spec| spec.shape.iter().product::<usize>()).sum();
    if args.json {
        let (path, nodes) = (args.out.display().to_string(), graph.nodes().len());
        say_json(&Done { path, nodes, parameters, notes: &imported.notes, card })?;
        return Ok(Finished::default());
    }
    imported.notes.iter().for_each(|note| complain(note));
    say(&format!("{}: {}", args.out.display(), card.name));
    say(&format!("  {} nodes, {parameters} parameters: {}", graph.nodes().len(), kinds(graph)));
    say(&format!("  licence: {}", card.licence));
    Ok(Finished::default())
}

/// The kinds of nodes that it has.
fn kinds(graph: &Graph) -> String {
    let kinds: BTreeSet<&str> = graph.nodes().iter().map(|node| node.op.kind()).collect();
    kinds.into_iter().collect::<Vec<_>>().join(", ")
}
