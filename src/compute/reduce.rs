//! Many values made one: sums, means, extremes and norms along axes, and where extremes stand.
use super::cpu::{Chunk, SHARE, build, floats, sum, tensor, with_floats};
use super::rearrange::permute;
use super::{is_ours, tape};
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};

/// A function of all values along some axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reducing {
    Mean,
    Sum,
    Max,
    Min,
    Product,
    /// Sum of magnitudes.
    L1,
    /// Root of the sum of squares.
    L2,
    SumSquare,
    LogSum,
    LogSumExp,
}

/// `function` of the values of `x` along `axes`, which then have size 1. Differentiable; equal extremes share the
/// gradient.
pub fn reduce(x: &Tensor, axes: &[usize], function: Reducing) -> Result<Tensor> {
    let rank = x.rank();
    if axes.iter().any(|&axis| axis >= rank) || x.elem_count() == 0 {
        bail!("Reducing axes {axes:?} of {:?}", x.dims())
    }
    let kept: Vec<usize> =
        (0..rank).map(|axis| if axes.contains(&axis) { 1 } else { x.dims()[axis] }).collect();
    if !is_ours(x) {
        return elsewhere(x, axes, function);
    }
    let last = reduced_last(x, axes)?;
    let many = x.elem_count() / kept.iter().product::<usize>();
    tape::apply1(&last, Reduce { function, many, kept })
}

/// Where the largest value of `x` along an axis stands (the smallest, if `least`), as a number; of equal ones the first,
/// or the `last`. The axis then has size 1.
pub fn place_of_extreme(x: &Tensor, axis: usize, least: bool, last: bool) -> Result<Tensor> {
    if axis >= x.rank() || x.elem_count() == 0 {
        bail!("The extreme along axis {axis} of {:?}", x.dims())
    }
    let x = x.detach();
    let mut kept = x.dims().to_vec();
    let len = std::mem::replace(&mut kept[axis], 1);
    if !is_ours(&x) {
        let turned = if last { super::pick(&x, axis, &(0..len).rev().collect::<Vec<_>>())? } else { x };
        let turned = if least { turned.neg()? } else { turned };
        let place = turned.contiguous()?.argmax_keepdim(axis)?.to_dtype(DType::F32)?;
        return if last { place.affine(-1.0, (len - 1) as f64) } else { Ok(place) };
    }
    let rows = reduced_last(&x, &[axis])?;
    let place = |row: &[f32]| {
        let better = |a: f32, b: f32| match (least, last) {
            (true, false) => b < a,
            (true, true) => b <= a,
            (false, false) => b > a,
            (false, true) => b >= a,
        };
        (1..len).fold(0, |best, at| if better(row[best], row[at]) { at } else { best }) as f32
    };
    let values = with_floats(&rows, |x| by_rows(x, len, place))?;
    Tensor::from_vec(values, kept, x.device())
}

/// The same values with the axes that are reduced behind all others.
fn reduced_last(x: &Tensor, axes: &[usize]) -> Result<Tensor> {
    let stays = |axis: &usize| !axes.contains(axis);
    let all = 0..x.rank();
    let order: Vec<usize> = all.clone().filter(stays).chain(all.filter(|axis| !stays(axis))).collect();
    permute(x, &order)?.contiguous()
}

/// `f` of every row of `len` values.
fn by_rows(x: &[f32], len: usize, f: impl Fn(&[f32]) -> f32 + Sync) -> Vec<f32> {
    build(x.len() / len, (SHARE / len).max(1), |first, out: &mut Chunk| {
        let rows = x[first * len..].chunks_exact(len).take(out.left());
        out.put(rows.map(&f));
    })
}

struct Reduce {
    function: Reducing,
    /// Values that become one; they stand one after the other.
    many: usize,
    kept: Vec<usize>,
}

/// Σ f(x) over short sums, which are then exact enough in single precision.
fn total(x: &[f32], f: impl Fn(&[f32]) -> f32) -> f64 {
    x.chunks(512).map(|part| f64::from(f(part))).sum()
}

fn peak(x: &[f32]) -> f32 {
    x.iter().fold(f32::NEG_INFINITY, |peak, &x| super::pooling::larger(peak, x))
}

impl Reducing {
    fn value(self, x: &[f32]) -> f32 {
        let squares = |x: &[f32]| super::cpu::sum_of(x, x, |a, b| a * b);
        let value = match self {
            Self::Sum => total(x, sum),
            Self::Mean => total(x, sum) / x.len() as f64,
            Self::Max => return peak(x),
            Self::Min => {
                return x.iter().fold(f32::INFINITY, |low, &x| if x < low || x.is_nan() { x } else { low });
            }
            Self::Product => x.iter().map(|&x| f64::from(x)).product(),
            Self::L1 => total(x, |x| super::cpu::sum_of(x, x, |x, _| x.abs())),
            Self::L2 => total(x, squares).sqrt(),
            Self::SumSquare => total(x, squares),
            Self::LogSum => total(x, sum).ln(),
            Self::LogSumExp => {
                let peak = peak(x);
                if !peak.is_finite() {
                    return peak;
                }
                f64::from(peak) + total(x, |x| x.iter().map(|x| (x - peak).exp()).sum()).ln()
            }
        };
        value as f32
    }

    /// Gradients by the values of a row whose result is `y`, times the gradient `g` by it.
    fn gradients(
        self,
        x: &[f32],
        y: f32,
        g: f32,
        give: &mut dyn FnMut(&mut dyn ExactSizeIterator<Item = f32>),
    ) {
        let count = x.len() as f32;
        match self {
            Self::Sum => give(&mut x.iter().map(|_| g)),
            Self::Mean => give(&mut x.iter().map(|_| g / count)),
            Self::Max | Self::Min => {
                let equal = x.iter().filter(|&&x| x == y).count().max(1) as f32;
                give(&mut x.iter().map(|&x| if x == y { g / equal } else { 0.0 }));
            }
            Self::Product => {
                let zeros = x.iter().filter(|&&x| x == 0.0).count();
                let others: f64 = x.iter().filter(|&&x| x != 0.0).map(|&x| f64::from(x)).product();
                give(&mut x.iter().map(|&x| match (zeros, x == 0.0) {
                    (0, _) => (f64::from(g) * others / f64::from(x)) as f32,
                    (1, true) => (f64::from(g) * others) as f32,
                    _ => 0.0,
                }));
            }
            Self::L1 => give(&mut x.iter().map(|&x| if x == 0.0 { 0.0 } else { g * x.signum() })),
            Self::L2 => give(&mut x.iter().map(|&x| if y == 0.0 { 0.0 } else { g * x / y })),
            Self::SumSquare => give(&mut x.iter().map(|&x| 2.0 * g * x)),
            Self::LogSum => {
                let each = g / y.exp();
                give(&mut x.iter().map(|_| each));
            }
            Self::LogSumExp => give(&mut x.iter().map(|&x| g * (x - y).exp())),
        }
    }
}

impl CustomOp1 for Reduce {
    fn name(&self) -> &'static str {
        "reduce"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let values = by_rows(floats(x, layout)?, self.many, |row| self.function.value(row));
        Ok((CpuStorage::F32(values), self.kept.clone().into()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let gradients = |x: &[f32], y: &[f32], grad: &[f32]| {
            let rows = (SHARE / self.many).max(1);
            build(x.len(), rows * self.many, |first, out| {
                let first = first / self.many;
                let rows =
                    x[first * self.many..].chunks_exact(self.many).zip(&y[first..]).zip(&grad[first..]);
                for ((x, &y), &g) in rows.take(out.left() / self.many) {
                    self.function.gradients(x, y, g, &mut |values| out.put(values));
                }
            })
        };
        let values =
            with_floats(x, |x| with_floats(y, |y| with_floats(grad, |grad| gradients(x, y, grad))))???;
        tensor(values, x).map(Some)
    }
}

/// On other devices, by Candle's operations.
fn elsewhere(x: &Tensor, axes: &[usize], function: Reducing) -> Result<Tensor> {
    let many = |x: &Tensor| x.sum_keepdim(axes);
    let extreme = |x: &Tensor, max: bool| {
        axes.iter()
            .try_fold(x.contiguous()?, |x, &axis| if max { x.max_keepdim(axis) } else { x.min_keepdim(axis) })
    };
    match function {
        Reducing::Sum => many(x),
        Reducing::Mean => x.mean_keepdim(axes),
        Reducing::Max => extreme(x, true),
        Reducing::Min => extreme(x, false),
        Reducing::L1 => many(&x.abs()?),
        Reducing::L2 => many(&x.sqr()?)?.sqrt(),
        Reducing::SumSquare => many(&x.sqr()?),
        Reducing::LogSum => many(x)?.log(),
        Reducing::LogSumExp => {
            let peak = extreme(&x.detach(), true)?;
            many(&x.broadcast_sub(&peak)?.exp()?)?.log()? + peak
        }
        Reducing::Product => {
            let mut product = x.clone();
            for &axis in axes {
                let parts = (0..product.dim(axis)?).map(|at| product.narrow(axis, at, 1));
                let parts = parts.collect::<Result<Vec<_>>>()?;
                product = parts[1..].iter().try_fold(parts[0].clone(), |so_far, part| so_far * part)?;
            }
            Ok(product)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::as_elsewhere;
    use candle_core::{Device, Var};

    const ALL: [Reducing; 10] = [
        Reducing::Mean,
        Reducing::Sum,
        Reducing::Max,
        Reducing::Min,
        Reducing::Product,
        Reducing::L1,
        Reducing::L2,
        Reducing::SumSquare,
        Reducing::LogSum,
        Reducing::LogSumExp,
    ];

    fn numbers(x: &Tensor) -> Vec<f32> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    fn filled(dims: &[usize]) -> Tensor {
        let values = (0..dims.iter().product::<usize>()).map(|i| (i as f32 * 1.3).sin() + 1.2);
        Tensor::from_iter(values, &Device::Cpu).unwrap().reshape(dims).unwrap()
    }

    #[test]
    fn every_reduction_of_a_row_is_its_formula() {
        let x = Tensor::new(&[[3f32, -4.0, 2.0]], &Device::Cpu).unwrap();
        let sum_exp = 3f32.exp() + (-4f32).exp() + 2f32.exp();
        let expected = [1.0 / 3.0, 1.0, 3.0, -4.0, -24.0, 9.0, 29f32.sqrt(), 29.0, 0.0, sum_exp.ln()];
        let check = || {
            for (function, expected) in ALL.into_iter().zip(expected) {
                let y = reduce(&x, &[1], function).unwrap();
                assert_eq!(y.dims(), [1, 1]);
                assert!((numbers(&y)[0] - expected).abs() < 1e-6, "{function:?}: {y}");
            }
        };
        check();
        as_elsewhere(check);
    }

    #[test]
    fn slopes_are_what_small_steps_show_on_all_devices() {
        let x = Var::from_tensor(&filled(&[2, 3, 2, 2])).unwrap();
        let weights = filled(&[2, 1, 2, 1]);
        let check = || {
            for function in ALL {
                let loss = |x: &Tensor| {
                    (reduce(x, &[1, 3], function).unwrap() * &weights).unwrap().sum_all().unwrap()
                };
                let slopes = loss(&x).backward().unwrap();
                for (place, slope) in numbers(slopes.get(&x).unwrap()).into_iter().enumerate() {
                    let moved = |by: f32| {
                        let mut values = numbers(&x);
                        values[place] += by;
                        let x = Tensor::from_vec(values, x.dims(), &Device::Cpu).unwrap();
                        loss(&x).to_scalar::<f32>().unwrap()
                    };
                    let expected = (moved(5e-3) - moved(-5e-3)) / 1e-2;
                    assert!(
                        (slope - expected).abs() < 0.02 * expected.abs().max(0.5),
                        "{function:?}: {slope}, {expected}"
                    );
                }
            }
        };
        check();
        as_elsewhere(check);
    }

    #[test]
    fn places_of_extremes_are_the_first_or_the_last() {
        let x = Tensor::new(&[[1f32, 5., 0., 5., 0.]], &Device::Cpu).unwrap();
        let check = || {
            let place = |least, last| numbers(&place_of_extreme(&x, 1, least, last).unwrap())[0];
            assert_eq!(
                [place(false, false), place(false, true), place(true, false), place(true, true)],
                [1.0, 3.0, 2.0, 4.0]
            );
        };
        check();
        as_elsewhere(check);
    }

    #[test]
    fn the_mean_of_millions_is_exact() {
        let x = Tensor::full(0.1f32, (1, 3_000_000), &Device::Cpu).unwrap();
        assert!((numbers(&reduce(&x, &[1], Reducing::Mean).unwrap())[0] - 0.1).abs() < 3e-7);
    }
}
