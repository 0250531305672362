//! A file of weights and an architecture become a model.

use super::Checkpoint;
use super::matching::{Matching, match_weights};
use crate::compute::memory_of;
use crate::monitor::Monitor;
use crate::network::architectures::{ArchitectureSpec, build};
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
        let matching = match_weights(&graph, &weights, &[], checkpoint.is_ordered());
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
fn colour(class: usize) -> [u8; 3] {
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
