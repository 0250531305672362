//! `DenseNet` (Huang et al. 2016, arXiv:1608.06993): every layer reads all layers before it in its block.

use super::chain::{Chain, Stage, at_least, batch_norm, conv, dense, strided_conv};
use super::scaled;
use crate::network::{Graph, NetworkError, Op};

/// Channels that every layer adds, as published.
const GROWTH: usize = 32;
/// Channels of a layer's 1×1 convolution, for each that it adds.
const BOTTLENECK: usize = 4;

pub(super) const DENSENET121: [usize; 4] = [6, 12, 24, 16];
pub(super) const DENSENET169: [usize; 4] = [6, 12, 32, 32];
pub(super) const DENSENET201: [usize; 4] = [6, 12, 48, 32];

/// Nodes as torchvision calls its modules, without its "features.": "conv0", "norm0", "relu0", "pool0",
/// "denseblock1.denselayer1.norm1"…, "transition1.conv", "norm5", "relu5", "avgpool", "flatten", "classifier".
pub(super) fn densenet(
    layers: [usize; 4],
    in_channels: usize,
    classes: usize,
    width: f64,
) -> Result<Graph, NetworkError> {
    at_least("A DenseNet", 1, "input channel", in_channels)?;
    at_least("A DenseNet", 1, "class", classes)?;
    let mut chain = Chain::new(in_channels);
    let (_, channels) = trunk(&mut chain, layers, in_channels, width).pop().unwrap_or_default();
    chain.push("avgpool", Op::GlobalAvgPool);
    chain.push("flatten", Op::Flatten);
    chain.push("classifier", dense(channels, classes));
    chain.finish("densenet")
}

/// Everything before the head; gives the last activation at each size, from half the image to a 32nd.
pub(super) fn trunk(chain: &mut Chain, layers: [usize; 4], in_channels: usize, width: f64) -> Vec<Stage> {
    let (first, growth) = (scaled(2 * GROWTH, width), scaled(GROWTH, width));
    chain.push("conv0", strided_conv([in_channels, first], 7, 2, 3, false));
    norm(chain, "norm0", "relu0", first);
    let mut ends = vec![(chain.last(), first)];
    chain.push("pool0", Op::MaxPool2d { kernel: [3; 2], stride: [2; 2], padding: [1; 2] });
    let mut channels = first;
    for (block, layers) in layers.into_iter().enumerate() {
        let block = block + 1;
        if block > 1 {
            let (activation, half) = transition(chain, &format!("transition{}", block - 1), channels);
            ends.push((activation, channels));
            channels = half;
        }
        channels = dense_block(chain, &format!("denseblock{block}"), layers, [channels, growth]);
    }
    norm(chain, "norm5", "relu5", channels);
    ends.push((chain.last(), channels));
    ends
}

/// Layers that each read what entered the block and what all layers before gave; what leaves it is all of that.
fn dense_block(chain: &mut Chain, name: &str, layers: usize, [mut channels, growth]: [usize; 2]) -> usize {
    let mut features = vec![chain.last()];
    for layer in 1..=layers {
        let layer = format!("{name}.denselayer{layer}");
        if features.len() > 1 {
            chain.push_from(format!("{layer}.concat"), Op::Concat { axis: 0 }, features.clone());
        }
        let inner = BOTTLENECK * growth;
        norm(chain, &format!("{layer}.norm1"), &format!("{layer}.relu1"), channels);
        chain.push(format!("{layer}.conv1"), conv(channels, inner, 1, 0, false));
        norm(chain, &format!("{layer}.norm2"), &format!("{layer}.relu2"), inner);
        chain.push(format!("{layer}.conv2"), conv(inner, growth, 3, 1, false));
        features.push(chain.last());
        channels += growth;
    }
    chain.push_from(format!("{name}.concat"), Op::Concat { axis: 0 }, features);
    channels
}

/// Half the channels, half of y and x; gives its activation, and the channels that leave it.
fn transition(chain: &mut Chain, name: &str, channels: usize) -> Stage {
    let half = (channels / 2).max(1);
    norm(chain, &format!("{name}.norm"), &format!("{name}.relu"), channels);
    let activation = chain.last();
    chain.push(format!("{name}.conv"), conv(channels, half, 1, 0, false));
    chain.push(format!("{name}.pool"), Op::AvgPool2d { kernel: [2; 2], stride: [2; 2], padding: [0; 2] });
    (activation, half)
}

fn norm(chain: &mut Chain, name: &str, relu: &str, channels: usize) {
    chain.push(name, batch_norm(channels));
    chain.push(relu, Op::Relu);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::testing::{shape, trainable};

    #[test]
    fn the_published_networks_have_torchvisions_parameters() {
        let count = |layers| trainable(&densenet(layers, 3, 1000, 1.0).unwrap());
        assert_eq!(count(DENSENET121), 7_978_856);
        assert_eq!(count(DENSENET169), 14_149_480);
        assert_eq!(count(DENSENET201), 20_013_928);
    }

    #[test]
    fn blocks_grow_by_32_a_layer_and_transitions_halve() {
        let graph = densenet(DENSENET121, 3, 1000, 1.0).unwrap();
        let at = |name: &str| shape(&graph, [3, 224, 224], name);
        assert_eq!(at("pool0"), [64, 56, 56]);
        assert_eq!(at("denseblock1.denselayer1.conv1"), [128, 56, 56]);
        assert_eq!(at("denseblock1.denselayer3.concat"), [128, 56, 56]);
        assert_eq!(at("denseblock1.concat"), [256, 56, 56]);
        assert_eq!(at("transition1.conv"), [128, 56, 56]);
        assert_eq!(at("transition1.pool"), [128, 28, 28]);
        assert_eq!(at("denseblock4.concat"), [1024, 7, 7]);
        let third = graph.node("denseblock1.denselayer3.concat").unwrap();
        let expected = ["pool0", "denseblock1.denselayer1.conv2", "denseblock1.denselayer2.conv2"];
        assert_eq!(third.inputs, expected);
        // The first layer reads what enters the block; nothing needs joining.
        assert_eq!(graph.node("denseblock1.denselayer1.norm1").unwrap().inputs, ["pool0"]);
        assert_eq!(graph.node("denseblock2.denselayer1.norm1").unwrap().inputs, ["transition1.pool"]);
    }

    #[test]
    fn a_small_one_takes_any_image() {
        let graph = densenet(DENSENET121, 2, 3, 0.25).unwrap();
        assert_eq!(graph.shapes([2, 70, 45]).unwrap().last().unwrap(), &[3]);
        assert_eq!(shape(&graph, [2, 64, 64], "denseblock4.concat"), [256, 2, 2]);
    }
}
