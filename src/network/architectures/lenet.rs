//! LeNet-5 (`LeCun` et al. 1998, "Gradient-based learning applied to document recognition").

use super::chain::{Chain, at_least, conv, dense, max_pool};
use crate::network::{Graph, NetworkError, Op};

/// Most channels of the first convolution.
const MAX_BASE: usize = 4096;

/// LeNet-5 as taught today (ReLU, max pooling), closing with global average pooling when `size` is None so that any
/// image fits; `size` [y, x] gives the classic 120-84 dense head.
///
/// `base` are the channels of the first convolution, the classic 6; the second has 8/3 of it, 16. Without a `size` the
/// third 5×5 convolution ("conv3", 20 · base, the paper's C5) stays one, is averaged over the image, and "fc1" has
/// 14 · base features: 120 and 84 again for the classic 6. Gives logits `[class]`.
///
/// # Errors
/// No channels, classes or base, or a size too small for the two convolutions and poolings.
pub fn lenet(
    in_channels: usize,
    classes: usize,
    base: usize,
    size: Option<[usize; 2]>,
) -> Result<Graph, NetworkError> {
    at_least("A LeNet", 1, "input channel", in_channels)?;
    at_least("A LeNet", 1, "class", classes)?;
    if !(1..=MAX_BASE).contains(&base) {
        return Err(NetworkError::Graph(format!(
            "A LeNet's base must lie between 1 and {MAX_BASE} channels, found {base}"
        )));
    }
    let second = (8 * base).div_ceil(3);
    let mut chain = Chain::new(in_channels);
    chain.push("conv1", conv(in_channels, base, 5, 2, true));
    chain.push("relu1", Op::Relu);
    chain.push("pool1", max_pool());
    chain.push("conv2", conv(base, second, 5, 0, true));
    chain.push("relu2", Op::Relu);
    chain.push("pool2", max_pool());
    let (features, hidden) = if let Some([y, x]) = size {
        let left = |n: usize| (n / 2).saturating_sub(4) / 2;
        let features = second.checked_mul(left(y)).and_then(|n| n.checked_mul(left(x)));
        let features = features.filter(|&n| n > 0).ok_or_else(|| {
            NetworkError::Graph(format!("A LeNet needs an image of 12×12 pixels or more, found {y}×{x}"))
        })?;
        chain.push("flatten", Op::Flatten);
        chain.push("fc1", dense(features, 120));
        (120, 84)
    } else {
        let third = 20 * base;
        chain.push("conv3", conv(second, third, 5, 2, true));
        chain.push("relu3", Op::Relu);
        chain.push("gap", Op::GlobalAvgPool);
        chain.push("flatten", Op::Flatten);
        (third, 14 * base)
    };
    if size.is_some() {
        chain.push("relu3", Op::Relu);
        chain.push("fc2", dense(features, hidden));
    } else {
        chain.push("fc1", dense(features, hidden));
    }
    chain.push("relu4", Op::Relu);
    chain.push("head", dense(hidden, classes));
    chain.finish("lenet")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(graph: &Graph) -> usize {
        graph.parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum()
    }

    #[test]
    fn the_classic_lenet_has_61_706_parameters() {
        // 6·(25+1) + 16·(6·25+1) + 120·(400+1) + 84·(120+1) + 10·(84+1) = 156 + 2416 + 48120 + 10164 + 850
        let graph = lenet(1, 10, 6, Some([28, 28])).unwrap();
        assert_eq!(parameters(&graph), 61_706);
        let shapes = graph.shapes([1, 28, 28]).unwrap();
        let shape = |name: &str| shapes[graph.index_of(name).unwrap()].clone();
        assert_eq!(shape("conv1"), [6, 28, 28]);
        assert_eq!(shape("pool1"), [6, 14, 14]);
        assert_eq!(shape("conv2"), [16, 10, 10]);
        assert_eq!(shape("pool2"), [16, 5, 5]);
        assert_eq!(shape("flatten"), [400]);
        assert_eq!(shape("fc1"), [120]);
        assert_eq!(shape("fc2"), [84]);
        assert_eq!(shape("head"), [10]);
    }

    #[test]
    fn without_a_size_any_image_fits() {
        let graph = lenet(3, 4, 6, None).unwrap();
        for (y, x) in [(12, 12), (28, 28), (101, 333)] {
            assert_eq!(graph.shapes([3, y, x]).unwrap().last().unwrap(), &[4]);
        }
        assert!(graph.shapes([3, 11, 28]).is_err());
    }

    #[test]
    fn impossible_networks_are_refused_in_words() {
        let check = |graph: Result<Graph, NetworkError>, expected: &str| {
            assert_eq!(graph.unwrap_err().to_string(), expected);
        };
        check(lenet(0, 2, 6, None), "A LeNet needs at least 1 input channel, found 0");
        check(lenet(1, 0, 6, None), "A LeNet needs at least 1 class, found 0");
        check(lenet(1, 2, 0, None), "A LeNet's base must lie between 1 and 4096 channels, found 0");
        let small = "A LeNet needs an image of 12×12 pixels or more, found 28×11";
        check(lenet(1, 2, 6, Some([28, 11])), small);
        assert!(lenet(1, 2, 6, Some([usize::MAX, usize::MAX])).is_err());
    }
}
