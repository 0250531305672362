//! How much memory a run may take, and what to say when it is not enough.
use super::{AnalysisError, RunSettings};
use crate::compute::{Memory, available_memory, memory_of};
use candle_core::Device;

const GIB: u64 = 1 << 30;
/// What a run takes of the host's memory without being told to, at most: larger tiles are hardly faster.
const USUAL: u64 = 768 << 20;

/// Bytes the network may take at its worst moment: what was asked for, else of the host's memory half of what is free, at
/// most 768 MiB, and of a graphics card's own four fifths of what is free.
pub(super) fn limit(settings: &RunSettings, device: &Device) -> u64 {
    settings.memory_limit.unwrap_or_else(|| usual(memory_of(device), device.is_cpu()))
}

fn usual(memory: Option<Memory>, on_cpu: bool) -> u64 {
    match memory {
        Some(Memory { free, .. }) if on_cpu => (free / 2).min(USUAL),
        Some(Memory { free, .. }) => free / 5 * 4,
        None => USUAL,
    }
}

/// An error when `bytes` for `what` are more than the system has free (where it says so).
pub fn check_free(what: &str, bytes: u64) -> Result<(), AnalysisError> {
    match available_memory() {
        Some(free) if bytes > free => Err(AnalysisError::Memory(format!(
            "{what} needs {}, and only {} are free",
            in_words(bytes),
            in_words(free)
        ))),
        _ => Ok(()),
    }
}

/// Bytes of `count` f32 values along each axis.
pub(super) fn f32_bytes(shape: [usize; 3]) -> u64 {
    shape.iter().fold(4, |product, &n| product.saturating_mul(n as u64))
}

/// Such as "1.5 GiB".
pub(super) fn in_words(bytes: u64) -> String {
    let units = [("GiB", GIB), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) => format!("{:.1} {unit}", bytes as f64 / *size as f64),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_well() {
        let cases = [(12, "12 bytes"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"), (3 * GIB / 2, "1.5 GiB")];
        for (bytes, expected) in cases {
            assert_eq!(in_words(bytes), expected);
        }
    }

    #[test]
    fn the_limit_is_what_was_asked_for() {
        let settings = RunSettings { memory_limit: Some(77), ..RunSettings::default() };
        assert_eq!(limit(&settings, &Device::Cpu), 77);
        assert!(limit(&RunSettings::default(), &Device::Cpu) <= USUAL);
    }

    #[test]
    fn a_card_s_own_memory_may_be_taken_almost_whole() {
        let memory = |free| Some(Memory { free, total: 80 * GIB });
        assert_eq!([usual(memory(GIB), true), usual(memory(70 * GIB), true)], [GIB / 2, USUAL]);
        assert_eq!([usual(memory(70 * GIB), false), usual(None, false)], [56 * GIB, USUAL]);
    }

    #[test]
    fn what_cannot_be_had_is_refused_with_the_number() {
        if available_memory().is_some() {
            let error = check_free("The result", u64::MAX).unwrap_err();
            assert!(error.to_string().starts_with("The result needs 17179869184.0 GiB, and only"), "{error}");
        }
        assert!(check_free("Nothing", 0).is_ok());
    }
}
