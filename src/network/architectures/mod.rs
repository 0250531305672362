//! Functions that build graphs; nothing else knows these names.
//!
//! [`Architecture`] is the table of what there is, an [`ArchitectureSpec`] chooses, [`build`] makes the graph. Node
//! names are the names of the weights: "enc1.conv1" holds "enc1.conv1.weight"; what stands before a dot is a group
//! that the window folds. All give logits.

mod chain;
mod densenet;
mod lenet;
mod mlp;
mod nin;
mod resnet;
mod spec;
mod table;
mod unet;

pub use lenet::lenet;
pub use mlp::mlp;
pub use spec::{ArchitectureSpec, Encoder, Growth, build};
pub use table::{About, Architecture};
pub use unet::{UnetSpec, unet};

/// This many published channels in that width: at least one, but none of none.
fn scaled(channels: usize, width: f64) -> usize {
    if channels == 0 { 0 } else { ((channels as f64 * width).round() as usize).max(1) }
}

#[cfg(test)]
mod testing;
