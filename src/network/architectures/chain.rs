//! Puts nodes one after another, each reading the one before unless told otherwise.

use crate::network::{Graph, NetworkError, Node, Op};

/// A graph under construction.
pub(super) struct Chain {
    nodes: Vec<Node>,
    /// What the names of new nodes begin with: "encoder.".
    group: String,
}

/// A node that others come back to, and its channels.
pub(super) type Stage = (String, usize);

impl Chain {
    /// Begins with the node "input".
    pub(super) fn new(channels: usize) -> Self {
        let input = Node { name: "input".into(), op: Op::Input { channels }, inputs: Vec::new() };
        Self { nodes: vec![input], group: String::new() }
    }

    /// From here on the names of new nodes begin with `group`; the names of inputs are whole ones.
    pub(super) fn enter(&mut self, group: &str) {
        group.clone_into(&mut self.group);
    }

    /// Adds a node that reads the last one.
    pub(super) fn push(&mut self, name: impl Into<String>, op: Op) {
        let inputs = vec![self.last()];
        self.push_from(name, op, inputs);
    }

    /// Adds a node that reads these.
    pub(super) fn push_from(&mut self, name: impl Into<String>, op: Op, inputs: Vec<String>) {
        let name = format!("{}{}", self.group, name.into());
        self.nodes.push(Node { name, op, inputs });
    }

    /// Name of the last node.
    pub(super) fn last(&self) -> String {
        self.nodes.last().map(|node| node.name.clone()).unwrap_or_default()
    }

    pub(super) fn finish(self, architecture: &str) -> Result<Graph, NetworkError> {
        Graph::new(architecture, self.nodes)
    }
}

/// A square convolution of stride 1.
pub(super) fn conv(from: usize, to: usize, kernel: usize, padding: usize, bias: bool) -> Op {
    strided_conv([from, to], kernel, 1, padding, bias)
}

/// A square convolution.
pub(super) fn strided_conv(
    [from, to]: [usize; 2],
    kernel: usize,
    stride: usize,
    padding: usize,
    bias: bool,
) -> Op {
    Op::Conv2d {
        in_channels: from,
        out_channels: to,
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
        dilation: [1; 2],
        groups: 1,
        bias,
    }
}

/// Halves y and x, keeping the largest of each 2×2.
pub(super) fn max_pool() -> Op {
    Op::MaxPool2d { kernel: [2; 2], stride: [2; 2], padding: [0; 2] }
}

/// A batch-norm of PyTorch's usual eps.
pub(super) fn batch_norm(channels: usize) -> Op {
    Op::BatchNorm2d { channels, eps: 1e-5 }
}

/// A dense layer with bias.
pub(super) fn dense(from: usize, to: usize) -> Op {
    Op::Linear { in_features: from, out_features: to, bias: true }
}

/// Refuses a count of nothing, in words: "A U-Net needs at least 1 class, found 0".
pub(super) fn at_least(what: &str, least: usize, of: &str, found: usize) -> Result<(), NetworkError> {
    if found >= least {
        return Ok(());
    }
    Err(NetworkError::Graph(format!("{what} needs at least {least} {of}, found {found}")))
}
