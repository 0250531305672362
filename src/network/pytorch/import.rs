//! A file of weights and an architecture become a model.

use super::Checkpoint;
use super::matching::{Matching, match_weights};
use crate::compute::memory_of;
use crate::monitor::Monitor;
use crate::network::architectures::{ArchitectureSpec, build, torchvision_names};
use crate::network::weights::check_memory;
use crate::network::{ClassInfo, Graph, Model, ModelCard, NetworkError, Normalisation, Weights};
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;
use std::path::Path;

/// What a file of weights does not say.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportOptions {
    /// The entry of a checkpoint, or the beginning of the names, that holds the weights.
    pub key: Option<String>,
    /// Places without a weight get fresh numbers instead of a refusal.
    pub partial: bool,
    /// Of the fresh numbers.
    pub seed: u64,
    /// What the model is called; the file's name where it is `None`.
    pub name: Option<String>,
    /// Names of the classes; numbered where there are none.
    pub class_names: Vec<String>,
    pub normalisation: Normalisation,
    /// Of the weights.
    pub licence: String,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            key: None,
            partial: false,
            seed: 0,
            name: None,
            class_names: Vec::new(),
            normalisation: Normalisation::ZScore,
            licence: String::new(),
        }
    }
}

/// An import that has been looked at: what fits is known, no number has been read.
#[derive(Debug)]
pub struct Import {
    pub graph: Graph,
    pub matching: Matching,
    checkpoint: Checkpoint,
    spec: ArchitectureSpec,
    options: ImportOptions,
}

/// Matches a file of weights to an architecture and reads it.
///
/// # Errors
/// As [`Import::open`] and [`Import::model`].
pub fn import(
    path: &Path,
    spec: &ArchitectureSpec,
    options: ImportOptions,
    monitor: &Monitor,
) -> Result<Model, NetworkError> {
    Import::open(path, spec, options)?.model(monitor)
}

impl Import {
    /// Opens the file, builds the graph and finds the weights of each.
    ///
    /// # Errors
    /// As [`Checkpoint::open`] and [`build`], and when no weight at all fits.
    pub fn open(path: &Path, spec: &ArchitectureSpec, options: ImportOptions) -> Result<Self, NetworkError> {
        let graph = build(spec)?;
        let checkpoint = Checkpoint::open(path, options.key.as_deref())?;
        let weights: Vec<(String, Vec<usize>)> =
            checkpoint.weights().map(|(name, shape)| (name.to_owned(), shape.to_vec())).collect();
        let matching = match_weights(&graph, &weights, &torchvision_names(&graph), checkpoint.is_ordered());
        if matching.matched.is_empty() {
            let first: Vec<&str> = weights.iter().take(4).map(|(name, _)| name.as_str()).collect();
            let what = format!(
                "None of its {} weights ({}…) fits a place of {}",
                weights.len(),
                first.join(", "),
                graph.architecture
            );
            return Err(NetworkError::File { path: path.to_owned(), what });
        }
        Ok(Self { graph, matching, checkpoint, spec: spec.clone(), options })
    }

    /// What people should know: where the weights were found, how names were read, what became of other types, and
    /// what the file does not say.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.checkpoint.notes().to_vec();
        notes.extend(self.matching.notes.iter().cloned());
        let mut converted: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, weight) in &self.matching.matched {
            match self.checkpoint.stored_as(weight) {
                None | Some("float32") => {}
                Some(other) => *converted.entry(other).or_default() += 1,
            }
        }
        notes.extend(converted.iter().map(|(kind, n)| format!("Weights of type {kind} became float32: {n}")));
        if self.options.partial && self.matching.missing() > 0 {
            let (fresh, seed) = (self.matching.missing(), self.options.seed);
            notes.push(format!("Places that got fresh numbers (seed {seed}) and must be trained: {fresh}"));
        }
        notes
    }

    /// Reads the weights and puts the model together.
    ///
    /// # Errors
    /// [`NetworkError::File`] when places stay empty (unless the import is partial) or numbers cannot be read.
    pub fn model(mut self, monitor: &Monitor) -> Result<Model, NetworkError> {
        let missing = self.matching.missing();
        if missing > 0 && !self.options.partial {
            let (all, misfits) = (self.graph.parameters().len(), self.matching.misfits());
            let what = format!("{missing} of {all} places have no weight that fits (first: {})", misfits[0]);
            return Err(NetworkError::File { path: self.checkpoint.path().to_owned(), what });
        }
        let device = Device::Cpu;
        let mut weights = if missing > 0 {
            Weights::initialised(&self.graph, self.options.seed, &device)?
        } else {
            check_memory(&self.graph, memory_of(&device).map(|memory| memory.free))?;
            Weights::default()
        };
        let shapes: BTreeMap<String, Vec<usize>> =
            self.graph.parameters().into_iter().map(|place| (place.name, place.shape)).collect();
        let matched = std::mem::take(&mut self.matching.matched);
        for (done, (place, weight)) in matched.iter().enumerate() {
            monitor.progress(done, matched.len())?;
            let numbers = self.checkpoint.numbers(weight)?;
            let shape = shapes.get(place).map_or(&[][..], Vec::as_slice);
            let failed = |source| NetworkError::Compute { node: place.clone(), source };
            let tensor = Tensor::from_vec(numbers, shape, &device).map_err(failed)?;
            weights.tensors.insert(place.clone(), tensor);
        }
        let card = self.card()?;
        Model::new(self.graph, weights, card)
    }

    fn card(&self) -> Result<ModelCard, NetworkError> {
        let path = self.checkpoint.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let classes = self.spec.classes;
        let names = &self.options.class_names;
        if !names.is_empty() && names.len() != classes {
            let found = names.len();
            return Err(NetworkError::Card(format!("{found} class names for {classes} classes")));
        }
        let class = |i: usize| ClassInfo {
            name: names.get(i).cloned().unwrap_or_else(|| format!("class {i}")),
            colour: colour(i),
        };
        let channels = match self.spec.in_channels {
            1 => vec!["grey".to_owned()],
            3 => ["red", "green", "blue"].map(str::to_owned).to_vec(),
            n => (1..=n).map(|channel| format!("channel {channel}")).collect(),
        };
        Ok(ModelCard {
            name: self.options.name.clone().unwrap_or(stem),
            description: format!(
                "{} with weights imported from {file}",
                self.spec.architecture.about().title
            ),
            task: self.spec.architecture.task(),
            classes: (0..classes).map(class).collect(),
            channels,
            pixel_size_nm: None,
            normalisation: self.options.normalisation,
            input_size: self.spec.image.filter(|_| !takes_any_size(&self.graph)),
            training_data: Vec::new(),
            licence: self.options.licence.clone(),
            units: None,
            metrics: BTreeMap::new(),
            metrics_on: String::new(),
            recipe: String::new(),
            trained_by: String::new(),
        })
    }
}

/// Whether images of two very different sizes go through, so that the card need not name one.
fn takes_any_size(graph: &Graph) -> bool {
    let channels = graph.input_channels();
    [[256, 256], [512, 320]].into_iter().all(|[y, x]| graph.shapes([channels, y, x]).is_ok())
}

/// A colour for each class: black for the first, then hues that lie far from those before them.
pub(in crate::network) fn colour(class: usize) -> [u8; 3] {
    if class == 0 {
        return [0; 3];
    }
    // Steps of the golden angle never come close to each other.
    let hue = (class as f64 * 0.618_034).fract() * 6.0;
    let channel = |shift: f64| {
        let distance = ((hue + shift) % 6.0 - 3.0).abs() - 1.0;
        (distance.clamp(0.0, 1.0) * 200.0 + 40.0) as u8
    };
    [channel(0.0), channel(4.0), channel(2.0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::Architecture;
    use crate::network::{Mode, Task, no_tap, run};
    use std::path::PathBuf;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytorch")
    }

    fn small() -> ArchitectureSpec {
        ArchitectureSpec {
            in_channels: 1,
            classes: 3,
            width: Some(1.0 / 64.0),
            ..ArchitectureSpec::new(Architecture::Resnet18)
        }
    }

    #[test]
    fn a_resnet_of_torchvision_answers_as_there() {
        let import =
            Import::open(&folder().join("resnet_small.pth"), &small(), ImportOptions::default()).unwrap();
        assert!(import.matching.misfits().is_empty());
        let notes = import.notes();
        assert_eq!(notes[0], "The weights are the checkpoint's entry \"state_dict\", beside it epoch");
        assert_eq!(notes[1], "The weights are those whose names begin with \"module.\"");
        assert_eq!(notes.len(), 2);
        let model = import.model(&Monitor::silent()).unwrap();
        assert_eq!(
            (model.card.task, model.card.classes.len(), model.card.input_size),
            (Task::Classify, 3, None)
        );
        let answer = std::fs::read(folder().join("resnet_small.json")).unwrap();
        let answer: BTreeMap<String, Vec<f32>> = serde_json::from_slice(&answer).unwrap();
        let image = Tensor::from_vec(answer["image"].clone(), (1, 1, 32, 24), &Device::Cpu).unwrap();
        let (graph, weights, silent) = (&model.graph, &model.weights, Monitor::silent());
        let logits = run(graph, weights, &image, Mode::Eval, &mut no_tap, &silent).unwrap();
        let logits: Vec<f32> = logits.flatten_all().unwrap().to_vec1().unwrap();
        for (ours, theirs) in logits.iter().zip(&answer["logits"]) {
            assert!((ours - theirs).abs() < 1e-5, "{logits:?} are not {:?}", answer["logits"]);
        }
    }

    #[test]
    fn places_without_a_weight_are_refused_or_filled_afresh_and_said() {
        let path = folder().join("resnet_small.pth");
        let spec = ArchitectureSpec { classes: 5, ..small() };
        let refused = import(&path, &spec, ImportOptions::default(), &Monitor::silent()).unwrap_err();
        let what = "2 of 102 places have no weight that fits (first: Place fc.weight has another shape: \
            expected 5×8, found 3×8 in module.fc.weight)";
        assert_eq!(refused.to_string(), format!("{what}: {}", path.display()));
        let options = ImportOptions { partial: true, seed: 4, ..ImportOptions::default() };
        let import = Import::open(&path, &spec, options).unwrap();
        assert_eq!(
            import.notes().last().unwrap(),
            "Places that got fresh numbers (seed 4) and must be trained: 2"
        );
        let model = import.model(&Monitor::silent()).unwrap();
        assert_eq!(model.card.classes.len(), 5);
        let stranger = ArchitectureSpec { classes: 2, ..Architecture::Lenet5.defaults() };
        let message = Import::open(&path, &stranger, ImportOptions::default()).unwrap_err().to_string();
        assert!(message.starts_with("None of its 122 weights (module.conv1.weight, "), "{message}");
    }

    #[test]
    fn the_card_says_what_the_options_say() {
        let path = folder().join("resnet_small.pth");
        let options = ImportOptions {
            class_names: ["a", "b", "c"].map(str::to_owned).into(),
            normalisation: Normalisation::Fixed { mean: 127.0, std: 64.0 },
            licence: "BSD-3-Clause".into(),
            ..ImportOptions::default()
        };
        let model = import(&path, &small(), options.clone(), &Monitor::silent()).unwrap();
        assert_eq!(model.card.name, "resnet_small");
        assert_eq!(model.card.description, "ResNet-18 with weights imported from resnet_small.pth");
        assert_eq!((model.card.classes[2].name.as_str(), model.card.licence.as_str()), ("c", "BSD-3-Clause"));
        let options = ImportOptions { class_names: vec!["a".into()], ..options };
        let message = import(&path, &small(), options, &Monitor::silent()).unwrap_err().to_string();
        assert_eq!(message, "1 class names for 3 classes");
    }

    #[test]
    fn colours_of_classes_differ() {
        let colours: std::collections::BTreeSet<[u8; 3]> = (0..12).map(colour).collect();
        assert_eq!(colours.len(), 12);
        assert_eq!(colour(0), [0, 0, 0]);
    }
}
