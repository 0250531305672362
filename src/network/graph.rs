//! The network as a list of named nodes.
use super::{NetworkError, Op};
use serde::{Deserialize, Serialize};

/// One named operation and the nodes it reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /** unique; dots make groups: "enc1.conv2" */
    pub name: String,
    #[serde(flatten)]
    pub op: Op,
    pub inputs: Vec<String>,
}

/// Nodes in an order in which every input stands before its reader; the first is the input, the last the output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /** such as "unet" */
    pub architecture: String,
    nodes: Vec<Node>,
}

impl Graph {
    /// Checks and keeps the nodes (they are sorted topologically when need be).
    pub fn new(_architecture: &str, _nodes: Vec<Node>) -> Result<Self, NetworkError> {
        todo!()
    }
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }
    #[must_use]
    pub fn node(&self, _name: &str) -> Option<&Node> {
        todo!()
    }
    /// Index of each input of node `index`.
    #[must_use]
    pub fn inputs_of(&self, _index: usize) -> Vec<usize> {
        todo!()
    }
    #[must_use]
    pub fn input_channels(&self) -> usize {
        todo!()
    }
}
