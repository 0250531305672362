//! Parameters, multiply-adds and activation memory of every node.

use super::{Graph, NetworkError, Op, ReceptiveField, receptive_fields};
use serde::Serialize;

/// What a node is and costs, for one input size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeCost {
    pub name: String,
    pub kind: String,
    pub attributes: String,
    /// Without the batch axis: `[channel, y, x]` or `[feature]`.
    pub shape: Vec<usize>,
    /// Trainable numbers.
    pub parameters: usize,
    /// Of convolutions, dense layers and matrix products; biases, norms, activations, pooling and resampling are not counted.
    pub multiply_adds: u64,
    /// Of its output as f32.
    pub activation_bytes: u64,
    pub receptive_field: Option<ReceptiveField>,
}

/// One row a node, in the graph's order, for an input `[c, y, x]`. Batch-norm running statistics are no parameters
/// (PyTorch's counting).
///
/// # Errors
/// Those of [`Graph::shapes`].
pub fn describe(graph: &Graph, input: [usize; 3]) -> Result<Vec<NodeCost>, NetworkError> {
    let shapes = graph.shapes(input)?;
    let fields = receptive_fields(graph);
    let mut rows = Vec::with_capacity(shapes.len());
    for (index, (node, receptive_field)) in graph.nodes().iter().zip(fields).enumerate() {
        let trainable = node.parameters().into_iter().filter(|spec| spec.trainable);
        let inputs = graph.inputs_of(index);
        let inputs: Vec<&[usize]> = inputs.iter().map(|&input| shapes[input].as_slice()).collect();
        rows.push(NodeCost {
            name: node.name.clone(),
            kind: node.op.kind().to_owned(),
            attributes: node.op.attributes(),
            parameters: trainable.map(|spec| spec.shape.iter().product::<usize>()).sum(),
            multiply_adds: multiply_adds(&node.op, &inputs, &shapes[index]),
            activation_bytes: values(&shapes[index]) * 4,
            shape: shapes[index].clone(),
            receptive_field,
        });
    }
    Ok(rows)
}

fn values(shape: &[usize]) -> u64 {
    shape.iter().map(|&n| n as u64).product()
}

/// For these shapes in and out; saturates at the largest number there is.
pub(super) fn multiply_adds(op: &Op, inputs: &[&[usize]], output: &[usize]) -> u64 {
    let before = inputs.first().map_or(0, |shape| values(shape));
    let after = values(output);
    let (positions, each) = match *op {
        Op::Conv2d { in_channels, kernel, groups, .. } => {
            (after, in_channels / groups * kernel[0] * kernel[1])
        }
        // Every input value meets every tap once, those that fall outside the output included.
        Op::ConvTranspose2d { out_channels, kernel, groups, .. } => {
            (before, out_channels / groups * kernel[0] * kernel[1])
        }
        Op::Linear { in_features, .. } => (after, in_features),
        Op::MatMul => (after, inputs.first().and_then(|shape| shape.last()).copied().unwrap_or(0)),
        _ => return 0,
    };
    positions.saturating_mul(each as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::{UnetSpec, lenet, unet};

    #[test]
    fn lenet_costs_what_the_lecture_says() {
        let rows = describe(&lenet(1, 10, 6, Some([28, 28])).unwrap(), [1, 28, 28]).unwrap();
        let row = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
        let check = |name: &str, parameters, multiply_adds, bytes| {
            let row = row(name);
            let found = (row.parameters, row.multiply_adds, row.activation_bytes);
            assert_eq!(found, (parameters, multiply_adds, bytes), "{name}");
        };
        // 28²·6·25, 10²·16·(6·25), 400·120, 120·84, 84·10
        check("conv1", 156, 117_600, 4 * 6 * 28 * 28);
        check("relu1", 0, 0, 4 * 6 * 28 * 28);
        check("conv2", 2416, 240_000, 4 * 16 * 10 * 10);
        check("fc1", 48_120, 48_000, 480);
        check("fc2", 10_164, 10_080, 336);
        check("head", 850, 840, 40);
        assert_eq!(
            (row("conv2").kind.as_str(), row("conv2").shape.as_slice()),
            ("Conv2d", &[16, 10, 10][..])
        );
        assert!(row("conv2").receptive_field.is_some());
        assert_eq!(row("flatten").receptive_field, None);
    }

    #[test]
    fn norms_count_two_numbers_a_channel_and_transposed_convolutions_their_input() {
        let spec =
            UnetSpec { in_channels: 1, classes: 2, base: 4, depth: 1, batch_norm: true, upsample: None };
        let rows = describe(&unet(spec).unwrap(), [1, 8, 6]).unwrap();
        let row = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
        assert_eq!(row("enc1.bn1").parameters, 8);
        // 8 channels of 4×3 pixels, each meeting 4 channels of 2×2 taps.
        assert_eq!(row("dec1.up").multiply_adds, 8 * 4 * 3 * 4 * 4);
        assert_eq!(row("dec1.up").parameters, 8 * 4 * 4 + 4);
        assert_eq!(row("dec1.concat").activation_bytes, 4 * 8 * 8 * 6);
    }

    #[test]
    fn an_input_that_does_not_fit_is_refused() {
        assert!(describe(&lenet(1, 10, 6, Some([28, 28])).unwrap(), [1, 32, 28]).is_err());
    }
}
