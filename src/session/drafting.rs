//! New networks: what one would be and cost before it is made, making it, and writing it to a file.

use super::apply::Answer;
use super::choosing::LoadedModel;
use super::{JobKind, Session, Severity};
use crate::network::architectures::{ArchitectureSpec, build};
use crate::network::{NetworkError, NodeCost, describe, forecast, untrained};
use std::path::PathBuf;
use std::sync::Arc;

/// What new networks are chosen as, before their number.
const NEW: &str = "new network ";

/// A network that somebody thinks of making.
#[derive(Debug, Clone)]
pub struct Draft {
    pub spec: ArchitectureSpec,
    /// `[y, x]` of the image it is thought of with.
    pub size: [usize; 2],
    /// Why it cannot be, in words.
    pub found: Result<Drafted, String>,
}

/// What it would be.
#[derive(Debug, Clone)]
pub struct Drafted {
    /// Every node with its shape, costs and receptive field.
    pub nodes: Arc<Vec<NodeCost>>,
    pub parameters: u64,
    pub multiply_adds: u64,
    /// Of the network at its worst moment, weights included.
    pub peak_bytes: u64,
    pub worst_node: String,
}

impl Drafted {
    fn of(spec: &ArchitectureSpec, size: [usize; 2]) -> Result<Self, NetworkError> {
        let spec = ArchitectureSpec { image: Some(size), ..spec.clone() };
        let graph = build(&spec)?;
        let input = [spec.in_channels, size[0], size[1]];
        let nodes = describe(&graph, input)?;
        let memory = forecast(&graph, input)?;
        let sum = |value: fn(&NodeCost) -> u64| {
            nodes.iter().fold(0_u64, |sum, node| sum.saturating_add(value(node)))
        };
        Ok(Self {
            parameters: sum(|node| node.parameters as u64),
            multiply_adds: sum(|node| node.multiply_adds),
            peak_bytes: memory.peak_bytes,
            worst_node: memory.worst_node,
            nodes: Arc::new(nodes),
        })
    }

    /// The last node that still sees a part of the image only.
    #[must_use]
    pub fn last_local(&self) -> Option<&NodeCost> {
        self.nodes.iter().rev().find(|node| node.receptive_field.is_some())
    }
}

impl Session {
    /// Whether the draft is of this, so that drafting it again would change nothing.
    #[must_use]
    pub fn is_drafted(&self, spec: &ArchitectureSpec, size: [usize; 2]) -> bool {
        self.draft.as_ref().is_some_and(|draft| draft.spec == *spec && draft.size == size)
    }

    pub(super) fn draft_network(&mut self, spec: ArchitectureSpec, size: [usize; 2]) {
        self.jobs.start(JobKind::Draft, move |_| {
            let found = Drafted::of(&spec, size).map_err(|error| error.to_string());
            Ok(Answer::Draft(Box::new(Draft { spec, size, found })))
        });
    }

    /// Makes a network and chooses it; the model before stays until then, and can be chosen again.
    pub(super) fn create_network(&mut self, spec: ArchitectureSpec, size: [usize; 2], seed: u64) {
        let choice = format!("{NEW}{}", self.new_key());
        self.model_choice = Some(choice.clone());
        let device = self.device.clone();
        self.jobs.start(JobKind::LoadModel, move |monitor| {
            monitor.stage("Drawing random weights");
            let model = Arc::new(untrained(&spec, size, seed, &device)?);
            Ok(Answer::Model(LoadedModel { choice, model, remember: false, notes: Vec::new() }))
        });
    }

    /// Writes the chosen model, whole or not at all.
    pub(super) fn save_model(&mut self, path: PathBuf) {
        let Some(model) = self.model.clone() else {
            self.say(Severity::Warning, "Choose a model first, then it can be saved");
            return;
        };
        let named = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors"));
        let path = if named { path } else { with_ending(path) };
        self.jobs.start(JobKind::Export, move |_| {
            model.save(&path)?;
            Ok(Answer::TableSaved(path))
        });
    }
}

/// Whether this is what a network that was made here is chosen as.
pub(super) fn is_new(choice: &str) -> bool {
    choice.strip_prefix(NEW).is_some_and(|number| number.parse::<u64>().is_ok())
}

/// Other endings are no models to the window.
fn with_ending(path: PathBuf) -> PathBuf {
    let mut name = path.into_os_string();
    name.push(".safetensors");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{ready, session, texts};
    use super::*;
    use crate::network::Model;
    use crate::network::architectures::Architecture;
    use candle_core::Device;

    fn small() -> ArchitectureSpec {
        ArchitectureSpec { base: Some(2), depth: Some(1), ..Architecture::Unet.defaults() }
    }

    #[test]
    fn a_draft_says_what_the_network_would_be_or_why_it_cannot() {
        let mut session = session();
        session.apply(Command::DraftNetwork(Architecture::Lenet5.defaults(), [28, 28]));
        assert!(session.is_drafted(&Architecture::Lenet5.defaults(), [28, 28]));
        let draft = session.draft.clone().unwrap().found.unwrap();
        assert_eq!(draft.parameters, 61_706);
        assert_eq!(draft.nodes.last().unwrap().shape, [10]);
        let local = draft.last_local().unwrap();
        assert_eq!(local.receptive_field.unwrap().widest, [16.0; 2], "{}", local.name);
        session.apply(Command::DraftNetwork(ArchitectureSpec { depth: Some(0), ..small() }, [28, 28]));
        assert!(session.draft.clone().unwrap().found.unwrap_err().contains("depth"));
        session.apply(Command::DraftNetwork(small(), [27, 28]));
        let reason = session.draft.clone().unwrap().found.unwrap_err();
        assert!(reason.starts_with("Node dec1.concat: expected"), "{reason}");
        assert!(session.model.is_none() && session.messages.is_empty());
    }

    #[test]
    fn a_made_network_is_chosen_runs_is_saved_and_gives_way_to_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        let before = session.model_choice.clone().unwrap();
        session.apply(Command::CreateNetwork(small(), [64, 64], 3));
        let made = session.model_choice.clone().unwrap();
        assert!(session.model.as_ref().unwrap().card.is_untrained(), "{:?}", texts(&session));
        assert_eq!(session.former_choice.as_ref(), Some(&before));
        assert_eq!(session.preferences.model.as_ref(), Some(&before), "a network of today is not remembered");
        session.apply(Command::Run);
        assert!(session.result.as_ref().unwrap().model.card.is_untrained());
        let path = dir.path().join("mine");
        session.apply(Command::SaveModel(path.clone()));
        let saved = Model::load(&path.with_extension("safetensors"), &Device::Cpu).unwrap();
        assert!(saved.card.is_untrained());
        session.apply(Command::ChooseModel(before.clone()));
        assert!(!session.model.as_ref().unwrap().card.is_untrained());
        assert_eq!(session.former_choice.as_ref(), Some(&made));
        session.apply(Command::ChooseModel(made.clone()));
        assert!(session.model.as_ref().unwrap().card.is_untrained());
        assert_eq!((session.made.len(), session.model_choice), (1, Some(made)));
    }

    #[test]
    fn what_cannot_be_made_leaves_the_model_before() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        let before = session.model_choice.clone();
        session.apply(Command::CreateNetwork(ArchitectureSpec { classes: 0, ..small() }, [64, 64], 3));
        assert_eq!(session.messages.len(), 1);
        assert_eq!((session.model_choice.clone(), session.made.len()), (before, 0));
        let mut none = super::super::testing::session();
        none.apply(Command::SaveModel(dir.path().join("a.safetensors")));
        assert!(texts(&none)[0].starts_with("Choose a model first"));
    }
}
