//! Who lies below whom, to find out whether a line would run over a box.

use super::measures::HEIGHT;
use super::places::Places;

/// The boxes of every track of every column, from top to bottom.
pub(super) struct Columns {
    tops: Vec<Vec<Vec<f32>>>,
}

impl Columns {
    pub(super) fn of(places: &Places) -> Self {
        let mut tops: Vec<Vec<Vec<f32>>> =
            places.tracks.iter().map(|&tracks| vec![Vec::new(); tracks]).collect();
        for item in 0..places.top.len() {
            tops[places.column[item]][places.track[item]].push(places.top[item]);
        }
        tops.iter_mut().flatten().for_each(|track| track.sort_by(f32::total_cmp));
        Self { tops }
    }

    /// Whether a track has no box between two heights.
    pub(super) fn is_clear(&self, (column, track): (usize, usize), from: f32, to: f32) -> bool {
        let (low, high) = (from.min(to), from.max(to));
        let Some(tops) = self.tops.get(column).and_then(|tracks| tracks.get(track)) else { return true };
        // The first box that ends below the upper height; borders may touch.
        let first = tops.partition_point(|top| top + HEIGHT <= low + 0.5);
        tops.get(first).is_none_or(|top| *top >= high - 0.5)
    }

    /// Whether no box of these tracks lies at a height.
    pub(super) fn are_clear(&self, column: usize, tracks: std::ops::Range<usize>, y: f32) -> bool {
        tracks.into_iter().all(|track| self.is_clear((column, track), y - 1.0, y + 1.0))
    }

    /// Whether no box of a whole column lies at a height.
    pub(super) fn is_column_clear(&self, column: usize, y: f32) -> bool {
        let tracks = self.tops.get(column).map_or(0, Vec::len);
        self.are_clear(column, 0..tracks, y)
    }

    pub(super) fn tracks(&self, column: usize) -> usize {
        self.tops.get(column).map_or(0, Vec::len)
    }
}
