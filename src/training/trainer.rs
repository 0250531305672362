//! The training loop: a step, a validation now and then, and what it all stands at.
use super::adamw::AdamW;
use super::batch::{Batch, dice};
use super::checkpoint::{Best, Checkpoint};
use super::dataset::Dataset;
use super::objective::Objective;
use super::schedule::Schedule;
use super::score::{Scores, Verdict};
use super::{Recipe, Source, TrainEvent, TrainingError};
use crate::compute::recording;
use crate::monitor::Monitor;
use crate::network::{
    Graph, Mode, Model, NetworkError, Scope, TrainState, Weights, no_tap, run, update_running_statistics,
};
use candle_core::{Device, Tensor, Var};
use std::collections::BTreeMap;
use std::path::Path;

/// PyTorch's momentum of batch norm's running statistics.
const MOMENTUM: f64 = 0.1;

/// How the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The budget is spent.
    Finished,
    Cancelled,
}

/// A training under way.
pub(super) struct Trainer<'a> {
    recipe: &'a Recipe,
    graph: &'a Graph,
    data: &'a Dataset,
    device: &'a Device,
    objective: Objective,
    answer: Scope,
    /// The optimiser's variables under their names, and the running statistics.
    weights: Weights,
    optimiser: AdamW,
    pub schedule: Schedule,
    pub best: Option<Best>,
}

impl<'a> Trainer<'a> {
    pub(super) fn new(
        recipe: &'a Recipe,
        graph: &'a Graph,
        data: &'a Dataset,
        device: &'a Device,
        schedule: Schedule,
    ) -> Result<Self, TrainingError> {
        let mut weights = Weights::initialised(graph, recipe.schedule.seed, device)?;
        let mut vars = Vec::new();
        for spec in graph.parameters().into_iter().filter(|spec| spec.trainable) {
            if let Some(tensor) = weights.tensors.get_mut(&spec.name) {
                let var = Var::from_tensor(tensor)?;
                *tensor = var.as_tensor().clone();
                vars.push((spec.name, var));
            }
        }
        let optimiser = AdamW::new(vars, recipe.schedule.weight_decay)?;
        let (objective, answer) = (Objective::new(recipe, data), recipe.model_card().scope(graph)?);
        let best = None;
        Ok(Self { recipe, graph, data, device, objective, answer, weights, optimiser, schedule, best })
    }

    /// Steps done.
    pub(super) fn steps(&self) -> usize {
        self.optimiser.steps
    }

    /// A copy of the weights as they are now.
    pub(super) fn weights(&self) -> Result<Weights, TrainingError> {
        let copy = |(name, tensor): (&String, &Tensor)| Ok((name.clone(), tensor.detach().copy()?));
        Ok(Weights {
            tensors: self.weights.tensors.iter().map(copy).collect::<Result<_, candle_core::Error>>()?,
        })
    }

    /// Trains until the budget is spent or a person cancels.
    pub(super) fn go(
        &mut self,
        checkpoint: &Path,
        report: &mut dyn FnMut(TrainEvent),
        monitor: &Monitor,
    ) -> Result<End, TrainingError> {
        match self.go_on(checkpoint, report, monitor) {
            Ok(()) => Ok(End::Finished),
            Err(e) if e.is_cancelled() => Ok(End::Cancelled),
            Err(e) => Err(e),
        }
    }

    fn go_on(
        &mut self,
        checkpoint: &Path,
        report: &mut dyn FnMut(TrainEvent),
        monitor: &Monitor,
    ) -> Result<(), TrainingError> {
        let mut judged = None;
        while !self.schedule.is_over(self.steps()) {
            self.show(monitor)?;
            let learning_rate = self.schedule.learning_rate(self.steps());
            let crops = self.recipe.schedule.batch;
            let loss = self.step(learning_rate, monitor).map_err(|error| error.of_step(crops))?;
            let step = self.steps();
            report(TrainEvent::Step { step, loss, learning_rate });
            monitor.stage(&format!("Step {step}, loss {loss:.3}"));
            if step.is_multiple_of(self.recipe.schedule.validate_every) {
                self.validate(report, monitor)?;
                judged = Some(step);
                self.checkpoint()?.save(self.recipe, checkpoint)?;
            }
        }
        if judged != Some(self.steps()) {
            self.validate(report, monitor)?;
        }
        Ok(())
    }

    /// Progress between loading (the first 50th) and the last evaluation (the last).
    fn show(&self, monitor: &Monitor) -> Result<(), TrainingError> {
        let spent = self.schedule.spent(self.steps());
        Ok(monitor.progress((1000.0 * (0.02 + 0.96 * spent)) as usize, 1000)?)
    }

    fn step(&mut self, learning_rate: f64, monitor: &Monitor) -> Result<f32, TrainingError> {
        let step = self.steps();
        let batch = Batch::draw(self.recipe, self.answer, &self.data.train, step, self.device)?;
        let mut state = TrainState {
            rng: dice(self.recipe.schedule.seed, step, usize::MAX),
            batch_statistics: Vec::new(),
        };
        let mode = Mode::Train(&mut state);
        let (output, tape) =
            recording(|| run(self.graph, &self.weights, &batch.images, mode, &mut no_tap, monitor));
        let recorded = tape.to(output?)?;
        let loss = self.objective.of(recorded.output(), &batch.answers)?;
        let value = loss.to_scalar::<f32>()?;
        if !value.is_finite() {
            let what = format!("The loss is {value} at step {}; lower learning_rate", step + 1);
            return Err(TrainingError::Data(what));
        }
        let gradients = recorded.gradients(&loss)?;
        self.optimiser.step(&gradients, learning_rate)?;
        update_running_statistics(&mut self.weights, &state, MOMENTUM)?;
        Ok(value)
    }

    /// Judges the weights on the validation images and keeps them if they are the best so far.
    fn validate(
        &mut self,
        report: &mut dyn FnMut(TrainEvent),
        monitor: &Monitor,
    ) -> Result<(), TrainingError> {
        if self.data.validate.is_empty() {
            return Ok(());
        }
        let model = Model::new(self.graph.clone(), self.weights()?, self.recipe.model_card())?;
        let sources = if self.data.split { &self.recipe.train } else { &self.recipe.validate };
        let titles: Vec<String> = sources.iter().map(Source::title).collect();
        // A validation is but a moment of the whole: its own progress stays within a thousandth.
        let now = (1000.0 * (0.02 + 0.96 * self.schedule.spent(self.steps()))) as usize;
        let scores =
            Scores::of(&model, &self.data.validate, &titles, self.device, &monitor.part(now.min(999), 1000))?;
        let (task, step) = (self.recipe.task, self.steps());
        let before = self.best.as_ref().map(|best| best.scores.goodness(task));
        let best = before.is_none_or(|before| scores.goodness(task) > before);
        let event = match scores.verdict(&model.card)? {
            Verdict::Classes(of) => {
                TrainEvent::Validated { step, mean_iou: of.mean_iou, accuracy: of.accuracy, best }
            }
            Verdict::Numbers(of) => {
                let (mean_absolute_error, rmse) = (of.mean_absolute_error, of.rmse);
                TrainEvent::ValidatedNumbers { step, mean_absolute_error, rmse, best }
            }
        };
        if best {
            self.best = Some(Best { step, scores, weights: model.weights });
        }
        report(event);
        Ok(())
    }

    /// Everything needed to go on later.
    pub(super) fn checkpoint(&self) -> Result<Checkpoint, TrainingError> {
        let moments = |which: fn(&super::adamw::Trained) -> &Tensor| -> BTreeMap<String, Tensor> {
            self.optimiser.trained.iter().map(|(name, t)| (name.clone(), which(t).clone())).collect()
        };
        Ok(Checkpoint {
            weights: self.weights()?.tensors,
            first_moments: moments(|t| &t.first_moment),
            second_moments: moments(|t| &t.second_moment),
            step: self.steps(),
            seconds: self.schedule.elapsed().as_secs_f64(),
            best: self.best.clone(),
        })
    }

    /// Goes back to where a checkpoint was made; `path` is named when it does not fit the network.
    pub(super) fn restore(&mut self, saved: Checkpoint, path: &Path) -> Result<(), TrainingError> {
        let misfit = |e: NetworkError| TrainingError::Bad { path: path.to_path_buf(), what: e.to_string() };
        let mut weights = Weights { tensors: saved.weights };
        weights.check(self.graph).map_err(misfit)?;
        if let Some(best) = &saved.best {
            best.weights.check(self.graph).map_err(misfit)?;
        }
        for (name, trained) in &mut self.optimiser.trained {
            let moments = saved.first_moments.get(name).zip(saved.second_moments.get(name));
            let fits =
                moments.filter(|(a, b)| a.dims() == trained.var.dims() && b.dims() == trained.var.dims());
            let Some((first, second)) = fits else {
                let what = format!("The checkpoint has no moments for {name}");
                return Err(TrainingError::Bad { path: path.to_path_buf(), what });
            };
            (trained.first_moment, trained.second_moment) = (first.clone(), second.clone());
            if let Some(tensor) = weights.tensors.get_mut(name) {
                trained.var.set(tensor)?;
                *tensor = trained.var.as_tensor().clone();
            }
        }
        self.weights = weights;
        self.optimiser.steps = saved.step;
        self.best = saved.best;
        Ok(())
    }
}
