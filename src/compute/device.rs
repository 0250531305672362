//! Which device the tensors live on, and how many threads compute.
use super::cuda;
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
    /// Such as "CPU, 2 threads", or a graphics card's own name.
    pub name: String,
    /// Why not the GPU, if asked with `Auto` of a program that could use one.
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
    if choice == DeviceChoice::Cpu {
        return Ok(cpu(None));
    }
    match (choice, cuda::open()) {
        (_, Some(Ok((device, name)))) => Ok(OpenDevice { device, name, note: None }),
        (DeviceChoice::Cuda, Some(Err(why))) => Err(ComputeError::NoCuda(format!("No CUDA device: {why}"))),
        (DeviceChoice::Cuda, None) => {
            Err(ComputeError::NoCuda("No CUDA device: this build has no CUDA support".to_owned()))
        }
        (_, Some(Err(why))) => Ok(cpu(Some(format!("Computing on the CPU: {why}")))),
        (_, None) => Ok(cpu(None)),
    }
}

fn cpu(note: Option<String>) -> OpenDevice {
    let threads = rayon::current_num_threads();
    let plural = if threads == 1 { "" } else { "s" };
    OpenDevice { device: Device::Cpu, name: format!("CPU, {threads} thread{plural}"), note }
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
    fn a_build_for_the_cpu_has_nothing_to_say_unless_it_is_asked_for_cuda() {
        let opened = open_device(DeviceChoice::Auto).unwrap();
        assert!(opened.device.is_cpu() && opened.note.is_none());
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
}
