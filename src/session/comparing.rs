//! Two at once: two models, nodes or frames on the shown micrograph.
mod nodes;

use super::apply::Answer;
use super::job::Failure;
use super::running::settings_for;
use super::subject::Subject;
use super::{JobKind, Opened, Session};
use crate::analysis::{Comparison, Method, Polarity, Seen, Sight, compare_sights, see};
use crate::monitor::Monitor;
use crate::network::{Model, find_model, load_model};
use candle_core::Device;
use nodes::{ReadSides, SideModel};
use std::sync::Arc;

/// One of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideChoice {
    /// An installed model's id, or a path; `None`: the chosen model.
    pub model: Option<String>,
    /// `None`: the shown one.
    pub frame: Option<usize>,
    pub sight: Sight,
}

impl Default for SideChoice {
    fn default() -> Self {
        Self { model: None, frame: None, sight: Sight::Answer }
    }
}

/// What a person can ask for here.
#[derive(Debug, Clone, PartialEq)]
pub enum CompareCommand {
    /// What A (0) or B (1) is.
    Choose(usize, SideChoice),
    /// Look at both and compare.
    Compare,
    /// Compare the chosen model's answer, A, with the mask of a classical method, B.
    Mask(Method, Polarity),
}

/// What was chosen, and what was compared last, which stays until the next is there.
#[derive(Debug, Clone, Default)]
pub struct Comparing {
    pub sides: [SideChoice; 2],
    pub found: Option<Compared>,
    /// What is known of models beside the chosen one.
    models: [Option<SideModel>; 2],
}

/// As jobs answer.
pub(super) enum CompareAnswer {
    Found(Box<Compared>),
    Nodes(ReadSides),
}

/// Two sights of one micrograph.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Of the pictures.
    pub key: u64,
    /// Such as "Tiny, frame 1".
    pub names: [String; 2],
    pub seen: [Seen; 2],
    pub comparison: Arc<Comparison>,
    sides: [SideChoice; 2],
    subject: Subject,
}

/// A side ready to be looked at.
struct Side {
    choice: SideChoice,
    /// Loaded in the job where it is not there.
    model: Option<Arc<Model>>,
    opened: Opened,
    /// What the result has of it already.
    seen: Option<Seen>,
}

impl Session {
    /// What was compared last, if it is of what is shown and chosen now.
    #[must_use]
    pub fn compared_now(&self) -> Option<&Compared> {
        let found = self.comparing.found.as_ref()?;
        let same = Some(&found.subject) == self.subject().as_ref() && found.sides == self.comparing.sides;
        same.then_some(found)
    }

    pub(super) fn compare(&mut self, command: CompareCommand) {
        match command {
            CompareCommand::Choose(side, choice) => {
                if let Some(place) = self.comparing.sides.get_mut(side) {
                    *place = choice;
                    self.read_sides();
                }
            }
            CompareCommand::Compare => self.compare_sides(),
            CompareCommand::Mask(method, polarity) => {
                let sight = Sight::Classical { method, polarity };
                self.comparing.sides = [SideChoice::default(), SideChoice { sight, ..SideChoice::default() }];
                self.compare_sides();
            }
        }
    }

    fn compare_sides(&mut self) {
        let Some(subject) = self.subject() else { return };
        let sides = self.comparing.sides.clone();
        let (Some(a), Some(b)) = (self.side(&sides[0]), self.side(&sides[1])) else { return };
        let device = self.device.clone();
        self.jobs.start(JobKind::Compare, move |monitor| {
            let (name_a, seen_a) = a.look(&device, &monitor.part(0, 2))?;
            let (name_b, seen_b) = b.look(&device, &monitor.part(1, 2))?;
            monitor.stage("Comparing");
            let comparison = Arc::new(compare_sights([&seen_a, &seen_b])?);
            let (names, seen) = ([name_a, name_b], [seen_a, seen_b]);
            let found = Compared { key: 0, names, seen, comparison, sides, subject };
            Ok(Answer::Compared(CompareAnswer::Found(Box::new(found))))
        });
    }

    fn side(&self, choice: &SideChoice) -> Option<Side> {
        let opened = self.current_opened()?.clone();
        let made =
            |id: &String| self.made.iter().find(|(made, _)| made == id).map(|(_, model)| model.clone());
        let model = match &choice.model {
            None => self.model.clone(),
            Some(id) => made(id),
        };
        Some(Side { seen: self.seen_already(choice), choice: choice.clone(), model, opened })
    }

    /// From the result that is there, where it is what was chosen.
    fn seen_already(&self, choice: &SideChoice) -> Option<Seen> {
        let result = self.result.as_ref().filter(|_| self.result_is_current())?;
        let shown = choice.frame.is_none_or(|frame| frame == result.settings.frame);
        if choice.model.is_some() || !shown {
            return None;
        }
        match &choice.sight {
            Sight::Answer => Some(Seen::Answer(result.prediction.clone())),
            Sight::Feature { node, feature } => {
                Seen::feature(Arc::clone(result.features.maps.get(node)?), *feature).ok()
            }
            Sight::Classical { .. } => None,
        }
    }

    pub(super) fn take_compared(&mut self, answer: CompareAnswer) {
        match answer {
            CompareAnswer::Found(compared) => {
                let key = self.new_key();
                self.comparing.found = Some(Compared { key, ..*compared });
            }
            CompareAnswer::Nodes(read) => self.take_sides(read),
        }
    }
}

impl Side {
    fn look(self, device: &Device, monitor: &Monitor) -> Result<(String, Seen), Failure> {
        let model = match (self.model, &self.choice.model) {
            (Some(model), _) => model,
            (None, Some(id)) => {
                monitor.stage("Loading the model");
                let path = find_model(id)?;
                Arc::new(load_model(&path, device, monitor)?.0)
            }
            (None, None) => return Err(Failure::Message("Choose a model first".to_owned())),
        };
        let opened = Opened { frame: self.choice.frame.unwrap_or(self.opened.frame), ..self.opened };
        let micrograph = &opened.micrograph;
        if opened.frame >= micrograph.frames() {
            let last = micrograph.frames();
            let what = format!("There is no frame {}: {} has {last}", opened.frame + 1, micrograph.name());
            return Err(Failure::Message(what));
        }
        let frame = (micrograph.frames() > 1).then_some(opened.frame);
        let name = self.choice.sight.words(&model.card.name, frame);
        let seen = if let Some(seen) = self.seen {
            seen
        } else {
            let settings = settings_for(&model, &opened);
            see(&self.choice.sight, &model, (micrograph, &settings), device, monitor)?
        };
        Ok((name, seen))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TinyModel, ready, session, stack_tiff, texts};
    use super::super::{Command, TrustCommand};
    use super::*;

    fn choose(session: &mut Session, side: usize, choice: SideChoice) {
        session.apply(Command::Compare(CompareCommand::Choose(side, choice)));
    }

    fn compare(session: &mut Session) {
        session.apply(Command::Compare(CompareCommand::Compare));
    }

    #[test]
    fn another_model_is_loaded_and_compared_with_the_chosen_one() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        let other = TinyModel { seed: 5, ..TinyModel::segmenter() }.save(dir.path(), "other");
        choose(&mut session, 1, SideChoice { model: Some(other), ..SideChoice::default() });
        compare(&mut session);
        let found = session.compared_now().expect("a comparison").clone();
        assert!(found.comparison.values.unwrap().largest > 0.0);
        assert_eq!(found.comparison.classes.as_ref().unwrap().pixels, 120);
        session.apply(Command::Run);
        compare(&mut session);
        let again = session.compared_now().unwrap();
        assert_eq!(again.comparison.values, found.comparison.values, "the result is the same answer");
        assert_ne!(again.key, found.key);
        choose(&mut session, 1, SideChoice::default());
        assert!(session.compared_now().is_none() && session.comparing.found.is_some());
    }

    #[test]
    fn a_classical_mask_is_held_against_the_answer_with_one_command() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        session.apply(Command::Trust(TrustCommand::Compare));
        let row = session.baselines_now().unwrap().baselines.rows[3].clone();
        let (method, polarity) = (row.method.unwrap(), row.polarity.unwrap());
        session.apply(Command::Compare(CompareCommand::Mask(method, polarity)));
        let found = session.compared_now().unwrap_or_else(|| panic!("{:?}", texts(&session)));
        assert_eq!(found.names, ["Tiny".to_owned(), format!("Gaussian, Otsu, {}", polarity.name())]);
        assert_eq!(found.comparison.classes.as_ref().unwrap().iou, row.iou, "as the table of Trust has it");
        session.apply(Command::ChooseModel(TinyModel::classifier().save(dir.path(), "kind")));
        session.apply(Command::Compare(CompareCommand::Mask(method, polarity)));
        assert!(texts(&session).last().unwrap().contains("segmenter's answer"), "{:?}", texts(&session));
    }

    #[test]
    fn two_frames_and_two_features_are_compared() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Open(vec![stack_tiff(dir.path(), "stack.tif", 3)]));
        choose(&mut session, 1, SideChoice { frame: Some(2), ..SideChoice::default() });
        compare(&mut session);
        let found = session.compared_now().unwrap_or_else(|| panic!("{:?}", texts(&session)));
        assert_eq!(found.names, ["Tiny, frame 1", "Tiny, frame 3"]);
        let feature = |node: &str, feature| Sight::Feature { node: node.into(), feature };
        choose(&mut session, 0, SideChoice { sight: feature("enc1.conv1", 0), ..SideChoice::default() });
        choose(&mut session, 1, SideChoice { sight: feature("pool1", 1), ..SideChoice::default() });
        compare(&mut session);
        let found = session.compared_now().unwrap_or_else(|| panic!("{:?}", texts(&session)));
        assert_eq!(found.comparison.difference.as_ref().unwrap().values.dim(), (4, 6));
        choose(&mut session, 1, SideChoice { frame: Some(9), ..SideChoice::default() });
        compare(&mut session);
        assert!(texts(&session).last().unwrap().contains("There is no frame 10"), "{:?}", texts(&session));
    }

    #[test]
    fn without_an_image_there_is_nothing_to_compare() {
        let mut session = session();
        compare(&mut session);
        choose(&mut session, 7, SideChoice::default());
        assert_eq!((session.messages.len(), session.compared_now().is_none()), (0, true));
    }
}
