//! Weights of PyTorch or safetensors, matched to an architecture.

use anyhow::Context as _;

use crate::network::Normalisation;
use crate::network::architectures::{Architecture, ArchitectureSpec};
use crate::network::pytorch::{Import, ImportOptions};

use super::super::args::ImportArgs;
use super::super::terminal::{Outcome, complain, with_progress};
use super::finish;

pub(super) fn run(args: &ImportArgs) -> Outcome {
    let spec = spec(args)?;
    let normalisation = args.normalise.unwrap_or(Normalisation::ZScore);
    let options = ImportOptions {
        key: args.weights.key.clone(),
        partial: args.weights.partial,
        seed: args.weights.seed,
        name: args.name.clone(),
        class_names: names(args.classes.as_deref()),
        normalisation,
        licence: args.licence.clone().unwrap_or_else(|| "unknown".into()),
    };
    let import = Import::open(&args.model, &spec, options)?;
    let mut notes = import.notes();
    if args.normalise.is_none() {
        notes.push("The file does not say how images are normalised; taken: zscore (--normalise)".into());
    }
    // Said before the numbers are read, so that a refusal stands behind what it is about.
    import.matching.misfits().iter().for_each(|misfit| complain(misfit));
    let label = args.model.display().to_string();
    let mut model = with_progress(&label, |monitor| import.model(monitor))?;
    let channels = names(args.channels.as_deref());
    if !channels.is_empty() {
        model.card.channels = channels;
    }
    model.card.pixel_size_nm = args.pixel_size.as_ref().map(|scale| scale.pixel().x_nm);
    if let Some(task) = args.task {
        model.card.task = task.into();
    }
    finish(args, &model, &notes)
}

/// The architecture with the channels, classes and size that are given, else as published.
fn spec(args: &ImportArgs) -> anyhow::Result<ArchitectureSpec> {
    let known = || Architecture::ALL.map(Architecture::name).join(", ");
    let name = args.weights.arch.as_deref().with_context(|| {
        format!("Weights do not say which network they belong to; choose one with --arch: {}", known())
    })?;
    let architecture = Architecture::from_name(name)
        .with_context(|| format!("Unknown architecture {name}; there are {}", known()))?;
    let published = architecture.defaults();
    Ok(ArchitectureSpec {
        in_channels: count(args.channels.as_deref()).unwrap_or(published.in_channels),
        classes: count(args.classes.as_deref()).unwrap_or(published.classes),
        image: args.weights.size.or(published.image),
        ..args.choices.spec(architecture)?
    })
}

/// A number alone, or how many names there are.
fn count(names: Option<&[String]>) -> Option<usize> {
    match names? {
        [number] if number.parse::<usize>().is_ok() => number.parse().ok(),
        names => Some(names.len()),
    }
}

/// The names, where they are no number.
fn names(names: Option<&[String]>) -> Vec<String> {
    match names {
        Some([number]) if number.parse::<usize>().is_ok() => Vec::new(),
        names => names.unwrap_or_default().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_names_or_their_number() {
        let texts = |list: &[&str]| -> Vec<String> { list.iter().map(|&text| text.into()).collect() };
        let check = |list: &[&str], number: usize, named: usize| {
            let list = texts(list);
            assert_eq!((count(Some(&list)), names(Some(&list)).len()), (Some(number), named));
        };
        check(&["10"], 10, 0);
        check(&["pore"], 1, 1);
        check(&["matrix", "2"], 2, 2);
        assert_eq!((count(None), names(None)), (None, Vec::new()));
    }
}
