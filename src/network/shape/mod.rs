//! Shapes of all nodes for an input size, by PyTorch's formulas; a method on Graph.

mod general;

use super::{Graph, NetworkError, Op};
pub(super) use general::slice;

impl Graph {
    /// Output shape of every node, without the batch axis: `[c, y, x]` or `[features]`, for an input `[c, y, x]`.
    ///
    /// # Errors
    /// Names the node, what it expected and what it found.
    pub fn shapes(&self, input: [usize; 3]) -> Result<Vec<Vec<usize>>, NetworkError> {
        self.shapes_of(&input)
    }

    /// The same for an input of any number of axes.
    ///
    /// # Errors
    /// As [`Graph::shapes`].
    pub fn shapes_of(&self, input: &[usize]) -> Result<Vec<Vec<usize>>, NetworkError> {
        let mut shapes: Vec<Vec<usize>> = Vec::with_capacity(self.nodes().len());
        for (index, node) in self.nodes().iter().enumerate() {
            let inputs = self.inputs_of(index);
            let found: Vec<&[usize]> = inputs.iter().map(|&i| shapes[i].as_slice()).collect();
            let shape =
                output_shape(&node.op, input, &found).and_then(countable).map_err(|(expected, found)| {
                    NetworkError::Shape { node: node.name.clone(), expected, found }
                })?;
            shapes.push(shape);
        }
        Ok(shapes)
    }
}

/// A shape as people write it: "16×5×5", "120 features".
pub(super) fn shape_text(shape: &[usize]) -> String {
    match shape {
        [features] => format!("{features} features"),
        _ => shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×"),
    }
}

/// What an operation gives for inputs of these shapes, the batch apart.
pub(super) fn shape_behind(op: &Op, inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    output_shape(op, &[], inputs)
}

/// What was expected and what was found.
pub(super) type Mismatch = (String, String);

/// Refuses shapes without values or with more than can be addressed as f32.
fn countable(shape: Vec<usize>) -> Result<Vec<usize>, Mismatch> {
    let values = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
    match values {
        Some(0) => Err(("an output with pixels".into(), shape_text(&shape))),
        Some(n) if n <= isize::MAX as usize / 4 => Ok(shape),
        _ => Err(("an output this machine can address".into(), shape_text(&shape))),
    }
}

fn output_shape(op: &Op, input: &[usize], inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    match *op {
        Op::Input { channels } => Ok(planes(&[input], Some(channels))?.to_vec()),
        Op::Array { ref shape } if shape == input => Ok(input.to_vec()),
        Op::Array { ref shape } => Err((shape_text(shape), shape_text(input))),
        Op::Constant { ref shape } => Ok(shape.clone()),
        Op::Conv2d { in_channels, out_channels, kernel, stride, padding, dilation, .. } => {
            let size = planes(inputs, Some(in_channels))?;
            let [y, x] = slide(size, kernel, stride, padding, dilation)?;
            Ok(vec![out_channels, y, x])
        }
        Op::ConvTranspose2d {
            in_channels,
            out_channels,
            kernel,
            stride,
            padding,
            output_padding,
            dilation,
            ..
        } => {
            let [_, y, x] = planes(inputs, Some(in_channels))?;
            let along = |axis: usize, size: usize| {
                let grown = (size - 1)
                    .checked_mul(stride[axis])?
                    .checked_add(dilation[axis] * (kernel[axis] - 1) + output_padding[axis] + 1)?;
                grown.checked_sub(2 * padding[axis]).filter(|&n| n > 0)
            };
            match (along(0, y), along(1, x)) {
                (Some(y), Some(x)) => Ok(vec![out_channels, y, x]),
                _ => Err(("an input that padding does not use up".into(), format!("{y}×{x} pixels"))),
            }
        }
        Op::Linear { in_features, out_features, .. } => match inputs {
            [[features]] if *features == in_features => Ok(vec![out_features]),
            [shape] => Err((format!("{in_features} features"), shape_text(shape))),
            _ => Err((format!("{in_features} features"), "nothing".into())),
        },
        Op::BatchNorm2d { channels, .. } => Ok(planes(inputs, Some(channels))?.to_vec()),
        Op::MaxPool2d { kernel, stride, padding } | Op::AvgPool2d { kernel, stride, padding } => {
            let size = planes(inputs, None)?;
            let [y, x] = slide(size, kernel, stride, padding, [1, 1])?;
            Ok(vec![size[0], y, x])
        }
        Op::GlobalAvgPool => Ok(vec![planes(inputs, None)?[0], 1, 1]),
        Op::Upsample { scale, .. } => {
            let [channels, y, x] = planes(inputs, None)?;
            match (y.checked_mul(scale), x.checked_mul(scale)) {
                (Some(y), Some(x)) => Ok(vec![channels, y, x]),
                _ => Err(("an output this machine can address".into(), format!("{y}×{x} times {scale}"))),
            }
        }
        Op::Concat { axis } => joined(inputs, axis),
        Op::Add => same(inputs),
        Op::Flatten => {
            // The input's values were counted when its shape was made.
            Ok(vec![inputs.iter().flat_map(|shape| shape.iter()).product()])
        }
        ref other => general::output_shape(other, inputs),
    }
}

fn expect_channels(expected: usize, image: [usize; 3]) -> Result<(), Mismatch> {
    let count = |n: usize| if n == 1 { "1 channel".to_owned() } else { format!("{n} channels") };
    if image[0] == expected { Ok(()) } else { Err((count(expected), shape_text(&image))) }
}

/// The one input as `[c, y, x]`, with that many channels.
fn planes(inputs: &[&[usize]], channels: Option<usize>) -> Result<[usize; 3], Mismatch> {
    match inputs {
        [[c, y, x]] => {
            let found = [*c, *y, *x];
            channels.map_or(Ok(()), |expected| expect_channels(expected, found))?;
            Ok(found)
        }
        _ => Err((
            channels.map_or("planes (channel, y, x)".into(), |c| format!("planes of {c} channels")),
            inputs.first().map_or("nothing".into(), |shape| shape_text(shape)),
        )),
    }
}

/// Positions of a window along y and x.
fn slide(
    [_, y, x]: [usize; 3],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
) -> Result<[usize; 2], Mismatch> {
    let reach = |axis: usize| dilation[axis] * (kernel[axis] - 1) + 1;
    let along = |axis: usize, size: usize| {
        let padded = size.checked_add(2 * padding[axis])?;
        Some(padded.checked_sub(reach(axis))? / stride[axis] + 1)
    };
    if let (Some(y), Some(x)) = (along(0, y), along(1, x)) {
        return Ok([y, x]);
    }
    let least = |axis: usize| reach(axis).saturating_sub(2 * padding[axis]).max(1);
    Err((format!("at least {}×{} pixels", least(0), least(1)), format!("{y}×{x}")))
}

/// Inputs one after another along an axis; the others must agree.
fn joined(inputs: &[&[usize]], axis: usize) -> Result<Vec<usize>, Mismatch> {
    let mut shape = inputs.first().copied().unwrap_or_default().to_vec();
    if axis >= shape.len() {
        return Err((format!("inputs with an axis {axis}"), shape_text(&shape)));
    }
    let others = |shape: &[usize]| [&shape[..axis], &shape[axis + 1..]].concat();
    let mut along = 0_usize;
    for input in inputs {
        if input.len() != shape.len() || others(input) != others(&shape) {
            let expected = match (&shape[..], axis) {
                ([_, y, x], 0) => format!("inputs of {y}×{x} pixels"),
                ([_], _) => "flat inputs".into(),
                _ => format!("inputs like {} but for axis {axis}", shape_text(&shape)),
            };
            return Err((expected, shape_text(input)));
        }
        let longer = along.checked_add(input[axis]);
        along = longer.ok_or(("fewer channels".to_owned(), "more than can be counted".to_owned()))?;
    }
    shape[axis] = along;
    Ok(shape)
}

fn same(inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    let first = inputs.first().copied().unwrap_or_default();
    match inputs.iter().find(|shape| **shape != first) {
        Some(other) => Err((format!("inputs of {}", shape_text(first)), shape_text(other))),
        None => Ok(first.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Node, Resample};

    fn chain(channels: usize, ops: Vec<Op>) -> Graph {
        let mut nodes = vec![Node { name: "n0".into(), op: Op::Input { channels }, inputs: Vec::new() }];
        for (i, op) in ops.into_iter().enumerate() {
            nodes.push(Node { name: format!("n{}", i + 1), op, inputs: vec![format!("n{i}")] });
        }
        Graph::new("test", nodes).unwrap()
    }

    fn last(graph: &Graph, input: [usize; 3]) -> Vec<usize> {
        graph.shapes(input).unwrap().pop().unwrap()
    }

    fn refuse(graph: &Graph, input: [usize; 3], expected: &str) {
        assert_eq!(graph.shapes(input).unwrap_err().to_string(), expected);
    }

    fn conv(kernel: usize, stride: usize, padding: usize, dilation: usize) -> Op {
        Op::Conv2d {
            in_channels: 1,
            out_channels: 2,
            kernel: [kernel, 1],
            stride: [stride, 1],
            padding: [padding, 0],
            dilation: [dilation, 1],
            groups: 1,
            bias: true,
        }
    }

    #[test]
    fn convolutions_follow_the_formula() {
        // floor((10 + 2·1 − 2·(3−1) − 1) / 3) + 1 = floor(7/3) + 1 = 3
        assert_eq!(last(&chain(1, vec![conv(3, 3, 1, 2)]), [1, 10, 4]), [2, 3, 4]);
        // floor((7 − 2) / 2) + 1 = 3
        assert_eq!(last(&chain(1, vec![conv(2, 2, 0, 1)]), [1, 7, 4]), [2, 3, 4]);
    }

    #[test]
    fn transposed_convolutions_follow_the_formula() {
        let op = |padding, output_padding| Op::ConvTranspose2d {
            in_channels: 1,
            out_channels: 3,
            kernel: [3, 2],
            stride: [2, 2],
            padding: [padding, 0],
            output_padding: [output_padding, 0],
            dilation: [2, 1],
            groups: 1,
            bias: false,
        };
        // y: (5−1)·2 − 2·1 + 2·(3−1) + 1 + 1 = 12; x: (5−1)·2 + 1 + 1 = 10
        assert_eq!(last(&chain(1, vec![op(1, 1)]), [1, 5, 5]), [3, 12, 10]);
        refuse(
            &chain(1, vec![op(3, 0)]),
            [1, 1, 1],
            "Node n1: expected an input that padding does not use up, found 1×1 pixels",
        );
    }

    #[test]
    fn pooling_flattening_and_dense_layers_give_their_shapes() {
        let graph = chain(
            6,
            vec![
                Op::MaxPool2d { kernel: [3, 2], stride: [2, 2], padding: [1, 0] },
                Op::Upsample { scale: 3, resample: Resample::Nearest },
                Op::AvgPool2d { kernel: [2, 2], stride: [1, 1], padding: [0, 0] },
                Op::Flatten,
                Op::Linear { in_features: 6 * 11 * 8, out_features: 10, bias: true },
                Op::Softmax { axis: 0 },
            ],
        );
        // y: floor((7 + 2 − 3) / 2) + 1 = 4, ·3 = 12, −1 = 11; x: floor((7 − 2) / 2) + 1 = 3, ·3 = 9, −1 = 8
        let shapes = graph.shapes([6, 7, 7]).unwrap();
        let expected: [&[usize]; 7] =
            [&[6, 7, 7], &[6, 4, 3], &[6, 12, 9], &[6, 11, 8], &[528], &[10], &[10]];
        assert_eq!(shapes, expected);
        assert_eq!(last(&chain(6, vec![Op::GlobalAvgPool]), [6, 7, 7]), [6, 1, 1]);
        refuse(&graph, [6, 9, 7], "Node n5: expected 528 features, found 672 features");
    }

    #[test]
    fn errors_name_node_expected_and_found() {
        refuse(
            &chain(1, vec![conv(3, 1, 0, 2)]),
            [1, 4, 9],
            "Node n1: expected at least 5×1 pixels, found 4×9",
        );
        refuse(&chain(1, vec![Op::Relu]), [3, 4, 4], "Node n0: expected 1 channel, found 3×4×4");
        refuse(&chain(1, vec![Op::Relu]), [1, 0, 4], "Node n0: expected an output with pixels, found 1×0×4");
        let twice = vec![conv(1, 1, 0, 1), conv(1, 1, 0, 1)];
        refuse(&chain(1, twice), [1, 4, 4], "Node n2: expected 1 channel, found 2×4×4");
        let norm = vec![Op::BatchNorm2d { channels: 8, eps: 1e-5 }];
        refuse(&chain(1, norm), [1, 4, 4], "Node n1: expected 8 channels, found 1×4×4");
        let dense = || Op::Linear { in_features: 16, out_features: 2, bias: true };
        refuse(&chain(1, vec![dense()]), [1, 4, 4], "Node n1: expected 16 features, found 1×4×4");
        let pooled = vec![Op::Flatten, dense(), Op::GlobalAvgPool];
        refuse(&chain(1, pooled), [1, 4, 4], "Node n3: expected planes (channel, y, x), found 2 features");
    }

    #[test]
    fn branches_must_meet_in_size() {
        let graph = |op: Op| {
            let node = |name: &str, op: Op, inputs: &[&str]| Node {
                name: name.into(),
                op,
                inputs: inputs.iter().map(|&s| s.into()).collect(),
            };
            let pool = Op::MaxPool2d { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
            let nodes = vec![
                node("input", Op::Input { channels: 2 }, &[]),
                node("pool", pool, &["input"]),
                node("up", Op::Upsample { scale: 2, resample: Resample::Nearest }, &["pool"]),
                node("join", op, &["input", "up"]),
            ];
            Graph::new("test", nodes).unwrap()
        };
        assert_eq!(last(&graph(Op::Concat { axis: 0 }), [2, 6, 4]), [4, 6, 4]);
        assert_eq!(last(&graph(Op::Add), [2, 6, 4]), [2, 6, 4]);
        refuse(
            &graph(Op::Concat { axis: 0 }),
            [2, 7, 4],
            "Node join: expected inputs of 7×4 pixels, found 2×6×4",
        );
        refuse(&graph(Op::Add), [2, 7, 4], "Node join: expected inputs of 2×7×4, found 2×6×4");
    }

    #[test]
    fn sizes_beyond_the_machine_are_refused_and_do_not_overflow() {
        let up = || Op::Upsample { scale: 65_535, resample: Resample::Nearest };
        let says = |graph: Graph, input| {
            let message = graph.shapes(input).unwrap_err().to_string();
            assert!(message.contains("this machine can address"), "{message}");
        };
        says(chain(1, vec![up()]), [1, 1 << 50, 9]);
        says(chain(1, vec![Op::Relu]), [1, 1 << 40, 1 << 40]);
        says(chain(1, vec![Op::Relu]), [1, usize::MAX, 1]);
    }
}
