//! Safetensors files of others: names, shapes and numbers without a graph.

use super::Found;
use super::element::Element;
use super::source::{Block, Source};
use super::state::State;
use super::view::View;
use crate::network::NetworkError;
use crate::network::file::read_header;
use safetensors::tensor::Metadata;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

pub(super) fn read(
    mut file: BufReader<File>,
    file_length: u64,
    path: &Path,
    key: Option<&str>,
) -> Result<Found, NetworkError> {
    let header = read_header(&mut file, file_length, path)?;
    let wrong = |what: String| NetworkError::File { path: path.to_owned(), what };
    let metadata: Metadata = serde_json::from_slice(&header)
        .map_err(|error| wrong(format!("Not a safetensors file, its header is broken ({error})")))?;
    let start = 8 + header.len() as u64;
    let expected = start.saturating_add(metadata.data_len() as u64);
    if expected != file_length {
        let what = if file_length < expected { "Cut short" } else { "Longer than its header says" };
        return Err(wrong(format!("{what}: expected {expected} bytes, found {file_length}")));
    }
    let (mut tensors, mut blocks) = (Vec::new(), Vec::new());
    for name in metadata.offset_keys() {
        let Some(info) = metadata.info(&name) else { continue };
        let element = Element::of_safetensors(&info.dtype.to_string())
            .ok_or_else(|| wrong(format!("Weight {name} has the unknown type {}", info.dtype)))?;
        let view = View::contiguous(blocks.len(), element, info.shape.clone()).map_err(wrong)?;
        let (from, to) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
        blocks.push(Block::At { offset: start + from, bytes: to - from });
        tensors.push((name, view));
    }
    let mut state = State { tensors, notes: Vec::new() };
    if let Some(key) = key {
        state = state.below(key).map_err(wrong)?;
    }
    let (State { tensors, notes }, source) = (state, Source::Plain(file));
    // Safetensors sorts by type and name, so that its order is not the network's.
    Ok(Found { source, blocks, tensors, notes, big_endian: false, ordered: false })
}
