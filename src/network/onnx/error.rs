//! What can be wrong with an ONNX file.

/// Messages begin with the cause; the file is named by whoever opened it.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// No ONNX file, a damaged one, or one that is not as it may be.
    #[error("{0}")]
    File(String),
    /// Operators that there is no way for, each with the nodes that are such.
    #[error("No way to run {}", operators.iter().map(|(op, nodes)| format!("{op} ({})", nodes.join(", "))).collect::<Vec<_>>().join("; "))]
    Operators { operators: Vec<(String, Vec<String>)> },
    /// An operator in a form that there is no way for.
    #[error("Node {node} ({op}): {what}")]
    Node { node: String, op: String, what: String },
    /// What was built is no network.
    #[error(transparent)]
    Network(#[from] crate::network::NetworkError),
    #[error(transparent)]
    Cancelled(#[from] crate::monitor::Cancelled),
}
