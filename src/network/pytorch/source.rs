//! Where the numbers of storages lie in a file, and reading them from there.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use zip::read::ZipReadOptions;
use zip::{CompressionMethod, ZipArchive};

/// Unpacked bytes for every byte of file that DEFLATE reaches at most.
const MOST_EXPANSION: u64 = 1032;

/// The bytes of one storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    /// From that byte of the file on.
    At { offset: u64, bytes: u64 },
    /// In an entry of a ZIP file, from that byte of it on.
    Entry { index: usize, offset: u64, bytes: u64 },
}

impl Block {
    pub(super) fn bytes(self) -> u64 {
        match self {
            Self::At { bytes, .. } | Self::Entry { bytes, .. } => bytes,
        }
    }
}

/// The file that the blocks lie in.
pub(super) enum Source {
    Plain(BufReader<File>),
    Zip(Archive),
}

impl Source {
    /// `length` bytes of a block, from its byte `start` on. The caller has held both against the file.
    pub(super) fn read(&mut self, block: Block, start: u64, length: u64) -> Result<Vec<u8>, String> {
        match (self, block) {
            (Self::Plain(reader), Block::At { offset, .. }) => {
                reader.seek(SeekFrom::Start(offset.saturating_add(start))).map_err(|e| e.to_string())?;
                take(reader, length)
            }
            (Self::Zip(archive), Block::Entry { index, offset, .. }) => {
                archive.part(index, offset.saturating_add(start), length)
            }
            _ => Err("The file's storages cannot be found".into()),
        }
    }
}

/// A ZIP file whose entries are found by name. No name is ever taken for a path.
pub(super) struct Archive {
    zip: ZipArchive<BufReader<File>>,
    file_length: u64,
}

impl Archive {
    pub(super) fn open(file: BufReader<File>, file_length: u64) -> Result<Self, String> {
        Ok(Self { zip: ZipArchive::new(file).map_err(|e| damaged(&e))?, file_length })
    }

    /// The names of all entries.
    pub(super) fn names(&self) -> Vec<String> {
        self.zip.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect()
    }

    /// Place and unpacked bytes of an entry; refused when the file cannot hold that many.
    pub(super) fn find(&self, name: &str) -> Result<Option<(usize, u64)>, String> {
        let Some(index) = self.zip.index_for_name(name) else { return Ok(None) };
        let entry = self.zip.by_index_data(index).map_err(|e| damaged(&e))?;
        let (packed, bytes) = (entry.compressed_size(), entry.size());
        let most = match entry.compression() {
            CompressionMethod::Stored => packed,
            _ => packed.saturating_mul(MOST_EXPANSION),
        };
        if packed > self.file_length || bytes > most {
            return Err(format!("The ZIP file is damaged: it claims {bytes} bytes for {name}"));
        }
        Ok(Some((index, bytes)))
    }

    /// A whole entry of at most `most` bytes.
    pub(super) fn whole(&mut self, name: &str, most: u64) -> Result<Option<Vec<u8>>, String> {
        match self.find(name)? {
            Some((_, bytes)) if bytes > most => {
                Err(format!("{name} is longer than {most} bytes, no state dict's is"))
            }
            Some((index, bytes)) => self.part(index, 0, bytes).map(Some),
            None => Ok(None),
        }
    }

    /// A part of an entry. One that is read to its end is held against its checksum.
    fn part(&mut self, index: usize, start: u64, length: u64) -> Result<Vec<u8>, String> {
        // PyTorch writes 0 where it was told to compute no checksums.
        let unchecked = self.zip.by_index_data(index).map_err(|e| damaged(&e))?.crc32() == 0;
        let options = ZipReadOptions::new().ignore_crc32(unchecked);
        let mut entry = self.zip.by_index_with_options(index, options).map_err(|e| damaged(&e))?;
        let skipped = io::copy(&mut entry.by_ref().take(start), &mut io::sink());
        skipped.map_err(|e| damaged(&e.into()))?;
        let bytes = take(&mut entry, length)?;
        // The checksum is compared when the entry is at its end.
        entry.read(&mut [0]).map_err(|e| damaged(&e.into()))?;
        Ok(bytes)
    }
}

/// So many bytes; memory is taken as they come.
fn take(reader: &mut impl Read, length: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    reader.take(length).read_to_end(&mut bytes).map_err(|e| damaged(&e.into()))?;
    if bytes.len() as u64 != length {
        return Err(format!("Cut short: expected {length} bytes, found {}", bytes.len()));
    }
    Ok(bytes)
}

fn damaged(error: &zip::result::ZipError) -> String {
    format!("The ZIP file is damaged or of an unknown kind: {error}")
}
