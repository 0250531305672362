//! A piece of an image on which a network answers as on the whole image, at some places.
//!
//! Outside its theoretical window nothing changes a value, so it is enough to show the network the window. A piece begins
//! on the network's stride grid and ends as far from the image's end as a whole number of strides, so that pooling and
//! cropping see the same pixels.
use super::AnalysisError;
use crate::network::{Graph, describe, receptive_fields, total_stride};
use std::ops::Range;

/// Rows and columns of the network's input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) part: [Range<usize>; 2],
    /// How many rows and columns of the last node's value lie before it.
    before: [usize; 2],
}

impl Piece {
    /// All of an image `[y, x]`.
    pub(super) fn whole(input: [usize; 2]) -> Self {
        Self { part: input.map(|length| 0..length), before: [0, 0] }
    }

    /// Around a window of the input, in which the last node's values up to place `last` see everything they can; the
    /// whole image where they see everything, or where a node does not take so small an image.
    pub(super) fn around(
        graph: &Graph,
        window: Option<&[Range<i64>; 2]>,
        input: [usize; 2],
        last: [usize; 2],
    ) -> Result<Self, AnalysisError> {
        let whole = Self::whole(input);
        let field = receptive_fields(graph).pop().flatten();
        let (Some(window), Some(field)) = (window, field) else { return Ok(whole) };
        let sees = |axis: usize| window[axis].start < input[axis] as i64 && window[axis].end > 0;
        if window.iter().any(Range::is_empty) || !(sees(0) && sees(1)) {
            return Err(AnalysisError::Place("That place sees nothing of the image".to_owned()));
        }
        let stride = total_stride(graph);
        let part = [0, 1].map(|axis| {
            let (stride, length) = (stride[axis].max(1), input[axis]);
            let start = window[axis].start.max(0) as usize / stride * stride;
            let end = (window[axis].end as usize).min(length);
            start..length - (length - end) / stride * stride
        });
        let before = [0, 1].map(|axis| (part[axis].start as f64 / field.jump[axis]).round() as usize);
        let piece = Self { part, before };
        Ok(if piece.holds(graph, last) { piece } else { whole })
    }

    /// Where a place of the last node's value is when the network sees only the piece.
    pub(super) fn place(&self, at: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|axis| at[axis].saturating_sub(self.before[axis]))
    }

    /// Rows by columns.
    pub(super) fn size(&self) -> [usize; 2] {
        [self.part[0].len(), self.part[1].len()]
    }

    /// Whether the network takes an image of this size, and has the value there.
    fn holds(&self, graph: &Graph, last: [usize; 2]) -> bool {
        let ([y, x], at) = (self.size(), self.place(last));
        let shapes = graph.shapes([graph.input_channels(), y, x]);
        let found = shapes.ok().and_then(|mut shapes| shapes.pop());
        matches!(found.as_deref(), Some([_, y, x]) if at[0] < *y && at[1] < *x)
    }

    /// Bytes that the way back takes at most: every value is kept until its gradient is known, and besides those there
    /// are at most a few gradients.
    pub(super) fn way_back_bytes(&self, graph: &Graph) -> Result<u64, AnalysisError> {
        let [y, x] = self.size();
        let nodes = describe(graph, [graph.input_channels(), y, x])?;
        let all = nodes.iter().fold(0_u64, |sum, node| sum.saturating_add(node.activation_bytes));
        let most = nodes.iter().map(|node| node.activation_bytes).max().unwrap_or(0);
        Ok(all.saturating_add(most.saturating_mul(4)))
    }
}
