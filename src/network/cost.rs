//! Parameters, multiply-adds and activation memory of every node.
use super::{Graph, NetworkError, ReceptiveField};
use serde::Serialize;

/// What a node is and costs, for one input size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeCost {
    pub name: String,
    pub kind: String,
    pub attributes: String,
    pub shape: Vec<usize>,
    pub parameters: usize,
    pub multiply_adds: u64,
    pub activation_bytes: u64,
    pub receptive_field: Option<ReceptiveField>,
}

/// One row a node, in the graph's order. Batch-norm running statistics are no parameters (PyTorch's counting).
pub fn describe(_graph: &Graph, _input: [usize; 3]) -> Result<Vec<NodeCost>, NetworkError> {
    todo!()
}
