//! `polepiece train`: labels in, model out.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::compute::OpenDevice;
use crate::network::Task;
use crate::network::architectures::Architecture;
use crate::training::{
    FolderTraining, Recipe, TrainEvent, TrainOptions, TrainReport, train, training_statistics,
};

use super::args::TrainArgs;
use super::context::{load_model, open_device};
use super::evaluate::{print_numbers, print_scores};
use super::terminal::{Finished, Outcome, complain, say, say_json, with_progress};

pub(super) fn run(args: &TrainArgs) -> Outcome {
    if args.minutes.is_some_and(|minutes| !(minutes.is_finite() && minutes > 0.0)) {
        bail!("A time budget is more than 0 minutes: --minutes");
    }
    let device = open_device(&args.device)?;
    let recipe = recipe(args)?;
    let options = TrainOptions {
        minutes: args.minutes,
        steps: args.steps,
        resume: args.resume,
        data_root: args.data.clone(),
        info_bar: args.info_bar,
    };
    if args.statistics_only {
        return statistics(args, &recipe, &options, &device);
    }
    // The loop's closure and this function both speak on the terminal; the first failure to do so is kept.
    let spoken = RefCell::new(Ok(()));
    let mut tell = |event: TrainEvent| {
        let told = if args.json { say_json(&event) } else { print_event(&event) };
        if spoken.borrow().is_ok() {
            *spoken.borrow_mut() = told;
        }
    };
    let report = with_progress("Training", |monitor| {
        train(&recipe, &args.out, &options, &device.device, &mut tell, monitor)
    })?;
    spoken.into_inner()?;
    if args.json {
        say_json(&report)?;
    } else {
        print_report(&report, recipe.task);
    }
    for failure in &report.failures {
        complain(failure);
    }
    Ok(Finished { failures: report.failures.len() + usize::from(report.cancelled) })
}

/// Writes the model again, with the statistics and nothing else changed.
fn statistics(args: &TrainArgs, recipe: &Recipe, options: &TrainOptions, device: &OpenDevice) -> Outcome {
    let mut model = load_model(&args.out.to_string_lossy(), device, Some(recipe.task))?;
    if model.card.channels != recipe.card.channels || model.card.normalisation != recipe.card.normalisation {
        bail!("The recipe feeds its network otherwise than {}: {}", model.card.name, args.out.display());
    }
    let found = with_progress("Statistics", |monitor| {
        training_statistics(recipe, &model, options, &device.device, monitor)
    });
    let (statistics, failures) = found?;
    for failure in &failures {
        complain(failure);
    }
    let (images, spaces) = (statistics.images, statistics.spaces.len());
    let places: Vec<&str> = statistics.spaces.iter().map(|space| space.of.as_str()).collect();
    let said =
        format!("{}: statistics of {images} training images at {}", args.out.display(), places.join(", "));
    if args.json {
        say_json(&serde_json::json!({
            "model": args.out, "images": images, "spaces": spaces, "pixel_nm": statistics.pixel_nm
        }))?;
    } else {
        say(&said);
    }
    model.training = Some(Arc::new(statistics));
    model.save(&args.out)?;
    Ok(Finished { failures: failures.len() })
}

fn recipe(args: &TrainArgs) -> anyhow::Result<Recipe> {
    if let Some(path) = &args.recipe {
        if let Some(flag) = args.choices.first_given() {
            bail!("The recipe says how the network is built: {flag}");
        }
        return Ok(Recipe::load(path)?);
    }
    let names = Architecture::ALL.map(Architecture::name).join(", ");
    let architecture = Architecture::from_name(&args.arch)
        .with_context(|| format!("Unknown architecture {}; there are {names}", args.arch))?;
    let network = args.choices.spec(architecture)?;
    Ok(Recipe::from_folders(&FolderTraining {
        images: args.images.clone().unwrap_or_default(),
        masks: args.masks.clone(),
        targets: args.targets.clone(),
        scheme: args.labels.clone(),
        validation_images: args.val_images.clone(),
        validation_masks: args.val_masks.clone(),
        network,
    })?)
}

#[expect(clippy::unnecessary_wraps, reason = "stands beside the JSON printer, which can fail")]
fn print_event(event: &TrainEvent) -> anyhow::Result<()> {
    match event {
        TrainEvent::Loaded { training_images, validation_images, bytes } => say(&format!(
            "{training_images} training and {validation_images} validation images, {} MB in memory",
            bytes / 1_000_000
        )),
        TrainEvent::Note { text } => complain(text),
        TrainEvent::Resumed { step } => say(&format!("going on from step {step}")),
        TrainEvent::Step { step, loss, learning_rate } => {
            say(&format!("step {step}: loss {loss:.4}, learning rate {learning_rate:.2e}"));
        }
        TrainEvent::Validated { step, mean_iou, accuracy, best } => {
            let best = if *best { ", best so far" } else { "" };
            say(&format!("step {step}: validation mean IoU {mean_iou:.4}, accuracy {accuracy:.4}{best}"));
        }
        TrainEvent::ValidatedNumbers { step, mean_absolute_error, rmse, best } => {
            let best = if *best { ", best so far" } else { "" };
            say(&format!(
                "step {step}: validation mean absolute error {mean_absolute_error:.5}, RMSE {rmse:.5}{best}"
            ));
        }
    }
    Ok(())
}

fn print_report(report: &TrainReport, task: Task) {
    if report.cancelled {
        complain("stopped; the model is the best so far, and --resume goes on from here");
    }
    let TrainReport { model, steps, best_step, seconds, .. } = report;
    let model: &PathBuf = model;
    say(&format!("{}: best at step {best_step} of {steps}, {seconds:.0} s", model.display()));
    if let Some(evaluation) = &report.evaluation {
        print_scores("model", task, evaluation);
    }
    if let Some(numbers) = &report.numbers {
        print_numbers("model", numbers);
    }
}
