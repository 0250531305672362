//! `AlexNet` as it is used today: Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks",
//! arXiv:1404.5997; one column of the network of 2012, without its response normalisation.

use super::chain::{Chain, at_least, dense, strided_conv};
use super::scaled;
use super::vgg::{Choices, global_head};
use crate::network::{Graph, NetworkError, Op};

/// Side of the planes that the dense head reads.
const SIDE: usize = 6;

/// Nodes "conv1", "relu1", "pool1"…, "pool5" and the head: "avgpool", "flatten", "head.dropout1", "head.fc1"….
pub(super) fn alexnet(choices: Choices) -> Result<Graph, NetworkError> {
    at_least("An AlexNet", 1, "input channel", choices.in_channels)?;
    at_least("An AlexNet", 1, "class", choices.classes)?;
    let [c1, c2, c3, c4, c5] = [64, 192, 384, 256, 256].map(|n| scaled(n, choices.width));
    let pool = Op::MaxPool2d { kernel: [3; 2], stride: [2; 2], padding: [0; 2] };
    let layers = [
        ([choices.in_channels, c1], [11, 4, 2]),
        ([c1, c2], [5, 1, 2]),
        ([c2, c3], [3, 1, 1]),
        ([c3, c4], [3, 1, 1]),
        ([c4, c5], [3, 1, 1]),
    ];
    let mut chain = Chain::new(choices.in_channels);
    for (i, (channels, [kernel, stride, padding])) in layers.into_iter().enumerate() {
        let i = i + 1;
        chain.push(format!("conv{i}"), strided_conv(channels, kernel, stride, padding, true));
        chain.push(format!("relu{i}"), Op::Relu);
        if matches!(i, 1 | 2 | 5) {
            chain.push(format!("pool{i}"), pool.clone());
        }
    }
    if choices.global_pooling {
        global_head(&mut chain, c5, choices.classes);
        return chain.finish("alexnet");
    }
    let hidden = scaled(4096, choices.width);
    chain.push("avgpool", Op::AdaptiveAvgPool2d { size: [SIDE; 2] });
    chain.push("flatten", Op::Flatten);
    chain.push("head.dropout1", Op::Dropout { p: 0.5 });
    chain.push("head.fc1", dense(c5 * SIDE * SIDE, hidden));
    chain.push("head.relu1", Op::Relu);
    chain.push("head.dropout2", Op::Dropout { p: 0.5 });
    chain.push("head.fc2", dense(hidden, hidden));
    chain.push("head.relu2", Op::Relu);
    chain.push("head.fc3", dense(hidden, choices.classes));
    chain.finish("alexnet")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::testing::{shape, trainable};

    const IMAGENET: Choices =
        Choices { in_channels: 3, classes: 1000, width: 1.0, batch_norm: false, global_pooling: false };

    #[test]
    fn it_has_torchvisions_parameters_and_shapes() {
        let graph = alexnet(IMAGENET).unwrap();
        assert_eq!(trainable(&graph), 61_100_840);
        let at = |name: &str| shape(&graph, [3, 224, 224], name);
        assert_eq!(at("relu1"), [64, 55, 55]);
        assert_eq!(at("pool1"), [64, 27, 27]);
        assert_eq!(at("pool2"), [192, 13, 13]);
        assert_eq!(at("pool5"), [256, 6, 6]);
        assert_eq!(at("flatten"), [9216]);
    }

    #[test]
    fn a_small_one_takes_any_image_of_63_pixels_or_more() {
        let small = Choices { in_channels: 1, classes: 4, width: 0.125, ..IMAGENET };
        for choices in [small, Choices { global_pooling: true, ..small }] {
            let graph = alexnet(choices).unwrap();
            assert_eq!(graph.shapes([1, 63, 100]).unwrap().last().unwrap(), &[4]);
            assert!(graph.shapes([1, 62, 100]).is_err());
        }
    }
}
