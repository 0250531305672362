//! Convolution as a Candle operation with gradients.
use super::pass::{Geometry, Pass};
use super::{engine, gradient};
use crate::compute::cpu::{floats, tensor, with_floats};
use crate::compute::tape;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

/// A convolution, or with `transposed` its adjoint, of one geometry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Convolution {
    pub(super) geometry: Geometry,
    pub(super) transposed: bool,
}

impl Convolution {
    pub(super) fn apply(self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let (x, weight) = (x.contiguous()?, weight.contiguous()?);
        match bias {
            None => tape::apply2([&x, &weight], self),
            Some(bias) => tape::apply3([&x, &weight, &bias.contiguous()?], self),
        }
    }

    /// What it computes.
    pub(super) fn pass(&self) -> Pass {
        if self.transposed { self.geometry.adjoint() } else { self.geometry.forward() }
    }

    /// What gives the gradient by its input.
    pub(super) fn back(&self) -> Pass {
        if self.transposed { self.geometry.forward() } else { self.geometry.adjoint() }
    }

    /// Channels and `[y, x]` of the result.
    pub(super) fn result(&self) -> (usize, [usize; 2]) {
        let g = &self.geometry;
        if self.transposed {
            (g.groups * g.image_channels, g.image)
        } else {
            (g.groups * g.map_channels, g.map)
        }
    }

    fn forward(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> (CpuStorage, Shape) {
        let (channels, [height, width]) = self.result();
        let values = engine::run_once(&self.pass(), x, weight, bias);
        (CpuStorage::F32(values), (self.geometry.batch, channels, height, width).into())
    }

    /// Gradients by x and by the weights, of those that are asked for by being part of a graph.
    pub(super) fn backward(
        &self,
        x: &Tensor,
        weight: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (g, grad) = (&self.geometry, grad.contiguous()?);
        let back = self.back();
        let by_x = x.track_op().then(|| {
            let values = with_floats(&grad, |grad| {
                with_floats(weight, |weight| engine::run_once(&back, grad, weight, None))
            })??;
            tensor(values, x)
        });
        let by_weight = weight.track_op().then(|| {
            let values = with_floats(&grad, |grad| {
                with_floats(x, |x| {
                    let (image, map) = if self.transposed { (grad, x) } else { (x, grad) };
                    gradient::by_weights(g, image, map)
                })
            })??;
            tensor(values, weight)
        });
        Ok((by_x.transpose()?, by_weight.transpose()?))
    }
}

impl CustomOp2 for Convolution {
    fn name(&self) -> &'static str {
        if self.transposed { "conv_transpose2d" } else { "conv2d" }
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok(self.forward(floats(x, lx)?, floats(w, lw)?, None))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        self.backward(x, w, grad)
    }
}

impl CustomOp3 for Convolution {
    fn name(&self) -> &'static str {
        CustomOp2::name(self)
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
        b: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok(self.forward(floats(x, lx)?, floats(w, lw)?, Some(floats(b, lb)?)))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        b: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (by_x, by_weight) = self.backward(x, w, grad)?;
        let (channels, [height, width]) = self.result();
        let by_bias = b.track_op().then(|| {
            let sums = with_floats(grad, |grad| gradient::by_bias(channels, height * width, grad))?;
            tensor(sums, b)
        });
        Ok((by_x, by_weight, by_bias.transpose()?))
    }
}
