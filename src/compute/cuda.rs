//! The graphics card: opening it, its name and its memory. Without the feature `cuda` there is none.
use super::memory::Memory;
use candle_core::Device;

/// The first card and its name, or why there is none; `None` when the program was not built for one.
#[cfg(not(feature = "cuda"))]
pub(super) fn open() -> Option<Result<(Device, String), String>> {
    None
}

#[cfg(feature = "cuda")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it is None")]
pub(super) fn open() -> Option<Result<(Device, String), String>> {
    Some(open_first().map_err(|error| in_plain_words(&error.to_string())))
}

/// The card's memory.
#[cfg(not(feature = "cuda"))]
pub(super) fn memory(_: &Device) -> Option<Memory> {
    None
}

#[cfg(feature = "cuda")]
pub(super) fn memory(device: &Device) -> Option<Memory> {
    let Device::Cuda(card) = device else { return None };
    let (free, total) = card.cuda_stream().context().mem_get_info().ok()?;
    Some(Memory { free: free as u64, total: total as u64 })
}

/// Opens the card and has it add two numbers: a driver or a card that is too old fails only when it shall compute.
#[cfg(feature = "cuda")]
fn open_first() -> candle_core::Result<(Device, String)> {
    let device = Device::new_cuda(0)?;
    let sum = (candle_core::Tensor::new(&[1f32], &device)? + 1.0)?.to_vec1::<f32>()?;
    if sum != [2.0] {
        candle_core::bail!("it adds 1 and 1 to {sum:?}")
    }
    let name = match &device {
        Device::Cuda(card) => card.cuda_stream().context().name().ok(),
        _ => None,
    };
    Ok((device, name.unwrap_or_else(|| "CUDA device 0".to_owned())))
}

/// What the driver's errors (`CUresult` in its manual) mean to a person.
#[cfg(any(feature = "cuda", test))]
fn in_plain_words(error: &str) -> String {
    let known = [
        ("SHARED_OBJECT_INIT_FAILED", "there is no NVIDIA driver"),
        ("STUB_LIBRARY", "there is no NVIDIA driver"),
        ("NO_DEVICE", "there is no NVIDIA graphics card"),
        ("SYSTEM_DRIVER_MISMATCH", "the NVIDIA driver was updated and needs a restart of the computer"),
        ("INSUFFICIENT_DRIVER", "the NVIDIA driver is too old for this program"),
        ("UNSUPPORTED_PTX_VERSION", "the NVIDIA driver is too old for this program"),
        ("NO_BINARY_FOR_GPU", "the graphics card is too old for this program"),
        ("INVALID_PTX", "the graphics card is too old for this program"),
        ("CUBLAS_STATUS_NOT_INITIALIZED", "the CUDA libraries are not installed"),
        ("CUDA_ERROR_OUT_OF_MEMORY", "the graphics card has no memory left"),
    ];
    match known.iter().find(|(name, _)| error.contains(name)) {
        Some((_, words)) => (*words).to_owned(),
        None => format!("CUDA does not start ({})", error.lines().next().unwrap_or("no reason given")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_there_is_no_card_is_said_in_plain_words() {
        let cases = [
            (
                "DriverError(CUDA_ERROR_NO_DEVICE, \"no CUDA-capable device is detected\")",
                "there is no NVIDIA graphics card",
            ),
            ("DriverError(CUDA_ERROR_SHARED_OBJECT_INIT_FAILED, <Failure>)", "there is no NVIDIA driver"),
            (
                "DriverError(CUDA_ERROR_UNKNOWN)\n0: backtrace",
                "CUDA does not start (DriverError(CUDA_ERROR_UNKNOWN))",
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(in_plain_words(error), expected);
        }
    }
}
