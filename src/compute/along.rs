//! Weighted sums along one axis: what resizing, averaging, cropping, padding and picking have in common.
use super::cpu::{Chunk, build_rows, floats, tensor, with_floats};
use super::{is_ours, tape};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

/// For each output along an axis which inputs it reads, and how much of each.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Taps {
    /// Inputs along the axis.
    len: usize,
    /// Where each output's taps begin in `taps`; behind the last one their number.
    firsts: Vec<usize>,
    taps: Vec<(usize, f32)>,
}

impl Taps {
    /// Of `len` inputs; each output with its taps `(input, weight)`. An output without taps is 0.
    pub(super) fn new<T: IntoIterator<Item = (usize, f32)>>(
        len: usize,
        outputs: impl IntoIterator<Item = T>,
    ) -> Self {
        let (mut firsts, mut taps) = (vec![0], Vec::new());
        for output in outputs {
            taps.extend(output);
            firsts.push(taps.len());
        }
        Self { len, firsts, taps }
    }

    /// Each output is one input, or 0.
    pub(super) fn picking(len: usize, inputs: impl IntoIterator<Item = Option<usize>>) -> Self {
        Self::new(len, inputs.into_iter().map(|input| input.map(|input| (input, 1.0))))
    }

    pub(super) fn outputs(&self) -> usize {
        self.firsts.len() - 1
    }

    pub(super) fn of(&self, output: usize) -> &[(usize, f32)] {
        &self.taps[self.firsts[output]..self.firsts[output + 1]]
    }

    /// The most taps that an output has.
    pub(super) fn most(&self) -> usize {
        self.firsts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0)
    }

    fn is_identity(&self) -> bool {
        let same = |output: usize| self.of(output) == [(output, 1.0)];
        self.outputs() == self.len && (0..self.len).all(same)
    }

    /// For each input the outputs that read it: the way back.
    fn transposed(&self) -> Self {
        let mut readers = vec![Vec::new(); self.len];
        for output in 0..self.outputs() {
            for &(input, weight) in self.of(output) {
                readers[input].push((output, weight));
            }
        }
        Self::new(self.outputs(), readers)
    }

    /// The sizes before, along and behind `axis` of a tensor that these taps fit.
    pub(super) fn sizes(&self, dims: &[usize], axis: usize) -> Result<[usize; 3]> {
        let along = dims.get(axis).copied().unwrap_or(0);
        let fits = along == self.len && self.taps.iter().all(|&(input, _)| input < along);
        if !fits || self.outputs() == 0 || dims.contains(&0) {
            bail!("Along axis {axis} of {dims:?}: {} outputs of {} inputs", self.outputs(), self.len)
        }
        Ok([dims[..axis].iter().product(), along, dims[axis + 1..].iter().product()])
    }

    /// What every output reads at its tap number `tap`, and the weights; `None` stands for an output that has fewer.
    pub(super) fn each(&self, tap: usize) -> impl Iterator<Item = Option<(usize, f32)>> + '_ {
        (0..self.outputs()).map(move |output| self.of(output).get(tap).copied())
    }
}

/// The shape with another size along an axis.
pub(super) fn resized(dims: &[usize], axis: usize, size: usize) -> Vec<usize> {
    let mut dims = dims.to_vec();
    dims[axis] = size;
    dims
}

/// The weighted sums of `x` along `axis`. Differentiable.
pub(super) fn along(x: &Tensor, axis: usize, taps: Taps) -> Result<Tensor> {
    taps.sizes(x.dims(), axis)?;
    if taps.is_identity() {
        return Ok(x.clone());
    }
    if is_ours(x) {
        return tape::apply1(&x.contiguous()?, Along { axis, taps });
    }
    elsewhere(x, axis, &taps)
}

/// On other devices, by Candle's operations: the first taps of all outputs, and the second ones, and so on.
fn elsewhere(x: &Tensor, axis: usize, taps: &Taps) -> Result<Tensor> {
    let x = x.contiguous()?;
    let mut shape = vec![1; x.rank()];
    shape[axis] = taps.outputs();
    let mut sum: Option<Tensor> = None;
    for tap in 0..taps.most().max(1) {
        let inputs = taps.each(tap).map(|tap| tap.map_or(0, |(input, _)| input as u32));
        let mut part = x.index_select(&Tensor::from_iter(inputs, x.device())?, axis)?;
        if taps.each(tap).any(|tap| tap.is_none_or(|(_, weight)| weight != 1.0)) {
            let weights = taps.each(tap).map(|tap| tap.map_or(0.0, |(_, weight)| weight));
            part = part.broadcast_mul(&Tensor::from_iter(weights, x.device())?.reshape(&shape[..])?)?;
        }
        sum = Some(match sum {
            None => part,
            Some(sum) => (sum + part)?,
        });
    }
    sum.map_or_else(|| bail!("Sums of nothing"), Ok)
}

struct Along {
    axis: usize,
    taps: Taps,
}

/// The sums of `x` `[before, along, behind]`.
fn sums(x: &[f32], [before, along, behind]: [usize; 3], taps: &Taps) -> Vec<f32> {
    let (outputs, work) = (taps.outputs(), taps.most().max(1));
    if behind == 1 {
        return build_rows([before, outputs], outputs * work, |rows, out| {
            for row in rows {
                let x = &x[row * along..][..along];
                out.put((0..outputs).map(|i| taps.of(i).iter().map(|&(at, weight)| x[at] * weight).sum()));
            }
        });
    }
    build_rows([before * outputs, behind], behind * work, |rows, out| {
        let mut sum = Vec::new();
        for row in rows {
            let x = &x[row / outputs * along * behind..][..along * behind];
            lines_mixed(x, behind, taps.of(row % outputs), &mut sum, out);
        }
    })
}

/// The weighted sum of whole lines of `len` values each.
fn lines_mixed(x: &[f32], len: usize, taps: &[(usize, f32)], sum: &mut Vec<f32>, out: &mut Chunk) {
    let line = |at: usize| &x[at * len..][..len];
    match *taps {
        [] => out.put(std::iter::repeat_n(0.0, len)),
        [(at, 1.0)] => out.copy(line(at)),
        [(at, weight)] => out.put(line(at).iter().map(|x| x * weight)),
        [(a, part_a), (b, part_b)] => {
            out.put(line(a).iter().zip(line(b)).map(|(a, b)| a * part_a + b * part_b));
        }
        [(first, weight), ref others @ ..] => {
            sum.clear();
            sum.extend(line(first).iter().map(|x| x * weight));
            for &(at, weight) in others {
                sum.iter_mut().zip(line(at)).for_each(|(sum, x)| *sum += x * weight);
            }
            out.copy(sum);
        }
    }
}

impl CustomOp1 for Along {
    fn name(&self) -> &'static str {
        "along"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let sizes = self.taps.sizes(layout.dims(), self.axis)?;
        let values = sums(floats(x, layout)?, sizes, &self.taps);
        Ok((CpuStorage::F32(values), resized(layout.dims(), self.axis, self.taps.outputs()).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let [before, along, behind] = self.taps.sizes(x.dims(), self.axis)?;
        let back = self.taps.transposed();
        debug_assert_eq!(back.outputs(), along);
        let values = with_floats(grad, |grad| sums(grad, [before, self.taps.outputs(), behind], &back))?;
        tensor(values, x).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::as_elsewhere;
    use candle_core::{Device, Var};

    fn numbers(x: &Tensor) -> Vec<f32> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn sums_along_every_axis_follow_the_taps_on_all_devices() {
        // x[b, y, x] = 100·b + 10·y + x; outputs: half of both ends, nothing, the middle.
        let values = (0..18).map(|i| (100 * (i / 9) + 10 * (i / 3 % 3) + i % 3) as f32);
        let x = Tensor::from_iter(values, &Device::Cpu).unwrap().reshape((2, 3, 3)).unwrap();
        let taps = Taps::new(3, [vec![(0, 0.5), (2, 0.5)], vec![], vec![(1, 1.0)]]);
        let check = || {
            let y = along(&x, 1, taps.clone()).unwrap();
            let first = [10.0, 11.0, 12.0];
            assert_eq!(numbers(&y.get(0).unwrap()), [first, [0.0; 3], first].concat());
            let y = along(&x, 2, taps.clone()).unwrap();
            let last = numbers(&y.get(1).unwrap());
            assert_eq!(last, [101.0, 0.0, 101.0, 111.0, 0.0, 111.0, 121.0, 0.0, 121.0]);
        };
        check();
        as_elsewhere(check);
    }

    #[test]
    fn gradients_go_back_to_what_was_read() {
        let x = Var::from_tensor(&Tensor::new(&[[1f32, 2., 3.]], &Device::Cpu).unwrap()).unwrap();
        let taps = Taps::new(3, [vec![(0, 2.0), (1, 3.0)], vec![(1, 5.0)]]);
        let check = || {
            let g = Tensor::new(&[[10f32, 100.]], &Device::Cpu).unwrap();
            let y = (along(&x, 1, taps.clone()).unwrap() * g).unwrap().sum_all().unwrap();
            assert_eq!(numbers(y.backward().unwrap().get(&x).unwrap()), [20.0, 530.0, 0.0]);
        };
        check();
        as_elsewhere(check);
    }
}
