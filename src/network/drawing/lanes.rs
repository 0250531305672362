//! Lines that run side by side beside the boxes: what is given to several readers shares one lane.

use super::places::{Places, rises};
use super::routes::{Route, Routed};
use std::collections::BTreeMap;

/// Lines side by side, at most; more lie on one another.
const MOST: usize = 48;

/// What gives the value, and how far up and down its line reaches.
type Span = (usize, f32, f32);

/// The lane of each source, counted away from the boxes.
#[derive(Default)]
pub(super) struct Lanes {
    /// Beside the source's own column.
    beside: BTreeMap<usize, usize>,
    /// By the column before the space, and source.
    between: BTreeMap<(usize, usize), usize>,
    counts_beside: BTreeMap<usize, usize>,
    counts_between: BTreeMap<usize, usize>,
}

impl Lanes {
    pub(super) fn of(routes: &[Routed], places: &Places) -> Self {
        let mut beside: BTreeMap<usize, BTreeMap<usize, Span>> = BTreeMap::new();
        let mut between = beside.clone();
        for &Routed { from, to, route } in routes {
            let (first, last) = (places.column[from], places.column[to].saturating_sub(1));
            match route {
                Route::Beside => {
                    widen(beside.entry(first).or_default(), from, [places.middle(from), places.middle(to)]);
                }
                Route::Between { over } => {
                    let ends = [places.middle(from), over.unwrap_or(places.middle(to))];
                    widen(between.entry(first).or_default(), from, ends);
                    if let Some(over) = over {
                        widen(between.entry(last).or_default(), from, [over, places.middle(to)]);
                    }
                }
                _ => {}
            }
        }
        let mut lanes = Self::default();
        for (column, spans) in beside {
            let (given, count) = share_out(spans.into_values().collect());
            lanes.counts_beside.insert(column, count);
            lanes.beside.extend(given);
        }
        for (column, spans) in between {
            let (given, count) = share_out(spans.into_values().collect());
            lanes.counts_between.insert(column, count);
            lanes.between.extend(given.into_iter().map(|(source, lane)| ((column, source), lane)));
        }
        lanes
    }

    pub(super) fn left_of(&self, column: usize) -> usize {
        if rises(column) { 0 } else { self.counts_beside.get(&column).copied().unwrap_or(0) }
    }

    pub(super) fn right_of(&self, column: usize) -> usize {
        if rises(column) { self.counts_beside.get(&column).copied().unwrap_or(0) } else { 0 }
    }

    /// In the space behind a column.
    pub(super) fn between(&self, column: usize) -> usize {
        self.counts_between.get(&column).copied().unwrap_or(0)
    }

    pub(super) fn lane_beside(&self, source: usize) -> usize {
        self.beside.get(&source).copied().unwrap_or(0)
    }

    pub(super) fn lane_between(&self, column: usize, source: usize) -> usize {
        self.between.get(&(column, source)).copied().unwrap_or(0)
    }
}

fn widen(spans: &mut BTreeMap<usize, Span>, source: usize, ends: [f32; 2]) {
    let span = spans.entry(source).or_insert((source, f32::INFINITY, f32::NEG_INFINITY));
    for end in ends {
        (span.1, span.2) = (span.1.min(end), span.2.max(end));
    }
}

/// The innermost lane that is free, the shortest lines first.
fn share_out(mut spans: Vec<Span>) -> (Vec<(usize, usize)>, usize) {
    spans.sort_by(|a, b| (a.2 - a.1).total_cmp(&(b.2 - b.1)).then(a.0.cmp(&b.0)));
    // Each from the top to the bottom.
    let mut lanes: Vec<Vec<(f32, f32)>> = Vec::new();
    let mut given = Vec::with_capacity(spans.len());
    for (source, low, high) in spans {
        let place_in = |lane: &Vec<(f32, f32)>| lane.partition_point(|&(from, _)| from < low);
        let is_free = |lane: &Vec<(f32, f32)>| {
            let place = place_in(lane);
            let below = lane.get(place).is_none_or(|&(from, _)| high + 1.0 < from);
            let above = place.checked_sub(1).and_then(|above| lane.get(above));
            below && above.is_none_or(|&(_, to)| to + 1.0 < low)
        };
        let lane = match lanes.iter().position(is_free) {
            Some(lane) => lane,
            None if lanes.len() < MOST => {
                lanes.push(Vec::new());
                lanes.len() - 1
            }
            None => MOST - 1,
        };
        let place = place_in(&lanes[lane]);
        lanes[lane].insert(place, (low, high));
        given.push((source, lane));
    }
    (given, lanes.len())
}
