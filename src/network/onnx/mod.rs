//! Networks in ONNX's files.
//!
//! [`proto`] are the messages of the format.

pub mod proto;
