//! Which device the tensors live on, how many threads compute, and how much memory is free.
use candle_core::Device;

/// What a person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    #[default]
    Auto,
    Cpu,
    Cuda,
}

/// A device ready for tensors, and one plain line about it.
#[derive(Debug, Clone)]
pub struct OpenDevice {
    pub device: Device,
    /// Such as "CPU, 2 threads".
    pub name: String,
    /// Why not the GPU, if asked with `Auto`.
    pub note: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ComputeError {
    /// CUDA was asked for and is not to be had.
    #[error("{0}")]
    NoCuda(String),
    #[error("{0}")]
    Threads(String),
}

/// Opens the device; `Auto` takes a GPU when the program was built for one and it is there, else the CPU.
pub fn open_device(choice: DeviceChoice) -> Result<OpenDevice, ComputeError> {
    match (choice, open_cuda()) {
        (DeviceChoice::Cpu, _) => Ok(cpu(None)),
        (_, Ok(device)) => Ok(OpenDevice { device, name: "CUDA device 0".to_owned(), note: None }),
        (DeviceChoice::Auto, Err(why)) => Ok(cpu(Some(format!("CPU ({why})")))),
        (DeviceChoice::Cuda, Err(why)) => Err(ComputeError::NoCuda(format!("No CUDA device: {why}"))),
    }
}

fn cpu(note: Option<String>) -> OpenDevice {
    let threads = rayon::current_num_threads();
    let plural = if threads == 1 { "" } else { "s" };
    OpenDevice { device: Device::Cpu, name: format!("CPU, {threads} thread{plural}"), note }
}

#[cfg(feature = "cuda")]
fn open_cuda() -> Result<Device, String> {
    Device::new_cuda(0).map_err(|e| {
        let text = e.to_string();
        format!("CUDA does not start: {}", text.lines().next().unwrap_or("no reason given"))
    })
}

#[cfg(not(feature = "cuda"))]
fn open_cuda() -> Result<Device, String> {
    Err("this build has no CUDA support".to_owned())
}

/// Sets how many threads all computation uses; only the first call of a process counts. 0 means all cores.
///
/// To be called first thing, before any other thread runs: what computes here works in rayon's global pool, but Candle
/// also has threads of its own, whose number it takes from the environment, which this sets.
///
/// # Errors
/// When the pool exists already with another number of threads, or the system gives no threads.
pub fn set_threads(threads: usize) -> Result<(), ComputeError> {
    let built = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    let Err(error) = built else {
        // SAFETY: the pool was not there yet, so nothing has been computed and the program has only begun; Rust's own
        // readers of the environment, the pool's new threads among them, take the same lock.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var("RAYON_NUM_THREADS", rayon::current_num_threads().to_string());
        }
        return Ok(());
    };
    let running = rayon::current_num_threads();
    if threads == 0 || threads == running {
        return Ok(());
    }
    Err(ComputeError::Threads(format!("Computing with {running} threads, not {threads}: {error}")))
}

/// Bytes of memory free for us now (`MemAvailable` on Linux); `None` where the system does not say.
#[must_use]
pub fn available_memory() -> Option<u64> {
    mem_available(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// The `MemAvailable` line of `/proc/meminfo` (`proc_meminfo(5)`), in bytes.
fn mem_available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there() {
        let opened = open_device(DeviceChoice::Cpu).unwrap();
        assert!(opened.device.is_cpu() && opened.note.is_none());
        assert!(opened.name.starts_with("CPU, "), "{}", opened.name);
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn without_cuda_auto_says_why_and_cuda_is_an_error() {
        let opened = open_device(DeviceChoice::Auto).unwrap();
        assert_eq!(opened.note.as_deref(), Some("CPU (this build has no CUDA support)"));
        let error = open_device(DeviceChoice::Cuda).unwrap_err();
        assert_eq!(error.to_string(), "No CUDA device: this build has no CUDA support");
    }

    #[test]
    fn another_number_of_threads_is_refused_once_they_run() {
        let running = rayon::current_num_threads();
        assert!(set_threads(running).is_ok());
        let error = set_threads(running + 1).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("Computing with {running} threads, not {}", running + 1)),
            "{error}"
        );
    }

    #[test]
    fn available_memory_is_read_from_meminfo() {
        let meminfo = "MemTotal:       24690312 kB\nMemFree:         100 kB\nMemAvailable:   20 kB\n";
        assert_eq!(mem_available(meminfo), Some(20 * 1024));
        assert_eq!(mem_available("MemTotal: 1 kB"), None);
    }
}
