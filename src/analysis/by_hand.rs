//! One value of a convolution or a dense layer, taken apart on a frame of a micrograph.
mod kept;
mod kernel;

pub use kept::HandRun;

use super::{AnalysisError, RunSettings};
use crate::imaging::Micrograph;
use crate::inspect::{ByHand, FirstKernels};
use crate::monitor::Monitor;
use crate::network::{Graph, Model, Op};
use candle_core::Device;
use kernel::Kernel;

/// Which value to take apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandProbe {
    /// A convolution, also transposed, grouped or depthwise, or a dense layer.
    pub node: String,
    pub feature: usize,
    /// `[y, x]` of the node's output; `None`: its middle.
    pub at: Option<[usize; 2]>,
}

/// Patch, kernel, products and sums of one value, with the network's own number beside them.
///
/// The network is run on the piece of the image that the value sees.
///
/// # Errors
/// [`AnalysisError::Place`] for a node without a kernel, or a feature or place that is not there, and those of reading and
/// running.
pub fn by_hand(
    probe: &HandProbe,
    model: &Model,
    (micrograph, settings): (&Micrograph, &RunSettings),
    device: &Device,
    monitor: &Monitor,
) -> Result<ByHand, AnalysisError> {
    HandRun::of(probe, model, (micrograph, settings), (device, 0), monitor)?.take_apart(probe, model)
}

/// Kernels of the first layer that reads the image, with the microscope's names for their channels; `None` where the image
/// goes elsewhere first.
///
/// # Errors
/// A weight that is not there.
pub fn first_kernels(model: &Model, names: &[String]) -> Result<Option<FirstKernels>, AnalysisError> {
    let graph = &model.graph;
    let reads = |index: usize| graph.inputs_of(index).first().is_some_and(|&input| is_image(graph, input));
    let first = graph
        .nodes()
        .iter()
        .enumerate()
        .find(|(index, node)| matches!(node.op, Op::Conv2d { groups: 1, .. }) && reads(*index));
    let Some((_, node)) = first else { return Ok(None) };
    let Kernel { weight, .. } = Kernel::of(node, &model.weights)?;
    let channels =
        (0..weight.dim().1).map(|c| names.get(c).cloned().unwrap_or_else(|| format!("channel {c}")));
    Ok(Some(FirstKernels { node: node.name.clone(), channels: channels.collect(), kernels: weight }))
}

/// Whether a node's channels are the image's.
fn is_image(graph: &Graph, mut index: usize) -> bool {
    loop {
        match graph.nodes()[index].op {
            Op::Input { .. } => return true,
            Op::Pad { .. } | Op::Identity | Op::Dropout { .. } | Op::BatchNorm2d { .. } => {
                index = graph.inputs_of(index)[0];
            }
            _ => return false,
        }
    }
}

/// Batch-norm and functions of one value that follow a node, as long as nobody else reads what is between.
fn followers(graph: &Graph, index: usize) -> Vec<usize> {
    let (mut found, mut last) = (Vec::new(), index);
    loop {
        let mut readers = (last + 1..graph.nodes().len()).filter(|&i| graph.inputs_of(i).contains(&last));
        let (Some(next), None) = (readers.next(), readers.next()) else { return found };
        let follows = matches!(
            graph.nodes()[next].op,
            Op::BatchNorm2d { .. }
                | Op::Relu
                | Op::LeakyRelu { .. }
                | Op::Gelu
                | Op::Silu
                | Op::Sigmoid
                | Op::Tanh
                | Op::Map { .. }
        );
        if !follows {
            return found;
        }
        found.push(next);
        last = next;
    }
}

#[cfg(test)]
mod tests;
