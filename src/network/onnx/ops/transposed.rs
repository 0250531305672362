//! Transposed convolutions.

use super::super::attributes::Call;
use super::super::build::Builder;
use super::super::size::Size;
use super::super::{Refused, refuse};
use super::convolution::{Window, bias_of, image, kernel_of, line, of_planes, pair_of};
use super::{Made, one};
use crate::network::{Op, PadMode};

/// Where the result stands in the full one: values cut off before, added or (negative) cut off behind, and its length.
struct Span {
    before: usize,
    extra: i64,
    length: Option<Size>,
}

pub(super) fn conv_transpose(builder: &mut Builder, call: &Call<'_>) -> Made {
    let weight = kernel_of(call)?;
    let axes = weight.ndim() - 2;
    let input = image(builder, call.needed(0)?, axes)?;
    let size = input.dims[4 - axes..].to_vec();
    let mut spans = spans(call, weight.shape()[2..].to_vec(), &size)?;
    let window = Window {
        kernel: weight.shape()[2..].to_vec(),
        stride: call.sizes("strides", axes, 1, 1)?,
        dilation: call.sizes("dilations", axes, 1, 1)?,
        before: vec![0; axes],
        after: vec![0; axes],
    }
    .of_planes();
    if axes == 1 {
        spans.insert(0, Span { before: 0, extra: 0, length: Some(Size::from(1_i64)) });
    }
    let weight = of_planes(weight);
    let groups = call.sizes_one("group", 1)?;
    let (in_channels, out_channels) = (weight.shape()[0], weight.shape()[1].saturating_mul(groups));
    let bias = bias_of(call, out_channels)?;
    // What is to be cut off behind beyond the symmetric padding is cut off afterwards.
    let output_padding = [0, 1].map(|axis: usize| usize::try_from(spans[axis].extra).unwrap_or(0));
    let cut = [0, 1].map(|axis: usize| spans[axis].extra.min(0));
    let has_bias = bias.is_some();
    let own: Vec<Size> = std::iter::once(Size::from(out_channels))
        .chain(spans.iter().map(|span| builder.size(span.length.clone())))
        .collect();
    let op = Op::ConvTranspose2d {
        in_channels,
        out_channels,
        kernel: pair_of(&window.kernel),
        stride: pair_of(&window.stride),
        padding: [spans[0].before, spans[1].before],
        output_padding,
        dilation: pair_of(&window.dilation),
        groups,
        bias: has_bias,
    };
    let weights = std::iter::once(("weight", weight)).chain(bias.map(|bias| ("bias", bias))).collect();
    let node = builder.make_weighted(op, input.node, own.clone(), weights)?;
    let mut result = input.with(node, own.clone());
    if cut != [0, 0] {
        builder.nodes[node].own = vec![Size::from(out_channels), builder.size(None), builder.size(None)];
        let (before, after) = (vec![0; 3], vec![0, cut[0], cut[1]]);
        let op = Op::Pad { before, after, mode: PadMode::Constant { value: 0.0 } };
        result = builder.after("cut", &result, op, own)?;
    }
    one(line(builder, result, axes)?)
}

/// The span of each axis, from pads, output padding, output shape and automatic padding.
fn spans(call: &Call<'_>, kernel: Vec<usize>, size: &[Size]) -> Result<Vec<Span>, Refused> {
    let axes = kernel.len();
    let stride = call.sizes("strides", axes, 1, 1)?;
    let dilation = call.sizes("dilations", axes, 1, 1)?;
    let padding = call.sizes("output_padding", axes, 0, 0)?;
    let pads = call.sizes("pads", 2 * axes, 0, 0)?;
    let auto = call.word("auto_pad");
    let shape = match call.ints("output_shape") {
        Some(shape) if shape.len() >= axes => Some(&shape[shape.len() - axes..]),
        _ => None,
    };
    let mut spans = Vec::with_capacity(axes);
    for axis in 0..axes {
        let (stride, reach) = (stride[axis] as i64, (dilation[axis] * (kernel[axis].max(1) - 1) + 1) as i64);
        let output_padding = padding[axis] as i64;
        // (size − 1) · stride + reach, without borders.
        let full = size[axis]
            .plus(&Size::from(-1_i64))
            .and_then(|n| n.times(&Size::from(stride)))
            .and_then(|n| n.plus(&Size::from(reach)));
        let same = auto.starts_with("SAME");
        let (before, after) = match (shape, full.as_ref().and_then(Size::number)) {
            (Some(shape), Some(full)) => split((full + output_padding - shape[axis]).max(0), auto),
            (Some(_), None) => {
                return refuse("its output_shape fits images of one size only, which is not said");
            }
            // The output is as long as the input times the stride.
            (None, _) if same => split((reach - stride + output_padding).max(0), auto),
            _ => (pads[axis] as i64, pads[axis + axes] as i64),
        };
        let mut extra = before - after + output_padding;
        let mut length = full.and_then(|full| full.plus(&Size::from(output_padding - before - after)));
        if let Some(shape) = shape {
            extra += length.as_ref().and_then(Size::number).map_or(0, |length| shape[axis] - length);
            length = Some(Size::from(shape[axis]));
        }
        let most = stride.max(dilation[axis] as i64) - 1;
        if extra > most {
            return refuse(format!(
                "its output reaches {extra} values behind what it computes, at most {most}"
            ));
        }
        spans.push(Span { before: before as usize, extra, length });
    }
    Ok(spans)
}

/// A total padding on two sides: SAME_UPPER has the larger part behind, all else before.
fn split(total: i64, auto: &str) -> (i64, i64) {
    if auto == "SAME_UPPER" { (total / 2, total - total / 2) } else { (total - total / 2, total / 2) }
}
