//! Where our own kernels compute: on the CPU. On other devices Candle's operations do.

/// Whether our own kernels compute on `x`.
#[cfg(not(test))]
pub(super) fn is_ours(x: &candle_core::Tensor) -> bool {
    x.device().is_cpu()
}

#[cfg(test)]
pub(crate) use on_trial::as_elsewhere;
#[cfg(test)]
pub(super) use on_trial::is_ours;

/// What runs on other devices can be tested on the CPU.
#[cfg(test)]
mod on_trial {
    use candle_core::Tensor;
    use std::cell::Cell;

    thread_local! {
        static ELSEWHERE: Cell<bool> = const { Cell::new(false) };
    }

    pub(in crate::compute) fn is_ours(x: &Tensor) -> bool {
        x.device().is_cpu() && !ELSEWHERE.get()
    }

    /// Does `work` as if all tensors were on another device.
    pub(crate) fn as_elsewhere<R>(work: impl FnOnce() -> R) -> R {
        ELSEWHERE.set(true);
        let result = work();
        ELSEWHERE.set(false);
        result
    }
}
