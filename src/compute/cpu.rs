//! Tensors on the CPU as plain slices: reading them, building new ones in parallel, and sums.
#![allow(unsafe_code)]

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// The values of a contiguous f32 storage.
pub(super) fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((first, last)) = layout.contiguous_offsets() else {
        bail!("expected contiguous values, found strides {:?}", layout.stride())
    };
    Ok(&storage.as_slice::<f32>()?[first..last])
}

/// Calls `f` with the values of a tensor on the CPU, brought into C order first when need be.
pub(super) fn with_floats<R>(x: &Tensor, f: impl FnOnce(&[f32]) -> R) -> Result<R> {
    let x = x.contiguous()?;
    let (storage, layout) = x.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else { bail!("expected a tensor on the CPU") };
    Ok(f(floats(storage, layout)?))
}

/// Calls `f` with the values of several tensors on the CPU.
pub(super) fn with_all_floats<R>(xs: &[&Tensor], f: impl FnOnce(&[&[f32]]) -> R) -> Result<R> {
    let xs = xs.iter().map(|x| x.contiguous()).collect::<Result<Vec<_>>>()?;
    let guards: Vec<_> = xs.iter().map(Tensor::storage_and_layout).collect();
    let mut all = Vec::with_capacity(guards.len());
    for (storage, layout) in &guards {
        let Storage::Cpu(storage) = &**storage else { bail!("expected a tensor on the CPU") };
        all.push(floats(storage, layout)?);
    }
    Ok(f(&all))
}

/// A tensor of the same shape and on the same device as `like`.
pub(super) fn tensor(values: Vec<f32>, like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(values, like.shape(), like.device())
}

/// Values that a thread copies at once.
const COPIED: usize = 16 * 1024;

/// A copy of `x` on the CPU, made by all threads: what the speed of memory allows, to hold other operations against.
pub fn copy(x: &Tensor) -> Result<Tensor> {
    let values = with_floats(x, |x| {
        build(x.len(), COPIED, |at, out| {
            let len = out.left();
            out.copy(&x[at..at + len]);
        })
    })?;
    tensor(values, x)
}

/// `len` values made chunk by chunk in parallel: `make(first, chunk)` must give `chunk` a value for each index from
/// `first` on, in order, by [`Chunk::put`]. What it leaves out is 0. Nothing is written twice.
pub(super) fn build(len: usize, chunk: usize, make: impl Fn(usize, &mut Chunk) + Sync) -> Vec<f32> {
    let mut values = Vec::with_capacity(len);
    let room = &mut values.spare_capacity_mut()[..len];
    room.par_chunks_mut(chunk.max(1)).enumerate().for_each(|(i, room)| {
        let mut chunk_out = Chunk { room, done: 0 };
        make(i * chunk, &mut chunk_out);
        let done = chunk_out.done;
        chunk_out.room[done..].fill(MaybeUninit::new(0.0));
    });
    // SAFETY: every chunk was initialised up to `done` by `put`, and after it just now.
    unsafe { values.set_len(len) };
    values
}

/// A part of a [`build`] that is being filled.
pub(super) struct Chunk<'a> {
    room: &'a mut [MaybeUninit<f32>],
    done: usize,
}

impl Chunk<'_> {
    /// Values still to come.
    pub(super) fn left(&self) -> usize {
        self.room.len() - self.done
    }

    /// Puts the next values: as many as there are, or as there is room for.
    pub(super) fn put(&mut self, values: impl ExactSizeIterator<Item = f32>) {
        let count = values.len().min(self.left());
        let room = &mut self.room[self.done..self.done + count];
        let mut written = 0;
        for (room, value) in room.iter_mut().zip(values) {
            room.write(value);
            written += 1;
        }
        self.done += written;
    }

    /// Puts copies of the next values.
    pub(super) fn copy(&mut self, values: &[f32]) {
        let count = values.len().min(self.left());
        self.room[self.done..self.done + count].write_copy_of_slice(&values[..count]);
        self.done += count;
    }
}

/// Σ x, in sixteen sums side by side.
pub(super) fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += value);
    }
    lanes.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

/// Σ f(x, y) over pairs, in sixteen sums side by side.
pub(super) fn sum_of(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; 16];
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<16>(), y.as_chunks::<16>());
    for (x, y) in xs.iter().zip(ys) {
        for i in 0..16 {
            lanes[i] += f(x[i], y[i]);
        }
    }
    lanes.iter().sum::<f32>() + x_rest.iter().zip(y_rest).map(|(&x, &y)| f(x, y)).sum::<f32>()
}
