//! Which input pixels an output can see.
use super::Graph;
use serde::Serialize;

/// Receptive field along y and x in input pixels. Output index `i` sees input `start + i·jump .. start + i·jump + size`
/// (the union over branches; with transposed convolutions the widest over output positions).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReceptiveField {
    pub size: [f64; 2],
    pub jump: [f64; 2],
    pub start: [f64; 2],
}

/// One a node; `None` where the whole image is seen (after global pooling or flattening).
#[must_use]
pub fn receptive_fields(_graph: &Graph) -> Vec<Option<ReceptiveField>> {
    todo!()
}
