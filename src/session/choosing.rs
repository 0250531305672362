//! Which model is chosen, and what its network is for the shown micrograph.

use super::apply::Answer;
use super::drafting::is_new;
use super::job::Failure;
use super::running::settings_for;
use super::{JobKind, ModelEntry, Session, Severity};
use crate::analysis::{Outlook, outlook};
use crate::imaging::Micrograph;
use crate::network::{
    Graph, Model, ModelCard, NodeCost, describe, find_model, installed, load_model, total_stride,
};
use std::sync::Arc;

/// Networks made here that are kept, the latest: they may be large.
const MOST_MADE: usize = 4;
/// Side in px that the network is described for while no image is open.
const SIDE_WITHOUT_IMAGE: usize = 256;

/// A model that was read, and what it was chosen as.
pub(super) struct LoadedModel {
    pub(super) choice: String,
    pub(super) model: Arc<Model>,
    pub(super) remember: bool,
    /// What a person should know of it.
    pub(super) notes: Vec<String>,
}

impl Session {
    pub(super) fn refresh_models(&mut self) {
        let entry = |found: crate::network::Installed| ModelEntry {
            id: found.id,
            path: found.path,
            card: found.header.map(|(_, card)| card).map_err(|error| error.to_string()),
        };
        self.library = installed().into_iter().map(entry).collect();
        self.read_sides_again();
    }

    /// Loads an installed model by its id, or a model file by its path; the one before stays until then.
    pub(super) fn choose_model(&mut self, choice: String) {
        self.load_model(choice, true);
    }

    /// The same; next time it is chosen from the start when it is to be remembered.
    pub(super) fn load_model(&mut self, choice: String, remember: bool) {
        if let Some((_, model)) = self.made.iter().find(|(made, _)| *made == choice) {
            let model = Arc::clone(model);
            self.jobs.cancel(JobKind::LoadModel);
            self.take_model(LoadedModel { choice, model, remember: false, notes: Vec::new() });
            return;
        }
        self.model_choice = Some(choice.clone());
        let device = self.device.clone();
        self.jobs.start(JobKind::LoadModel, move |monitor| {
            let path = find_model(&choice)?;
            monitor.progress(1, 4)?;
            let (model, notes) = load_model(&path, &device, &monitor.part(1, 2))?;
            Ok(Answer::Model(LoadedModel { choice, model: Arc::new(model), remember, notes }))
        });
    }

    pub(super) fn take_model(&mut self, loaded: LoadedModel) {
        let LoadedModel { choice, model, remember, notes } = loaded;
        for note in notes {
            self.say(Severity::Info, format!("{}: {note}", model.card.name));
        }
        let former = self.loaded_choice.take();
        self.former_choice = former.filter(|former| *former != choice).or(self.former_choice.take());
        if is_new(&choice) && self.made.iter().all(|(made, _)| *made != choice) {
            if self.made.len() == MOST_MADE {
                self.made.remove(0);
            }
            self.made.push((choice.clone(), Arc::clone(&model)));
        }
        self.model = Some(model);
        self.model_choice = Some(choice.clone());
        self.loaded_choice = Some(choice.clone());
        self.describe_nodes();
        if remember && self.preferences.model.as_ref() != Some(&choice) {
            self.preferences.model = Some(choice);
            self.save_preferences();
        }
    }

    /// Shapes and costs of the chosen model's nodes, for the shown micrograph; and of those beside it.
    pub(super) fn describe_nodes(&mut self) {
        self.describe_sides();
        let Some(model) = &self.model else { return };
        self.nodes = nodes_for((&model.graph, &model.card), self.micrograph());
        self.outlook = self.nodes.is_ok().then(|| self.look_ahead()).flatten();
    }

    /// What Run would take now.
    fn look_ahead(&self) -> Option<Result<Outlook, String>> {
        let (model, opened) = (self.model.as_ref()?, self.current_opened()?);
        let size = specimen_size(&opened.micrograph);
        let settings = settings_for(model, opened);
        let found = outlook(&model.graph, &model.card, size, &settings, &self.device)
            .and_then(|outlook| outlook.recording(&model.graph, self.feature_memory()));
        Some(found.map_err(|error| error.to_string()))
    }
}

impl From<crate::network::NetworkError> for Failure {
    fn from(error: crate::network::NetworkError) -> Self {
        match error {
            crate::network::NetworkError::Cancelled(_) => Self::Cancelled,
            error => Self::Message(error.to_string()),
        }
    }
}

/// Shapes and costs of a network's nodes for a micrograph; why there are none where it cannot read it.
pub(super) fn nodes_for(
    (graph, card): (&Graph, &ModelCard),
    micrograph: Option<&Micrograph>,
) -> Result<Arc<Vec<NodeCost>>, String> {
    if let Some(misfit) = micrograph.and_then(|micrograph| misfit(graph, card, micrograph)) {
        return Err(misfit);
    }
    describe(graph, input_size(graph, card, micrograph)).map(Arc::new).map_err(|error| error.to_string())
}

/// The network's input `[c, y, x]` for a micrograph: its own size rounded up to the network's stride, or the size
/// that a classifier resamples to.
fn input_size(graph: &Graph, card: &ModelCard, micrograph: Option<&Micrograph>) -> [usize; 3] {
    let without = [SIDE_WITHOUT_IMAGE; 2];
    let own = micrograph.map_or(without, specimen_size);
    let [y, x] = card.resampled_to().unwrap_or_else(|| {
        let [stride_y, stride_x] = total_stride(graph);
        [own[0].next_multiple_of(stride_y.max(1)), own[1].next_multiple_of(stride_x.max(1))]
    });
    [graph.input_channels(), y, x]
}

/// What a network sees of a micrograph, `[y, x]`.
fn specimen_size(micrograph: &Micrograph) -> [usize; 2] {
    [micrograph.specimen_rows().len(), micrograph.width()]
}

/// Why a model cannot read a micrograph, and what to do.
fn misfit(graph: &Graph, card: &ModelCard, micrograph: &Micrograph) -> Option<String> {
    let (needs, has) = (graph.input_channels(), micrograph.channels());
    (needs > 1 && has < needs).then(|| {
        let (name, names) = (&card.name, card.channels.join(", "));
        format!(
            "{name} reads {needs} channels ({names}) and this image has {has}: choose another model, \
             or open an image with these channels"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TinyModel, grey_png, session, texts};
    use super::super::{Command, Severity};

    #[test]
    fn the_nodes_follow_the_model_and_the_image() {
        let dir = tempfile::tempdir().unwrap();
        let model = TinyModel::segmenter().save(dir.path(), "tiny");
        let mut session = session();
        assert!(session.nodes.as_ref().unwrap_err().contains("Choose a model"));
        session.apply(Command::ChooseModel(model.clone()));
        assert_eq!(session.messages, [], "{:?}", texts(&session));
        assert_eq!(session.nodes.as_ref().unwrap()[0].shape, [1, 256, 256]);
        assert_eq!(session.outlook, None);
        session.apply(Command::Open(vec![grey_png(dir.path(), "a.png", 9, 6)]));
        assert_eq!(session.nodes.as_ref().unwrap()[0].shape, [1, 6, 10], "rounded up to the stride of 2");
        let outlook = session.outlook.clone().unwrap().unwrap();
        assert_eq!((outlook.tile, outlook.window), (None, [6, 10]));
        assert_eq!(session.model_choice.as_ref(), Some(&model));
        assert_eq!(session.preferences.model, Some(model));
    }

    #[test]
    fn a_model_file_among_opened_files_is_chosen() {
        let dir = tempfile::tempdir().unwrap();
        let model = TinyModel::segmenter().save(dir.path(), "tiny");
        let mut session = session();
        session.apply(Command::Open(vec![model.into(), grey_png(dir.path(), "a.png", 4, 4)]));
        assert_eq!(session.messages, [], "{:?}", texts(&session));
        assert_eq!((session.opened.len(), session.model.is_some()), (1, true));
    }

    #[test]
    fn a_model_that_cannot_be_read_leaves_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let good = TinyModel::segmenter().save(dir.path(), "good");
        let bad = dir.path().join("bad.safetensors");
        std::fs::write(&bad, b"cut short").unwrap();
        let mut session = session();
        session.apply(Command::ChooseModel(good.clone()));
        session.apply(Command::ChooseModel(bad.to_string_lossy().into_owned()));
        assert_eq!(session.messages.len(), 1);
        assert_eq!(session.messages[0].severity, Severity::Error);
        assert!(session.messages[0].text.contains("bad.safetensors"), "{:?}", texts(&session));
        assert_eq!(session.model_choice, Some(good));
        assert!(session.nodes.is_ok());
    }

    #[test]
    fn a_model_of_more_channels_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let model = TinyModel { channels: 8, ..TinyModel::segmenter() }.save(dir.path(), "eds");
        let mut session = session();
        session.apply(Command::Open(vec![grey_png(dir.path(), "a.png", 4, 4)]));
        session.apply(Command::ChooseModel(model));
        let reason = session.nodes.as_ref().unwrap_err();
        assert!(reason.contains("reads 8 channels") && reason.contains("choose another"), "{reason}");
        session.apply(Command::Run);
        assert_eq!(session.messages.len(), 1);
        assert!(session.result.is_none());
    }
}
