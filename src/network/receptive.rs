//! Which input pixels an output can see.

use super::windows::{Slide, Windows};
use super::{Graph, Node, Op, Resample};
use serde::Serialize;
use std::ops::Range;

/// Receptive field along y and x in input pixels: output index `i` sees nothing outside the input
/// `start + i·jump .. start + i·jump + size`.
///
/// Over branches it is the union. Behind upsampling and transposed convolutions neighbouring outputs see windows that
/// do not move evenly: `size` then is the least that holds for every output (tiles are cut by it), `widest` the size of
/// the largest window that one output has (people are told that one). Elsewhere the two are equal.
/// [`receptive_window`] gives the very window of one output. Pixels beyond the image's border count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReceptiveField {
    pub size: [f64; 2],
    pub jump: [f64; 2],
    pub start: [f64; 2],
    pub widest: [f64; 2],
}

/// One a node; `None` where the whole image is seen (after global pooling or flattening, or where branches drift apart
/// so far that no number would hold).
#[must_use]
pub fn receptive_fields(graph: &Graph) -> Vec<Option<ReceptiveField>> {
    all_windows(graph).into_iter().map(|windows| windows.map(|axes| field(&axes))).collect()
}

/// Rows and columns `[y, x]` of the input that output `[y, x]` of node `index` can see, also beyond the image's border;
/// `None` where it sees the whole image, empty ranges where it sees nothing.
#[must_use]
pub fn receptive_window(graph: &Graph, index: usize, output: [usize; 2]) -> Option<[Range<i64>; 2]> {
    seen_from(all_windows(graph).into_iter().nth(index)?, output)
}

/// The same for every node at once, each at output `[y, x]` of its own.
#[must_use]
pub fn receptive_windows(graph: &Graph, output: [usize; 2]) -> Vec<Option<[Range<i64>; 2]>> {
    all_windows(graph).into_iter().map(|windows| seen_from(windows, output)).collect()
}

fn seen_from(windows: Option<[Windows; 2]>, output: [usize; 2]) -> Option<[Range<i64>; 2]> {
    let [y, x] = windows?;
    let range = |windows: &Windows, at: usize| {
        let window = windows.at(i64::try_from(at).ok()?)?;
        Some(window.map_or(0..0, |(first, last)| first..last + 1))
    };
    Some([range(&y, output[0])?, range(&x, output[1])?])
}

fn field(axes: &[Windows; 2]) -> ReceptiveField {
    let [y, x] = axes;
    let ((start_y, size_y, widest_y), (start_x, size_x, widest_x)) = (y.span(), x.span());
    ReceptiveField {
        size: [size_y, size_x],
        jump: [y.jump(), x.jump()],
        start: [start_y, start_x],
        widest: [widest_y, widest_x],
    }
}

fn all_windows(graph: &Graph) -> Vec<Option<[Windows; 2]>> {
    let mut all: Vec<Option<[Windows; 2]>> = Vec::with_capacity(graph.nodes().len());
    for (index, node) in graph.nodes().iter().enumerate() {
        let inputs: Option<Vec<&[Windows; 2]>> =
            graph.inputs_of(index).into_iter().map(|input| all[input].as_ref()).collect();
        let windows = inputs.and_then(|inputs| Some([behind(node, &inputs, 0)?, behind(node, &inputs, 1)?]));
        all.push(windows);
    }
    all
}

/// The windows of a node along one axis; `None` where it sees everything.
fn behind(node: &Node, inputs: &[&[Windows; 2]], axis: usize) -> Option<Windows> {
    let Some((first, others)) = inputs.split_first() else { return Some(Windows::identity()) };
    let first = &first[axis];
    let slide = |kernel: &[usize; 2], stride: &[usize; 2], padding: &[usize; 2], dilation: usize| Slide {
        kernel: kernel[axis] as i64,
        stride: stride[axis] as i64,
        padding: padding[axis] as i64,
        dilation: dilation as i64,
    };
    match &node.op {
        Op::Conv2d { kernel, stride, padding, dilation, .. } => {
            first.slide(slide(kernel, stride, padding, dilation[axis]))
        }
        Op::ConvTranspose2d { kernel, stride, padding, dilation, .. } => {
            first.spread(slide(kernel, stride, padding, dilation[axis]))
        }
        Op::MaxPool2d { kernel, stride, padding } | Op::AvgPool2d { kernel, stride, padding } => {
            first.slide(slide(kernel, stride, padding, 1))
        }
        Op::Upsample { scale, resample: Resample::Nearest } => first.repeat(*scale as i64),
        Op::Upsample { scale, resample: Resample::Bilinear } => first.interpolate(*scale as i64),
        Op::GlobalAvgPool | Op::Flatten | Op::Linear { .. } => None,
        _ => others.iter().try_fold(first.clone(), |union, other| union.union(&other[axis])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::{UnetSpec, lenet, unet};

    fn node(name: &str, op: Op, inputs: &[&str]) -> Node {
        Node { name: name.into(), op, inputs: inputs.iter().map(|&s| s.into()).collect() }
    }

    fn conv(kernel: usize, stride: usize, padding: usize) -> Op {
        Op::Conv2d {
            in_channels: 1,
            out_channels: 1,
            kernel: [kernel, 1],
            stride: [stride, 1],
            padding: [padding, 0],
            dilation: [1, 1],
            groups: 1,
            bias: true,
        }
    }

    fn pool() -> Op {
        Op::MaxPool2d { kernel: [2, 1], stride: [2, 1], padding: [0, 0] }
    }

    fn chain(ops: Vec<Op>) -> Graph {
        let mut nodes = vec![node("n0", Op::Input { channels: 1 }, &[])];
        for (i, op) in ops.into_iter().enumerate() {
            nodes.push(node(&format!("n{}", i + 1), op, &[&format!("n{i}")]));
        }
        Graph::new("test", nodes).unwrap()
    }

    /// Start, size, widest and jump of the last node along y.
    fn last(graph: &Graph) -> [f64; 4] {
        let field = receptive_fields(graph).pop().unwrap().unwrap();
        [field.start[0], field.size[0], field.widest[0], field.jump[0]]
    }

    #[test]
    fn hand_worked_stacks() {
        // 3×3: 3 · 3×3: 5 · pool: 5 + 1 = 6, jump 2 · 3×3: 6 + 2·2 = 10. Starts: −1, −2, −2, −4.
        let graph = chain(vec![conv(3, 1, 1), conv(3, 1, 1), pool(), conv(3, 1, 1)]);
        assert_eq!(last(&graph), [-4.0, 10.0, 10.0, 2.0]);
        let field = receptive_fields(&graph).pop().unwrap().unwrap();
        assert_eq!((field.start[1], field.size[1], field.jump[1]), (0.0, 1.0, 1.0));
        // AlexNet's first layers: 11/4 pad 2, pool 3/2, 5 pad 2: 11, 11 + 2·4 = 19, 19 + 4·8 = 51 at jump 8.
        let pool3 = Op::MaxPool2d { kernel: [3, 1], stride: [2, 1], padding: [0, 0] };
        let graph = chain(vec![conv(11, 4, 2), pool3, conv(5, 1, 2)]);
        assert_eq!(last(&graph), [-18.0, 51.0, 51.0, 8.0]);
    }

    #[test]
    fn branches_give_the_union() {
        let graph = |a: Op, b: Op| {
            let nodes = vec![
                node("input", Op::Input { channels: 1 }, &[]),
                node("a", a, &["input"]),
                node("b", b, &["input"]),
                node("sum", Op::Add, &["a", "b"]),
            ];
            Graph::new("test", nodes).unwrap()
        };
        assert_eq!(last(&graph(conv(7, 1, 3), conv(3, 1, 1))), [-3.0, 7.0, 7.0, 1.0]);
        // One looks back, the other ahead.
        assert_eq!(last(&graph(conv(5, 1, 4), conv(5, 1, 0))), [-4.0, 9.0, 9.0, 1.0]);
        // Branches of different stride drift apart.
        assert_eq!(receptive_fields(&graph(conv(2, 2, 0), conv(1, 1, 0))).pop().unwrap(), None);
    }

    #[test]
    fn what_follows_global_pooling_or_flattening_sees_everything() {
        let graph = lenet(1, 2, 6, None).unwrap();
        let fields = receptive_fields(&graph);
        // conv1 5, pool 6, conv2 6 + 4·2 = 14, pool 16, conv3 16 + 4·4 = 32; starts −2, −2, −2, −2, −10.
        let conv3 = fields[graph.index_of("relu3").unwrap()].unwrap();
        assert_eq!((conv3.size, conv3.jump, conv3.start), ([32.0; 2], [4.0; 2], [-10.0; 2]));
        for name in ["gap", "flatten", "fc1", "head"] {
            let index = graph.index_of(name).unwrap();
            assert_eq!(fields[index], None, "{name}");
            assert_eq!(receptive_window(&graph, index, [0, 0]), None);
        }
    }

    /// Windows of outputs 64, 65… of a U-Net's head, less 64, along x, as first and last.
    fn unet_windows(depth: usize, upsample: Option<Resample>) -> (Vec<(i64, i64)>, [f64; 3]) {
        let spec = UnetSpec { in_channels: 1, classes: 1, base: 1, depth, batch_norm: false, upsample };
        let graph = unet(spec).unwrap();
        let head = graph.nodes().len() - 1;
        let windows = (0..1 << depth).map(|i| {
            let [y, x] = receptive_window(&graph, head, [64 + i, 64 + i]).unwrap();
            assert_eq!(y, x);
            (x.start - 64, x.end - 1 - 64)
        });
        let field = receptive_fields(&graph)[head].unwrap();
        assert_eq!(field.jump, [1.0, 1.0]);
        (windows.collect(), [field.widest[1], field.start[1], field.size[1]])
    }

    #[test]
    fn a_unets_windows_are_where_its_gradient_is_not_zero() {
        // PyTorch: the same U-Net in float64 with base 1, every weight positive, no ReLU cutting and average instead of
        // max pooling (same support); columns of the input where the gradient of head[c, c + i] is not zero, less c,
        // c a multiple of 2^depth in the middle of the image. Widest, start and size follow from these windows.
        let bilinear = Some(Resample::Bilinear);
        let (early, late) = ((-22, 21), (-18, 25));
        assert_eq!(unet_windows(1, None), (vec![(-8, 9), (-8, 9)], [18.0, -9.0, 19.0]));
        assert_eq!(unet_windows(2, None), (vec![early, early, late, late], [44.0, -23.0, 47.0]));
        assert_eq!(unet_windows(2, Some(Resample::Nearest)), unet_windows(2, None));
        let windows = vec![(-26, 25), (-22, 25), (-22, 25), (-22, 29)];
        assert_eq!(unet_windows(2, bilinear), (windows, [52.0, -26.0, 53.0]));
        let [a, b, c] = [(-46, 45), (-46, 53), (-38, 53)];
        assert_eq!(unet_windows(3, None), (vec![a, a, b, b, b, b, c, c], [100.0, -51.0, 103.0]));
        let [a, b, c] = [(-54, 53), (-54, 61), (-46, 61)];
        assert_eq!(unet_windows(3, bilinear), (vec![a, a, a, b, b, c, c, c], [116.0, -58.0, 117.0]));
    }

    #[test]
    fn every_output_sees_only_inside_the_field() {
        for (depth, upsample) in [(2, None), (3, Some(Resample::Bilinear)), (6, None)] {
            let spec = UnetSpec { in_channels: 1, classes: 2, base: 1, depth, batch_norm: true, upsample };
            let graph = unet(spec).unwrap();
            let fields = receptive_fields(&graph);
            for (index, field) in fields.iter().enumerate().step_by(5) {
                let field = field.unwrap();
                for output in 0..70 {
                    let [y, _] = receptive_window(&graph, index, [output, 0]).unwrap();
                    let start = field.start[0] + output as f64 * field.jump[0];
                    let size = (y.end - y.start) as f64;
                    assert!(start <= y.start as f64 && y.end as f64 <= start + field.size[0]);
                    assert!(size <= field.widest[0] && field.widest[0] <= field.size[0]);
                }
            }
        }
    }
}
