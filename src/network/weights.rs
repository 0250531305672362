//! The tensors a graph needs, by name.

use super::{Graph, NetworkError, Node, Op};
use crate::compute::memory_of;
use candle_core::{DType, Device, Tensor};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, StandardNormal};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A tensor the graph needs: "enc1.conv1.weight", PyTorch's layout and names (`weight`, `bias`, `running_mean`,
/// `running_var`; `value` of a constant).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterSpec {
    pub name: String,
    /// Convolutions `[out, in / groups, y, x]`, transposed ones `[in, out / groups, y, x]`, dense layers `[out, in]`,
    /// layer norms and constants as they say, all others `[channel]`.
    pub shape: Vec<usize>,
    /// False for running statistics and constants.
    pub trainable: bool,
}

/// All tensors of a model, f32.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    pub tensors: BTreeMap<String, Tensor>,
}

impl Graph {
    /// Every tensor this graph needs, in the graph's order.
    #[must_use]
    pub fn parameters(&self) -> Vec<ParameterSpec> {
        self.nodes().iter().flat_map(Node::parameters).collect()
    }
}

impl Node {
    /// The tensors this node needs.
    #[must_use]
    pub fn parameters(&self) -> Vec<ParameterSpec> {
        let tensors: Vec<(&str, Vec<usize>)> = match &self.op {
            Op::BatchNorm2d { channels, .. } => {
                ["weight", "bias", "running_mean", "running_var"].map(|name| (name, vec![*channels])).into()
            }
            Op::GroupNorm { channels, .. } => ["weight", "bias"].map(|name| (name, vec![*channels])).into(),
            Op::LayerNorm { shape, .. } => ["weight", "bias"].map(|name| (name, shape.clone())).into(),
            Op::Constant { shape } => vec![("value", shape.clone())],
            op => weight_and_bias(op),
        };
        let spec = |(suffix, shape): (&str, Vec<usize>)| ParameterSpec {
            name: format!("{}.{suffix}", self.name),
            shape,
            trainable: suffix == "weight" || suffix == "bias",
        };
        tensors.into_iter().map(spec).collect()
    }
}

/// Suffixes and shapes of a convolution's or dense layer's tensors.
fn weight_and_bias(op: &Op) -> Vec<(&'static str, Vec<usize>)> {
    let (weight, bias) = match op {
        Op::Conv2d { in_channels, out_channels, kernel, groups, bias, .. } => {
            (vec![*out_channels, in_channels / groups, kernel[0], kernel[1]], bias.then_some(*out_channels))
        }
        Op::ConvTranspose2d { in_channels, out_channels, kernel, groups, bias, .. } => {
            (vec![*in_channels, out_channels / groups, kernel[0], kernel[1]], bias.then_some(*out_channels))
        }
        Op::Linear { in_features, out_features, bias } => {
            (vec![*out_features, *in_features], bias.then_some(*out_features))
        }
        _ => return Vec::new(),
    };
    let bias = bias.map(|channels| ("bias", vec![channels]));
    std::iter::once(("weight", weight)).chain(bias).collect()
}

impl Weights {
    /// He-normal for convolutions and dense layers (He et al. 2015, arXiv:1502.01852, by fan-in), zeros for biases,
    /// ones and zeros for norms.
    ///
    /// Same seed, same numbers: each tensor has its own dice, thrown from the seed and its name, so that adding a node
    /// changes no other node's weights. A transposed convolution's fan-in is what one output pixel reads,
    /// `in / groups · kernel / stride`.
    ///
    /// # Errors
    /// When they do not fit the memory that is free, or the device refuses them.
    pub fn initialised(graph: &Graph, seed: u64, device: &Device) -> Result<Self, NetworkError> {
        check_memory(graph, memory_of(device).map(|memory| memory.free))?;
        let mut tensors = BTreeMap::new();
        for node in graph.nodes() {
            for spec in node.parameters() {
                let tensor = initial(&node.op, &spec, seed, device);
                let failed = |source| NetworkError::Compute { node: node.name.clone(), source };
                tensors.insert(spec.name, tensor.map_err(failed)?);
            }
        }
        Ok(Self { tensors })
    }

    /// Checks that every tensor is there with its shape and that none is superfluous.
    ///
    /// # Errors
    /// [`NetworkError::Weight`] for the first one that is missing, superfluous, of another shape or not f32.
    pub fn check(&self, graph: &Graph) -> Result<(), NetworkError> {
        let found = self.tensors.iter().map(|(name, tensor)| {
            (name.as_str(), tensor.dims(), (tensor.dtype() != DType::F32).then(|| tensor.dtype().as_str()))
        });
        check_found(graph, found)
    }
}

/// Refuses weights that would not fit into `free` bytes (`None`: unknown), before any are made.
pub(super) fn check_memory(graph: &Graph, free: Option<u64>) -> Result<(), NetworkError> {
    let values = |spec: &ParameterSpec| spec.shape.iter().product::<usize>() as u64;
    let bytes = graph.parameters().iter().fold(0, |sum: u64, spec| sum.saturating_add(values(spec) * 4));
    match free {
        Some(free) if bytes > free => Err(NetworkError::Graph(format!(
            "The network's weights need {:.1} GB of memory, {:.1} GB are free",
            bytes as f64 / 1e9,
            free as f64 / 1e9
        ))),
        _ => Ok(()),
    }
}

/// A tensor's size as people write it: "16×8×3×3", "[2]".
pub(super) fn size_text(shape: &[usize]) -> String {
    match shape {
        [] | [_] => format!("{shape:?}"),
        _ => shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×"),
    }
}

/// Checks names, shapes and types (`None`: f32) against what the graph needs.
pub(super) fn check_found<'a>(
    graph: &Graph,
    found: impl Iterator<Item = (&'a str, &'a [usize], Option<&'a str>)>,
) -> Result<(), NetworkError> {
    let error = |name: &str, expected: String, found: String| {
        Err(NetworkError::Weight { name: name.to_owned(), expected, found })
    };
    let mut found: BTreeMap<&str, (&[usize], Option<&str>)> =
        found.map(|(name, shape, other_type)| (name, (shape, other_type))).collect();
    for spec in graph.parameters() {
        let Some((shape, other_type)) = found.remove(spec.name.as_str()) else {
            return error(&spec.name, size_text(&spec.shape), "nothing".into());
        };
        if let Some(other_type) = other_type {
            return error(&spec.name, "f32".into(), other_type.to_lowercase());
        }
        if shape != spec.shape {
            return error(&spec.name, size_text(&spec.shape), size_text(shape));
        }
    }
    match found.first_key_value() {
        Some((name, (shape, _))) => error(name, "no such weight".into(), size_text(shape)),
        None => Ok(()),
    }
}

fn initial(op: &Op, spec: &ParameterSpec, seed: u64, device: &Device) -> candle_core::Result<Tensor> {
    let shape = spec.shape.as_slice();
    let weight = spec.name.ends_with(".weight");
    match (fan_in(op), op) {
        (Some(fan_in), _) if weight => {
            let tensor = he_normal(spec, fan_in, seed);
            Tensor::from_vec(tensor, shape, device)
        }
        (_, Op::BatchNorm2d { .. } | Op::GroupNorm { .. } | Op::LayerNorm { .. })
            if weight || spec.name.ends_with(".running_var") =>
        {
            Tensor::ones(shape, DType::F32, device)
        }
        _ => Tensor::zeros(shape, DType::F32, device),
    }
}

/// How many values one output value is the weighted sum of.
fn fan_in(op: &Op) -> Option<f32> {
    match *op {
        Op::Conv2d { in_channels, kernel, groups, .. } => {
            Some((in_channels / groups * kernel[0] * kernel[1]) as f32)
        }
        Op::ConvTranspose2d { in_channels, kernel, stride, groups, .. } => {
            let taps = |axis: usize| (kernel[axis] as f32 / stride[axis] as f32).max(1.0);
            Some((in_channels / groups) as f32 * taps(0) * taps(1))
        }
        Op::Linear { in_features, .. } => Some(in_features as f32),
        _ => None,
    }
}

fn he_normal(spec: &ParameterSpec, fan_in: f32, seed: u64) -> Vec<f32> {
    let dice_seed = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(&spec.name).finalize();
    let mut dice = StdRng::from_seed(dice_seed.into());
    let std = (2.0 / fan_in).sqrt();
    let throw = |_| {
        let normal: f32 = StandardNormal.sample(&mut dice);
        normal * std
    };
    (0..spec.shape.iter().product::<usize>()).map(throw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Resample;
    use crate::network::architectures::{UnetSpec, lenet, mlp, unet};

    fn small_unet() -> Graph {
        let upsample = Some(Resample::Bilinear);
        unet(UnetSpec { in_channels: 1, classes: 2, base: 4, depth: 2, batch_norm: true, upsample }).unwrap()
    }

    fn numbers(weights: &Weights, name: &str) -> Vec<f32> {
        weights.tensors[name].flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn names_and_shapes_are_pytorchs() {
        let spec = |name: &str, shape: &[usize], trainable| ParameterSpec {
            name: name.into(),
            shape: shape.into(),
            trainable,
        };
        assert_eq!(
            small_unet().parameters()[..6],
            [
                spec("enc1.conv1.weight", &[4, 1, 3, 3], true),
                spec("enc1.bn1.weight", &[4], true),
                spec("enc1.bn1.bias", &[4], true),
                spec("enc1.bn1.running_mean", &[4], false),
                spec("enc1.bn1.running_var", &[4], false),
                spec("enc1.conv2.weight", &[4, 4, 3, 3], true),
            ]
        );
        let grouped = Op::ConvTranspose2d {
            in_channels: 6,
            out_channels: 4,
            kernel: [2, 3],
            stride: [2, 2],
            padding: [0, 0],
            output_padding: [0, 0],
            dilation: [1, 1],
            groups: 2,
            bias: true,
        };
        let node = Node { name: "up".into(), op: grouped, inputs: vec!["input".into()] };
        // torch.nn.ConvTranspose2d(6, 4, (2, 3), 2, groups=2).weight.shape is (6, 2, 2, 3).
        assert_eq!(node.parameters(), [spec("up.weight", &[6, 2, 2, 3], true), spec("up.bias", &[4], true)]);
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_seed_others() {
        let graph = lenet(1, 10, 6, None).unwrap();
        let weights = |seed| Weights::initialised(&graph, seed, &Device::Cpu).unwrap();
        let (a, b, c) = (weights(7), weights(7), weights(8));
        assert_eq!(numbers(&a, "conv2.weight"), numbers(&b, "conv2.weight"));
        assert_ne!(numbers(&a, "conv2.weight"), numbers(&c, "conv2.weight"));
        assert_ne!(numbers(&a, "fc1.weight")[..100], numbers(&a, "conv3.weight")[..100]);
        // A tensor's numbers hang on its own name, not on what else the graph holds.
        let wider = Weights::initialised(&lenet(2, 3, 6, None).unwrap(), 7, &Device::Cpu).unwrap();
        assert_eq!(numbers(&a, "conv2.weight"), numbers(&wider, "conv2.weight"));
    }

    #[test]
    fn the_spread_is_hes() {
        let graph = lenet(1, 10, 6, Some([28, 28])).unwrap();
        let weights = Weights::initialised(&graph, 1, &Device::Cpu).unwrap();
        let fc1 = numbers(&weights, "fc1.weight");
        let n = fc1.len() as f32;
        let mean = fc1.iter().sum::<f32>() / n;
        let variance = fc1.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n;
        // fan-in 400: variance 2/400 = 0.005; 48,000 numbers scatter by 0.65 % (sqrt(2/n)).
        assert!(mean.abs() < 0.002, "{mean}");
        assert!((variance - 0.005).abs() < 0.0002, "{variance}");
        assert!(numbers(&weights, "fc1.bias").iter().all(|&b| b == 0.0));
        let weights = Weights::initialised(&small_unet(), 1, &Device::Cpu).unwrap();
        assert_eq!(numbers(&weights, "enc1.bn1.weight"), [1.0; 4]);
        assert_eq!(numbers(&weights, "enc1.bn1.running_var"), [1.0; 4]);
        assert_eq!(numbers(&weights, "enc1.bn1.running_mean"), [0.0; 4]);
    }

    #[test]
    fn weights_larger_than_the_free_memory_are_refused_with_both_numbers() {
        // 61,706 numbers of 4 bytes are 246,824 bytes.
        let graph = lenet(1, 10, 6, Some([28, 28])).unwrap();
        check_memory(&graph, Some(246_824)).unwrap();
        check_memory(&graph, None).unwrap();
        let message = check_memory(&graph, Some(246_823)).unwrap_err().to_string();
        assert_eq!(message, "The network's weights need 0.0 GB of memory, 0.0 GB are free");
        // 2^35 dense weights are 137.4 GB.
        let huge = mlp([1, 1 << 10, 1 << 10], &[1 << 15], 1).unwrap();
        let message = check_memory(&huge, Some(8_000_000_000)).unwrap_err().to_string();
        assert_eq!(message, "The network's weights need 137.4 GB of memory, 8.0 GB are free");
    }

    #[test]
    fn wrong_weights_are_named() {
        let graph = small_unet();
        let good = Weights::initialised(&graph, 0, &Device::Cpu).unwrap();
        good.check(&graph).unwrap();
        let check = |change: &dyn Fn(&mut BTreeMap<String, Tensor>), expected: &str| {
            let mut weights = good.clone();
            change(&mut weights.tensors);
            assert_eq!(weights.check(&graph).unwrap_err().to_string(), expected);
        };
        let zeros = |shape: &[usize], dtype| Tensor::zeros(shape, dtype, &Device::Cpu).unwrap();
        check(
            &|t| drop(t.remove("mid.conv1.weight")),
            "Weight mid.conv1.weight: expected 16×8×3×3, found nothing",
        );
        check(
            &|t| drop(t.insert("extra".into(), zeros(&[2, 3], DType::F32))),
            "Weight extra: expected no such weight, found 2×3",
        );
        check(
            &|t| drop(t.insert("head.bias".into(), zeros(&[3], DType::F32))),
            "Weight head.bias: expected [2], found [3]",
        );
        check(
            &|t| drop(t.insert("head.bias".into(), zeros(&[2], DType::F64))),
            "Weight head.bias: expected f32, found f64",
        );
    }
}
