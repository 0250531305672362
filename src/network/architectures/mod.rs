//! Functions that build graphs; nothing else knows these names.
//!
//! [`Architecture`] is the table of what there is, an [`ArchitectureSpec`] chooses, [`build`] makes the graph. Node
//! names are the names of the weights: "enc1.conv1" holds "enc1.conv1.weight"; what stands before a dot is a group
//! that the window folds. All give logits, but for a regressor whose answer is bounded.

mod alexnet;
mod chain;
mod choices;
mod densenet;
mod encoded_unet;
mod lenet;
mod mlp;
mod nin;
mod resnet;
mod spec;
mod spectral;
mod table;
mod torchvision;
mod unet;
mod vgg;

pub use choices::{Answer, Encoder, Growth, Head};
pub use lenet::lenet;
pub use mlp::mlp;
pub use spec::{ArchitectureSpec, build};
pub use spectral::{SpectralSpec, spectral};
pub use table::{About, Architecture};
pub use torchvision::torchvision_names;
pub use unet::{UnetSpec, unet, unpadded_unet};

/// This many published channels in that width: at least one, but none of none.
fn scaled(channels: usize, width: f64) -> usize {
    if channels == 0 { 0 } else { ((channels as f64 * width).round() as usize).max(1) }
}

#[cfg(test)]
mod fields;
#[cfg(test)]
mod testing;
