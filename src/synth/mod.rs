//! Synthetic micrographs with ground truth: deterministic by seed, with realistic noise, blur, shading and charging.
//!
//! A [`Kind`] draws a [`Sample`]: first the scene (where each class is), then what an instrument makes of it. Every
//! number comes from integer and IEEE-exact arithmetic, so that a seed means the same pixels on every machine.

mod kind;

mod eds;
mod grains;
mod precipitates;
mod stem;

mod optics;
mod population;

mod blob;
mod cells;
mod dice;
mod exact;
mod field;

#[cfg(test)]
mod shipped;

pub use kind::{Kind, Sample};
