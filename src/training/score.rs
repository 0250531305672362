//! A model judged on many held-out images, together and source by source.
use super::held_out::{HeldOut, Truth};
use super::metrics::Confusion;
use super::otsu::Sides;
use super::{Evaluation, TrainingError};
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
    confusion: Confusion,
    /// Mean IoU of Otsu's threshold, for segmenters of two classes.
    otsu: Option<f64>,
}

/// How a model did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Scores {
    sources: Vec<SourceScore>,
    failures: Vec<String>,
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
                Ok(confusion) => {
                    let title = titles.get(held.source).cloned().unwrap_or_default();
                    let empty = Confusion::new(model.card.classes.len());
                    let new = SourceScore { title, images: 0, confusion: empty, otsu: None };
                    let source = sources.entry(held.source).or_insert(new);
                    source.confusion.merge(&confusion);
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
            source.otsu = Some(sides.choose(None).mean_iou());
        }
        Ok(())
    }

    fn together(&self) -> Confusion {
        let mut sum = self.sources[0].confusion.clone();
        self.sources[1..].iter().for_each(|source| sum.merge(&source.confusion));
        sum
    }

    /// What the best step has most of: mean IoU of a segmenter, accuracy of a classifier. With several sources the
    /// mean over them, so that many easy images do not hide a few hard ones.
    pub(super) fn goodness(&self, task: Task) -> f64 {
        let of = |source: &SourceScore| match task {
            Task::Segment => source.confusion.mean_iou(),
            Task::Classify => source.confusion.accuracy(),
        };
        self.sources.iter().map(of).sum::<f64>() / self.sources.len() as f64
    }

    pub(super) fn evaluation(&self, card: &ModelCard) -> Result<Evaluation, TrainingError> {
        let names: Vec<String> = card.classes.iter().map(|c| c.name.clone()).collect();
        let images = self.sources.iter().map(|s| s.images).sum();
        self.together().evaluation(&names, images, self.failures.clone())
    }

    /// Writes the scores into the card.
    pub(super) fn fill(&self, card: &mut ModelCard, chosen_on_them: bool) {
        let all = self.together();
        let mut metrics = BTreeMap::new();
        metrics.insert("accuracy".to_owned(), all.accuracy());
        let segments = card.task == Task::Segment;
        if segments {
            metrics.insert("mean_iou".to_owned(), all.mean_iou());
        }
        for (class, info) in card.classes.iter().enumerate() {
            if let (true, Some(iou)) = (segments, all.iou(class)) {
                metrics.insert(format!("iou {}", info.name), iou);
            }
            if let Some(dice) = all.dice(class) {
                metrics.insert(format!("{} {}", if segments { "dice" } else { "f1" }, info.name), dice);
            }
        }
        for source in &self.sources {
            let (name, value) = if segments {
                ("mean_iou", source.confusion.mean_iou())
            } else {
                ("accuracy", source.confusion.accuracy())
            };
            if self.sources.len() > 1 {
                metrics.insert(format!("{name} on {}", source.title), value);
            }
            if let Some(otsu) = source.otsu {
                metrics.insert(format!("otsu_mean_iou on {}", source.title), otsu);
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
            SourceScore { title: title.to_owned(), images, confusion, otsu: Some(0.5) }
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
