//! DM3 and DM4: the files of Gatan's `DigitalMicrograph`.
//!
//! A file is one tree of tags ([`tags`]); its images are groups of tags among the others ([`image`]).

use std::path::Path;

use super::bytes::{Input, Order};
use super::error::Fault;
use super::format::{Format, Start};
use super::{ImagingError, Micrograph};

mod image;
mod tags;

/// The format, for the table of them.
pub(super) struct Dm;

impl Format for Dm {
    fn name(&self) -> &'static str {
        "DigitalMicrograph"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["dm3", "dm4"]
    }

    /// Version, a size that the file has, order of bytes, and the two flags of the root group.
    fn recognises(&self, start: &Start) -> bool {
        let fits = |size: std::ops::Range<usize>| {
            let claimed = start.bytes.get(size.clone()).map_or(u64::MAX, |bytes| Order::Big.number(bytes));
            let flags = start.bytes.get(size.end..size.end + 6);
            claimed <= start.length && matches!(flags, Some([0, 0, 0, 0 | 1, 0 | 1, 0 | 1]))
        };
        (start.begins(&[0, 0, 0, 3]) && fits(4..8)) || (start.begins(&[0, 0, 0, 4]) && fits(4..12))
    }

    fn open(&self, path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
        open(path).map_err(|fault| fault.at(path))
    }
}

fn open(path: &Path) -> Result<Vec<Micrograph>, Fault> {
    let input = Input::open(path)?;
    let (root, file) = tags::read(&input)?;
    image::micrographs(path, &root, &file)
}

#[cfg(test)]
mod tests;
