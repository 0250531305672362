//! Images of any size without seams: padding to the network's grid, and tiles with the halo that the receptive field
//! asks for.
//!
//! An image is first extended on its right and bottom by its own mirror image until its sides are multiples of the
//! network's total stride; that padded image is what "the whole image" means below. A tile's window is a piece of the
//! padded image: its core plus a halo on every side, cut off where the padded image ends. Windows begin on the stride
//! grid, so pooling sees the same groups of pixels, and they share the padded image's borders, so the network's own zero
//! padding is the same: what a tile says about its core is what the whole image says.
use super::{AnalysisError, RunSettings, memory};
use crate::network::{
    Graph, NetworkError, Op, forecast, planes_of_image, receptive_fields, total_stride, workspace_elsewhere,
};
use candle_core::Device;
use ndarray::{Array4, ArrayView3, Axis, s};
use std::ops::Range;

/// A piece of the padded image: what it is responsible for, and what the network is shown. `[y, x]` each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) core: [Range<usize>; 2],
    pub(super) window: [Range<usize>; 2],
}

impl Tile {
    /// Rows and columns of its core that lie in an image of `size` `[y, x]`.
    pub(super) fn inside(&self, size: [usize; 2]) -> [Range<usize>; 2] {
        [0, 1].map(|axis| self.core[axis].start.min(size[axis])..self.core[axis].end.min(size[axis]))
    }
}

/// How an image is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tiling {
    /// Size `[y, x]` of the padded image.
    pub(super) padded: [usize; 2],
    /// Side of the cores; `None`: the whole image at once.
    pub(super) side: Option<usize>,
    /// How far the windows go beyond their cores, where the image does; `[y, x]`.
    pub(super) halo: [usize; 2],
    pub(super) tiles: Vec<Tile>,
}

impl Tiling {
    /// An image as it is, in one piece.
    pub(super) fn whole(size: [usize; 2]) -> Self {
        let all = size.map(|n| 0..n);
        Self { padded: size, side: None, halo: [0; 2], tiles: vec![Tile { core: all.clone(), window: all }] }
    }

    /// An image in one piece, if the forecast is within the limit.
    pub(super) fn in_one_piece(
        graph: &Graph,
        size: [usize; 2],
        settings: &RunSettings,
        device: &Device,
    ) -> Result<Self, AnalysisError> {
        shapes(graph, size)?;
        let bytes = peak_bytes(graph, size, device)?;
        within(memory::limit(settings, device), "This image in one piece", bytes)?;
        Ok(Self::whole(size))
    }

    /// The tiling for a segmenter on an image of `size` `[y, x]`: as asked, else whole if the forecast is within the
    /// limit, else the largest tiles that are.
    pub(super) fn choose(
        graph: &Graph,
        size: [usize; 2],
        settings: &RunSettings,
        device: &Device,
    ) -> Result<Self, AnalysisError> {
        let geometry = Geometry::of(graph, size)?;
        let limit = memory::limit(settings, device);
        let bytes = |side| geometry.bytes(graph, side, device);
        let end = geometry.rounded(geometry.longest());
        let asked = settings.tile.map(|side| geometry.rounded(side)).filter(|&side| side < end);
        if let (Some(side), true) = (asked, geometry.halo.is_some()) {
            within(limit, &format!("A tile of {side} px"), bytes(Some(side))?)?;
            return Ok(geometry.cut(Some(side)));
        }
        let whole = bytes(None)?;
        if whole <= limit {
            return Ok(geometry.cut(None));
        }
        if geometry.halo.is_none() {
            within(limit, "This image in one piece, as this network must see it,", whole)?;
        }
        if settings.tile.is_some() {
            within(limit, "This image in one piece", whole)?;
        }
        let smallest = geometry.smallest();
        within(limit, &format!("Even a tile of {smallest} px"), bytes(Some(smallest))?)?;
        let side = geometry.largest_within(smallest, end, |side| Ok(bytes(Some(side))? <= limit))?;
        Ok(geometry.cut(Some(side)))
    }

    /// The same image in tiles of half the side; `None` where it cannot be cut smaller.
    pub(super) fn smaller(&self, graph: &Graph) -> Result<Option<Self>, AnalysisError> {
        let geometry = Geometry::of(graph, self.padded)?;
        let side = self.side.unwrap_or(geometry.longest());
        let next = geometry.rounded(side / 2).max(geometry.smallest());
        Ok((geometry.halo.is_some() && next < side).then(|| geometry.cut(Some(next))))
    }

    /// The same image in tiles of half its longest side, to see where they would meet; `None` where it cannot be cut.
    pub(super) fn halved(&self, graph: &Graph) -> Result<Option<Self>, AnalysisError> {
        let geometry = Geometry::of(graph, self.padded)?;
        let side = geometry.rounded(geometry.longest().div_ceil(2)).max(geometry.smallest());
        Ok((geometry.halo.is_some() && side < geometry.longest()).then(|| geometry.cut(Some(side))))
    }

    /// The same tiles shifted by half a tile, so that no two of them meet where they did; `None` where there are none.
    pub(super) fn shifted(&self, graph: &Graph) -> Result<Option<Self>, AnalysisError> {
        let geometry = Geometry::of(graph, self.padded)?;
        let Some(side) = self.side.filter(|_| self.tiles.len() > 1) else { return Ok(None) };
        let [rows, columns] = [0, 1].map(|axis| {
            let stride = geometry.stride[axis];
            let step = self.tiles.iter().map(|tile| tile.core[axis].len()).max().unwrap_or(side);
            shifted_cores(self.padded[axis], step, stride)
        });
        Ok(Some(Self::of_cores(self.padded, side, self.halo, [&rows, &columns])))
    }

    /// The same cores with another halo.
    #[cfg(test)]
    pub(super) fn with_halo(&self, halo: [usize; 2]) -> Self {
        let cores = [0, 1].map(|axis: usize| {
            let mut cores: Vec<Range<usize>> =
                self.tiles.iter().map(|tile| tile.core[axis].clone()).collect();
            cores.sort_by_key(|core| core.start);
            cores.dedup();
            cores
        });
        Self::of_cores(self.padded, self.side.unwrap_or_default(), halo, [&cores[0], &cores[1]])
    }

    /// A tile for each piece of the rows and each of the columns.
    fn of_cores(
        padded: [usize; 2],
        side: usize,
        halo: [usize; 2],
        [rows, columns]: [&[Range<usize>]; 2],
    ) -> Self {
        let window = |core: &Range<usize>, axis: usize| {
            core.start.saturating_sub(halo[axis])..(core.end + halo[axis]).min(padded[axis])
        };
        let tile = |y: &Range<usize>, x: &Range<usize>| Tile {
            core: [y.clone(), x.clone()],
            window: [window(y, 0), window(x, 1)],
        };
        let tiles = rows.iter().flat_map(|y| columns.iter().map(move |x| tile(y, x))).collect();
        Self { padded, side: Some(side), halo, tiles }
    }

    /// Forecast for the largest of its tiles.
    pub(super) fn bytes(&self, graph: &Graph, device: &Device) -> Result<u64, AnalysisError> {
        peak_bytes(graph, self.largest_window(), device)
    }

    /// The most that the network is shown at once, `[y, x]`.
    pub(super) fn largest_window(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.tiles.iter().map(|tile| tile.window[axis].len()).max().unwrap_or(0))
    }
}

/// Forecast for an input of `size` `[y, x]` on `device`.
pub(super) fn peak_bytes(graph: &Graph, size: [usize; 2], device: &Device) -> Result<u64, AnalysisError> {
    let input = [graph.input_channels(), size[0], size[1]];
    let beside = if device.is_cpu() { 0 } else { workspace_elsewhere(graph, input)? };
    Ok(forecast(graph, input)?.peak_bytes + beside)
}

/// An error that says what needs more than the limit.
fn within(limit: u64, what: &str, bytes: u64) -> Result<(), AnalysisError> {
    if bytes <= limit {
        return Ok(());
    }
    let (bytes, limit) = (memory::in_words(bytes), memory::in_words(limit));
    Err(AnalysisError::Memory(format!(
        "{what} needs {bytes} in this network, and {limit} may be used: choose a smaller network, or allow more"
    )))
}

/// What decides where an image can be cut.
struct Geometry {
    stride: [usize; 2],
    /// Multiples of the stride; `None`: some node sees the whole image, so it cannot be cut.
    halo: Option<[usize; 2]>,
    padded: [usize; 2],
}

impl Geometry {
    fn of(graph: &Graph, size: [usize; 2]) -> Result<Self, AnalysisError> {
        let stride = total_stride(graph);
        let padded = [0, 1].map(|axis| size[axis].max(1).next_multiple_of(stride[axis]));
        let shapes = shapes(graph, padded)?;
        Ok(Self { stride, halo: halo(graph, &shapes, padded, stride), padded })
    }

    fn longest(&self) -> usize {
        self.padded[0].max(self.padded[1])
    }

    /// Sides of cores are multiples of both strides.
    fn unit(&self) -> usize {
        let [y, x] = self.stride;
        (1..=x).map(|k| k * y).find(|n| n.is_multiple_of(x)).unwrap_or(y * x)
    }

    fn rounded(&self, side: usize) -> usize {
        side.max(1).next_multiple_of(self.unit())
    }

    /// Below the halo's own size a tile would be mostly halo, and the run nearly endless.
    fn smallest(&self) -> usize {
        let halo = self.halo.unwrap_or_default();
        self.rounded(halo[0].max(halo[1]))
    }

    /// The largest multiple of the unit below `end` for which `fits` holds; it holds for `start`.
    fn largest_within(
        &self,
        start: usize,
        end: usize,
        fits: impl Fn(usize) -> Result<bool, AnalysisError>,
    ) -> Result<usize, AnalysisError> {
        let unit = self.unit();
        let (mut good, mut bad) = (start / unit, (end / unit).max(start / unit + 1));
        while bad - good > 1 {
            let middle = good.midpoint(bad);
            if fits(middle * unit)? { good = middle } else { bad = middle }
        }
        Ok(good * unit)
    }

    /// Forecast for the largest window there is with cores of `side`.
    fn bytes(&self, graph: &Graph, side: Option<usize>, device: &Device) -> Result<u64, AnalysisError> {
        let window = |axis: usize| match (side, self.halo) {
            (Some(side), Some(halo)) => (side + 2 * halo[axis]).min(self.padded[axis]),
            _ => self.padded[axis],
        };
        peak_bytes(graph, [window(0), window(1)], device)
    }

    fn cut(&self, side: Option<usize>) -> Tiling {
        let (Some(side), Some(halo)) = (side, self.halo) else { return Tiling::whole(self.padded) };
        let [rows, columns] = [0, 1].map(|axis| cores(self.padded[axis], side, self.stride[axis]));
        Tiling::of_cores(self.padded, side, halo, [&rows, &columns])
    }
}

/// Shapes of all nodes on an image of `size` `[y, x]`; the error says what was attempted.
pub(super) fn shapes(graph: &Graph, size: [usize; 2]) -> Result<Vec<Vec<usize>>, AnalysisError> {
    graph.shapes([graph.input_channels(), size[0], size[1]]).map_err(|error| match error {
        NetworkError::Cancelled(cancelled) => cancelled.into(),
        error => AnalysisError::Mismatch(format!(
            "This network cannot take an image of {} × {} px. {error}",
            size[1], size[0]
        )),
    })
}

/// Cuts `0..length` into the fewest pieces of at most `side`, about equally long and starting at multiples of `stride`.
fn cores(length: usize, side: usize, stride: usize) -> Vec<Range<usize>> {
    let step = length.div_ceil(length.div_ceil(side)).next_multiple_of(stride).max(1);
    (0..length).step_by(step).map(|start| start..(start + step).min(length)).collect()
}

/// Cuts `0..length` into pieces of `step` of which the first is half as long.
fn shifted_cores(length: usize, step: usize, stride: usize) -> Vec<Range<usize>> {
    let first = (step / 2).next_multiple_of(stride).min(length);
    let later = (first..length).step_by(step.max(1)).map(|start| start..(start + step).min(length));
    std::iter::once(0..first).chain(later).filter(|core| !core.is_empty()).collect()
}

/// How far beyond its own pixels any node looks, rounded up to the stride; `None` when the image cannot be cut because
/// a node sees all of it or hangs on its size. Where a node gives fewer pixels than there are (without padding) or more,
/// it does so by the same number on every window, for all are multiples of the stride.
fn halo(graph: &Graph, shapes: &[Vec<usize>], padded: [usize; 2], stride: [usize; 2]) -> Option<[usize; 2]> {
    let mut reach = [0.0_f64; 2];
    let (fields, planes) = (receptive_fields(graph), planes_of_image(graph));
    let constant = |index: usize| fields[index].is_some_and(|field| field.size == [0.0; 2]);
    // Whether a value has as many pixels as its jump says, no more and no less.
    let covers = |index: usize| match (shapes[index].as_slice(), fields[index]) {
        (&[_, height, width], Some(field)) => {
            let off = |nodes: usize, axis: usize| nodes as f64 * field.jump[axis] - padded[axis] as f64;
            off(height, 0).abs() < 1e-6 && off(width, 1).abs() < 1e-6
        }
        _ => false,
    };
    for (index, (node, field)) in graph.nodes().iter().zip(&fields).enumerate() {
        let field = field.as_ref()?;
        if constant(index) {
            continue;
        }
        let inputs = graph.inputs_of(index);
        // A constant that meets the image must be the same everywhere on it.
        let everywhere = |input: &usize| shapes[*input].iter().rev().take(2).all(|&size| size == 1);
        let alike = inputs.iter().filter(|&&input| constant(input)).all(everywhere);
        // What is resized by the quotient of two sizes must be so in every tile.
        let by_size = matches!(node.op, Op::Resize(_) if inputs.len() > 1);
        if !planes[index] || !alike || by_size && !inputs.into_iter().all(covers) {
            return None;
        }
        for (axis, reach) in reach.iter_mut().enumerate() {
            let after = field.start[axis] + field.size[axis] - field.jump[axis];
            *reach = reach.max(-field.start[axis]).max(after);
        }
    }
    Some([0, 1].map(|axis| (reach[axis].ceil() as usize).next_multiple_of(stride[axis])))
}

/// A window of the padded image `[1, channel, y, x]`; beyond the image's right and bottom border stands its mirror image.
pub(super) fn window(image: ArrayView3<'_, f32>, [rows, columns]: &[Range<usize>; 2]) -> Array4<f32> {
    let (channels, height, width) = image.dim();
    let mut pixels = Array4::zeros((1, channels, rows.len(), columns.len()));
    let inside = columns.start.min(width)..columns.end.min(width);
    for (channel, mut plane) in pixels.index_axis_mut(Axis(0), 0).outer_iter_mut().enumerate() {
        for (y, mut row) in rows.clone().zip(plane.outer_iter_mut()) {
            let source = image.slice(s![channel, mirrored(y, height), ..]);
            row.slice_mut(s![..inside.len()]).assign(&source.slice(s![inside.clone()]));
            for x in inside.len()..row.len() {
                row[x] = source[mirrored(columns.start + x, width)];
            }
        }
    }
    pixels
}

/// The pixel that stands at `index` when an image of `size` pixels is followed by its mirror image, again and again.
fn mirrored(index: usize, size: usize) -> usize {
    let place = index % (2 * size);
    if place < size { place } else { 2 * size - 1 - place }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn geometry(padded: [usize; 2], halo: usize) -> Geometry {
        Geometry { stride: [8, 8], halo: Some([halo, halo]), padded }
    }

    #[test]
    fn beyond_the_border_stands_the_mirror_image() {
        let places: Vec<usize> = (0..8).map(|index| mirrored(index, 3)).collect();
        assert_eq!(places, [0, 1, 2, 2, 1, 0, 0, 1]);
        assert_eq!((0..4).map(|index| mirrored(index, 1)).collect::<Vec<_>>(), [0; 4]);
        let image = array![[[1.0, 2.0], [3.0, 4.0]]];
        assert_eq!(window(image.view(), &[1..3, 1..4]), array![[[[4.0, 4.0, 3.0], [4.0, 4.0, 3.0]]]]);
    }

    #[test]
    fn cores_cover_the_image_once_and_start_on_the_grid() {
        assert_eq!(cores(64, 24, 8), [0..24, 24..48, 48..64]);
        assert_eq!(cores(40, 32, 8), [0..24, 24..40], "about equally long");
        assert_eq!(cores(8, 64, 8).len(), 1);
        for (length, side, stride) in [(1000, 104, 8), (16, 8, 4), (7, 1, 1), (96, 40, 8)] {
            let pieces = cores(length, side, stride);
            assert!(pieces.iter().all(|p| p.start.is_multiple_of(stride) && p.len() <= side));
            assert!(pieces.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert_eq!((pieces[0].start, pieces[pieces.len() - 1].end), (0, length));
        }
    }

    #[test]
    fn windows_end_where_the_padded_image_ends() {
        let tiling = geometry([40, 24], 8).cut(Some(16));
        assert_eq!(tiling.tiles.len(), 6);
        assert_eq!(tiling.tiles[0], Tile { core: [0..16, 0..16], window: [0..24, 0..24] });
        assert_eq!(tiling.tiles[5], Tile { core: [32..40, 16..24], window: [24..40, 8..24] });
        assert_eq!(tiling.side, Some(16));
    }

    #[test]
    fn shifted_cores_meet_in_the_middle_of_the_others() {
        assert_eq!(cores(96, 48, 8), [0..48, 48..96]);
        assert_eq!(shifted_cores(96, 48, 8), [0..24, 24..72, 72..96]);
        assert_eq!(shifted_cores(40, 24, 8), [0..16, 16..40], "on the stride's grid");
        assert_eq!(shifted_cores(8, 24, 8), [0..8]);
        let tiling = geometry([40, 24], 8).cut(Some(16));
        assert_eq!((tiling.halo, tiling.with_halo([0, 0]).halo), ([8, 8], [0, 0]));
        assert_eq!(tiling.with_halo([8, 8]), tiling);
    }

    #[test]
    fn the_largest_side_that_fits_is_found() {
        let geometry = geometry([800, 800], 16);
        for longest in [16, 24, 120, 784, 792] {
            assert_eq!(geometry.largest_within(16, 800, |side| Ok(side <= longest)).unwrap(), longest);
        }
        let uneven = Geometry { stride: [4, 6], halo: None, padded: [12, 12] };
        assert_eq!((uneven.unit(), uneven.rounded(13)), (12, 24));
    }
}
