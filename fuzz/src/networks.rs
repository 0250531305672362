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
    read("input.safetensors", &with_length(data), |path| {
        let _ = network::read_model(path);
    });
}

fn with_length(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    let room = (bytes.len() as u64).saturating_sub(8);
    if let Some(length) = bytes.first_chunk_mut::<8>()
        && u64::from_le_bytes(*length) > room
    {
        *length = (u64::from_le_bytes(*length) % (room + 1)).to_le_bytes();
    }
    bytes
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

/// Any bytes as an ONNX file.
pub fn onnx(data: &[u8]) {
    read("input.onnx", data, network::read_onnx);
}

/// PyTorch's files as they are: an archive, or the pickles of older versions one behind the other.
pub fn torch(data: &[u8]) {
    read("input.pt", data, network::read_weights);
}

/// The pickle of an archive, with a block of numbers beside it.
pub fn pickle(data: &[u8]) {
    let entries: [(&str, &[u8]); 3] =
        [("archive/data.pkl", data), ("archive/data/0", &[0x3f; 256]), ("archive/version", b"3\n")];
    let archive = stored_zip(&entries);
    read("input.pt", &archive, network::read_weights);
}

/// Others' safetensors; where the first eight bytes say no header length that there is room for, they are made to.
pub fn weights(data: &[u8]) {
    read("input.safetensors", &with_length(data), network::read_weights);
}

/// A ZIP file of entries that are not compressed.
fn stored_zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in entries {
        writer.start_file(*name, options).expect("memory takes a file");
        writer.write_all(bytes).expect("memory takes bytes");
    }
    writer.finish().expect("memory takes an archive").into_inner()
}
