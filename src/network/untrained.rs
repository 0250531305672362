//! A network that has learned nothing yet: an architecture with weights drawn from a seed, as a model to look into.

use super::architectures::{About, ArchitectureSpec, build};
use super::{ClassInfo, Model, ModelCard, NetworkError, Normalisation, Task, Weights};
use candle_core::Device;
use std::collections::BTreeMap;

/// How the card of such a model names its trainer.
const NOBODY: &str = "nobody: random weights of seed ";
/// Of classes beyond the first, again and again.
const COLOURS: [[u8; 3]; 8] = [
    [230, 120, 30],
    [60, 150, 220],
    [90, 180, 90],
    [200, 80, 160],
    [220, 200, 70],
    [120, 100, 210],
    [70, 190, 190],
    [210, 80, 80],
];
const BACKGROUND: [u8; 3] = [40, 44, 52];

impl ModelCard {
    /// Whether its weights were drawn by chance and never trained, so that its answers mean nothing.
    #[must_use]
    pub fn is_untrained(&self) -> bool {
        self.trained_by.starts_with(NOBODY)
    }
}

/// A model of this kind for images of `[y, x]` px, with [`Weights::initialised`]. Classifiers, and what takes one size
/// only, resample images to that; all others take any.
///
/// # Errors
/// Those of [`build`], [`Weights::initialised`] and [`Model::new`].
pub fn untrained(
    spec: &ArchitectureSpec,
    size: [usize; 2],
    seed: u64,
    device: &Device,
) -> Result<Model, NetworkError> {
    let spec = ArchitectureSpec { image: Some(size), ..spec.clone() };
    let about = spec.architecture.about();
    let graph = build(&spec)?;
    let mut card = card(&spec, &about, seed);
    let one_size = |other: usize| graph.shapes([spec.in_channels, size[0] + other, size[1] + other]).is_err();
    if card.task == Task::Classify || card.task == Task::Regress && one_size(64) {
        card.input_size = Some(size);
    }
    // A network that the card cannot speak for is refused before its weights are drawn.
    card.check(&graph)?;
    let weights = Weights::initialised(&graph, seed, device)?;
    Model::new(graph, weights, card)
}

fn card(spec: &ArchitectureSpec, about: &About, seed: u64) -> ModelCard {
    let (task, title) = (task_of(spec, about), about.title);
    let channels = match spec.in_channels {
        1 => vec!["grey".to_owned()],
        channels => (1..=channels).map(|channel| format!("channel {channel}")).collect(),
    };
    ModelCard {
        name: format!("{title}, untrained"),
        description: format!(
            "Random weights of seed {seed}: it has learned nothing, and its answers mean nothing."
        ),
        task,
        units: None,
        classes: (0..spec.classes).map(|class| class_info(task, class)).collect(),
        channels,
        pixel_size_nm: None,
        normalisation: Normalisation::Percentile { low: 0.35, high: 99.65 },
        input_size: None,
        training_data: Vec::new(),
        licence: String::new(),
        metrics: BTreeMap::new(),
        metrics_on: String::new(),
        recipe: String::new(),
        trained_by: format!("{NOBODY}{seed}, Polepiece {}", env!("CARGO_PKG_VERSION")),
    }
}

/// What chooses between numbers a pixel and numbers an image is a regressor; a mask that is smaller than its image is
/// no mask of it, but can be looked at.
fn task_of(spec: &ArchitectureSpec, about: &About) -> Task {
    let spec = spec.resolved();
    match (spec.head, spec.padded) {
        (Some(_), _) => Task::Regress,
        (None, Some(false)) => Task::Any,
        (None, _) => about.task,
    }
}

fn class_info(task: Task, class: usize) -> ClassInfo {
    if task == Task::Segment && class == 0 {
        return ClassInfo { name: "background".to_owned(), colour: BACKGROUND };
    }
    let number = if task == Task::Segment { class } else { class + 1 };
    let colour = COLOURS[number.saturating_sub(1) % COLOURS.len()];
    let what = if task == Task::Regress { "output" } else { "class" };
    ClassInfo { name: format!("{what} {number}"), colour }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::Architecture;

    #[test]
    fn an_untrained_model_says_so_also_after_it_was_saved() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new.safetensors");
        let spec =
            ArchitectureSpec { classes: 3, base: Some(2), depth: Some(1), ..Architecture::Unet.defaults() };
        let model = untrained(&spec, [64, 48], 5, &Device::Cpu).unwrap();
        assert!(model.card.is_untrained() && model.card.name.contains("untrained"));
        assert_eq!(model.card.classes[0].name, "background");
        assert_eq!((model.card.classes.len(), model.card.input_size), (3, None));
        model.save(&path).unwrap();
        assert!(Model::load(&path, &Device::Cpu).unwrap().card.is_untrained());
        let trained = crate::network::model::tests::tiny();
        assert!(!trained.card.is_untrained());
    }

    #[test]
    fn the_same_seed_draws_the_same_weights_and_another_does_not() {
        let spec = ArchitectureSpec { base: Some(2), ..Architecture::Lenet5.defaults() };
        let values = |seed: u64| {
            let model = untrained(&spec, [28, 32], seed, &Device::Cpu).unwrap();
            assert_eq!(model.card.input_size, Some([28, 32]));
            model.weights.tensors["conv1.weight"].flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_eq!(values(1), values(1));
        assert_ne!(values(1), values(2));
    }

    #[test]
    fn every_architecture_makes_a_model_in_a_small_width() {
        for architecture in Architecture::ALL {
            let mut spec = architecture.defaults();
            spec.width = spec.width.map(|_| 0.05);
            let [_, height, width] = architecture.about().input;
            let model = untrained(&spec, [height, width], 1, &Device::Cpu);
            let model = model.unwrap_or_else(|error| panic!("{}: {error}", architecture.name()));
            assert!(model.card.is_untrained(), "{}", architecture.name());
        }
    }

    #[test]
    fn what_cannot_be_built_is_refused_in_words() {
        let spec = ArchitectureSpec { depth: Some(9), ..Architecture::Unet.defaults() };
        let error = untrained(&spec, [64, 64], 0, &Device::Cpu).unwrap_err().to_string();
        assert!(error.contains("depth must lie between 1 and"), "{error}");
        let none = ArchitectureSpec { classes: 0, ..Architecture::Unet.defaults() };
        assert!(untrained(&none, [64, 64], 0, &Device::Cpu).is_err());
    }
}
