//! Results of Candle's own operations with gradients of ours, on any device.
use super::tape;
use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Storage, Tensor, bail,
};
use std::sync::{Mutex, PoisonError};

/// Candle derives the gradient of every operation it is made of, keeps what lies between alive, and some of its
/// derivatives are slow or not PyTorch's. So the result is computed first, outside the graph, and stands here until the
/// operation is "run"; `backward` then says the gradients by the arguments, from arguments, result and its gradient.
struct Given<F> {
    name: &'static str,
    result: Mutex<Option<Tensor>>,
    backward: F,
}

impl<F> Given<F> {
    fn new(name: &'static str, result: &Tensor, backward: F) -> Result<Self> {
        Ok(Self { name, result: Mutex::new(Some(result.detach().contiguous()?)), backward })
    }

    /// The result's values, once.
    fn take<S>(&self, values: impl FnOnce(&Storage, &Layout) -> Result<S>) -> Result<(S, Shape)> {
        let result = self.result.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(result) = result else { bail!("{} was computed already", self.name) };
        let (storage, layout) = result.storage_and_layout();
        if layout.start_offset() != 0 {
            bail!("{}: its result is a part of another", self.name)
        }
        Ok((values(&storage, layout)?, layout.shape().clone()))
    }

    fn on_cpu(&self) -> Result<(CpuStorage, Shape)> {
        self.take(|storage, layout| match storage {
            Storage::Cpu(values) => values.try_clone(layout),
            _ => bail!("{}: its result is not on the CPU", self.name),
        })
    }

    fn on_cuda(&self) -> Result<(CudaStorage, Shape)> {
        self.take(|storage, layout| match storage {
            Storage::Cuda(values) => values.try_clone(layout),
            _ => bail!("{}: its result is not on the GPU", self.name),
        })
    }
}

/// `y`, a function of `x`, with `backward(x, y, gradient of y)`.
pub(super) fn given1(
    name: &'static str,
    x: &Tensor,
    y: &Tensor,
    backward: impl Fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor> + Send + Sync + 'static,
) -> Result<Tensor> {
    if !x.track_op() {
        return Ok(y.detach());
    }
    tape::apply1(x, Given::new(name, y, backward)?)
}

/// `y`, a function of two, with `backward(first, second, gradient of y)`.
pub(super) fn given2(
    name: &'static str,
    [a, b]: [&Tensor; 2],
    y: &Tensor,
    backward: impl Fn(&Tensor, &Tensor, &Tensor) -> Result<[Option<Tensor>; 2]> + Send + Sync + 'static,
) -> Result<Tensor> {
    if !a.track_op() && !b.track_op() {
        return Ok(y.detach());
    }
    tape::apply2([a, b], Given::new(name, y, backward)?)
}

/// `y`, a function of three, with `backward([first, second, third], y, gradient of y)`.
pub(super) fn given3(
    name: &'static str,
    [a, b, c]: [&Tensor; 3],
    y: &Tensor,
    backward: impl Fn([&Tensor; 3], &Tensor, &Tensor) -> Result<[Tensor; 3]> + Send + Sync + 'static,
) -> Result<Tensor> {
    if ![a, b, c].iter().any(|x| x.track_op()) {
        return Ok(y.detach());
    }
    tape::apply3([a, b, c], Given::new(name, y, backward)?)
}

impl<F: Fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor> + Send + Sync> CustomOp1 for Given<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.on_cpu()
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        self.on_cuda()
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        (self.backward)(&x.detach(), &y.detach(), grad).map(Some)
    }
}

impl<F: Fn(&Tensor, &Tensor, &Tensor) -> Result<[Option<Tensor>; 2]> + Send + Sync> CustomOp2 for Given<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.on_cpu()
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        self.on_cuda()
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [by_a, by_b] = (self.backward)(a, b, grad)?;
        Ok((by_a, by_b))
    }
}

impl<F: Fn([&Tensor; 3], &Tensor, &Tensor) -> Result<[Tensor; 3]> + Send + Sync> CustomOp3 for Given<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.on_cpu()
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        self.on_cuda()
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        y: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let arguments = [a.detach(), b.detach(), c.detach()];
        let [by_a, by_b, by_c] = (self.backward)(arguments.each_ref(), &y.detach(), grad)?;
        Ok((Some(by_a), Some(by_b), Some(by_c)))
    }
}
