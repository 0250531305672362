//! NPZ: several arrays of `NumPy` in a ZIP file, each a series of its own.
//!
//! Arrays that are stored as they are are read where they lie. Compressed ones are unpacked into a temporary file when a
//! plane is first asked for, so that they need no memory and are unpacked once.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::NamedTempFile;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::bytes::Input;
use super::error::Fault;
use super::format::{Format, Start};
use super::micrograph::{About, Source};
use super::npy::{LONGEST, Layout};
use super::raw::Raw;
use super::{ImagingError, Micrograph, Plane};

/// The format, for the table of them.
pub(super) struct Npz;

/// Unpacked bytes for every byte of file that DEFLATE reaches at most.
const MOST_EXPANSION: u64 = 1032;

impl Format for Npz {
    fn name(&self) -> &'static str {
        "NPZ"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["npz"]
    }

    /// A ZIP file whose first entry is an array.
    fn recognises(&self, start: &Start) -> bool {
        let length = start.bytes.get(26..28).map_or(0, |n| usize::from(n[0]) | usize::from(n[1]) << 8);
        start.begins(b"PK\x03\x04") && start.bytes.get(30..30 + length).is_some_and(|n| n.ends_with(b".npy"))
    }

    fn open(&self, path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
        open(path).map_err(|fault| fault.at(path))
    }
}

fn open(path: &Path) -> Result<Vec<Micrograph>, Fault> {
    let input = Input::open(path)?;
    let mut archive = archive(path)?;
    let (mut all, mut notes, mut first_fault) = (Vec::new(), Vec::new(), None);
    for index in 0..archive.len() {
        match member(path, &input, &mut archive, index) {
            Ok((about, source)) => all.push((about.in_series(all.len()), source)),
            Err(Fault::Io(error)) => return Err(Fault::Io(error)),
            Err(fault) => {
                if let Fault::Bad(what) | Fault::Unsupported(what) = &fault {
                    notes.push(format!("Entry {} of the file cannot be read: {what}", index + 1));
                }
                first_fault.get_or_insert(fault);
            }
        }
    }
    if all.is_empty() {
        return Err(first_fault.unwrap_or_else(|| Fault::Bad("The NPZ file has no array".into())));
    }
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let made = all.into_iter().map(|(mut about, source)| {
        let key = about.metadata.get("NPZ / key").unwrap_or_default();
        about.name = format!("{file}: {key}");
        about.notes.extend(notes.iter().cloned());
        Micrograph::from_file(about, source)
    });
    Ok(made.collect())
}

fn archive(path: &Path) -> Result<ZipArchive<BufReader<File>>, Fault> {
    ZipArchive::new(BufReader::new(File::open(path)?)).map_err(fault)
}

fn fault(error: ZipError) -> Fault {
    match error {
        ZipError::Io(e)
            if e.kind() == io::ErrorKind::InvalidData || e.kind() == io::ErrorKind::InvalidInput =>
        {
            Fault::Bad(format!("The ZIP file is damaged: {e}"))
        }
        ZipError::Io(e) => e.into(),
        ZipError::UnsupportedArchive(what) => Fault::Unsupported(format!("A ZIP file with this: {what}")),
        other => Fault::Bad(format!("The ZIP file is damaged: {other}")),
    }
}

/// One array: what it is, and where its planes come from.
fn member(
    path: &Path,
    input: &Input,
    archive: &mut ZipArchive<BufReader<File>>,
    index: usize,
) -> Result<(About, Box<dyn Source>), Fault> {
    let mut entry = archive.by_index(index).map_err(fault)?;
    let name = entry.name().map_err(fault)?.into_owned();
    let Some(key) = name.strip_suffix(".npy") else {
        return Err(Fault::Unsupported(format!("{name} is no array")));
    };
    let stored = entry.compression() == CompressionMethod::Stored;
    let mut start = Vec::new();
    let wanted = LONGEST.min(entry.size());
    entry.by_ref().take(wanted).read_to_end(&mut start).map_err(|e| fault(e.into()))?;
    let layout = Layout::read(&start)?;
    let size = layout.bytes();
    let (packed, claimed) = (entry.compressed_size(), entry.size());
    let (axes, source): (_, Box<dyn Source>) = if stored {
        let offset = entry.data_start().ok_or_else(|| Fault::Bad("The ZIP file is damaged".into()))?;
        let end = offset.saturating_add(claimed);
        let (axes, raw) = layout.planes(path, offset, end.min(input.length()), layout.letters())?;
        (axes, Box::new(raw))
    } else {
        if size > packed.min(input.length()).saturating_mul(MOST_EXPANSION) {
            return Err(Fault::Bad(format!("{name} claims {size} bytes, which {packed} cannot hold")));
        }
        // Where it will lie is known once it is unpacked.
        let (axes, raw) = layout.planes(path, 0, claimed, layout.letters())?;
        (axes, Box::new(Packed { path: path.to_path_buf(), index, size, raw, unpacked: Mutex::default() }))
    };
    let mut about = layout.about(path, "NPZ", axes);
    about.metadata.push("NPZ / key", key);
    Ok((about, source))
}

/// A compressed array.
struct Packed {
    path: PathBuf,
    index: usize,
    size: u64,
    /// Its planes in the unpacked array.
    raw: Raw,
    unpacked: Mutex<Option<Arc<NamedTempFile>>>,
}

impl Packed {
    fn unpacked(&self) -> Result<Arc<NamedTempFile>, Fault> {
        let mut unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*unpacked {
            return Ok(Arc::clone(file));
        }
        let mut archive = archive(&self.path)?;
        let entry = archive.by_index(self.index).map_err(fault)?;
        let mut file = NamedTempFile::new()?;
        let count = io::copy(&mut entry.take(self.size), &mut file).map_err(|e| fault(e.into()))?;
        if count < self.size {
            return Err(Fault::Bad("The array is shorter than its header says".into()));
        }
        let file = Arc::new(file);
        *unpacked = Some(Arc::clone(&file));
        Ok(file)
    }

    fn planes(&self, frame: usize, channel: usize) -> Result<Vec<(usize, Plane)>, Fault> {
        let file = self.unpacked()?;
        Raw { path: file.path().to_path_buf(), ..self.raw.clone() }.planes(frame, channel)
    }
}

impl Source for Packed {
    fn read(&self, frame: usize, channel: usize) -> Result<Vec<(usize, Plane)>, ImagingError> {
        self.planes(frame, channel).map_err(|fault| fault.at(&self.path))
    }
}
