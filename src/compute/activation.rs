//! Element-wise functions with their derivatives, in one pass over all cores.
// See vector.rs: what is compiled for each instruction set is inlined.
#![allow(unsafe_code, clippy::inline_always)]

use super::cpu::{Chunk, SHARE, build, floats, tensor, with_floats};
use super::functions::{normal, sigmoid, tanh};
use super::given::given1;
use super::vector::{self, Arithmetic, Work};
use super::{is_ours, tape};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

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
        return tape::apply1(&x.contiguous()?, activation);
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

/// One of the functions, known when the loop is compiled.
pub(super) trait Function: Copy + Sync {
    fn value<A: Arithmetic>(self, x: f32) -> f32;
    /// Gradient by x, from x, the result y and the gradient g by y. At zero it is PyTorch's choice.
    fn gradient<A: Arithmetic>(self, x: f32, y: f32, g: f32) -> f32;
}

macro_rules! function {
    ($name:ident, $arithmetic:ident, |$x:ident| $value:expr, |$gx:ident, $y:ident, $g:ident| $gradient:expr) => {
        #[derive(Clone, Copy)]
        struct $name;

        impl Function for $name {
            #[inline(always)]
            fn value<$arithmetic: Arithmetic>(self, $x: f32) -> f32 {
                $value
            }

            #[inline(always)]
            fn gradient<$arithmetic: Arithmetic>(self, $gx: f32, $y: f32, $g: f32) -> f32 {
                $gradient
            }
        }
    };
}

function!(Relu, A, |x| if x < 0.0 { 0.0 } else { x }, |x, _y, g| if x > 0.0 { g } else { 0.0 });
function!(Sigmoid, A, |x| sigmoid::<A>(x), |_x, y, g| g * y * (1.0 - y));
function!(Tanh, A, |x| tanh::<A>(x), |_x, y, g| g * (1.0 - y * y));
function!(Silu, A, |x| x * sigmoid::<A>(x), |x, _y, g| {
    let s = sigmoid::<A>(x);
    g * s * (1.0 + x * (1.0 - s))
});
function!(Gelu, A, |x| x * normal::<A>(x).0, |x, _y, g| {
    let (below, density) = normal::<A>(x);
    g * (below + x * density)
});

#[derive(Clone, Copy)]
struct LeakyRelu(f32);

impl Function for LeakyRelu {
    #[inline(always)]
    fn value<A: Arithmetic>(self, x: f32) -> f32 {
        if x < 0.0 { self.0 * x } else { x }
    }

    #[inline(always)]
    fn gradient<A: Arithmetic>(self, x: f32, _y: f32, g: f32) -> f32 {
        if x > 0.0 { g } else { self.0 * g }
    }
}

impl Activation {
    fn values(self, x: &[f32]) -> Vec<f32> {
        match self {
            Self::Relu => values(Relu, x),
            Self::LeakyRelu { slope } => values(LeakyRelu(slope as f32), x),
            Self::Gelu => values(Gelu, x),
            Self::Silu => values(Silu, x),
            Self::Sigmoid => values(Sigmoid, x),
            Self::Tanh => values(Tanh, x),
        }
    }

    fn gradients(self, of: [&[f32]; 3]) -> Vec<f32> {
        match self {
            Self::Relu => gradients(Relu, of),
            Self::LeakyRelu { slope } => gradients(LeakyRelu(slope as f32), of),
            Self::Gelu => gradients(Gelu, of),
            Self::Silu => gradients(Silu, of),
            Self::Sigmoid => gradients(Sigmoid, of),
            Self::Tanh => gradients(Tanh, of),
        }
    }
}

pub(super) fn values<F: Function>(function: F, x: &[f32]) -> Vec<f32> {
    build(x.len(), SHARE, |at, out| {
        let len = out.left();
        vector::run(Values { function, x: &x[at..at + len], out });
    })
}

/// From x, the result y and the gradient by y.
pub(super) fn gradients<F: Function>(function: F, of: [&[f32]; 3]) -> Vec<f32> {
    build(of[0].len(), SHARE, |at, out| {
        let len = out.left();
        vector::run(Gradients { function, of: of.map(|values| &values[at..at + len]), out });
    })
}

struct Values<'a, 'b, F> {
    function: F,
    x: &'a [f32],
    out: &'a mut Chunk<'b>,
}

impl<F: Function> Work for Values<'_, '_, F> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let room = &mut self.out.room()[..self.x.len()];
        for (room, &x) in room.iter_mut().zip(self.x) {
            room.write(self.function.value::<A>(x));
        }
        // SAFETY: just now.
        unsafe { self.out.wrote(self.x.len()) };
    }
}

struct Gradients<'a, 'b, F> {
    function: F,
    of: [&'a [f32]; 3],
    out: &'a mut Chunk<'b>,
}

impl<F: Function> Work for Gradients<'_, '_, F> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let [x, y, g] = self.of;
        let room = &mut self.out.room()[..x.len()];
        for (((room, &x), &y), &g) in room.iter_mut().zip(x).zip(&y[..x.len()]).zip(&g[..x.len()]) {
            room.write(self.function.gradient::<A>(x, y, g));
        }
        // SAFETY: just now.
        unsafe { self.out.wrote(x.len()) };
    }
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
            with_floats(x, |x| with_floats(y, |y| with_floats(grad, |grad| self.gradients([x, y, grad]))))???;
        tensor(values, x).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Both<F>(F);

    impl<F: Function> Work for Both<F> {
        type Output = Vec<f32>;
        #[inline(always)]
        fn run<A: Arithmetic>(self) -> Vec<f32> {
            let mut values = Vec::new();
            for i in -900..900_i16 {
                let x = f32::from(i) * 0.01;
                let y = self.0.value::<A>(x);
                values.extend([y, self.0.gradient::<A>(x, y, 0.7)]);
            }
            values
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_values() {
        fn check<F: Function>(function: F) {
            let results = vector::everywhere(|| Both(function));
            for (values, (i, &first)) in
                results.iter().flat_map(|v| v.iter().zip(results[0].iter().enumerate()))
            {
                assert!((values - first).abs() <= 2e-6 * first.abs().max(0.01), "{i}: {values} and {first}");
            }
        }
        check(Relu);
        check(LeakyRelu(0.1));
        check(Gelu);
        check(Silu);
        check(Sigmoid);
        check(Tanh);
    }
}
