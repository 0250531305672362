//! Walks the graph over tensors, with a tap at every node.
use super::layers::Layer;
use super::{Graph, NetworkError, Node, Op, Weights};
use crate::monitor::Monitor;
use candle_core::Tensor;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// What a tap wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Continue,
    /// No later node is wanted.
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

/// What training needs of a run: dropout's dice, and what the batch-norms saw in the last run.
pub struct TrainState {
    pub rng: StdRng,
    pub batch_statistics: Vec<BatchStatistics>,
}

impl TrainState {
    /// Same seed, same dropout.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), batch_statistics: Vec::new() }
    }
}

/// Running a trained network, or training one (batch statistics, dropout).
pub enum Mode<'a> {
    Eval,
    Train(&'a mut TrainState),
}

/// Runs the graph on `input` `[batch, channel, y, x]`; gives the last computed node's output (the graph's output unless
/// the tap stopped). Frees each value after its last reader. Cancellable between nodes.
///
/// Two things are otherwise in training, where time is dear: a batch-norm whose only reader is a ReLU is computed in one
/// with it and not shown to the tap, and progress does not go to the monitor, for the run is a small part of the work.
///
/// # Errors
/// An input that does not fit, a weight that is not there, what the tap says, or [`NetworkError::Cancelled`].
pub fn run(
    graph: &Graph,
    weights: &Weights,
    input: &Tensor,
    mode: Mode<'_>,
    tap: Tap<'_>,
    monitor: &Monitor,
) -> Result<Tensor, NetworkError> {
    let nodes = graph.nodes();
    graph.shapes_of(input_shape(graph, input)?)?;
    let mut train = match mode {
        Mode::Eval => None,
        Mode::Train(state) => {
            state.batch_statistics.clear();
            Some(state)
        }
    };
    let last_readers = last_readers(graph);
    let joined = if train.is_some() { joined_to_relu(graph) } else { vec![false; nodes.len()] };
    let mut values: Vec<Option<Tensor>> = vec![None; nodes.len()];
    let mut output = input.clone();
    for (index, node) in nodes.iter().enumerate() {
        monitor.check()?;
        let from = graph.inputs_of(index);
        let inputs: Vec<&Tensor> = from.iter().filter_map(|&i| values[i].as_ref()).collect();
        let value = match node.op {
            Op::Input { .. } | Op::Array { .. } => input.clone(),
            // Its input is that batch-norm, which has been through the ReLU.
            Op::Relu if joined[from[0]] => inputs[0].clone(),
            _ => {
                let layer = Layer { node, weights, inputs: &inputs, then_relu: joined[index] };
                layer.forward(train.as_deref_mut())?
            }
        };
        for i in from.into_iter().filter(|&i| last_readers[i] == index) {
            values[i] = None;
        }
        if train.is_none() {
            monitor.progress(index + 1, nodes.len())?;
        }
        if !joined[index] && tap(index, node, &value)? == Flow::Stop {
            return Ok(value);
        }
        if index + 1 == nodes.len() {
            output = value;
        } else {
            values[index] = Some(value);
        }
    }
    Ok(output)
}

/// For each node the last one that reads it; itself where nobody does.
pub(super) fn last_readers(graph: &Graph) -> Vec<usize> {
    let mut last: Vec<usize> = (0..graph.nodes().len()).collect();
    for index in 0..last.len() {
        for input in graph.inputs_of(index) {
            last[input] = index;
        }
    }
    last
}

/// For each node whether it is a batch-norm whose only reader is a ReLU.
fn joined_to_relu(graph: &Graph) -> Vec<bool> {
    let mut readers = vec![Vec::new(); graph.nodes().len()];
    for (index, node) in graph.nodes().iter().enumerate() {
        for input in graph.inputs_of(index) {
            readers[input].push(&node.op);
        }
    }
    let joined = |(node, readers): (&Node, Vec<&Op>)| {
        matches!(node.op, Op::BatchNorm2d { .. }) && matches!(readers[..], [Op::Relu])
    };
    graph.nodes().iter().zip(readers).map(joined).collect()
}

/// The input's shape, the batch apart: `[channel, y, x]` of an image.
pub(super) fn input_shape<'a>(graph: &Graph, input: &'a Tensor) -> Result<&'a [usize], NetworkError> {
    let axes = graph.input_array().map_or(3, <[usize]>::len);
    match input.dims() {
        [batch, shape @ ..] if *batch > 0 && shape.len() == axes => Ok(shape),
        dims => Err(NetworkError::Shape {
            node: graph.nodes().first().map(|node| node.name.clone()).unwrap_or_default(),
            expected: match graph.input_array() {
                None => "[batch, channel, y, x]".into(),
                Some(shape) => format!("a batch of {shape:?}"),
            },
            found: format!("{dims:?}"),
        }),
    }
}

/// Moves the running statistics towards what the last run saw: `(1 − momentum) · running + momentum · batch`, PyTorch's
/// momentum (its default is 0.1).
///
/// # Errors
/// When the weights have no running statistics for a node, or of another size.
pub fn update_running_statistics(
    weights: &mut Weights,
    state: &TrainState,
    momentum: f64,
) -> Result<(), NetworkError> {
    for seen in &state.batch_statistics {
        for (suffix, batch) in [("running_mean", &seen.mean), ("running_var", &seen.var)] {
            let name = format!("{}.{suffix}", seen.node);
            let Some(running) = weights.tensors.get_mut(&name) else {
                let (expected, found) = ("a tensor".into(), "none".into());
                return Err(NetworkError::Weight { name, expected, found });
            };
            let mixed = (running.detach() * (1.0 - momentum))
                .and_then(|old| old + (batch * momentum)?)
                .map_err(|source| NetworkError::Compute { node: seen.node.clone(), source })?;
            *running = mixed.detach();
        }
    }
    Ok(())
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
