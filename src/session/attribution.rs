//! Why the shown image is called what it is: a class's score explained, and single values taken apart.

use super::apply::Answer;
use super::running::settings_for;
use super::subject::Subject;
use super::{JobKind, Session};
use crate::analysis::{
    AttributionMethod, AttributionRequest, HandProbe, HandRun, attribute, channel_names, first_kernels,
};
use crate::inspect::{Attribution, ByHand, FirstKernels};
use crate::network::Task;
use crate::training::read_labels;
use ndarray::{Array2, s};
use std::sync::Arc;

/// Longest side of the plane that is drawn over the source; larger ones show the strongest of the values that fall
/// together.
const LONGEST: usize = 1024;

/// What a person can ask for here.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeCommand {
    /// Explain a class's score on the shown frame.
    Explain(AttributionRequest),
    /// Stop explaining; what was there before stays.
    Stop,
    /// Take one value of the chosen model apart, on the shown frame.
    TakeApart(HandProbe),
}

/// What was asked for and found last; both stay until the next is there.
#[derive(Debug, Clone, Default)]
pub struct Attributing {
    pub explained: Option<Explained>,
    pub taken_apart: Option<TakenApart>,
    asked: Option<(HandProbe, Subject)>,
    /// The run that the value was taken from, for the next.
    kept: Option<(Arc<HandRun>, Subject)>,
    /// The node that is being run for its values.
    running: Option<(String, Subject)>,
}

impl Attributing {
    /// Memory of the run that is kept.
    pub(super) fn kept_bytes(&self) -> u64 {
        self.kept.as_ref().map_or(0, |(run, _)| run.bytes())
    }
}

/// An explanation, and what is drawn of it.
#[derive(Debug, Clone)]
pub struct Explained {
    pub key: u64,
    pub request: AttributionRequest,
    pub found: Arc<Attribution>,
    pub heat: Option<Arc<HeatPlane>>,
    subject: Subject,
}

/// Values over the specimen, of at most [`LONGEST`] a side.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatPlane {
    /// `[y, x]`.
    pub values: Array2<f32>,
    /// Specimen pixels `[y, x]` that they cover.
    pub covers: [usize; 2],
    /// The size at which colours end.
    pub reach: f32,
    pub signed: bool,
}

/// A value taken apart; and where its node is the first that reads the image, the node's kernels.
#[derive(Debug, Clone)]
pub struct TakenApart {
    pub key: u64,
    pub value: Arc<ByHand>,
    pub kernels: Option<Arc<FirstKernels>>,
    subject: Subject,
}

/// As jobs answer.
pub(super) enum Attributed {
    Explained(Box<(AttributionRequest, Attribution, Option<HeatPlane>, Subject)>),
    TakenApart(Box<NewlyApart>),
}

/// A value taken apart, with the run that it was taken from.
pub(super) struct NewlyApart {
    probe: HandProbe,
    value: ByHand,
    kernels: Option<FirstKernels>,
    run: Arc<HandRun>,
    subject: Subject,
}

impl Session {
    /// The last explanation, if it is of what is shown now.
    #[must_use]
    pub fn explained_now(&self) -> Option<&Explained> {
        let explained = self.attributing.explained.as_ref()?;
        (Some(&explained.subject) == self.subject().as_ref()).then_some(explained)
    }

    /// The value that was taken apart last, if it is of what is shown now.
    #[must_use]
    pub fn taken_apart_now(&self) -> Option<&TakenApart> {
        let taken = self.attributing.taken_apart.as_ref()?;
        (Some(&taken.subject) == self.subject().as_ref()).then_some(taken)
    }

    /// Whether this value has been asked for of what is shown now, so that asking again would change nothing.
    #[must_use]
    pub fn is_taken_apart(&self, probe: &HandProbe) -> bool {
        let asked = self.attributing.asked.as_ref();
        asked.is_some_and(|(asked, subject)| asked == probe && Some(subject) == self.subject().as_ref())
    }

    /// What the microscope calls the channels that feed the chosen model on the shown image.
    #[must_use]
    pub fn input_names(&self) -> Vec<String> {
        let (Some(model), Some(opened)) = (&self.model, self.current_opened()) else { return Vec::new() };
        channel_names(model, &opened.micrograph, &settings_for(model, opened))
    }

    pub(super) fn apply_attribute(&mut self, command: AttributeCommand) {
        match command {
            AttributeCommand::Explain(request) => self.explain(request),
            AttributeCommand::Stop => {
                self.jobs.cancel(JobKind::Attribute);
            }
            AttributeCommand::TakeApart(probe) => self.take_apart(probe),
        }
    }

    fn explain(&mut self, request: AttributionRequest) {
        let (Some(subject), Some(model), Some(opened)) =
            (self.subject(), self.model.clone(), self.current_opened())
        else {
            return;
        };
        let (micrograph, settings) = (opened.micrograph.clone(), settings_for(&model, opened));
        let device = self.device.clone();
        let mask =
            self.labels.clone().filter(|_| matches!(request.method, AttributionMethod::Ablation { .. }));
        let scheme = self.label_scheme();
        self.jobs.start(JobKind::Attribute, move |monitor| {
            let mut request = request;
            // One answer for an image has no mask to be held against.
            let mask = mask.filter(|_| model.card.task == Task::Segment);
            if let (None, Some(path)) = (&request.labels, mask) {
                request.labels = Some(Arc::new(read_labels(&path, scheme.as_deref(), &model.card.classes)?));
            }
            let found = attribute(&request, &model, (&micrograph, &settings), &device, monitor)?;
            let heat = HeatPlane::of(&found, [micrograph.specimen_rows().len(), micrograph.width()]);
            Ok(Answer::Attributed(Attributed::Explained(Box::new((request, found, heat, subject)))))
        });
    }

    fn take_apart(&mut self, probe: HandProbe) {
        let (Some(subject), Some(model), Some(opened)) =
            (self.subject(), self.model.clone(), self.current_opened())
        else {
            return;
        };
        let (micrograph, settings) = (opened.micrograph.clone(), settings_for(&model, opened));
        let (device, budget) = (self.device.clone(), self.memory_beside());
        let busy = self.is_busy(JobKind::ByHand);
        let all = &mut self.attributing;
        all.asked = Some((probe.clone(), subject.clone()));
        let serving = all.kept.as_ref().filter(|(run, of)| *of == subject && run.serves(&probe, &model));
        let kept = serving.map(|(run, _)| Arc::clone(run));
        let (node, of) = (probe.node.clone(), subject.clone());
        if kept.is_none() {
            if busy && all.running.as_ref() == Some(&(node.clone(), of.clone())) {
                // Begun again with every move of the hand it would never end; its answer asks for this place.
                return;
            }
            (all.kept, all.running) = (None, Some((node, of)));
        }
        self.jobs.start(JobKind::ByHand, move |monitor| {
            let frame = (&micrograph, &settings);
            let run = match kept {
                Some(run) => run,
                None => Arc::new(HandRun::of(&probe, &model, frame, (&device, budget), monitor)?),
            };
            let value = run.take_apart(&probe, &model)?;
            let names = channel_names(&model, &micrograph, &settings);
            let kernels = first_kernels(&model, &names)?.filter(|kernels| kernels.node == probe.node);
            let apart = NewlyApart { probe, value, kernels, run, subject };
            Ok(Answer::Attributed(Attributed::TakenApart(Box::new(apart))))
        });
    }

    pub(super) fn take_attributed(&mut self, attributed: Attributed) {
        let key = self.new_key();
        match attributed {
            Attributed::Explained(explained) => {
                let (request, found, heat, subject) = *explained;
                let (found, heat) = (Arc::new(found), heat.map(Arc::new));
                self.attributing.explained = Some(Explained { key, request, found, heat, subject });
            }
            Attributed::TakenApart(apart) => self.take_apart_value(key, *apart),
        }
    }

    fn take_apart_value(&mut self, key: u64, apart: NewlyApart) {
        let NewlyApart { probe, value, kernels, run, subject } = apart;
        let all = &mut self.attributing;
        let mut next = None;
        match &mut all.asked {
            // Asking for the same place by its numbers would change nothing.
            Some((asked, _)) if *asked == probe => asked.at = Some(value.at),
            // Asked for while this was run.
            Some((asked, of)) if *of == subject => next = Some(asked.clone()),
            _ => {}
        }
        all.kept = Some((run, subject.clone()));
        let (value, kernels) = (Arc::new(value), kernels.map(Arc::new));
        all.taken_apart = Some(TakenApart { key, value, kernels, subject });
        self.make_room(0);
        if let Some(probe) = next {
            self.take_apart(probe);
        }
    }
}

impl HeatPlane {
    /// Of a specimen of `covers` `[y, x]` px; `None` where there is no map.
    fn of(found: &Attribution, covers: [usize; 2]) -> Option<Self> {
        let map = found.map.as_ref()?;
        let values = reduced(map.on_specimen(covers));
        Some(Self { values, covers, reach: map.reach(), signed: map.is_signed() })
    }
}

/// By the strongest value of each block, with its sign.
fn reduced(values: Array2<f32>) -> Array2<f32> {
    let (height, width) = values.dim();
    let step = height.max(width).div_ceil(LONGEST).max(1);
    if step == 1 {
        return values;
    }
    Array2::from_shape_fn((height.div_ceil(step), width.div_ceil(step)), |(y, x)| {
        let rows = y * step..((y + 1) * step).min(height);
        let columns = x * step..((x + 1) * step).min(width);
        let block = values.slice(s![rows, columns]);
        block
            .iter()
            .copied()
            .fold(0.0, |most: f32, value| if value.abs() > most.abs() { value } else { most })
    })
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{ready, session, stack_tiff, texts};
    use super::*;
    use crate::analysis::Over;

    fn request(method: AttributionMethod, class: usize) -> AttributionRequest {
        AttributionRequest { method, class, over: Over::Whole, labels: None }
    }

    #[test]
    fn an_explanation_is_of_what_is_shown_and_comes_back_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        assert!(session.explained_now().is_none());
        let asked = request(AttributionMethod::Gradient, 1);
        session.apply(Command::Attribute(AttributeCommand::Explain(asked.clone())));
        let explained = session.explained_now().unwrap().clone();
        assert_eq!((&explained.request, explained.found.class_name.as_str()), (&asked, "particle"));
        let heat = explained.heat.unwrap();
        assert_eq!((heat.values.dim(), heat.covers, heat.signed), ((12, 10), [12, 10], false));
        session.apply(Command::Open(vec![stack_tiff(dir.path(), "stack.tif", 2)]));
        assert!(session.explained_now().is_none() && session.attributing.explained.is_some());
        session.apply(Command::Select(0));
        assert_eq!(session.explained_now().unwrap().key, explained.key);
        assert_eq!(session.input_names(), ["channel 0"]);
        assert_eq!(session.messages, [], "{:?}", texts(&session));
    }

    #[test]
    fn a_value_is_taken_apart_once_and_what_cannot_be_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        let probe = HandProbe { node: "enc1.conv1".into(), feature: 1, at: Some([3, 4]) };
        assert!(!session.is_taken_apart(&probe));
        session.apply(Command::Attribute(AttributeCommand::TakeApart(probe.clone())));
        let taken = session.taken_apart_now().unwrap();
        assert_eq!((taken.value.feature, taken.value.at), (1, [3, 4]));
        assert_eq!(taken.kernels.as_ref().unwrap().channels, ["channel 0"]);
        assert!(session.is_taken_apart(&probe));
        let middle = HandProbe { at: None, ..probe.clone() };
        session.apply(Command::Attribute(AttributeCommand::TakeApart(middle)));
        assert!(session.is_taken_apart(&HandProbe { at: Some([6, 5]), ..probe }), "that is its place");
        let wrong = HandProbe { node: "pool1".into(), feature: 0, at: None };
        session.apply(Command::Attribute(AttributeCommand::TakeApart(wrong.clone())));
        assert!(texts(&session)[0].contains("which has no kernel"), "{:?}", texts(&session));
        assert!(session.is_taken_apart(&wrong), "it is not asked for again with every frame");
        session.apply(Command::Attribute(AttributeCommand::Explain(request(AttributionMethod::Gradient, 9))));
        assert!(texts(&session)[1].contains("has no class 9"), "{:?}", texts(&session));
    }

    #[test]
    fn every_pixel_of_a_node_is_taken_apart_from_one_run() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        let take = |session: &mut Session, node: &str, at| {
            let probe = HandProbe { node: node.into(), feature: 1, at: Some(at) };
            session.apply(Command::Attribute(AttributeCommand::TakeApart(probe)));
            assert_eq!(session.taken_apart_now().unwrap().value.at, at, "{:?}", texts(session));
            session.attributing.kept.as_ref().map(|(run, _)| Arc::clone(run)).unwrap()
        };
        let first = take(&mut session, "mid.conv1", [0, 0]);
        assert!(session.kept_bytes()[0] == first.bytes() && first.bytes() > 0);
        assert!(Arc::ptr_eq(&first, &take(&mut session, "mid.conv1", [5, 4])));
        let other = take(&mut session, "enc1.conv1", [11, 9]);
        assert!(!Arc::ptr_eq(&first, &other));
        session.apply(Command::Open(vec![stack_tiff(dir.path(), "stack.tif", 2)]));
        let of_stack = take(&mut session, "enc1.conv1", [1, 1]);
        assert!(!Arc::ptr_eq(&of_stack, &other), "it is of what is shown");
        assert_eq!(session.messages, []);
    }

    #[test]
    fn an_empty_session_has_nothing_to_explain() {
        let mut session = session();
        session.apply(Command::Attribute(AttributeCommand::Explain(request(AttributionMethod::Gradient, 0))));
        session.apply(Command::Attribute(AttributeCommand::Stop));
        assert!(session.messages.is_empty() && session.input_names().is_empty());
    }

    #[test]
    fn a_large_plane_keeps_the_strongest_of_each_block() {
        let mut plane = Array2::zeros((2050, 3));
        plane[[2049, 2]] = -7.0;
        plane[[3, 0]] = 5.0;
        let small = reduced(plane);
        assert_eq!((small.dim(), small[[683, 0]], small[[1, 0]]), ((684, 1), -7.0, 5.0));
    }
}
