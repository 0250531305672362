//! Functions that build graphs; nothing else knows these names.
//!
//! Node names are the names of the weights: "enc1.conv1" holds "enc1.conv1.weight". All give logits.

mod chain;
mod lenet;
mod mlp;
mod unet;

pub use lenet::lenet;
pub use mlp::mlp;
pub use unet::{UnetSpec, unet};
