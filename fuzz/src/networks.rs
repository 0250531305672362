//! Networks made to begin as their files do, so that the fuzzer need not guess it.

use std::path::Path;

use crate::network::{self, Graph};
use crate::within;

/// Bytes that may be taken whatever the file: graphs and cards are small.
const ANY_NETWORK: usize = 64 << 20;
/// Bytes that may be taken for each byte of the file: a number of one byte becomes an f32, text of a few bytes a node or
/// a value with its name, and both may be there twice.
const EACH_BYTE: usize = 1024;

fn read(name: &str, bytes: &[u8], look: impl Fn(&Path)) {
    within(name, bytes, ANY_NETWORK + EACH_BYTE * bytes.len(), look);
}

/// A model file. Where its first eight bytes say no header length that the file has room for, they are made to.
pub fn model(data: &[u8]) {
    let mut bytes = data.to_vec();
    let room = (bytes.len() as u64).saturating_sub(8);
    if let Some(length) = bytes.first_chunk_mut::<8>()
        && u64::from_le_bytes(*length) > room
    {
        *length = (u64::from_le_bytes(*length) % (room + 1)).to_le_bytes();
    }
    read("input.safetensors", &bytes, |path| {
        let _ = network::read_model(path);
    });
}

/// The JSON of a graph, as it stands in a model file.
pub fn graph(data: &[u8]) {
    read("input.json", data, |path| {
        let Ok(text) = std::fs::read(path) else { return };
        if let Ok(graph) = serde_json::from_slice::<Graph>(&text) {
            network::look(&graph);
        }
    });
}
