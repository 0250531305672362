//! What a file format is to the rest of the program, and the table of them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::Fault;
use super::{ImagingError, Micrograph, dm, emsa, hdf5, mrc, npy, npz, raster, ripple, tia, tiff};

/// A file format: how its files are told from others, and how they are opened.
pub(super) trait Format: Sync {
    /// As people call it, such as "TIFF".
    fn name(&self) -> &'static str;

    /// Endings of its files' names, lower case: for messages and dialogs, never to decide by.
    fn endings(&self) -> &'static [&'static str];

    /// True when a file that starts so is one of them.
    fn recognises(&self, start: &Start) -> bool;

    /// Reads the layout, calibration and metadata of every series; never empty. Planes follow when asked for.
    fn open(&self, path: &Path) -> Result<Vec<Micrograph>, ImagingError>;
}

/// Every format there is a reader for; the first that recognises a file opens it.
pub(super) const FORMATS: &[&dyn Format] = &[
    &tiff::Tiff,
    &ripple::Ripple,
    &raster::PNG,
    &raster::JPEG,
    &raster::BMP,
    &mrc::Mrc,
    &dm::Dm,
    &hdf5::VELOX,
    &hdf5::HYPERSPY,
    &hdf5::DM5,
    &hdf5::NCEM,
    &hdf5::HDF5,
    &npy::Npy,
    &npz::Npz,
    &emsa::Emsa,
    &tia::Ser,
    &tia::Emi,
];

/// The first bytes of a file.
pub(super) struct Start {
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    /// Of the whole file.
    pub(super) length: u64,
}

impl Start {
    const LONGEST: u64 = 4096;

    pub(super) fn read(path: &Path) -> Result<Self, Fault> {
        let mut bytes = Vec::new();
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        file.take(Self::LONGEST).read_to_end(&mut bytes)?;
        Ok(Self { path: path.to_path_buf(), bytes, length })
    }

    pub(super) fn begins(&self, with: &[u8]) -> bool {
        self.bytes.starts_with(with)
    }

    /// The bytes at `offset` are `expected`.
    pub(super) fn has(&self, offset: usize, expected: &[u8]) -> bool {
        self.bytes.get(offset..).is_some_and(|rest| rest.starts_with(expected))
    }
}
