//! The tensors a graph needs, by name.
use super::{Graph, NetworkError};
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;

/// A tensor the graph needs: "enc1.conv1.weight", PyTorch's layout and names (`weight`, `bias`, `running_mean`, `running_var`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterSpec {
    pub name: String,
    pub shape: Vec<usize>,
    /** false for running statistics */
    pub trainable: bool,
}

/// All tensors of a model, f32.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    pub tensors: BTreeMap<String, Tensor>,
}

impl Graph {
    /// Every tensor this graph needs, in the graph's order.
    #[must_use]
    pub fn parameters(&self) -> Vec<ParameterSpec> {
        todo!()
    }
}

impl Weights {
    /// He-normal for convolutions and dense layers (fan-in), zeros for biases, ones and zeros for norms. Same seed, same numbers.
    pub fn initialised(_graph: &Graph, _seed: u64, _device: &Device) -> Result<Self, NetworkError> {
        todo!()
    }
    /// Checks that every tensor is there with its shape and that none is superfluous.
    pub fn check(&self, _graph: &Graph) -> Result<(), NetworkError> {
        todo!()
    }
}
