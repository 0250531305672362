//! Tensors on a device: CPU or CUDA, the one door to convolution, and how much memory there is.
//!
//! Convolution and its gradients enter only here ([`conv2d`], [`conv_transpose2d`]), as Candle custom operations, so
//! that the engine behind the door can change without anybody noticing but the clock. The other operations stand here
//! where Candle's own is single-threaded, has no gradient, or knows fewer cases.

mod activation;
mod along;
mod concat;
mod conv;
mod cpu;
mod cuda;
mod device;
mod functions;
mod given;
mod isa;
mod map;
mod matmul;
mod memory;
mod norm;
mod ours;
mod pair;
mod pooling;
mod prepared_norm;
mod rearrange;
mod recycling;
mod reduce;
mod resize;
mod response_norm;
mod row_norm;
mod softmax;
mod tape;
mod upsample;
mod vector;
mod window_pool;

pub use activation::{Activation, activate};
pub use concat::concat;
pub use conv::{
    Algorithm, ConvKind, ConvSpec, PreparedConv, conv_algorithm, conv_gradients, conv_packed_bytes,
    conv_transpose2d, conv2d,
};
pub use cpu::{copy, with_planes};
pub use device::{ComputeError, DeviceChoice, OpenDevice, open_device, set_threads};
pub use map::{Mapping, map};
pub use matmul::matmul;
pub use memory::{Memory, available_memory, is_out_of_memory, memory_of, settle};
pub use norm::{BatchNormed, batch_norm_eval, batch_norm_relu_train, batch_norm_train};
pub use pair::{Pair, choose, combine};
pub use pooling::{PoolSpec, avg_pool2d, global_avg_pool, max_pool2d};
pub use prepared_norm::PreparedNorm;
pub use rearrange::{Border, center_crop, join, pad, permute, pick, tile};
pub use recycling::{Recycling, release_unused};
pub use reduce::{Reducing, place_of_extreme, reduce};
pub use resize::{Coordinates, Filter, ResizeAxis, ResizeSpec, Rounding, resize};
pub use response_norm::{ResponseNorm, response_norm};
pub use row_norm::{group_norm, layer_norm};
pub use softmax::{log_softmax, softmax};
pub use tape::{Recorded, Tape, recording};
pub use upsample::{Interpolation, upsample};
pub use window_pool::{PoolAxis, WindowKind, adaptive_avg_pool, window_pool};

#[cfg(test)]
pub(crate) use ours::as_elsewhere;
use ours::is_ours;

/// Bytes that a convolution of an image `[channel, y, x]` to a map takes beside both where our own kernels do not compute.
#[must_use]
pub fn conv_bytes_elsewhere(image: [usize; 3], map: [usize; 3], kernel: [usize; 2]) -> u64 {
    conv::workspace_bytes(image, map, kernel[0] * kernel[1])
}

/// Bytes that computing takes beside its tensors: a few cache-sized buffers on each thread, some that all share, and what
/// the program begins to use when it first computes.
#[must_use]
pub fn scratch_bytes() -> u64 {
    rayon::current_num_threads() as u64 * conv::SCRATCH_BYTES_PER_THREAD
        + conv::SHARED_SCRATCH_BYTES
        + PROGRAM_BYTES
}

const PROGRAM_BYTES: u64 = 6 << 20;

#[cfg(test)]
mod tests;
