//! Maximum and mean over windows along any number of axes, with dilation, uneven padding, and sizes rounded up.
//!
//! The usual two-dimensional cases are quicker in [`super::pooling`]. Here windows are taken along one axis after the
//! other: the largest of the largest, the mean of the means.
use super::along::{Taps, along, resized};
use super::cpu::{Chunk, build_rows, floats, tensor, with_floats};
use super::given::given1;
use super::pooling::{is_larger, larger};
use super::{is_ours, tape};
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// Windows along one axis of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolAxis {
    pub axis: usize,
    pub kernel: usize,
    pub stride: usize,
    pub before: usize,
    pub after: usize,
    pub dilation: usize,
    /// How many windows there are; the last may reach beyond the padding.
    pub size: usize,
}

/// What becomes of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowKind {
    /// NaN if the window has one.
    Max,
    /// Padding counts as zeros, if `padding`, and not at all otherwise.
    Mean { padding: bool },
}

/// Every window of `x`. Differentiable: of equal values the first in reading order has the gradient, as in PyTorch.
pub fn window_pool(x: &Tensor, axes: &[PoolAxis], kind: WindowKind) -> Result<Tensor> {
    let mut y = x.clone();
    // The last axis first, so that among equal values the first is the first in reading order.
    let mut axes = axes.to_vec();
    axes.sort_by_key(|axis| std::cmp::Reverse(axis.axis));
    for windows in axes {
        let len = y.dims().get(windows.axis).copied().unwrap_or(0);
        if windows.kernel == 0 || windows.stride == 0 || windows.dilation == 0 || windows.size == 0 {
            bail!("Pooling: kernel, stride, dilation and size must be at least 1, found {windows:?}")
        }
        let taps = Taps::new(len, (0..windows.size).map(|output| windows.taps(output, len, kind)));
        y = match kind {
            WindowKind::Mean { .. } => along(&y, windows.axis, taps)?,
            WindowKind::Max => largest(&y, windows.axis, taps)?,
        };
    }
    Ok(y)
}

/// The mean of `x` [batch, channel, y, x] over windows that cover it evenly, `[y, x]` of them. Differentiable.
pub fn adaptive_avg_pool(x: &Tensor, size: [usize; 2]) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    let windows = |len: usize, size: usize| {
        let window = |output: usize| {
            let inputs = output * len / size..((output + 1) * len).div_ceil(size);
            let weight = 1.0 / inputs.len() as f32;
            inputs.map(move |input| (input, weight))
        };
        Taps::new(len, (0..size).map(window))
    };
    along(&along(x, 3, windows(width, size[1]))?, 2, windows(height, size[0]))
}

impl PoolAxis {
    /// The inputs of a window, and their weights in the mean.
    fn taps(self, output: usize, len: usize, kind: WindowKind) -> Vec<(usize, f32)> {
        // Places are counted from the first of the padding.
        let places = || (0..self.kernel).map(|tap| output * self.stride + tap * self.dilation);
        let inside = || places().filter_map(|place| place.checked_sub(self.before)).filter(|&at| at < len);
        let counted = match kind {
            WindowKind::Mean { padding: true } => {
                places().filter(|&place| place < self.before + len + self.after).count()
            }
            _ => inside().count(),
        };
        let weight = 1.0 / counted.max(1) as f32;
        inside().map(|at| (at, weight)).collect()
    }
}

/// The largest of each output's inputs along `axis`.
fn largest(x: &Tensor, axis: usize, windows: Taps) -> Result<Tensor> {
    windows.sizes(x.dims(), axis)?;
    if let Some(empty) = (0..windows.outputs()).find(|&output| windows.of(output).is_empty()) {
        bail!("Pooling: window {empty} along axis {axis} of {:?} sees nothing but padding", x.dims())
    }
    if is_ours(x) {
        return tape::apply1(&x.contiguous()?, Largest { axis, windows });
    }
    elsewhere(x, axis, windows)
}

/// On other devices, by Candle's operations: the first inputs of all windows, and the second ones, and so on.
fn elsewhere(x: &Tensor, axis: usize, windows: Taps) -> Result<Tensor> {
    let most = windows.most();
    // A window that has fewer reads its first again.
    let inputs = move |tap: usize, device: &Device| {
        let input = |output: usize| *windows.of(output).get(tap).unwrap_or(&windows.of(output)[0]);
        Tensor::from_iter((0..windows.outputs()).map(|output| input(output).0 as u32), device)
    };
    let values = x.detach().contiguous()?;
    let mut y = values.index_select(&inputs(0, x.device())?, axis)?;
    for tap in 1..most {
        y = y.maximum(&values.index_select(&inputs(tap, x.device())?, axis)?)?;
    }
    given1("largest", x, &y, move |x, y, grad| {
        let (mut by_x, mut left, none) = (x.zeros_like()?, grad.clone(), grad.zeros_like()?);
        for tap in 0..most {
            let inputs = inputs(tap, x.device())?;
            let here = x.contiguous()?.index_select(&inputs, axis)?.eq(y)?;
            by_x = by_x.index_add(&inputs, &here.where_cond(&left, &none)?, axis)?;
            left = here.where_cond(&none, &left)?;
        }
        Ok(by_x)
    })
}

struct Largest {
    axis: usize,
    windows: Taps,
}

impl Largest {
    fn values(&self, x: &[f32], [before, along, behind]: [usize; 3]) -> Vec<f32> {
        let (windows, outputs) = (&self.windows, self.windows.outputs());
        if behind == 1 {
            return build_rows([before, outputs], outputs * windows.most(), |rows, out| {
                for row in rows {
                    let x = &x[row * along..][..along];
                    let peak = |taps: &[(usize, f32)]| {
                        taps.iter().fold(f32::NEG_INFINITY, |peak, &(at, _)| larger(peak, x[at]))
                    };
                    out.put((0..outputs).map(|output| peak(windows.of(output))));
                }
            });
        }
        build_rows([before * outputs, behind], behind * windows.most(), |rows, out| {
            let mut peak = Vec::new();
            for row in rows {
                let x = &x[row / outputs * along * behind..][..along * behind];
                lines_largest(x, behind, windows.of(row % outputs), &mut peak, out);
            }
        })
    }

    /// Each output's gradient goes to the first of its inputs that is the largest.
    fn gradient(&self, [x, grad]: [&[f32]; 2], [_, along, behind]: [usize; 3]) -> Vec<f32> {
        let (from, to) = (along * behind, self.windows.outputs() * behind);
        let mut out = vec![0.0; x.len()];
        let parts = out.par_chunks_mut(from).zip(x.par_chunks(from).zip(grad.par_chunks(to)));
        parts.for_each(|(out, (x, grad))| {
            for (output, grad) in grad.chunks_exact(behind).enumerate() {
                for (column, grad) in grad.iter().enumerate() {
                    let places = self.windows.of(output).iter().map(|&(at, _)| at * behind + column);
                    let first = places.reduce(|best, at| if is_larger(x[best], x[at]) { at } else { best });
                    if let Some(at) = first {
                        out[at] += grad;
                    }
                }
            }
        });
        out
    }
}

/// The largest of whole lines of `len` values each.
fn lines_largest(x: &[f32], len: usize, taps: &[(usize, f32)], peak: &mut Vec<f32>, out: &mut Chunk) {
    peak.clear();
    peak.resize(len, f32::NEG_INFINITY);
    for &(at, _) in taps {
        let line = &x[at * len..][..len];
        peak.iter_mut().zip(line).for_each(|(peak, &x)| *peak = larger(*peak, x));
    }
    out.copy(peak);
}

impl CustomOp1 for Largest {
    fn name(&self) -> &'static str {
        "largest"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let sizes = self.windows.sizes(layout.dims(), self.axis)?;
        let values = self.values(floats(x, layout)?, sizes);
        Ok((CpuStorage::F32(values), resized(layout.dims(), self.axis, self.windows.outputs()).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let sizes = self.windows.sizes(x.dims(), self.axis)?;
        let values = with_floats(x, |x| with_floats(grad, |grad| self.gradient([x, grad], sizes)))??;
        tensor(values, x).map(Some)
    }
}
