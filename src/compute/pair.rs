//! Functions of two values each, of tensors of any two shapes that broadcast.
// See vector.rs: what is compiled for each instruction set is inlined.
#![allow(clippy::inline_always)]

use super::cpu::{SHARE, build_rows, floats, tensor, with_floats};
use super::given::given2;
use super::vector::{self, Arithmetic, Work};
use super::{is_ours, tape};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use std::ops::Range;

/// A function of two values. What compares gives 1 for yes and 0 for no; numbers but 0 are true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Minimum,
    Maximum,
    /// With the sign of the divisor, as in Python.
    Remainder,
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    /// Below zero the first times the second.
    Prelu,
}

/// `pair` of `a` and `b`. Their shapes are aligned from the right, but for the first axis, the batch; sizes of 1 are
/// repeated. Differentiable; what compares has the gradient 0.
pub fn combine(a: &Tensor, b: &Tensor, pair: Pair) -> Result<Tensor> {
    let [a, b] = same_rank([a, b])?;
    let dims = broadcast(&[a.dims(), b.dims()])?;
    if is_ours(&a) {
        return tape::apply2([&a.contiguous()?, &b.contiguous()?], Combine { pair, dims });
    }
    elsewhere(&a, &b, pair)
}

/// `a` where `condition` is not 0, else `b`. Differentiable by both.
pub fn choose(condition: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let [condition, a, b] = same_rank([condition, a, b])?;
    let dims = broadcast(&[condition.dims(), a.dims(), b.dims()])?;
    let spread = |x: &Tensor| x.broadcast_as(&dims[..])?.contiguous();
    spread(&condition)?.ne(0.0)?.where_cond(&spread(&a)?, &spread(&b)?)
}

/// The tensors with as many axes each; what is new stands behind the batch.
pub(super) fn same_rank<const N: usize>(tensors: [&Tensor; N]) -> Result<[Tensor; N]> {
    let rank = tensors.iter().map(|x| x.rank()).max().unwrap_or(0);
    let mut same = tensors.map(Clone::clone);
    for x in &mut same {
        let Some((batch, rest)) = x.dims().split_first().filter(|_| x.rank() < rank) else { continue };
        let mut dims = vec![1; rank - rest.len()];
        dims[0] = *batch;
        dims.extend(rest);
        *x = x.reshape(dims)?;
    }
    Ok(same)
}

/// The sizes to which shapes of one rank broadcast.
pub(super) fn broadcast(shapes: &[&[usize]]) -> Result<Vec<usize>> {
    let mut dims = shapes.first().map(|dims| dims.to_vec()).unwrap_or_default();
    for shape in shapes {
        for (size, &other) in dims.iter_mut().zip(*shape) {
            match (*size, other) {
                (a, b) if a == b || b == 1 => {}
                (1, b) => *size = b,
                _ => bail!("{shapes:?} do not broadcast"),
            }
        }
    }
    if dims.contains(&0) || dims.is_empty() {
        bail!("{shapes:?}: nothing to compute from")
    }
    Ok(dims)
}

impl Pair {
    #[inline(always)]
    fn value(self, a: f32, b: f32) -> f32 {
        let yes = |holds: bool| if holds { 1.0 } else { 0.0 };
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Power => power(a, b),
            Self::Minimum => {
                if b < a || b.is_nan() {
                    b
                } else {
                    a
                }
            }
            Self::Maximum => {
                if b > a || b.is_nan() {
                    b
                } else {
                    a
                }
            }
            Self::Remainder => a - (a / b).floor() * b,
            Self::Equal => yes(a == b),
            Self::Less => yes(a < b),
            Self::LessOrEqual => yes(a <= b),
            Self::Greater => yes(a > b),
            Self::GreaterOrEqual => yes(a >= b),
            Self::And => yes(a != 0.0 && b != 0.0),
            Self::Or => yes(a != 0.0 || b != 0.0),
            Self::Prelu => {
                if a < 0.0 {
                    a * b
                } else {
                    a
                }
            }
        }
    }

    /// Slopes by `a` and by `b`; equal ones share those of minimum and maximum, as in PyTorch.
    #[inline(always)]
    fn slopes(self, a: f32, b: f32) -> [f32; 2] {
        let shares = |first: bool| {
            if a == b {
                [0.5; 2]
            } else if first {
                [1.0, 0.0]
            } else {
                [0.0, 1.0]
            }
        };
        match self {
            Self::Add => [1.0, 1.0],
            Self::Subtract => [1.0, -1.0],
            Self::Multiply => [b, a],
            Self::Divide => [1.0 / b, -a / (b * b)],
            Self::Power => {
                let by_a = if b == 0.0 { 0.0 } else { b * power(a, b - 1.0) };
                [by_a, if a == 0.0 && b >= 0.0 { 0.0 } else { power(a, b) * a.ln() }]
            }
            Self::Minimum => shares(a < b),
            Self::Maximum => shares(a > b),
            Self::Remainder => [1.0, -(a / b).floor()],
            Self::Prelu => {
                if a > 0.0 {
                    [1.0, 0.0]
                } else {
                    [b, a]
                }
            }
            _ => [0.0, 0.0],
        }
    }
}

/// `a` to the power of `b`; the usual powers at once.
#[inline(always)]
fn power(a: f32, b: f32) -> f32 {
    if b == 2.0 {
        a * a
    } else if b == 1.0 {
        a
    } else {
        a.powf(b)
    }
}

/// How two tensors lie over their result: the last axes that both walk along alike are one.
struct Walk {
    /// Sizes of the axes before the last run, with the strides of both.
    axes: Vec<(usize, [usize; 2])>,
    /// Length of a run of the result, and how far both go in it at each step: 0 or 1.
    len: usize,
    steps: [usize; 2],
}

impl Walk {
    fn new(dims: &[usize], shapes: [&[usize]; 2]) -> Self {
        let strides = shapes.map(|shape| strides_over(dims, shape));
        let mut axes: Vec<(usize, [usize; 2])> = Vec::new();
        // From the last axis on; an axis joins the one behind it where both go on through it in one stride.
        for axis in (0..dims.len()).rev().filter(|&axis| dims[axis] > 1) {
            let by = strides.each_ref().map(|strides| strides[axis]);
            match axes.last_mut() {
                Some((size, behind)) if [0, 1].iter().all(|&i| by[i] == behind[i] * *size) => {
                    *size *= dims[axis]
                }
                _ => axes.push((dims[axis], by)),
            }
        }
        axes.reverse();
        let (len, steps) = axes.pop().unwrap_or((1, [0, 0]));
        Self { axes, len, steps }
    }

    /// Where the run number `run` begins in both.
    fn first(&self, run: usize) -> [usize; 2] {
        let (mut rest, mut first) = (run, [0, 0]);
        for (size, strides) in self.axes.iter().rev() {
            let at = rest % size;
            rest /= size;
            first = [first[0] + at * strides[0], first[1] + at * strides[1]];
        }
        first
    }

    fn runs(&self) -> usize {
        self.axes.iter().map(|(size, _)| size).product()
    }

    /// `f` of every pair, in the result's order.
    fn values<F: Fn(f32, f32) -> f32 + Sync>(&self, [a, b]: [&[f32]; 2], f: F) -> Vec<f32> {
        if self.runs() == 1 {
            // One long run is shared out.
            let parts = self.len.div_ceil(SHARE);
            return super::cpu::build(self.len, self.len.div_ceil(parts), |at, out| {
                let [a, b] = [(a, self.steps[0]), (b, self.steps[1])].map(|(x, step)| &x[at * step..]);
                let len = out.left();
                pairs([a, b], self.steps, len, &f, |values| out.copy(values));
            });
        }
        build_rows([self.runs(), self.len], self.len, |runs: Range<usize>, out| {
            for run in runs {
                let [first_a, first_b] = self.first(run);
                pairs([&a[first_a..], &b[first_b..]], self.steps, self.len, &f, |values| out.copy(values));
            }
        })
    }
}

/// `f` of `len` pairs in pieces, each handed to `give`.
fn pairs<F: Fn(f32, f32) -> f32>(
    [a, b]: [&[f32]; 2],
    steps: [usize; 2],
    len: usize,
    f: &F,
    mut give: impl FnMut(&[f32]),
) {
    let mut piece = [0.0; 256];
    for at in (0..len).step_by(piece.len()) {
        let piece = &mut piece[..(len - at).min(256)];
        let [a, b] = [(a, steps[0]), (b, steps[1])].map(|(x, step)| &x[at * step..]);
        vector::run(Piece { a, b, steps, f, piece });
        give(piece);
    }
}

struct Piece<'a, F> {
    a: &'a [f32],
    b: &'a [f32],
    steps: [usize; 2],
    f: &'a F,
    piece: &'a mut [f32],
}

impl<F: Fn(f32, f32) -> f32> Work for Piece<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Self { a, b, steps, f, piece } = self;
        let len = piece.len();
        match steps {
            [1, 1] => piece.iter_mut().zip(&a[..len]).zip(&b[..len]).for_each(|((to, &a), &b)| *to = f(a, b)),
            [1, _] => piece.iter_mut().zip(&a[..len]).for_each(|(to, &a)| *to = f(a, b[0])),
            [_, 1] => piece.iter_mut().zip(&b[..len]).for_each(|(to, &b)| *to = f(a[0], b)),
            _ => piece.fill(f(a[0], b[0])),
        }
    }
}

/// How far `shape` goes at each step along the axes of `dims`: 0 where its values are repeated.
fn strides_over(dims: &[usize], shape: &[usize]) -> Vec<usize> {
    let mut stride = 1;
    let mut strides = vec![0; dims.len()];
    for axis in (0..dims.len()).rev() {
        if shape[axis] > 1 {
            strides[axis] = stride;
        }
        stride *= shape[axis];
    }
    strides
}

struct Combine {
    pair: Pair,
    dims: Vec<usize>,
}

/// Calls `$call` with a pairing that is known when the loop is compiled.
macro_rules! with_pair {
    ($pair:expr, |$known:ident| $call:expr; $($name:ident),*) => {
        match $pair {
            $(Pair::$name => {
                const KNOWN: Pair = Pair::$name;
                let $known = KNOWN;
                $call
            })*
        }
    };
    ($pair:expr, |$known:ident| $call:expr) => {
        with_pair!($pair, |$known| $call; Add, Subtract, Multiply, Divide, Power, Minimum, Maximum, Remainder, Equal,
            Less, LessOrEqual, Greater, GreaterOrEqual, And, Or, Prelu)
    };
}

impl CustomOp2 for Combine {
    fn name(&self) -> &'static str {
        "combine"
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        la: &Layout,
        b: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (walk, of) = (Walk::new(&self.dims, [la.dims(), lb.dims()]), [floats(a, la)?, floats(b, lb)?]);
        let values = with_pair!(self.pair, |pair| walk.values(of, |a, b| pair.value(a, b)));
        Ok((CpuStorage::F32(values), self.dims.clone().into()))
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let walk = Walk::new(&self.dims, [a.dims(), b.dims()]);
        let by = |side: usize, of: &Tensor| {
            let slopes = with_floats(a, |a| {
                with_floats(b, |b| {
                    with_pair!(self.pair, |pair| walk.values([a, b], |a, b| pair.slopes(a, b)[side]))
                })
            })??;
            let slopes = tensor(slopes, grad)?;
            let spread = (slopes * grad)?;
            let repeated = (0..self.dims.len()).filter(|&axis| self.dims[axis] != of.dims()[axis]);
            spread.sum_keepdim(repeated.collect::<Vec<_>>())
        };
        Ok((Some(by(0, a)?), Some(by(1, b)?)))
    }
}

/// On other devices, by Candle's operations.
fn elsewhere(a: &Tensor, b: &Tensor, pair: Pair) -> Result<Tensor> {
    let yes = |mask: Tensor| {
        let value = mask.to_dtype(a.dtype())?;
        given2("compare", [a, b], &value, |a, b, _| Ok([Some(a.zeros_like()?), Some(b.zeros_like()?)]))
    };
    let both = || -> Result<[Tensor; 2]> {
        let dims = broadcast(&[a.dims(), b.dims()])?;
        Ok([a.broadcast_as(&dims[..])?.contiguous()?, b.broadcast_as(&dims[..])?.contiguous()?])
    };
    match pair {
        Pair::Add => a.broadcast_add(b),
        Pair::Subtract => a.broadcast_sub(b),
        Pair::Multiply => a.broadcast_mul(b),
        Pair::Divide => a.broadcast_div(b),
        Pair::Power => power_elsewhere(both()?),
        Pair::Minimum => a.broadcast_minimum(b),
        Pair::Maximum => a.broadcast_maximum(b),
        Pair::Remainder => a.broadcast_sub(&a.broadcast_div(b)?.detach().floor()?.broadcast_mul(b)?),
        Pair::Equal => yes(a.broadcast_eq(b)?),
        Pair::Less => yes(a.broadcast_lt(b)?),
        Pair::LessOrEqual => yes(a.broadcast_le(b)?),
        Pair::Greater => yes(a.broadcast_gt(b)?),
        Pair::GreaterOrEqual => yes(a.broadcast_ge(b)?),
        Pair::And => yes(a.ne(0.0)?.broadcast_mul(&b.ne(0.0)?)?),
        Pair::Or => yes(a.ne(0.0)?.broadcast_maximum(&b.ne(0.0)?)?),
        Pair::Prelu => {
            let [a, b] = both()?;
            a.lt(0.0)?.where_cond(&(&a * b)?, &a)
        }
    }
}

/// e^(b·ln |a|), with the sign of whole powers. Squares are multiplied.
fn power_elsewhere([a, b]: [Tensor; 2]) -> Result<Tensor> {
    let size = (a.abs()?.maximum(f32::MIN_POSITIVE)?.log()? * &b)?.exp()?;
    let whole = b.detach().eq(&b.detach().floor()?)?;
    let half = (b.detach() * 0.5)?;
    let odd = half.ne(&half.floor()?)?;
    let signed = odd.where_cond(&size.neg()?, &size)?;
    let undefined = Tensor::full(f32::NAN, a.shape(), a.device())?;
    let below = whole.where_cond(&signed, &undefined)?;
    let value = a.lt(0.0)?.where_cond(&below, &size)?;
    b.detach().eq(2.0)?.where_cond(&a.sqr()?, &value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::as_elsewhere;
    use candle_core::{Device, Var};

    const ALL: [Pair; 16] = [
        Pair::Add,
        Pair::Subtract,
        Pair::Multiply,
        Pair::Divide,
        Pair::Power,
        Pair::Minimum,
        Pair::Maximum,
        Pair::Remainder,
        Pair::Equal,
        Pair::Less,
        Pair::LessOrEqual,
        Pair::Greater,
        Pair::GreaterOrEqual,
        Pair::And,
        Pair::Or,
        Pair::Prelu,
    ];

    fn numbers(x: &Tensor) -> Vec<f32> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    fn filled(dims: &[usize], seed: f64, positive: bool) -> Tensor {
        let count = dims.iter().product::<usize>();
        let values = (0..count).map(|i| {
            let value = ((i as f64 * 1.7 + seed).sin() * 2.0) as f32;
            if positive { value.abs() + 0.3 } else { value }
        });
        Tensor::from_iter(values, &Device::Cpu).unwrap().reshape(dims).unwrap()
    }

    /// The value at each place of the result, by counting out both places.
    fn by_hand(a: &Tensor, b: &Tensor, dims: &[usize], pair: Pair) -> Vec<f32> {
        let spread = |x: &Tensor| numbers(&x.broadcast_as(dims).unwrap().contiguous().unwrap());
        spread(a).into_iter().zip(spread(b)).map(|(a, b)| pair.value(a, b)).collect()
    }

    #[test]
    fn shapes_broadcast_from_the_right_and_the_batch_apart() {
        let shapes: [(&[usize], &[usize], &[usize]); 7] = [
            (&[2, 3, 4, 5], &[2, 3, 4, 5], &[2, 3, 4, 5]),
            (&[2, 3, 4, 5], &[1, 3, 1, 1], &[2, 3, 4, 5]),
            (&[2, 3, 1, 1], &[2, 3, 4, 5], &[2, 3, 4, 5]),
            (&[1, 1, 4, 1], &[2, 3, 1, 5], &[2, 3, 4, 5]),
            (&[2, 3, 4, 5], &[1, 1, 1, 1], &[2, 3, 4, 5]),
            (&[2, 1, 400], &[1, 3, 400], &[2, 3, 400]),
            (&[1, 20_000], &[1, 1], &[1, 20_000]),
        ];
        for (a, b, dims) in shapes {
            let (a, b) = (filled(a, 0.1, false), filled(b, 0.7, false));
            for pair in [Pair::Subtract, Pair::Maximum] {
                let y = combine(&a, &b, pair).unwrap();
                assert_eq!((y.dims(), numbers(&y)), (dims, by_hand(&a, &b, dims, pair)), "{a:?} {b:?}");
            }
        }
        // A vector meets the last axis of every image of the batch.
        let y = combine(&filled(&[2, 3, 4], 0.1, false), &filled(&[1, 4], 0.7, false), Pair::Add).unwrap();
        assert_eq!(y.dims(), [2, 3, 4]);
        assert!(combine(&filled(&[2, 3], 0.1, false), &filled(&[1, 4], 0.7, false), Pair::Add).is_err());
    }

    fn check_slopes(pair: Pair) {
        let a = Var::from_tensor(&filled(&[2, 3, 2], 0.4, pair == Pair::Power)).unwrap();
        let b = Var::from_tensor(&filled(&[1, 3, 1], 1.9, true)).unwrap();
        let y = combine(&a, &b, pair).unwrap();
        let weights = filled(&[2, 3, 2], 2.2, false);
        let loss = |y: &Tensor| (y * &weights).unwrap().sum_all().unwrap();
        let slopes = loss(&y).backward().unwrap();
        let at = |a: &Tensor, b: &Tensor| loss(&combine(a, b, pair).unwrap()).to_scalar::<f32>().unwrap();
        for (side, var) in [&a, &b].into_iter().enumerate() {
            let slopes = numbers(slopes.get(var).unwrap());
            for (place, slope) in slopes.iter().enumerate() {
                let moved = |by: f32| {
                    let mut values = numbers(var);
                    values[place] += by;
                    let moved = Tensor::from_vec(values, var.dims(), &Device::Cpu).unwrap();
                    if side == 0 { at(&moved, &b) } else { at(&a, &moved) }
                };
                let expected = (moved(1e-2) - moved(-1e-2)) / 2e-2;
                assert!(
                    (slope - expected).abs() < 0.02 * expected.abs().max(0.5),
                    "{pair:?} {side}: {slope}, {expected}"
                );
            }
        }
    }

    #[test]
    fn slopes_are_what_small_steps_show_on_all_devices() {
        let smooth = |pair: &Pair| !matches!(pair, Pair::Remainder);
        ALL.into_iter().filter(smooth).for_each(check_slopes);
        as_elsewhere(|| ALL.into_iter().filter(smooth).for_each(check_slopes));
    }

    #[test]
    fn other_devices_give_the_same_values() {
        let (a, b) = (filled(&[2, 3, 4], 0.1, false), filled(&[1, 3, 1], 0.7, false));
        for pair in ALL {
            let here = numbers(&combine(&a, &b, pair).unwrap());
            let there = as_elsewhere(|| numbers(&combine(&a, &b, pair).unwrap()));
            let alike =
                |(x, y): (&f32, &f32)| (x - y).abs() < 1e-5 * x.abs().max(1.0) || x.is_nan() && y.is_nan();
            assert!(here.iter().zip(&there).all(alike), "{pair:?}: {here:?} {there:?}");
        }
    }

    #[test]
    fn remainders_and_powers_are_python_s() {
        let one = |pair, a: f32, b: f32| {
            let [a, b] = [a, b].map(|x| Tensor::new(&[[x]], &Device::Cpu).unwrap());
            numbers(&combine(&a, &b, pair).unwrap())[0]
        };
        assert_eq!(
            [(-7.0, 3.0), (7.0, -3.0), (5.5, 2.0)].map(|(a, b)| one(Pair::Remainder, a, b)),
            [2.0, -2.0, 1.5]
        );
        assert_eq!(
            [(-2.0, 3.0), (0.0, 0.0), (9.0, 0.5)].map(|(a, b)| one(Pair::Power, a, b)),
            [-8.0, 1.0, 3.0]
        );
        assert!(one(Pair::Power, -8.0, 0.5).is_nan());
    }

    #[test]
    fn a_choice_reads_its_condition_as_not_zero() {
        let condition = Tensor::new(&[[1f32, 0.0, -2.0]], &Device::Cpu).unwrap();
        let (a, b) = (
            Tensor::new(&[[5f32]], &Device::Cpu).unwrap(),
            Tensor::new(&[[7f32, 8., 9.]], &Device::Cpu).unwrap(),
        );
        assert_eq!(numbers(&choose(&condition, &a, &b).unwrap()), [5.0, 8.0, 5.0]);
    }
}
