//! Matrix products of tensors with any number of axes before the last two.
use super::pair::{broadcast, same_rank};
use candle_core::{Result, Tensor, bail};

/// `a` [batch, …, rows, inner] times `b` [batch, …, inner, columns], the axes before repeated where they have size 1.
/// Differentiable, by Candle's product.
pub fn matmul(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let [a, b] = same_rank([a, b])?;
    let rank = a.rank();
    if rank < 3 || a.dims()[rank - 1] != b.dims()[rank - 2] {
        bail!("Matrix product of {:?} and {:?}", a.dims(), b.dims())
    }
    let [rows, inner, columns] = [a.dims()[rank - 2], a.dims()[rank - 1], b.dims()[rank - 1]];
    let [a_before, b_before] = [&a, &b].map(|x| &x.dims()[..rank - 2]);
    let before = broadcast(&[a_before, b_before])?;
    let whole = [&before[..], &[rows, columns]].concat();
    if b_before.iter().all(|&size| size == 1) {
        // One matrix for all: one product.
        let a = a.contiguous()?.reshape((a.elem_count() / inner, inner))?;
        return a.matmul(&b.reshape((inner, columns))?.contiguous()?)?.reshape(whole);
    }
    let many = before.iter().product::<usize>();
    let spread = |x: &Tensor, last: [usize; 2]| {
        let shape = [&before[..], &last].concat();
        x.broadcast_as(shape)?.contiguous()?.reshape((many, last[0], last[1]))
    };
    spread(&a, [rows, inner])?.matmul(&spread(&b, [inner, columns])?)?.reshape(whole)
}
