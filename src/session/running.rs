//! Running the chosen model on what is shown.

use super::apply::Answer;
use super::features::{ComputedFeatures, default_node};
use super::job::Failure;
use super::{JobKind, Opened, PredictionView, RunResult, Session, Severity};
use crate::analysis::{AnalysisError, Object, Prediction, RunSettings, measure, run};
use crate::imaging::{ImagingError, Micrograph};
use crate::inspect::{Features, Recorder, Wanted};
use crate::monitor::Monitor;
use crate::network::{Model, Task};
use candle_core::Device;
use std::sync::Arc;
use std::time::Instant;

/// Everything a run is made from.
struct RunInput {
    opened: u64,
    micrograph: Micrograph,
    model: Arc<Model>,
    settings: RunSettings,
    device: Device,
    /// The node whose maps are kept before all others.
    node: Option<String>,
    /// Bytes of feature maps that may be kept.
    memory: u64,
}

/// A finished run.
pub(super) struct Ran {
    input: RunInput,
    prediction: Prediction,
    objects: Vec<Object>,
    features: Features,
    seconds: f64,
    /// Of the node that was wanted first.
    selected: Option<ComputedFeatures>,
}

impl Session {
    /// Starts a run, or says what is missing; waits for what is still being opened or loaded.
    pub(super) fn run(&mut self) {
        if self.is_busy(JobKind::Open) || self.is_busy(JobKind::LoadModel) {
            self.run_when_ready = true;
            return;
        }
        let (Some(opened), Some(model)) = (self.current_opened(), &self.model) else {
            let missing = if self.current.is_none() { "Open an image first" } else { "Choose a model first" };
            self.say(Severity::Warning, missing);
            return;
        };
        let node = self.node.clone().filter(|node| model.graph.node(node).is_some());
        let input = RunInput {
            opened: opened.id,
            micrograph: opened.micrograph.clone(),
            settings: settings_for(model, opened),
            node: node.or_else(|| self.nodes.as_ref().ok().and_then(|nodes| default_node(nodes))),
            model: Arc::clone(model),
            device: self.device.clone(),
            memory: self.feature_memory(),
        };
        self.jobs.start(JobKind::Run, move |monitor| Ok(Answer::Ran(Box::new(compute(input, monitor)?))));
    }

    /// A run that was asked for while something was still on its way.
    pub(super) fn run_if_ready(&mut self) {
        let waiting = self.is_busy(JobKind::Open) || self.is_busy(JobKind::LoadModel);
        if self.run_when_ready && !waiting {
            self.run_when_ready = false;
            self.run();
        }
    }

    pub(super) fn take_ran(&mut self, ran: Ran) {
        let Ran { input, prediction, objects, features, seconds, selected } = ran;
        let RunInput { opened, micrograph, model, settings, node, .. } = input;
        self.say(Severity::Info, summary(&micrograph, &prediction, objects.len(), seconds));
        let key = self.new_key();
        self.result_of = Some(opened);
        self.result = Some(RunResult {
            key,
            micrograph,
            model: Arc::clone(&model),
            settings,
            prediction,
            objects: Arc::new(objects),
            features: Arc::new(features),
            seconds,
        });
        if !self.has_view(self.prediction_view) {
            let regresses = model.card.task == Task::Regress;
            self.prediction_view =
                if regresses { PredictionView::Output(0) } else { PredictionView::Classes };
        }
        // What was computed before belongs to the old result.
        self.jobs.cancel(JobKind::Features);
        let chosen_meanwhile = self.node.clone().filter(|name| model.graph.node(name).is_some());
        let Some(wanted) = chosen_meanwhile.or_else(|| node.clone()) else { return };
        self.node = Some(wanted.clone());
        self.request_pins();
        match selected {
            Some(mut selected) if selected.maps.node == wanted => {
                selected.result = key;
                self.take_features(selected);
            }
            _ => self.request_features(&wanted),
        }
    }
}

/// The run that Run would make now. A model of one input reads the channel that is shown; colour pictures give it
/// their grey values.
pub(super) fn settings_for(model: &Model, opened: &Opened) -> RunSettings {
    let one_of_several =
        model.graph.input_channels() == 1 && !opened.micrograph.is_colour() && opened.channel > 0;
    RunSettings {
        frame: opened.frame,
        channels: one_of_several.then(|| vec![opened.channel]),
        ..RunSettings::default()
    }
}

fn compute(input: RunInput, monitor: &Monitor) -> Result<Ran, Failure> {
    let wanted = Wanted::All { first: input.node.clone() };
    let mut recorder = Recorder::new(wanted, input.memory).with_pictures();
    let began = Instant::now();
    let RunInput { model, micrograph, settings, device, .. } = &input;
    let prediction = run(model, micrograph, settings, device, &mut recorder, monitor)?;
    let seconds = began.elapsed().as_secs_f64();
    let features = recorder.finish();
    monitor.stage("Measuring");
    let objects = match &prediction {
        Prediction::Segmentation(result) => measure(&result.labels, result.pixel.as_ref()),
        Prediction::Classification(_) | Prediction::Regression(_) | Prediction::Nothing => Vec::new(),
    };
    let maps = input.node.as_ref().and_then(|node| features.maps.get(node));
    // The result's key is given when it is taken in.
    let selected = maps.map(|maps| ComputedFeatures::of(Arc::clone(maps), 0));
    monitor.check()?;
    Ok(Ran { input, prediction, objects, features, seconds, selected })
}

fn summary(micrograph: &Micrograph, prediction: &Prediction, objects: usize, seconds: f64) -> String {
    let name = micrograph.name();
    match prediction {
        Prediction::Nothing => format!("{name}: feature maps in {seconds:.1} s"),
        Prediction::Segmentation(_) => format!("{name}: {objects} objects in {seconds:.1} s"),
        Prediction::Classification(result) => {
            let best = result.probabilities.iter().zip(&result.classes).max_by(|a, b| a.0.total_cmp(b.0));
            match best {
                Some((probability, class)) => {
                    format!("{name}: {} ({:.0} %) in {seconds:.1} s", class.name, probability * 100.0)
                }
                None => format!("{name}: no classes"),
            }
        }
        Prediction::Regression(result) => {
            // More than a few would not fit a line.
            let named = result.outputs.iter().zip(&result.statistics).take(4);
            let means: Vec<_> = named.map(|(output, of)| format!("{} {:.3}", output.name, of.mean)).collect();
            let more = if result.outputs.len() > 4 { ", …" } else { "" };
            let units = result.units.as_deref().map(|units| format!(" {units}")).unwrap_or_default();
            format!("{name}: {}{more}{units} in {seconds:.1} s", means.join(", "))
        }
    }
}

impl From<AnalysisError> for Failure {
    fn from(error: AnalysisError) -> Self {
        if error.is_cancelled() { Self::Cancelled } else { Self::Message(error.to_string()) }
    }
}

impl From<ImagingError> for Failure {
    fn from(error: ImagingError) -> Self {
        match error {
            ImagingError::Cancelled(_) => Self::Cancelled,
            error => Self::Message(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{TinyModel, grey_png, ready, session, stack_tiff, texts};
    use super::*;

    #[test]
    fn what_is_missing_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        session.apply(Command::Run);
        session.apply(Command::Open(vec![grey_png(dir.path(), "a.png", 4, 4)]));
        session.apply(Command::Run);
        assert_eq!(texts(&session), ["Open an image first", "Choose a model first"]);
    }

    #[test]
    fn a_run_gives_a_mask_and_the_maps_of_a_decoder_node() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        assert!(!session.result_is_current());
        session.apply(Command::Run);
        let result = session.result.clone().unwrap();
        let Prediction::Segmentation(mask) = &result.prediction else { panic!("no mask") };
        assert_eq!(mask.labels.0.dim(), (12, 10));
        assert_eq!(result.objects.len(), measure(&mask.labels, None).len());
        assert!(session.result_is_current());
        let node = session.node.clone().unwrap();
        assert!(node.starts_with("dec1."), "{node}");
        assert_eq!(session.features.as_ref().unwrap().maps.node, node);
        assert!(session.feature.is_some());
    }

    #[test]
    fn another_frame_or_model_makes_the_result_an_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Open(vec![stack_tiff(dir.path(), "stack.tif", 2)]));
        session.apply(Command::Run);
        assert!(session.result_is_current());
        session.apply(Command::SetFrame(1));
        assert!(!session.result_is_current() && session.result.is_some());
        session.apply(Command::SetFrame(0));
        assert!(session.result_is_current());
        let other = TinyModel { seed: 5, ..TinyModel::segmenter() }.save(dir.path(), "other");
        session.apply(Command::ChooseModel(other));
        assert!(!session.result_is_current() && session.result.is_some());
    }

    #[test]
    fn a_model_of_one_input_reads_the_channel_that_is_shown() {
        let model = TinyModel::segmenter().build();
        let channels = vec!["Al".to_owned(), "Ni".to_owned()];
        let values = ndarray::Array4::zeros((1, 2, 4, 4));
        let micrograph =
            Micrograph::from_array("map", values, channels, crate::imaging::Calibration::default());
        let thumbnail = (0, 0, Arc::default());
        let mut opened = Opened::new(1, micrograph, thumbnail);
        assert_eq!(settings_for(&model, &opened).channels, None);
        opened.channel = 1;
        assert_eq!(settings_for(&model, &opened).channels, Some(vec![1]));
        let two = TinyModel { channels: 2, ..TinyModel::segmenter() }.build();
        assert_eq!(settings_for(&two, &opened).channels, None);
    }

    #[test]
    fn a_class_that_the_new_model_lacks_is_no_longer_viewed() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        session.apply(Command::SetPredictionView(PredictionView::Probability(7)));
        assert_eq!(session.prediction_view, PredictionView::Classes);
        session.apply(Command::SetPredictionView(PredictionView::Probability(1)));
        assert_eq!(session.prediction_view, PredictionView::Probability(1));
    }

    #[test]
    fn a_regressor_gives_maps_of_which_one_is_viewed() {
        let dir = tempfile::tempdir().unwrap();
        let model = TinyModel::regressor().save(dir.path(), "numbers");
        let mut session = ready(dir.path());
        session.apply(Command::ChooseModel(model));
        session.apply(Command::Run);
        let result = session.result.as_ref().unwrap_or_else(|| panic!("{:?}", texts(&session)));
        let Prediction::Regression(numbers) = &result.prediction else { panic!("no numbers") };
        assert_eq!(numbers.maps().unwrap().dim(), (2, 12, 10));
        assert!(session.messages.last().unwrap().text.starts_with("image.png: matrix "));
        assert_eq!(session.prediction_view, PredictionView::Output(0));
        for (wanted, shown) in [(1, 1), (2, 1)] {
            session.apply(Command::SetPredictionView(PredictionView::Output(wanted)));
            assert_eq!(session.prediction_view, PredictionView::Output(shown));
        }
        session.apply(Command::SetPredictionView(PredictionView::Classes));
        assert_eq!(session.prediction_view, PredictionView::Output(1), "there are no classes");
        session.apply(Command::ChooseModel(TinyModel::segmenter().save(dir.path(), "classes")));
        session.apply(Command::Run);
        assert_eq!(session.prediction_view, PredictionView::Classes);
    }

    #[test]
    fn a_classifier_gives_class_probabilities() {
        let dir = tempfile::tempdir().unwrap();
        let model = TinyModel::classifier().save(dir.path(), "kind");
        let mut session = ready(dir.path());
        session.apply(Command::ChooseModel(model));
        session.apply(Command::Run);
        let result = session.result.as_ref().unwrap_or_else(|| panic!("{:?}", texts(&session)));
        let Prediction::Classification(classes) = &result.prediction else { panic!("no classes") };
        assert!((classes.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        assert!(session.features.as_ref().is_some_and(|features| features.maps.maps.dim().1 > 1));
    }
}
