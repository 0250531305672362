//! Files of `torch.save` before PyTorch 1.6: five pickles in a row (a magic number, a version, the machine, the object, the
//! storages' keys), then each storage as its count and its numbers.

use super::source::{Block, Source};
use super::state::{State, state_dict};
use super::values::{Pickled, Value};
use super::{Found, MAX_PICKLE, broken, pickle};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

/// How such a file begins: protocol 2, a long integer of ten bytes, which are 0x1950a86a20f9469cfc6c.
pub(super) const MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
/// The version that all such files have.
const PROTOCOL: i64 = 1001;

pub(super) fn read(mut file: BufReader<File>, file_length: u64, key: Option<&str>) -> Result<Found, String> {
    let mut bytes = Vec::new();
    file.by_ref().take(MAX_PICKLE).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    let (version, end) = pickle::read(&bytes, MAGIC.len()).map_err(broken)?;
    if *version.values.get(version.root) != Value::Int(PROTOCOL) {
        return Err("A file of PyTorch's old kind in an unknown version".into());
    }
    // The machine it was written on, which matters not: counts and numbers are little-endian on every one.
    let (_, end) = pickle::read(&bytes, end).map_err(broken)?;
    let (pickled, end) = pickle::read(&bytes, end).map_err(broken)?;
    let State { tensors, notes } = state_dict(&pickled, key)?;
    let (keys, end) = pickle::read(&bytes, end).map_err(broken)?;
    let places = places(&mut file, file_length, end as u64, &keys, &pickled)?;
    let mut blocks = Vec::new();
    for storage in &pickled.values.storages {
        let Some(&(start, held, element)) = places.get(storage.key.as_str()) else {
            return Err(format!("The file has no storage {}", storage.key));
        };
        let (offset, bytes) = super::extent(storage, element, held)?;
        blocks.push(Block::At { offset: start + offset, bytes });
    }
    let source = Source::Plain(file);
    Ok(Found { source, blocks, tensors, notes, big_endian: false, ordered: true })
}

/// Where a storage begins, how many bytes it has, and of what type they are.
type Place = (u64, u64, Option<super::element::Element>);

/// Walks over the storages behind the pickles, in the order of their keys, without reading their numbers.
fn places<'a>(
    file: &mut BufReader<File>,
    file_length: u64,
    mut at: u64,
    keys: &Pickled<'a>,
    pickled: &Pickled<'_>,
) -> Result<BTreeMap<&'a str, Place>, String> {
    let mut elements = BTreeMap::new();
    for storage in &pickled.values.storages {
        let element = *elements.entry(storage.key.as_str()).or_insert(storage.element);
        if element != storage.element {
            return Err(format!("The storage {} is said to hold two types of numbers", storage.key));
        }
    }
    let mut places = BTreeMap::new();
    for &key in keys.values.items(keys.root).unwrap_or_default() {
        let key = keys.text(key).ok_or("A storage's key is no text")?;
        let Some(&element) = elements.get(key) else {
            return Err(format!("The storage {key} belongs to no tensor, so its size is unknown"));
        };
        let mut count = [0; 8];
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut count)).map_err(|_| cut(key))?;
        let count = u64::from_le_bytes(count);
        let bytes = count.checked_mul(element.map_or(1, |element| element.size() as u64));
        let end = bytes.and_then(|bytes| bytes.checked_add(at + 8));
        let (Some(bytes), Some(end)) = (bytes, end.filter(|&end| end <= file_length)) else {
            return Err(format!("{}: it is said to have {count} numbers", cut(key)));
        };
        places.insert(key, (at + 8, bytes, element));
        at = end;
    }
    Ok(places)
}

fn cut(key: &str) -> String {
    format!("Cut short in the storage {key}")
}
