//! The gradient of a convolution by its weights and by its bias.
use super::beside::{Beside, SIDE_BY_SIDE};
use super::engine::Algorithm;
use super::kernel::Dots;
use super::outer::Outer;
use super::pass::Geometry;
use super::planes::Planes;
use super::window::{Tile, Window};
use super::winograd;
use crate::compute::isa::Isa;
use rayon::prelude::*;
use std::cell::RefCell;

/// Grid positions of a tile: four channels of the map stay in the first-level cache.
const TILE: usize = 2048;
/// The same of a map whose channels are put side by side: those of a few registers stay in the second-level cache.
const SHORT_TILE: usize = 1024;
/// Sums that are gathered apart and added at the end, at most, and the floats they may take together.
const SUMS: usize = 8;
const SUM_FLOATS: usize = 8 * 1024 * 1024;

thread_local! {
    /// Windows of image and map of the tile at work, kept between tiles and between calls.
    static BUFFERS: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// A part of the sum: some channels of the map in one group, over some tiles of some images.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) group: usize,
    pub(super) first_channel: usize,
    /// Channels of the map.
    pub(super) rows: usize,
    /// Each with the number of its image.
    pub(super) tiles: Vec<(usize, Tile)>,
}

/// How the sum is cut into parts. It depends on the shapes alone, so the result is the same whatever the number of
/// threads.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) parts: Vec<Part>,
}

impl Cut {
    /// Parts of a multiple of `unit` channels, or of all.
    pub(super) fn new(geometry: &Geometry, window: &Window, unit: usize) -> Self {
        let units: Vec<(usize, Tile)> = (0..geometry.batch)
            .flat_map(|image| window.tiles(geometry.map).into_iter().map(move |tile| (image, tile)))
            .collect();
        let group_len = geometry.map_channels * geometry.image_channels * geometry.taps();
        let sums = units.len().min(SUMS).min((SUM_FLOATS / group_len).max(1));
        let pieces = SUMS.div_ceil(sums * geometry.groups);
        let block = geometry.map_channels.div_ceil(pieces).next_multiple_of(unit).min(geometry.map_channels);
        let share = units.len().div_ceil(sums);
        let mut parts = Vec::new();
        for group in 0..geometry.groups {
            for first_channel in (0..geometry.map_channels).step_by(block) {
                let rows = block.min(geometry.map_channels - first_channel);
                for tiles in units.chunks(share) {
                    parts.push(Part { group, first_channel, rows, tiles: tiles.to_vec() });
                }
            }
        }
        Self { parts }
    }
}

/// Σ over batch and pixels of `map_gradient` · shifted `image`, in the weights' layout.
pub(super) fn by_weights(geometry: &Geometry, image: &[f32], map_gradient: &[f32]) -> Vec<f32> {
    by_weights_with(Algorithm::for_gradient(geometry), geometry, image, map_gradient)
}

/// The same by an algorithm that [`can`](Algorithm::can) carry out the forward pass.
pub(super) fn by_weights_with(
    algorithm: Algorithm,
    geometry: &Geometry,
    image: &[f32],
    map_gradient: &[f32],
) -> Vec<f32> {
    match algorithm {
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code)]
        // SAFETY: chosen only where the matrix unit is available.
        Algorithm::Amx => unsafe { super::amx::by_weights(geometry, image, map_gradient) },
        Algorithm::Winograd => winograd::by_weights(geometry, image, map_gradient),
        _ if fills_registers(geometry) => by_outer_products(geometry, image, map_gradient),
        _ => directly(geometry, image, map_gradient),
    }
}

/// Whether there are enough of the kernel's values for a block of sums, and few places for map channels stay empty.
fn fills_registers(geometry: &Geometry) -> bool {
    let channels = geometry.map_channels;
    geometry.image_channels * geometry.taps() >= 16
        && channels.next_multiple_of(SIDE_BY_SIDE) * 4 <= channels * 5
}

/// The sums as they are written.
pub(super) fn directly(geometry: &Geometry, image: &[f32], map_gradient: &[f32]) -> Vec<f32> {
    let pass = geometry.forward();
    let window = Window::new(&pass, TILE, 1);
    let offsets = window.offsets(&pass.residues[0]);
    let cut = Cut::new(geometry, &window, 4);
    let channels = geometry.groups * geometry.image_channels;
    let planes = Planes::one(image, channels, geometry.image[0] * geometry.image[1]);
    let gather = |part: &Part| {
        let mut sum = vec![0.0; part.rows * offsets.len()];
        BUFFERS.with_borrow_mut(|(pixels, gradient)| {
            for &(item, tile) in &part.tiles {
                let first = part.group * geometry.image_channels;
                let of_group = first..first + geometry.image_channels;
                pixels.resize(window.len(), 0.0);
                window.fill(&pass, tile, &planes, (item, of_group), pixels);
                let plane = geometry.map[0] * geometry.map[1];
                let first =
                    (item * geometry.groups + part.group) * geometry.map_channels + part.first_channel;
                let map = &map_gradient[first * plane..][..part.rows * plane];
                window.fill_map(tile, geometry.map, map, gradient);
                let len = (tile.size[0] - 1) * window.cols + tile.size[1];
                let (left, left_stride) = (&gradient[..], window.map_stride());
                Dots { left, left_stride, rows: part.rows, offsets: &offsets, source: pixels, len }
                    .run(&mut sum);
            }
        });
        (part.group * geometry.map_channels + part.first_channel, sum)
    };
    let gathered: Vec<(usize, Vec<f32>)> = cut.parts.par_iter().map(gather).collect();
    let mut total = vec![0.0; geometry.weight_len()];
    for (first, sum) in gathered {
        total[first * offsets.len()..].iter_mut().zip(&sum).for_each(|(total, part)| *total += part);
    }
    total
}

/// The same by outer products of pixels and channels of the map, which lie side by side: with many of both.
pub(super) fn by_outer_products(geometry: &Geometry, image: &[f32], map_gradient: &[f32]) -> Vec<f32> {
    let pass = geometry.forward();
    let window = Window::new(&pass, SHORT_TILE, 1);
    let offsets = window.offsets(&pass.residues[0]);
    let cut = Cut::new(geometry, &window, SIDE_BY_SIDE);
    let channels = geometry.groups * geometry.image_channels;
    let planes = Planes::one(image, channels, geometry.image[0] * geometry.image[1]);
    let plane = geometry.map[0] * geometry.map[1];
    let block = offsets.len() * SIDE_BY_SIDE;
    let gather = |part: &Part| {
        let mut sums = vec![0.0; part.rows.div_ceil(SIDE_BY_SIDE) * block];
        BUFFERS.with_borrow_mut(|(pixels, beside)| {
            for &(item, tile) in &part.tiles {
                let first = part.group * geometry.image_channels;
                pixels.resize(window.len(), 0.0);
                window.fill(&pass, tile, &planes, (item, first..first + geometry.image_channels), pixels);
                beside.resize((tile.size[0] * window.cols * SIDE_BY_SIDE).max(beside.len()), 0.0);
                let stretches = window.stretches(tile);
                let first =
                    (item * geometry.groups + part.group) * geometry.map_channels + part.first_channel;
                let map = &map_gradient[first * plane..][..part.rows * plane];
                for (planes, sums) in map.chunks(SIDE_BY_SIDE * plane).zip(sums.chunks_exact_mut(block)) {
                    let (size, pitch) = (geometry.map, window.cols);
                    Beside { planes, size, tile, pitch }.run_on(Isa::best(), beside);
                    for stretch in &stretches {
                        let (left, right) =
                            (&pixels[stretch.start..], &beside[stretch.start * SIDE_BY_SIDE..]);
                        let (rows, columns, len) = (&offsets[..], SIDE_BY_SIDE, stretch.len());
                        Outer { left, rows, right, columns, len, goes_on: true }.run_on(Isa::best(), sums);
                    }
                }
            }
        });
        (part.group * geometry.map_channels + part.first_channel, part.rows, sums)
    };
    let gathered: Vec<_> = cut.parts.par_iter().map(gather).collect();
    let mut total = vec![0.0; geometry.weight_len()];
    for (first, rows, sums) in gathered {
        for row in 0..rows {
            let from = sums[row / SIDE_BY_SIDE * block..][..block].iter().skip(row % SIDE_BY_SIDE);
            let to = &mut total[(first + row) * offsets.len()..][..offsets.len()];
            to.iter_mut().zip(from.step_by(SIDE_BY_SIDE)).for_each(|(total, part)| *total += part);
        }
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
