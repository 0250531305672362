//! Functions of two values each, of tensors of any two shapes that broadcast.
// See vector.rs: what is compiled for each instruction set is inlined.
#![allow(clippy::inline_always)]

use super::cpu::{floats, tensor, with_floats};
use super::{is_ours, tape};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use walk::Walk;

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
    elsewhere::combine(&a, &b, pair)
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

mod elsewhere;
#[cfg(test)]
mod tests;
mod walk;
