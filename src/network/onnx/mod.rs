//! Networks in ONNX's files, made into graphs of our own operations.
//!
//! [`read`] takes a file apart ([`proto`] are its messages); [`lower`] walks over its nodes in order. What is known
//! without running (weights, shape arithmetic) is computed on the way (`fold`), sizes of the image as expressions
//! (`size`); what is not becomes nodes of a [`Graph`](super::Graph) (`ops`, one file a family, on a `build::Builder`).
//! A file with an operator that there is no way for is refused with the list of them. [`write_onnx`] makes a file of a
//! model.

mod attributes;
mod build;
mod error;
mod external;
mod file;
mod finish;
mod fold;
mod functions;
mod import;
mod known;
mod logits;
mod lower;
mod names;
mod ops;
pub mod proto;
mod size;
mod tensor;
mod value;
mod writing;

pub use error::OnnxError;
pub use file::{OnnxFile, from_bytes, read};
pub use import::{ImportOptions, Imported, import};
pub use lower::{Answer, Lowered, Reading, Wish, lower};
pub use tensor::array_of;
pub use writing::{OnnxSettings, OnnxWritten, write_onnx};

/// Why an operator cannot be built; the node is named by whoever asked for it.
#[derive(Debug)]
struct Refused(String);

fn refuse<T>(what: impl Into<String>) -> Result<T, Refused> {
    Err(Refused(what.into()))
}

#[cfg(test)]
mod tests;
