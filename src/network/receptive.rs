//! Which input pixels an output can see.

use super::geometry::{Move, layouts, lends_sizes};
use super::windows::{Sampling, Slide, Windows};
use super::{Graph, NetworkError};
use serde::Serialize;
use std::ops::Range;

/// Receptive field along y and x in input pixels: output index `i` sees nothing outside the input
/// `start + i·jump .. start + i·jump + size`.
///
/// Over branches it is the union. Behind upsampling and transposed convolutions neighbouring outputs see windows that
/// do not move evenly: `size` then is the least that holds for every output (tiles are cut by it), `widest` the size of
/// the largest window that one output has (people are told that one). Elsewhere the two are equal.
/// [`receptive_window`] gives the very window of one output. Pixels beyond the image's border count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReceptiveField {
    pub size: [f64; 2],
    pub jump: [f64; 2],
    pub start: [f64; 2],
    pub widest: [f64; 2],
}

/// One a node; `None` where the whole image is seen (after global pooling or flattening, or where branches drift apart
/// so far that no number would hold), or where it depends on the image's size what is seen. A constant sees nothing: its
/// size is 0.
///
/// What is resized to the size of another value, or cut to it about its middle, is taken to lie on the other's grid, as it
/// does where no pixels are lost between them.
#[must_use]
pub fn receptive_fields(graph: &Graph) -> Vec<Option<ReceptiveField>> {
    all_windows(graph, None).iter().map(View::field).collect()
}

/// The same on an image `[c, y, x]`, where nothing is left to depend on its size.
///
/// # Errors
/// Those of [`Graph::shapes`].
pub fn receptive_fields_on(
    graph: &Graph,
    image: [usize; 3],
) -> Result<Vec<Option<ReceptiveField>>, NetworkError> {
    let shapes = graph.shapes(image)?;
    Ok(all_windows(graph, Some(&shapes)).iter().map(View::field).collect())
}

/// Rows and columns `[y, x]` of the input that output `[y, x]` of node `index` can see, also beyond the image's border;
/// `None` where it sees the whole image, empty ranges where it sees nothing.
#[must_use]
pub fn receptive_window(graph: &Graph, index: usize, output: [usize; 2]) -> Option<[Range<i64>; 2]> {
    all_windows(graph, None).into_iter().nth(index)?.window(output)
}

/// The same on an image `[c, y, x]`.
///
/// # Errors
/// Those of [`Graph::shapes`].
pub fn receptive_window_on(
    graph: &Graph,
    image: [usize; 3],
    index: usize,
    output: [usize; 2],
) -> Result<Option<[Range<i64>; 2]>, NetworkError> {
    let shapes = graph.shapes(image)?;
    Ok(all_windows(graph, Some(&shapes)).into_iter().nth(index).and_then(|view| view.window(output)))
}

/// What a node sees of the image.
enum View {
    Nothing,
    Windows([Windows; 2]),
    Everything,
}

impl View {
    fn windows(&self) -> Option<&[Windows; 2]> {
        match self {
            Self::Windows(windows) => Some(windows),
            _ => None,
        }
    }

    fn field(&self) -> Option<ReceptiveField> {
        match self {
            Self::Nothing => {
                let (none, one) = ([0.0; 2], [1.0; 2]);
                Some(ReceptiveField { size: none, jump: one, start: none, widest: none })
            }
            Self::Windows(axes) => Some(field(axes)),
            Self::Everything => None,
        }
    }

    fn window(&self, [y, x]: [usize; 2]) -> Option<[Range<i64>; 2]> {
        let range = |windows: &Windows, at: usize| {
            let window = windows.at(i64::try_from(at).ok()?)?;
            Some(window.map_or(0..0, |(first, last)| first..last + 1))
        };
        match self {
            Self::Nothing => Some([0..0, 0..0]),
            Self::Windows([rows, columns]) => Some([range(rows, y)?, range(columns, x)?]),
            Self::Everything => None,
        }
    }
}

fn field(axes: &[Windows; 2]) -> ReceptiveField {
    let [y, x] = axes;
    let ((start_y, size_y, widest_y), (start_x, size_x, widest_x)) = (y.span(), x.span());
    ReceptiveField {
        size: [size_y, size_x],
        jump: [y.jump(), x.jump()],
        start: [start_y, start_x],
        widest: [widest_y, widest_x],
    }
}

fn all_windows(graph: &Graph, shapes: Option<&[Vec<usize>]>) -> Vec<View> {
    let layouts = layouts(graph, shapes);
    let mut all: Vec<View> = Vec::with_capacity(layouts.len());
    for (index, layout) in layouts.iter().enumerate() {
        let seen = |&input: &usize| !matches!(all[input], View::Nothing);
        let op = &graph.nodes()[index].op;
        let by_grid = matches!(layout.on_image, Some((_, [Move::Like(_) | Move::Crop, _])));
        let read = if lends_sizes(op) && !by_grid { 1 } else { usize::MAX };
        let from: Vec<usize> = graph.inputs_of(index).into_iter().take(read).filter(seen).collect();
        let inputs: Option<Vec<&[Windows; 2]>> = from.iter().map(|&input| all[input].windows()).collect();
        let windows = || {
            let (inputs, (_, moves)) = (inputs?, layout.on_image?);
            Some([behind(moves[0], &inputs, 0)?, behind(moves[1], &inputs, 1)?])
        };
        all.push(match windows() {
            _ if layout.constant => View::Nothing,
            Some(windows) => View::Windows(windows),
            None => View::Everything,
        });
    }
    all
}

/// The windows of a node along one axis; `None` where it sees everything.
fn behind(by: Move, inputs: &[&[Windows; 2]], axis: usize) -> Option<Windows> {
    let Some((first, others)) = inputs.split_first() else { return Some(Windows::identity()) };
    let first = &first[axis];
    match by {
        Move::Keep => others.iter().try_fold(first.clone(), |union, other| union.union(&other[axis])),
        Move::Slide(slide) => first.slide(slide),
        Move::Spread(slide) => first.spread(slide),
        Move::Sample(sampling) => first.sample(sampling),
        Move::Like(spot) => {
            let (inputs, outputs) = first.to_grid(&others.first()?[axis])?;
            first.sample(Sampling { inputs, outputs, spot })
        }
        Move::Crop => {
            let other = &others.first()?[axis];
            let cut = ((other.centre() - first.centre()) / first.jump()).floor();
            first.slide(Slide::shifted(cut as i64))
        }
        Move::Mix => None,
    }
}

#[cfg(test)]
mod tests;
