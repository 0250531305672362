//! Tensors on a device: CPU or CUDA, the one door to convolution, and how much memory there is.
//!
//! Convolution and its gradients enter only here ([`conv2d`], [`conv_transpose2d`]), as Candle custom operations, so
//! that the engine behind the door can change without anybody noticing but the clock.

mod conv;
mod device;

pub use conv::{ConvSpec, conv_transpose2d, conv2d};
pub use device::{ComputeError, DeviceChoice, OpenDevice, available_memory, open_device, set_threads};
