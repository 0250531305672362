//! OME-TIFF: a TIFF whose description is OME-XML (OME model 2016-06; docs.openmicroscopy.org).

use super::calibration::note_lost;
use super::part::{Part, Words};
use super::{Converted, ExportError};
use crate::export::Compression;
use crate::imaging::{AxisScale, SampleType};
use crate::monitor::Monitor;
use std::fmt::Write as _;
use std::path::Path;

const SCHEMA: &str = "http://www.openmicroscopy.org/Schemas/OME/2016-06";

/// Lengths by their names in the model that are as common in files.
const LENGTHS: [&str; 8] = ["m", "cm", "mm", "µm", "nm", "pm", "fm", "Å"];

pub(super) fn write(
    mut part: Part<'_>,
    compression: Compression,
    path: &Path,
    monitor: &Monitor,
) -> Result<Converted, ExportError> {
    let sample_type = part.micrograph.sample_type();
    let kind = kind(sample_type)?;
    if part.energy().is_some() {
        part.notes.push("The energies of the spectral image are the channels of the OME-TIFF".to_owned());
    }
    let held = |axis: &AxisScale| match axis.axis {
        'Y' | 'X' | 'Z' => length(axis).is_some(),
        'T' => time(axis).is_some(),
        _ => false,
    };
    note_lost(&part.calibration, held, &mut part.notes);
    let description = xml(&part, kind);
    let words = Words { description: &description, labels: &[], resolution: None };
    part.write_tiff(&words, compression, path, monitor)
}

/// The model's name of a type of samples (`PixelType`).
fn kind(sample_type: SampleType) -> Result<&'static str, ExportError> {
    Ok(match sample_type {
        SampleType::Bool => "bit",
        SampleType::F32 => "float",
        SampleType::F64 => "double",
        SampleType::U64 | SampleType::I64 | SampleType::F16 => {
            let why = format!("OME-TIFF has no type for {}; tiff and npy have", sample_type.name());
            return Err(ExportError::Unsupported(why));
        }
        // The others have NumPy's names in the model too.
        _ => sample_type.name(),
    })
}

/// The description: planes run along channels fastest, then z, then time.
fn xml(part: &Part<'_>, kind: &str) -> String {
    let [times, depths] = part.steps;
    let (width, height, channels) = (part.width, part.height, part.channels.len());
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    let _ = write!(
        xml,
        "<OME xmlns=\"{SCHEMA}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:schemaLocation=\"{SCHEMA} {SCHEMA}/ome.xsd\" Creator=\"Polepiece {}\">\
         <Image ID=\"Image:0\" Name=\"{}\"><Pixels ID=\"Pixels:0\" DimensionOrder=\"XYCZT\" Type=\"{kind}\" \
         SizeX=\"{width}\" SizeY=\"{height}\" SizeC=\"{channels}\" SizeZ=\"{depths}\" SizeT=\"{times}\"",
        env!("CARGO_PKG_VERSION"),
        escaped(part.micrograph.name()),
    );
    for letter in ['X', 'Y', 'Z'] {
        if let Some((size, unit)) = part.calibration.axis(letter).and_then(length) {
            let unit = escaped(unit);
            let _ = write!(xml, " PhysicalSize{letter}=\"{size}\" PhysicalSize{letter}Unit=\"{unit}\"");
        }
    }
    if let Some((step, unit)) = part.calibration.axis('T').and_then(time) {
        let _ = write!(xml, " TimeIncrement=\"{step}\" TimeIncrementUnit=\"{}\"", escaped(unit));
    }
    xml.push('>');
    let samples = part.samples();
    for (place, name) in channel_names(part).iter().enumerate() {
        let name = escaped(name);
        let _ =
            write!(xml, "<Channel ID=\"Channel:0:{place}\" Name=\"{name}\" SamplesPerPixel=\"{samples}\"/>");
    }
    let pages = times * depths * channels / samples;
    let _ = write!(xml, "<TiffData IFD=\"0\" PlaneCount=\"{pages}\"/></Pixels></Image></OME>");
    xml
}

/// One name a channel; a colour is one channel, and channels of a spectral image are named by their energy.
fn channel_names(part: &Part<'_>) -> Vec<String> {
    if part.colour {
        return vec!["colour".to_owned()];
    }
    let Some(energy) = part.energy() else { return part.names() };
    let name = |step| format!("{} {}", rounded(energy.offset + energy.scale * f64::from(step)), energy.unit);
    (0..part.channels.len() as u32).map(name).collect()
}

/// Digits beyond the ninth come from adding up steps.
fn rounded(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}

/// Size of a step in a unit that the model knows; `None` where it is no length.
fn length(axis: &AxisScale) -> Option<(f64, &'static str)> {
    let nm = axis.step_nm()?;
    let unit = match axis.unit.trim() {
        "um" | "μm" => "µm",
        other => other,
    };
    let known = LENGTHS.into_iter().find(|&known| known == unit);
    Some(known.map_or((nm, "nm"), |unit| (axis.scale.abs(), unit)))
}

/// Step in time in a unit that the model knows.
fn time(axis: &AxisScale) -> Option<(f64, &'static str)> {
    let units = ["s", "ms", "µs", "ns", "min", "h", "d"];
    let unit = match axis.unit.trim() {
        "us" | "μs" => "µs",
        "sec" | "second" | "seconds" => "s",
        other => other,
    };
    units.into_iter().find(|&known| known == unit).map(|unit| (axis.scale.abs(), unit))
}

/// Text for an attribute, in ASCII as the description tag wants it; what XML cannot hold is a space.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' | '\'' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            ' '..='~' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => {
                let _ = write!(out, "&#x{:X};", u32::from(c));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_ascii_and_well_formed() {
        assert_eq!(escaped("Fe Kα <\"&'>\u{0}µ"), "Fe K&#x3B1; &#60;&#34;&#38;&#39;&#62; &#xB5;");
    }

    #[test]
    fn units_of_the_model_stay_and_others_become_nanometres() {
        let size = |scale, unit: &str| length(&AxisScale::new('X', scale, unit, "test"));
        assert_eq!(size(0.25, "um"), Some((0.25, "µm")));
        assert_eq!(size(-2.0, "Å"), Some((2.0, "Å")));
        assert_eq!(size(2.0, "angstrom"), Some((0.2, "nm")));
        assert_eq!(size(2.0, "1/nm"), None);
        assert_eq!(time(&AxisScale::new('T', 0.5, "sec", "test")), Some((0.5, "s")));
    }
}
