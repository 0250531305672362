//! Functions of each value on devices other than the CPU, by Candle's operations.
use super::Mapping;
use crate::compute::given::given1;
use candle_core::{Result, Tensor};

/// 1.5·2^23: adding it rounds a small number to a whole one, halves to the even one.
const ROUND: f64 = 12_582_912.0;
/// Numbers from here on are whole.
const WHOLE: f64 = 4_194_304.0;

pub(super) fn map(x: &Tensor, mapping: Mapping) -> Result<Tensor> {
    match mapping {
        Mapping::Abs => x.abs(),
        Mapping::Neg => x.neg(),
        Mapping::Exp => x.exp(),
        Mapping::Log => x.log(),
        Mapping::Sqrt => x.sqrt(),
        Mapping::Reciprocal => x.recip(),
        Mapping::Floor => step(x, Tensor::floor),
        Mapping::Ceil => step(x, Tensor::ceil),
        Mapping::Round => step(x, rounded),
        Mapping::Trunc => step(x, |x| x.abs()?.floor()? * x.sign()?),
        Mapping::Sign => step(x, Tensor::sign),
        Mapping::Erf => x.erf(),
        Mapping::Not => step(x, |x| x.eq(0.0)?.to_dtype(x.dtype())),
        Mapping::Softplus => softplus(x),
        Mapping::Softsign => x / x.abs()?.affine(1.0, 1.0)?,
        Mapping::Mish => x * softplus(x)?.tanh()?,
        Mapping::HardSwish => x * between(&x.affine(1.0 / 6.0, 0.5)?, 0.0, 1.0)?,
        Mapping::Sin => x.sin(),
        Mapping::Cos => x.cos(),
        Mapping::HardSigmoid { alpha, beta } => between(&x.affine(alpha, beta)?, 0.0, 1.0),
        Mapping::Elu { alpha } => elu(x, [1.0, alpha, 1.0]),
        Mapping::Celu { alpha } => elu(x, [1.0, alpha, alpha]),
        Mapping::Selu { alpha, gamma } => elu(x, [gamma, gamma * alpha, 1.0]),
        Mapping::GeluTanh => x.gelu(),
        Mapping::ThresholdedRelu { alpha } => x.le(alpha)?.where_cond(&x.zeros_like()?, x),
        Mapping::Clip { min, max } => between(x, min, max),
    }
}

/// A step function of `x`: its gradient is 0.
fn step(x: &Tensor, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    given1("step", x, &f(&x.detach())?, |_, _, grad| grad.zeros_like())
}

fn rounded(x: &Tensor) -> Result<Tensor> {
    let whole = x.affine(1.0, ROUND)?.affine(1.0, -ROUND)?;
    x.abs()?.lt(WHOLE)?.where_cond(&whole, x)
}

/// ln(1 + e^−|x|) + max(x, 0).
fn softplus(x: &Tensor) -> Result<Tensor> {
    x.abs()?.neg()?.exp()?.affine(1.0, 1.0)?.log()? + x.relu()?
}

/// `above · x` from zero on, `scale · (e^(x/width) − 1)` below.
fn elu(x: &Tensor, [above, scale, width]: [f64; 3]) -> Result<Tensor> {
    // The exponential of large numbers is not looked at, and must not be infinite: its gradient would be none.
    let below = (between(x, f64::NEG_INFINITY, 0.0)? / width)?.exp()?.affine(scale, -scale)?;
    x.gt(0.0)?.where_cond(&(x * above)?, &below)
}

fn between(x: &Tensor, min: f64, max: f64) -> Result<Tensor> {
    let bound = |value: f64| Tensor::full(value as f32, x.shape(), x.device());
    let x = if min == f64::NEG_INFINITY { x.clone() } else { x.lt(min)?.where_cond(&bound(min)?, x)? };
    if max == f64::INFINITY { Ok(x) } else { x.gt(max)?.where_cond(&bound(max)?, &x) }
}
