//! Network in network (Lin, Chen & Yan 2013, arXiv:1312.4400): every convolution is followed by two 1×1 ones, a small
//! perceptron at each pixel; the last block has one channel a class, averaged over the image.

use super::chain::{Chain, at_least, batch_norm, strided_conv};
use super::scaled;
use crate::network::{Graph, NetworkError, Op};

/// Nodes "block1.conv1", "block1.relu1", "block1.conv2"…, "pool1"…, "dropout", "block4.conv1"…, "avgpool", "flatten".
///
/// Channels and kernels are those that it is taught with (Zhang et al., *Dive into Deep Learning*, section 8.3): 96 of
/// 11×11 with stride 4, 256 of 5×5, 384 of 3×3, and a last block of 3×3. A dozen layers of `ReLU` in a row without a batch-norm take
/// a long time to learn anything; `norm` puts one before each, "block1.bn1"….
pub(super) fn nin(in_channels: usize, classes: usize, width: f64, norm: bool) -> Result<Graph, NetworkError> {
    at_least("A NiN", 1, "input channel", in_channels)?;
    at_least("A NiN", 1, "class", classes)?;
    let channels = [96, 256, 384].map(|n| scaled(n, width));
    let mut chain = Chain::new(in_channels);
    block(&mut chain, "block1", [in_channels, channels[0]], [11, 4, 0], norm);
    pool(&mut chain, "pool1");
    block(&mut chain, "block2", [channels[0], channels[1]], [5, 1, 2], norm);
    pool(&mut chain, "pool2");
    block(&mut chain, "block3", [channels[1], channels[2]], [3, 1, 1], norm);
    pool(&mut chain, "pool3");
    chain.push("dropout", Op::Dropout { p: 0.5 });
    block(&mut chain, "block4", [channels[2], classes], [3, 1, 1], norm);
    chain.push("avgpool", Op::GlobalAvgPool);
    chain.push("flatten", Op::Flatten);
    chain.finish("nin")
}

/// A convolution of kernel, stride and padding, then twice 1×1, each with ReLU.
fn block(
    chain: &mut Chain,
    name: &str,
    [from, to]: [usize; 2],
    [kernel, stride, padding]: [usize; 3],
    norm: bool,
) {
    let layers = [(from, kernel, stride, padding), (to, 1, 1, 0), (to, 1, 1, 0)];
    for (i, (from, kernel, stride, padding)) in layers.into_iter().enumerate() {
        let op = strided_conv([from, to], kernel, stride, padding, true);
        chain.push(format!("{name}.conv{}", i + 1), op);
        if norm {
            chain.push(format!("{name}.bn{}", i + 1), batch_norm(to));
        }
        chain.push(format!("{name}.relu{}", i + 1), Op::Relu);
    }
}

fn pool(chain: &mut Chain, name: &str) {
    chain.push(name, Op::MaxPool2d { kernel: [3; 2], stride: [2; 2], padding: [0; 2] });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::testing::{shape, trainable};

    #[test]
    fn it_has_the_textbooks_parameters_and_shapes() {
        let graph = nin(1, 10, 1.0, false).unwrap();
        assert_eq!(trainable(&graph), 1_992_166);
        let at = |name: &str| shape(&graph, [1, 224, 224], name);
        assert_eq!(at("block1.relu3"), [96, 54, 54]);
        assert_eq!(at("pool1"), [96, 26, 26]);
        assert_eq!(at("pool2"), [256, 12, 12]);
        assert_eq!(at("pool3"), [384, 5, 5]);
        assert_eq!(at("block4.relu3"), [10, 5, 5]);
        assert_eq!(at("flatten"), [10]);
    }

    #[test]
    fn a_small_one_takes_any_image() {
        let graph = nin(3, 4, 0.25, true).unwrap();
        assert_eq!(graph.shapes([3, 101, 150]).unwrap().last().unwrap(), &[4]);
        assert_eq!(graph.nodes().iter().filter(|node| matches!(node.op, Op::BatchNorm2d { .. })).count(), 12);
        assert!(nin(0, 4, 1.0, false).is_err() && nin(1, 0, 1.0, false).is_err());
    }
}
