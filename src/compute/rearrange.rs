//! The same values in other places: slices, borders, repetition, picking, axes in another order.
use super::along::{Taps, along};
use super::cpu::{build_rows, floats, tensor, with_floats};
use super::resize::filled;
use super::{concat, is_ours, tape};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

/// What stands beyond an image's borders.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Border {
    Constant(f32),
    /// The mirror image; the outermost pixel is not repeated.
    Reflect,
    /// The outermost pixel.
    Edge,
    /// The image again.
    Wrap,
}

/// The given places along `axis`, one after the other. Differentiable.
pub fn pick(x: &Tensor, axis: usize, places: &[usize]) -> Result<Tensor> {
    let len = x.dims().get(axis).copied().unwrap_or(0);
    along(x, axis, Taps::picking(len, places.iter().map(|&place| Some(place))))
}

/// `x` with borders along its axes, `(axis, before, after)`; negative ones cut off. Differentiable.
pub fn pad(x: &Tensor, axes: &[(usize, isize, isize)], border: Border) -> Result<Tensor> {
    let mut y = x.clone();
    let mut beyond = Vec::new();
    for &(axis, before, after) in axes.iter().rev().filter(|&&(_, before, after)| before != 0 || after != 0) {
        let len = y.dims().get(axis).copied().unwrap_or(0) as isize;
        // What is cut off is not seen in the mirror.
        let (first, end) = ((-before).max(0), len - (-after).max(0));
        if first >= end {
            bail!("Padding axis {axis} of {:?} by {before} and {after} leaves nothing", x.dims())
        }
        let place = |at: isize| border.place(at - first, end - first).map(|place| place + first as usize);
        let places: Vec<Option<usize>> = (-before..len + after).map(place).collect();
        beyond.push((axis, places.iter().map(Option::is_none).collect()));
        y = along(&y, axis, Taps::picking(len as usize, places))?;
    }
    match border {
        Border::Constant(value) => filled(&y, &beyond, value),
        _ => Ok(y),
    }
}

impl Border {
    /// Which of `len` inputs stands at place `at`, which may lie beyond them.
    fn place(self, at: isize, len: isize) -> Option<usize> {
        let place = match self {
            Self::Constant(_) => return (0..len).contains(&at).then_some(at as usize),
            Self::Edge => at.clamp(0, len - 1),
            Self::Wrap => at.rem_euclid(len),
            Self::Reflect if len == 1 => 0,
            Self::Reflect => {
                let turn = at.rem_euclid(2 * (len - 1));
                turn.min(2 * (len - 1) - turn)
            }
        };
        Some(place as usize)
    }
}

/// `x` as often along each axis as `repeats` says, for every axis. Differentiable.
pub fn tile(x: &Tensor, repeats: &[usize]) -> Result<Tensor> {
    if repeats.len() != x.rank() {
        bail!("Tile: {} numbers for {:?}", repeats.len(), x.dims())
    }
    let mut y = x.clone();
    for (axis, &repeat) in repeats.iter().enumerate().rev() {
        let len = x.dims()[axis];
        y = along(&y, axis, Taps::picking(len, (0..len * repeat).map(|at| Some(at % len))))?;
    }
    Ok(y)
}

/// The rows and columns in the middle of `x` [batch, channel, y, x], `[y, x]` of them; of an odd rest the smaller half is
/// cut off above and left. Differentiable.
pub fn center_crop(x: &Tensor, size: [usize; 2]) -> Result<Tensor> {
    let mut y = x.clone();
    for (axis, size) in [(2, size[0]), (3, size[1])] {
        let Some(rest) = y.dims().get(axis).and_then(|len| len.checked_sub(size)) else {
            bail!("CenterCrop: {:?} has no {size} along axis {axis}", x.dims())
        };
        y = pick(&y, axis, &(rest / 2..rest / 2 + size).collect::<Vec<_>>())?;
    }
    Ok(y)
}

/// `tensors`, which agree in all but one axis, one after the other along it. Differentiable.
pub fn join(tensors: &[&Tensor], axis: usize) -> Result<Tensor> {
    let Some(first) = tensors.first() else { bail!("Concatenation of nothing") };
    if axis == 1 {
        return concat(tensors);
    }
    if tensors.iter().any(|x| x.rank() != first.rank() || axis >= x.rank()) {
        bail!("Concatenation along axis {axis} of {:?}", first.dims())
    }
    // As a batch of what lies before the axis.
    let folded = tensors.iter().map(|x| {
        let (before, behind) = (x.dims()[..axis].iter().product(), x.dims()[axis + 1..].iter().product());
        x.contiguous()?.reshape::<(usize, usize, usize)>((before, x.dims()[axis], behind))
    });
    let folded = folded.collect::<Result<Vec<_>>>()?;
    let mut dims = first.dims().to_vec();
    dims[axis] = tensors.iter().map(|x| x.dims()[axis]).sum();
    for x in tensors {
        let differs = |at: usize| at != axis && x.dims()[at] != first.dims()[at];
        if (0..x.rank()).any(differs) {
            bail!("Concatenation along axis {axis}: {:?} and {:?} differ elsewhere", first.dims(), x.dims())
        }
    }
    concat(&folded.iter().collect::<Vec<_>>())?.reshape(dims)
}

/// `x` with its axes in another order: axis `i` of the result is axis `axes[i]` of `x`. Differentiable.
pub fn permute(x: &Tensor, axes: &[usize]) -> Result<Tensor> {
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..x.rank()) {
        bail!("Permute: {axes:?} is no order of the axes of {:?}", x.dims())
    }
    if axes.is_sorted() {
        return Ok(x.clone());
    }
    if is_ours(x) && x.elem_count() > 0 {
        return tape::apply1(&x.contiguous()?, Permute { axes: axes.to_vec() });
    }
    x.permute(axes)?.contiguous()
}

struct Permute {
    axes: Vec<usize>,
}

/// The values of `x` in the new order, and the new sizes.
fn permuted(x: &[f32], dims: &[usize], axes: &[usize]) -> (Vec<f32>, Vec<usize>) {
    let mut strides = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis];
    }
    let sizes: Vec<usize> = axes.iter().map(|&axis| dims[axis]).collect();
    let strides: Vec<usize> = axes.iter().map(|&axis| strides[axis]).collect();
    let (len, step) = (sizes[sizes.len() - 1], strides[strides.len() - 1]);
    let values = build_rows([x.len() / len, len], len, |rows, out| {
        for row in rows {
            let (mut rest, mut first) = (row, 0);
            for (size, stride) in sizes.iter().zip(&strides).rev().skip(1) {
                first += rest % size * stride;
                rest /= size;
            }
            if step == 1 {
                out.copy(&x[first..first + len]);
            } else {
                out.put((0..len).map(|at| x[first + at * step]));
            }
        }
    });
    (values, sizes)
}

impl CustomOp1 for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (values, sizes) = permuted(floats(x, layout)?, layout.dims(), &self.axes);
        Ok((CpuStorage::F32(values), sizes.into()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let mut back = vec![0; self.axes.len()];
        self.axes.iter().enumerate().for_each(|(to, &from)| back[from] = to);
        let (values, _) = with_floats(grad, |grad| permuted(grad, y.dims(), &back))?;
        tensor(values, x).map(Some)
    }
}
