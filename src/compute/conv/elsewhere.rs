//! Convolution on devices other than the CPU, by Candle's own operations.
use super::ConvSpec;
use candle_core::{Result, Tensor};

/// Candle's convolution knows one number for both axes, so unequal ones are brought to it by padding the image,
/// widening the kernel with zeros, and picking every stride-th row or column of the result.
pub(super) fn conv2d(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, spec: ConvSpec) -> Result<Tensor> {
    let [py, px] = spec.padding;
    let (x, padding) = if py == px { (x.clone(), py) } else { (pad(x, spec.padding)?, 0) };
    let (weight, dilation) = equal_dilation(weight, spec.dilation)?;
    let stride = if spec.stride[0] == spec.stride[1] { spec.stride[0] } else { 1 };
    let mut y = x.contiguous()?.conv2d(&weight, padding, stride, dilation, spec.groups)?;
    if spec.stride[0] != spec.stride[1] {
        y = every(&every(&y, 2, spec.stride[0])?, 3, spec.stride[1])?;
    }
    add_bias(&y, bias)
}

pub(super) fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    spec: ConvSpec,
    output_padding: [usize; 2],
) -> Result<Tensor> {
    let (weight, dilation) = equal_dilation(weight, spec.dilation)?;
    let (x, stride) = if spec.stride[0] == spec.stride[1] {
        (x.clone(), spec.stride[0])
    } else {
        (between(&between(x, 2, spec.stride[0])?, 3, spec.stride[1])?, 1)
    };
    let groups = spec.groups;
    let mut parts = Vec::with_capacity(groups);
    for (x, weight) in x.chunk(groups, 1)?.iter().zip(weight.chunk(groups, 0)?) {
        parts.push(x.contiguous()?.conv_transpose2d(&weight.contiguous()?, 0, 0, stride, dilation)?);
    }
    let mut y = if groups == 1 { parts.remove(0) } else { Tensor::cat(&parts, 1)? };
    for (axis, (&padding, &more)) in spec.padding.iter().zip(&output_padding).enumerate() {
        let axis = axis + 2;
        y = y.pad_with_zeros(axis, 0, more)?;
        y = y.narrow(axis, padding, y.dim(axis)? - 2 * padding)?;
    }
    add_bias(&y, bias)
}

fn add_bias(y: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    match bias {
        Some(bias) => y.broadcast_add(&bias.reshape((1, bias.elem_count(), 1, 1))?),
        None => Ok(y.clone()),
    }
}

fn pad(x: &Tensor, padding: [usize; 2]) -> Result<Tensor> {
    x.pad_with_zeros(2, padding[0], padding[0])?.pad_with_zeros(3, padding[1], padding[1])
}

/// A kernel of the same meaning with one dilation for both axes.
fn equal_dilation(weight: &Tensor, dilation: [usize; 2]) -> Result<(Tensor, usize)> {
    if dilation[0] == dilation[1] {
        return Ok((weight.contiguous()?, dilation[0]));
    }
    Ok((between(&between(weight, 2, dilation[0])?, 3, dilation[1])?.contiguous()?, 1))
}

/// Every `step`-th slice along `axis`.
fn every(x: &Tensor, axis: usize, step: usize) -> Result<Tensor> {
    let picked: Vec<u32> = (0..x.dim(axis)? as u32).step_by(step).collect();
    x.contiguous()?.index_select(&Tensor::new(picked, x.device())?, axis)
}

/// `step` − 1 slices of zeros between two along `axis`.
fn between(x: &Tensor, axis: usize, step: usize) -> Result<Tensor> {
    let mut dims = x.dims().to_vec();
    let apart = x.unsqueeze(axis + 1)?.pad_with_zeros(axis + 1, 0, step - 1)?;
    dims[axis] *= step;
    apart.reshape(dims.clone())?.narrow(axis, 0, dims[axis] - (step - 1))
}
