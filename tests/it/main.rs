//! The program from outside: the command line, the window's main path, bad input, and the borders of the rooms.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a test that skips says so")]

mod attribute;
mod bad_input;
mod bench;
mod cli;
mod common;
mod convert;
mod effective;
mod exported;
mod features;
mod figure;
#[cfg(feature = "gui")]
mod gui;
#[cfg(feature = "gui")]
mod gui_canvas;
#[cfg(feature = "gui")]
mod gui_correcting;
#[cfg(feature = "gui")]
mod gui_figure;
#[cfg(feature = "gui")]
mod gui_network;
#[cfg(feature = "gui")]
mod gui_regression;
#[cfg(feature = "gui")]
mod gui_robustness;
#[cfg(feature = "gui")]
mod gui_sheet;
#[cfg(feature = "gui")]
mod gui_trust;
#[cfg(feature = "gui")]
mod gui_why;
mod hostile;
mod imported;
mod imported_weights;
mod models;
mod onnx;
mod regress;
mod robustness;
mod rooms;
mod same_bytes;
mod trust;
