//! Tensors on the CPU as plain slices: reading them, building new ones in parallel, and sums.
#![allow(unsafe_code)]
// See vector.rs: what is compiled for each instruction set is inlined.
#![allow(clippy::inline_always)]

use super::is_ours;
use candle_core::{CpuStorage, DType, Device, Error, Layout, Result, Storage, Tensor, bail};
use ndarray::{ArrayView3, s};
use rayon::prelude::*;
use std::mem::MaybeUninit;
use std::ops::Range;

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

/// Calls `f` with some rows and columns of every plane of `x` [1, channel, y, x]: where they lie if that is the CPU, else
/// of a copy of those alone.
pub fn with_planes<R>(
    x: &Tensor,
    [rows, columns]: [Range<usize>; 2],
    f: impl FnOnce(ArrayView3<'_, f32>) -> R,
) -> Result<R> {
    if is_ours(x) && x.dtype() == DType::F32 {
        let (_, channels, height, width) = x.dims4()?;
        return with_floats(x, |values| {
            let planes = ArrayView3::from_shape((channels, height, width), values);
            planes.map(|planes| f(planes.slice(s![.., rows, columns])))
        })?
        .map_err(|error| Error::Msg(error.to_string()));
    }
    let x = x.narrow(2, rows.start, rows.len())?.narrow(3, columns.start, columns.len())?;
    let x = x.to_dtype(DType::F32)?.to_device(&Device::Cpu)?;
    let (_, channels, height, width) = x.dims4()?;
    with_floats(&x, |values| ArrayView3::from_shape((channels, height, width), values).map(f))?
        .map_err(|error| Error::Msg(error.to_string()))
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

/// Values that a thread works on at once: they stay in a core's own cache.
pub(super) const SHARE: usize = 16 * 1024;

/// A copy of `x` on the CPU, made by all threads: what the speed of memory allows, to hold other operations against.
pub fn copy(x: &Tensor) -> Result<Tensor> {
    let values = with_floats(x, |x| {
        build(x.len(), SHARE, |at, out| {
            let len = out.left();
            out.copy(&x[at..at + len]);
        })
    })?;
    tensor(values, x)
}

/// `a + b` of one shape, by all threads where our own kernels compute.
pub(super) fn sum_of_two(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if !is_ours(a) {
        return a + b;
    }
    let values = with_floats(a, |a| {
        with_floats(b, |b| {
            build(a.len(), SHARE, |at, out| {
                let len = out.left();
                out.put(a[at..at + len].iter().zip(&b[at..at + len]).map(|(a, b)| a + b));
            })
        })
    })??;
    tensor(values, a)
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

/// `rows` rows of `len` values, in parallel: `make(rows, chunk)` must give `chunk` the values of these rows. Making one
/// row reads or writes about `work` values; the rows are shared out by it.
pub(super) fn build_rows(
    [rows, len]: [usize; 2],
    work: usize,
    make: impl Fn(Range<usize>, &mut Chunk) + Sync,
) -> Vec<f32> {
    let together = (SHARE / work.max(1)).max(1) * len;
    build(rows * len, together, |at, out| make(at / len..(at + out.left()) / len, out))
}

/// `[item, row, column]` of sizes `[items, rows, columns]`, some columns at a time in parallel: `make(item, columns,
/// chunks)` must give the chunk of each row its values in these columns. What it leaves out is 0.
pub(super) fn build_columns(
    [items, rows, columns]: [usize; 3],
    together: usize,
    make: impl Fn(usize, Range<usize>, &mut [Chunk]) + Sync,
) -> Vec<f32> {
    let len = items * rows * columns;
    let mut values = Vec::with_capacity(len);
    let mut shares: Vec<(usize, Range<usize>, Vec<Chunk>)> = Vec::new();
    for (item, room) in values.spare_capacity_mut()[..len].chunks_mut(rows * columns).enumerate() {
        let firsts = (0..columns).step_by(together);
        let first_share = shares.len();
        shares.extend(firsts.map(|at| (item, at..columns.min(at + together), Vec::with_capacity(rows))));
        for row in room.chunks_mut(columns) {
            for (share, room) in shares[first_share..].iter_mut().zip(row.chunks_mut(together)) {
                share.2.push(Chunk { room, done: 0 });
            }
        }
    }
    shares.into_par_iter().for_each(|(item, columns, mut chunks)| {
        make(item, columns, &mut chunks);
        for chunk in chunks {
            chunk.room[chunk.done..].fill(MaybeUninit::new(0.0));
        }
    });
    // SAFETY: the chunks are all of the room, and each was initialised up to `done` by `put`, and after it just now.
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

    /// Where the next values go, for loops in which [`Chunk::put`] would not be fast; then [`Chunk::wrote`] them.
    #[inline(always)]
    pub(super) fn room(&mut self) -> &mut [MaybeUninit<f32>] {
        &mut self.room[self.done..]
    }

    /// Counts the next `count` values as put.
    ///
    /// # Safety
    /// They were written to [`Chunk::room`], and there was room for them.
    #[inline(always)]
    pub(super) unsafe fn wrote(&mut self, count: usize) {
        self.done += count;
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
