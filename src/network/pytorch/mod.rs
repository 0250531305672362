//! Weights that others trained: PyTorch's state dicts in both of its formats and safetensors, and their way into a graph.
//!
//! A `.pt` or `.pth` file is a pickle, a program that Python runs. [`Checkpoint::open`] reads it without running anything:
//! [`pickle`] knows what state dicts are made of and refuses every other name. What it finds are names, shapes and where
//! the numbers lie; numbers are read when a graph has a place for them. [`match_weights`] finds the places by name and
//! shape, [`import`] does all of it for an architecture.

mod archive;
mod checkpoint;
mod element;
mod globals;
mod import;
mod legacy;
mod matching;
mod order;
mod pickle;
mod rebuild;
mod source;
mod state;
mod tensors;
mod values;
mod view;

#[cfg(test)]
mod matching_tests;
#[cfg(test)]
mod tests;

pub use checkpoint::{Checkpoint, is_weights};
use checkpoint::{Found, MAX_PICKLE, broken, extent};
pub(super) use import::colour;
pub use import::{Import, ImportOptions, import};
pub use matching::{Differing, Matching, match_weights};
