//! What can be wrong with a network or a model file.

use std::path::PathBuf;

/// Every message begins with the cause; a file's path comes last.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// Shapes that do not fit.
    #[error("Node {node}: expected {expected}, found {found}")]
    Shape { node: String, expected: String, found: String },
    /// The list of nodes is no graph: a missing input, a duplicate name, a cycle, an unused node.
    #[error("{0}")]
    Graph(String),
    /// A weight that is missing, superfluous or of another shape or type.
    #[error("Weight {name}: expected {expected}, found {found}")]
    Weight { name: String, expected: String, found: String },
    /// A card that contradicts itself or the graph.
    #[error("{0}")]
    Card(String),
    /// Not a model file, or a damaged one.
    #[error("{what}: {}", path.display())]
    File { path: PathBuf, what: String },
    /// The file system says no.
    #[error("{source}: {}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// The device says no.
    #[error("Node {node}: {source}")]
    Compute { node: String, source: candle_core::Error },
    #[error(transparent)]
    Cancelled(#[from] crate::monitor::Cancelled),
}
