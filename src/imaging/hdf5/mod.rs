//! HDF5, and the dialects of it that microscopes and their programs write: Velox and Berkeley EMD, `HyperSpy`, Gatan DM5.
//!
//! [`tree`] walks groups and attributes with the `hdf5-pure` crate, which is Rust without `unsafe` in what we use of it.
//! The samples are read by ourselves, so that a plane costs what it holds: [`array`] finds where they lie and holds that
//! against the file's length; contiguous ones are a [`super::raw::Raw`], chunks are undone in [`chunked`] and
//! [`filters`]. A dialect names the axes ([`view`]) and their scales ([`series`]).

use std::path::Path;

use super::format::{Format, Start};
use super::{ImagingError, Micrograph};

mod tree;
mod value;

mod array;
mod element;
mod view;

mod chunked;
mod filters;

mod series;

mod dm5;
mod hyperspy;
mod ncem;
mod plain;

mod events;
mod operations;
mod velox;

use tree::Tree;

/// How every HDF5 file begins, at its start or behind a block of the user's own.
const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// A dialect, for the table of formats.
pub(super) struct Dialect {
    name: &'static str,
    endings: &'static [&'static str],
    /// True when the file's groups are this dialect's.
    knows: fn(&Tree) -> bool,
    open: fn(&Tree) -> Result<Vec<Micrograph>, ImagingError>,
}

pub(super) static VELOX: Dialect =
    Dialect { name: velox::NAME, endings: &["emd"], knows: velox::knows, open: velox::open };
pub(super) static HYPERSPY: Dialect =
    Dialect { name: hyperspy::NAME, endings: &["hspy"], knows: hyperspy::knows, open: hyperspy::open };
pub(super) static DM5: Dialect =
    Dialect { name: dm5::NAME, endings: &["dm5"], knows: dm5::knows, open: dm5::open };
pub(super) static NCEM: Dialect =
    Dialect { name: ncem::NAME, endings: &["emd"], knows: ncem::knows, open: ncem::open };
/// Any other HDF5 file; to be asked last.
pub(super) static HDF5: Dialect =
    Dialect { name: plain::NAME, endings: &["h5", "hdf5", "hdf"], knows: |_| true, open: plain::open };

impl Format for Dialect {
    fn name(&self) -> &'static str {
        self.name
    }

    fn endings(&self) -> &'static [&'static str] {
        self.endings
    }

    fn recognises(&self, start: &Start) -> bool {
        let signed = [0, 512, 1024, 2048].iter().any(|&at| start.has(at, SIGNATURE));
        // A damaged file is known by its signature alone, and is plain HDF5's to refuse.
        signed && (self.name == plain::NAME || Tree::open(&start.path).is_ok_and(|tree| (self.knows)(&tree)))
    }

    fn open(&self, path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
        let tree = Tree::open(path).map_err(|fault| fault.at(path))?;
        (self.open)(&tree)
    }
}

#[cfg(test)]
mod tests;
