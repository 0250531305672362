//! The network under construction: nodes made so far, and the moves between ONNX's axes and the network's.
//!
//! ONNX counts the batch as axis 0, the network does not. A value whose first axis is the network's batch is *batched*;
//! a batch of one may be had as an axis of its own and the other way round, so that whatever an operator does with
//! axis 0 is done to each image by itself.

use super::known::{Element, Known};
use super::names::Names;
use super::size::Size;
use super::value::{Live, Value};
use super::{Refused, refuse};
use crate::network::{Extent, Op};
use ndarray::ArrayD;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Most nodes a network may have.
const MOST_NODES: usize = 100_000;

/// A node of the network to be.
pub(super) struct Made {
    pub(super) name: String,
    pub(super) op: Op,
    pub(super) inputs: Vec<usize>,
    /// Suffixes ("weight", "bias"…) and numbers.
    pub(super) weights: Vec<(&'static str, ArrayD<f32>)>,
    /// Its shape, the batch apart.
    pub(super) own: Vec<Size>,
}

pub(super) struct Builder {
    pub(super) nodes: Vec<Made>,
    pub(super) notes: Vec<String>,
    pub(super) names: Names,
    /// What the node under way will be called.
    pub(super) base: String,
    /// Whether anything that is only nearly what the file says is refused.
    pub(super) strict: bool,
    /// Cuts of one axis to the middle, and what they cut.
    pub(super) half_cut: BTreeMap<usize, usize>,
    unknowns: usize,
    constants: Vec<(Rc<Known>, usize)>,
}

impl Builder {
    pub(super) fn new(names: Names, strict: bool) -> Self {
        let (nodes, notes, constants) = (Vec::new(), Vec::new(), Vec::new());
        let (base, half_cut) = (String::new(), BTreeMap::new());
        Self { nodes, notes, names, base, strict, half_cut, unknowns: 0, constants }
    }

    /// Says something about the import, once.
    pub(super) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Something that is only nearly what the file says: refused where that is wanted, else said.
    pub(super) fn nearly(&mut self, what: &str) -> Result<(), Refused> {
        if self.strict {
            return refuse(what);
        }
        self.note(format!("{}: {what}", self.base));
        Ok(())
    }

    /// A size, or one unlike all others where it cannot be told.
    pub(super) fn size(&mut self, size: Option<Size>) -> Size {
        size.unwrap_or_else(|| {
            self.unknowns += 1;
            Size::unknown(self.unknowns)
        })
    }

    /// Adds a node; helpers beside the node itself have a suffix.
    pub(super) fn make(
        &mut self,
        suffix: &str,
        op: Op,
        inputs: Vec<usize>,
        own: Vec<Size>,
    ) -> Result<usize, Refused> {
        if self.nodes.len() >= MOST_NODES {
            return refuse(format!("the network has more than {MOST_NODES} nodes"));
        }
        let name = if suffix.is_empty() { self.base.clone() } else { format!("{}_{suffix}", self.base) };
        let name = self.names.unique(&name);
        self.nodes.push(Made { name, op, inputs, weights: Vec::new(), own });
        Ok(self.nodes.len() - 1)
    }

    /// The same with numbers of its own.
    pub(super) fn make_weighted(
        &mut self,
        op: Op,
        input: usize,
        own: Vec<Size>,
        weights: Vec<(&'static str, ArrayD<f32>)>,
    ) -> Result<usize, Refused> {
        let node = self.make("", op, vec![input], own)?;
        self.nodes[node].weights = weights;
        Ok(node)
    }

    /// An operation on one value that gives one with these axes of its own, batched as before.
    pub(super) fn after(
        &mut self,
        suffix: &str,
        live: &Live,
        op: Op,
        own: Vec<Size>,
    ) -> Result<Live, Refused> {
        let node = self.make(suffix, op, vec![live.node], own.clone())?;
        Ok(live.with(node, own))
    }

    /// An operation that keeps the shape.
    pub(super) fn pointwise(&mut self, suffix: &str, live: &Live, op: Op) -> Result<Live, Refused> {
        self.after(suffix, live, op, live.own().to_vec())
    }

    /// Known numbers as a node.
    pub(super) fn constant(&mut self, known: &Rc<Known>) -> Result<Live, Refused> {
        let dims: Vec<Size> = known.shape().iter().map(|&n| Size::from(n)).collect();
        let live = |node| Live { node, dims: dims.clone(), batched: false, element: known.element };
        if let Some((_, node)) = self.constants.iter().find(|(made, _)| Rc::ptr_eq(made, known)) {
            return Ok(live(*node));
        }
        let Some(values) = known.values() else {
            return refuse("it computes with the image's size, which the network cannot");
        };
        if values.is_empty() {
            return refuse("one of its inputs has no values");
        }
        let shape = values.shape().to_vec();
        let node = self.make("constant", Op::Constant { shape }, Vec::new(), dims.clone())?;
        self.nodes[node].weights = vec![("value", values)];
        self.constants.push((Rc::clone(known), node));
        Ok(live(node))
    }

    /// A value as a node.
    pub(super) fn live(&mut self, value: &Value) -> Result<Live, Refused> {
        match value {
            Value::Live(live) => Ok(live.clone()),
            Value::Known(known) => self.constant(known),
        }
    }

    /// The value with its first axis as the batch.
    pub(super) fn batched(&mut self, live: &Live) -> Result<Live, Refused> {
        if live.batched {
            return Ok(live.clone());
        }
        match live.dims.first() {
            Some(first) if first.is(1) => self.reshape(live, live.dims.clone(), true),
            _ => refuse("its input's first axis is no batch of one image"),
        }
    }

    /// The value with all its axes counted; only a batch of one has such.
    pub(super) fn flat(&mut self, live: &Live) -> Result<Live, Refused> {
        if !live.batched {
            return Ok(live.clone());
        }
        if !live.dims.first().is_some_and(|first| first.is(1)) {
            return refuse("it mixes the images of a batch");
        }
        self.reshape(live, live.dims.clone(), false)
    }

    /// The value as an image [channel, y, x].
    pub(super) fn planes(&mut self, value: &Value) -> Result<Live, Refused> {
        let live = self.live(value)?;
        if live.rank() != 4 {
            return refuse(format!("it takes images, its input has {} axes with the batch", live.rank()));
        }
        self.batched(&live)
    }

    /// The same values with other axes. `dims` are all of ONNX's axes; as many values as before, which the caller knows.
    pub(super) fn reshape(&mut self, live: &Live, dims: Vec<Size>, batched: bool) -> Result<Live, Refused> {
        let own = dims.get(usize::from(batched)..).unwrap_or_default().to_vec();
        let done = |node| Live { node, dims: dims.clone(), batched, element: live.element };
        if own == live.own() {
            return Ok(done(live.node));
        }
        if own.len() == 1 {
            return Ok(done(self.make("flat", Op::Flatten, vec![live.node], own)?));
        }
        let mut from = live.clone();
        // An axis that cannot be told takes what is left; several are made one after another.
        loop {
            let open: Vec<usize> =
                (0..own.len()).filter(|&axis| self.extent(&own[axis], &from).is_none()).collect();
            if open.len() <= 1 {
                let node = self.reshaped(&from, &own, open.first().copied())?;
                return Ok(done(node));
            }
            let Some(step) = first_step(from.own(), &own, &open) else {
                let node = self.reshaped_like(&from, &own, &open)?;
                return Ok(done(node));
            };
            let rest = step.iter().position(|size| self.extent(size, &from).is_none());
            let node = self.reshaped(&from, &step, rest)?;
            from = Live { node, dims: step, batched: false, element: live.element };
        }
    }

    /// How an axis of that size is had from `from`.
    fn extent(&self, size: &Size, from: &Live) -> Option<Extent> {
        if let Some(count) = size.count() {
            return Some(Extent::Size(count));
        }
        let axis = self.nodes[from.node].own.iter().position(|own| own == size)?;
        Some(Extent::Of { input: 0, axis })
    }

    fn reshaped(&mut self, from: &Live, own: &[Size], rest: Option<usize>) -> Result<usize, Refused> {
        let extent = |(axis, size): (usize, &Size)| {
            if rest == Some(axis) { Extent::Rest } else { self.extent(size, from).unwrap_or(Extent::Rest) }
        };
        let shape = own.iter().enumerate().map(extent).collect();
        self.make("reshape", Op::Reshape { shape }, vec![from.node], own.to_vec())
    }

    /// Further axes as long as those of other values; one may be what is left.
    fn reshaped_like(&mut self, from: &Live, own: &[Size], open: &[usize]) -> Result<usize, Refused> {
        let mut inputs = vec![from.node];
        let mut shape = Vec::with_capacity(own.len());
        let mut rest = false;
        for (axis, size) in own.iter().enumerate() {
            let extent = if open.contains(&axis) { None } else { self.extent(size, from) };
            shape.push(match (extent, self.of_size(size)) {
                (Some(extent), _) => extent,
                (None, Some((node, axis))) => {
                    inputs.push(node);
                    Extent::Of { input: inputs.len() - 1, axis }
                }
                (None, None) if !rest => {
                    rest = true;
                    Extent::Rest
                }
                (None, None) => {
                    return refuse("its shape hangs on the image's size in a way the network cannot follow");
                }
            });
        }
        self.make("reshape", Op::Reshape { shape }, inputs, own.to_vec())
    }

    /// A node and its axis of that size.
    fn of_size(&self, size: &Size) -> Option<(usize, usize)> {
        let axis = |made: &Made| made.own.iter().position(|own| own == size);
        self.nodes.iter().enumerate().find_map(|(node, made)| Some((node, axis(made)?)))
    }

    /// A node that is an image of that height and width.
    pub(super) fn of_plane(&self, y: &Size, x: &Size) -> Option<usize> {
        let fits = |made: &Made| matches!(&made.own[..], [_, own_y, own_x] if own_y == y && own_x == x);
        self.nodes.iter().position(fits)
    }

    /// Several values made ready for an operation that repeats them to a common shape.
    pub(super) fn aligned(&mut self, values: &[&Value]) -> Result<Aligned, Refused> {
        let rank = values.iter().map(|value| value.rank()).max().unwrap_or_default();
        let is_batched = |value: &&Value| matches!(value, Value::Live(live) if live.batched);
        let fits = |value: &&Value| {
            if is_batched(value) {
                return value.rank() == rank;
            }
            value.rank() < rank || value.dims().first().is_some_and(|first| first.is(1))
        };
        let batched = values.iter().any(is_batched) && values.iter().all(fits);
        let mut lives = Vec::with_capacity(values.len());
        for value in values {
            lives.push(match value {
                Value::Known(known) if batched && known.shape().len() == rank => {
                    self.constant(&Rc::new(known.reshaped(&known.shape()[1..])?))?
                }
                Value::Known(known) => self.constant(known)?,
                Value::Live(live) if batched && live.rank() == rank => self.batched(live)?,
                Value::Live(live) if batched => live.clone(),
                Value::Live(live) => self.flat(live)?,
            });
        }
        let mut dims = Vec::new();
        for value in values {
            dims = broadcast(&dims, &value.dims())?;
        }
        Ok(Aligned { lives, dims, batched })
    }
}

/// Values that a node may repeat to a common shape.
pub(super) struct Aligned {
    pub(super) lives: Vec<Live>,
    /// All of ONNX's axes of the common shape.
    pub(super) dims: Vec<Size>,
    pub(super) batched: bool,
}

impl Aligned {
    pub(super) fn nodes(&self) -> Vec<usize> {
        self.lives.iter().map(|live| live.node).collect()
    }

    pub(super) fn own(&self) -> Vec<Size> {
        self.dims.get(usize::from(self.batched)..).unwrap_or_default().to_vec()
    }

    pub(super) fn result(self, node: usize, element: Element) -> Live {
        Live { node, dims: self.dims, batched: self.batched, element }
    }
}

impl Live {
    /// Another node's value with these axes, batched as this one.
    pub(super) fn with(&self, node: usize, own: Vec<Size>) -> Self {
        let batch = self.dims.iter().take(usize::from(self.batched)).cloned();
        Self { node, dims: batch.chain(own).collect(), batched: self.batched, element: self.element }
    }
}

/// The common shape of two (NumPy's broadcasting); sizes that may differ are taken for equal, which running checks.
pub(super) fn broadcast(a: &[Size], b: &[Size]) -> Result<Vec<Size>, Refused> {
    let rank = a.len().max(b.len());
    let at = |dims: &[Size], axis: usize| (axis + dims.len()).checked_sub(rank).map(|own| dims[own].clone());
    let mut dims = Vec::with_capacity(rank);
    for axis in 0..rank {
        dims.push(match (at(a, axis), at(b, axis)) {
            (Some(one), Some(n)) if one.is(1) => n,
            (Some(n), Some(one)) if one.is(1) || n == one => n,
            (Some(n), Some(m)) => match (n.number(), m.number()) {
                (Some(x), Some(y)) => return refuse(format!("sizes {x} and {y} do not fit")),
                (Some(_), None) => n,
                (None, _) => m,
            },
            (Some(n), None) | (None, Some(n)) => n,
            (None, None) => Size::from(1_i64),
        });
    }
    Ok(dims)
}

/// One part of a reshaping that makes the first open axis: the axes before it as they will be, those behind as they are.
fn first_step(from: &[Size], to: &[Size], open: &[usize]) -> Option<Vec<Size>> {
    let (mut i, mut j) = (0, 0);
    while j < to.len() {
        let (start_i, start_j) = (i, j);
        let one = Size::from(1_i64);
        let (mut had, mut wanted) = (one.clone(), one);
        // A group ends where both have the same number of values.
        loop {
            if had == wanted && j > start_j && i > start_i {
                break;
            }
            let grow_to = had.divided(&wanted).is_some() && j < to.len() && (j == start_j || had != wanted);
            if grow_to {
                wanted = wanted.times(&to[j])?;
                j += 1;
            } else if i < from.len() {
                had = had.times(&from[i])?;
                i += 1;
            } else if j < to.len() {
                wanted = wanted.times(&to[j])?;
                j += 1;
            } else {
                return None;
            }
        }
        let inside = open.iter().filter(|axis| (start_j..j).contains(axis)).count();
        if inside > 1 {
            return None;
        }
        let others_open = open.iter().any(|&axis| axis >= j);
        if inside == 1 && others_open {
            return Some([&to[..j], &from[i..]].concat());
        }
    }
    None
}
