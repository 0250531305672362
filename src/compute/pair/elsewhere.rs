//! Functions of two values on devices other than the CPU, by Candle's operations.
use super::{Pair, broadcast};
use crate::compute::given::given2;
use candle_core::{Result, Tensor};

pub(super) fn combine(a: &Tensor, b: &Tensor, pair: Pair) -> Result<Tensor> {
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
