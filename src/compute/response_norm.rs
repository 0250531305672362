//! Local response normalisation across channels (Krizhevsky et al. 2012).
use super::cpu::{build_columns, floats, tensor, with_floats};
use super::{is_ours, tape};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use std::ops::Range;

/// x / (k + alpha / size · Σx²)^beta, the sum over `size` channels about each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResponseNorm {
    pub size: usize,
    pub alpha: f64,
    pub beta: f64,
    pub k: f64,
}

/// `norm` of `x` [batch, channel, …]. Differentiable.
pub fn response_norm(x: &Tensor, norm: ResponseNorm) -> Result<Tensor> {
    if x.rank() < 2 || x.elem_count() == 0 || norm.size == 0 {
        bail!("Local response norm over {} channels of {:?}", norm.size, x.dims())
    }
    if is_ours(x) {
        return tape::apply1(&x.contiguous()?, norm);
    }
    let channels = x.dim(1)?;
    let squares = x.sqr()?;
    let mut sum = squares.zeros_like()?;
    let [before, after] = norm.reach().map(|reach| reach.min(channels - 1));
    for shift in 0..=before {
        sum = (sum + squares.narrow(1, 0, channels - shift)?.pad_with_zeros(1, shift, 0)?)?;
    }
    for shift in 1..=after {
        sum = (sum + squares.narrow(1, shift, channels - shift)?.pad_with_zeros(1, 0, shift)?)?;
    }
    let divisor = sum.affine(norm.alpha / norm.size as f64, norm.k)?;
    x * (divisor.log()? * -norm.beta)?.exp()?
}

/// Columns of all channels that are computed at once.
const TOGETHER: usize = 512;

/// `[batch, channel, values a channel]`.
fn sizes(dims: &[usize]) -> [usize; 3] {
    [dims[0], dims[1], dims[2..].iter().product()]
}

impl ResponseNorm {
    /// Channels before and behind the one in the middle: of an odd rest the larger half lies behind.
    fn reach(self) -> [usize; 2] {
        [(self.size - 1) / 2, self.size / 2]
    }

    /// Channels within `[before, after]` of a channel.
    fn window(channel: usize, channels: usize, [before, after]: [usize; 2]) -> Range<usize> {
        channel.saturating_sub(before)..channels.min(channel.saturating_add(after).saturating_add(1))
    }

    /// What some columns of each channel are divided by, before the power.
    fn divisors(self, rows: &[&[f32]]) -> Vec<Vec<f32>> {
        let (scale, k) = ((self.alpha / self.size as f64) as f32, self.k as f32);
        let divisor = |channel: usize| {
            let mut sum = vec![0.0f32; rows[channel].len()];
            for row in &rows[Self::window(channel, rows.len(), self.reach())] {
                sum.iter_mut().zip(*row).for_each(|(sum, x)| *sum += x * x);
            }
            sum.iter_mut().for_each(|sum| *sum = k + scale * *sum);
            sum
        };
        (0..rows.len()).map(divisor).collect()
    }

    /// divisor^−beta
    fn factor(self, divisor: f32) -> f32 {
        // AlexNet's, by roots alone.
        if self.beta == 0.75 {
            1.0 / (divisor.sqrt() * divisor.sqrt().sqrt())
        } else {
            divisor.powf(-self.beta as f32)
        }
    }

    fn values(self, x: &[f32], sizes: [usize; 3]) -> Vec<f32> {
        let [_, channels, plane] = sizes;
        build_columns(sizes, TOGETHER, |item, columns, out| {
            let row = |channel: usize| &x[(item * channels + channel) * plane..][columns.clone()];
            let rows: Vec<&[f32]> = (0..channels).map(row).collect();
            for ((x, divisor), out) in rows.iter().zip(self.divisors(&rows)).zip(out) {
                out.put(x.iter().zip(&divisor).map(|(x, &divisor)| x * self.factor(divisor)));
            }
        })
    }

    /// g·d^−β − 2αβ/n · x · Σ g·x·d^(−β−1), the sum over the channels in whose window this one lies.
    fn gradient(self, [x, grad]: [&[f32]; 2], sizes: [usize; 3]) -> Vec<f32> {
        let [_, channels, plane] = sizes;
        let [before, after] = self.reach();
        let part = (2.0 * self.alpha * self.beta / self.size as f64) as f32;
        build_columns(sizes, TOGETHER, |item, columns, out| {
            let line = |channel: usize| (item * channels + channel) * plane + columns.start;
            let [rows, grads] = [x, grad].map(|values| -> Vec<&[f32]> {
                (0..channels).map(|channel| &values[line(channel)..][..columns.len()]).collect()
            });
            let divisors = self.divisors(&rows);
            let shares: Vec<Vec<f32>> = (0..channels)
                .map(|c| {
                    let three = rows[c].iter().zip(grads[c]).zip(&divisors[c]);
                    three.map(|((x, g), &d)| g * x * self.factor(d) / d).collect()
                })
                .collect();
            for (channel, out) in out.iter_mut().enumerate() {
                let mut sum = vec![0.0f32; columns.len()];
                for share in &shares[Self::window(channel, channels, [after, before])] {
                    sum.iter_mut().zip(share).for_each(|(sum, share)| *sum += share);
                }
                let four = rows[channel].iter().zip(grads[channel]).zip(&divisors[channel]).zip(&sum);
                out.put(four.map(|(((x, g), &d), sum)| g * self.factor(d) - part * x * sum));
            }
        })
    }
}

impl CustomOp1 for ResponseNorm {
    fn name(&self) -> &'static str {
        "response_norm"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let values = self.values(floats(x, layout)?, sizes(layout.dims()));
        Ok((CpuStorage::F32(values), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let sizes = sizes(x.dims());
        let values = with_floats(x, |x| with_floats(grad, |grad| self.gradient([x, grad], sizes)))??;
        tensor(values, x).map(Some)
    }
}
