//! How much memory a run will take.
use super::{Graph, NetworkError};

/// Bytes a run needs at its worst moment, weights included, and at which node that is.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Forecast {
    pub peak_bytes: u64,
    pub weight_bytes: u64,
    pub worst_node: String,
}

/// For a batch of one of input `[c, y, x]`, without taps.
pub fn forecast(_graph: &Graph, _input: [usize; 3]) -> Result<Forecast, NetworkError> {
    todo!()
}
