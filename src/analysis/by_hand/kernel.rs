//! Kernels, where they meet the input, and what follows them.
use super::kept::{Placed, Spot};
use crate::analysis::AnalysisError;
use crate::inspect::{ByHand, ChannelPart, Following};
use crate::network::{Model, NetworkError, Node, Op, Weights};
use candle_core::{DType, Device, Tensor};
use ndarray::{Array2, Array3, Array4, Axis, s};
use std::collections::BTreeMap;

/// A node's weights as `[feature, channel, y, x]`; of a transposed convolution `[channel, feature, y, x]`, as PyTorch has
/// them, and of a dense layer planes of one pixel.
pub(super) struct Kernel<'a> {
    node: &'a Node,
    pub(super) weight: Array4<f32>,
    bias: Option<Vec<f32>>,
}

/// For each tap `[y, x]` of a kernel the place in the input that it meets.
type Taps = Array2<Option<[usize; 2]>>;

impl<'a> Kernel<'a> {
    pub(super) fn of(node: &'a Node, weights: &Weights) -> Result<Self, AnalysisError> {
        let (Op::Conv2d { bias: has_bias, .. }
        | Op::ConvTranspose2d { bias: has_bias, .. }
        | Op::Linear { bias: has_bias, .. }) = node.op
        else {
            let what = format!(
                "{} is {}, which has no kernel: choose a convolution or a dense layer",
                node.name,
                node.op.kind()
            );
            return Err(AnalysisError::Place(what));
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

    pub(super) fn take_apart(
        &self,
        (feature, spot): (usize, Spot),
        placed: &Placed,
        (values, names): (&BTreeMap<String, Array3<f32>>, Option<&[String]>),
        model: &Model,
    ) -> Result<ByHand, AnalysisError> {
        let graph = &model.graph;
        let read = placed.read(graph);
        let missing = || AnalysisError::Mismatch(format!("{} gave no values to take apart", self.node.name));
        let input = values.get(&graph.nodes()[read].name).ok_or_else(missing)?;
        let own = |name: &str| {
            let [y, x] = spot.here;
            values.get(name).and_then(|maps| maps.get((feature, y, x)).copied()).ok_or_else(missing)
        };
        let taps = self.taps(spot.here, [input.dim().1, input.dim().2]);
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
        for &index in &placed.then {
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
            at: spot.at,
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
                let told = format!(", {what} {}×{}", pair[0], pair[1]);
                kind += &told;
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
            let formula =
                format!("(x {}) / √({variance:.4} + {eps:e}) · {scale:.4} {}", added(-mean), added(shift));
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

/// Such as "+ 0.5000" or "− 0.5000".
fn added(value: f64) -> String {
    format!("{} {:.4}", if value < 0.0 { '−' } else { '+' }, value.abs())
}

fn numbers(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.to_dtype(DType::F32)?.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()
}
