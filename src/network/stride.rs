//! How far apart the outputs of each node lie on the input, and the grid on which all of them repeat.

use super::{Graph, NetworkError, Op};

/// Most pixels that may become one, or one pixel become.
const MAX_STRIDE: u64 = 65_536;

/// A distance in input pixels as a reduced fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Jump {
    pub(super) numerator: u64,
    pub(super) denominator: u64,
}

impl Jump {
    /// `None` beyond [`MAX_STRIDE`].
    fn new(numerator: u64, denominator: u64) -> Option<Self> {
        let divisor = gcd(numerator, denominator).max(1);
        let jump = Self { numerator: numerator / divisor, denominator: denominator / divisor };
        (jump.numerator <= MAX_STRIDE && jump.denominator <= MAX_STRIDE).then_some(jump)
    }

    fn times(self, factor: usize) -> Option<Self> {
        Self::new(self.numerator * factor as u64, self.denominator)
    }

    fn over(self, factor: usize) -> Option<Self> {
        Self::new(self.numerator, self.denominator * factor as u64)
    }
}

/// Jump `[y, x]` of every node; inner `None` where there are no positions (after global pooling or flattening), outer
/// `None` where the graph shrinks or grows the image beyond [`MAX_STRIDE`].
pub(super) fn jumps(graph: &Graph) -> Option<Vec<Option<[Jump; 2]>>> {
    let mut jumps: Vec<Option<[Jump; 2]>> = Vec::with_capacity(graph.nodes().len());
    for (index, node) in graph.nodes().iter().enumerate() {
        let inputs = graph.inputs_of(index);
        let placed = inputs.iter().all(|&i| jumps[i].is_some());
        let before = inputs.first().and_then(|&i| jumps[i]).filter(|_| placed);
        jumps.push(match (&node.op, before) {
            (Op::Input { .. }, _) => Some([Jump { numerator: 1, denominator: 1 }; 2]),
            (_, None) | (Op::GlobalAvgPool | Op::Flatten | Op::Linear { .. }, _) => None,
            (
                Op::Conv2d { stride, .. } | Op::MaxPool2d { stride, .. } | Op::AvgPool2d { stride, .. },
                Some([y, x]),
            ) => Some([y.times(stride[0])?, x.times(stride[1])?]),
            (Op::ConvTranspose2d { stride, .. }, Some([y, x])) => {
                Some([y.over(stride[0])?, x.over(stride[1])?])
            }
            (Op::Upsample { scale, .. }, Some([y, x])) => Some([y.over(*scale)?, x.over(*scale)?]),
            (_, same) => same,
        });
    }
    Some(jumps)
}

/// Least input shift that moves every node's grid by whole outputs.
fn common(graph: &Graph) -> Option<[usize; 2]> {
    let mut total = [1_u64; 2];
    for jump in jumps(graph)?.into_iter().flatten() {
        for axis in 0..2 {
            let numerator = jump[axis].numerator;
            total[axis] = total[axis] / gcd(total[axis], numerator) * numerator;
            if total[axis] > MAX_STRIDE {
                return None;
            }
        }
    }
    Some(total.map(|n| n as usize))
}

/// Refuses a graph whose [`total_stride`] no image could follow.
pub(super) fn check_stride(graph: &Graph) -> Result<(), NetworkError> {
    common(graph).map(|_| ()).ok_or_else(|| {
        NetworkError::Graph(format!("The graph shrinks or grows the image more than {MAX_STRIDE} times"))
    })
}

/// The product of downsampling along the deepest path: input sizes that are multiples of it lose no pixels, and tiles
/// that start at multiples of it see the same grid. 1 for networks without downsampling.
#[must_use]
pub fn total_stride(graph: &Graph) -> [usize; 2] {
    // Every graph was checked when it was made.
    common(graph).unwrap_or([1, 1])
}

pub(super) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::{UnetSpec, lenet, mlp, unet};
    use crate::network::{Node, Resample};

    fn node(name: &str, op: Op, inputs: &[&str]) -> Node {
        Node { name: name.into(), op, inputs: inputs.iter().map(|&s| s.into()).collect() }
    }

    fn pool(stride: [usize; 2]) -> Op {
        Op::MaxPool2d { kernel: [2, 2], stride, padding: [0, 0] }
    }

    #[test]
    fn known_architectures_have_known_strides() {
        for depth in 1..=6 {
            let spec =
                UnetSpec { in_channels: 1, classes: 2, base: 2, depth, batch_norm: true, upsample: None };
            assert_eq!(total_stride(&unet(spec).unwrap()), [1 << depth; 2]);
        }
        assert_eq!(total_stride(&lenet(1, 2, 6, None).unwrap()), [4, 4]);
        assert_eq!(total_stride(&mlp([1, 8, 8], &[4], 2).unwrap()), [1, 1]);
    }

    #[test]
    fn branches_with_different_strides_need_a_common_grid() {
        // Upsampled by 2 and pooled by 3 the outputs lie 1.5 pixels apart: the grid repeats every 3 pixels.
        let up = Op::Upsample { scale: 2, resample: Resample::Nearest };
        let nodes = vec![
            node("input", Op::Input { channels: 1 }, &[]),
            node("up", up, &["input"]),
            node("pool", pool([3, 4]), &["up"]),
        ];
        assert_eq!(total_stride(&Graph::new("test", nodes).unwrap()), [3, 2]);
        let nodes = vec![
            node("input", Op::Input { channels: 1 }, &[]),
            node("a", pool([2, 1]), &["input"]),
            node("b", pool([3, 1]), &["input"]),
            node("both", Op::Concat { axis: 0 }, &["a", "b"]),
        ];
        assert_eq!(total_stride(&Graph::new("test", nodes).unwrap()), [6, 1]);
    }

    #[test]
    fn endless_shrinking_is_refused() {
        let mut nodes = vec![node("n0", Op::Input { channels: 1 }, &[])];
        for i in 1..=17 {
            nodes.push(node(&format!("n{i}"), pool([2, 2]), &[&format!("n{}", i - 1)]));
        }
        let message = Graph::new("test", nodes).unwrap_err().to_string();
        assert!(message.contains("more than 65536 times"), "{message}");
    }
}
