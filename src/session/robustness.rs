//! How the chosen model's answer stands up to moving the image and to cutting it into tiles.

use super::apply::Answer;
use super::running::settings_for;
use super::subject::Subject;
use super::{JobKind, Session};
use crate::analysis::{Equivariance, Movement, Moving, Seams, Unmoved, equivariance_from, seams};
use crate::inspect::Wanted;
use std::sync::Arc;

/// What a person can ask for here.
#[derive(Debug, Clone, PartialEq)]
pub enum RobustnessCommand {
    /// Move the shown frame so and see what becomes of the answer; the latest request wins.
    Move(Movement),
    /// See what becomes of every node's feature maps under the chosen movement.
    MoveNodes,
    /// See where the feature maps of one node differ under the chosen movement.
    MapNode(String),
    /// Look for seams: in tiles of so many px, or as Run would cut.
    FindSeams(Option<usize>),
}

/// What was chosen and found; what was found stays until the next is there.
#[derive(Debug, Clone, Default)]
pub struct Robustness {
    pub movement: Movement,
    /// What became of the answer.
    pub answer: Option<Found<Equivariance>>,
    /// What became of every node.
    pub nodes: Option<Found<Equivariance>>,
    /// Where one node differs.
    pub node: Option<Found<Equivariance>>,
    pub seams: Option<Found<Seams>>,
    /// Side of the tiles that seams were looked for with; `None`: as Run would cut.
    pub seams_tile: Option<usize>,
    /// The answer to the image that is not moved, where it takes little memory.
    unmoved: Option<(Unmoved, Subject)>,
}

impl Robustness {
    /// Memory of what is kept for the next movement.
    pub(super) fn kept_bytes(&self) -> u64 {
        self.unmoved.as_ref().map_or(0, |(unmoved, _)| unmoved.bytes())
    }
}

/// Something found, and the key of its pictures.
#[derive(Debug, Clone)]
pub struct Found<T> {
    pub key: u64,
    pub report: Arc<T>,
    subject: Subject,
}

/// Which question a job answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Answer,
    Nodes,
    Node,
}

/// What a job found.
pub(super) enum FoundRobustness {
    Moved(Box<Equivariance>, Unmoved, Moved),
    /// With the side of the tiles that was asked for.
    Seams(Box<Seams>, Option<usize>, Subject),
}

/// What it was asked, on what.
pub(super) struct Moved {
    question: Question,
    subject: Subject,
}

impl Session {
    /// What was found, if it is of what is shown now and, where the image was moved, moved as it is now. The answer to the
    /// movement before stays until the next is there.
    #[must_use]
    pub fn robustness_now(&self) -> Robustness {
        let (subject, all) = (self.subject(), &self.robustness);
        let of_now = |found: &Option<Found<Equivariance>>| {
            found.clone().filter(|found| Some(&found.subject) == subject.as_ref())
        };
        let moved = |found: &Option<Found<Equivariance>>| {
            of_now(found).filter(|found| found.report.movement == all.movement)
        };
        let answer =
            if self.is_busy(JobKind::Equivariance) { of_now(&all.answer) } else { moved(&all.answer) };
        Robustness {
            movement: all.movement,
            answer,
            nodes: moved(&all.nodes),
            node: moved(&all.node),
            seams: all.seams.clone().filter(|found| Some(&found.subject) == subject.as_ref()),
            seams_tile: all.seams_tile,
            unmoved: None,
        }
    }

    pub(super) fn look_at_robustness(&mut self, command: RobustnessCommand) {
        match command {
            RobustnessCommand::Move(movement) => {
                self.robustness.movement = movement;
                self.move_image(Wanted::Nothing, Question::Answer);
            }
            RobustnessCommand::MoveNodes => self.move_image(Wanted::All { first: None }, Question::Nodes),
            RobustnessCommand::MapNode(node) => self.move_image(Wanted::Nodes(vec![node]), Question::Node),
            RobustnessCommand::FindSeams(tile) => self.find_seams(tile),
        }
    }

    fn move_image(&mut self, nodes: Wanted, question: Question) {
        let (Some(subject), Some(model), Some(opened)) =
            (self.subject(), self.model.clone(), self.current_opened())
        else {
            return;
        };
        let (micrograph, settings) = (opened.micrograph.clone(), settings_for(&model, opened));
        let device = self.device.clone();
        let asked = Moving { movement: self.robustness.movement, nodes };
        let known = self.robustness.unmoved.as_ref().filter(|(_, of)| *of == subject);
        let known = known.map(|(unmoved, _)| unmoved.clone());
        self.jobs.start(JobKind::Equivariance, move |monitor| {
            let frame = (&micrograph, &settings);
            let (found, unmoved) = equivariance_from((&asked, known), &model, frame, &device, monitor)?;
            let found = FoundRobustness::Moved(Box::new(found), unmoved, Moved { question, subject });
            Ok(Answer::Robustness(Box::new(found)))
        });
    }

    fn find_seams(&mut self, tile: Option<usize>) {
        let (Some(subject), Some(model), Some(opened)) =
            (self.subject(), self.model.clone(), self.current_opened())
        else {
            return;
        };
        let mut settings = settings_for(&model, opened);
        settings.tile = tile.or(settings.tile);
        let (micrograph, device) = (opened.micrograph.clone(), self.device.clone());
        self.jobs.start(JobKind::Seams, move |monitor| {
            let found = seams(&model, &micrograph, &settings, &device, monitor)?;
            Ok(Answer::Robustness(Box::new(FoundRobustness::Seams(Box::new(found), tile, subject))))
        });
    }

    pub(super) fn take_robustness(&mut self, found: FoundRobustness) {
        let (key, most) = (self.new_key(), self.memory_beside());
        let all = &mut self.robustness;
        match found {
            FoundRobustness::Moved(report, unmoved, Moved { question, subject }) => {
                all.unmoved = (unmoved.bytes() <= most).then(|| (unmoved, subject.clone()));
                let found = Some(Found { key, report: Arc::from(report), subject });
                match question {
                    Question::Answer => all.answer = found,
                    Question::Nodes => all.nodes = found,
                    Question::Node => all.node = found,
                }
            }
            FoundRobustness::Seams(report, tile, subject) => {
                all.seams_tile = tile;
                all.seams = Some(Found { key, report: Arc::from(report), subject });
            }
        }
        self.make_room(0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{TinyModel, ready, stack_tiff, texts};
    use super::*;

    fn send(session: &mut Session, command: RobustnessCommand) {
        session.apply(Command::Robustness(command));
    }

    fn shift(by: [i64; 2]) -> Movement {
        Movement { shift: by, ..Movement::default() }
    }

    #[test]
    fn a_moved_image_is_answered_for_what_is_shown_and_chosen_now() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        send(&mut session, RobustnessCommand::Move(shift([1, 0])));
        let first = session.robustness_now().answer.expect("an answer");
        assert!(first.report.answer.as_ref().unwrap().whole.largest > 0.0 && first.report.nodes.is_empty());
        send(&mut session, RobustnessCommand::MoveNodes);
        let nodes = session.robustness_now().nodes.expect("nodes");
        assert_eq!(nodes.report.nodes.len(), session.nodes.as_ref().unwrap().len());
        send(&mut session, RobustnessCommand::MapNode("enc1.conv1".into()));
        let node = session.robustness_now().node.expect("a node");
        assert!(node.report.nodes[0].difference.is_some() && node.key != nodes.key);
        send(&mut session, RobustnessCommand::Move(shift([0, 2])));
        let now = session.robustness_now();
        assert!(now.answer.is_some() && now.nodes.is_none() && now.node.is_none());
        session.apply(Command::Open(vec![stack_tiff(dir.path(), "stack.tif", 2)]));
        assert!(session.robustness_now().answer.is_none());
        session.apply(Command::Select(0));
        assert!(session.robustness_now().answer.is_some());
        assert_eq!(session.messages, [], "{:?}", texts(&session));
    }

    #[test]
    fn the_unmoved_image_is_run_once_for_all_movements_and_the_numbers_stay() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        assert_eq!(session.robustness.kept_bytes(), 0);
        send(&mut session, RobustnessCommand::Move(shift([1, 0])));
        // Two probabilities and a class of 12 × 10 px.
        assert_eq!(session.robustness.kept_bytes(), (2 * 4 + 2) * 120);
        assert_eq!(session.kept_bytes()[0], 1200);
        send(&mut session, RobustnessCommand::Move(shift([0, 2])));
        let kept = session.robustness_now().answer.unwrap().report.answer.clone().unwrap().whole;
        let mut anew = ready(dir.path());
        send(&mut anew, RobustnessCommand::Move(shift([0, 2])));
        assert_eq!(kept, anew.robustness_now().answer.unwrap().report.answer.clone().unwrap().whole);
        session.apply(Command::Open(vec![stack_tiff(dir.path(), "stack.tif", 2)]));
        send(&mut session, RobustnessCommand::Move(shift([0, 1])));
        assert_eq!(session.robustness.kept_bytes(), (2 * 4 + 2) * 24, "that of the image before is gone");
    }

    #[test]
    fn what_cannot_be_moved_is_said_and_without_an_image_nothing_happens() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = super::super::testing::session();
        send(&mut session, RobustnessCommand::Move(shift([1, 0])));
        send(&mut session, RobustnessCommand::FindSeams(None));
        assert_eq!(session.messages, []);
        let mut session = ready(dir.path());
        send(&mut session, RobustnessCommand::Move(shift([50, 0])));
        assert!(texts(&session)[0].contains("leaves nothing"), "{:?}", texts(&session));
    }

    #[test]
    fn seams_are_looked_for_or_it_is_said_that_there_are_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::ChooseModel(TinyModel::classifier().save(dir.path(), "kind")));
        send(&mut session, RobustnessCommand::FindSeams(None));
        assert!(texts(&session)[0].ends_with("which is never cut"), "{:?}", texts(&session));
        let path = dir.path().join("large.png");
        image::GrayImage::from_fn(96, 80, |x, y| image::Luma([(x * 3 + y * 7) as u8])).save(&path).unwrap();
        session.apply(Command::Open(vec![path]));
        session.apply(Command::ChooseModel(TinyModel::segmenter().save(dir.path(), "tiny")));
        send(&mut session, RobustnessCommand::FindSeams(Some(32)));
        let found = session.robustness_now().seams.expect("seams");
        assert_eq!((found.report.tile, found.report.size), (32, [80, 96]));
        assert!(found.report.against_shifted.largest < 1e-4);
    }
}
