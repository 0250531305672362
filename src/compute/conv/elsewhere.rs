//! Convolution on devices other than the CPU, by Candle's convolution and matrix products.
//!
//! Candle's transposed convolution, which is also how it finds the gradient by the image, and its gradient by the weights
//! compute one value a thread without sharing what is read. Here the first is a convolution of the map set apart by the
//! stride with the kernel turned round, the second a matrix product: both are left to the card's own libraries.
use super::ConvSpec;
use crate::compute::given::given2;
use candle_core::{Result, Tensor};

/// Values that one call of Candle's convolution may lay out for its matrix product: 1 GiB.
const COLUMNS: usize = 256 * 1024 * 1024;

/// [`super::conv2d`] on any device.
pub(super) fn conv2d(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, spec: ConvSpec) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    let (_, _, ky, kx) = weight.dims4()?;
    let y = correlate(&x.detach(), &weight.detach(), spec)?;
    let y = given2("conv2d", [x, weight], &y, move |x, weight, grad| {
        let by_x = x.track_op().then(|| adjoint(grad, &weight.detach(), spec, [height, width]));
        let by_weight = weight.track_op().then(|| weight_gradient(&x.detach(), grad, spec, [ky, kx]));
        Ok([by_x.transpose()?, by_weight.transpose()?])
    })?;
    add_bias(&y, bias)
}

/// [`super::conv_transpose2d`] on any device.
pub(super) fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    spec: ConvSpec,
    output_padding: [usize; 2],
) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    let (_, _, ky, kx) = weight.dims4()?;
    let image = [0, 1].map(|axis| {
        let reach =
            ([height, width][axis] - 1) * spec.stride[axis] + ([ky, kx][axis] - 1) * spec.dilation[axis];
        reach + 1 + output_padding[axis] - 2 * spec.padding[axis]
    });
    let y = adjoint(&x.detach(), &weight.detach(), spec, image)?;
    let y = given2("conv_transpose2d", [x, weight], &y, move |x, weight, grad| {
        // More output padding than the stride makes room for another value.
        let of_map = |y: Tensor| y.narrow(2, 0, height)?.narrow(3, 0, width)?.contiguous();
        let by_x = x.track_op().then(|| correlate(grad, &weight.detach(), spec).and_then(of_map));
        let by_weight = weight.track_op().then(|| weight_gradient(grad, &x.detach(), spec, [ky, kx]));
        Ok([by_x.transpose()?, by_weight.transpose()?])
    })?;
    add_bias(&y, bias)
}

/// Bytes that a convolution of an image to a map of these channels and sizes takes beside both, at most: what is laid out
/// for the matrix product, the image joined and with its border, the map in the product's order and with its bias.
pub(in crate::compute) fn workspace_bytes(image: [usize; 3], map: [usize; 3], taps: usize) -> u64 {
    let line = image[0] * taps * map[2];
    let columns = line.saturating_mul(map[1]).min(COLUMNS.max(line));
    let values = |[channels, height, width]: [usize; 3]| (channels * height * width) as u64;
    4 * (columns as u64 + 2 * values(image) + 2 * values(map))
}

/// Cross-correlation of `x` with `weight` `[channel out, channel in / groups, ky, kx]`.
fn correlate(x: &Tensor, weight: &Tensor, spec: ConvSpec) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let (out, _, ky, kx) = weight.dims4()?;
    if [ky, kx] == [1, 1] && spec == ConvSpec::default() {
        let rows = x.reshape((batch, channels, height * width))?.contiguous()?;
        let weight = weight.reshape((1, out, channels))?.repeat((batch, 1, 1))?;
        return weight.matmul(&rows)?.reshape((batch, out, height, width));
    }
    // Candle knows one number for both axes: unequal dilations become zeros in the kernel, unequal strides a choice of
    // rows and columns afterwards.
    let (weight, dilation) = equal_dilation(weight, spec.dilation)?;
    let stride = if spec.stride[0] == spec.stride[1] { spec.stride[0] } else { 1 };
    let mut y = in_bands(x, &weight, spec.padding, [stride, dilation, spec.groups])?;
    if spec.stride[0] != spec.stride[1] {
        y = every(&every(&y, 2, spec.stride[0])?, 3, spec.stride[1])?;
    }
    Ok(y)
}

/// Candle's convolution, in one go where what it lays out for its matrix product is within bounds, else band by band.
fn in_bands(
    x: &Tensor,
    weight: &Tensor,
    padding: [usize; 2],
    [stride, dilation, groups]: [usize; 3],
) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let (_, _, ky, kx) = weight.dims4()?;
    let covered = [ky, kx].map(|k| (k - 1) * dilation + 1);
    let [rows, columns] = [0, 1].map(|i| ([height, width][i] + 2 * padding[i] - covered[i]) / stride + 1);
    let band = (COLUMNS / (batch * channels * ky * kx * columns).max(1)).max(1);
    if rows <= band && padding[0] == padding[1] {
        return x.contiguous()?.conv2d(weight, padding[0], stride, dilation, groups);
    }
    let padded = x.pad_with_zeros(2, padding[0], padding[0])?.pad_with_zeros(3, padding[1], padding[1])?;
    let mut bands = Vec::with_capacity(rows.div_ceil(band));
    for first in (0..rows).step_by(band) {
        let read = (band.min(rows - first) - 1) * stride + covered[0];
        let part = padded.narrow(2, first * stride, read)?.contiguous()?;
        bands.push(part.conv2d(weight, 0, stride, dilation, groups)?);
    }
    Tensor::cat(&bands, 2)
}

/// The gradient of a convolution by its image of `[y, x]`, from the `map`'s; also a transposed convolution. `weight`
/// `[channel of the map, channel of the image / groups, ky, kx]`.
fn adjoint(map: &Tensor, weight: &Tensor, spec: ConvSpec, image: [usize; 2]) -> Result<Tensor> {
    let (_, _, ky, kx) = weight.dims4()?;
    let (kernel, dense) =
        ([ky, kx], ConvSpec { stride: [ky, kx], groups: spec.groups, ..ConvSpec::default() });
    if spec == dense && spec.groups == 1 {
        return extend(&side_by_side(map, weight)?, image);
    }
    let apart = between(&between(map, 2, spec.stride[0])?, 3, spec.stride[1])?;
    let reach = [0, 1].map(|i| (kernel[i] - 1) * spec.dilation[i]);
    // How far what the image's pixels read begins before the map and ends after it; negative: within.
    let before = [0, 1].map(|i| reach[i] as isize - spec.padding[i] as isize);
    let lengths = [apart.dim(2)?, apart.dim(3)?];
    let after = [0, 1].map(|i| (spec.padding[i] + image[i]) as isize - lengths[i] as isize);
    let turned = turned_round(weight, spec.groups)?;
    let plain = ConvSpec { stride: [1, 1], padding: [0, 0], ..spec };
    if before == after && before[0] == before[1] && before[0] >= 0 {
        let padding = [before[0].unsigned_abs(); 2];
        return correlate(&apart, &turned, ConvSpec { padding, ..plain });
    }
    let mut seen = apart;
    for i in [0, 1] {
        seen = seen.pad_with_zeros(i + 2, before[i].max(0) as usize, after[i].max(0) as usize)?;
        seen = seen.narrow(i + 2, before[i].min(0).unsigned_abs(), image[i] + reach[i])?;
    }
    correlate(&seen.contiguous()?, &turned, plain)
}

/// The weights with image and map exchanged and both axes of the kernel from the other end.
fn turned_round(weight: &Tensor, groups: usize) -> Result<Tensor> {
    let (out, per_group, ky, kx) = weight.dims4()?;
    let backwards = |n: usize| Tensor::from_iter((0..n as u32).rev(), weight.device());
    let weight = weight
        .reshape((groups, out / groups, per_group, ky, kx))?
        .transpose(1, 2)?
        .contiguous()?
        .reshape((groups * per_group, out / groups, ky, kx))?;
    weight.index_select(&backwards(ky)?, 2)?.index_select(&backwards(kx)?, 3)
}

/// [`adjoint`] of kernels that lie side by side: each pixel of the map fills a field of its own.
fn side_by_side(map: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (batch, channels, height, width) = map.dims4()?;
    let (_, out, ky, kx) = weight.dims4()?;
    let rows = map.reshape((batch, channels, height * width))?.contiguous()?;
    let weight = weight.reshape((1, channels, out * ky * kx))?.transpose(1, 2)?.contiguous()?;
    weight
        .repeat((batch, 1, 1))?
        .matmul(&rows)?
        .reshape(&[batch, out, ky, kx, height, width][..])?
        .permute(&[0, 1, 4, 2, 5, 3][..])?
        .contiguous()?
        .reshape((batch, out, height * ky, width * kx))
}

/// The gradient of a convolution by its weights: the map's gradient times the image as each tap of the kernel sees it.
fn weight_gradient(image: &Tensor, map: &Tensor, spec: ConvSpec, [ky, kx]: [usize; 2]) -> Result<Tensor> {
    let (batch, channels, _, _) = image.dims4()?;
    let (_, out, height, width) = map.dims4()?;
    let (groups, pixels) = (spec.groups, height * width);
    let padded = image.pad_with_zeros(2, spec.padding[0], spec.padding[0])?.pad_with_zeros(
        3,
        spec.padding[1],
        spec.padding[1],
    )?;
    let map = map.contiguous()?.reshape((batch * groups, out / groups, pixels))?;
    let mut lines = Vec::with_capacity(ky);
    for y in 0..ky {
        let rows = from(&padded, 2, y * spec.dilation[0], [height, spec.stride[0]])?;
        let mut taps = Vec::with_capacity(kx);
        for x in 0..kx {
            let tap = from(&rows, 3, x * spec.dilation[1], [width, spec.stride[1]])?.contiguous()?;
            taps.push(tap.reshape((batch * groups, 1, channels / groups, pixels))?);
        }
        let taps = Tensor::cat(&taps, 1)?.reshape((batch * groups, kx * (channels / groups), pixels))?;
        let line = map.matmul(&taps.t()?)?.reshape((batch, out, kx, channels / groups))?.sum(0)?;
        lines.push(line.transpose(1, 2)?);
    }
    Tensor::stack(&lines, 2)?.contiguous()
}

fn add_bias(y: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    match bias {
        Some(bias) => y.broadcast_add(&bias.reshape((1, bias.elem_count(), 1, 1))?),
        None => Ok(y.clone()),
    }
}

/// Zeros on the right and below, up to `size`.
fn extend(x: &Tensor, size: [usize; 2]) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    x.pad_with_zeros(2, 0, size[0] - height)?.pad_with_zeros(3, 0, size[1] - width)
}

/// A kernel of the same meaning with one dilation for both axes.
fn equal_dilation(weight: &Tensor, dilation: [usize; 2]) -> Result<(Tensor, usize)> {
    if dilation[0] == dilation[1] {
        return Ok((weight.contiguous()?, dilation[0]));
    }
    Ok((between(&between(weight, 2, dilation[0])?, 3, dilation[1])?.contiguous()?, 1))
}

/// `count` slices along `axis` from `first` on, `step` apart.
fn from(x: &Tensor, axis: usize, first: usize, [count, step]: [usize; 2]) -> Result<Tensor> {
    every(&x.narrow(axis, first, (count - 1) * step + 1)?, axis, step)
}

/// Every `step`-th slice along `axis`.
fn every(x: &Tensor, axis: usize, step: usize) -> Result<Tensor> {
    if step == 1 {
        return Ok(x.clone());
    }
    let picked = Tensor::from_iter((0..x.dim(axis)? as u32).step_by(step), x.device())?;
    x.contiguous()?.index_select(&picked, axis)
}

/// `step` − 1 slices of zeros between two along `axis`.
pub(in crate::compute) fn between(x: &Tensor, axis: usize, step: usize) -> Result<Tensor> {
    if step == 1 {
        return Ok(x.clone());
    }
    let mut dims = x.dims().to_vec();
    let apart = x.unsqueeze(axis + 1)?.pad_with_zeros(axis + 1, 0, step - 1)?;
    dims[axis] *= step;
    apart.reshape(dims.clone())?.narrow(axis, 0, dims[axis] - (step - 1))
}
