//! The device a session computes on, and how much memory it has free.

use super::Session;
use crate::compute::{DeviceChoice, OpenDevice, memory_of, open_device};
use candle_core::Device;
use std::time::Duration;

/// How long a number stays on the screen before it is read again.
const FRESH: Duration = Duration::from_secs(1);

impl Session {
    /// Whether networks run on a graphics card.
    #[must_use]
    pub fn on_gpu(&self) -> bool {
        !self.device.is_cpu()
    }

    /// Reads the free memory again when it was last read a second ago, or `now`.
    pub(super) fn look_at_memory(&mut self, now: bool) {
        if now || self.memory_read.elapsed() >= FRESH {
            self.device_memory = memory_of(&self.device);
            self.memory_read = std::time::Instant::now();
        }
    }
}

/// The device that was asked for, else the CPU and why.
pub(super) fn device_for(choice: DeviceChoice) -> (OpenDevice, Option<String>) {
    match open_device(choice) {
        Ok(device) => (device, None),
        Err(error) => {
            let bare = OpenDevice { device: Device::Cpu, name: "CPU".to_owned(), note: None };
            (open_device(DeviceChoice::Cpu).unwrap_or(bare), Some(error.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::session;
    use super::*;
    use std::time::Instant;

    #[test]
    fn free_memory_is_read_again_after_a_second_or_at_once_when_asked() {
        let mut session = session();
        assert!(!session.on_gpu());
        session.device_memory = None;
        session.memory_read = Instant::now();
        session.look_at_memory(false);
        assert_eq!(session.device_memory, None);
        session.look_at_memory(true);
        assert_eq!(session.device_memory.is_some(), memory_of(&Device::Cpu).is_some());
        let earlier = Instant::now().checked_sub(FRESH).unwrap();
        (session.device_memory, session.memory_read) = (None, earlier);
        session.poll();
        assert_eq!(session.device_memory.is_some(), memory_of(&Device::Cpu).is_some());
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_device_that_is_not_there_becomes_the_cpu_and_a_complaint() {
        let (device, complaint) = device_for(DeviceChoice::Cuda);
        assert!(device.device.is_cpu());
        assert!(complaint.is_some_and(|text| text.starts_with("No CUDA device: ")));
    }
}
