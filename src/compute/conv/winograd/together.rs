//! All threads on the same patches, place by place, so that the weights and transforms of a place, which with many
//! channels fill a core's second-level cache, are read once.
use super::PLACES;
use super::cut::{Beside, Block, side_by_side};
use super::run::{BUFFERS, Buffers, Work, aligned};
use super::weights::BLOCK;
use crate::compute::conv::kernel::SLACK;
use rayon::prelude::*;
use std::cell::RefCell;

thread_local! {
    /// Transforms and products, kept between calls by the thread that calls.
    static SHARED: RefCell<[Vec<f32>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// One block of an image, or the only blocks of several images, whose patches then lie side by side.
pub(super) fn together(work: &Work, blocks: &[(usize, Block)]) {
    let [mut transformed, mut products] = SHARED.take();
    let (blocks, patches) = side_by_side(blocks);
    let len = work.transforms.len();
    let places = &mut aligned(&mut transformed, len)[..len];
    places.par_chunks_mut(work.transforms.chunk_len()).enumerate().for_each(|(i, chunk)| {
        let first = i * work.transforms.chunk;
        let channels = first..(first + work.transforms.chunk).min(work.pass.source_channels);
        BUFFERS.with_borrow_mut(|Buffers { strip, .. }| {
            // In their order, because each writes a little past its end.
            for &Beside { block, begin } in &blocks {
                work.transform(block, channels.clone(), strip, &mut chunk[begin..]);
            }
        });
    });

    let (places, sums) = (&*places, work.products);
    let len = sums.len() + SLACK;
    let products_of = &mut aligned(&mut products, len)[..len];
    products_of.par_chunks_mut(sums.place_stride).take(PLACES).enumerate().for_each(|(place, out)| {
        let channels = &mut out[..work.pass.target_channels * sums.channel_stride];
        channels.par_chunks_mut(BLOCK * sums.channel_stride).enumerate().for_each(|(i, out)| {
            let source = &places[place * work.transforms.place_stride..];
            work.multiply([place, i * BLOCK], patches, source, out);
        });
    });

    let products_of = &*products_of;
    (0..work.pass.target_channels).into_par_iter().for_each(|channel| {
        BUFFERS.with_borrow_mut(|Buffers { results, .. }| {
            for &Beside { block, begin } in &blocks {
                let products = &products_of[channel * sums.channel_stride + begin..];
                work.back(block, channel, products, results);
            }
        });
    });
    SHARED.set([transformed, products]);
}
