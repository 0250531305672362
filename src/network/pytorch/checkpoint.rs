//! A file of named weights: what it holds, and reading one of them.

use super::element::Element;
use super::source::{Block, Source};
use super::values::StorageRef;
use super::view::View;
use super::{archive, legacy, tensors};
use crate::network::NetworkError;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

/// Longest pickle that is read, in bytes; a state dict's needs some hundred bytes a tensor.
pub(super) const MAX_PICKLE: u64 = 64 << 20;

/// What the reader of one format found.
pub(super) struct Found {
    pub(super) source: Source,
    /// Where each storage is.
    pub(super) blocks: Vec<Block>,
    pub(super) tensors: Vec<(String, View)>,
    /// What was left out or looked for, in words.
    pub(super) notes: Vec<String>,
    pub(super) big_endian: bool,
    /// Whether the order of the tensors is the order in which the network was written.
    pub(super) ordered: bool,
}

/// A file of named weights. Numbers are read one tensor at a time.
pub struct Checkpoint {
    path: PathBuf,
    file_length: u64,
    found: Found,
}

impl Checkpoint {
    /// Opens a file of `torch.save` or safetensors and finds its weights; `key` chooses the entry of a checkpoint that
    /// holds several. No code that the file carries is run.
    ///
    /// # Errors
    /// [`NetworkError::Io`] when it cannot be read, [`NetworkError::File`] with what is wrong, or with the name of what
    /// the file wants to call.
    pub fn open(path: &Path, key: Option<&str>) -> Result<Self, NetworkError> {
        let io = |source| NetworkError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let file_length = file.metadata().map_err(io)?.len();
        let mut reader = BufReader::new(file);
        let mut start = Vec::new();
        reader.by_ref().take(legacy::MAGIC.len() as u64).read_to_end(&mut start).map_err(io)?;
        reader.rewind().map_err(io)?;
        let found = match start.as_slice() {
            [b'P', b'K', 3, 4, ..] => archive::read(reader, file_length, key),
            start if start == legacy::MAGIC => legacy::read(reader, file_length, key),
            start if start.get(8) == Some(&b'{') => {
                tensors::read(reader, file_length, path, key).map_err(|error| {
                    if let NetworkError::File { what, .. } = error { what } else { error.to_string() }
                })
            }
            start => Err(foreign(start).to_owned()),
        };
        let wrong = |what| NetworkError::File { path: path.to_owned(), what };
        let found = found.map_err(wrong)?;
        for (name, view) in &found.tensors {
            let held = found.blocks.get(view.storage).map_or(0, |block| block.bytes());
            view.check(held).map_err(|what| wrong(format!("Weight {name}: {what}")))?;
        }
        Ok(Self { path: path.to_owned(), file_length, found })
    }

    /// Where it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Name and shape of every weight, in the file's order.
    pub fn weights(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.found.tensors.iter().map(|(name, view)| (name.as_str(), view.shape.as_slice()))
    }

    /// How the numbers of a weight are stored: "float16".
    #[must_use]
    pub fn stored_as(&self, name: &str) -> Option<&'static str> {
        self.view(name).map(|view| view.element.name())
    }

    /// What was left out, and where the weights were found, in words.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.found.notes
    }

    /// Whether the order of [`Checkpoint::weights`] is that in which the network's author wrote the layers.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        self.found.ordered
    }

    /// The numbers of a weight as f32, in the order of its axes.
    ///
    /// # Errors
    /// [`NetworkError::File`] when there is no such weight, its numbers are not there, or are none that f32 can hold.
    pub fn numbers(&mut self, name: &str) -> Result<Vec<f32>, NetworkError> {
        let wrong = |what: String| NetworkError::File {
            path: self.path.clone(),
            what: format!("Weight {name}: {what}"),
        };
        let Some(view) = self.view(name).cloned() else { return Err(wrong("no such weight".into())) };
        if !view.element.is_number() {
            return Err(wrong(format!("its numbers are {}, which f32 cannot hold", view.element.name())));
        }
        // A view may repeat its numbers, so that few bytes of file could ask for any memory.
        if view.elements() as u64 > self.file_length {
            let (count, bytes) = (view.elements(), self.file_length);
            return Err(wrong(format!("{count} numbers in a file of {bytes} bytes")));
        }
        let block = self.found.blocks.get(view.storage).copied();
        let (Some(block), Some((start, length))) = (block, view.bytes()) else {
            return Err(wrong("its numbers are not in the file".into()));
        };
        let read =
            if view.elements() == 0 { Ok(Vec::new()) } else { self.found.source.read(block, start, length) };
        let wrong = |what: String| NetworkError::File {
            path: self.path.clone(),
            what: format!("Weight {name}: {what}"),
        };
        let bytes = read.map_err(wrong)?;
        let numbers = view.numbers(&bytes, self.found.big_endian);
        let numbers = numbers.ok_or_else(|| wrong("its numbers are not all in the file".into()))?;
        match numbers.iter().find(|number| !number.is_finite()) {
            Some(number) => Err(wrong(format!("expected finite numbers, found {number}"))),
            None => Ok(numbers),
        }
    }

    fn view(&self, name: &str) -> Option<&View> {
        self.found.tensors.iter().find(|(found, _)| found == name).map(|(_, view)| view)
    }
}

/// Whether a file holds named weights, by its first bytes and, of a ZIP file, by its names.
#[must_use]
pub fn is_weights(path: &Path) -> bool {
    let mut start = Vec::new();
    let mut read = || File::open(path)?.take(legacy::MAGIC.len() as u64).read_to_end(&mut start);
    if read().is_err() {
        return false;
    }
    match start.as_slice() {
        [b'P', b'K', 3, 4, ..] => archive::is_weights(path),
        start => start == legacy::MAGIC || start.get(8) == Some(&b'{'),
    }
}

/// First byte and number of bytes of a storage whose block holds `held` bytes of that element.
pub(super) fn extent(
    storage: &StorageRef,
    element: Option<Element>,
    held: u64,
) -> Result<(u64, u64), String> {
    let size = element.map_or(1, Element::size) as u64;
    let [offset, bytes] = [storage.offset, storage.count].map(|n| (n as u64).checked_mul(size));
    match (offset, bytes) {
        (Some(offset), Some(bytes)) if offset.checked_add(bytes).is_some_and(|end| end <= held) => {
            Ok((offset, bytes))
        }
        _ => Err(format!(
            "The storage {} is said to have {} numbers, the file holds {held} bytes of it",
            storage.key, storage.count
        )),
    }
}

/// Begins the message about a pickle, but leaves a refusal to call something as it is.
pub(super) fn broken(what: String) -> String {
    if what.starts_with(char::is_uppercase) { what } else { format!("The pickle is broken: {what}") }
}

/// What a file that begins like this is instead.
fn foreign(start: &[u8]) -> &'static str {
    match start {
        [] => "The file is empty",
        [0x80, ..] => "A pickle, but not one of torch.save; save the model's state_dict() with torch.save",
        start if start.starts_with(b"\x89HDF") => "An HDF5 file; weights of Keras are not read",
        _ => "Neither a file of torch.save nor safetensors, or one cut short",
    }
}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkpoint").field("path", &self.path).finish_non_exhaustive()
    }
}
