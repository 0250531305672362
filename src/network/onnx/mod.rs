//! Networks in ONNX's files.
//!
//! [`proto`] are the messages of the format, [`writing`] makes a file of a model.

pub mod proto;
mod writing;

pub use writing::{OnnxSettings, OnnxWritten, write_onnx};
