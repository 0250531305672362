//! Groups, attributes and small datasets of an HDF5 file, through the `hdf5-pure` crate.
//!
//! The crate walks the file's own structures; every byte it gets comes through [`Input`], which holds each request
//! against the file's length. Large data goes past it: see [`super::array`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hdf5_pure::{
    AttrValue, Dataset, Error, File, FileAccessProperties, FormatError, Group, MetadataCacheConfig, Source,
};

use super::super::bytes::Input;
use super::super::error::Fault;
use super::super::metadata::{Metadata, below};
use super::value;

/// Bytes of the file's structures that are kept while it is looked through.
const CACHE_BYTES: usize = 4 << 20;
/// Groups inside of groups; a file may link a group into itself.
const DEEPEST: usize = 24;
/// Objects of a file that are looked at.
pub(super) const MOST_OBJECTS: usize = 20_000;
/// Values that a dataset has for every byte of the file, at most: DEFLATE makes 1032 of one.
pub(super) const MOST_EXPANSION: u64 = 2048;

/// Runs third-party code over untrusted bytes: what it refuses, and a panic in it, is one file's error.
pub(super) fn guarded<T>(read: impl FnOnce() -> Result<T, Error>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Error::Io(e))) => Err(e.into()),
        Ok(Err(e)) => Err(Fault::Bad(format!("The HDF5 structure is damaged or of an unknown kind: {e}"))),
        Err(_) => Err(Fault::Bad("The HDF5 structure is damaged".into())),
    }
}

/// What the crate reads from.
struct Bytes(Arc<Input>);

impl Source for Bytes {
    fn len(&self) -> u64 {
        self.0.length()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), FormatError> {
        self.0.fill(offset, into).map_err(|fault| {
            FormatError::Source(match fault {
                Fault::Bad(what) | Fault::Unsupported(what) => what,
                Fault::Io(e) => e.to_string(),
            })
        })
    }
}

/// An open file.
pub(super) struct Tree {
    pub(super) path: PathBuf,
    pub(super) length: u64,
    file: File,
    /// Groups that could not be looked into.
    damaged: Arc<AtomicUsize>,
}

impl Tree {
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let input = Arc::new(Input::open(path)?);
        let length = input.length();
        let access = FileAccessProperties::new().with_metadata_cache(MetadataCacheConfig::new(CACHE_BYTES));
        let file = guarded(|| File::from_source_with_options(Bytes(input), access))?;
        let end = file.superblock().eof_address;
        if end > length {
            return Err(Fault::Bad(format!(
                "The file is cut short: it had {end} bytes and there are {length}"
            )));
        }
        Ok(Self { path: path.to_path_buf(), length, file, damaged: Arc::default() })
    }

    pub(super) fn root(&self) -> Result<Node, Fault> {
        let group = guarded(|| Ok(self.file.root()))?;
        Ok(Node { group, path: String::new(), depth: 0, damaged: Arc::clone(&self.damaged) })
    }

    /// Number of groups so far that could not be looked into.
    pub(super) fn damaged(&self) -> usize {
        self.damaged.load(Ordering::Relaxed)
    }

    /// The group at a path such as `Data/Image`; `None` where there is none.
    pub(super) fn group(&self, path: &str) -> Option<Node> {
        path.split('/').try_fold(self.root().ok()?, |node, name| node.child(name))
    }

    /// The dataset at a path.
    pub(super) fn dataset(&self, path: &str) -> Result<Dataset, Fault> {
        guarded(|| self.file.dataset(path))
    }
}

/// One group.
#[derive(Clone)]
pub(super) struct Node {
    group: Group,
    /// From the root, without a slash before it; empty for the root.
    pub(super) path: String,
    depth: usize,
    damaged: Arc<AtomicUsize>,
}

impl Node {
    /// The last part of the path.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The path of something in this group.
    pub(super) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) }
    }

    pub(super) fn child(&self, name: &str) -> Option<Self> {
        if self.depth >= DEEPEST || name.is_empty() {
            return None;
        }
        let group = guarded(|| self.group.group(name)).ok()?;
        let damaged = Arc::clone(&self.damaged);
        Some(Self { group, path: self.path_of(name), depth: self.depth + 1, damaged })
    }

    /// What was read, or nothing, which is counted.
    fn counted<T: Default>(&self, read: Result<T, Fault>) -> T {
        read.unwrap_or_else(|_| {
            self.damaged.fetch_add(1, Ordering::Relaxed);
            T::default()
        })
    }

    /// The groups in it, by name, numbers by size.
    pub(super) fn children(&self) -> Vec<Self> {
        let names = sorted(self.counted(guarded(|| self.group.groups())));
        names.iter().filter_map(|name| self.child(name)).collect()
    }

    /// Names of the datasets in it.
    pub(super) fn datasets(&self) -> Vec<String> {
        sorted(self.counted(guarded(|| self.group.datasets())))
    }

    pub(super) fn dataset(&self, name: &str) -> Result<Dataset, Fault> {
        guarded(|| self.group.dataset(name))
    }

    /// Every attribute that is a number, a text or a list of them, by name.
    pub(super) fn attributes(&self) -> Vec<(String, AttrValue)> {
        let mut all: Vec<_> = self.counted(guarded(|| self.group.attrs())).into_iter().collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    pub(super) fn attribute(&self, name: &str) -> Option<AttrValue> {
        guarded(|| self.group.attrs()).ok()?.remove(name)
    }

    /// A number, as an attribute of that name.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        value::number(&self.attribute(name)?)
    }

    /// A text, as an attribute of that name.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        Some(value::text(&self.attribute(name)?))
    }

    /// Puts the attributes of this group and all below into `metadata`, each by its path below `prefix`.
    pub(super) fn describe(&self, prefix: &str, metadata: &mut Metadata, budget: &mut usize) {
        for (name, value) in self.attributes() {
            metadata.push(below(prefix, &name), value::text(&value));
        }
        for child in self.children() {
            let Some(left) = budget.checked_sub(1) else {
                metadata.push(below(prefix, "…"), "More groups, which are not listed");
                return;
            };
            *budget = left;
            child.describe(&below(prefix, child.name()), metadata, budget);
        }
    }

    /// This group and all below, until `budget` runs out.
    pub(super) fn walk(&self, budget: &mut usize, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        for child in self.children() {
            let Some(left) = budget.checked_sub(1) else { return };
            *budget = left;
            child.walk(budget, visit);
        }
    }
}

/// `[2]` before `[10]`, `group 2` before `group 10`.
fn sorted(mut names: Vec<String>) -> Vec<String> {
    let key = |name: &String| {
        let digits: String = name.chars().filter(char::is_ascii_digit).collect();
        let words: String = name.chars().filter(|c| !c.is_ascii_digit()).collect();
        (words, digits.len(), digits)
    };
    // Names of digits and letters in turns, as UUIDs are, have no order but that of their text.
    let numbered = names.iter().all(|name| {
        let pairs = name.as_bytes().windows(2);
        pairs.filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count() <= 2
    });
    if numbered {
        names.sort_by_cached_key(key);
    } else {
        names.sort();
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_numbers_are_in_the_order_of_the_numbers() {
        let of = |names: &[&str]| sorted(names.iter().map(|&n| n.to_owned()).collect());
        assert_eq!(of(&["[10]", "[2]", "[1]"]), ["[1]", "[2]", "[10]"]);
        assert_eq!(of(&["b", "a"]), ["a", "b"]);
        assert_eq!(of(&["1f2a", "0b11"]), ["0b11", "1f2a"]);
    }
}
