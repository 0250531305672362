//! Hyperstacks as ImageJ writes them (ij.io.FileInfo, ij.io.TiffDecoder, ij.io.FileOpener).
//!
//! The description holds `key=value` lines: `images`, `channels`, `slices`, `frames`, `unit`, `spacing`. The resolution
//! tags are pixels per `unit`. A stack beyond 4 GB has one directory, behind which all planes lie as one block.

use std::collections::HashMap;

use super::super::calibration::{AxisScale, Calibration, unit_in_nm};
use super::super::error::Fault;
use super::directory::{Container, Directory, tag};
use super::page::Page;
use super::plan::{Plan, expanded};

/// Kinds of blocks, four letters as a number: "labl", "info", "rang".
const LABEL: u64 = 0x6c61_626c;
const INFO: u64 = 0x696e_666f;
const RANGES: u64 = 0x7261_6e67;

/// Pixels per unit along x and y, as the resolution tags have them.
pub(super) type Resolution = (Option<f64>, Option<f64>);

pub(super) fn is_imagej(description: &str) -> bool {
    description.starts_with("ImageJ=")
}

/// What ImageJ wrote about a stack.
pub(super) struct Said<'a> {
    pub description: &'a str,
    pub blocks: Blocks,
    pub resolution: Resolution,
}

/// The stack that ImageJ's words make of equal pages.
pub(super) fn plan(said: &Said<'_>, pages: Vec<Page>, file_length: u64) -> Plan {
    let fields: HashMap<&str, &str> = said
        .description
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(k, v)| (k.trim(), v.trim()))
        .collect();
    let count = |key: &str| fields.get(key).and_then(|v| v.parse().ok()).filter(|&n| n > 0).unwrap_or(1usize);
    let mut plan = Plan { format: "ImageJ TIFF", ..Plan::plain(pages) };
    let images = count("images");
    if plan.pages.len() == 1 && images > 1 {
        let pages = expanded(&plan.pages[0], images, file_length);
        if pages.len() > 1 {
            plan.pages = pages;
        }
    }
    let found = plan.pages.len();
    if found != images {
        plan.notes.push(format!("ImageJ's description counts {images} images, the file has {found}"));
    }
    let (channels, slices, frames) = (count("channels"), count("slices"), count("frames"));
    // Channels run fastest, then slices, then frames.
    if channels.checked_mul(slices).and_then(|n| n.checked_mul(frames)) == Some(found) {
        plan.outer = vec![('T', frames), ('Z', slices), ('C', channels)];
    } else {
        plan.outer = vec![('T', found)];
    }
    // Labels name the channels where those of every frame are the same.
    let labels = &said.blocks.labels;
    let of_channels = (channels > 1 || found == 1) && labels.len() == found;
    if of_channels && labels.chunks(channels).all(|frame| *frame == labels[..frame.len()]) {
        plan.channel_names = labels.iter().take(channels).cloned().collect();
    }
    plan.metadata.extend(said.blocks.fields.iter().cloned());
    calibrate(&mut plan, &fields, said.resolution, slices);
    plan
}

fn calibrate(plan: &mut Plan, fields: &HashMap<&str, &str>, resolution: Resolution, slices: usize) {
    let Some(&unit) = fields.get("unit") else { return };
    let Some(nm) = unit_in_nm(unit) else {
        if !matches!(unit, "pixel" | "pixels") {
            plan.notes.push(format!("The unit “{unit}” of ImageJ's calibration is not a length"));
        }
        return;
    };
    if let (Some(x), Some(y)) = resolution {
        let printer =
            matches!(unit, "inch" | "in" | "inches") && [72.0, 96.0, 150.0, 300.0, 600.0].contains(&x);
        if printer {
            plan.notes
                .push(format!("{x} pixels per inch are a printer's resolution, not taken as a pixel size"));
        } else {
            let source = format!("ImageJ, XResolution in pixels per {unit}");
            let scales =
                [('Y', y), ('X', x)].map(|(axis, r)| AxisScale::new(axis, inverse(nm, r), "nm", &source));
            plan.calibration = Calibration::from_axes(scales);
        }
    }
    let spacing = fields.get("spacing").and_then(|v| v.parse::<f64>().ok()).map(f64::abs);
    if slices > 1 {
        let step = spacing.map(|s| AxisScale::new('Z', s * nm, "nm", "ImageJ, spacing"));
        plan.calibration = step.map_or(plan.calibration.clone(), |step| plan.calibration.with(step));
    }
}

/// `nm` by `resolution`. The tag is a fraction of two 32-bit numbers, so digits beyond the twelfth come from dividing
/// twice and not from the file: 15.8 nm reads as 15.8.
fn inverse(nm: f64, resolution: f64) -> f64 {
    let size = nm / resolution;
    format!("{size:.11e}").parse().unwrap_or(size)
}

/// What the metadata tag holds beside the description.
#[derive(Default)]
pub(super) struct Blocks {
    /// One for each plane, or none.
    pub labels: Vec<String>,
    /// The image's own text, and the values shown as black and white of each channel.
    pub fields: Vec<(String, String)>,
}

/// The blocks of the metadata tag (ij.io.TiffEncoder, `writeMetaData`): the first lists kinds and numbers of those that
/// follow, whose lengths the other tag has; texts are UTF-16 in the file's byte order.
pub(super) fn blocks(file: &Container, directory: &Directory) -> Result<Blocks, Fault> {
    let lengths = file.numbers(directory, tag::IMAGEJ_BYTE_COUNTS)?;
    let blob = file.blob(directory, tag::IMAGEJ_METADATA)?.unwrap_or_default();
    let order = file.order;
    let mut rest = blob.as_slice();
    let mut blocks = lengths.iter().map_while(|&length| {
        let (block, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        rest = after;
        Some(block)
    });
    let mut found = Blocks::default();
    let Some(header) = blocks.next() else { return Ok(found) };
    let kinds = header.get(4..).unwrap_or_default().chunks_exact(8);
    let text = |block: &[u8]| {
        let units: Vec<u16> = block.chunks_exact(2).map(|pair| order.number(pair) as u16).collect();
        String::from_utf16_lossy(&units)
    };
    for (kind, count) in kinds.map(|entry| (order.number(&entry[..4]), order.number(&entry[4..]))) {
        for block in blocks.by_ref().take(count as usize) {
            match kind {
                LABEL => found.labels.push(text(block)),
                INFO => found.fields.push(("ImageJ / Info".into(), text(block))),
                RANGES => {
                    let values: Vec<f64> =
                        block.chunks_exact(8).map(|bytes| f64::from_bits(order.number(bytes))).collect();
                    let ranges = values.chunks_exact(2).zip(1..);
                    found.fields.extend(ranges.map(|(range, channel)| {
                        (format!("ImageJ / Range {channel}"), format!("{} to {}", range[0], range[1]))
                    }));
                }
                _ => {}
            }
        }
    }
    Ok(found)
}
