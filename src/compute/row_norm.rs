//! Norms of each image by itself: group norm, of which instance norm is a case, and layer norm.
//!
//! Both are one thing: rows of values that follow each other are brought to mean 0 and variance 1, and each value is
//! multiplied by a weight and moved by a bias.
use super::cpu::{SHARE, build, floats, sum, sum_of, tensor, with_all_floats};
use super::{is_ours, tape};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// `x` [batch, channel, …] normalised over groups of channels of each image; `weight` and `bias` [channel].
/// Differentiable.
pub fn group_norm(x: &Tensor, groups: usize, [weight, bias]: [&Tensor; 2], eps: f64) -> Result<Tensor> {
    let &[batch, channels, ref rest @ ..] = x.dims() else { bail!("Group norm of {:?}", x.dims()) };
    let plane: usize = rest.iter().product();
    if batch * channels * plane == 0 || groups == 0 || channels % groups != 0 {
        bail!("Group norm: {groups} groups of {:?}", x.dims())
    }
    let per = channels / groups;
    RowNorm { rows: groups, weights: per, repeat: plane, eps }.apply(x, [weight, bias])
}

/// `x` normalised over its last axes, whose shape is `weight`'s and `bias`'s. Differentiable.
pub fn layer_norm(x: &Tensor, [weight, bias]: [&Tensor; 2], eps: f64) -> Result<Tensor> {
    if !x.dims().ends_with(weight.dims()) || x.elem_count() == 0 {
        bail!("Layer norm: weights {:?} for {:?}", weight.dims(), x.dims())
    }
    let norm = RowNorm { rows: 1, weights: weight.elem_count(), repeat: 1, eps };
    norm.apply(x, [&weight.flatten_all()?, &bias.flatten_all()?])
}

/// Row `r` has `weights · repeat` values; value `i` of it has the weight number `r mod rows · weights + i / repeat`.
#[derive(Debug, Clone, Copy)]
struct RowNorm {
    rows: usize,
    weights: usize,
    repeat: usize,
    eps: f64,
}

impl RowNorm {
    fn apply(self, x: &Tensor, [weight, bias]: [&Tensor; 2]) -> Result<Tensor> {
        if let Some(found) = [weight, bias].iter().find(|v| v.dims() != [self.rows * self.weights]) {
            bail!("Norm: expected vectors of {}, found {:?}", self.rows * self.weights, found.dims())
        }
        if is_ours(x) {
            return tape::apply3([&x.contiguous()?, &weight.contiguous()?, &bias.contiguous()?], self);
        }
        let count = x.elem_count() / (self.rows * self.len());
        let rows = x.reshape((count, self.rows, self.weights, self.repeat))?;
        let centred = rows.broadcast_sub(&rows.mean_keepdim((2, 3))?)?;
        let scale = (centred.sqr()?.mean_keepdim((2, 3))? + self.eps)?.sqrt()?.recip()?;
        let vector = |v: &Tensor| v.reshape((1, self.rows, self.weights, 1));
        let normed = centred.broadcast_mul(&scale)?.broadcast_mul(&vector(weight)?)?;
        normed.broadcast_add(&vector(bias)?)?.reshape(x.shape())
    }

    /// Values of a row.
    fn len(self) -> usize {
        self.weights * self.repeat
    }

    /// Mean, and one over the standard deviation.
    fn statistics(self, row: &[f32]) -> [f32; 2] {
        let count = row.len() as f64;
        let total = |f: &dyn Fn(&[f32]) -> f32| row.chunks(512).map(|part| f64::from(f(part))).sum::<f64>();
        let mean = total(&sum) / count;
        let centre = mean as f32;
        let squares = total(&|part| sum_of(part, part, |x, _| (x - centre) * (x - centre))) / count;
        // Deviations were taken from the rounded mean.
        let variance = (squares - (mean - f64::from(centre)).powi(2)).max(0.0);
        [centre, (1.0 / (variance + self.eps).sqrt()) as f32]
    }

    fn values(self, x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
        let len = self.len();
        build(x.len(), len * (SHARE / len).max(1), |first, out| {
            let mut at = first;
            while out.left() > 0 {
                let row = &x[at..at + len];
                let [mean, scale] = self.statistics(row);
                let first = at / len % self.rows * self.weights;
                for (run, (w, b)) in
                    row.chunks_exact(self.repeat).zip(weight[first..].iter().zip(&bias[first..]))
                {
                    let (scale, shift) = (scale * w, b - mean * scale * w);
                    out.put(run.iter().map(|x| x * scale + shift));
                }
                at += len;
            }
        })
    }

    /// Gradients by x, and by weights and biases of each row, from x, the weights and the gradient of the result.
    fn gradients(self, x: &[f32], weight: &[f32], grad: &[f32]) -> (Vec<f32>, Vec<[f64; 2]>) {
        let len = self.len();
        let mut by_x = vec![0.0; x.len()];
        let mut by_weights = vec![[0.0; 2]; x.len() / self.repeat];
        let rows = by_x.par_chunks_mut(len).zip(by_weights.par_chunks_mut(self.weights)).enumerate();
        rows.for_each(|(row, (by_x, by_weights))| {
            let (x, grad) = (&x[row * len..][..len], &grad[row * len..][..len]);
            let weight = &weight[row % self.rows * self.weights..][..self.weights];
            let [mean, scale] = self.statistics(x);
            let (mut level, mut slope) = (0.0, 0.0);
            let runs = x.chunks_exact(self.repeat).zip(grad.chunks_exact(self.repeat));
            for (([by_weight, by_bias], w), (x, grad)) in
                by_weights.iter_mut().map(|[a, b]| [a, b]).zip(weight).zip(runs.clone())
            {
                *by_bias = f64::from(sum(grad));
                *by_weight = f64::from(sum_of(x, grad, |x, g| (x - mean) * scale * g));
                level += f64::from(*w) * *by_bias;
                slope += f64::from(*w) * *by_weight;
            }
            let (level, slope) = ((level / len as f64) as f32, (slope / len as f64) as f32);
            for ((by_x, w), (x, grad)) in by_x.chunks_exact_mut(self.repeat).zip(weight).zip(runs) {
                for ((to, x), g) in by_x.iter_mut().zip(x).zip(grad) {
                    *to = scale * (g * w - level - (x - mean) * scale * slope);
                }
            }
        });
        (by_x, by_weights)
    }
}

impl CustomOp3 for RowNorm {
    fn name(&self) -> &'static str {
        "row_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        weight: &CpuStorage,
        lw: &Layout,
        bias: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let values = self.values(floats(x, lx)?, floats(weight, lw)?, floats(bias, lb)?);
        Ok((CpuStorage::F32(values), lx.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (by_x, by_rows) =
            with_all_floats(&[x, weight, grad], |all| self.gradients(all[0], all[1], all[2]))?;
        let count = self.rows * self.weights;
        let summed = |which: usize| {
            let mut sums = vec![0.0; count];
            for row in by_rows.chunks_exact(count) {
                sums.iter_mut().zip(row).for_each(|(sum, of_row)| *sum += of_row[which]);
            }
            sums.into_iter().map(|sum: f64| sum as f32).collect::<Vec<_>>()
        };
        let by_weight = tensor(summed(0), weight)?;
        Ok((Some(tensor(by_x, x)?), Some(by_weight), Some(tensor(summed(1), bias)?)))
    }
}
