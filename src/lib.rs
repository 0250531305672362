//! Polepiece: a desktop microscope for neural networks. This file is the map of the house.
//!
//! A picture's life: file → [`imaging`] → [`analysis`] normalises and tiles → [`network`] walks the graph on a device
//! that [`compute`] chose → [`inspect`] keeps what was asked for → [`analysis`] stitches and measures → [`export`]
//! writes. [`session`] asks for it, `gui` draws it, [`cli`] prints it. Nothing flows backwards.

pub mod analysis;
pub mod cli;
pub mod compute;
pub mod export;
pub mod files;
#[cfg(feature = "gui")]
pub mod gui;
pub mod imaging;
pub mod inspect;
pub mod monitor;
pub mod network;
pub mod session;
pub mod synth;
pub mod training;
