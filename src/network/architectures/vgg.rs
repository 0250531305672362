//! VGG (Simonyan & Zisserman 2014, arXiv:1409.1556): blocks of 3×3 convolutions, each block half the size and twice the
//! channels of the one before.

use super::chain::{Chain, Stage, at_least, batch_norm, conv, dense, max_pool};
use super::scaled;
use crate::network::{Graph, NetworkError, Op};

/// Convolutions of each block.
pub(super) const VGG11: [usize; 5] = [1, 1, 2, 2, 2];
pub(super) const VGG13: [usize; 5] = [2, 2, 2, 2, 2];
pub(super) const VGG16: [usize; 5] = [2, 2, 3, 3, 3];
pub(super) const VGG19: [usize; 5] = [2, 2, 4, 4, 4];

/// Channels of each block.
const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];
/// Side of the planes that the dense head reads.
const SIDE: usize = 7;

/// What the VGGs and `AlexNet` leave open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Choices {
    pub(super) in_channels: usize,
    pub(super) classes: usize,
    pub(super) width: f64,
    pub(super) batch_norm: bool,
    pub(super) global_pooling: bool,
}

/// Nodes "block1.conv1", "block1.bn1" if wanted, "block1.relu1"…, "block1.pool"…, and the head of [`dense_head`].
pub(super) fn vgg(blocks: [usize; 5], choices: Choices) -> Result<Graph, NetworkError> {
    at_least("A VGG", 1, "input channel", choices.in_channels)?;
    at_least("A VGG", 1, "class", choices.classes)?;
    let mut chain = Chain::new(choices.in_channels);
    let (_, from) = trunk(&mut chain, blocks, choices).pop().unwrap_or_default();
    if choices.global_pooling {
        global_head(&mut chain, from, choices.classes);
        return chain.finish("vgg");
    }
    chain.push("avgpool", Op::AdaptiveAvgPool2d { size: [SIDE; 2] });
    chain.push("flatten", Op::Flatten);
    let hidden = scaled(4096, choices.width);
    chain.push("head.fc1", dense(from * SIDE * SIDE, hidden));
    chain.push("head.relu1", Op::Relu);
    chain.push("head.dropout1", Op::Dropout { p: 0.5 });
    chain.push("head.fc2", dense(hidden, hidden));
    chain.push("head.relu2", Op::Relu);
    chain.push("head.dropout2", Op::Dropout { p: 0.5 });
    chain.push("head.fc3", dense(hidden, choices.classes));
    chain.finish("vgg")
}

/// Everything before the head; gives the last node of each block before its pooling.
pub(super) fn trunk(chain: &mut Chain, blocks: [usize; 5], choices: Choices) -> Vec<Stage> {
    let mut from = choices.in_channels;
    let mut ends = Vec::new();
    for (i, (convolutions, channels)) in blocks.into_iter().zip(CHANNELS).enumerate() {
        let (name, to) = (format!("block{}", i + 1), scaled(channels, choices.width));
        block(chain, &name, convolutions, [from, to], choices.batch_norm);
        ends.push((chain.last(), to));
        chain.push(format!("{name}.pool"), max_pool());
        from = to;
    }
    ends
}

/// The convolutions of one block, without its pooling.
fn block(chain: &mut Chain, name: &str, convolutions: usize, [mut from, to]: [usize; 2], norm: bool) {
    for i in 1..=convolutions {
        // Torchvision's keep their bias before a batch-norm, which has no use for it; so its weights fit.
        chain.push(format!("{name}.conv{i}"), conv(from, to, 3, 1, true));
        if norm {
            chain.push(format!("{name}.bn{i}"), batch_norm(to));
        }
        chain.push(format!("{name}.relu{i}"), Op::Relu);
        from = to;
    }
}

/// The features averaged over the image and one dense layer: "avgpool", "flatten", "head.fc".
pub(super) fn global_head(chain: &mut Chain, features: usize, classes: usize) {
    chain.push("avgpool", Op::GlobalAvgPool);
    chain.push("flatten", Op::Flatten);
    chain.push("head.fc", dense(features, classes));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::testing::{shape, trainable};

    const IMAGENET: Choices =
        Choices { in_channels: 3, classes: 1000, width: 1.0, batch_norm: false, global_pooling: false };

    #[test]
    fn the_published_networks_have_torchvisions_parameters() {
        let count = |blocks, choices| trainable(&vgg(blocks, choices).unwrap());
        assert_eq!(count(VGG11, IMAGENET), 132_863_336);
        assert_eq!(count(VGG13, IMAGENET), 133_047_848);
        assert_eq!(count(VGG16, IMAGENET), 138_357_544);
        assert_eq!(count(VGG19, IMAGENET), 143_667_240);
        assert_eq!(count(VGG11, Choices { batch_norm: true, ..IMAGENET }), 132_868_840);
        assert_eq!(count(VGG16, Choices { batch_norm: true, ..IMAGENET }), 138_365_992);
    }

    #[test]
    fn every_block_halves_the_image() {
        let graph = vgg(VGG16, IMAGENET).unwrap();
        let at = |name: &str| shape(&graph, [3, 224, 224], name);
        assert_eq!(at("block1.relu2"), [64, 224, 224]);
        assert_eq!(at("block3.relu3"), [256, 56, 56]);
        assert_eq!(at("block5.pool"), [512, 7, 7]);
        assert_eq!(at("flatten"), [25_088]);
        assert_eq!(at("head.fc1"), [4096]);
        assert_eq!(at("head.fc3"), [1000]);
    }

    #[test]
    fn the_head_takes_any_image_that_five_poolings_leave_a_pixel_of() {
        let small = Choices { in_channels: 1, classes: 4, width: 0.125, ..IMAGENET };
        for choices in [small, Choices { global_pooling: true, batch_norm: true, ..small }] {
            let graph = vgg(VGG11, choices).unwrap();
            assert_eq!(graph.shapes([1, 64, 97]).unwrap().last().unwrap(), &[4]);
            let message = graph.shapes([1, 31, 64]).unwrap_err().to_string();
            assert!(message.starts_with("Node block5.pool: expected at least 2×2 pixels"), "{message}");
        }
        let global = vgg(VGG11, Choices { global_pooling: true, ..IMAGENET }).unwrap();
        assert_eq!(trainable(&global), 9_220_480 + 512 * 1000 + 1000);
    }
}
