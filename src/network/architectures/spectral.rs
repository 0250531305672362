//! A regressor for spectral images: it first mixes the energy channels of each pixel, as a spectrum's lines must be
//! weighed against each other, then looks at the neighbourhood, and ends in a linear head.

use super::chain::{Chain, at_least, batch_norm, conv, dense};
use super::{Answer, Head};
use crate::network::{Graph, NetworkError, Op};

/// Most 3×3 convolutions.
const MAX_DEPTH: usize = 64;

/// What a spectral-spatial regressor is built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpectralSpec {
    /// Energy channels.
    pub in_channels: usize,
    /// Numbers wanted, such as the fraction of each element.
    pub outputs: usize,
    /// Channels that the energies are mixed into.
    pub base: usize,
    /// 3×3 convolutions; 0 looks at each pixel alone.
    pub depth: usize,
    pub batch_norm: bool,
    pub head: Head,
    pub answer: Answer,
}

/// Nodes "mixing.conv1", "mixing.relu1", "mixing.conv2"…, "trunk.conv1", "trunk.bn1", "trunk.relu1"…, for a number an
/// image "gap" and "flatten", "head", and "sigmoid" or "softmax" where the answer is bounded or sums to one. Gives
/// `[output, y, x]` or `[output]`.
///
/// # Errors
/// No channels, outputs or base, or more than 64 convolutions.
pub fn spectral(spec: SpectralSpec) -> Result<Graph, NetworkError> {
    let SpectralSpec { in_channels, outputs, base, depth, .. } = spec;
    at_least("A spectral regressor", 1, "input channel", in_channels)?;
    at_least("A spectral regressor", 1, "output", outputs)?;
    at_least("A spectral regressor", 1, "mixed channel", base)?;
    if depth > MAX_DEPTH {
        return Err(NetworkError::Graph(format!(
            "A spectral regressor's depth must be at most {MAX_DEPTH}, found {depth}"
        )));
    }
    let mut chain = Chain::new(in_channels);
    for (i, from) in [(1, in_channels), (2, base)] {
        chain.push(format!("mixing.conv{i}"), conv(from, base, 1, 0, true));
        chain.push(format!("mixing.relu{i}"), Op::Relu);
    }
    for i in 1..=depth {
        chain.push(format!("trunk.conv{i}"), conv(base, base, 3, 1, !spec.batch_norm));
        if spec.batch_norm {
            chain.push(format!("trunk.bn{i}"), batch_norm(base));
        }
        chain.push(format!("trunk.relu{i}"), Op::Relu);
    }
    match spec.head {
        Head::Pixel => chain.push("head", conv(base, outputs, 1, 0, true)),
        Head::Image => {
            chain.push("gap", Op::GlobalAvgPool);
            chain.push("flatten", Op::Flatten);
            chain.push("head", dense(base, outputs));
        }
    }
    match spec.answer {
        Answer::Free => {}
        Answer::Bounded => chain.push("sigmoid", Op::Sigmoid),
        Answer::SumToOne => chain.push("softmax", Op::Softmax { axis: 0 }),
    }
    chain.finish("spectral")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::testing::trainable;
    use crate::network::receptive_fields;

    const SPEC: SpectralSpec = SpectralSpec {
        in_channels: 8,
        outputs: 5,
        base: 16,
        depth: 2,
        batch_norm: false,
        head: Head::Pixel,
        answer: Answer::Free,
    };

    fn last(spec: SpectralSpec) -> (String, Vec<usize>) {
        let graph = spectral(spec).unwrap();
        let shape = graph.shapes([spec.in_channels, 20, 30]).unwrap().pop().unwrap();
        (graph.output().unwrap().name.clone(), shape)
    }

    #[test]
    fn the_head_answers_a_pixel_or_the_image_and_may_be_bounded_or_sum_to_one() {
        let whole = SpectralSpec { head: Head::Image, ..SPEC };
        assert_eq!(last(SPEC), ("head".into(), vec![5, 20, 30]));
        assert_eq!(last(whole), ("head".into(), vec![5]));
        let bounded = |spec| SpectralSpec { answer: Answer::Bounded, ..spec };
        let shares = |spec| SpectralSpec { answer: Answer::SumToOne, ..spec };
        assert_eq!(last(bounded(SPEC)), ("sigmoid".into(), vec![5, 20, 30]));
        assert_eq!(last(bounded(whole)), ("sigmoid".into(), vec![5]));
        assert_eq!(last(shares(SPEC)), ("softmax".into(), vec![5, 20, 30]));
        assert_eq!(last(shares(whole)), ("softmax".into(), vec![5]));
    }

    #[test]
    fn parameters_and_receptive_fields_are_those_worked_by_hand() {
        // 8·16 + 16, 16·16 + 16, twice 9·16·16 + 16, 16·5 + 5
        assert_eq!(trainable(&spectral(SPEC).unwrap()), 144 + 272 + 2 * 2320 + 85);
        // A norm has two numbers a channel where the convolution before it had a bias.
        assert_eq!(trainable(&spectral(SpectralSpec { batch_norm: true, ..SPEC }).unwrap()), 5141 + 32);
        let sees = |depth| {
            let graph = spectral(SpectralSpec { depth, ..SPEC }).unwrap();
            receptive_fields(&graph).pop().unwrap().unwrap().size
        };
        assert_eq!([sees(0), sees(1), sees(2)], [[1.0; 2], [3.0; 2], [5.0; 2]]);
    }

    #[test]
    fn impossible_networks_are_refused_in_words() {
        let check = |spec: SpectralSpec, expected: &str| {
            assert_eq!(spectral(spec).unwrap_err().to_string(), expected);
        };
        let none = SpectralSpec { in_channels: 0, ..SPEC };
        check(none, "A spectral regressor needs at least 1 input channel, found 0");
        let none = SpectralSpec { outputs: 0, ..SPEC };
        check(none, "A spectral regressor needs at least 1 output, found 0");
        let none = SpectralSpec { base: 0, ..SPEC };
        check(none, "A spectral regressor needs at least 1 mixed channel, found 0");
        let deep = SpectralSpec { depth: 65, ..SPEC };
        check(deep, "A spectral regressor's depth must be at most 64, found 65");
    }
}
