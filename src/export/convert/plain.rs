//! TIFF without OME-XML: ImageJ's hyperstack where ImageJ knows the samples, else with shape, axes and calibration as
//! JSON in the description, as tifffile writes them.

use super::calibration::note_lost;
use super::part::{Part, Words};
use super::{Converted, ExportError};
use crate::export::Compression;
use crate::export::imagej::{self, Stack};
use crate::imaging::{AxisScale, SampleType};
use crate::monitor::Monitor;
use std::fmt::Write as _;
use std::path::Path;

pub(super) fn write(
    mut part: Part<'_>,
    compression: Compression,
    path: &Path,
    monitor: &Monitor,
) -> Result<Converted, ExportError> {
    let imagej = is_imagejs(&part, compression);
    let (axes, shape) = part.axes();
    let (description, labels) = if imagej {
        imagej_words(&mut part)
    } else {
        let why = if compression == Compression::None {
            "ImageJ's hyperstacks have no such samples"
        } else {
            "ImageJ's hyperstacks are not compressed"
        };
        part.notes.push(format!("{why}, so this is a TIFF with its axes as tifffile writes them"));
        (shaped_words(&part, &axes, &shape), Vec::new())
    };
    let resolution = imagej::resolution(&part.calibration).filter(|_| imagej);
    let words = Words { description: &description, labels: &labels, resolution };
    part.write_tiff(&words, compression, path, monitor)
}

/// ImageJ knows 8- and 16-bit unsigned numbers, 32-bit floats and 8-bit colours, uncompressed. Energies it does not.
fn is_imagejs(part: &Part<'_>, compression: Compression) -> bool {
    let known = match part.micrograph.sample_type() {
        SampleType::U8 => !part.colour || part.samples() == 3,
        SampleType::U16 | SampleType::F32 => !part.colour,
        _ => false,
    };
    known && compression == Compression::None && !part.micrograph.is_spectral()
}

/// Description and labels of a hyperstack.
fn imagej_words(part: &mut Part<'_>) -> (String, Vec<String>) {
    let calibration = &part.calibration;
    let pixels = imagej::resolution(calibration).is_some();
    let lengths = calibration.pixel().is_some();
    let held = |axis: &AxisScale| match axis.axis {
        'Y' | 'X' => pixels,
        'Z' => lengths && axis.step_nm().is_some(),
        'T' => imagej::interval(calibration).is_some(),
        _ => false,
    };
    note_lost(calibration, held, &mut part.notes);
    let [frames, slices] = part.steps;
    let channels = part.channels.len() / part.samples();
    let text = imagej::description(Stack { channels, slices, frames }, calibration, None);
    let names = if part.colour { Vec::new() } else { part.names() };
    (text, names.iter().cycle().take(names.len() * part.frames.len()).cloned().collect())
}

/// JSON with the shape and the axes, and what we know beyond.
fn shaped_words(part: &Part<'_>, axes: &str, shape: &[usize]) -> String {
    let mut words = serde_json::json!({ "shape": shape, "axes": axes });
    if !part.colour {
        words["channel_names"] = part.names().into();
    }
    if let Ok(scales) = serde_json::to_value(part.calibration.axes()) {
        words["calibration"] = scales;
    }
    ascii(&words.to_string())
}

/// JSON in ASCII, as the description tag wants it.
fn ascii(json: &str) -> String {
    json.chars().fold(String::new(), |mut text, c| {
        if c.is_ascii() {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
        text
    })
}
