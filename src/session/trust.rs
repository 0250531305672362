//! Whether the shown image is like those that the model learned from, and whether simpler methods would do.

use super::apply::Answer;
use super::job::Failure;
use super::opening::NewSeries;
use super::subject::Subject;
use super::thumbnail::thumbnail;
use super::{JobKind, Session, Severity};
use crate::analysis::{Baselines, Likeness, Prediction, baselines, likeness, node_of, resampled};
use crate::training::read_labels;
use std::path::PathBuf;
use std::sync::Arc;

/// What is known of both, and what was chosen.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    pub judged: Option<Judged>,
    pub compared: Option<BaselinesFound>,
    /// The row of the table whose mask is looked at.
    pub shown: Option<usize>,
}

/// A verdict on an image.
#[derive(Debug, Clone)]
pub struct Judged {
    pub likeness: Arc<Likeness>,
    subject: Subject,
}

/// The network and classical methods on an image, and the key of their pictures.
#[derive(Debug, Clone)]
pub struct BaselinesFound {
    pub key: u64,
    pub baselines: Arc<Baselines>,
    subject: Subject,
}

/// What a person can ask for.
#[derive(Debug, Clone, PartialEq)]
pub enum TrustCommand {
    /// Run the classical methods on what the result is of.
    Compare,
    /// Look at the mask of a row of the table.
    Show(Option<usize>),
    /// Open the shown micrograph again on pixels of this many nm.
    Resample(f64),
}

/// What its jobs answer.
pub(super) enum TrustAnswer {
    Judged(Judged),
    BaselinesFound(Baselines, Subject),
    Resampled(NewSeries),
}

impl Session {
    pub(super) fn trust(&mut self, command: TrustCommand) {
        match command {
            TrustCommand::Compare => self.compare_methods(),
            TrustCommand::Show(row) => {
                let rows = self.baselines_now().map_or(0, |compared| compared.baselines.rows.len());
                self.trust.shown = row.filter(|row| *row < rows);
            }
            TrustCommand::Resample(nm) => self.resample(nm),
        }
    }

    /// The verdict, if it is of what is shown now.
    #[must_use]
    pub fn likeness_now(&self) -> Option<&Likeness> {
        let judged = self.trust.judged.as_ref()?;
        (Some(&judged.subject) == self.subject().as_ref()).then_some(&judged.likeness)
    }

    /// The comparison, if it is of what is shown now.
    #[must_use]
    pub fn baselines_now(&self) -> Option<&BaselinesFound> {
        let compared = self.trust.compared.as_ref()?;
        (Some(&compared.subject) == self.subject().as_ref()).then_some(compared)
    }

    /// After a run: judges the image where the model can, with the feature maps that the run kept.
    pub(super) fn judge_image(&mut self) {
        if !self.result_is_current() {
            return;
        }
        let (Some(subject), Some(result)) = (self.subject(), &self.result) else { return };
        let Some(training) = &result.model.training else { return };
        let kept = node_of(training).and_then(|node| result.features.maps.get(node)).map(Arc::clone);
        let (model, micrograph) = (Arc::clone(&result.model), result.micrograph.clone());
        let (settings, device) = (result.settings.clone(), self.device.clone());
        self.jobs.start(JobKind::Likeness, move |monitor| {
            let found = likeness(&model, (&micrograph, &settings), kept.as_deref(), &device, monitor)?;
            let judged = Judged { likeness: Arc::new(found), subject };
            Ok(Answer::Trust(Box::new(TrustAnswer::Judged(judged))))
        });
    }

    pub(super) fn compare_methods(&mut self) {
        if !self.result_is_current() {
            self.say(
                Severity::Warning,
                "Run the model on this image first, then there is something to compare",
            );
            return;
        }
        let (Some(subject), Some(result)) = (self.subject(), &self.result) else { return };
        let Prediction::Segmentation(mask) = &result.prediction else {
            self.say(
                Severity::Warning,
                "Thresholds and filters make masks: they are compared with segmenters",
            );
            return;
        };
        let (mask, model) = (Arc::clone(mask), Arc::clone(&result.model));
        let (micrograph, settings) = (result.micrograph.clone(), result.settings.clone());
        let (labels, scheme) = (self.labels.clone(), self.label_scheme());
        self.jobs.start(JobKind::Baselines, move |monitor| {
            let read = |path: &PathBuf| read_labels(path, scheme.as_deref(), &model.card.classes);
            let labels = labels.as_ref().map(read).transpose();
            let labels = labels.map_err(|error| Failure::Message(error.to_string()))?;
            let of = (model.card.name.as_str(), mask.as_ref());
            let labels = labels.as_ref().map(|labels| labels.view());
            let found = baselines(of, (&micrograph, &settings), labels, monitor)?;
            Ok(Answer::Trust(Box::new(TrustAnswer::BaselinesFound(found, subject))))
        });
    }

    fn resample(&mut self, nm: f64) {
        let Some(opened) = self.current_opened() else { return };
        let micrograph = opened.micrograph.clone();
        self.jobs.start(JobKind::Resample, move |monitor| {
            let micrograph = resampled(&micrograph, nm, monitor)?;
            let (thumbnail, _) = thumbnail(&micrograph)?;
            let series = NewSeries { micrograph, thumbnail, asked: 0 };
            Ok(Answer::Trust(Box::new(TrustAnswer::Resampled(series))))
        });
    }

    pub(super) fn take_trust(&mut self, answer: TrustAnswer) {
        match answer {
            TrustAnswer::Judged(judged) => self.trust.judged = Some(judged),
            TrustAnswer::BaselinesFound(baselines, subject) => {
                let key = self.new_key();
                self.trust.compared = Some(BaselinesFound { key, baselines: Arc::new(baselines), subject });
            }
            TrustAnswer::Resampled(series) => {
                let text = format!("Opened {}: run the model on it", series.micrograph.name());
                let index = self.list(series);
                self.select(index);
                self.say(Severity::Info, text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{TinyModel, grey_png, ready, session, texts};
    use super::*;
    use crate::analysis::{GREY_NAMES, INPUT};
    use crate::imaging::{Length, ScaleByHand};
    use crate::network::{FeatureSpace, TrainingStatistics};
    use std::path::Path;

    fn ask(session: &mut Session, command: TrustCommand) {
        session.apply(Command::Trust(command));
    }

    /// A tiny segmenter that learned from flat images on pixels of 2 nm.
    fn with_statistics(dir: &Path) -> String {
        let mut model = TinyModel::segmenter().build();
        let space = FeatureSpace {
            of: INPUT.to_owned(),
            names: GREY_NAMES.map(str::to_owned).to_vec(),
            mean: vec![0.0; GREY_NAMES.len()],
            spread: vec![1e-3; GREY_NAMES.len()],
            axes: Vec::new(),
            variances: Vec::new(),
            rest: 1.0,
            distances: vec![0.9, 1.0],
            neighbours: None,
        };
        let statistics = TrainingStatistics { images: 2, pixel_nm: Some([2.0, 2.0]), spaces: vec![space] };
        model.training = Some(Arc::new(statistics));
        let path = dir.join("judging.safetensors");
        model.save(&path).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn every_run_is_judged_and_the_image_can_be_brought_to_the_right_pixels() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        session.apply(Command::Open(vec![grey_png(dir.path(), "image.png", 10, 12)]));
        session.apply(Command::ChooseModel(with_statistics(dir.path())));
        let length = Length::new(4.0, "nm").unwrap();
        session.apply(Command::SetPixelSize(Some(ScaleByHand::Pixel { x: length.clone(), y: length })));
        assert!(session.likeness_now().is_none());
        session.apply(Command::Run);
        let found = session.likeness_now().unwrap().clone();
        assert!(!found.similar && found.spaces[0].unusual, "{found:?}");
        let pixel = found.pixel.unwrap();
        assert_eq!((pixel.ratio, pixel.unusual, pixel.target_nm), (2.0, true, 2.0));
        ask(&mut session, TrustCommand::Resample(pixel.target_nm));
        assert_eq!(session.opened.len(), 2, "{:?}", texts(&session));
        let micrograph = session.micrograph().unwrap();
        assert_eq!((micrograph.height(), micrograph.width(), micrograph.resampled_nm()), (24, 20, Some(2.0)));
        assert!(session.likeness_now().is_none(), "the verdict was of another image");
        session.apply(Command::Run);
        assert!(!session.likeness_now().unwrap().pixel.as_ref().unwrap().unusual);
        assert!(
            session.command_line().unwrap().contains("--pixel-size 4nm --resample 2nm"),
            "{:?}",
            session.command_line()
        );
        session.apply(Command::Select(0));
        assert!(session.likeness_now().is_none());
    }

    #[test]
    fn models_without_statistics_give_no_verdict_and_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        assert!(session.likeness_now().is_none());
        assert!(session.messages.iter().all(|message| message.severity == Severity::Info));
    }

    #[test]
    fn methods_are_compared_with_the_network_and_with_labels() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        ask(&mut session, TrustCommand::Compare);
        assert!(texts(&session)[0].starts_with("Run the model"), "{:?}", texts(&session));
        session.apply(Command::Run);
        ask(&mut session, TrustCommand::Compare);
        let compared = session.baselines_now().unwrap();
        assert_eq!((compared.baselines.rows.len(), compared.baselines.labelled), (8, false));
        ask(&mut session, TrustCommand::Show(Some(1)));
        assert_eq!(session.trust.shown, Some(1));
        ask(&mut session, TrustCommand::Show(Some(99)));
        assert_eq!(session.trust.shown, None);
        let mask = dir.path().join("mask.png");
        image::GrayImage::from_fn(10, 12, |x, _| image::Luma([u8::from(x > 4)])).save(&mask).unwrap();
        session.apply(Command::SetLabels(Some(mask)));
        let compared = session.baselines_now().unwrap();
        assert!(compared.baselines.labelled && compared.baselines.rows[0].mean_iou.is_some());
        session.apply(Command::SetLabels(Some(dir.path().join("missing.png"))));
        assert_eq!(session.messages.last().unwrap().severity, Severity::Error);
    }
}
