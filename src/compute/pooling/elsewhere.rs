//! Pooling on devices other than the CPU, by Candle's operations.
use super::{Kind, PoolSpec};
use crate::compute::conv::between;
use crate::compute::given::given1;
use candle_core::{Result, Tensor, bail};

/// The pooling of `x` to a size of `out`.
pub(super) fn pool(x: &Tensor, spec: PoolSpec, kind: Kind, out: [usize; 2]) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    let PoolSpec { kernel, stride, padding } = spec;
    if kind == Kind::Mean && kernel == [height, width] && padding == [0, 0] {
        return x.mean_keepdim((2, 3));
    }
    let taps = Taps { spec, out, input: [height, width] };
    // Candle's own pooling confuses the axes of oblong windows on CUDA, and its gradients are not PyTorch's.
    let simple = kernel[0] == kernel[1] && stride[0] == stride[1] && padding == [0, 0];
    match kind {
        Kind::Max => {
            let inputs = x.detach().contiguous()?;
            let y = if simple {
                inputs.max_pool2d_with_stride(kernel[0], stride[0])?
            } else {
                taps.largest(&inputs)?
            };
            given1("max_pool2d", x, &y, move |x, y, grad| taps.gradient(x, y, grad))
        }
        Kind::Mean if simple && !x.track_op() => x.contiguous()?.avg_pool2d_with_stride(kernel[0], stride[0]),
        Kind::Mean => taps.sum(x)? / (kernel[0] * kernel[1]) as f64,
    }
}

/// The taps of a pooling as whole images, one for each place in the window.
#[derive(Debug, Clone, Copy)]
struct Taps {
    spec: PoolSpec,
    out: [usize; 2],
    input: [usize; 2],
}

impl Taps {
    /// What the place `[y, x]` of every window sees, in reading order.
    fn each(
        &self,
        x: &Tensor,
        border: f32,
        mut f: impl FnMut([usize; 2], Tensor) -> Result<()>,
    ) -> Result<()> {
        let mut padded = x.contiguous()?;
        for axis in [0, 1] {
            let mut dims = padded.dims().to_vec();
            dims[axis + 2] = self.spec.padding[axis];
            if dims[axis + 2] > 0 {
                let border = Tensor::full(border, dims, x.device())?;
                padded = Tensor::cat(&[&border, &padded, &border], axis + 2)?;
            }
        }
        let picked = |axis: usize, first: usize| {
            let rows = (0..self.out[axis]).map(|i| (i * self.spec.stride[axis] + first) as u32);
            Tensor::from_iter(rows, x.device())
        };
        for ky in 0..self.spec.kernel[0] {
            let rows = padded.index_select(&picked(0, ky)?, 2)?;
            for kx in 0..self.spec.kernel[1] {
                f([ky, kx], rows.index_select(&picked(1, kx)?, 3)?)?;
            }
        }
        Ok(())
    }

    fn largest(&self, x: &Tensor) -> Result<Tensor> {
        let mut largest: Option<Tensor> = None;
        self.each(x, f32::NEG_INFINITY, |_, tap| {
            largest = Some(match largest.take() {
                None => tap,
                Some(so_far) => so_far.maximum(&tap)?,
            });
            Ok(())
        })?;
        largest.map_or_else(|| bail!("Pooling: an empty window"), Ok)
    }

    fn sum(&self, x: &Tensor) -> Result<Tensor> {
        let mut sum: Option<Tensor> = None;
        self.each(x, 0.0, |_, tap| {
            sum = Some(match sum.take() {
                None => tap,
                Some(so_far) => (so_far + tap)?,
            });
            Ok(())
        })?;
        sum.map_or_else(|| bail!("Pooling: an empty window"), Ok)
    }

    /// The gradient by `x` of the maxima `y`: of equal values the first has it.
    fn gradient(&self, x: &Tensor, y: &Tensor, grad: &Tensor) -> Result<Tensor> {
        let zeros = grad.zeros_like()?;
        let mut left = grad.clone();
        let mut parts = Vec::new();
        self.each(x, f32::NEG_INFINITY, |_, tap| {
            let here = tap.eq(y)?;
            parts.push(here.where_cond(&left, &zeros)?);
            left = here.where_cond(&zeros, &left)?;
            Ok(())
        })?;
        self.put_back(&parts)
    }

    /// The sum of `parts`, one for each place in the window, each where its pixels were seen.
    fn put_back(&self, parts: &[Tensor]) -> Result<Tensor> {
        let PoolSpec { kernel, stride, padding } = self.spec;
        let [height, width] = self.input;
        if kernel == stride && padding == [0, 0] {
            let lines = parts.chunks(kernel[1]).map(|line| Tensor::stack(line, 4));
            let fields = Tensor::stack(&lines.collect::<Result<Vec<_>>>()?, 3)?;
            let (batch, channels) = (fields.dim(0)?, fields.dim(1)?);
            let [rows, columns] = [0, 1].map(|i| self.out[i] * kernel[i]);
            return fields
                .reshape((batch, channels, rows, columns))?
                .pad_with_zeros(2, 0, height - rows)?
                .pad_with_zeros(3, 0, width - columns);
        }
        let mut sum: Option<Tensor> = None;
        for (at, part) in parts.iter().enumerate() {
            let place = [at / kernel[1], at % kernel[1]];
            let mut whole = part.clone();
            for axis in [0, 1] {
                let apart = between(&whole, axis + 2, stride[axis])?;
                let after = self.input[axis] + 2 * padding[axis] - place[axis] - apart.dim(axis + 2)?;
                whole = apart.pad_with_zeros(axis + 2, place[axis], after)?;
            }
            sum = Some(match sum {
                None => whole,
                Some(sum) => (sum + whole)?,
            });
        }
        let Some(sum) = sum else { bail!("Pooling: an empty window") };
        sum.narrow(2, padding[0], height)?.narrow(3, padding[1], width)?.contiguous()
    }
}
