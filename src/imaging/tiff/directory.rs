//! The container: header, image file directories and their values (TIFF 6.0, section 2; `BigTIFF`).
//!
//! Nothing is believed: every offset and count is held against the length of the file before a byte is allocated.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::super::bytes::{Input, Order, text};
use super::super::error::Fault;

/// Tags by their numbers in TIFF 6.0 and its supplements.
pub(super) mod tag {
    pub(in super::super) const NEW_SUBFILE_TYPE: u16 = 254;
    pub(in super::super) const SUBFILE_TYPE: u16 = 255;
    pub(in super::super) const IMAGE_WIDTH: u16 = 256;
    pub(in super::super) const IMAGE_LENGTH: u16 = 257;
    pub(in super::super) const BITS_PER_SAMPLE: u16 = 258;
    pub(in super::super) const COMPRESSION: u16 = 259;
    pub(in super::super) const PHOTOMETRIC: u16 = 262;
    pub(in super::super) const FILL_ORDER: u16 = 266;
    pub(in super::super) const IMAGE_DESCRIPTION: u16 = 270;
    pub(in super::super) const MAKE: u16 = 271;
    pub(in super::super) const MODEL: u16 = 272;
    pub(in super::super) const STRIP_OFFSETS: u16 = 273;
    pub(in super::super) const SAMPLES_PER_PIXEL: u16 = 277;
    pub(in super::super) const ROWS_PER_STRIP: u16 = 278;
    pub(in super::super) const STRIP_BYTE_COUNTS: u16 = 279;
    pub(in super::super) const X_RESOLUTION: u16 = 282;
    pub(in super::super) const Y_RESOLUTION: u16 = 283;
    pub(in super::super) const PLANAR_CONFIGURATION: u16 = 284;
    pub(in super::super) const T4_OPTIONS: u16 = 292;
    pub(in super::super) const RESOLUTION_UNIT: u16 = 296;
    pub(in super::super) const SOFTWARE: u16 = 305;
    pub(in super::super) const DATE_TIME: u16 = 306;
    pub(in super::super) const ARTIST: u16 = 315;
    pub(in super::super) const HOST_COMPUTER: u16 = 316;
    pub(in super::super) const PREDICTOR: u16 = 317;
    pub(in super::super) const COLOR_MAP: u16 = 320;
    pub(in super::super) const TILE_WIDTH: u16 = 322;
    pub(in super::super) const TILE_LENGTH: u16 = 323;
    pub(in super::super) const TILE_OFFSETS: u16 = 324;
    pub(in super::super) const TILE_BYTE_COUNTS: u16 = 325;
    pub(in super::super) const SUB_IFDS: u16 = 330;
    pub(in super::super) const EXTRA_SAMPLES: u16 = 338;
    pub(in super::super) const SAMPLE_FORMAT: u16 = 339;
    pub(in super::super) const JPEG_TABLES: u16 = 347;
    pub(in super::super) const IMAGEJ_BYTE_COUNTS: u16 = 50838;
    pub(in super::super) const IMAGEJ_METADATA: u16 = 50839;
}

/// Directories below one page that are looked at: a pyramid of that many levels would begin with 2⁶⁴ pixels a side.
const MOST_BELOW: usize = 64;

/// An open TIFF file.
pub(super) struct Container {
    input: Input,
    pub(super) order: Order,
    big: bool,
}

/// One image file directory: where each tag's values are.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    entries: BTreeMap<u16, Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    /// The field type, 1 (BYTE) to 18 (IFD8).
    kind: u16,
    count: u64,
    /// The last field of the entry: the values themselves where they fit, else their offset.
    field: [u8; 8],
}

impl Directory {
    pub(super) fn has(&self, tag: u16) -> bool {
        self.entries.contains_key(&tag)
    }

    /// Both say the same of a tag, to the place in the file where its values are.
    pub(super) fn shares(&self, other: &Self, tag: u16) -> bool {
        self.entries.get(&tag) == other.entries.get(&tag)
    }
}

impl Container {
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let input = Input::open(path)?;
        let start = input.bytes(0, 4)?;
        let order = if start[0] == b'I' { Order::Little } else { Order::Big };
        Ok(Self { order, big: order.number(&start[2..4]) == 43, input })
    }

    /// Bytes of the whole file.
    pub(super) fn length(&self) -> u64 {
        self.input.length()
    }

    /// All directories of the main chain, in its order (sub-directories are left alone).
    pub(super) fn directories(&self) -> Result<Vec<Directory>, Fault> {
        // Offsets take 8 bytes in BigTIFF, whose header says so once more before the first.
        let (word, first) = if self.big { (8, 8) } else { (4, 4) };
        let bytes = self.bytes(first, word)?;
        let mut next = self.order.number(&bytes);
        let (mut seen, mut directories) = (HashSet::new(), Vec::new());
        while next != 0 {
            if !seen.insert(next) {
                return Err(Fault::Bad("The directories of the TIFF run in a circle".into()));
            }
            let (directory, following) = self.directory(next)?;
            directories.push(directory);
            next = following;
        }
        if directories.is_empty() {
            return Err(Fault::Bad("The TIFF has no image".into()));
        }
        Ok(directories)
    }

    /// The directories that hang below a page, such as smaller copies of it, at most [`MOST_BELOW`] of them.
    pub(super) fn below(&self, directory: &Directory) -> Result<Vec<Directory>, Fault> {
        let offsets = self.numbers(directory, tag::SUB_IFDS)?;
        offsets.into_iter().take(MOST_BELOW).map(|offset| Ok(self.directory(offset)?.0)).collect()
    }

    fn directory(&self, offset: u64) -> Result<(Directory, u64), Fault> {
        let (count_size, entry_size, word) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let bytes = self.bytes(offset, count_size)?;
        let count = self.order.number(&bytes);
        let size = count.checked_mul(entry_size).and_then(|n| n.checked_add(word)).ok_or_else(cut_off)?;
        let bytes = self.bytes(offset + count_size, size)?;
        let (entries, next) = bytes.split_at((count * entry_size) as usize);
        let entries = entries.chunks_exact(entry_size as usize).map(|entry| {
            let (head, field) = entry.split_at(entry.len() - word as usize);
            let mut padded = [0; 8];
            padded[..field.len()].copy_from_slice(field);
            let number = |range: &[u8]| self.order.number(range);
            let (kind, count) = (number(&head[2..4]) as u16, number(&head[4..]));
            (number(&head[..2]) as u16, Entry { kind, count, field: padded })
        });
        Ok((Directory { entries: entries.collect() }, self.order.number(next)))
    }

    /// `length` bytes from `offset`, refused where the file has fewer.
    pub(super) fn bytes(&self, offset: u64, length: u64) -> Result<Vec<u8>, Fault> {
        if offset.checked_add(length).is_none_or(|end| end > self.length()) {
            return Err(cut_off());
        }
        self.input.bytes(offset, length)
    }

    /// The values of a tag as they lie in the file, with the size of one; `None` when the tag is absent.
    fn raw(&self, directory: &Directory, tag: u16) -> Result<Option<(Entry, Vec<u8>)>, Fault> {
        let Some(&entry) = directory.entries.get(&tag) else { return Ok(None) };
        let Some(size) = size_of(entry.kind) else { return Ok(None) };
        let length = entry.count.checked_mul(size).ok_or_else(cut_off)?;
        let room = if self.big { 8 } else { 4 };
        if length <= room {
            return Ok(Some((entry, entry.field[..length as usize].to_vec())));
        }
        let offset = self.order.number(&entry.field[..room as usize]);
        Ok(Some((entry, self.bytes(offset, length)?)))
    }

    /// Whole numbers; empty when the tag is absent.
    pub(super) fn numbers(&self, directory: &Directory, tag: u16) -> Result<Vec<u64>, Fault> {
        let order = self.order;
        Ok(match self.raw(directory, tag)? {
            Some((Entry { kind: 1 | 3 | 4 | 6..=9 | 13 | 16..=18, .. }, bytes)) if !bytes.is_empty() => {
                let size = bytes.len() / directory.entries[&tag].count as usize;
                bytes.chunks_exact(size).map(|b| order.number(b)).collect()
            }
            _ => Vec::new(),
        })
    }

    /// The first whole number of a tag.
    pub(super) fn number(&self, directory: &Directory, tag: u16) -> Result<Option<u64>, Fault> {
        Ok(self.numbers(directory, tag)?.first().copied())
    }

    /// A RATIONAL, FLOAT or DOUBLE as f64.
    pub(super) fn real(&self, directory: &Directory, tag: u16) -> Result<Option<f64>, Fault> {
        let order = self.order;
        Ok(self.raw(directory, tag)?.and_then(|(entry, bytes)| match (entry.kind, bytes.len()) {
            (5, 8..) => Some(order.number(&bytes[..4]) as f64 / order.number(&bytes[4..8]) as f64),
            (10, 8..) => {
                let signed = |bytes: &[u8]| f64::from(order.number(bytes) as u32 as i32);
                Some(signed(&bytes[..4]) / signed(&bytes[4..8]))
            }
            (11, 4..) => Some(f64::from(f32::from_bits(order.number(&bytes[..4]) as u32))),
            (12, 8..) => Some(f64::from_bits(order.number(&bytes[..8]))),
            _ => None,
        }))
    }

    /// Bytes of a tag of any type.
    pub(super) fn blob(&self, directory: &Directory, tag: u16) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.raw(directory, tag)?.map(|(_, bytes)| bytes))
    }

    /// A text up to its first zero byte.
    pub(super) fn text(&self, directory: &Directory, tag: u16) -> Result<Option<String>, Fault> {
        Ok(self.blob(directory, tag)?.map(|bytes| text(&bytes)))
    }
}

/// Bytes of one value of a field type (TIFF 6.0, page 15; `BigTIFF`); `None` for unknown types, which are skipped.
fn size_of(kind: u16) -> Option<u64> {
    Some(match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => return None,
    })
}

fn cut_off() -> Fault {
    Fault::Bad("The TIFF is cut short or damaged: it refers to bytes beyond its end".into())
}
