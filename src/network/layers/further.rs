//! Operations that networks from elsewhere bring along. Axes of nodes count without the batch, those of tensors with it.
use super::named::{filter, mapping, pair, place, reducing};
use crate::compute::{self, Border, PoolAxis, ResizeAxis, ResizeSpec, ResponseNorm, WindowKind};
use crate::network::shape::{shape_behind, slice};
use crate::network::{Coordinates, Op, PadMode, PoolKind, Pooling, Resizing};
use candle_core::{Result, Tensor, bail};

/// The value of an operation without weights. There is at least one input.
pub(super) fn compute(op: &Op, inputs: &[&Tensor]) -> Result<Tensor> {
    let x = inputs[0];
    match op {
        Op::Map { function } => compute::map(x, mapping(function)),
        Op::Combine { function } if inputs.len() == 2 => compute::combine(x, inputs[1], pair(*function)),
        Op::Where if inputs.len() == 3 => compute::choose(x, inputs[1], inputs[2]),
        Op::MatMul if inputs.len() == 2 => compute::matmul(x, inputs[1]),
        Op::Softmax { axis } => softmax(x, axis + 1, compute::softmax),
        Op::LogSoftmax { axis } => softmax(x, axis + 1, compute::log_softmax),
        &Op::LocalResponseNorm { size, alpha, beta, k } => {
            compute::response_norm(x, ResponseNorm { size, alpha, beta, k })
        }
        Op::Reduce { function, axes, .. } => {
            let axes: Vec<usize> = axes.iter().map(|axis| axis + 1).collect();
            shaped(&compute::reduce(x, &axes, reducing(*function))?, op, inputs)
        }
        Op::ArgMax { axis, last, .. } => {
            shaped(&compute::place_of_extreme(x, axis + 1, false, *last)?, op, inputs)
        }
        Op::ArgMin { axis, last, .. } => {
            shaped(&compute::place_of_extreme(x, axis + 1, true, *last)?, op, inputs)
        }
        op => moved(op, inputs),
    }
}

/// Operations that move values, or mix neighbours.
fn moved(op: &Op, inputs: &[&Tensor]) -> Result<Tensor> {
    let x = inputs[0];
    match op {
        Op::Pool(pooling) => pool(pooling, x, &dims_behind(op, inputs)?),
        Op::AdaptiveAvgPool2d { size } => compute::adaptive_avg_pool(x, *size),
        Op::Resize(resizing) => resize(resizing, x, &dims_behind(op, inputs)?),
        Op::Reshape { .. } => shaped(x, op, inputs),
        Op::Permute { axes } => {
            let order: Vec<usize> = std::iter::once(0).chain(axes.iter().map(|axis| axis + 1)).collect();
            compute::permute(x, &order)
        }
        Op::Expand { .. } => {
            let dims = dims_behind(op, inputs)?;
            // New axes stand behind the batch.
            let mut ones = vec![1; dims.len() - x.rank()];
            ones.insert(0, x.dims()[0]);
            x.reshape([&ones[..], &x.dims()[1..]].concat())?.broadcast_as(dims)?.contiguous()
        }
        Op::Tile { repeats } => compute::tile(x, &[&[1], &repeats[..]].concat()),
        &Op::Slice { axis, start, end, step } => {
            let (first, count) = slice(x.dim(axis + 1)?, start, end, step);
            let places = (0..count).map(|at| (first as i64 + at as i64 * step) as usize);
            compute::pick(x, axis + 1, &places.collect::<Vec<_>>())
        }
        Op::Gather { axis, indices, .. } => {
            let len = x.dim(axis + 1)? as i64;
            let places = indices.iter().map(|&index| index.rem_euclid(len) as usize);
            shaped(&compute::pick(x, axis + 1, &places.collect::<Vec<_>>())?, op, inputs)
        }
        Op::Pad { before, after, mode } => {
            let sides = before.iter().zip(after).enumerate();
            let sides = sides.map(|(axis, (&before, &after))| (axis + 1, before as isize, after as isize));
            compute::pad(x, &sides.collect::<Vec<_>>(), border(*mode))
        }
        Op::CenterCrop => match dims_behind(op, inputs)?[..] {
            [_, _, height, width] => compute::center_crop(x, [height, width]),
            _ => bail!("CenterCrop of {:?}", x.dims()),
        },
        op => bail!("{} has no value of its own", op.kind()),
    }
}

/// The sizes of what `op` gives, with the first input's batch.
fn dims_behind(op: &Op, inputs: &[&Tensor]) -> Result<Vec<usize>> {
    let shapes: Vec<&[usize]> = inputs.iter().map(|x| x.dims().get(1..).unwrap_or_default()).collect();
    match shape_behind(op, &shapes) {
        Ok(shape) => Ok([&inputs[0].dims()[..1], &shape].concat()),
        Err((expected, found)) => bail!("expected {expected}, found {found}"),
    }
}

/// `x` with the sizes of what `op` gives.
fn shaped(x: &Tensor, op: &Op, inputs: &[&Tensor]) -> Result<Tensor> {
    let dims = dims_behind(op, inputs)?;
    if x.dims() == dims { Ok(x.clone()) } else { x.contiguous()?.reshape(dims) }
}

/// `f`, which works along axis 1, along another one: what stands before it is a batch.
fn softmax(x: &Tensor, axis: usize, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    if axis == 1 {
        return f(x);
    }
    let (before, behind): (usize, usize) =
        (x.dims()[..axis].iter().product(), x.dims()[axis + 1..].iter().product());
    f(&x.contiguous()?.reshape((before, x.dim(axis)?, behind))?)?.reshape(x.shape())
}

fn pool(pooling: &Pooling, x: &Tensor, dims: &[usize]) -> Result<Tensor> {
    let kind = match pooling.kind {
        PoolKind::Max => WindowKind::Max,
        PoolKind::Average => WindowKind::Mean { padding: pooling.count_padding },
    };
    let kept = x.rank() - pooling.kernel.len();
    let windows = (0..pooling.kernel.len()).map(|i| PoolAxis {
        axis: kept + i,
        kernel: pooling.kernel[i],
        stride: pooling.stride[i],
        before: pooling.before[i],
        after: pooling.after[i],
        dilation: pooling.dilation[i],
        size: dims[kept + i],
    });
    compute::window_pool(x, &windows.collect::<Vec<_>>(), kind)
}

fn resize(resizing: &Resizing, x: &Tensor, dims: &[usize]) -> Result<Tensor> {
    let from = &x.dims()[1..];
    let mut axes = Vec::new();
    for (axis, &size) in dims[1..].iter().enumerate() {
        let crop = match &resizing.coordinates {
            Coordinates::CropAndResize { start, end, .. } => match (start.get(axis), end.get(axis)) {
                (Some(&start), Some(&end)) => [start, end],
                _ => bail!("Resize: the region has no axis {axis}"),
            },
            _ => [0.0, 1.0],
        };
        axes.push(ResizeAxis { axis: axis + 1, size, scale: resizing.to.scale(from, axis), crop });
    }
    let spec = ResizeSpec {
        filter: filter(resizing.between),
        coordinates: place(&resizing.coordinates),
        exclude_outside: resizing.exclude_outside,
        antialias: resizing.antialias,
    };
    compute::resize(x, &axes, spec)
}

fn border(mode: PadMode) -> Border {
    match mode {
        PadMode::Constant { value } => Border::Constant(value as f32),
        PadMode::Reflect => Border::Reflect,
        PadMode::Edge => Border::Edge,
        PadMode::Wrap => Border::Wrap,
    }
}
