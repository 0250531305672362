//! A U-Net that goes down by the layers of a classifier, whose trained weights then fit, and up as a U-Net does.

use super::chain::{Chain, Stage, at_least, conv};
use super::unet::{Style, block, up};
use super::{densenet, resnet, vgg};
use crate::network::{Graph, NetworkError, Op, Resample};

/// Poolings of every encoder.
const LEVELS: usize = 5;

/// Which classifier it goes down by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trunk {
    Vgg([usize; 5]),
    Resnet(resnet::Stages),
    Densenet([usize; 4]),
}

/// What it is built from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct EncodedUnet {
    pub(super) encoder: Trunk,
    pub(super) in_channels: usize,
    pub(super) classes: usize,
    /// Of the encoder.
    pub(super) width: f64,
    /// Channels of the decoder at the image's own size; each level below has twice as many.
    pub(super) base: usize,
    /// Of the decoder and of a VGG.
    pub(super) batch_norm: bool,
    pub(super) upsample: Option<Resample>,
}

/// Nodes "encoder.…", named as in the classifier, "mid.…" below a VGG, "dec5.up", "dec5.concat", "dec5.conv1"… to
/// "dec1.relu2", "head". Across goes what the encoder has last at each size; a `ResNet` and a `DenseNet` have nothing at
/// the image's own.
pub(super) fn encoded_unet(spec: EncodedUnet) -> Result<Graph, NetworkError> {
    at_least("A U-Net", 1, "input channel", spec.in_channels)?;
    at_least("A U-Net", 1, "class", spec.classes)?;
    at_least("A U-Net", 1, "channel at its first level", spec.base)?;
    let style = Style { padded: true, batch_norm: spec.batch_norm };
    let mut chain = Chain::new(spec.in_channels);
    chain.enter("encoder.");
    let (mut skips, deepest) = encode(&mut chain, spec);
    chain.enter("");
    let width = |level: usize| spec.base << level;
    let mut from = match deepest {
        Some(channels) => channels,
        None => {
            let (_, channels) = skips.last().cloned().unwrap_or_default();
            block(&mut chain, "mid", [channels, width(LEVELS)], style);
            width(LEVELS)
        }
    };
    for level in (0..LEVELS).rev() {
        let (name, to) = (format!("dec{}", level + 1), width(level));
        up(&mut chain, &name, [from, to], spec.upsample);
        let mut channels = to;
        if let Some((skip, more)) = skips.pop() {
            let inputs = vec![skip, chain.last()];
            chain.push_from(format!("{name}.concat"), Op::Concat { axis: 0 }, inputs);
            channels += more;
        }
        block(&mut chain, &name, [channels, to], style);
        from = to;
    }
    chain.push("head", conv(spec.base, spec.classes, 1, 0, true));
    chain.finish("unet")
}

/// What goes across, and the channels at the bottom where the encoder ends there with layers of its own.
fn encode(chain: &mut Chain, spec: EncodedUnet) -> (Vec<Stage>, Option<usize>) {
    let EncodedUnet { in_channels, classes, width, batch_norm, .. } = spec;
    let mut stages = match spec.encoder {
        Trunk::Vgg(blocks) => {
            let choices = vgg::Choices { in_channels, classes, width, batch_norm, global_pooling: true };
            return (vgg::trunk(chain, blocks, choices), None);
        }
        Trunk::Resnet(stages) => resnet::trunk(chain, stages, in_channels, width),
        Trunk::Densenet(layers) => densenet::trunk(chain, layers, in_channels, width),
    };
    let deepest = stages.pop().map(|(_, channels)| channels);
    (stages, deepest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::testing::{shape, trainable};
    use crate::network::total_stride;

    fn spec(encoder: Trunk) -> EncodedUnet {
        EncodedUnet {
            encoder,
            in_channels: 3,
            classes: 2,
            width: 1.0,
            base: 16,
            batch_norm: true,
            upsample: None,
        }
    }

    #[test]
    fn masks_are_as_large_as_images_and_every_size_meets_its_like() {
        for encoder in [
            Trunk::Vgg(vgg::VGG11),
            Trunk::Resnet(resnet::Stages::RESNET18),
            Trunk::Resnet(resnet::Stages::RESNET50),
            Trunk::Densenet(densenet::DENSENET121),
        ] {
            for upsample in [None, Some(Resample::Bilinear)] {
                let graph = encoded_unet(EncodedUnet { upsample, ..spec(encoder) }).unwrap();
                assert_eq!(shape(&graph, [3, 96, 64], "head"), [2, 96, 64]);
                assert_eq!(shape(&graph, [3, 96, 64], "dec5.relu2"), [256, 6, 4]);
                assert_eq!(total_stride(&graph), [32, 32]);
            }
        }
    }

    #[test]
    fn across_goes_what_the_encoder_has_last_at_each_size() {
        let inputs = |graph: &Graph, name: &str| graph.node(name).unwrap().inputs.clone();
        let graph = encoded_unet(spec(Trunk::Resnet(resnet::Stages::RESNET18))).unwrap();
        assert_eq!(inputs(&graph, "dec5.up"), ["encoder.layer4.1.relu2"]);
        assert_eq!(inputs(&graph, "dec5.concat"), ["encoder.layer3.1.relu2", "dec5.up"]);
        assert_eq!(inputs(&graph, "dec2.concat"), ["encoder.relu", "dec2.up"]);
        assert_eq!(inputs(&graph, "dec1.conv1"), ["dec1.up"]);
        // The encoder of ResNet-18 without its head: 11,689,512 − 512,000 − 1,000.
        let encoder: Vec<_> = graph
            .parameters()
            .into_iter()
            .filter(|p| p.trainable && p.name.starts_with("encoder."))
            .collect();
        assert_eq!(encoder.iter().map(|p| p.shape.iter().product::<usize>()).sum::<usize>(), 11_176_512);
        let graph = encoded_unet(spec(Trunk::Densenet(densenet::DENSENET121))).unwrap();
        assert_eq!(inputs(&graph, "dec4.concat"), ["encoder.transition2.relu", "dec4.up"]);
        assert_eq!(inputs(&graph, "dec5.up"), ["encoder.relu5"]);
        let graph = encoded_unet(spec(Trunk::Vgg(vgg::VGG16))).unwrap();
        assert_eq!(inputs(&graph, "mid.conv1"), ["encoder.block5.pool"]);
        assert_eq!(inputs(&graph, "dec1.concat"), ["encoder.block1.relu2", "dec1.up"]);
        assert_eq!(shape(&graph, [3, 64, 64], "mid.relu2"), [512, 2, 2]);
    }

    #[test]
    fn small_ones_are_small() {
        let small = EncodedUnet { width: 0.125, base: 4, ..spec(Trunk::Resnet(resnet::Stages::RESNET18)) };
        assert!(trainable(&encoded_unet(small).unwrap()) < 400_000);
        let none = EncodedUnet { base: 0, ..small };
        let message = encoded_unet(none).unwrap_err().to_string();
        assert_eq!(message, "A U-Net needs at least 1 channel at its first level, found 0");
    }
}
