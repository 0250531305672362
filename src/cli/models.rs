//! `polepiece models`: what is installed, with cards.

use serde::Serialize;

use crate::network::{self, ModelCard, Task};

use super::args::ModelsArgs;
use super::terminal::{Finished, Outcome, complain, say, say_json};

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    path: String,
    architecture: &'a str,
    #[serde(flatten)]
    card: &'a ModelCard,
}

pub(super) fn run(args: &ModelsArgs) -> Outcome {
    let installed = network::installed();
    let mut failures = 0;
    if installed.is_empty() {
        complain(
            "no models are installed; copy a .safetensors model file into a folder called models beside the program",
        );
    }
    for model in &installed {
        match &model.header {
            Err(error) => {
                complain(&error.to_string());
                failures += 1;
            }
            Ok((graph, card)) if args.json => say_json(&Entry {
                id: &model.id,
                path: model.path.display().to_string(),
                architecture: &graph.architecture,
                card,
            })?,
            Ok((graph, card)) => print(&model.id, &graph.architecture, card),
        }
    }
    Ok(Finished { failures })
}

fn print(id: &str, architecture: &str, card: &ModelCard) {
    let task = match card.task {
        Task::Segment => "segmenter",
        Task::Classify => "classifier",
        Task::Regress => "regressor",
        Task::Any => "network",
    };
    let classes: Vec<&str> = card.classes.iter().map(|class| class.name.as_str()).collect();
    say(&format!("{id}: {} ({architecture} {task})", card.name));
    say(&format!("  {}", card.description));
    let what = if card.task == Task::Regress { "outputs" } else { "classes" };
    let units = card.units.as_deref().map(|units| format!(" ({units})")).unwrap_or_default();
    say(&format!("  {what}: {}{units}; channels: {}", classes.join(", "), card.channels.join(", ")));
    for data in &card.training_data {
        let note = if data.note.is_empty() { String::new() } else { format!(", {}", data.note) };
        say(&format!("  trained on: {} ({}{note})", data.name, data.licence));
    }
    if !card.metrics.is_empty() {
        let metrics: Vec<String> =
            card.metrics.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        say(&format!("  measured on {}: {}", card.metrics_on, metrics.join(", ")));
    }
    say(&format!("  licence: {}", card.licence));
}
