//! The effective receptive field: how strongly each pixel of the input moves one value (Luo et al. 2016).
use ndarray::{Array2, ArrayView2, Axis, s};
use serde::Serialize;
use std::ops::Range;

/// Share of the energy that the box holds.
pub const HELD: f64 = 0.95;

/// What one value of a node really sees of one image: the sum over the input's channels of |∂ value / ∂ pixel|.
///
/// The theoretical window says which pixels *can* change the value; the gradient says how much each *does*, on this
/// image. A pixel's energy is the square of its value here. The box is the shortest run of rows and the shortest run of
/// columns that hold 97.5 % of all energy each (the first of several as short), so that together they hold at least
/// 95 %.
///
/// Lengths and places are in pixels of the network's input; `scale` leads to the micrograph's.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectiveField {
    pub node: String,
    /// `None`: all features of the node together.
    pub feature: Option<usize>,
    /// Of the node's output, `[y, x]`.
    pub at: [usize; 2],
    /// `[y, x]` of the network's input.
    pub input: [usize; 2],
    /// Rows and columns that the value can see, also beyond the image; `None`: all.
    pub window: Option<[Range<i64>; 2]>,
    /// `[y, x]` of the input at which `values` begin; all outside of them is 0.
    pub origin: [usize; 2],
    pub values: Array2<f32>,
    pub extent: Extent,
    /// Micrograph pixels per pixel of the input, `[y, x]`.
    pub scale: [f64; 2],
}

/// Where the energy is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Extent {
    /// Rows and columns of the box; empty where nothing moves the value.
    pub rows: Range<usize>,
    pub columns: Range<usize>,
    /// Share of the energy within the box.
    pub held: f64,
    /// Share of the energy within the theoretical window: 1 but for rounding, or one of the two is wrong.
    pub within_window: f64,
    /// Mean place of the energy, `[y, x]`.
    pub centre: [f64; 2],
}

impl Extent {
    /// Rows by columns.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        [self.rows.len(), self.columns.len()]
    }

    /// Of values that begin at `origin`, with the theoretical window.
    #[must_use]
    pub fn of(values: ArrayView2<'_, f32>, origin: [usize; 2], window: Option<&[Range<i64>; 2]>) -> Self {
        let energy = values.mapv(|value| f64::from(value).powi(2));
        let total = energy.sum();
        // A value that is no number would make everything one.
        if !(total > 0.0 && total.is_finite()) {
            let nowhere = [0, 1].map(|axis| origin[axis]..origin[axis]);
            let [rows, columns] = nowhere;
            return Self { rows, columns, held: 0.0, within_window: 0.0, centre: [0.0; 2] };
        }
        let along = |axis: usize| energy.sum_axis(Axis(1 - axis)).to_vec();
        let (down, across) = (along(0), along(1));
        // Both leave out at most half of what may be left out.
        let each = total * (1.0 + HELD) / 2.0;
        let (rows, columns) = (shortest(&down, each), shortest(&across, each));
        let inside = |rows: &Range<usize>, columns: &Range<usize>| {
            energy.slice(s![rows.clone(), columns.clone()]).sum() / total
        };
        let seen = [0, 1]
            .map(|axis| part_seen(window.map(|window| &window[axis]), origin[axis], values.shape()[axis]));
        let in_window = |y: usize, x: usize| seen[0].contains(&y) && seen[1].contains(&x);
        // Summed by itself, so that nothing outside is exactly nothing.
        let outside: f64 =
            energy.indexed_iter().filter(|((y, x), _)| !in_window(*y, *x)).map(|(_, energy)| energy).sum();
        let mean = |sums: &[f64], axis: usize| {
            let moment: f64 = sums.iter().enumerate().map(|(place, sum)| place as f64 * sum).sum();
            moment / total + origin[axis] as f64
        };
        Self {
            held: inside(&rows, &columns),
            within_window: 1.0 - outside / total,
            centre: [mean(&down, 0), mean(&across, 1)],
            rows: moved(rows, origin[0]),
            columns: moved(columns, origin[1]),
        }
    }
}

impl EffectiveField {
    /// True where no pixel moves the value: the feature is dead here.
    #[must_use]
    pub fn is_dark(&self) -> bool {
        self.extent.rows.is_empty()
    }

    /// The values over the network's whole input.
    #[must_use]
    pub fn whole(&self) -> Array2<f32> {
        let mut whole = Array2::zeros(self.input);
        let (height, width) = self.values.dim();
        let (top, left) = (self.origin[0], self.origin[1]);
        let inside =
            [height.min(self.input[0].saturating_sub(top)), width.min(self.input[1].saturating_sub(left))];
        whole
            .slice_mut(s![top..top + inside[0], left..left + inside[1]])
            .assign(&self.values.slice(s![..inside[0], ..inside[1]]));
        whole
    }

    /// The largest value.
    #[must_use]
    pub fn most(&self) -> f32 {
        self.values.iter().copied().filter(|value| value.is_finite()).fold(0.0, f32::max)
    }
}

/// The first of the shortest runs whose sum is at least `enough`; everything where rounding lets no run be enough.
fn shortest(sums: &[f64], enough: f64) -> Range<usize> {
    let mut best = 0..sums.len();
    let (mut start, mut held) = (0, 0.0);
    for (end, sum) in sums.iter().enumerate() {
        held += sum;
        // What leaves at the front must leave enough.
        while held - sums[start] >= enough && start < end {
            held -= sums[start];
            start += 1;
        }
        if held >= enough && end + 1 - start < best.len() {
            best = start..end + 1;
        }
    }
    best
}

/// Places of `length` from `origin` that lie in a window.
fn part_seen(window: Option<&Range<i64>>, origin: usize, length: usize) -> Range<usize> {
    let Some(window) = window else { return 0..length };
    let place = |at: i64| (at - origin as i64).clamp(0, length as i64) as usize;
    let (start, end) = (place(window.start), place(window.end));
    start..end.max(start)
}

fn moved(range: Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_box_is_the_shortest_that_holds_enough() {
        assert_eq!(shortest(&[0.0, 1.0, 8.0, 1.0, 0.0], 9.0), 1..3);
        assert_eq!(shortest(&[0.0, 1.0, 8.0, 1.0, 0.0], 8.0), 2..3);
        assert_eq!(shortest(&[5.0, 0.0, 0.0, 5.0], 9.0), 0..4);
        assert_eq!(shortest(&[1.0], 2.0), 0..1);
        assert_eq!(shortest(&[], 1.0), 0..0);
    }

    #[test]
    fn rows_and_columns_are_measured_by_themselves() {
        // Energies 1, 100 and 1 in a row, 36 below the middle one; of 138 in all, 134.55 are enough for each axis.
        let values = array![[0.0, 0.0, 0.0, 0.0], [1.0, 10.0, 1.0, 0.0], [0.0, 6.0, 0.0, 0.0]];
        let window = [4..7, 10..13];
        let extent = Extent::of(values.view(), [4, 10], Some(&window));
        assert_eq!((extent.rows.clone(), extent.columns.clone(), extent.size()), (5..7, 11..12, [2, 1]));
        assert!((extent.held - 136.0 / 138.0).abs() < 1e-12 && extent.within_window == 1.0);
        assert!((extent.centre[0] - (5.0 + 36.0 / 138.0)).abs() < 1e-12 && extent.centre[1] == 11.0);
        let narrow = Extent::of(values.view(), [4, 10], Some(&[4..6, 10..13]));
        assert!((narrow.within_window - 102.0 / 138.0).abs() < 1e-12);
        assert_eq!(Extent::of(values.view(), [4, 10], Some(&[40..60, 1..2])).within_window, 0.0);
    }

    #[test]
    fn a_dead_value_sees_nothing() {
        for values in [Array2::zeros((3, 2)), array![[f32::NAN, 1.0]], Array2::zeros((0, 0))] {
            let extent = Extent::of(values.view(), [7, 8], None);
            assert_eq!((extent.size(), extent.held), ([0, 0], 0.0));
        }
    }

    #[test]
    fn the_values_lie_where_they_were_measured() {
        let values = array![[1.0, 2.0], [3.0, 4.0]];
        let field = EffectiveField {
            node: "conv".into(),
            feature: None,
            at: [0, 0],
            input: [3, 4],
            window: None,
            origin: [1, 2],
            extent: Extent::of(values.view(), [1, 2], None),
            values,
            scale: [1.0, 1.0],
        };
        assert_eq!(field.whole(), array![[0.0; 4], [0.0, 0.0, 1.0, 2.0], [0.0, 0.0, 3.0, 4.0]]);
        assert_eq!((field.most(), field.is_dark()), (4.0, false));
    }
}
