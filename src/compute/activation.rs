//! Element-wise functions with their derivatives, in one pass over all cores.
use super::cpu::{build, floats, tensor, with_floats};
use super::given::given1;
use super::is_ours;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, cpu::erf::erf_f32};
use std::f32::consts::{FRAC_1_SQRT_2, PI};

/// Values a thread takes at once.
const CHUNK: usize = 16 * 1024;

/// A function of each value alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    Relu,
    /// `slope · x` below zero.
    LeakyRelu {
        slope: f64,
    },
    /// x · Φ(x) with the exact normal distribution, PyTorch's default (Hendrycks and Gimpel 2016).
    Gelu,
    /// x · σ(x).
    Silu,
    Sigmoid,
    Tanh,
}

/// Applies `activation` to every value. Differentiable.
pub fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    if is_ours(x) {
        return x.contiguous()?.apply_op1(activation);
    }
    elsewhere(x, activation)
}

/// On other devices, by Candle's operations. Its ReLU has a gradient at zero, PyTorch's has none.
fn elsewhere(x: &Tensor, activation: Activation) -> Result<Tensor> {
    let inputs = x.detach();
    match activation {
        Activation::Relu => {
            given1("relu", x, &inputs.relu()?, |_, y, grad| y.gt(0f32)?.where_cond(grad, &grad.zeros_like()?))
        }
        Activation::LeakyRelu { slope } => {
            let y = (inputs.relu()? - (inputs.neg()?.relu()? * slope)?)?;
            given1("leaky_relu", x, &y, move |x, _, grad| x.gt(0f32)?.where_cond(grad, &(grad * slope)?))
        }
        Activation::Gelu => x.gelu_erf(),
        Activation::Silu => x.silu(),
        Activation::Sigmoid => candle_nn::ops::sigmoid(x),
        Activation::Tanh => x.tanh(),
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Φ(x).
fn normal_cdf(x: f32) -> f32 {
    0.5 * (1.0 + erf_f32(x * FRAC_1_SQRT_2))
}

impl Activation {
    fn values(self, x: &[f32]) -> Vec<f32> {
        match self {
            Self::Relu => map(x, |x| if x < 0.0 { 0.0 } else { x }),
            Self::LeakyRelu { slope } => map(x, move |x| if x < 0.0 { slope as f32 * x } else { x }),
            Self::Gelu => map(x, |x| x * normal_cdf(x)),
            Self::Silu => map(x, |x| x * sigmoid(x)),
            Self::Sigmoid => map(x, sigmoid),
            Self::Tanh => map(x, f32::tanh),
        }
    }

    /// Gradient by x, from x, the result y and the gradient g by y. At zero it is PyTorch's choice.
    fn gradient(self, x: &[f32], y: &[f32], grad: &[f32]) -> Vec<f32> {
        match self {
            Self::Relu => map2(x, grad, |x, g| if x > 0.0 { g } else { 0.0 }),
            Self::LeakyRelu { slope } => {
                map2(x, grad, move |x, g| if x > 0.0 { g } else { slope as f32 * g })
            }
            Self::Gelu => map2(x, grad, |x, g| {
                let density = (-0.5 * x * x).exp() / (2.0 * PI).sqrt();
                g * (normal_cdf(x) + x * density)
            }),
            Self::Silu => map2(x, grad, |x, g| {
                let s = sigmoid(x);
                g * s * (1.0 + x * (1.0 - s))
            }),
            Self::Sigmoid => map2(y, grad, |y, g| g * y * (1.0 - y)),
            Self::Tanh => map2(y, grad, |y, g| g * (1.0 - y * y)),
        }
    }
}

fn map(x: &[f32], f: impl Fn(f32) -> f32 + Sync) -> Vec<f32> {
    build(x.len(), CHUNK, |at, out| {
        let len = out.left();
        out.put(x[at..at + len].iter().map(|&x| f(x)));
    })
}

fn map2(x: &[f32], grad: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) -> Vec<f32> {
    build(x.len(), CHUNK, |at, out| {
        let len = out.left();
        out.put(x[at..at + len].iter().zip(&grad[at..at + len]).map(|(&x, &g)| f(x, g)));
    })
}

impl CustomOp1 for Activation {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(self.values(floats(x, layout)?)), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let values =
            with_floats(x, |x| with_floats(y, |y| with_floats(grad, |grad| self.gradient(x, y, grad))))???;
        tensor(values, x).map(Some)
    }
}
