//! Joining tensors along their channels.
use super::cpu::{SHARE, build, floats, tensor, with_floats};
use super::{is_ours, tape};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

/// `tensors` [batch, channel, …], which agree in all but the channels, one after the other along axis 1. Differentiable.
pub fn concat(tensors: &[&Tensor]) -> Result<Tensor> {
    let Some((first, rest)) = tensors.split_first() else { bail!("Concatenation of nothing") };
    if !is_ours(first) {
        return elsewhere(tensors);
    }
    rest.iter().try_fold((*first).clone(), |a, b| {
        let (left, right) = (a.dims(), b.dims());
        let agree =
            left.len() == right.len() && left.len() > 1 && left[0] == right[0] && left[2..] == right[2..];
        if !agree || a.elem_count() == 0 || b.elem_count() == 0 {
            bail!("Concatenation: {left:?} and {right:?} differ in more than their channels")
        }
        tape::apply2([&a.contiguous()?, &b.contiguous()?], Concat)
    })
}

/// On other devices, by Candle's own, which copies in one go what lies in order.
fn elsewhere(tensors: &[&Tensor]) -> Result<Tensor> {
    let tensors = tensors.iter().map(|x| x.contiguous()).collect::<Result<Vec<_>>>()?;
    Tensor::cat(&tensors, 1)
}

/// Values of one image of each side, one side after the other.
struct Concat;

/// Values of an image of `[batch, …]`.
fn image(shape: &Shape) -> usize {
    shape.elem_count() / shape.dims()[0]
}

impl CustomOp2 for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        la: &Layout,
        b: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let [len_a, len_b] = [la, lb].map(|layout| image(layout.shape()));
        let (a, b) = (floats(a, la)?, floats(b, lb)?);
        let whole = len_a + len_b;
        let values = build(a.len() + b.len(), SHARE, |first, out| {
            let last = first + out.left();
            while out.left() > 0 {
                let at = last - out.left();
                let (item, at) = (at / whole, at % whole);
                match at.checked_sub(len_a) {
                    None => out.copy(&a[item * len_a..][at..len_a]),
                    Some(at) => out.copy(&b[item * len_b..][at..len_b]),
                }
            }
        });
        let mut dims = la.dims().to_vec();
        dims[1] += lb.dims()[1];
        Ok((CpuStorage::F32(values), dims.into()))
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [len_a, len_b] = [a, b].map(|side| image(side.shape()));
        let part = |side: &Tensor, len: usize, first: usize| {
            let values = with_floats(grad, |grad| {
                build(side.elem_count(), len, |at, out| {
                    out.copy(&grad[at / len * (len_a + len_b) + first..][..len]);
                })
            })?;
            tensor(values, side)
        };
        Ok((Some(part(a, len_a, 0)?), Some(part(b, len_b, len_a)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn pieces_of_all_images_follow_each_other_however_the_work_is_shared() {
        // One side is longer than what a thread copies at once, the other shorter.
        let side = |channels: usize, from: u32| {
            let count = (2 * channels * 1000) as u32;
            Tensor::arange(from, from + count, &Device::Cpu)
                .and_then(|x| x.to_dtype(candle_core::DType::F32)?.reshape((2, channels, 1000)))
                .unwrap()
        };
        let (a, b) = (side(SHARE / 1000 + 3, 0), side(2, 1_000_000));
        let values = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let joined = concat(&[&a, &b]).unwrap();
        assert_eq!(joined.dims(), [2, SHARE / 1000 + 5, 1000]);
        for item in 0..2 {
            let image = |x: &Tensor| values(&x.get(item).unwrap());
            assert_eq!(image(&joined), [image(&a), image(&b)].concat());
        }
    }
}
