//! Functions that build graphs; nothing else knows these names.
use super::{Graph, NetworkError, Resample};

/// What a U-Net is built from (Ronneberger et al. 2015, padded convolutions).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnetSpec {
    pub in_channels: usize,
    pub classes: usize,
    /** channels of the first level */
    pub base: usize,
    /** number of poolings */
    pub depth: usize,
    pub batch_norm: bool,
    /** `None`: transposed 2×2 convolution */
    pub upsample: Option<Resample>,
}

/// Nodes: "input", "enc1.conv1", "enc1.bn1", "enc1.relu1", "enc1.conv2"…, "pool1", "mid.conv1"…, "dec2.up", "dec2.concat", "dec2.conv1"…, "head". Gives logits.
pub fn unet(_spec: UnetSpec) -> Result<Graph, NetworkError> {
    todo!()
}
/// LeNet-5 as taught today (ReLU, max pooling), closing with global average pooling when `size` is None so that any image fits; `size` [y, x] gives the classic 120-84 dense head.
pub fn lenet(
    _in_channels: usize,
    _classes: usize,
    _base: usize,
    _size: Option<[usize; 2]>,
) -> Result<Graph, NetworkError> {
    todo!()
}
/// Flatten and dense layers with ReLU between.
pub fn mlp(_input: [usize; 3], _hidden: &[usize], _classes: usize) -> Result<Graph, NetworkError> {
    todo!()
}
