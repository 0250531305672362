//! TIFF: plain, ImageJ, tifffile and OME (TIFF 6.0; `BigTIFF`).
//!
//! [`directory`] reads the container, [`page`] checks what a page says of itself, [`plan`] sorts pages into series with
//! the help of whoever wrote the file ([`ome`], [`imagej`], [`shaped`]), [`vendors`] reads what microscopes' makers add,
//! and [`decode`] reads planes when they are asked for.

use std::path::Path;

use super::format::{Format, Start};
use super::{ImagingError, Micrograph};

mod directory;
mod kinds;
mod page;

mod codec;
mod decode;
mod fax;
mod jpeg;
mod lzw;
mod unpack;

mod imagej;
mod ome;
mod ome_xml;
mod plan;
mod shaped;
mod siblings;

mod fields;
mod resolution;
mod tags;
mod vendors;

mod open;

/// The format, for the table of them.
pub(super) struct Tiff;

impl Format for Tiff {
    fn name(&self) -> &'static str {
        "TIFF"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["tif", "tiff"]
    }

    fn recognises(&self, start: &Start) -> bool {
        matches!(start.bytes.as_slice(), [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..])
    }

    fn open(&self, path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
        open::open(path)
    }
}

#[cfg(test)]
mod tests;
