//! Taking times, and what is timed on: made-up numbers, threads, memory.

use std::time::Instant;

use candle_core::{Device, Tensor};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand_distr::{Distribution as _, StandardNormal};

/// Milliseconds of several runs of the same thing, shortest first.
#[derive(Debug)]
pub(super) struct Times(Vec<f64>);

impl Times {
    /// Runs `work` once for nothing and then `runs` times (at least one) by the clock, until the device has done it.
    pub(super) fn of(
        runs: usize,
        device: &Device,
        mut work: impl FnMut(usize) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let mut times = Vec::with_capacity(runs.min(1 << 16));
        for run in 0..=runs {
            let started = Instant::now();
            work(run)?;
            device.synchronize()?;
            if run > 0 {
                times.push(started.elapsed().as_secs_f64() * 1e3);
            }
        }
        Ok(Self::new(times))
    }

    /// At least one time, in any order.
    pub(super) fn new(mut times: Vec<f64>) -> Self {
        times.sort_unstable_by(f64::total_cmp);
        Self(times)
    }

    pub(super) fn median_ms(&self) -> f64 {
        let (low, high) = (self.0[(self.0.len() - 1) / 2], self.0[self.0.len() / 2]);
        f64::midpoint(low, high)
    }

    pub(super) fn min_ms(&self) -> f64 {
        self.0[0]
    }
}

/// Normally distributed numbers, the same each time.
pub(super) fn noise(shape: &[usize], device: &Device) -> candle_core::Result<Tensor> {
    let mut dice = StdRng::seed_from_u64(shape.len() as u64);
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| StandardNormal.sample(&mut dice)).collect();
    Tensor::from_vec(values, shape, device)
}

/// The most memory this process has had so far, in 10^6 bytes (`VmHWM`, `proc_pid_status(5)`); `None` where the system
/// does not say.
pub(super) fn peak_rss_mb() -> Option<f64> {
    high_water_mark(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn high_water_mark(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        let times = |ms: &[f64]| Times(ms.to_vec());
        assert_eq!(
            (times(&[1.0, 2.0, 9.0]).median_ms(), times(&[1.0, 2.0, 4.0, 9.0]).median_ms()),
            (2.0, 3.0)
        );
        assert_eq!(times(&[1.0, 2.0]).min_ms(), 1.0);
    }

    #[test]
    fn the_first_run_is_not_counted() {
        let mut runs = Vec::new();
        let mut note = |run| {
            runs.push(run);
            Ok(())
        };
        let times = Times::of(2, &Device::Cpu, &mut note).unwrap();
        assert_eq!((times.0.len(), runs), (2, vec![0, 1, 2]));
    }

    #[test]
    fn the_peak_of_memory_is_read_from_the_status() {
        assert_eq!(high_water_mark("VmPeak:\t 9 kB\nVmHWM:\t  2000 kB\n"), Some(2.048));
        assert_eq!(high_water_mark("VmPeak:\t 9 kB\n"), None);
    }
}
