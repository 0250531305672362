//! Files of `torch.save` since PyTorch 1.6: a ZIP file with `data.pkl` and each storage as `data/KEY`.

use super::source::{Archive, Block, Source};
use super::state::{State, state_dict};
use super::{Found, MAX_PICKLE, pickle};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

pub(super) fn read(file: BufReader<File>, file_length: u64, key: Option<&str>) -> Result<Found, String> {
    let mut archive = Archive::open(file, file_length)?;
    let names = archive.names();
    let prefix = prefix(&names)?;
    if names.iter().any(|name| *name == format!("{prefix}constants.pkl")) {
        let what = "A TorchScript program, not weights; save the model's state_dict() or export it to ONNX";
        return Err(what.into());
    }
    let order = archive.whole(&format!("{prefix}byteorder"), 16)?;
    let big_endian = match order.as_deref() {
        None | Some(b"little") => false,
        Some(b"big") => true,
        Some(_) => return Err("The file's byte order is neither little nor big".into()),
    };
    let bytes = archive.whole(&format!("{prefix}data.pkl"), MAX_PICKLE)?.unwrap_or_default();
    let (pickled, _) = pickle::read(&bytes, 0).map_err(super::broken)?;
    let State { tensors, notes } = state_dict(&pickled, key)?;
    let mut blocks = Vec::new();
    for storage in &pickled.values.storages {
        let found = archive.find(&format!("{prefix}data/{}", storage.key))?;
        let (index, held) = found.ok_or_else(|| format!("The file has no storage {}", storage.key))?;
        let (offset, bytes) = super::extent(storage, storage.element, held)?;
        blocks.push(Block::Entry { index, offset, bytes });
    }
    Ok(Found { source: Source::Zip(archive), blocks, tensors, notes, big_endian, ordered: true })
}

/// Whether a ZIP file has the pickle of `torch.save`.
pub(super) fn is_weights(path: &Path) -> bool {
    let opened = File::open(path).ok().and_then(|file| {
        let length = file.metadata().ok()?.len();
        Archive::open(BufReader::new(file), length).ok()
    });
    opened.is_some_and(|archive| prefix(&archive.names()).is_ok())
}

/// What stands before "data.pkl" in the entries' names: a folder called after the file.
fn prefix(names: &[String]) -> Result<String, String> {
    let mut found = names.iter().filter_map(|name| name.strip_suffix("data.pkl"));
    let fits = |prefix: &&str| prefix.is_empty() || (prefix.ends_with('/') && prefix.len() > 1);
    match (found.clone().find(fits), found.nth(1)) {
        (Some(prefix), None) => Ok(prefix.to_owned()),
        (Some(_), Some(_)) => Err("The ZIP file has several data.pkl".into()),
        (None, _) => Err("A ZIP file without data.pkl; PyTorch's files have one".into()),
    }
}
