//! `ResNet` (He et al. 2015, arXiv:1512.03385): every block adds what it computes to what it was given.

use super::chain::{Chain, Stage, at_least, batch_norm, conv, dense, strided_conv};
use super::scaled;
use crate::network::{Graph, NetworkError, Op};

/// What a stage is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    /// Two 3×3 convolutions.
    Basic,
    /// 1×1, 3×3 and 1×1, which widens four times.
    Bottleneck,
}

impl Block {
    /// Channels a block gives for each of its inner ones.
    fn expansion(self) -> usize {
        if self == Self::Basic { 1 } else { 4 }
    }
}

/// Blocks of the four stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stages {
    pub(super) block: Block,
    pub(super) blocks: [usize; 4],
}

impl Stages {
    pub(super) const RESNET18: Self = Self { block: Block::Basic, blocks: [2, 2, 2, 2] };
    pub(super) const RESNET34: Self = Self { block: Block::Basic, blocks: [3, 4, 6, 3] };
    pub(super) const RESNET50: Self = Self { block: Block::Bottleneck, blocks: [3, 4, 6, 3] };
}

/// Nodes as torchvision calls its modules: "conv1", "bn1", "relu", "maxpool", "layer1.0.conv1"…, "avgpool", "flatten",
/// "fc". The stride of a bottleneck is in its 3×3 convolution, as there.
pub(super) fn resnet(
    stages: Stages,
    in_channels: usize,
    classes: usize,
    width: f64,
) -> Result<Graph, NetworkError> {
    at_least("A ResNet", 1, "input channel", in_channels)?;
    at_least("A ResNet", 1, "class", classes)?;
    let mut chain = Chain::new(in_channels);
    let (_, channels) = trunk(&mut chain, stages, in_channels, width).pop().unwrap_or_default();
    chain.push("avgpool", Op::GlobalAvgPool);
    chain.push("flatten", Op::Flatten);
    chain.push("fc", dense(channels, classes));
    chain.finish("resnet")
}

/// Everything before the head; gives the last node at each size, from half the image to a 32nd.
pub(super) fn trunk(chain: &mut Chain, stages: Stages, in_channels: usize, width: f64) -> Vec<Stage> {
    let first = scaled(64, width);
    chain.push("conv1", strided_conv([in_channels, first], 7, 2, 3, false));
    chain.push("bn1", batch_norm(first));
    chain.push("relu", Op::Relu);
    let mut ends = vec![(chain.last(), first)];
    chain.push("maxpool", Op::MaxPool2d { kernel: [3; 2], stride: [2; 2], padding: [1; 2] });
    let mut from = first;
    for (stage, blocks) in stages.blocks.into_iter().enumerate() {
        let inner = scaled(64 << stage, width);
        for block in 0..blocks {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let name = format!("layer{}.{block}", stage + 1);
            from = add_block(chain, &name, stages.block, [from, inner], stride);
        }
        ends.push((chain.last(), from));
    }
    ends
}

/// One block from `from` channels with `inner` ones inside; gives what comes out.
fn add_block(chain: &mut Chain, name: &str, block: Block, [from, inner]: [usize; 2], stride: usize) -> usize {
    let (input, to) = (chain.last(), inner * block.expansion());
    let convolutions = match block {
        Block::Basic => {
            vec![strided_conv([from, inner], 3, stride, 1, false), conv(inner, inner, 3, 1, false)]
        }
        Block::Bottleneck => vec![
            conv(from, inner, 1, 0, false),
            strided_conv([inner, inner], 3, stride, 1, false),
            conv(inner, to, 1, 0, false),
        ],
    };
    let count = convolutions.len();
    for (i, op) in convolutions.into_iter().enumerate() {
        let (i, channels) = (i + 1, if i + 1 == count { to } else { inner });
        chain.push(format!("{name}.conv{i}"), op);
        chain.push(format!("{name}.bn{i}"), batch_norm(channels));
        if i < count {
            chain.push(format!("{name}.relu{i}"), Op::Relu);
        }
    }
    let computed = chain.last();
    let mut shortcut = input.clone();
    if stride != 1 || from != to {
        let op = strided_conv([from, to], 1, stride, 0, false);
        chain.push_from(format!("{name}.downsample.0"), op, vec![input]);
        chain.push(format!("{name}.downsample.1"), batch_norm(to));
        shortcut = chain.last();
    }
    chain.push_from(format!("{name}.add"), Op::Add, vec![computed, shortcut]);
    chain.push(format!("{name}.relu{count}"), Op::Relu);
    to
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::testing::{shape, trainable};

    #[test]
    fn the_published_networks_have_torchvisions_parameters() {
        let count = |stages| trainable(&resnet(stages, 3, 1000, 1.0).unwrap());
        assert_eq!(count(Stages::RESNET18), 11_689_512);
        assert_eq!(count(Stages::RESNET34), 21_797_672);
        assert_eq!(count(Stages::RESNET50), 25_557_032);
    }

    #[test]
    fn stages_halve_the_image_and_bottlenecks_widen_it() {
        let graph = resnet(Stages::RESNET18, 3, 1000, 1.0).unwrap();
        let at = |graph: &Graph, name: &str| shape(graph, [3, 224, 224], name);
        assert_eq!(at(&graph, "maxpool"), [64, 56, 56]);
        assert_eq!(at(&graph, "layer1.1.relu2"), [64, 56, 56]);
        assert_eq!(at(&graph, "layer4.1.relu2"), [512, 7, 7]);
        let graph = resnet(Stages::RESNET50, 3, 1000, 1.0).unwrap();
        assert_eq!(at(&graph, "layer1.0.add"), [256, 56, 56]);
        assert_eq!(at(&graph, "layer2.0.conv1"), [128, 56, 56]);
        assert_eq!(at(&graph, "layer2.0.conv2"), [128, 28, 28]);
        assert_eq!(at(&graph, "layer4.2.relu3"), [2048, 7, 7]);
        assert_eq!(graph.node("layer2.0.add").unwrap().inputs, ["layer2.0.bn3", "layer2.0.downsample.1"]);
        assert_eq!(graph.node("layer2.1.add").unwrap().inputs, ["layer2.1.bn3", "layer2.0.relu3"]);
    }

    #[test]
    fn a_small_one_takes_any_image() {
        let graph = resnet(Stages::RESNET18, 1, 4, 0.125).unwrap();
        assert_eq!(graph.shapes([1, 50, 77]).unwrap().last().unwrap(), &[4]);
        assert_eq!(shape(&graph, [1, 64, 64], "layer4.1.add"), [64, 2, 2]);
    }
}
