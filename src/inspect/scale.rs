//! Brings a feature map to the size of a cell: the mean over areas downwards, repeated pixels upwards.
use ndarray::{Array2, ArrayView2};

/// Size `[y, x]` of the cell for a map of `size`: the longest side becomes `longest` downwards, and upwards the
/// largest whole multiple within it.
pub(super) fn cell_size(size: [usize; 2], longest: usize) -> [usize; 2] {
    let (longest, side) = (longest.max(1), size[0].max(size[1]).max(1));
    if side <= longest {
        return size.map(|n| n.max(1) * (longest / side));
    }
    size.map(|n| ((n * longest) as f64 / side as f64).round().max(1.0) as usize)
}

/// The map in `cell` pixels; areas are averaged over their finite values (NaN where there are none).
pub(super) fn fit(map: ArrayView2<'_, f32>, cell: [usize; 2]) -> Array2<f32> {
    let (height, width) = map.dim();
    if map.is_empty() {
        return Array2::from_elem(cell, f32::NAN);
    }
    if cell[0].is_multiple_of(height) && cell[1].is_multiple_of(width) {
        let (up_y, up_x) = (cell[0] / height, cell[1] / width);
        return Array2::from_shape_fn(cell, |(y, x)| map[[y / up_y, x / up_x]]);
    }
    let (rows, columns) = (spans(height, cell[0]), spans(width, cell[1]));
    Array2::from_shape_fn(cell, |(y, x)| mean_over(map, &rows[y], &columns[x]))
}

/// Which input pixels an output pixel covers, and how much of each.
pub(super) struct Span {
    first: usize,
    weights: Vec<f64>,
}

impl Span {
    /// Of the pixels from `start` to `end` (pixel i reaches from i to i + 1); `None` where none of `length` is there.
    pub(super) fn within(start: f64, end: f64, length: usize) -> Option<Self> {
        let (start, end) = (start.max(0.0), end.min(length as f64));
        (start < end).then(|| {
            let first = (start.floor() as usize).min(length - 1);
            let last = (end.ceil() as usize).clamp(first + 1, length);
            let share = |pixel: usize| (end.min((pixel + 1) as f64) - start.max(pixel as f64)).max(0.0);
            Self { first, weights: (first..last).map(share).collect() }
        })
    }
}

fn spans(from: usize, to: usize) -> Vec<Span> {
    let ratio = from as f64 / to as f64;
    (0..to).filter_map(|index| Span::within(index as f64 * ratio, (index + 1) as f64 * ratio, from)).collect()
}

pub(super) fn mean_over(map: ArrayView2<'_, f32>, rows: &Span, columns: &Span) -> f32 {
    let (mut sum, mut weight) = (0.0, 0.0);
    for (y, share_y) in rows.weights.iter().enumerate() {
        for (x, share_x) in columns.weights.iter().enumerate() {
            let value = map[[rows.first + y, columns.first + x]];
            if value.is_finite() {
                sum += f64::from(value) * share_y * share_x;
                weight += share_y * share_x;
            }
        }
    }
    if weight > 0.0 { (sum / weight) as f32 } else { f32::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn cells_keep_the_map_s_shape() {
        let cases = [
            ([200, 100], 50, [50, 25]),
            ([1000, 1], 10, [10, 1]),
            ([3, 5], 16, [9, 15]),
            ([1, 1], 12, [12, 12]),
            ([7, 7], 0, [1, 1]),
        ];
        for (size, longest, expected) in cases {
            assert_eq!(cell_size(size, longest), expected, "{size:?} within {longest}");
        }
    }

    #[test]
    fn upwards_pixels_are_repeated() {
        assert_eq!(
            fit(array![[1.0, 2.0]].view(), [2, 4]),
            array![[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]
        );
    }

    #[test]
    fn downwards_areas_are_averaged_with_their_shares() {
        // Three pixels into two: the middle one counts half in each.
        assert_eq!(fit(array![[0.0, 3.0, 9.0]].view(), [1, 2]), array![[1.0, 7.0]]);
        assert_eq!(fit(array![[1.0, 2.0], [3.0, 6.0]].view(), [1, 1]), array![[3.0]]);
    }

    #[test]
    fn undefined_values_do_not_spread() {
        let nan = f32::NAN;
        let found = fit(array![[1.0, nan, nan, nan]].view(), [1, 2]);
        assert_eq!(found[[0, 0]], 1.0);
        assert!(found[[0, 1]].is_nan());
    }
}
