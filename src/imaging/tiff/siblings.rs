//! The files beside an OME-TIFF that its planes, or its XML, may be in.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::super::bytes::{Input, text};
use super::super::error::Fault;
use super::ome_xml::TiffData;
use super::open::pages_of;
use super::page::Page;

/// The pages of a file, or why there are none.
type Pages = Result<Vec<Option<Page>>, String>;

/// The file that was opened, and those beside it that have been asked for.
pub(super) struct Siblings<'a> {
    path: &'a Path,
    /// The identity of the opened file.
    uuid: Option<String>,
    own: &'a [Option<Page>],
    read: HashMap<String, Pages>,
}

impl<'a> Siblings<'a> {
    /// `own` are the pages of the opened file.
    pub(super) fn new(path: &'a Path, uuid: Option<String>, own: &'a [Option<Page>]) -> Self {
        Self { path, uuid, own, read: HashMap::new() }
    }

    /// The pages of the file that a block of planes is in.
    ///
    /// # Errors
    /// Why there are none, with the name of the file.
    pub(super) fn pages(&mut self, block: &TiffData) -> Result<&[Option<Page>], String> {
        if self.is_own(block) {
            return Ok(self.own);
        }
        let Some(name) = &block.file_name else {
            return Err("another file, which has no name".into());
        };
        let path = self.path;
        let read = self.read.entry(name.clone()).or_insert_with(|| read(path, name));
        read.as_deref().map_err(|why| format!("{name}, {why}"))
    }

    /// Neither an identity nor a name says otherwise; a file that was renamed keeps its identity.
    pub(super) fn is_own(&self, block: &TiffData) -> bool {
        let named =
            block.file_name.as_deref().map(|name| self.path.file_name().is_some_and(|own| own == name));
        match (&block.uuid, &self.uuid) {
            (Some(theirs), Some(own)) => theirs == own,
            (Some(_), None) => named == Some(true),
            (None, _) => named != Some(false),
        }
    }
}

/// Only a plain name is followed: a file of this folder.
fn read(path: &Path, name: &str) -> Pages {
    let sibling = beside(path, name)?;
    let shared: Arc<Path> = sibling.clone().into();
    let mut pages = pages_of(&sibling).map_err(why)?;
    pages.iter_mut().flatten().for_each(|page| page.elsewhere = Some(Arc::clone(&shared)));
    Ok(pages)
}

fn beside(path: &Path, name: &str) -> Result<std::path::PathBuf, String> {
    if Path::new(name).file_name().is_none_or(|plain| plain != name) {
        return Err("which is in another folder".into());
    }
    let sibling = path.with_file_name(name);
    if sibling.is_file() { Ok(sibling) } else { Err("which is not beside this one".into()) }
}

/// Bytes of a companion's XML that are read at most.
const LONGEST: u64 = 256 << 20;

/// The XML in a file of its own.
///
/// # Errors
/// Why there is none.
pub(super) fn companion(path: &Path, name: &str) -> Result<String, String> {
    let sibling = beside(path, name)?;
    let read = Input::open(&sibling).and_then(|input| {
        let length = input.length();
        if length > LONGEST {
            return Err(Fault::Unsupported(format!("its {length} bytes are too many for metadata")));
        }
        input.bytes(0, length)
    });
    Ok(text(&read.map_err(why)?))
}

fn why(fault: Fault) -> String {
    match fault {
        Fault::Bad(why) | Fault::Unsupported(why) => format!("which cannot be read: {why}"),
        Fault::Io(error) => format!("which cannot be read: {error}"),
    }
}
