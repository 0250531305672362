//! What an ONNX value is while the network is built.

use super::known::{Element, Known};
use super::size::Size;
use std::rc::Rc;

#[derive(Clone)]
pub(super) enum Value {
    Known(Rc<Known>),
    Live(Live),
}

impl From<Known> for Value {
    fn from(known: Known) -> Self {
        Self::Known(Rc::new(known))
    }
}

/// A value that the network computes.
#[derive(Clone)]
pub(super) struct Live {
    /// Place of its node among those made so far.
    pub(super) node: usize,
    /// All of ONNX's axes.
    pub(super) dims: Vec<Size>,
    /// Whether the first of them is the network's batch, which the node's own shape does not count.
    pub(super) batched: bool,
    pub(super) element: Element,
}

impl Live {
    pub(super) fn rank(&self) -> usize {
        self.dims.len()
    }

    /// The axes that the node's own shape counts.
    pub(super) fn own(&self) -> &[Size] {
        self.dims.get(usize::from(self.batched)..).unwrap_or_default()
    }

    /// The node's axis for one of ONNX's; `None` for the batch.
    pub(super) fn own_axis(&self, axis: usize) -> Option<usize> {
        axis.checked_sub(usize::from(self.batched))
    }
}

impl Value {
    pub(super) fn rank(&self) -> usize {
        match self {
            Self::Known(known) => known.shape().len(),
            Self::Live(live) => live.rank(),
        }
    }

    pub(super) fn dims(&self) -> Vec<Size> {
        match self {
            Self::Known(known) => known.shape().iter().map(|&n| Size::from(n)).collect(),
            Self::Live(live) => live.dims.clone(),
        }
    }

    pub(super) fn element(&self) -> Element {
        match self {
            Self::Known(known) => known.element,
            Self::Live(live) => live.element,
        }
    }
}
