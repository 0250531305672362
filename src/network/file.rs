//! The container: safetensors (github.com/huggingface/safetensors, "Format"), eight bytes of header length, a JSON
//! header, then the tensors' bytes without gaps. Graph and card stand in the header's metadata as JSON texts.

use super::weights::{check_found, check_memory};
use super::{Graph, ModelCard, NetworkError, TrainingStatistics, Weights};
use crate::compute::memory_of;
use candle_core::{Device, Tensor};
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

/// Longest header that is read, in bytes (safetensors' own bound).
const MAX_HEADER: u64 = 100_000_000;
/// The version of the metadata below; a reader refuses any other.
const FORMAT: &str = "1";
const FORMAT_KEY: &str = "polepiece.format";
const GRAPH_KEY: &str = "polepiece.graph";
const CARD_KEY: &str = "polepiece.card";
const TRAINING_KEY: &str = "polepiece.training";

/// Reads a file from its beginning and hashes what it reads.
struct Hashing<R> {
    reader: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

/// A model file whose header is read and checked, and whose tensors wait to be.
pub(super) struct Opened {
    pub(super) graph: Graph,
    pub(super) card: ModelCard,
    pub(super) training: Option<TrainingStatistics>,
    metadata: Metadata,
    reader: Hashing<BufReader<File>>,
}

impl Opened {
    /// Reads and checks everything before the tensors' bytes: names, shapes, types and lengths too.
    pub(super) fn open(path: &Path) -> Result<Self, NetworkError> {
        Self::read(path).map_err(|error| about(path, error))
    }

    fn read(path: &Path) -> Result<Self, NetworkError> {
        let io = |source| NetworkError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let file_length = file.metadata().map_err(io)?.len();
        let mut reader = Hashing { reader: BufReader::with_capacity(1 << 20, file), hash: Sha256::new() };
        let header = read_header(&mut reader, file_length, path)?;
        let metadata: Metadata = serde_json::from_slice(&header)
            .map_err(|error| damaged(path, format!("Not a model file, its header is broken ({error})")))?;
        let expected = (8 + header.len() as u64).saturating_add(metadata.data_len() as u64);
        if expected != file_length {
            let what = if file_length < expected { "Cut short" } else { "Longer than its header says" };
            return Err(damaged(path, format!("{what}: expected {expected} bytes, found {file_length}")));
        }
        let (graph, card) = graph_and_card(&metadata, path)?;
        card.check(&graph)?;
        let training = training(&metadata, path)?;
        let names = metadata.offset_keys();
        let found = names.iter().filter_map(|name| Some((name.as_str(), metadata.info(name)?)));
        let types: Vec<String> = found.clone().map(|(_, info)| info.dtype.to_string()).collect();
        let described = found.zip(&types).map(|((name, info), dtype)| {
            (name, info.shape.as_slice(), (info.dtype != Dtype::F32).then_some(dtype.as_str()))
        });
        check_found(&graph, described)?;
        Ok(Self { graph, card, training, metadata, reader })
    }

    /// Reads the tensors; gives them and the SHA-256 of the whole file.
    pub(super) fn weights(mut self, path: &Path, device: &Device) -> Result<(Weights, String), NetworkError> {
        let free = memory_of(device).map(|memory| memory.free);
        check_memory(&self.graph, free).map_err(|error| about(path, error))?;
        let mut weights = Weights::default();
        for name in self.metadata.offset_keys() {
            let Some(info) = self.metadata.info(&name) else { continue };
            // The header's lengths were checked against the file's, so that many bytes are there.
            let mut bytes = vec![0; info.data_offsets.1 - info.data_offsets.0];
            let io = |source| NetworkError::Io { path: path.to_owned(), source };
            self.reader.read_exact(&mut bytes).map_err(io)?;
            let values: Vec<f32> =
                bytes.as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(damaged(path, format!("Weight {name}: expected finite numbers, found {value}")));
            }
            let failed = |source| NetworkError::Compute { node: name.clone(), source };
            let tensor = Tensor::from_vec(values, info.shape.as_slice(), device).map_err(failed)?;
            weights.tensors.insert(name, tensor);
        }
        Ok((weights, crate::files::hex(&self.reader.hash.finalize())))
    }
}

/// The header's bytes. No more is allocated than the file holds.
pub(super) fn read_header(
    reader: &mut impl Read,
    file_length: u64,
    path: &Path,
) -> Result<Vec<u8>, NetworkError> {
    let io = |source| NetworkError::Io { path: path.to_owned(), source };
    if file_length == 0 {
        return Err(damaged(path, "The file is empty".into()));
    }
    if file_length < 8 {
        return Err(damaged(path, format!("Not a model file, or one cut short after {file_length} bytes")));
    }
    let mut length = [0; 8];
    reader.read_exact(&mut length).map_err(io)?;
    let length = u64::from_le_bytes(length);
    if length > (file_length - 8).min(MAX_HEADER) {
        return Err(damaged(
            path,
            format!(
                "Not a model file, or one cut short: a header of {length} bytes in a file of {file_length}"
            ),
        ));
    }
    let mut header = vec![0; length as usize];
    reader.read_exact(&mut header).map_err(io)?;
    Ok(header)
}

fn graph_and_card(metadata: &Metadata, path: &Path) -> Result<(Graph, ModelCard), NetworkError> {
    let text = |key: &str| metadata.metadata().as_ref()?.get(key);
    let (Some(format), Some(graph), Some(card)) = (text(FORMAT_KEY), text(GRAPH_KEY), text(CARD_KEY)) else {
        let what = "Weights without a graph and a card; only model files that Polepiece wrote can be opened";
        return Err(damaged(path, what.into()));
    };
    if format != FORMAT {
        let what = format!("A model file of format {format}; this program reads format {FORMAT}");
        return Err(damaged(path, what));
    }
    let graph = serde_json::from_str(graph)
        .map_err(|error| damaged(path, format!("The model's graph is broken: {error}")))?;
    let card = serde_json::from_str(card)
        .map_err(|error| damaged(path, format!("The model's card is broken: {error}")))?;
    Ok((graph, card))
}

fn training(metadata: &Metadata, path: &Path) -> Result<Option<TrainingStatistics>, NetworkError> {
    let Some(text) = metadata.metadata().as_ref().and_then(|texts| texts.get(TRAINING_KEY)) else {
        return Ok(None);
    };
    let statistics: TrainingStatistics = serde_json::from_str(text)
        .map_err(|error| damaged(path, format!("The model's training statistics are broken: {error}")))?;
    statistics.check()?;
    Ok(Some(statistics))
}

/// Writes the file whole or not at all; the same model gives the same bytes.
pub(super) fn write(
    path: &Path,
    graph: &Graph,
    card: &ModelCard,
    training: Option<&TrainingStatistics>,
    weights: &Weights,
) -> Result<(), NetworkError> {
    let io = |source: io::Error| NetworkError::Io { path: path.to_owned(), source };
    let header = header(graph, card, training, weights).map_err(|error| io(error.into()))?;
    crate::files::write_whole(path, |out| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        for tensor in weights.tensors.values() {
            let values: Vec<f32> =
                tensor.flatten_all().and_then(|flat| flat.to_vec1()).map_err(io::Error::other)?;
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            out.write_all(&bytes)?;
        }
        Ok(())
    })
    .map_err(io)
}

/// The JSON header, padded with spaces so that the tensors begin at a multiple of eight bytes.
fn header(
    graph: &Graph,
    card: &ModelCard,
    training: Option<&TrainingStatistics>,
    weights: &Weights,
) -> serde_json::Result<Vec<u8>> {
    let mut metadata = json!({
        CARD_KEY: serde_json::to_string(card)?,
        FORMAT_KEY: FORMAT,
        GRAPH_KEY: serde_json::to_string(graph)?,
    });
    if let Some(training) = training {
        metadata[TRAINING_KEY] = serde_json::to_string(training)?.into();
    }
    let mut header = Map::new();
    header.insert("__metadata__".into(), metadata);
    let mut start = 0;
    for (name, tensor) in &weights.tensors {
        let end = start + tensor.elem_count() * 4;
        let info = json!({ "dtype": "F32", "shape": tensor.dims(), "data_offsets": [start, end] });
        header.insert(name.clone(), info);
        start = end;
    }
    let mut bytes = serde_json::to_vec(&Value::Object(header))?;
    bytes.resize(bytes.len().next_multiple_of(8), b' ');
    Ok(bytes)
}

fn damaged(path: &Path, what: String) -> NetworkError {
    NetworkError::File { path: path.to_owned(), what }
}

/// Adds the file to an error that does not name it.
fn about(path: &Path, error: NetworkError) -> NetworkError {
    match error {
        NetworkError::File { .. } | NetworkError::Io { .. } | NetworkError::Cancelled(_) => error,
        other => damaged(path, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Model;
    use crate::network::model::tests::tiny;
    use std::path::PathBuf;

    fn load(dir: &tempfile::TempDir, bytes: &[u8]) -> Result<Model, NetworkError> {
        let path = dir.path().join("model.safetensors");
        std::fs::write(&path, bytes).unwrap();
        Model::load(&path, &Device::Cpu)
    }

    /// A file of that header, with that many zeros behind it.
    fn file(header: &Value, data: usize) -> Vec<u8> {
        let header = serde_json::to_vec(header).unwrap();
        [&(header.len() as u64).to_le_bytes(), header.as_slice(), &vec![0; data]].concat()
    }

    /// The header of the tiny model, and the bytes of its weights.
    fn tiny_header() -> (Value, usize) {
        let model = tiny();
        let header = header(&model.graph, &model.card, None, &model.weights).unwrap();
        let data = model.weights.tensors.values().map(Tensor::elem_count).sum::<usize>() * 4;
        (serde_json::from_slice(&header).unwrap(), data)
    }

    fn refuse(bytes: &[u8], expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        let message = load(&dir, bytes).unwrap_err().to_string();
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
        let path = dir.path().join("model.safetensors");
        assert!(
            message.ends_with(&format!(": {}", path.display())),
            "{message:?} does not end with the path"
        );
        assert!(Model::read_header(&path).is_err(), "{expected}");
    }

    #[test]
    fn a_file_cut_anywhere_is_refused_and_so_is_a_longer_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("whole");
        tiny().save(&path).unwrap();
        let whole = std::fs::read(path).unwrap();
        for length in (0..whole.len()).step_by(50).chain([1, 7, 8, 9, whole.len() - 1]) {
            let error = load(&dir, &whole[..length]).unwrap_err();
            assert!(matches!(error, NetworkError::File { .. }), "{length}: {error}");
        }
        refuse(&whole[..whole.len() - 1], "Cut short: expected");
        refuse(&[whole.as_slice(), &[0]].concat(), "Longer than its header says");
        refuse(&[], "The file is empty");
        refuse(b"text", "Not a model file");
        load(&dir, &whole).unwrap();
    }

    #[test]
    fn lying_headers_are_refused_without_taking_the_memory_they_claim() {
        let mut bytes = (1_u64 << 60).to_le_bytes().to_vec();
        bytes.extend(b"{}");
        refuse(&bytes, "a header of 1152921504606846976 bytes in a file of 10");
        refuse(b"This is a text file that somebody renamed.", "Not a model file");
        refuse(&file(&json!([1, 2]), 0), "its header is broken");
        let (good, data) = tiny_header();
        let changed = |name: &str, key: &str, value: Value| {
            let mut header = good.clone();
            header[name][key] = value;
            file(&header, data)
        };
        refuse(&changed("head.bias", "shape", json!([1_u64 << 60])), "its header is broken");
        refuse(&changed("head.bias", "shape", json!([u64::MAX, u64::MAX])), "its header is broken");
        refuse(&changed("head.bias", "data_offsets", json!([8, 4])), "its header is broken");
        let huge = json!({"big": {"dtype": "F32", "shape": [1_u64 << 58], "data_offsets": [0, 1_u64 << 60]}});
        refuse(&file(&huge, 16), "Cut short: expected");
    }

    #[test]
    fn foreign_and_newer_files_are_told_apart_from_damaged_ones() {
        let tensor = json!({"dtype": "F32", "shape": [2], "data_offsets": [0, 8]});
        refuse(&file(&json!({"w": tensor}), 8), "Weights without a graph and a card");
        refuse(&file(&json!({"__metadata__": {"format": "pt"}, "w": tensor}), 8), "Weights without a graph");
        let (mut header, data) = tiny_header();
        header["__metadata__"][FORMAT_KEY] = "2".into();
        refuse(&file(&header, data), "A model file of format 2; this program reads format 1");
    }

    #[test]
    fn wrong_weights_are_named() {
        let (good, data) = tiny_header();
        let change = |change: &dyn Fn(&mut Map<String, Value>), extra: usize, expected: &str| {
            let mut header = good.clone();
            change(header.as_object_mut().unwrap());
            refuse(&file(&header, data + extra), expected);
        };
        change(
            &|h| {
                let info = h.remove("head.bias").unwrap();
                h.insert("foot.bias".into(), info);
            },
            0,
            "Weight head.bias: expected [2], found nothing",
        );
        change(
            &|h| {
                let offsets = json!([data, data + 8]);
                let info = json!({"dtype": "F32", "shape": [2, 1], "data_offsets": offsets});
                h.insert("extra".into(), info);
            },
            8,
            "Weight extra: expected no such weight, found 2×1",
        );
        change(&|h| h["head.bias"]["shape"] = json!([1, 2]), 0, "Weight head.bias: expected [2], found 1×2");
        change(&|h| h["head.bias"]["dtype"] = "I32".into(), 0, "Weight head.bias: expected f32, found i32");
    }

    #[test]
    fn broken_graphs_and_cards_are_named() {
        let (good, data) = tiny_header();
        let change = |key: &str, from: &str, to: &str, expected: &str| {
            let mut header = good.clone();
            let text = header["__metadata__"][key].as_str().unwrap();
            assert!(text.contains(from), "{text}");
            header["__metadata__"][key] = text.replacen(from, to, 1).into();
            refuse(&file(&header, data), expected);
        };
        let first = r#""inputs":["input"]"#;
        change(
            GRAPH_KEY,
            first,
            r#""inputs":["head"]"#,
            "The model's graph is broken: The nodes form a cycle",
        );
        change(GRAPH_KEY, r#""op":"relu""#, r#""op":"warp""#, "unknown variant `warp`");
        change(
            GRAPH_KEY,
            r#""in_channels":1"#,
            r#""in_channels":3"#,
            "Node enc1.conv1: expected 3 channels, found 1×1024×1024",
        );
        change(
            GRAPH_KEY,
            r#""kernel":[3,3]"#,
            r#""kernel":[3,-3]"#,
            "The model's graph is broken: invalid value",
        );
        change(
            CARD_KEY,
            r#""task":"segment""#,
            r#""task":"sing""#,
            "The model's card is broken: unknown variant",
        );
        change(
            CARD_KEY,
            r#""task":"segment""#,
            r#""task":"classify""#,
            "The card promises one answer an image",
        );
        change(CARD_KEY, r#"["grey"]"#, r#"["Al","Ni"]"#, "The card names 2 channels, the graph takes 1");
    }

    #[test]
    fn broken_training_statistics_are_named() {
        let (good, data) = tiny_header();
        let change = |points: Value, expected: &str| {
            let neighbours = json!({"nearest": 1, "points": points, "distances": [1.0]});
            let space = json!({"of": "input", "mean": [0.5], "spread": [1.0], "axes": [], "variances": [], "rest": 1.0,
                "distances": [1.0], "neighbours": neighbours});
            let mut header = good.clone();
            header["__metadata__"][TRAINING_KEY] = json!({"images": 1, "spaces": [space]}).to_string().into();
            refuse(&file(&header, data), expected);
        };
        change(json!([["NaN"]]), "The model's training statistics are broken");
        change(json!([[1e60]]), "The model's training statistics are broken: number out of range");
        change(json!([[1.0, 2.0]]), "The training statistics of input do not fit together");
        change(json!([]), "The training statistics of input do not fit together");
        change(json!(vec![[0.0]; 1_000_000]), "input hold 1000000 images, more than 4096");
    }

    #[test]
    fn weights_that_are_no_numbers_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (header, data) = tiny_header();
        let mut bytes = file(&header, data);
        let last = bytes.len() - 4;
        bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
        let message = load(&dir, &bytes).unwrap_err().to_string();
        assert!(
            message.starts_with("Weight mid.conv2.weight: expected finite numbers, found NaN"),
            "{message}"
        );
    }

    #[test]
    fn a_folder_or_a_file_that_is_not_there_is_an_io_error() {
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path().to_owned(), dir.path().join("none"), PathBuf::new()] {
            let error = Model::load(&path, &Device::Cpu).unwrap_err();
            assert!(matches!(error, NetworkError::Io { .. } | NetworkError::File { .. }), "{error}");
        }
    }
}
