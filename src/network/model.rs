//! A model is one file: graph + weights + card, a `.safetensors` whose metadata holds the first and last as JSON.

use super::file::{self, Opened};
use super::{Graph, ModelCard, NetworkError, PreparedNetwork, Task, TrainingStatistics, Weights};
use candle_core::Device;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A network with its weights and what it is for.
#[derive(Debug, Clone)]
pub struct Model {
    pub graph: Graph,
    pub weights: Weights,
    pub card: ModelCard,
    /// What its training images were like, where that is known.
    pub training: Option<Arc<TrainingStatistics>>,
    /// Where it was loaded from.
    pub path: Option<PathBuf>,
    /// Of the file, 64 hex digits.
    pub sha256: Option<String>,
    /// Graph and weights as they were when it was last run.
    prepared: Arc<Mutex<Option<Arc<PreparedNetwork>>>>,
}

impl Model {
    /// Puts the three together.
    ///
    /// # Errors
    /// When the weights do not fit the graph ([`Weights::check`]) or the card does not ([`ModelCard::check`]).
    pub fn new(graph: Graph, weights: Weights, card: ModelCard) -> Result<Self, NetworkError> {
        weights.check(&graph)?;
        card.check(&graph)?;
        Ok(Self { graph, weights, card, training: None, path: None, sha256: None, prepared: Arc::default() })
    }

    /// Loads and checks everything; never allocates what a lying header claims.
    ///
    /// # Errors
    /// [`NetworkError::File`] with what is wrong with the file, [`NetworkError::Io`] when it cannot be read.
    pub fn load(path: &Path, device: &Device) -> Result<Self, NetworkError> {
        let opened = Opened::open(path)?;
        let (graph, card) = (opened.graph.clone(), opened.card.clone());
        let training = opened.training.clone().map(Arc::new);
        let (weights, sha256) = opened.weights(path, device)?;
        let (path, sha256) = (Some(path.to_owned()), Some(sha256));
        Ok(Self { graph, weights, card, training, path, sha256, prepared: Arc::default() })
    }

    /// Graph and card alone, without reading the weights; their names, shapes and number of bytes are checked.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn read_header(path: &Path) -> Result<(Graph, ModelCard), NetworkError> {
        let opened = Opened::open(path)?;
        Ok((opened.graph, opened.card))
    }

    /// Writes the file whole or not at all. The same model gives the same bytes.
    ///
    /// # Errors
    /// As [`Model::new`], and [`NetworkError::Io`] when the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), NetworkError> {
        self.weights.check(&self.graph)?;
        self.card.check(&self.graph)?;
        if let Some(training) = &self.training {
            training.check()?;
        }
        file::write(path, &self.graph, &self.card, self.training.as_deref(), &self.weights)
    }

    /// The network ready to run; prepared once, and again when graph or weights have been replaced since.
    #[must_use]
    pub fn prepared(&self) -> Arc<PreparedNetwork> {
        // What a thread that died left there is whole: it is replaced in one.
        let mut kept = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = kept.as_ref().filter(|kept| kept.is_of(&self.graph, &self.weights)) {
            return Arc::clone(prepared);
        }
        let prepared = Arc::new(PreparedNetwork::new(&self.graph, &self.weights));
        *kept = Some(Arc::clone(&prepared));
        prepared
    }

    /// Whether it segments or classifies.
    #[must_use]
    pub fn task(&self) -> Task {
        self.card.task
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::network::architectures::{UnetSpec, unet};
    use crate::network::{ClassInfo, DataSource, Normalisation};
    use std::collections::BTreeMap;

    /// A small segmenter of random weights whose card has every field filled.
    pub(in crate::network) fn tiny() -> Model {
        let spec =
            UnetSpec { in_channels: 1, classes: 2, base: 2, depth: 1, batch_norm: true, upsample: None };
        let graph = unet(spec).unwrap();
        let weights = Weights::initialised(&graph, 3, &Device::Cpu).unwrap();
        let class = |name: &str, colour| ClassInfo { name: name.into(), colour };
        let card = ModelCard {
            name: "Tiny".into(),
            description: "γ′ in Ni, \"quoted\"\nand a second line".into(),
            task: Task::Segment,
            classes: vec![class("matrix", [0, 0, 0]), class("γ′", [230, 120, 30])],
            units: None,
            channels: vec!["grey".into()],
            pixel_size_nm: Some(0.1 + 0.2),
            normalisation: Normalisation::Percentile { low: 0.35, high: 99.65 },
            input_size: None,
            training_data: vec![DataSource {
                name: "NASA".into(),
                licence: "MIT".into(),
                note: String::new(),
            }],
            licence: "MIT".into(),
            metrics: BTreeMap::from([
                ("mean_iou".into(), 2.0 / 3.0),
                ("accuracy".into(), 0.987_654_321_012_345_6),
            ]),
            metrics_on: "six images".into(),
            recipe: "seed = 1\n".into(),
            trained_by: "Polepiece".into(),
        };
        Model::new(graph, weights, card).unwrap()
    }

    #[test]
    fn saving_and_loading_gives_the_same_model_and_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("a.safetensors"), dir.path().join("b.safetensors"));
        let model = tiny();
        model.save(&first).unwrap();
        let loaded = Model::load(&first, &Device::Cpu).unwrap();
        assert_eq!((&loaded.graph, &loaded.card, loaded.task()), (&model.graph, &model.card, Task::Segment));
        assert_eq!(loaded.path.as_deref(), Some(first.as_path()));
        assert_eq!(loaded.sha256, Some(crate::files::sha256_of_file(&first).unwrap()));
        for (name, tensor) in &model.weights.tensors {
            let numbers = |t: &candle_core::Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(numbers(tensor), numbers(&loaded.weights.tensors[name]), "{name}");
        }
        loaded.save(&second).unwrap();
        assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
        assert_eq!(Model::read_header(&first).unwrap(), (model.graph, model.card));
    }

    #[test]
    fn training_statistics_go_with_the_file_and_leave_the_weights_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let (without, with) = (dir.path().join("a.safetensors"), dir.path().join("b.safetensors"));
        let mut model = tiny();
        model.save(&without).unwrap();
        let space = crate::network::FeatureSpace {
            of: "mid.relu2".into(),
            names: Vec::new(),
            mean: vec![0.1, 0.2],
            spread: vec![1.0, 1.0],
            axes: vec![vec![0.0, 1.0]],
            variances: vec![1.0],
            rest: 1.0,
            distances: vec![0.3, 0.4],
            neighbours: Some(crate::network::Neighbours {
                nearest: 1,
                points: vec![vec![0.12, -3.4], vec![5.0, 0.07]],
                distances: vec![4.24, 4.24],
            }),
        };
        let statistics = TrainingStatistics { images: 2, pixel_nm: None, spaces: vec![space] };
        model.training = Some(Arc::new(statistics.clone()));
        model.save(&with).unwrap();
        let loaded = Model::load(&with, &Device::Cpu).unwrap();
        assert_eq!(loaded.training.as_deref(), Some(&statistics));
        let tensors = |path: &Path| {
            let bytes = std::fs::read(path).unwrap();
            let header = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
            bytes[8 + header..].to_vec()
        };
        assert_eq!(tensors(&with), tensors(&without));
        let mut broken = statistics;
        broken.spaces[0].rest = 0.0;
        model.training = Some(Arc::new(broken));
        assert!(matches!(model.save(&with), Err(NetworkError::Card(_))));
    }

    #[test]
    fn the_file_is_a_safetensors_file_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.safetensors");
        let model = tiny();
        model.save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let others = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(others.len(), model.weights.tensors.len());
        let bias = others.tensor("dec1.up.bias").unwrap();
        assert_eq!(
            (bias.dtype(), bias.shape(), bias.data()),
            (safetensors::Dtype::F32, &[2][..], &[0; 8][..])
        );
    }

    #[test]
    fn a_model_that_does_not_fit_together_is_neither_made_nor_saved() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.safetensors");
        let mut model = tiny();
        model.weights.tensors.remove("head.bias");
        assert!(matches!(model.save(&path), Err(NetworkError::Weight { .. })));
        assert!(Model::new(model.graph, model.weights, model.card).is_err());
        let mut model = tiny();
        model.card.classes.pop();
        assert!(matches!(model.save(&path), Err(NetworkError::Card(_))));
        assert!(!path.exists());
        assert!(matches!(
            tiny().save(&dir.path().join("no folder/model.safetensors")),
            Err(NetworkError::Io { .. })
        ));
    }

    #[test]
    fn a_model_is_prepared_once_and_again_when_its_weights_were_replaced() {
        let mut model = tiny();
        let first = model.prepared();
        assert!(Arc::ptr_eq(&first, &model.prepared()));
        assert!(Arc::ptr_eq(&first, &model.clone().prepared()));
        let replaced = model.weights.tensors["head.bias"].ones_like().unwrap();
        model.weights.tensors.insert("head.bias".into(), replaced);
        let second = model.prepared();
        assert!(!Arc::ptr_eq(&first, &second) && Arc::ptr_eq(&second, &model.prepared()));
        let variable = candle_core::Var::from_tensor(&model.weights.tensors["head.bias"]).unwrap();
        model.weights.tensors.insert("head.bias".into(), variable.as_tensor().clone());
        assert!(
            !Arc::ptr_eq(&model.prepared(), &model.prepared()),
            "what changes in its place is never kept"
        );
        let other = Weights::initialised(&model.graph, 4, &Device::Cpu).unwrap();
        model.weights = other;
        model.graph.architecture = "other".into();
        assert!(!Arc::ptr_eq(&second, &model.prepared()));
    }
}
