//! Sizes and distances of a drawing, and where its columns stand.

use super::lanes::Lanes;
use super::places::Places;

/// Of a box.
pub(super) const WIDTH: f32 = 172.0;
pub(super) const HEIGHT: f32 = 32.0;
/// Between boxes below one another: room for an arrow.
pub(super) const GAP: f32 = 12.0;
/// Between bands.
pub(super) const BAND_GAP: f32 = 30.0;
/// Between a frame and what it holds.
pub(super) const PAD: f32 = 6.0;
/// Of a frame's title.
pub(super) const TITLE: f32 = 15.0;
/// Between lines that run side by side.
const LANE: f32 = 7.0;
/// Between tracks of a column.
const TRACK_GAP: f32 = 18.0;
/// Between columns.
const COLUMN_GAP: f32 = 64.0;
/// At the left, where bands are named.
const BAND_NAMES: f32 = 64.0;
pub(super) const MARGIN: f32 = 14.0;

/// Where columns, tracks and lanes stand from left to right.
pub(super) struct Across {
    /// Left edge of each column's first track.
    columns: Vec<f32>,
    /// The right end of each column, lines beside it included.
    ends: Vec<f32>,
    tracks: Vec<usize>,
    step: f32,
    /// How far frames stand out on both sides of the tracks.
    out: f32,
    pub(super) width: f32,
}

impl Across {
    /// `deepest` frames lie within each other at most.
    pub(super) fn of(places: &Places, lanes: &Lanes, deepest: usize) -> Self {
        let out = PAD * deepest as f32;
        let step = WIDTH + TRACK_GAP + 2.0 * out;
        let mut x = BAND_NAMES;
        let (mut columns, mut ends) = (Vec::new(), Vec::new());
        for (column, &tracks) in places.tracks.iter().enumerate() {
            // One lane more than there are keeps lines off the border.
            let beside = |lanes: usize| if lanes > 0 { (lanes + 1) as f32 * LANE } else { 0.0 };
            let (left, right) = (beside(lanes.left_of(column)), beside(lanes.right_of(column)));
            columns.push(x + left + out);
            x += left + step * tracks as f32 - TRACK_GAP + right;
            ends.push(x);
            x += COLUMN_GAP + lanes.between(column) as f32 * LANE;
        }
        let width = ends.last().copied().unwrap_or(x) + MARGIN;
        Self { columns, ends, tracks: places.tracks.clone(), step, out, width }
    }

    /// The left edge of a box.
    pub(super) fn left(&self, column: usize, track: usize) -> f32 {
        self.columns[column] + self.step * track as f32
    }

    /// A lane left of a column's boxes, the nearest first.
    pub(super) fn lane_left(&self, column: usize, lane: usize) -> f32 {
        self.columns[column] - self.out - (lane + 1) as f32 * LANE
    }

    /// A lane right of a column's boxes, the nearest first.
    pub(super) fn lane_right(&self, column: usize, lane: usize) -> f32 {
        let last = self.tracks[column].saturating_sub(1);
        self.left(column, last) + WIDTH + self.out + (lane + 1) as f32 * LANE
    }

    /// A lane in the space behind a column, the leftmost first.
    pub(super) fn lane_between(&self, column: usize, lane: usize) -> f32 {
        self.ends[column] + COLUMN_GAP / 2.0 + lane as f32 * LANE
    }
}
