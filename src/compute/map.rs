//! Functions of each value alone that networks from elsewhere bring along, with their derivatives.
// See vector.rs: what is compiled for each instruction set is inlined.
#![allow(clippy::inline_always)]

use super::activation::{Function, gradients, values};
use super::cpu::{floats, tensor, with_floats};
use super::functions::{exp, ln, normal, sigmoid, tanh};
use super::vector::Arithmetic;
use super::{is_ours, tape};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

/// A function of each value alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mapping {
    Abs,
    Neg,
    Exp,
    Log,
    Sqrt,
    Reciprocal,
    Floor,
    Ceil,
    /// To the nearest whole number; halves to the even one.
    Round,
    Trunc,
    /// −1, 0 or 1.
    Sign,
    /// The error function.
    Erf,
    /// 1 of 0, else 0.
    Not,
    Softplus,
    /// x / (1 + |x|).
    Softsign,
    /// x · tanh(softplus(x)).
    Mish,
    /// x · min(max(x/6 + ½, 0), 1).
    HardSwish,
    Sin,
    Cos,
    HardSigmoid {
        alpha: f64,
        beta: f64,
    },
    Elu {
        alpha: f64,
    },
    /// max(x, 0) + min(alpha·(e^(x/alpha) − 1), 0).
    Celu {
        alpha: f64,
    },
    Selu {
        alpha: f64,
        gamma: f64,
    },
    /// GELU by its approximation with tanh.
    GeluTanh,
    /// 0 up to alpha.
    ThresholdedRelu {
        alpha: f64,
    },
    /// Where both bounds cross, the upper one holds.
    Clip {
        min: f64,
        max: f64,
    },
}

/// Applies `mapping` to every value. Differentiable; steps have the gradient 0.
pub fn map(x: &Tensor, mapping: Mapping) -> Result<Tensor> {
    if is_ours(x) {
        return tape::apply1(&x.contiguous()?, mapping);
    }
    elsewhere::map(x, mapping)
}

macro_rules! function {
    ($name:ident, $arithmetic:ident, |$x:ident| $value:expr, |$gx:ident, $y:ident, $g:ident| $gradient:expr) => {
        function!($name {}, $arithmetic, |$x| $value, |$gx, $y, $g| $gradient);
    };
    ($name:ident { $($field:ident),* }, $arithmetic:ident, |$x:ident| $value:expr, |$gx:ident, $y:ident, $g:ident| $gradient:expr) => {
        #[derive(Clone, Copy)]
        struct $name {
            $($field: f32),*
        }

        impl Function for $name {
            #[inline(always)]
            fn value<$arithmetic: Arithmetic>(self, $x: f32) -> f32 {
                let Self { $($field),* } = self;
                $value
            }

            #[inline(always)]
            #[allow(unused_variables)]
            fn gradient<$arithmetic: Arithmetic>(self, $gx: f32, $y: f32, $g: f32) -> f32 {
                let Self { $($field),* } = self;
                $gradient
            }
        }
    };
}

function!(Abs, A, |x| x.abs(), |x, _y, g| g * sign(x));
function!(Neg, A, |x| -x, |_x, _y, g| -g);
function!(Exp, A, |x| if x > LARGEST_EXPONENT { f32::INFINITY } else { exp::<A>(x) }, |_x, y, g| g * y);
function!(Log, A, |x| x.ln(), |x, _y, g| g / x);
function!(Sqrt, A, |x| x.sqrt(), |_x, y, g| 0.5 * g / y);
function!(Reciprocal, A, |x| 1.0 / x, |_x, y, g| -g * y * y);
function!(Floor, A, |x| x.floor(), |_x, _y, _g| 0.0);
function!(Ceil, A, |x| x.ceil(), |_x, _y, _g| 0.0);
function!(Round, A, |x| x.round_ties_even(), |_x, _y, _g| 0.0);
function!(Trunc, A, |x| x.trunc(), |_x, _y, _g| 0.0);
function!(Sign, A, |x| sign(x), |_x, _y, _g| 0.0);
function!(Erf, A, |x| erf::<A>(x), |x, _y, g| g * std::f32::consts::FRAC_2_SQRT_PI * exp::<A>(-x * x));
function!(Not, A, |x| if x == 0.0 { 1.0 } else { 0.0 }, |_x, _y, _g| 0.0);
function!(Softplus, A, |x| softplus::<A>(x), |x, _y, g| g * sigmoid::<A>(x));
function!(Softsign, A, |x| x / (1.0 + x.abs()), |x, _y, g| g / (1.0 + x.abs()).powi(2));
function!(Mish, A, |x| x * tanh_softplus::<A>(x), |x, _y, g| {
    let t = tanh_softplus::<A>(x);
    g * (t + x * sigmoid::<A>(x) * (1.0 - t * t))
});
function!(HardSwish, A, |x| x * between(x / 6.0 + 0.5, 0.0, 1.0), |x, _y, g| {
    if x <= -3.0 {
        0.0
    } else if x < 3.0 {
        g * (x / 3.0 + 0.5)
    } else {
        g
    }
});
function!(Sin, A, |x| x.sin(), |x, _y, g| g * x.cos());
function!(Cos, A, |x| x.cos(), |x, _y, g| -g * x.sin());
function!(HardSigmoid { alpha, beta }, A, |x| between(alpha * x + beta, 0.0, 1.0), |_x, y, g| if y > 0.0
    && y < 1.0
{
    g * alpha
} else {
    0.0
});
function!(
    Elu { alpha },
    A,
    |x| if x > 0.0 { x } else { alpha * exp_less_one::<A>(x) },
    |x, y, g| if x > 0.0 { g } else { g * (y + alpha) }
);
function!(
    Celu { alpha },
    A,
    |x| if x > 0.0 { x } else { alpha * exp_less_one::<A>(x / alpha) },
    |x, _y, g| if x > 0.0 { g } else { g * exp::<A>(x / alpha) }
);
function!(
    Selu { alpha, gamma },
    A,
    |x| if x > 0.0 { gamma * x } else { gamma * alpha * exp_less_one::<A>(x) },
    |x, y, g| if x > 0.0 { g * gamma } else { g * (y + gamma * alpha) }
);
function!(GeluTanh, A, |x| 0.5 * x * (1.0 + tanh::<A>(bent(x))), |x, _y, g| {
    let t = tanh::<A>(bent(x));
    let slope = BEND[0] * (1.0 + 3.0 * BEND[1] * x * x);
    g * (0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * slope)
});
function!(ThresholdedRelu { alpha }, A, |x| if x > alpha || x.is_nan() { x } else { 0.0 }, |x, _y, g| if x
    > alpha
{
    g
} else {
    0.0
});
function!(Clip { min, max }, A, |x| between(x, min, max), |x, _y, g| {
    if x >= min && x <= max { g } else { 0.0 }
});

/// Beyond it e^x is no f32.
const LARGEST_EXPONENT: f32 = 88.722_83;

/// √(2/π), and the weight of the cube.
const BEND: [f32; 2] = [0.797_884_6, 0.044_715];

#[inline(always)]
fn bent(x: f32) -> f32 {
    BEND[0] * (x + BEND[1] * x * x * x)
}

#[inline(always)]
fn sign(x: f32) -> f32 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        // 0 of 0, NaN of NaN.
        x * 0.0
    }
}

#[inline(always)]
fn between(x: f32, min: f32, max: f32) -> f32 {
    let x = if x < min { min } else { x };
    if x > max { max } else { x }
}

/// Near zero by its power series, else by the normal distribution.
#[inline(always)]
fn erf<A: Arithmetic>(x: f32) -> f32 {
    let square = x * x;
    let series = [1.0, -1.0 / 3.0, 0.1, -1.0 / 42.0, 1.0 / 216.0, -1.0 / 1320.0];
    let sum = series.into_iter().rev().fold(0.0, |sum, c| A::mul_add(sum, square, c));
    let far = (1.0 - 2.0 * normal::<A>(-x.abs() * std::f32::consts::SQRT_2).0).copysign(x);
    if x.abs() < 0.5 { std::f32::consts::FRAC_2_SQRT_PI * x * sum } else { far }
}

/// e^x − 1, to its last digits near zero too (Kahan's way with the logarithm).
#[inline(always)]
fn exp_less_one<A: Arithmetic>(x: f32) -> f32 {
    let power = exp::<A>(x);
    let less = power - 1.0;
    let near = less * x / ln::<A>(power);
    if less == 0.0 {
        x
    } else if x < -1.0 || x > 1.0 {
        less
    } else {
        near
    }
}

/// ln(1 + e^x), to its last digits far below zero too.
#[inline(always)]
fn softplus<A: Arithmetic>(x: f32) -> f32 {
    let power = exp::<A>(-x.abs());
    let more = 1.0 + power;
    let log = if more == 1.0 { power } else { ln::<A>(more) * power / (more - 1.0) };
    let above = if x < 0.0 { 0.0 } else { x };
    above + log
}

/// tanh(softplus(x)) = n/(n + 2) with n = e^x·(e^x + 2).
#[inline(always)]
fn tanh_softplus<A: Arithmetic>(x: f32) -> f32 {
    let power = exp::<A>(if x > 20.0 { 20.0 } else { x });
    let n = power * (power + 2.0);
    n / (n + 2.0)
}

/// Calls `$call` with the function of each kind, known when the loop is compiled.
macro_rules! with_function {
    ($mapping:expr, |$function:ident| $call:expr) => {
        with_function!($mapping, |$function| $call;
            Abs, Neg, Exp, Log, Sqrt, Reciprocal, Floor, Ceil, Round, Trunc, Sign, Erf, Not, Softplus, Softsign,
            Mish, HardSwish, Sin, Cos, GeluTanh;
            HardSigmoid { alpha, beta }, Elu { alpha }, Celu { alpha }, Selu { alpha, gamma },
            ThresholdedRelu { alpha }, Clip { min, max })
    };
    ($mapping:expr, |$function:ident| $call:expr; $($plain:ident),*; $($name:ident { $($field:ident),* }),*) => {
        match $mapping {
            $(Mapping::$plain => {
                let $function = $plain {};
                $call
            })*
            $(Mapping::$name { $($field),* } => {
                let $function = $name { $($field: $field as f32),* };
                $call
            })*
        }
    };
}

impl CustomOp1 for Mapping {
    fn name(&self) -> &'static str {
        "map"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = floats(x, layout)?;
        Ok((CpuStorage::F32(with_function!(*self, |f| values(f, x))), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let found = |of: [&[f32]; 3]| with_function!(*self, |f| gradients(f, of));
        let values = with_floats(x, |x| with_floats(y, |y| with_floats(grad, |grad| found([x, y, grad]))))???;
        tensor(values, x).map(Some)
    }
}

mod elsewhere;
#[cfg(test)]
mod tests;
