//! How much memory a run will take, from shapes alone.
use super::computed::Convolution;
use super::plan::{Plan, Step};
use super::{Graph, NetworkError, Node, Op};
use crate::compute::{self, ConvKind, conv_packed_bytes};

/// Bytes a run needs at its worst moment, and at which node that is.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Forecast {
    /// With weights and packed weights.
    pub peak_bytes: u64,
    pub weight_bytes: u64,
    /// Weights once more, in the order in which the kernels read them.
    pub packed_bytes: u64,
    pub worst_node: String,
}

/// For a batch of one of input `[c, y, x]` through a [`super::PreparedNetwork`] of which nothing in between is wanted.
///
/// # Errors
/// An input that does not fit the graph.
pub fn forecast(graph: &Graph, input: [usize; 3]) -> Result<Forecast, NetworkError> {
    forecast_wanting(graph, input, &|_, _| false)
}

/// The same where the values of some nodes are wanted: they come into being, and the tap copies what it sees. What it
/// keeps of it comes on top.
///
/// Values live from the step that makes them to their last reader, as in a run; nodes that hand their input on
/// (Flatten, Reshape, Identity, Dropout) make no new one. What an operation takes beside its result is added while it runs.
///
/// # Errors
/// As [`forecast`].
pub fn forecast_wanting(
    graph: &Graph,
    input: [usize; 3],
    wants: &dyn Fn(usize, &Node) -> bool,
) -> Result<Forecast, NetworkError> {
    let shapes = graph.shapes(input)?;
    let plan = Plan::new(graph, wants);
    let mut memory = Memory::new(graph.nodes().iter().zip(&shapes).map(value_bytes).collect());
    let (mut peak, mut worst, mut packed_bytes) = (0, "", 0);
    for step in &plan.steps {
        let node = &graph.nodes()[step.node];
        memory.make(step, node);
        let beside = beside(node, memory.bytes[step.gives]);
        let copied = if plan.wanted[step.gives] { memory.bytes[step.gives] } else { 0 };
        let now = memory.alive + beside.max(copied);
        if now > peak {
            (peak, worst) = (now, &node.name);
        }
        step.frees.iter().for_each(|&value| memory.free(value));
        packed_bytes += packed(graph, step.node, &shapes)?;
    }
    let weight_bytes: u64 = graph.parameters().iter().map(|p| bytes_of(&p.shape)).sum();
    let peak_bytes = peak + weight_bytes + packed_bytes + compute::scratch_bytes();
    Ok(Forecast { peak_bytes, weight_bytes, packed_bytes, worst_node: worst.to_owned() })
}

/// Bytes that the hungriest convolution takes beside its inputs and its result where our own kernels do not compute: there
/// the peak is at most so much higher.
///
/// # Errors
/// An input that does not fit the graph.
pub fn workspace_elsewhere(graph: &Graph, input: [usize; 3]) -> Result<u64, NetworkError> {
    let shapes = graph.shapes(input)?;
    let of_node = |index: usize| {
        let Convolution { kind, x, weight, .. } = Convolution::of(graph, index, &shapes)?;
        let &[channels, height, width] = shapes[index].as_slice() else { return None };
        // The image of a transposed convolution is set apart to the size of its map.
        let size = if kind == ConvKind::Plain { [x[2], x[3]] } else { [height, width] };
        let (image, map) = ([x[1], size[0], size[1]], [channels, height, width]);
        Some(compute::conv_bytes_elsewhere(image, map, [weight[2], weight[3]]))
    };
    Ok((0..graph.nodes().len()).filter_map(of_node).max().unwrap_or(0))
}

fn bytes_of(shape: &[usize]) -> u64 {
    4 * shape.iter().map(|&n| n as u64).product::<u64>()
}

/// What a node's value takes; constants are weights.
fn value_bytes((node, shape): (&Node, &Vec<usize>)) -> u64 {
    if let Op::Constant { .. } = node.op { 0 } else { bytes_of(shape) }
}

/// Which values are there.
struct Memory {
    /// Of each node's value.
    bytes: Vec<u64>,
    /// For each node the one whose memory its value lies in.
    owners: Vec<usize>,
    /// How many values lie there.
    holders: Vec<usize>,
    alive: u64,
}

impl Memory {
    fn new(bytes: Vec<u64>) -> Self {
        let (owners, holders) = ((0..bytes.len()).collect(), vec![0; bytes.len()]);
        Self { bytes, owners, holders, alive: 0 }
    }

    fn make(&mut self, step: &Step, node: &Node) {
        if matches!(node.op, Op::Flatten | Op::Reshape { .. } | Op::Identity | Op::Dropout { .. }) {
            self.owners[step.gives] = self.owners[step.reads[0]];
        } else {
            self.alive += self.bytes[step.gives];
        }
        // The caller holds the input too.
        self.holders[self.owners[step.gives]] += if step.reads.is_empty() { 2 } else { 1 };
    }

    fn free(&mut self, value: usize) {
        let owner = self.owners[value];
        self.holders[owner] -= 1;
        if self.holders[owner] == 0 {
            self.alive -= self.bytes[owner];
        }
    }
}

/// Bytes an operation takes beside its inputs and its result: what lies on the way of adding more than two.
fn beside(node: &Node, result: u64) -> u64 {
    match node.op {
        Op::Add | Op::Concat { .. } if node.inputs.len() > 2 => result,
        Op::Linear { bias: true, .. } => result,
        _ => 0,
    }
}

/// Bytes of a convolution's packed weights.
fn packed(graph: &Graph, index: usize, shapes: &[Vec<usize>]) -> Result<u64, NetworkError> {
    let Some(conv) = Convolution::of(graph, index, shapes) else { return Ok(0) };
    conv_packed_bytes(conv.kind, conv.spec, conv.x, conv.weight)
        .map_err(|source| NetworkError::Compute { node: graph.nodes()[index].name.clone(), source })
}

#[cfg(test)]
mod tests;
