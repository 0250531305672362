//! Reading a file: its bytes, then its messages. A cut or lying file is refused, and no more is allocated than it holds.

use super::OnnxError;
use super::external::Outside;
use super::proto::{GraphProto, ModelProto};
use prost::Message;
use prost::bytes::Bytes;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Longest file that is read: the most that the format's own libraries can, 2 GiB.
const MAX_LENGTH: u64 = 1 << 31;
/// Most messages in a file. Each takes some hundred bytes of memory, but may take two in the file.
const MAX_MESSAGES: usize = 1 << 20;
/// Operator sets from 7 on; older ones repeat values by other rules.
const OLDEST_OPSET: i64 = 7;

/// An ONNX file, taken apart.
pub struct OnnxFile {
    pub(super) model: ModelProto,
    pub(super) graph: GraphProto,
    pub(super) opset: i64,
    pub(super) outside: Option<Outside>,
}

impl OnnxFile {
    /// "pytorch 2.1" or the like; empty where the file does not say.
    #[must_use]
    pub fn producer(&self) -> String {
        let (name, version) = (&self.model.producer_name, &self.model.producer_version);
        format!("{name} {version}").trim().chars().take(120).collect()
    }

    /// The version of ONNX's operators that it uses.
    #[must_use]
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// Names of its outputs, the first one first.
    #[must_use]
    pub fn outputs(&self) -> Vec<&str> {
        self.graph.output.iter().map(|output| output.name.as_str()).collect()
    }

    /// Names of its inputs that have no numbers of their own, the first one first.
    #[must_use]
    pub fn inputs(&self) -> Vec<&str> {
        let has_numbers = |name: &str| self.graph.initializer.iter().any(|tensor| tensor.name == name);
        let inputs = self.graph.input.iter().map(|input| input.name.as_str());
        inputs.filter(|name| !has_numbers(name)).collect()
    }

    /// What the file says of itself beside the network.
    #[must_use]
    pub fn metadata(&self) -> Vec<(&str, &str)> {
        self.model.metadata_props.iter().map(|entry| (entry.key.as_str(), entry.value.as_str())).collect()
    }
}

/// Reads a file; numbers that stand in files of its folder are read when they are needed.
///
/// # Errors
/// [`OnnxError::File`] when it cannot be read or is no ONNX model.
pub fn read(path: &Path) -> Result<OnnxFile, OnnxError> {
    let failed = |error: std::io::Error| OnnxError::File(error.to_string());
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    if length > MAX_LENGTH {
        return Err(OnnxError::File(format!("The file has {length} bytes; ONNX files have 2 GiB at most")));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(length).read_to_end(&mut bytes).map_err(failed)?;
    let mut read = from_bytes(bytes)?;
    read.outside = Some(Outside::of(path));
    Ok(read)
}

/// Takes the bytes of a file apart; numbers in other files are refused.
///
/// # Errors
/// [`OnnxError::File`] when they are no ONNX model.
pub fn from_bytes(bytes: Vec<u8>) -> Result<OnnxFile, OnnxError> {
    let refuse = |what: String| Err(OnnxError::File(what));
    if bytes.is_empty() {
        return refuse("The file is empty".into());
    }
    let mut left = MAX_MESSAGES;
    if !few_messages(&bytes, &MODEL, &mut left) {
        return refuse(format!("Not an ONNX model, one cut short, or one of more than {MAX_MESSAGES} parts"));
    }
    let mut model = ModelProto::decode(Bytes::from(bytes))
        .map_err(|error| OnnxError::File(format!("Not an ONNX model, or a damaged one ({error})")))?;
    let Some(graph) = model.graph.take() else {
        return refuse("Not an ONNX model: it holds no graph".into());
    };
    let is_own = |domain: &str| domain.is_empty() || domain == "ai.onnx";
    let opset =
        model.opset_import.iter().find(|opset| is_own(&opset.domain)).map_or(1, |opset| opset.version);
    if opset < OLDEST_OPSET {
        return refuse(format!(
            "The model uses operator set {opset}; sets from {OLDEST_OPSET} on are read, which ONNX's version converter makes of older ones"
        ));
    }
    Ok(OnnxFile { model, graph, opset, outside: None })
}

/// Which fields of a message hold messages.
struct Schema(&'static [(u64, &'static Schema)]);

static TENSOR: Schema = Schema(&[(13, &LEAF)]);
static ATTRIBUTE: Schema = Schema(&[(5, &TENSOR)]);
static NODE: Schema = Schema(&[(1, &LEAF), (2, &LEAF), (5, &ATTRIBUTE)]);
static SHAPE: Schema = Schema(&[(1, &LEAF)]);
static TENSOR_TYPE: Schema = Schema(&[(2, &SHAPE)]);
static TYPE: Schema = Schema(&[(1, &TENSOR_TYPE)]);
static VALUE_INFO: Schema = Schema(&[(2, &TYPE)]);
static GRAPH: Schema = Schema(&[(1, &NODE), (5, &TENSOR), (11, &VALUE_INFO), (12, &VALUE_INFO)]);
static FUNCTION: Schema =
    Schema(&[(4, &LEAF), (5, &LEAF), (6, &LEAF), (7, &NODE), (9, &LEAF), (11, &ATTRIBUTE)]);
static MODEL: Schema = Schema(&[(7, &GRAPH), (8, &LEAF), (14, &LEAF), (25, &FUNCTION)]);
static LEAF: Schema = Schema(&[]);

/// Whether a message has no more than `left` messages (and texts) in it; also where it is cut short.
fn few_messages(mut bytes: &[u8], schema: &Schema, left: &mut usize) -> bool {
    while !bytes.is_empty() {
        let Some(key) = varint(&mut bytes) else { return false };
        let length = match key & 7 {
            0 => {
                if varint(&mut bytes).is_none() {
                    return false;
                }
                0
            }
            1 => 8,
            5 => 4,
            2 => match varint(&mut bytes) {
                Some(length) => length,
                None => return false,
            },
            _ => return false,
        };
        let Some((field, rest)) = usize::try_from(length).ok().and_then(|n| bytes.split_at_checked(n)) else {
            return false;
        };
        bytes = rest;
        if let (2, Some((_, inner))) = (key & 7, schema.0.iter().find(|(number, _)| *number == key >> 3)) {
            let Some(fewer) = left.checked_sub(1) else { return false };
            *left = fewer;
            // A leaf's own parts are single.
            if !inner.0.is_empty() && !few_messages(field, inner, left) {
                return false;
            }
        }
    }
    true
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Some(value);
        }
    }
    None
}
