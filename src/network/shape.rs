//! Shapes of all nodes for an input size; a method on Graph.
use super::{Graph, NetworkError};
impl Graph {
    /// Output shape of every node, without the batch axis: `[c, y, x]` or `[features]`, for an input `[c, y, x]`.
    ///
    /// # Errors
    /// Names the node, what it expected and what it found.
    pub fn shapes(&self, _input: [usize; 3]) -> Result<Vec<Vec<usize>>, NetworkError> {
        todo!()
    }
}
