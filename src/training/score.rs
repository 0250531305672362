//! A model judged on many held-out images, together and source by source.
use super::baseline::add_shares;
use super::held_out::{HeldOut, Truth};
use super::otsu::Sides;
use super::residuals::Residuals;
use super::tally::Tally;
use super::{Confusion, Evaluation, RegressionScore, TrainingError};
use crate::monitor::Monitor;
use crate::network::{Model, ModelCard, Task};
use candle_core::Device;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counts of one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SourceScore {
    title: String,
    images: usize,
    tally: Tally,
    /// Mean IoU of Otsu's threshold, for segmenters of two classes; mean absolute error of the counts' shares, for
    /// regressors of shares.
    baseline: Option<f64>,
}

/// How a model did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Scores {
    sources: Vec<SourceScore>,
    failures: Vec<String>,
}

/// What is told of the scores.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    Classes(Evaluation),
    Numbers(RegressionScore),
}

impl Scores {
    /// Judges the model on every image; `titles` names the sources.
    pub(super) fn of(
        model: &Model,
        images: &[HeldOut],
        titles: &[String],
        device: &Device,
        monitor: &Monitor,
    ) -> Result<Self, TrainingError> {
        let mut sources: BTreeMap<usize, SourceScore> = BTreeMap::new();
        let mut failures = Vec::new();
        for (index, held) in images.iter().enumerate() {
            monitor.check()?;
            match held.judge(model, device, &monitor.part(index, images.len())) {
                Ok(tally) => {
                    let title = titles.get(held.source).cloned().unwrap_or_default();
                    let empty = Tally::new(&model.card);
                    let new = SourceScore { title, images: 0, tally: empty, baseline: None };
                    let source = sources.entry(held.source).or_insert(new);
                    source.tally.merge(&tally);
                    source.images += 1;
                }
                Err(e) if e.is_cancelled() => return Err(e),
                Err(e) => failures.push(e.to_string()),
            }
        }
        if sources.is_empty() {
            let why = failures.first().map(|f| format!("; {f}")).unwrap_or_default();
            return Err(TrainingError::Data(format!("No image could be judged{why}")));
        }
        Ok(Self { sources: sources.into_values().collect(), failures })
    }

    /// Adds what Otsu's threshold reaches on the same images, source by source, where there are two classes.
    pub(super) fn compare_with_otsu(
        &mut self,
        images: &[HeldOut],
        titles: &[String],
        monitor: &Monitor,
    ) -> Result<(), TrainingError> {
        for source in &mut self.sources {
            let mut sides = Sides::new();
            for held in images.iter().filter(|h| titles.get(h.source) == Some(&source.title)) {
                monitor.check()?;
                if let Truth::Map(truth) = &held.truth {
                    sides.count(held.micrograph.specimen_grey(held.frame)?.view(), truth);
                }
            }
            source.baseline = Some(sides.choose(None).mean_iou());
        }
        Ok(())
    }

    /// Adds how far off each channel's share of the counts is on the same images, source by source.
    pub(super) fn compare_with_shares(
        &mut self,
        images: &[HeldOut],
        titles: &[String],
        card: &ModelCard,
        monitor: &Monitor,
    ) -> Result<(), TrainingError> {
        for source in &mut self.sources {
            let mut residuals = Residuals::new(card.classes.len());
            for held in images.iter().filter(|h| titles.get(h.source) == Some(&source.title)) {
                monitor.check()?;
                add_shares(held, card, &mut residuals)?;
            }
            source.baseline = residuals.of_output(0).map(|_| residuals.mean_absolute_error());
        }
        Ok(())
    }

    fn together(&self) -> Tally {
        let mut sum = self.sources[0].tally.clone();
        self.sources[1..].iter().for_each(|source| sum.merge(&source.tally));
        sum
    }

    /// What the best step has most of. With several sources the mean over them, so that many easy images do not hide a
    /// few hard ones.
    pub(super) fn goodness(&self, task: Task) -> f64 {
        self.sources.iter().map(|source| source.tally.goodness(task)).sum::<f64>() / self.sources.len() as f64
    }

    pub(super) fn verdict(&self, card: &ModelCard) -> Result<Verdict, TrainingError> {
        let names: Vec<String> = card.classes.iter().map(|c| c.name.clone()).collect();
        let images = self.sources.iter().map(|s| s.images).sum();
        let failures = self.failures.clone();
        Ok(match self.together() {
            Tally::Classes(confusion) => Verdict::Classes(confusion.evaluation(&names, images, failures)?),
            Tally::Numbers(residuals) => {
                Verdict::Numbers(residuals.score(&names, card.units.as_deref(), images, failures)?)
            }
        })
    }

    /// Writes the scores into the card.
    pub(super) fn fill(&self, card: &mut ModelCard, chosen_on_them: bool) {
        let names: Vec<&str> = card.classes.iter().map(|class| class.name.as_str()).collect();
        let mut metrics = BTreeMap::new();
        let of_source = |source: &SourceScore, all: &mut BTreeMap<String, f64>, name: &str, value: f64| {
            if self.sources.len() > 1 {
                all.insert(format!("{name} on {}", source.title), value);
            }
        };
        match (self.together(), card.task) {
            (Tally::Classes(all), Task::Segment) => fill_segmenter(&mut metrics, &names, &all),
            (Tally::Classes(all), _) => fill_classifier(&mut metrics, &names, &all),
            (Tally::Numbers(all), _) => fill_regressor(&mut metrics, &names, &all),
        }
        for source in &self.sources {
            let (name, baseline) = match (&source.tally, card.task) {
                (Tally::Classes(_), Task::Segment) => ("mean_iou", "otsu_mean_iou"),
                (Tally::Classes(_), _) => ("accuracy", "otsu_accuracy"),
                (Tally::Numbers(_), _) => ("mean_absolute_error", "counts_mean_absolute_error"),
            };
            of_source(source, &mut metrics, name, source.tally.goodness(card.task).abs());
            if let Some(value) = source.baseline {
                metrics.insert(format!("{baseline} on {}", source.title), value);
            }
        }
        card.metrics = metrics;
        let sources = self
            .sources
            .iter()
            .map(|s| format!("{} ({} image{})", s.title, s.images, if s.images == 1 { "" } else { "s" }));
        card.metrics_on = sources.collect::<Vec<_>>().join("; ");
        if chosen_on_them {
            card.metrics_on.push_str("; the best step was chosen on them");
        }
    }
}

fn fill_segmenter(metrics: &mut BTreeMap<String, f64>, names: &[&str], all: &Confusion) {
    metrics.insert("accuracy".to_owned(), all.accuracy());
    metrics.insert("mean_iou".to_owned(), all.mean_iou());
    for (class, name) in names.iter().enumerate() {
        let values = [("iou", all.iou(class)), ("dice", all.dice(class))];
        metrics
            .extend(values.into_iter().filter_map(|(what, value)| Some((format!("{what} {name}"), value?))));
    }
}

fn fill_classifier(metrics: &mut BTreeMap<String, f64>, names: &[&str], all: &Confusion) {
    metrics.insert("accuracy".to_owned(), all.accuracy());
    for (class, name) in names.iter().enumerate() {
        let values =
            [("precision", all.precision(class)), ("recall", all.recall(class)), ("f1", all.dice(class))];
        metrics
            .extend(values.into_iter().filter_map(|(what, value)| Some((format!("{what} {name}"), value?))));
    }
}

fn fill_regressor(metrics: &mut BTreeMap<String, f64>, names: &[&str], all: &Residuals) {
    metrics.insert("mean_absolute_error".to_owned(), all.mean_absolute_error());
    metrics.insert("rmse".to_owned(), all.rmse());
    let each = names.iter().enumerate();
    metrics.extend(
        each.filter_map(|(output, name)| {
            Some((format!("mean_absolute_error {name}"), all.of_output(output)?))
        }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::Recipe;
    use std::path::Path;

    fn scores() -> Scores {
        let source = |title: &str, images: usize, pairs: &[(usize, usize)]| {
            let mut confusion = Confusion::new(2);
            for (truth, found) in pairs {
                confusion.add(*truth, *found);
            }
            let tally = Tally::Classes(confusion);
            SourceScore { title: title.to_owned(), images, tally, baseline: Some(0.5) }
        };
        let easy = source("easy", 3, &[(0, 0), (1, 1)]);
        Scores { sources: vec![easy, source("hard", 1, &[(0, 1), (1, 1)])], failures: Vec::new() }
    }

    #[test]
    fn each_source_counts_the_same_when_the_best_is_chosen() {
        // Hard: IoU 0 and 1/2.
        assert_eq!(scores().goodness(Task::Segment), f64::midpoint(1.0, 0.25));
        assert_eq!(scores().goodness(Task::Classify), 0.75);
    }

    #[test]
    fn a_regressor_s_card_says_its_errors_and_those_of_the_counts() {
        let recipe = crate::training::recipe::tests::minimal_regressor();
        let mut card = Recipe::parse(&recipe, Path::new("r.toml")).unwrap().model_card();
        let mut residuals = Residuals::new(card.classes.len());
        residuals.add(0, 0.5, 0.75);
        residuals.add(1, 0.5, 0.25);
        let tally = Tally::Numbers(residuals);
        let source = SourceScore { title: "eds".to_owned(), images: 1, tally, baseline: Some(0.5) };
        let scores = Scores { sources: vec![source], failures: Vec::new() };
        assert_eq!(scores.goodness(Task::Regress), -0.25);
        scores.fill(&mut card, false);
        let expected = [
            ("counts_mean_absolute_error on eds", 0.5),
            ("mean_absolute_error", 0.25),
            ("mean_absolute_error C", 0.25),
            ("mean_absolute_error O", 0.25),
            ("rmse", 0.25),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(card.metrics.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_card_says_the_scores_and_on_what() {
        let recipe = crate::training::recipe::tests::minimal();
        let mut card = Recipe::parse(&recipe, Path::new("r.toml")).unwrap().model_card();
        scores().fill(&mut card, true);
        assert_eq!(card.metrics["accuracy"], 0.75);
        assert_eq!(card.metrics["mean_iou on hard"], 0.25);
        assert_eq!(card.metrics["otsu_mean_iou on easy"], 0.5);
        assert_eq!(card.metrics["iou matrix"], 0.5);
        assert_eq!(card.metrics_on, "easy (3 images); hard (1 image); the best step was chosen on them");
    }
}
