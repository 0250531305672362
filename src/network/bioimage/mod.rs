//! Model packages of bioimage.io (versions 0.4 and 0.5 of its model description) with ONNX weights.
//!
//! [`import`] reads the description ([`description`]), the network by the ONNX importer, and turns the steps that
//! stand before and behind it into nodes and the card's normalisation ([`nodes`]). Files are read by name from within
//! the package only, and held against the hashes that the description gives.

mod arrays;
mod description;
mod import;
mod nodes;
mod package;
mod steps;

#[cfg(test)]
mod tests;

pub use import::{Example, Imported, import};
pub use package::is_package;
