//! A model is one file: graph + weights + card, a `.safetensors` whose metadata holds the first and last as JSON.
use super::{Graph, ModelCard, NetworkError, Weights};
use candle_core::Device;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone)]
pub struct Model {
    pub graph: Graph,
    pub weights: Weights,
    pub card: ModelCard,
    /** where it was loaded from */
    pub path: Option<PathBuf>,
    /** of the file, 64 hex digits */
    pub sha256: Option<String>,
}

impl Model {
    pub fn new(_graph: Graph, _weights: Weights, _card: ModelCard) -> Result<Self, NetworkError> {
        todo!()
    }
    /// Loads and checks everything; never allocates what a lying header claims.
    pub fn load(_path: &Path, _device: &Device) -> Result<Self, NetworkError> {
        todo!()
    }
    /// Graph and card alone, without reading the weights.
    pub fn read_header(_path: &Path) -> Result<(Graph, ModelCard), NetworkError> {
        todo!()
    }
    /// Writes the file whole or not at all.
    pub fn save(&self, _path: &Path) -> Result<(), NetworkError> {
        todo!()
    }
}
