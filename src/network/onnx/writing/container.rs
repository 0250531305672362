//! The file's bytes: the network first, then the weights, one at a time, so that they are never in memory twice.
//!
//! Protocol buffers (protobuf.dev, "Encoding"): a field is a key, which is its number and how it is packed, and for all
//! that has a length the length and that many bytes.

use crate::files::write_whole;
use crate::monitor::{Cancelled, Monitor};
use crate::network::NetworkError;
use crate::network::onnx::proto::{GraphProto, ModelProto, TensorProto, data_type};
use candle_core::Tensor;
use prost::Message;
use std::io::{self, Write};
use std::path::Path;

/// Longest file that readers of protocol buffers take.
const MOST_BYTES: usize = i32::MAX as usize;

/// Keys of fields that have a length: eight times the field's number, and 2.
const GRAPH_OF_MODEL: u8 = 7 << 3 | 2;
const INITIALIZER_OF_GRAPH: u8 = 5 << 3 | 2;
const RAW_DATA_OF_TENSOR: u8 = 9 << 3 | 2;

/// A weight under its name, with the shape that the file gives it.
pub(super) struct Weight<'a> {
    pub(super) name: String,
    pub(super) dims: Vec<i64>,
    pub(super) tensor: &'a Tensor,
}

impl Weight<'_> {
    /// All of the tensor's message but its numbers, which come last.
    fn head(&self) -> Vec<u8> {
        let (name, dims) = (self.name.clone(), self.dims.clone());
        TensorProto { dims, data_type: data_type::FLOAT, name, ..TensorProto::default() }.encode_to_vec()
    }

    fn data_bytes(&self) -> usize {
        self.tensor.elem_count().saturating_mul(4)
    }

    /// Bytes of the tensor's message.
    fn bytes(&self) -> usize {
        self.head().len() + 1 + prost::length_delimiter_len(self.data_bytes()) + self.data_bytes()
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        begin(out, INITIALIZER_OF_GRAPH, self.bytes())?;
        out.write_all(&self.head())?;
        begin(out, RAW_DATA_OF_TENSOR, self.data_bytes())?;
        let values: Vec<f32> =
            self.tensor.flatten_all().and_then(|flat| flat.to_vec1()).map_err(io::Error::other)?;
        values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
    }
}

/// Why a file broke off.
enum Broken {
    Io(io::Error),
    Cancelled(Cancelled),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes the model with this graph and these weights, whole or not at all.
pub(super) fn write(
    path: &Path,
    model: &ModelProto,
    graph: &GraphProto,
    weights: &[Weight<'_>],
    monitor: &Monitor,
) -> Result<(), NetworkError> {
    let (model, graph) = (model.encode_to_vec(), graph.encode_to_vec());
    let field = |bytes: usize| 1 + prost::length_delimiter_len(bytes) + bytes;
    let length = weights.iter().fold(graph.len(), |sum, weight| sum.saturating_add(field(weight.bytes())));
    if length.saturating_add(model.len()) > MOST_BYTES {
        let gigabytes = length as f64 / 1e9;
        let what = format!("An ONNX file holds 2 GB at most; this network would take {gigabytes:.1} GB");
        return Err(NetworkError::File { path: path.to_owned(), what });
    }
    let written = write_whole(path, |out| {
        out.write_all(&model)?;
        begin(out, GRAPH_OF_MODEL, length)?;
        out.write_all(&graph)?;
        for (done, weight) in weights.iter().enumerate() {
            monitor.progress(done, weights.len()).map_err(Broken::Cancelled)?;
            weight.write(out)?;
        }
        Ok(())
    });
    written.map_err(|broken| match broken {
        Broken::Io(source) => NetworkError::Io { path: path.to_owned(), source },
        Broken::Cancelled(cancelled) => cancelled.into(),
    })
}

/// A field's key and length.
fn begin(out: &mut impl Write, key: u8, length: usize) -> io::Result<()> {
    let mut bytes = vec![key];
    prost::encode_length_delimiter(length, &mut bytes).map_err(io::Error::other)?;
    out.write_all(&bytes)
}
