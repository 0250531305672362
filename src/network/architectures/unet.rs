//! U-Net (Ronneberger et al. 2015, arXiv:1505.04597): as published, and with padded convolutions, so that the mask is as
//! large as the image.

use super::chain::{Chain, at_least, batch_norm, conv, max_pool};
use crate::network::{Graph, NetworkError, Op, Resample};

/// Most poolings a U-Net may have; 2^6 pixels are then one.
const MAX_DEPTH: usize = 6;
/// Most channels of the first level.
const MAX_BASE: usize = 4096;

/// What a U-Net is built from (Ronneberger et al. 2015, padded convolutions).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnetSpec {
    pub in_channels: usize,
    pub classes: usize,
    /// Channels of the first level; each level below has twice as many.
    pub base: usize,
    /// Number of poolings, 1 to 6.
    pub depth: usize,
    pub batch_norm: bool,
    /// `None`: transposed 2×2 convolution.
    pub upsample: Option<Resample>,
}

/// Nodes: "input", "enc1.conv1", "enc1.bn1", "enc1.relu1", "enc1.conv2"…, "pool1", "mid.conv1"…, "dec2.up",
/// "dec2.concat", "dec2.conv1"…, "head". Gives logits `[class, y, x]`.
///
/// Where an upsampling cannot halve the channels, the 1×1 convolution "dec2.upconv" behind it does. Convolutions
/// before a batch-norm have no bias.
///
/// # Errors
/// No channels, classes or base, or a depth outside 1 to 6.
pub fn unet(spec: UnetSpec) -> Result<Graph, NetworkError> {
    either(spec, true)
}

/// The same without padding, as published: of 572×572 pixels it answers for the middle 388×388. What goes across is cut
/// to its middle by "dec2.crop". Sides must be such that every pooling halves an even number.
///
/// # Errors
/// Those of [`unet`].
pub fn unpadded_unet(spec: UnetSpec) -> Result<Graph, NetworkError> {
    either(spec, false)
}

fn either(spec: UnetSpec, padded: bool) -> Result<Graph, NetworkError> {
    let UnetSpec { in_channels, classes, base, depth, .. } = spec;
    at_least("A U-Net", 1, "input channel", in_channels)?;
    at_least("A U-Net", 1, "class", classes)?;
    if !(1..=MAX_BASE).contains(&base) {
        return Err(NetworkError::Graph(format!(
            "A U-Net's base must lie between 1 and {MAX_BASE} channels, found {base}"
        )));
    }
    if !(1..=MAX_DEPTH).contains(&depth) {
        return Err(NetworkError::Graph(format!(
            "A U-Net's depth must lie between 1 and {MAX_DEPTH}, found {depth}"
        )));
    }
    let width = |level: usize| base << (level - 1);
    let style = Style { padded, batch_norm: spec.batch_norm };
    let mut chain = Chain::new(in_channels);
    let mut skips = Vec::new();
    let mut from = in_channels;
    for level in 1..=depth {
        block(&mut chain, &format!("enc{level}"), [from, width(level)], style);
        skips.push(chain.last());
        chain.push(format!("pool{level}"), max_pool());
        from = width(level);
    }
    block(&mut chain, "mid", [from, width(depth + 1)], style);
    for (level, skip) in skips.into_iter().enumerate().rev() {
        let level = level + 1;
        let name = format!("dec{level}");
        let to = width(level);
        up(&mut chain, &name, [2 * to, to], spec.upsample);
        let grown = chain.last();
        let mut skip = skip;
        if !padded {
            chain.push_from(format!("{name}.crop"), Op::CenterCrop, vec![skip, grown.clone()]);
            skip = chain.last();
        }
        let inputs = vec![skip, grown];
        chain.push_from(format!("{name}.concat"), Op::Concat { axis: 0 }, inputs);
        block(&mut chain, &name, [2 * to, to], style);
    }
    chain.push("head", conv(base, classes, 1, 0, true));
    chain.finish("unet")
}

/// How the 3×3 convolutions are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) padded: bool,
    pub(super) batch_norm: bool,
}

/// Twice 3×3 convolution, batch-norm if wanted, ReLU.
pub(super) fn block(chain: &mut Chain, name: &str, [from, to]: [usize; 2], style: Style) {
    for (i, from) in [(1, from), (2, to)] {
        let padding = usize::from(style.padded);
        chain.push(format!("{name}.conv{i}"), conv(from, to, 3, padding, !style.batch_norm));
        if style.batch_norm {
            chain.push(format!("{name}.bn{i}"), batch_norm(to));
        }
        chain.push(format!("{name}.relu{i}"), Op::Relu);
    }
}

/// Doubles y and x and changes the channels, usually to half of them.
pub(super) fn up(chain: &mut Chain, name: &str, [from, to]: [usize; 2], upsample: Option<Resample>) {
    if let Some(resample) = upsample {
        chain.push(format!("{name}.up"), Op::Upsample { scale: 2, resample });
        chain.push(format!("{name}.upconv"), conv(from, to, 1, 0, true));
        return;
    }
    let transposed = Op::ConvTranspose2d {
        in_channels: from,
        out_channels: to,
        kernel: [2; 2],
        stride: [2; 2],
        padding: [0; 2],
        output_padding: [0; 2],
        dilation: [1; 2],
        groups: 1,
        bias: true,
    };
    chain.push(format!("{name}.up"), transposed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::testing::{shape, trainable};

    const SPEC: UnetSpec =
        UnetSpec { in_channels: 1, classes: 2, base: 16, depth: 4, batch_norm: true, upsample: None };

    fn names(graph: &Graph) -> Vec<&str> {
        graph.nodes().iter().map(|node| node.name.as_str()).collect()
    }

    #[test]
    fn nodes_are_named_after_their_place_in_the_u() {
        let graph = unet(UnetSpec { depth: 1, ..SPEC }).unwrap();
        let expected = "input enc1.conv1 enc1.bn1 enc1.relu1 enc1.conv2 enc1.bn2 enc1.relu2 pool1 \
            mid.conv1 mid.bn1 mid.relu1 mid.conv2 mid.bn2 mid.relu2 dec1.up dec1.concat \
            dec1.conv1 dec1.bn1 dec1.relu1 dec1.conv2 dec1.bn2 dec1.relu2 head";
        assert_eq!(names(&graph), expected.split_whitespace().collect::<Vec<_>>());
        let plain = UnetSpec { depth: 1, batch_norm: false, upsample: Some(Resample::Bilinear), ..SPEC };
        let expected = "input enc1.conv1 enc1.relu1 enc1.conv2 enc1.relu2 pool1 \
            mid.conv1 mid.relu1 mid.conv2 mid.relu2 dec1.up dec1.upconv dec1.concat \
            dec1.conv1 dec1.relu1 dec1.conv2 dec1.relu2 head";
        assert_eq!(names(&unet(plain).unwrap()), expected.split_whitespace().collect::<Vec<_>>());
        let graph = unet(SPEC).unwrap();
        assert_eq!(graph.node("dec2.concat").unwrap().inputs, ["enc2.relu2", "dec2.up"]);
    }

    #[test]
    fn the_mask_is_as_large_as_the_image_at_every_depth() {
        for depth in 1..=6 {
            for upsample in [None, Some(Resample::Nearest), Some(Resample::Bilinear)] {
                let graph = unet(UnetSpec { depth, upsample, classes: 3, ..SPEC }).unwrap();
                let (y, x) = (3 << depth, 2 << depth);
                let shapes = graph.shapes([1, y, x]).unwrap();
                assert_eq!(shapes.last().unwrap(), &[3, y, x]);
                let mid = graph.index_of("mid.relu2").unwrap();
                assert_eq!(shapes[mid], [16 << depth, 3, 2]);
            }
        }
    }

    #[test]
    fn parameters_are_counted_as_in_pytorch() {
        let check = |spec: UnetSpec, expected: usize| {
            assert_eq!(trainable(&unet(spec).unwrap()), expected);
        };
        // The same blocks as torch.nn modules (Conv2d, BatchNorm2d, ConvTranspose2d(2c, c, 2, 2) or Upsample and
        // Conv2d(2c, c, 1)); sum(p.numel() for p in net.parameters()), torch 2.
        check(SPEC, 1_942_306);
        let bilinear = Some(Resample::Bilinear);
        check(
            UnetSpec { in_channels: 3, classes: 5, base: 8, depth: 3, batch_norm: false, upsample: bilinear },
            112_797,
        );
        check(UnetSpec { base: 64, batch_norm: false, ..SPEC }, 31_030_658);
    }

    #[test]
    fn the_unpadded_one_answers_for_the_middle_of_the_image() {
        let spec = UnetSpec { base: 64, batch_norm: false, ..SPEC };
        let graph = unpadded_unet(spec).unwrap();
        assert_eq!(trainable(&graph), 31_030_658);
        // The sizes of the paper's figure 1.
        let at = |name: &str| shape(&graph, [1, 572, 572], name);
        assert_eq!(at("enc1.relu2"), [64, 568, 568]);
        assert_eq!(at("enc4.relu2"), [512, 64, 64]);
        assert_eq!(at("mid.relu2"), [1024, 28, 28]);
        assert_eq!(at("dec4.crop"), [512, 56, 56]);
        assert_eq!(at("dec4.concat"), [1024, 56, 56]);
        assert_eq!(at("dec1.crop"), [64, 392, 392]);
        assert_eq!(at("head"), [2, 388, 388]);
        assert_eq!(graph.node("dec1.crop").unwrap().inputs, ["enc1.relu2", "dec1.up"]);
        // The smallest side of which a pixel is left: 4 at every level behind the bottom.
        assert_eq!(shape(&graph, [1, 188, 204], "head"), [2, 4, 20]);
        assert!(graph.shapes([1, 172, 188]).is_err());
    }

    #[test]
    fn impossible_networks_are_refused_in_words() {
        let check = |spec: UnetSpec, expected: &str| {
            assert_eq!(unet(spec).unwrap_err().to_string(), expected);
        };
        check(UnetSpec { in_channels: 0, ..SPEC }, "A U-Net needs at least 1 input channel, found 0");
        check(UnetSpec { classes: 0, ..SPEC }, "A U-Net needs at least 1 class, found 0");
        check(UnetSpec { base: 0, ..SPEC }, "A U-Net's base must lie between 1 and 4096 channels, found 0");
        check(UnetSpec { depth: 0, ..SPEC }, "A U-Net's depth must lie between 1 and 6, found 0");
        check(UnetSpec { depth: 7, ..SPEC }, "A U-Net's depth must lie between 1 and 6, found 7");
        assert!(unet(UnetSpec { in_channels: usize::MAX, ..SPEC }).is_err());
    }
}
