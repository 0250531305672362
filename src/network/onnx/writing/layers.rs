//! Layers with weights, norms and pooling.

use super::builder::{Builder, flag, float, int, ints};
use super::operations::Site;
use crate::network::{NetworkError, Op, PoolKind, Pooling};

/// A convolution's geometry, as ONNX's attributes have it.
type Window<'a> = (&'a [usize; 2], &'a [usize; 2], &'a [usize; 2]);

impl Site<'_> {
    /// A layer with weights, or a norm.
    pub(super) fn layer(&self, builder: &mut Builder, x: &str) {
        let (weight, bias) = (self.weight("weight"), self.weight("bias"));
        match &self.node.op {
            Op::Conv2d { kernel, stride, padding, dilation, groups, bias: has_bias, .. } => {
                let mut attributes = window((kernel, stride, padding));
                attributes.extend([ints("dilations", dilation), int("group", *groups as i64)]);
                let bias = if *has_bias { bias.as_str() } else { "" };
                builder.result("Conv", &[x, &weight, bias], attributes);
            }
            Op::ConvTranspose2d {
                kernel,
                stride,
                padding,
                output_padding,
                dilation,
                groups,
                bias: has_bias,
                ..
            } => {
                let mut attributes = window((kernel, stride, padding));
                attributes.extend([ints("dilations", dilation), int("group", *groups as i64)]);
                attributes.push(ints("output_padding", output_padding));
                let bias = if *has_bias { bias.as_str() } else { "" };
                builder.result("ConvTranspose", &[x, &weight, bias], attributes);
            }
            Op::Linear { bias: has_bias, .. } => self.linear(builder, x, *has_bias),
            Op::BatchNorm2d { eps, .. } => {
                let running = [self.weight("running_mean"), self.weight("running_var")];
                let inputs = [x, &weight, &bias, &running[0], &running[1]];
                builder.result("BatchNormalization", &inputs, vec![float("epsilon", *eps)]);
            }
            Op::GroupNorm { channels, groups, eps } if groups == channels => {
                let inputs = [x, weight.as_str(), bias.as_str()];
                builder.result("InstanceNormalization", &inputs, vec![float("epsilon", *eps)]);
            }
            Op::GroupNorm { groups, eps, .. } => self.group_norm(builder, x, *groups, *eps),
            Op::LayerNorm { shape, eps } => {
                let attributes = vec![int("axis", -(shape.len() as i64)), float("epsilon", *eps)];
                builder.result("LayerNormalization", &[x, &weight, &bias], attributes);
            }
            Op::LocalResponseNorm { size, alpha, beta, k } => {
                let attributes = vec![
                    int("size", *size as i64),
                    float("alpha", *alpha),
                    float("beta", *beta),
                    float("bias", *k),
                ];
                builder.result("LRN", &[x], attributes);
            }
            _ => {}
        }
    }

    fn linear(&self, builder: &mut Builder, x: &str, has_bias: bool) {
        let (weight, bias) = (self.weight("weight"), self.weight("bias"));
        if self.shape_of(0).len() == 1 {
            let bias = if has_bias { bias.as_str() } else { "" };
            return builder.result("Gemm", &[x, &weight, bias], vec![flag("transB", true)]);
        }
        let turned = builder.part("Transpose", &[&weight], vec![ints("perm", &[1, 0])]);
        if has_bias {
            let product = builder.part("MatMul", &[x, &turned], Vec::new());
            builder.result("Add", &[&product, &bias], Vec::new());
        } else {
            builder.result("MatMul", &[x, &turned], Vec::new());
        }
    }

    /// As an instance norm of groups, which every version of ONNX has; its operator for groups changed its meaning.
    fn group_norm(&self, builder: &mut Builder, x: &str, groups: usize, eps: f64) {
        let in_groups = builder.numbers(&[0, groups as i64, -1]);
        let in_groups = builder.part("Reshape", &[x, &in_groups], Vec::new());
        let ones = builder.floats(&vec![1.0; groups], vec![groups as i64]);
        let zeros = builder.floats(&vec![0.0; groups], vec![groups as i64]);
        let inputs = [in_groups.as_str(), &ones, &zeros];
        let normed = builder.part("InstanceNormalization", &inputs, vec![float("epsilon", eps)]);
        let shape = builder.part("Shape", &[x], Vec::new());
        let normed = builder.part("Reshape", &[&normed, &shape], Vec::new());
        let mut per_channel = |weight: String| {
            let behind: Vec<i64> = (1..self.shape_of(0).len() as i64).collect();
            let behind = builder.numbers(&behind);
            builder.part("Unsqueeze", &[&weight, &behind], Vec::new())
        };
        let (weight, bias) = (per_channel(self.weight("weight")), per_channel(self.weight("bias")));
        let scaled = builder.part("Mul", &[&normed, &weight], Vec::new());
        builder.result("Add", &[&scaled, &bias], Vec::new());
    }

    /// Pooling of any kind.
    pub(super) fn pooling(&self, builder: &mut Builder, x: &str) -> Result<(), NetworkError> {
        match &self.node.op {
            Op::MaxPool2d { kernel, stride, padding } => {
                builder.result("MaxPool", &[x], window((kernel, stride, padding)));
            }
            Op::AvgPool2d { kernel, stride, padding } => {
                let mut attributes = window((kernel, stride, padding));
                attributes.push(flag("count_include_pad", true));
                builder.result("AveragePool", &[x], attributes);
            }
            Op::Pool(pooling) => self.pool(builder, x, pooling)?,
            Op::AdaptiveAvgPool2d { size: [1, 1] } => builder.result("GlobalAveragePool", &[x], Vec::new()),
            Op::AdaptiveAvgPool2d { size } => self.adaptive(builder, x, *size),
            _ => {}
        }
        Ok(())
    }

    fn pool(&self, builder: &mut Builder, x: &str, pooling: &Pooling) -> Result<(), NetworkError> {
        let (axes, pooled) = (self.shape_of(0).len(), pooling.kernel.len());
        let pads = [pooling.before.as_slice(), &pooling.after].concat();
        let mut attributes = vec![
            ints("kernel_shape", &pooling.kernel),
            ints("strides", &pooling.stride),
            ints("pads", &pads),
            flag("ceil_mode", pooling.ceil),
        ];
        if pooling.dilation.iter().any(|&n| n > 1) {
            attributes.push(ints("dilations", &pooling.dilation));
        }
        let op = match pooling.kind {
            PoolKind::Max => "MaxPool",
            PoolKind::Average => {
                attributes.push(flag("count_include_pad", pooling.count_padding));
                "AveragePool"
            }
        };
        if axes == pooled + 1 {
            builder.result(op, &[x], attributes);
            return Ok(());
        }
        if axes != pooled {
            return Err(NetworkError::Graph(format!(
                "Node {}: ONNX pools all axes but the first; this one pools {pooled} of {axes}",
                self.node.name
            )));
        }
        let channel = builder.numbers(&[1]);
        let with_channel = builder.part("Unsqueeze", &[x, &channel], Vec::new());
        let pooled = builder.part(op, &[&with_channel], attributes);
        builder.result("Squeeze", &[&pooled, &channel], Vec::new());
        Ok(())
    }

    /// Means of windows that share a known size evenly: by a pooling where they are all alike, else as a matrix of shares
    /// from the left and one from the right.
    fn adaptive(&self, builder: &mut Builder, x: &str, size: [usize; 2]) {
        let &[_, height, width] = self.shape_of(0) else { return };
        let from = [height, width];
        if from == size {
            return builder.result("Identity", &[x], Vec::new());
        }
        if (0..2).all(|axis| from[axis].is_multiple_of(size[axis])) {
            let kernel = [height / size[0], width / size[1]];
            return builder.result("AveragePool", &[x], window((&kernel, &kernel, &[0, 0])));
        }
        let rows = shares(from[0], size[0]);
        let rows = builder.floats(&rows.concat(), vec![size[0] as i64, from[0] as i64]);
        let columns = shares(from[1], size[1]);
        let turned: Vec<f32> =
            (0..from[1]).flat_map(|pixel| columns.iter().map(move |row| row[pixel])).collect();
        let columns = builder.floats(&turned, vec![from[1] as i64, size[1] as i64]);
        let along_y = builder.part("MatMul", &[&rows, x], Vec::new());
        builder.result("MatMul", &[&along_y, &columns], Vec::new());
    }
}

/// For each of `to` windows over `from` pixels the share of each pixel: window i reaches from floor(i·from / to) up to
/// ceil((i + 1)·from / to), as PyTorch has it.
fn shares(from: usize, to: usize) -> Vec<Vec<f32>> {
    let window = |i: usize| {
        let (start, end) = (i * from / to, ((i + 1) * from).div_ceil(to));
        let share = |pixel| if (start..end).contains(&pixel) { 1.0 / (end - start) as f32 } else { 0.0 };
        (0..from).map(share).collect()
    };
    (0..to).map(window).collect()
}

/// Kernel, stride and the same padding on both sides.
fn window((kernel, stride, padding): Window<'_>) -> Vec<crate::network::onnx::proto::AttributeProto> {
    let pads = [padding[0], padding[1], padding[0], padding[1]];
    vec![ints("kernel_shape", kernel), ints("strides", stride), ints("pads", &pads)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_share_an_image_as_adaptive_pooling_does() {
        // torch.nn.AdaptiveAvgPool1d(3) of 5 values: windows 0..2, 1..4 and 3..5.
        let third = 1.0 / 3.0;
        let expected =
            [[0.5, 0.5, 0.0, 0.0, 0.0], [0.0, third, third, third, 0.0], [0.0, 0.0, 0.0, 0.5, 0.5]];
        assert_eq!(shares(5, 3), expected);
    }
}
