//! Trains a model by a recipe: load, learn, judge now and then, keep the best, write it with its card.
use super::baseline::has_baseline;
use super::checkpoint::{Checkpoint, checkpoint_path};
use super::dataset::Dataset;
use super::likeness::training_statistics;
use super::schedule::{Budget, Schedule};
use super::score::{Scores, Verdict};
use super::trainer::{End, Trainer};
use super::{Evaluation, Recipe, RegressionScore, TrainingError};
use crate::compute::memory_of;
use crate::imaging::InfoBarChoice;
use crate::monitor::Monitor;
use crate::network::{Graph, Model, ModelCard, Task, Weights, describe};
use candle_core::Device;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Clone, Default)]
pub struct TrainOptions {
    /// Goes before the recipe's budget.
    pub minutes: Option<f64>,
    /// Goes before the recipe's budget.
    pub steps: Option<usize>,
    /// Go on from the checkpoint beside `out`.
    pub resume: bool,
    /// Goes before the recipe's `data`: the folder that the sources' paths start from.
    pub data_root: Option<PathBuf>,
    /// Which rows of the images are text, and are not learned from.
    pub info_bar: InfoBarChoice,
}

/// Something to tell whoever watches.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum TrainEvent {
    /// The data are in memory.
    Loaded { training_images: usize, validation_images: usize, bytes: u64 },
    /// Something to know, such as a file that could not be used and why.
    Note { text: String },
    /// Training goes on from a checkpoint.
    Resumed { step: usize },
    /// Steps done so far, the loss of the last one and how fast it learned.
    Step { step: usize, loss: f32, learning_rate: f64 },
    /// With several validation sources both numbers are over all images together; the best step is chosen by the
    /// mean over sources.
    Validated { step: usize, mean_iou: f64, accuracy: f64, best: bool },
    /// The same of a regressor.
    ValidatedNumbers { step: usize, mean_absolute_error: f64, rmse: f64, best: bool },
}

#[derive(Debug, Clone, serde::Serialize)]
pub struct TrainReport {
    pub model: PathBuf,
    pub steps: usize,
    pub best_step: usize,
    /// Of the card's metrics; `None` without validation images, and of regressors.
    pub evaluation: Option<Evaluation>,
    /// The same of a regressor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<RegressionScore>,
    /// True: stopped by a person, the model is the best so far and `resume` goes on.
    pub cancelled: bool,
    pub seconds: f64,
    /// Files that could not be used, and why.
    pub failures: Vec<String>,
}

/// Trains and writes the model with its card to `out`.
///
/// The weights that did best on the validation images are kept (without validation images the last ones). A checkpoint
/// stands beside `out` until the end. Cancelled, the best so far is written and the report says so; before the first
/// validation there is none, and [`TrainingError::Cancelled`] is returned with the checkpoint kept.
pub fn train(
    recipe: &Recipe,
    out: &Path,
    options: &TrainOptions,
    device: &Device,
    report: &mut dyn FnMut(TrainEvent),
    monitor: &Monitor,
) -> Result<TrainReport, TrainingError> {
    let graph = recipe.graph()?;
    check_memory(recipe, step_bytes(recipe, &graph)?, memory_of(device).map(|memory| memory.free))?;
    make_folder(out)?;
    let path = checkpoint_path(out);
    let resumed = if options.resume { Some(Checkpoint::load(recipe, &path, device)?) } else { None };
    let data = Dataset::load(recipe, options, &monitor.part(0, 50))?;
    tell_loaded(&data, report);
    let seconds = resumed.as_ref().map_or(0.0, |checkpoint| checkpoint.seconds);
    let budget = Budget::new(&recipe.schedule, options);
    let schedule = Schedule::new(budget, &recipe.schedule, Duration::from_secs_f64(seconds));
    let mut trainer = Trainer::new(recipe, &graph, &data, device, schedule)?;
    if let Some(checkpoint) = resumed {
        report(TrainEvent::Resumed { step: checkpoint.step });
        trainer.restore(checkpoint, &path)?;
    }
    trainer.checkpoint()?.save(recipe, &path)?;
    let end = trainer.go(&path, report, monitor)?;
    let cancelled = end == End::Cancelled;
    if cancelled {
        trainer.checkpoint()?.save(recipe, &path)?;
        if trainer.best.is_none() {
            return Err(TrainingError::Cancelled(crate::monitor::Cancelled));
        }
    }
    let (seconds, steps) = (trainer.schedule.elapsed().as_secs_f64(), trainer.steps());
    let finished = Finished { recipe, graph: &graph, data: &data, device, cancelled };
    let best = trainer.best.take();
    let (best_step, scores, weights) = match best {
        Some(best) => (best.step, Some(best.scores), best.weights),
        None => (steps, None, trainer.weights()?),
    };
    let (mut model, verdict) = finished.judged(scores, weights, monitor)?;
    if !cancelled {
        remember_images(&mut model, recipe, options, report, monitor);
    }
    model.save(out)?;
    let (evaluation, numbers) = match verdict {
        Some(Verdict::Classes(evaluation)) => (Some(evaluation), None),
        Some(Verdict::Numbers(numbers)) => (None, Some(numbers)),
        None => (None, None),
    };
    if !cancelled {
        // The model is whole; a checkpoint that cannot be removed harms nobody.
        let _ = std::fs::remove_file(&path);
    }
    let failures = data.failures.clone();
    let model = out.to_path_buf();
    Ok(TrainReport { model, steps, best_step, evaluation, numbers, cancelled, seconds, failures })
}

/// Gives the model the statistics of its training images; where that cannot be, the training is not lost for it.
fn remember_images(
    model: &mut Model,
    recipe: &Recipe,
    options: &TrainOptions,
    report: &mut dyn FnMut(TrainEvent),
    monitor: &Monitor,
) {
    let device = model.weights.tensors.values().next().map_or(Device::Cpu, |tensor| tensor.device().clone());
    match training_statistics(recipe, model, options, &device, &monitor.part(49, 50)) {
        // Files that could not be used have been named when they were loaded.
        Ok((statistics, _)) => model.training = Some(Arc::new(statistics)),
        Err(error) => {
            let text = format!("The model has no statistics of its training images: {error}");
            report(TrainEvent::Note { text });
        }
    }
}

/// Bytes that one step takes: every node's values stay until the gradients are known, with half as much again beside
/// them, and six tensors a weight (value, gradient, two moments, two in passing).
fn step_bytes(recipe: &Recipe, graph: &Graph) -> Result<u64, TrainingError> {
    let [height, width] = recipe.card.input_size.unwrap_or([recipe.schedule.crop; 2]);
    let nodes = describe(graph, [recipe.card.channels.len(), height, width])?;
    let values: u64 = nodes.iter().map(|node| node.activation_bytes).sum();
    let weights: u64 = nodes.iter().map(|node| 4 * node.parameters as u64).sum();
    let crops = values.saturating_mul(recipe.schedule.batch as u64);
    Ok(crops.saturating_add(crops / 2).saturating_add(6 * weights))
}

fn check_memory(recipe: &Recipe, bytes: u64, free: Option<u64>) -> Result<(), TrainingError> {
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    match free {
        Some(free) if bytes > free / 10 * 9 => Err(TrainingError::Data(format!(
            "A step of {} crops needs about {:.1} GiB of memory and {:.1} GiB are free; lower batch or crop",
            recipe.schedule.batch,
            gib(bytes),
            gib(free)
        ))),
        _ => Ok(()),
    }
}

fn make_folder(out: &Path) -> Result<(), TrainingError> {
    match out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => std::fs::create_dir_all(folder)
            .map_err(|source| TrainingError::Io { path: folder.to_path_buf(), source }),
        None => Ok(()),
    }
}

fn tell_loaded(data: &Dataset, report: &mut dyn FnMut(TrainEvent)) {
    report(TrainEvent::Loaded {
        training_images: data.train.iter().map(|group| group.images.len()).sum(),
        validation_images: data.validate.len(),
        bytes: data.bytes,
    });
    for failure in &data.failures {
        report(TrainEvent::Note { text: failure.clone() });
    }
    if data.validate.is_empty() {
        let text = "There are no validation images: the last weights are kept and the card has no metrics";
        report(TrainEvent::Note { text: text.to_owned() });
    }
}

/// A training that ended.
struct Finished<'a> {
    recipe: &'a Recipe,
    graph: &'a Graph,
    data: &'a Dataset,
    device: &'a Device,
    cancelled: bool,
}

impl Finished<'_> {
    /// The model; its card's metrics are of the test images, else of the validation images.
    fn judged(
        &self,
        validated: Option<Scores>,
        weights: Weights,
        monitor: &Monitor,
    ) -> Result<(Model, Option<Verdict>), TrainingError> {
        let mut model = Model::new(self.graph.clone(), weights, self.recipe.model_card())?;
        let tested = if self.data.test.is_empty() || self.cancelled {
            None
        } else {
            monitor.stage("Evaluating the best weights");
            let titles: Vec<String> = self.recipe.test.iter().map(super::Source::title).collect();
            let part = monitor.part(49, 50);
            let mut scores = Scores::of(&model, &self.data.test, &titles, self.device, &part)?;
            if is_binary(&model.card) {
                scores.compare_with_otsu(&self.data.test, &titles, monitor)?;
            }
            if has_baseline(self.recipe) {
                scores.compare_with_shares(&self.data.test, &titles, &model.card, monitor)?;
            }
            Some(scores)
        };
        let chosen_on_them = tested.is_none();
        let Some(scores) = tested.or(validated) else {
            return Ok((model, None));
        };
        scores.fill(&mut model.card, chosen_on_them);
        let verdict = scores.verdict(&model.card)?;
        Ok((model, Some(verdict)))
    }
}

fn is_binary(card: &ModelCard) -> bool {
    card.task == Task::Segment && card.classes.len() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Measured: resident memory grows by 37 MiB a crop of 128 px with a U-Net of base 16 and depth 4.
    #[test]
    fn a_step_s_memory_is_foretold_and_refused_when_it_is_not_there() {
        let text = crate::training::recipe::tests::minimal();
        let text = text.replace("base = 2", "base = 16").replace("depth = 1", "depth = 4");
        let text = text.replace("batch = 2", "batch = 8").replace("crop = 16", "crop = 128");
        let recipe = Recipe::parse(&text, Path::new("r.toml")).unwrap();
        let bytes = step_bytes(&recipe, &recipe.graph().unwrap()).unwrap();
        let mib = bytes >> 20;
        assert!((8 * 37..2 * 8 * 37).contains(&mib), "{mib} MiB");
        assert!(
            check_memory(&recipe, bytes, Some(4 * bytes)).is_ok()
                && check_memory(&recipe, bytes, None).is_ok()
        );
        let message = check_memory(&recipe, bytes, Some(bytes)).unwrap_err().to_string();
        assert!(message.starts_with("A step of 8 crops needs about 0."), "{message}");
    }
}
