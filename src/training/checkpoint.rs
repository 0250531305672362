//! What a training needs to go on after a break: weights, the optimiser's moments, the step and the best so far.
//!
//! A safetensors file beside the model: tensors `weights/NAME`, `first/NAME`, `second/NAME` and `best/NAME`, numbers in
//! its metadata. There is no state of dice: each step's are thrown from the seed and the step's number.
use super::score::Scores;
use super::{Recipe, TrainingError};
use crate::files::{hex, write_whole};
use crate::network::Weights;
use candle_core::{Device, Tensor};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The best weights so far, and how well they do.
#[derive(Debug, Clone)]
pub(super) struct Best {
    pub step: usize,
    pub scores: Scores,
    pub weights: Weights,
}

/// A training between two steps.
#[derive(Debug)]
pub(super) struct Checkpoint {
    pub weights: BTreeMap<String, Tensor>,
    pub first_moments: BTreeMap<String, Tensor>,
    pub second_moments: BTreeMap<String, Tensor>,
    pub step: usize,
    pub seconds: f64,
    pub best: Option<Best>,
}

/// The numbers of a checkpoint, as JSON.
#[derive(Serialize, Deserialize)]
struct State {
    recipe: String,
    step: usize,
    seconds: f64,
    best: Option<(usize, Scores)>,
}

const KEY: &str = "polepiece_checkpoint";

/// `model.safetensors` has its checkpoint in `model.checkpoint`.
pub(super) fn checkpoint_path(model: &Path) -> PathBuf {
    model.with_extension("checkpoint")
}

fn fingerprint(recipe: &Recipe) -> String {
    hex(&Sha256::digest(recipe.text.as_bytes()))
}

impl Checkpoint {
    pub(super) fn save(&self, recipe: &Recipe, path: &Path) -> Result<(), TrainingError> {
        let state = State {
            recipe: fingerprint(recipe),
            step: self.step,
            seconds: self.seconds,
            best: self.best.as_ref().map(|best| (best.step, best.scores.clone())),
        };
        let state = serde_json::to_string(&state).map_err(|e| bad(path, &e.to_string()))?;
        let empty = BTreeMap::new();
        let best = self.best.as_ref().map_or(&empty, |best| &best.weights.tensors);
        let groups = [
            ("weights", &self.weights),
            ("first", &self.first_moments),
            ("second", &self.second_moments),
            ("best", best),
        ];
        let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        for (group, (name, tensor)) in groups.into_iter().flat_map(|(g, all)| all.iter().map(move |t| (g, t)))
        {
            let values = tensor.flatten_all()?.to_vec1::<f32>()?;
            let bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
            tensors.push((format!("{group}/{name}"), tensor.dims().to_vec(), bytes));
        }
        let views: Vec<(&str, TensorView<'_>)> = tensors
            .iter()
            .map(|(name, shape, bytes)| {
                Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?))
            })
            .collect::<Result<_, safetensors::SafeTensorError>>()
            .map_err(|e| bad(path, &e.to_string()))?;
        let metadata = HashMap::from([(KEY.to_owned(), state)]);
        let bytes = serialize(views, Some(metadata)).map_err(|e| bad(path, &e.to_string()))?;
        write_whole(path, |file| file.write_all(&bytes))
            .map_err(|source| TrainingError::Io { path: path.to_path_buf(), source })
    }

    /// Reads a checkpoint of the same recipe; another recipe's is an error.
    pub(super) fn load(recipe: &Recipe, path: &Path, device: &Device) -> Result<Self, TrainingError> {
        let bytes = std::fs::read(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => bad(path, "There is no checkpoint to go on from"),
            _ => TrainingError::Io { path: path.to_path_buf(), source },
        })?;
        let damaged = |e: &dyn std::fmt::Display| bad(path, &format!("Damaged checkpoint ({e})"));
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(&e))?;
        let state =
            header.metadata().as_ref().and_then(|m| m.get(KEY)).ok_or_else(|| damaged(&"no state"))?;
        let state: State = serde_json::from_str(state).map_err(|e| damaged(&e))?;
        if state.recipe != fingerprint(recipe) {
            return Err(bad(path, "The checkpoint was made with another recipe"));
        }
        let mut groups: BTreeMap<&str, BTreeMap<String, Tensor>> = BTreeMap::new();
        let tensors = SafeTensors::deserialize(&bytes).map_err(|e| damaged(&e))?;
        for (name, view) in tensors.tensors() {
            let group = ["weights", "first", "second", "best"]
                .into_iter()
                .find_map(|group| Some((group, name.strip_prefix(group)?.strip_prefix('/')?)));
            let Some((group, name)) = group.filter(|_| view.dtype() == Dtype::F32) else {
                return Err(damaged(&format!("foreign tensor {name}")));
            };
            let values: Vec<f32> =
                view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            let tensor = Tensor::from_vec(values, view.shape(), device)?;
            groups.entry(group).or_default().insert(name.to_owned(), tensor);
        }
        let mut take = |group| groups.remove(group).unwrap_or_default();
        let best = state.best.map(|(step, scores)| Best {
            step,
            scores,
            weights: Weights { tensors: take("best") },
        });
        Ok(Self {
            weights: take("weights"),
            first_moments: take("first"),
            second_moments: take("second"),
            step: state.step,
            seconds: state.seconds,
            best,
        })
    }
}

fn bad(path: &Path, what: &str) -> TrainingError {
    TrainingError::Bad { path: path.to_path_buf(), what: what.to_owned() }
}
