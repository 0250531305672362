//! Batch normalisation (Ioffe and Szegedy 2015): by the batch in training, by the running statistics afterwards.
use super::cpu::{Chunk, build, floats, sum, sum_of, tensor, with_floats};
use super::given::given3;
use super::{is_ours, tape};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// What a training batch-norm gives: the result, and the statistics `[channel]` of its batch.
#[derive(Debug, Clone)]
pub struct BatchNormed {
    pub y: Tensor,
    pub mean: Tensor,
    /// Unbiased, as running statistics keep it.
    pub var: Tensor,
}

/// `x` [batch, channel, y, x] normalised by its own mean and (biased) variance per channel, times `weight` plus `bias`.
/// Differentiable, through mean and variance too.
///
/// # Errors
/// When there is only one value per channel, which has no variance.
pub fn batch_norm_train(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<BatchNormed> {
    train(x, [weight, bias], eps, false)
}

/// [`batch_norm_train`] followed by ReLU, without keeping what lies between.
pub fn batch_norm_relu_train(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<BatchNormed> {
    train(x, [weight, bias], eps, true)
}

fn train(x: &Tensor, [weight, bias]: [&Tensor; 2], eps: f64, relu: bool) -> Result<BatchNormed> {
    let (batch, channels, height, width) = x.dims4()?;
    check(channels, &[weight, bias])?;
    let count = batch * height * width;
    if count < 2 {
        bail!("Batch norm in training needs more than one value per channel, found {:?}", x.dims())
    }
    if !is_ours(x) {
        return elsewhere(x, [weight, bias], eps, relu);
    }
    let unbiased = count as f64 / (count - 1) as f64;
    let x = x.contiguous()?;
    let statistics = with_floats(&x, |values| channel_statistics(values, channels, height * width))?;
    let mean: Vec<f32> = statistics.iter().map(|&(mean, _)| mean as f32).collect();
    let var = statistics.iter().map(|&(_, var)| (var * unbiased) as f32).collect();
    let inv_std = statistics.iter().map(|&(_, var)| (1.0 / (var + eps).sqrt()) as f32).collect();
    let op = Normalise { mean: mean.clone(), inv_std, relu };
    let y = tape::apply3([&x, &weight.contiguous()?, &bias.contiguous()?], op)?;
    let like = weight.detach();
    Ok(BatchNormed { y, mean: tensor(mean, &like)?, var: tensor(var, &like)? })
}

/// `x` [batch, channel, y, x] normalised by given statistics `[channel]`: one scale and shift. Differentiable.
pub fn batch_norm_eval(
    x: &Tensor,
    [weight, bias]: [&Tensor; 2],
    [mean, var]: [&Tensor; 2],
    eps: f64,
) -> Result<Tensor> {
    let (_, channels, _, _) = x.dims4()?;
    check(channels, &[weight, bias, mean, var])?;
    let [scale, shift] = scale_and_shift([weight, bias], [mean, var], eps)?;
    if is_ours(x) {
        return tape::apply3([&x.contiguous()?, &scale.contiguous()?, &shift.contiguous()?], ScaleShift);
    }
    let column = (1, channels, 1, 1);
    x.broadcast_mul(&scale.reshape(column)?)?.broadcast_add(&shift.reshape(column)?)
}

/// What normalising by given statistics multiplies by and adds, `[channel]`.
pub(super) fn scale_and_shift(
    [weight, bias]: [&Tensor; 2],
    [mean, var]: [&Tensor; 2],
    eps: f64,
) -> Result<[Tensor; 2]> {
    let scale = (weight / (var + eps)?.sqrt()?)?;
    let shift = (bias - (mean * &scale)?)?;
    Ok([scale, shift])
}

fn check(channels: usize, vectors: &[&Tensor]) -> Result<()> {
    match vectors.iter().find(|v| v.dims() != [channels]) {
        Some(v) => bail!("Batch norm: expected vectors of {channels} channels, found {:?}", v.dims()),
        None => Ok(()),
    }
}

/// On other devices, by Candle's operations, with the gradients of [`Normalise::gradients`].
fn elsewhere(x: &Tensor, [weight, bias]: [&Tensor; 2], eps: f64, relu: bool) -> Result<BatchNormed> {
    let (batch, channels, height, width) = x.dims4()?;
    let count = (batch * height * width) as f64;
    let column = (1, channels, 1, 1);
    let (inputs, [w, b]) = (x.detach(), [weight, bias].map(Tensor::detach));
    let mean = inputs.mean_keepdim((0, 2, 3))?;
    let centred = inputs.broadcast_sub(&mean)?;
    let var = centred.sqr()?.mean_keepdim((0, 2, 3))?;
    let inv_std = (&var + eps)?.sqrt()?.recip()?;
    let scale = (w.reshape(column)? * &inv_std)?;
    let y = centred.broadcast_mul(&scale)?.broadcast_add(&b.reshape(column)?)?;
    let y = if relu { y.relu()? } else { y };
    let statistics = (mean.flatten_all()?, (var * (count / (count - 1.0)))?.flatten_all()?);
    let y = given3("batch_norm", [x, weight, bias], &y, move |[x, w, _], y, grad| {
        let grad = if relu { y.gt(0f32)?.where_cond(grad, &grad.zeros_like()?)? } else { grad.clone() };
        let normed = x.broadcast_sub(&mean)?.broadcast_mul(&inv_std)?;
        let by_weight = (&grad * &normed)?.sum_keepdim((0, 2, 3))?;
        let by_bias = grad.sum_keepdim((0, 2, 3))?;
        let slope = normed.broadcast_mul(&(&by_weight / count)?)?;
        let by_x = (grad.broadcast_sub(&(&by_bias / count)?)? - slope)?;
        let by_x = by_x.broadcast_mul(&(w.reshape(column)? * &inv_std)?)?;
        Ok([by_x, by_weight.flatten_all()?, by_bias.flatten_all()?])
    })?;
    Ok(BatchNormed { y, mean: statistics.0, var: statistics.1 })
}

/// Mean and biased variance of each channel of `[batch, channel, plane]`: of each plane while it is in the cache, and
/// the planes put together (Chan, Golub and `LeVeque` 1979).
fn channel_statistics(values: &[f32], channels: usize, plane: usize) -> Vec<(f64, f64)> {
    let of_channel = |c: usize| {
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for values in values.chunks_exact(plane).skip(c).step_by(channels) {
            let more = plane as f64;
            let their_mean = f64::from(sum(values)) / more;
            let centre = their_mean as f32;
            let around = f64::from(sum_of(values, values, |x, _| (x - centre) * (x - centre)));
            // Deviations were taken from the rounded mean.
            let their_squares = around - more * (their_mean - f64::from(centre)).powi(2);
            let apart = their_mean - mean;
            squares += their_squares + apart * apart * count * more / (count + more);
            mean += apart * more / (count + more);
            count += more;
        }
        (mean, (squares / count).max(0.0))
    };
    (0..channels).into_par_iter().map(of_channel).collect()
}

/// `f(channel, index of the plane's first value, plane of the result)`, planes in parallel.
fn by_planes(
    len: usize,
    channels: usize,
    plane: usize,
    f: impl Fn(usize, usize, &mut Chunk) + Sync,
) -> Vec<f32> {
    build(len, plane, |at, out| f(at / plane % channels, at, out))
}

fn sizes(layout: &Layout) -> Result<(usize, usize)> {
    let (_, channels, height, width) = layout.shape().dims4()?;
    Ok((channels, height * width))
}

fn scale_shift(x: &[f32], scale: &[f32], shift: &[f32], plane: usize) -> Vec<f32> {
    by_planes(x.len(), scale.len(), plane, |c, at, out| {
        let (scale, shift) = (scale[c], shift[c]);
        out.put(x[at..at + plane].iter().map(|x| x * scale + shift));
    })
}

/// Sums over a channel of `[batch, channel, plane]`: of the gradient, and of the gradient times (x − centre).
/// `grad(channel, x, g)` is the gradient to take.
fn channel_sums(
    [x, grad]: [&[f32]; 2],
    centre: &[f32],
    plane: usize,
    gradient: impl Fn(usize, f32, f32) -> f32 + Sync,
) -> Vec<[f64; 2]> {
    let channels = centre.len();
    let of_channel = |c: usize| {
        let pairs = x.chunks_exact(plane).zip(grad.chunks_exact(plane)).skip(c).step_by(channels);
        pairs.fold([0.0; 2], |[a, b], (x, g)| {
            let level = sum_of(x, g, |x, g| gradient(c, x, g));
            let product = sum_of(x, g, |x, g| (x - centre[c]) * gradient(c, x, g));
            [a + f64::from(level), b + f64::from(product)]
        })
    };
    (0..channels).into_par_iter().map(of_channel).collect()
}

/// Normalisation by statistics of `x` itself, and ReLU after it if wanted.
struct Normalise {
    mean: Vec<f32>,
    inv_std: Vec<f32>,
    relu: bool,
}

impl Normalise {
    /// Scale of (x − mean), per channel.
    fn scale(&self, weight: &[f32]) -> Vec<f32> {
        weight.iter().zip(&self.inv_std).map(|(w, s)| w * s).collect()
    }

    fn values(&self, x: &[f32], weight: &[f32], bias: &[f32], plane: usize) -> Vec<f32> {
        let scale = self.scale(weight);
        by_planes(x.len(), weight.len(), plane, |c, at, out| {
            let (mean, scale, bias, x) = (self.mean[c], scale[c], bias[c], &x[at..at + plane]);
            if self.relu {
                out.put(x.iter().map(|x| rectified((x - mean) * scale + bias)));
            } else {
                out.put(x.iter().map(|x| (x - mean) * scale + bias));
            }
        })
    }

    /// With x̂ = (x − mean)·s and n values a channel: dx = w·s·(g − Σg/n − x̂·Σ(g·x̂)/n), dw = Σ(g·x̂), db = Σg.
    fn gradients(&self, [x, grad]: [&[f32]; 2], [weight, bias]: [&[f32]; 2], plane: usize) -> [Vec<f32>; 3] {
        let scale = self.scale(weight);
        if self.relu {
            self.gradients_of([x, grad], &scale, plane, |c, x, g| {
                if (x - self.mean[c]) * scale[c] + bias[c] > 0.0 { g } else { 0.0 }
            })
        } else {
            self.gradients_of([x, grad], &scale, plane, |_, _, g| g)
        }
    }

    fn gradients_of(
        &self,
        [x, grad]: [&[f32]; 2],
        scale: &[f32],
        plane: usize,
        gradient: impl Fn(usize, f32, f32) -> f32 + Sync,
    ) -> [Vec<f32>; 3] {
        let channels = scale.len();
        let sums = channel_sums([x, grad], &self.mean, plane, &gradient);
        let count = (x.len() / channels) as f64;
        let by_x = by_planes(x.len(), channels, plane, |c, at, out| {
            let (mean, s, scale) = (self.mean[c], self.inv_std[c], scale[c]);
            let [grads, products] = sums[c];
            let slope = (products / count) as f32 * s * s * scale;
            let level = (grads / count) as f32 * scale;
            let pairs = x[at..at + plane].iter().zip(&grad[at..at + plane]);
            out.put(pairs.map(|(&x, &g)| gradient(c, x, g) * scale - (x - mean) * slope - level));
        });
        let by_weight =
            sums.iter().zip(&self.inv_std).map(|([_, p], &s)| (p * f64::from(s)) as f32).collect();
        [by_x, by_weight, sums.iter().map(|[g, _]| *g as f32).collect()]
    }
}

/// max(x, 0), NaN staying NaN.
pub(super) fn rectified(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

type Gradients = (Option<Tensor>, Option<Tensor>, Option<Tensor>);

impl CustomOp3 for Normalise {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
        b: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, plane) = sizes(lx)?;
        let values = self.values(floats(x, lx)?, floats(w, lw)?, floats(b, lb)?, plane);
        Ok((CpuStorage::F32(values), lx.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, w: &Tensor, b: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Gradients> {
        let (_, plane) = sizes(x.layout())?;
        let [by_x, by_weight, by_bias] = with_floats(x, |x| {
            with_floats(grad, |grad| {
                with_floats(w, |w| with_floats(b, |b| self.gradients([x, grad], [w, b], plane)))
            })
        })????;
        Ok((Some(tensor(by_x, x)?), Some(tensor(by_weight, w)?), Some(tensor(by_bias, b)?)))
    }
}

/// `x · scale + shift` per channel.
struct ScaleShift;

impl CustomOp3 for ScaleShift {
    fn name(&self) -> &'static str {
        "scale_shift"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        scale: &CpuStorage,
        ls: &Layout,
        shift: &CpuStorage,
        lt: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let values = scale_shift(floats(x, lx)?, floats(scale, ls)?, floats(shift, lt)?, sizes(lx)?.1);
        Ok((CpuStorage::F32(values), lx.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<Gradients> {
        let (channels, plane) = sizes(x.layout())?;
        let zeros = vec![0.0; channels];
        let by_x = with_floats(scale, |s| with_floats(grad, |grad| scale_shift(grad, s, &zeros, plane)))??;
        if !scale.track_op() && !shift.track_op() {
            return Ok((Some(tensor(by_x, x)?), None, None));
        }
        let sums = with_floats(x, |x| {
            with_floats(grad, |grad| channel_sums([x, grad], &zeros, plane, |_, _, g| g))
        })??;
        let by_scale = sums.iter().map(|[_, p]| *p as f32).collect();
        let by_shift = sums.iter().map(|[g, _]| *g as f32).collect();
        Ok((Some(tensor(by_x, x)?), Some(tensor(by_scale, scale)?), Some(tensor(by_shift, shift)?)))
    }
}
