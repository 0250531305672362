//! Walks the graph over tensors, with a tap at every node.
use super::{Graph, NetworkError, Node, Weights};
use crate::monitor::Monitor;
use candle_core::Tensor;
use rand::rngs::StdRng;

/// What a tap wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Continue,
    /** no later node is wanted */
    Stop,
}

/// Called with each node's output `[batch, …]` as soon as it is computed.
pub type Tap<'a> = &'a mut dyn FnMut(usize, &Node, &Tensor) -> Result<Flow, NetworkError>;

/// A tap that wants nothing.
pub fn no_tap(_: usize, _: &Node, _: &Tensor) -> Result<Flow, NetworkError> {
    Ok(Flow::Continue)
}

/// Mean and (unbiased) variance `[channel]` that a batch-norm node saw in training.
#[derive(Debug, Clone)]
pub struct BatchStatistics {
    pub node: String,
    pub mean: Tensor,
    pub var: Tensor,
}

/// What training needs of a run: dropout's dice, and what the batch-norms saw.
pub struct TrainState {
    pub rng: StdRng,
    pub batch_statistics: Vec<BatchStatistics>,
}

/// Running a trained network, or training one (batch statistics, dropout).
pub enum Mode<'a> {
    Eval,
    Train(&'a mut TrainState),
}

/// Runs the graph on `input` `[batch, channel, y, x]`; gives the last computed node's output (the graph's output unless
/// the tap stopped). Frees each value after its last reader. Cancellable between nodes.
pub fn run(
    _graph: &Graph,
    _weights: &Weights,
    _input: &Tensor,
    _mode: Mode<'_>,
    _tap: Tap<'_>,
    _monitor: &Monitor,
) -> Result<Tensor, NetworkError> {
    todo!()
}
