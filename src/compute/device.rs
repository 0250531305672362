//! Which device the tensors live on.
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
    /** such as "CPU, 2 threads" */
    pub name: String,
    /** why not the GPU, if asked with Auto */
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
pub fn open_device(_choice: DeviceChoice) -> Result<OpenDevice, ComputeError> {
    todo!()
}

/// Sets how many threads all computation uses; only the first call of a process counts. 0 means all cores.
pub fn set_threads(_threads: usize) -> Result<(), ComputeError> {
    todo!()
}

/// Bytes of memory free for us now (`MemAvailable` on Linux); `None` where the system does not say.
#[must_use]
pub fn available_memory() -> Option<u64> {
    todo!()
}
