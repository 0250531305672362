//! One value of a convolution or a dense layer, taken apart on a frame of a micrograph.
use super::attribute::{channel_names, planes};
use super::piece::Piece;
use super::tiling::{peak_bytes, window as pixels_of};
use super::{AnalysisError, RunSettings, memory, network_input};
use crate::imaging::Micrograph;
use crate::inspect::{ByHand, ChannelPart, FirstKernels, Following};
use crate::monitor::Monitor;
use crate::network::{
    Flow, Graph, Model, NetworkError, Node, Op, PreparedNetwork, Scope, receptive_window, total_stride,
};
use candle_core::{DType, Device, Tensor};
use ndarray::{Array2, Array3, Array4, Axis, s};
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

/// A node's weights as `[feature, channel, y, x]`; of a transposed convolution `[channel, feature, y, x]`, as PyTorch has
/// them, and of a dense layer planes of one pixel.
struct Kernel<'a> {
    node: &'a Node,
    weight: Array4<f32>,
    bias: Option<Vec<f32>>,
}

/// For each tap `[y, x]` of a kernel the place in the input that it meets.
type Taps = Array2<Option<[usize; 2]>>;

impl<'a> Kernel<'a> {
    fn of(node: &'a Node, weights: &crate::network::Weights) -> Result<Self, AnalysisError> {
        let has_bias = match node.op {
            Op::Conv2d { bias, .. } | Op::ConvTranspose2d { bias, .. } | Op::Linear { bias, .. } => bias,
            _ => {
                let what = format!(
                    "{} is {}, which has no kernel: choose a convolution or a dense layer",
                    node.name,
                    node.op.kind()
                );
                return Err(AnalysisError::Place(what));
            }
        };
        let failed = |source| NetworkError::Compute { node: node.name.clone(), source };
        let tensor = |suffix: &str| {
            let name = format!("{}.{suffix}", node.name);
            weights.tensors.get(&name).ok_or_else(|| NetworkError::Weight {
                name,
                expected: "a tensor".into(),
                found: "none".into(),
            })
        };
        let weight = tensor("weight")?;
        let dims = match *weight.dims() {
            [a, b, y, x] => [a, b, y, x],
            [a, b] => [a, b, 1, 1],
            _ => [weight.elem_count(), 1, 1, 1],
        };
        let weight = Array4::from_shape_vec(dims, numbers(weight).map_err(failed)?)
            .map_err(|error| failed(candle_core::Error::Msg(error.to_string())))?;
        let bias = has_bias.then(|| numbers(tensor("bias")?).map_err(failed)).transpose()?;
        Ok(Self { node, weight, bias })
    }

    /// First channel that a feature reads, how many, and where its kernels lie in the weights: `[feature, channel]`.
    fn channels(&self, feature: usize) -> (usize, usize) {
        match self.node.op {
            Op::Conv2d { out_channels, groups, .. } => {
                let each = self.weight.dim().1;
                (feature / (out_channels / groups) * each, each)
            }
            Op::ConvTranspose2d { in_channels, groups, .. } => {
                let each = in_channels / groups;
                (feature / self.weight.dim().1 * each, each)
            }
            _ => (0, self.weight.dim().1),
        }
    }

    fn kernel(&self, feature: usize, channel: usize) -> Array2<f32> {
        let (first, _) = self.channels(feature);
        match self.node.op {
            Op::ConvTranspose2d { .. } => {
                self.weight.slice(s![channel, feature % self.weight.dim().1, .., ..]).to_owned()
            }
            _ => self.weight.slice(s![feature, channel - first, .., ..]).to_owned(),
        }
    }

    /// Where the taps meet an input of `size` for the output `at`.
    fn taps(&self, at: [usize; 2], size: [usize; 2]) -> Taps {
        let (_, _, height, width) = self.weight.dim();
        let inside =
            |axis: usize, place: i64| usize::try_from(place).ok().filter(|place| *place < size[axis]);
        let met = |axis: usize, tap: usize| match &self.node.op {
            Op::Conv2d { stride, padding, dilation, .. } => {
                let from = (at[axis] * stride[axis] + tap * dilation[axis]) as i64;
                inside(axis, from - padding[axis] as i64)
            }
            Op::ConvTranspose2d { stride, padding, dilation, .. } => {
                let from = (at[axis] + padding[axis]) as i64 - (tap * dilation[axis]) as i64;
                let step = stride[axis] as i64;
                (from % step == 0).then(|| inside(axis, from / step)).flatten().filter(|_| from >= 0)
            }
            _ => Some(0),
        };
        Array2::from_shape_fn((height, width), |(y, x)| Some([met(0, y)?, met(1, x)?]))
    }

    fn take_apart(
        &self,
        feature: usize,
        place: &Placed,
        (graph, read): (&Graph, usize),
        (values, names): (&BTreeMap<String, Array3<f32>>, Option<&[String]>),
        model: &Model,
    ) -> Result<ByHand, AnalysisError> {
        let missing = || AnalysisError::Mismatch(format!("{} gave no values to take apart", self.node.name));
        let input = values.get(&graph.nodes()[read].name).ok_or_else(missing)?;
        let own = |name: &str| {
            let [y, x] = place.here;
            values.get(name).and_then(|maps| maps.get((feature, y, x)).copied()).ok_or_else(missing)
        };
        let taps = self.taps(place.here, [input.dim().1, input.dim().2]);
        let (first, count) = self.channels(feature);
        let part = |channel: usize| {
            let plane = input.index_axis(Axis(0), channel);
            let patch = taps.mapv(|tap| tap.map_or(0.0, |at| plane[at]));
            let kernel = self.kernel(feature, channel);
            let sum = patch.iter().zip(&kernel).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let name = names.and_then(|names| names.get(channel).cloned());
            ChannelPart { channel, name, patch, kernel, sum }
        };
        if first + count > input.dim().0 {
            return Err(missing());
        }
        let mut channels: Vec<ChannelPart> = (first..first + count).map(part).collect();
        let bias = self.bias.as_ref().and_then(|bias| bias.get(feature).copied());
        let total = channels.iter().map(|part| part.sum).sum::<f64>() + bias.map_or(0.0, f64::from);
        channels.sort_by(|a, b| b.sum.abs().total_cmp(&a.sum.abs()));
        let (mut then, mut value) = (Vec::new(), total);
        for &index in &place.then {
            let node = &graph.nodes()[index];
            let (formula, by_hand) = following(node, feature, value, model)?;
            let network = own(&node.name)?;
            value = by_hand.unwrap_or_else(|| f64::from(network));
            then.push(Following { node: node.name.clone(), formula, by_hand, network });
        }
        Ok(ByHand {
            node: self.node.name.clone(),
            kind: self.kind(),
            feature,
            at: place.at,
            input: graph.nodes()[read].name.clone(),
            there: taps.mapv(|tap| tap.is_some()),
            channels,
            bias,
            total,
            network: own(&self.node.name)?,
            then,
        })
    }

    /// Such as "Conv2d 3×3, stride 2×2, 4 groups".
    fn kind(&self) -> String {
        let (_, _, height, width) = self.weight.dim();
        let (Op::Conv2d { stride, dilation, groups, .. }
        | Op::ConvTranspose2d { stride, dilation, groups, .. }) = &self.node.op
        else {
            return self.node.op.kind().to_owned();
        };
        let mut kind = format!("{} {height}×{width}", self.node.op.kind());
        for (what, pair) in [("stride", stride), ("dilation", dilation)] {
            if *pair != [1, 1] {
                kind += &format!(", {what} {}×{}", pair[0], pair[1]);
            }
        }
        if *groups > 1 { format!("{kind}, {groups} groups") } else { kind }
    }
}

/// What a node makes of a value, as a formula with its numbers and worked out; functions that are no short formula are
/// only named.
fn following(
    node: &Node,
    feature: usize,
    x: f64,
    model: &Model,
) -> Result<(String, Option<f64>), AnalysisError> {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    Ok(match node.op {
        Op::BatchNorm2d { eps, .. } => {
            let number = |suffix: &str| {
                let name = format!("{}.{suffix}", node.name);
                let tensor = model.weights.tensors.get(&name).ok_or_else(|| NetworkError::Weight {
                    name,
                    expected: "a tensor".into(),
                    found: "none".into(),
                })?;
                let failed = |source| NetworkError::Compute { node: node.name.clone(), source };
                let values = numbers(tensor).map_err(failed)?;
                Ok::<f64, NetworkError>(values.get(feature).copied().map_or(f64::NAN, f64::from))
            };
            let (mean, variance) = (number("running_mean")?, number("running_var")?);
            let (scale, shift) = (number("weight")?, number("bias")?);
            let formula = format!("(x − {mean:.4}) / √({variance:.4} + {eps:e}) · {scale:.4} + {shift:.4}");
            (formula, Some((x - mean) / (variance + eps).sqrt() * scale + shift))
        }
        Op::Relu => ("max(0, x)".to_owned(), Some(x.max(0.0))),
        Op::LeakyRelu { slope } => {
            (format!("x, below 0 times {slope}"), Some(if x < 0.0 { x * slope } else { x }))
        }
        Op::Sigmoid => ("1 / (1 + exp(−x))".to_owned(), Some(sigmoid(x))),
        Op::Silu => ("x / (1 + exp(−x))".to_owned(), Some(x * sigmoid(x))),
        Op::Tanh => ("tanh(x)".to_owned(), Some(x.tanh())),
        Op::Gelu => ("x · Φ(x)".to_owned(), None),
        _ => (format!("{}(x)", node.op.kind()), None),
    })
}

fn numbers(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.to_dtype(DType::F32)?.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()
}

#[cfg(test)]
mod tests;
