//! Model packages of bioimage.io, with the run of their own example.

use crate::analysis;
use crate::network::ModelCard;
use crate::network::bioimage;

use super::super::args::ImportArgs;
use super::super::terminal::{Finished, Outcome, complain, with_progress};
use super::finish;

/// Part of the largest expected number by which an answer may differ.
const TOLERANCE: f32 = 1e-3;

pub(super) fn run(args: &ImportArgs) -> Outcome {
    let label = args.model.display().to_string();
    let mut imported = with_progress(&label, |monitor| bioimage::import(&args.model, monitor))?;
    let mut notes = std::mem::take(&mut imported.notes);
    let mut failures = 0;
    if let Some(example) = &imported.test {
        let difference =
            with_progress(&label, |monitor| analysis::compare(&imported.model, example, monitor))?;
        let words = format!(
            "its own example: the largest of {} differences is {:e}, of numbers up to {:e}",
            difference.values, difference.largest, difference.scale
        );
        if difference.largest > TOLERANCE * difference.scale.max(TOLERANCE) {
            complain(&format!("the network does not answer as the package says; {words}"));
            failures = 1;
        }
        notes.push(words);
    }
    say_otherwise(&mut imported.model.card, args);
    let finished = finish(args, &imported.model, &notes)?;
    Ok(Finished { failures: finished.failures + failures })
}

/// What the command line says goes before what the package says.
fn say_otherwise(card: &mut ModelCard, args: &ImportArgs) {
    if let Some(name) = &args.name {
        card.name.clone_from(name);
    }
    if let Some(licence) = &args.licence {
        card.licence.clone_from(licence);
    }
    if let Some(channels) = &args.channels {
        card.channels.clone_from(channels);
    }
    if let Some(names) = &args.classes {
        for (class, name) in card.classes.iter_mut().zip(names) {
            class.name.clone_from(name);
        }
    }
    if let Some(task) = args.task {
        card.task = task.into();
    }
    card.normalisation = args.normalise.unwrap_or(card.normalisation);
    card.pixel_size_nm = args.pixel_size.as_ref().map(|scale| scale.pixel().x_nm).or(card.pixel_size_nm);
}
