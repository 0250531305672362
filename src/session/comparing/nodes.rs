//! The nodes of a model beside the chosen one, so that a side of a comparison can be one of its feature maps.

use super::super::apply::Answer;
use super::super::choosing::nodes_for;
use super::super::job::Failure;
use super::super::{JobKind, Session};
use super::{CompareAnswer, SideChoice};
use crate::analysis::Sight;
use crate::monitor::Monitor;
use crate::network::{Graph, Model, ModelCard, NodeCost, find_model, load_model};
use candle_core::Device;
use std::sync::Arc;

/// A network and its card, without weights.
type Header = Arc<(Graph, ModelCard)>;

/// What is known of a side's model.
#[derive(Debug, Clone)]
pub(in crate::session) struct SideModel {
    /// What the side calls it.
    id: String,
    header: Result<Header, String>,
    /// For the shown micrograph.
    nodes: Result<Arc<Vec<NodeCost>>, String>,
}

/// Networks that were read, with the side and what it calls them; why not, where they cannot be.
pub(in crate::session) type ReadSides = Vec<(usize, String, Result<Header, String>)>;

impl Session {
    /// The nodes that a side (0 or 1) can show of its model, with their shapes on the shown micrograph; why there are none
    /// where the model cannot be read or does not take the image; `None` while its file is being read.
    #[must_use]
    pub fn side_nodes(&self, side: usize) -> Option<&Result<Arc<Vec<NodeCost>>, String>> {
        match &self.comparing.sides.get(side)?.model {
            None => Some(&self.nodes),
            Some(id) => self.side_model(side, id).map(|model| &model.nodes),
        }
    }

    /// Why the two sides cannot be compared as they are chosen now, and what to do.
    #[must_use]
    pub fn why_not_compare(&self) -> Option<String> {
        let [a, b] = &self.comparing.sides;
        if a == b {
            return Some(
                "A and B are the same: choose another model, frame, node or a classical mask for one of them."
                    .to_owned(),
            );
        }
        let is_map = |sight: &Sight| matches!(sight, Sight::Feature { .. });
        if is_map(&a.sight) != is_map(&b.sight) {
            let other = if is_map(&a.sight) { &b.sight } else { &a.sight };
            let other = if matches!(other, Sight::Answer) { "An answer" } else { "A mask" };
            let what = "and a feature map are different things: choose a node for both, or for neither.";
            return Some(format!("{other} {what}"));
        }
        (0..2).find_map(|side| self.why_not_see(side, &self.comparing.sides[side]))
    }

    fn why_not_see(&self, side: usize, choice: &SideChoice) -> Option<String> {
        if matches!(choice.sight, Sight::Classical { .. }) {
            return None;
        }
        let name = ["A", "B"][side];
        let nodes = match self.side_nodes(side)? {
            Ok(nodes) => nodes,
            Err(why) => return Some(format!("{name}: {why}")),
        };
        let Sight::Feature { node, feature } = &choice.sight else { return None };
        let Some(cost) = nodes.iter().find(|cost| cost.name == *node) else {
            return Some(format!("The model of {name} has no node {node}: choose one of its nodes."));
        };
        let count = cost.shape.first().copied().unwrap_or(1);
        let last = count.saturating_sub(1);
        (*feature >= count).then(|| format!("{name}: {node} has no feature {feature}, only 0 to {last}."))
    }

    fn side_model(&self, side: usize, id: &str) -> Option<&SideModel> {
        self.comparing.models.get(side)?.as_ref().filter(|model| model.id == id)
    }

    /// Forgets what was read of the sides' models, whose files may be others now, and reads it again.
    pub(in crate::session) fn read_sides_again(&mut self) {
        self.comparing.models = [None, None];
        self.read_sides();
    }

    /// Reads the networks of the sides that are of another model than the chosen one, where they are not known yet.
    pub(super) fn read_sides(&mut self) {
        let sides = self.comparing.sides.iter().enumerate();
        let unknown: Vec<(usize, String, Option<Arc<Model>>)> = sides
            .filter_map(|(side, choice)| Some((side, choice.model.clone()?)))
            .filter(|(side, id)| self.side_model(*side, id).is_none())
            .map(|(side, id)| {
                let made = self.made.iter().find(|(made, _)| *made == id);
                (side, id, made.map(|(_, model)| Arc::clone(model)))
            })
            .collect();
        if unknown.is_empty() {
            return;
        }
        let device = self.device.clone();
        self.jobs.start(JobKind::CompareNodes, move |monitor| {
            let mut read = ReadSides::new();
            for (side, id, made) in unknown {
                monitor.check()?;
                let header = match made {
                    Some(model) => Ok(Arc::new((model.graph.clone(), model.card.clone()))),
                    None => match header_of(&id, &device, monitor) {
                        Ok(header) => Ok(header),
                        Err(Failure::Message(why)) => Err(why),
                        Err(cancelled @ Failure::Cancelled) => return Err(cancelled),
                    },
                };
                read.push((side, id, header));
            }
            Ok(Answer::Compared(CompareAnswer::Nodes(read)))
        });
    }

    pub(super) fn take_sides(&mut self, read: ReadSides) {
        for (side, id, header) in read {
            if let Some(place) = self.comparing.models.get_mut(side) {
                *place = Some(SideModel { id, header, nodes: Err(String::new()) });
            }
        }
        self.describe_sides();
    }

    /// Shapes of the sides' nodes for the shown micrograph.
    pub(in crate::session) fn describe_sides(&mut self) {
        let micrograph = self.micrograph().cloned();
        for model in self.comparing.models.iter_mut().flatten() {
            model.nodes = match &model.header {
                Ok(header) => nodes_for((&header.0, &header.1), micrograph.as_ref()),
                Err(why) => Err(why.clone()),
            };
        }
    }
}

/// Reads what a model file says of its network; files of other programs are read whole.
fn header_of(id: &str, device: &Device, monitor: &Monitor) -> Result<Header, Failure> {
    let path = find_model(id)?;
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors")) {
        return Ok(Arc::new(Model::read_header(&path)?));
    }
    let (model, _) = load_model(&path, device, monitor)?;
    Ok(Arc::new((model.graph, model.card)))
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{TinyModel, grey_png, ready, texts};
    use super::super::super::{Command, CompareCommand};
    use super::*;

    fn choose(session: &mut Session, side: usize, model: Option<&str>, sight: Sight) {
        let choice = SideChoice { model: model.map(str::to_owned), frame: None, sight };
        session.apply(Command::Compare(CompareCommand::Choose(side, choice)));
    }

    fn feature(node: &str, feature: usize) -> Sight {
        Sight::Feature { node: node.into(), feature }
    }

    #[test]
    fn a_side_of_another_model_lists_that_models_nodes_for_the_shown_image() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        let other = TinyModel::classifier().save(dir.path(), "lenet");
        choose(&mut session, 1, Some(&other), Sight::Answer);
        let names = |session: &Session, side| {
            let nodes = session.side_nodes(side).unwrap().as_ref().unwrap().clone();
            nodes.iter().map(|node| (node.name.clone(), node.shape.clone())).collect::<Vec<_>>()
        };
        let own = session.nodes.as_ref().unwrap().len();
        assert_eq!(names(&session, 0).len(), own);
        let of_other = names(&session, 1);
        assert!(of_other.contains(&("conv1".to_owned(), vec![2, 32, 32])), "{of_other:?}");
        assert!(session.side_nodes(2).is_none());
        let segmenter = TinyModel { seed: 7, ..TinyModel::segmenter() }.save(dir.path(), "other");
        choose(&mut session, 1, Some(&segmenter), Sight::Answer);
        let shape = |session: &Session| session.side_nodes(1).unwrap().as_ref().unwrap()[0].shape.clone();
        assert_eq!(shape(&session), [1, 12, 10]);
        session.apply(Command::Open(vec![grey_png(dir.path(), "wide.png", 30, 8)]));
        assert_eq!(shape(&session), [1, 8, 30], "they follow the image");
        // Another network under the same name is read when the models are looked for again.
        assert_eq!(TinyModel::classifier().save(dir.path(), "other"), segmenter);
        session.apply(Command::RefreshModels);
        assert!(names(&session, 1).contains(&("conv1".to_owned(), vec![2, 32, 32])));
        assert_eq!(session.messages, [], "{:?}", texts(&session));
    }

    #[test]
    fn nodes_of_two_models_are_compared_each_where_it_lies() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        let other = TinyModel { seed: 7, ..TinyModel::segmenter() }.save(dir.path(), "other");
        choose(&mut session, 0, None, feature("enc1.conv1", 1));
        choose(&mut session, 1, Some(&other), feature("pool1", 0));
        assert_eq!(session.why_not_compare(), None);
        session.apply(Command::Compare(CompareCommand::Compare));
        let found = session.compared_now().unwrap_or_else(|| panic!("{:?}", texts(&session)));
        let map = found.comparison.difference.as_ref().unwrap();
        assert_eq!((map.values.dim(), map.scale), ((12, 10), [1.0; 2]), "on the finer grid");
        let [a, b] = found.seen.each_ref().map(|seen| match seen {
            crate::analysis::Seen::Feature(maps, feature) => (maps.clone(), *feature),
            _ => panic!("no feature map"),
        });
        for ((y, x), value) in map.values.indexed_iter() {
            let expected = a.0.maps[[a.1, y, x]] - b.0.maps[[b.1, y / 2, x / 2]];
            assert_eq!(value.to_bits(), expected.to_bits(), "{y} {x}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_said_before_it_is_tried() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        let why = |session: &Session| session.why_not_compare().unwrap_or_default();
        assert!(why(&session).starts_with("A and B are the same"));
        choose(&mut session, 1, None, feature("pool1", 0));
        assert!(why(&session).starts_with("An answer and a feature map"));
        let lenet = TinyModel::classifier().save(dir.path(), "lenet");
        choose(&mut session, 0, None, feature("pool1", 0));
        choose(&mut session, 1, Some(&lenet), feature("enc1.conv1", 0));
        assert_eq!(why(&session), "The model of B has no node enc1.conv1: choose one of its nodes.");
        choose(&mut session, 1, Some(&lenet), feature("conv1", 2));
        assert_eq!(why(&session), "B: conv1 has no feature 2, only 0 to 1.");
        let many = TinyModel { channels: 8, ..TinyModel::segmenter() }.save(dir.path(), "many");
        choose(&mut session, 1, Some(&many), feature("pool1", 0));
        assert!(why(&session).contains("reads 8 channels"), "{}", why(&session));
        choose(&mut session, 1, Some("nowhere"), feature("pool1", 0));
        assert!(why(&session).starts_with("B: No such model"), "{}", why(&session));
        assert_eq!(session.messages, [], "{:?}", texts(&session));
    }
}
