//! One value of a convolution or a dense layer, taken apart on a frame of a micrograph.
mod kernel;

use super::attribute::{channel_names, planes};
use super::piece::Piece;
use super::tiling::{peak_bytes, window as pixels_of};
use super::{AnalysisError, RunSettings, memory, network_input};
use crate::imaging::Micrograph;
use crate::inspect::{ByHand, FirstKernels};
use crate::monitor::Monitor;
use crate::network::{
    Flow, Graph, Model, NetworkError, Node, Op, PreparedNetwork, Scope, receptive_window, total_stride,
};
use candle_core::{Device, Tensor};
use kernel::Kernel;
use ndarray::Array3;
use std::collections::BTreeMap;

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
    let graph = &model.graph;
    let index = graph.index_of(&probe.node).ok_or_else(|| {
        let known: Vec<&str> = graph.nodes().iter().map(|node| node.name.as_str()).collect();
        AnalysisError::Place(format!(
            "{} has no node {}; it has {}",
            model.card.name,
            probe.node,
            known.join(", ")
        ))
    })?;
    let kernel = Kernel::of(&graph.nodes()[index], &model.weights)?;
    let device = model.weights.tensors.values().next().map_or(device, |tensor| tensor.device());
    monitor.stage(&format!("Reading {}", micrograph.name()));
    let inputs = graph.input_channels();
    let image = network_input(&model.card, inputs, micrograph, settings.frame, settings.channels.as_deref())?;
    monitor.check()?;
    monitor.stage(&format!("Taking {} apart", probe.node));
    let names = channel_names(model, micrograph, settings);
    let place = Placed::find(probe, model, index, &image)?;
    let values = place.run(model, &image, device, monitor)?;
    let read = graph.inputs_of(index)[0];
    let names = is_image(graph, read).then_some(&names[..]);
    kernel.take_apart(probe.feature, &place, (graph, read), (&values, names), model)
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

/// Where the value is, and the nodes that make something of it next.
struct Placed {
    index: usize,
    part: Graph,
    piece: Piece,
    /// Of the node's output, `[y, x]`; in the whole image, and in the piece.
    at: [usize; 2],
    here: [usize; 2],
    then: Vec<usize>,
}

impl Placed {
    fn find(
        probe: &HandProbe,
        model: &Model,
        index: usize,
        image: &Array3<f32>,
    ) -> Result<Self, AnalysisError> {
        let graph = &model.graph;
        let size = [image.dim().1, image.dim().2];
        let per_image = model.card.scope(graph)? == Scope::PerImage;
        let stride = if per_image { [1, 1] } else { total_stride(graph) };
        let input = [0, 1].map(|axis| size[axis].next_multiple_of(stride[axis].max(1)));
        let then = followers(graph, index);
        let part = graph.up_to(then.last().copied().unwrap_or(index))?;
        let shapes = graph.shapes([image.dim().0, input[0], input[1]])?;
        let (features, [height, width]) = match *shapes[index].as_slice() {
            [features, y, x] => (features, [y, x]),
            [features, ..] => (features, [1, 1]),
            [] => (1, [1, 1]),
        };
        let wrong = |what: String| Err(AnalysisError::Place(what));
        let (node, feature) = (&probe.node, probe.feature);
        if feature >= features {
            return wrong(format!(
                "{node} has no feature {feature}, only 0 to {}",
                features.saturating_sub(1)
            ));
        }
        let at = probe.at.unwrap_or([height / 2, width / 2]);
        if at[0] >= height || at[1] >= width {
            let [y, x] = at;
            return wrong(format!("{node} has no place {y},{x}: its output has {height}×{width} (y×x)"));
        }
        let window = receptive_window(graph, index, at);
        // A value that sees nothing but the border is taken of the whole image.
        let piece = Piece::around(&part, window.as_ref(), input, at).unwrap_or_else(|_| Piece::whole(input));
        let here = piece.place(at);
        Ok(Self { index, part, piece, at, here, then })
    }

    /// Values of the node that is read, of the node, and of those that follow, on the piece.
    fn run(
        &self,
        model: &Model,
        image: &Array3<f32>,
        device: &Device,
        monitor: &Monitor,
    ) -> Result<BTreeMap<String, Array3<f32>>, AnalysisError> {
        let bytes = peak_bytes(&self.part, self.piece.size(), device)?;
        memory::check_free("Taking a value apart", bytes)?;
        let nodes = model.graph.nodes();
        let read = model.graph.inputs_of(self.index);
        let wanted: Vec<&str> = (self.then.iter().chain([&self.index]).chain(&read))
            .map(|&index| nodes[index].name.as_str())
            .collect();
        let pixels = pixels_of(image.view(), &self.piece.part);
        let shape = pixels.dim();
        let failed = |source| NetworkError::Compute { node: nodes[self.index].name.clone(), source };
        let input = Tensor::from_vec(pixels.into_raw_vec_and_offset().0, shape, device).map_err(failed)?;
        let mut values = BTreeMap::new();
        let mut tap = |_: usize, node: &Node, value: &Tensor| {
            values.insert(node.name.clone(), planes(value).map_err(failed)?);
            Ok(Flow::Continue)
        };
        let network = PreparedNetwork::new(&self.part, &model.weights);
        let wants = |_: usize, node: &Node| wanted.contains(&node.name.as_str());
        network.run(&input, &wants, &mut tap, monitor)?;
        Ok(values)
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
