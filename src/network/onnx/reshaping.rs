//! Reshaping where sizes hang on the image: an axis is as long as another one, or what is left.

use super::build::{Builder, Made};
use super::size::Size;
use super::value::Live;
use super::{Refused, refuse};
use crate::network::{Extent, Op};

impl Builder {
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
