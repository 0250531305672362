//! What the programs of microscopes' makers write into private tags, or into a text beside the image: pixel sizes, the
//! bar of text below the picture, and every setting of the instrument. One file a maker, and a table of them.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use super::super::bytes::text;
use super::super::calibration::{AxisScale, Calibration, format_length};
use super::super::error::Fault;
use super::super::info_bar::InfoBar;
use super::super::metadata::Metadata;
use super::directory::Directory;
use super::plan::Plan;
use super::resolution::Resolution;
use super::tags::Tagged;

mod fei;
mod gatan;
mod hitachi;
mod jeol;
mod sis;
mod tescan;
mod tvips;
mod zeiss;

/// A maker whose words can be read.
trait Vendor: Sync {
    /// As people call it, and the first part of the names of its fields.
    fn name(&self) -> &'static str;

    /// The tags that its words are in.
    fn tags(&self) -> &'static [u16];

    /// What its program says of a page; `None` where it says nothing.
    fn read(&self, page: &Tagged<'_>) -> Result<Option<Found>, Fault>;
}

/// The first that knows a pixel size is believed.
const VENDORS: &[&dyn Vendor] = &[
    &fei::Fei,
    &zeiss::Zeiss,
    &tescan::Tescan,
    &tvips::Tvips,
    &sis::Sis,
    &gatan::Gatan,
    &jeol::Jeol,
    &hitachi::Hitachi,
];

/// What a maker says of a page.
#[derive(Default)]
struct Found {
    axes: Vec<AxisScale>,
    /// The size of a pixel along x again, by other fields.
    also: Vec<AxisScale>,
    fields: Metadata,
    info_bar: Option<InfoBar>,
    notes: Vec<String>,
}

impl Found {
    /// The size of a pixel in `unit`, of which `source` is the tag and field.
    fn pixel(&mut self, (y, x): (f64, f64), unit: &str, source: &str) {
        self.axes.extend([('Y', y), ('X', x)].map(|(axis, size)| AxisScale::new(axis, size, unit, source)));
    }

    /// The picture ends after `rows` rows of the page's, and a bar of text follows.
    fn picture_rows(&mut self, page: &Tagged<'_>, rows: f64, source: &str) {
        let bar = page.height as f64 - rows;
        // A bar that takes half of the page is another picture's.
        if rows.fract() == 0.0 && bar >= 1.0 && bar < page.height as f64 / 2.0 {
            self.info_bar = Some(InfoBar { rows: bar as usize, source: source.into() });
        }
    }
}

/// Adds what every maker says of a series, and what contradicts what.
pub(super) fn describe(of: &Tagged<'_>, directories: &[Directory], plan: &mut Plan) {
    let mut known: Vec<AxisScale> = Vec::new();
    for vendor in VENDORS {
        match vendor.read(of) {
            Ok(Some(found)) => {
                differing_pages(*vendor, of, directories, &found, plan);
                known.extend(take(found, plan));
            }
            Ok(None) => {}
            Err(fault) => plan.notes.push(format!(
                "The metadata of {} cannot be read and is left aside ({})",
                vendor.name(),
                why(fault)
            )),
        }
    }
    known.extend(plan.calibration.axis('X').cloned());
    let resolution = Resolution::read(of).ok().flatten();
    // ImageJ and OME write these tags in units of their own, or leave them alone.
    if let Some(resolution) = resolution.filter(|_| plan.format == "TIFF") {
        if known.is_empty() {
            plan.notes.push(resolution.note());
        } else if resolution.is_microscopic() {
            known.push(resolution.as_scale());
        }
    }
    let Some(first) = known.first().cloned() else { return };
    plan.notes.extend(known[1..].iter().filter_map(|other| disagreement(&first, other)));
    let axes = std::mem::take(&mut plan.vendor_axes);
    // What the maker says comes first, the rest stays.
    plan.calibration =
        Calibration::from_axes(axes.into_iter().chain(plan.calibration.axes().iter().cloned()));
}

/// Takes everything but sizes, which are kept for [`describe`]; the sizes of a pixel along x that were named.
fn take(found: Found, plan: &mut Plan) -> Vec<AxisScale> {
    let along_x = found.axes.iter().find(|scale| scale.axis == 'X').cloned();
    plan.vendor_axes.extend(found.axes);
    plan.metadata.extend(found.fields.fields().iter().cloned());
    plan.info_bar = plan.info_bar.take().or(found.info_bar);
    plan.notes.extend(found.notes);
    along_x.into_iter().chain(found.also).collect()
}

/// Two sizes of a pixel that are more than a hundredth apart.
fn disagreement(first: &AxisScale, other: &AxisScale) -> Option<String> {
    let (taken, left) = (first.step_nm()?, other.step_nm()?);
    ((taken / left - 1.0).abs() > 0.01).then(|| {
        format!(
            "Warning: {} says {} a pixel, {} says {}; the first is taken",
            first.source,
            format_length(taken),
            other.source,
            format_length(left)
        )
    })
}

/// Pages of a series that are looked at for sizes of their own.
const MOST_PAGES: usize = 256;

/// Says so where the later pages of a series have another pixel size than the first.
fn differing_pages(
    vendor: &dyn Vendor,
    of: &Tagged<'_>,
    directories: &[Directory],
    found: &Found,
    plan: &mut Plan,
) {
    let size = |found: &Found| found.axes.iter().find(|scale| scale.axis == 'X')?.step_nm();
    let (Some(first), Some(own)) = (of.directory, size(found)) else { return };
    let step = plan.pages.len().div_ceil(MOST_PAGES).max(1);
    for (page, at) in plan.pages.iter().enumerate().step_by(step).skip(1) {
        let Some(directory) = directories.get(at.directory).filter(|_| at.elsewhere.is_none()) else {
            return;
        };
        if vendor.tags().iter().all(|&tag| !directory.has(tag) || directory.shares(first, tag)) {
            continue;
        }
        let other = vendor.read(&of.of(directory)).ok().flatten().as_ref().and_then(size);
        if let Some(other) = other.filter(|other| (other / own - 1.0).abs() > 1e-6) {
            plan.notes.push(format!(
                "Warning: {} gives pages sizes of their own: {} a pixel on the first and {} on page {}; the first is taken for all",
                vendor.name(),
                format_length(own),
                format_length(other),
                page + 1
            ));
            return;
        }
    }
}

fn why(fault: Fault) -> String {
    match fault {
        Fault::Bad(why) | Fault::Unsupported(why) => why,
        Fault::Io(error) => error.to_string(),
    }
}

/// Bytes of a text beside an image that are read.
const LONGEST_SIDECAR: u64 = 1 << 20;

/// The text of a file beside the image that begins with `start`; `None` where there is no such file.
fn beside(page: &Tagged<'_>, path: PathBuf, start: &str) -> Option<String> {
    if !page.first {
        return None;
    }
    let mut bytes = Vec::new();
    // A sidecar is a help and not the image: one that cannot be read is as good as none.
    File::open(path).ok()?.take(LONGEST_SIDECAR).read_to_end(&mut bytes).ok()?;
    let text = decoded(&bytes);
    text.trim_start().starts_with(start).then_some(text)
}

/// UTF-16 by its byte order mark, else UTF-8 or Latin-1.
fn decoded(bytes: &[u8]) -> String {
    let units = |from: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => text(rest),
        _ => text(bytes),
    }
}
