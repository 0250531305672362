//! The calibration of a part, and what of it a format has no place for.

use super::part::length;
use crate::imaging::{AxisScale, Calibration, Micrograph};
use std::ops::Range;

/// What is known of the axes of a part: offsets count from its first step, axes without a meaning in it are left out.
pub(super) fn of_part(
    micrograph: &Micrograph,
    frames: &Range<usize>,
    channels: &[usize],
    steps: [usize; 2],
    notes: &mut Vec<String>,
) -> Calibration {
    let depths = length(micrograph, 'Z');
    let (times, all) = (length(micrograph, 'T'), micrograph.frames());
    let regular = channels.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let shifted = |axis: &AxisScale, by: usize| {
        Some(AxisScale { offset: axis.offset + axis.scale * by as f64, ..axis.clone() })
    };
    let kept = |axis: &AxisScale| match axis.axis {
        'Y' | 'X' => Some(axis.clone()),
        // Where z stacks are cut through, or unnamed axes run along the frames too, a step is no longer one of these.
        'Z' if steps[1] > 1 || frames.len() == 1 => shifted(axis, frames.start % depths),
        'T' if times * depths == all && steps[1] == depths => shifted(axis, frames.start / depths),
        'T' if times * depths == all && steps[0] == 1 => shifted(axis, frames.start / depths),
        'E' | 'C' if regular && length(micrograph, 'S') == 1 => shifted(axis, channels[0]),
        _ => None,
    };
    let mut axes = Vec::new();
    for axis in micrograph.calibration().axes() {
        match kept(axis) {
            Some(axis) => axes.push(axis),
            None => notes.push(format!("The scale of the axis {} does not fit the chosen part", axis.axis)),
        }
    }
    Calibration::from_axes(axes)
}

/// Notes of every axis but `held` that a format has no place for.
pub(super) fn note_lost(
    calibration: &Calibration,
    held: impl Fn(&AxisScale) -> bool,
    notes: &mut Vec<String>,
) {
    for axis in calibration.axes().iter().filter(|axis| !held(axis)) {
        let AxisScale { axis: letter, scale, unit, .. } = axis;
        notes.push(format!(
            "The format has no place for the scale of the axis {letter} ({scale} {unit}); npy keeps it"
        ));
    }
}
