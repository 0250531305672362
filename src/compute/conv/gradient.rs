//! The gradient of a convolution by its weights and by its bias.
use super::kernel::Dots;
use super::pass::Geometry;
use super::planes::Planes;
use super::window::{Tile, Window};
use rayon::prelude::*;
use std::cell::RefCell;

/// Grid positions of a tile: four channels of the map stay in the first-level cache.
const TILE: usize = 2048;
/// Sums that are gathered apart and added at the end, at most, and the floats they may take together.
const SUMS: usize = 8;
const SUM_FLOATS: usize = 8 * 1024 * 1024;

thread_local! {
    /// Windows of image and map of the tile at work, kept between tiles and between calls.
    static BUFFERS: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// A part of the sum: some channels of the map in one group, over some tiles of some images.
struct Part<'a> {
    group: usize,
    first_channel: usize,
    tiles: &'a [(usize, Tile)],
}

/// Σ over batch and pixels of `map_gradient` · shifted `image`, in the weights' layout. How the sum is split depends on
/// the shapes alone, so the result is the same whatever the number of threads.
pub(super) fn by_weights(geometry: &Geometry, image: &[f32], map_gradient: &[f32]) -> Vec<f32> {
    let pass = geometry.forward();
    let window = Window::new(&pass, TILE, 1);
    let offsets = window.offsets(&pass.residues[0]);
    let units: Vec<(usize, Tile)> = (0..geometry.batch)
        .flat_map(|image| window.tiles(pass.grid).into_iter().map(move |tile| (image, tile)))
        .collect();
    let group_len = geometry.map_channels * offsets.len();
    let sums = units.len().min(SUMS).min((SUM_FLOATS / group_len).max(1));
    let pieces = SUMS.div_ceil(sums * geometry.groups);
    let block = geometry.map_channels.div_ceil(pieces).next_multiple_of(4).min(geometry.map_channels);
    let share = units.len().div_ceil(sums);

    let parts: Vec<Part> = (0..geometry.groups)
        .flat_map(|group| (0..geometry.map_channels).step_by(block).map(move |first| (group, first)))
        .flat_map(|(group, first_channel)| {
            units.chunks(share).map(move |tiles| Part { group, first_channel, tiles })
        })
        .collect();
    let channels = geometry.groups * geometry.image_channels;
    let planes = Planes::one(image, channels, geometry.image[0] * geometry.image[1]);
    let gather = |&Part { group, first_channel, tiles }: &Part| {
        let rows = block.min(geometry.map_channels - first_channel);
        let mut sum = vec![0.0; rows * offsets.len()];
        BUFFERS.with_borrow_mut(|(pixels, gradient)| {
            for &(item, tile) in tiles {
                let at = item * geometry.groups + group;
                window.fill(&pass, tile, &planes, [item, group], pixels);
                let plane = geometry.map[0] * geometry.map[1];
                let from = (at * geometry.map_channels + first_channel) * plane;
                window.fill_map(tile, geometry.map, &map_gradient[from..][..rows * plane], gradient);
                let len = (tile.size[0] - 1) * window.cols + tile.size[1];
                let (left, left_stride) = (&gradient[..], window.map_stride());
                Dots { left, left_stride, rows, offsets: &offsets, source: pixels, len }.run(&mut sum);
            }
        });
        (group * group_len + first_channel * offsets.len(), sum)
    };
    let gathered: Vec<(usize, Vec<f32>)> = parts.par_iter().map(gather).collect();
    let mut total = vec![0.0; geometry.weight_len()];
    for (at, sum) in gathered {
        total[at..].iter_mut().zip(&sum).for_each(|(total, part)| *total += part);
    }
    total
}

/// Sums of each channel of `[batch, channel, pixels]`.
pub(super) fn by_bias(channels: usize, plane: usize, gradient: &[f32]) -> Vec<f32> {
    let channel = |c: usize| {
        let planes = gradient.chunks_exact(plane).skip(c).step_by(channels);
        planes.map(|plane| f64::from(crate::compute::cpu::sum(plane))).sum::<f64>() as f32
    };
    (0..channels).into_par_iter().map(channel).collect()
}
