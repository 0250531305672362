//! The way of every edge, over no box where that can be.

use super::columns::Columns;
use super::items::Items;
use super::lanes::Lanes;
use super::measures::{Across, BAND_GAP, GAP, WIDTH};
use super::places::{Places, rises};

/// An edge's ends and its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Routed {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) route: Route,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Route {
    /// On to the next box of the track.
    Straight,
    /// To another track of the column, across at a height between two layers.
    Bend(f32),
    /// Past boxes of the column, in a lane beside it.
    Beside,
    /// To another column at the same height.
    Across,
    /// Across, then up or down into the target.
    Elbow,
    /// Through the space between columns; `over` columns in between at a height between bands.
    Between { over: Option<f32> },
}

/// One for each link of the items.
pub(super) fn routes(items: &Items, places: &Places, columns: &Columns) -> Vec<Routed> {
    let links = items.links.keys();
    links.map(|&(from, to)| Routed { from, to, route: route(from, to, places, columns) }).collect()
}

fn route(from: usize, to: usize, places: &Places, columns: &Columns) -> Route {
    if places.column[from] == places.column[to] {
        return within_column(from, to, places, columns).unwrap_or(Route::Beside);
    }
    across(from, to, places, columns).unwrap_or_else(|| {
        let far = places.column[from].abs_diff(places.column[to]) > 1;
        let above = places.bands[places.band[to]].0 - BAND_GAP / 2.0;
        Route::Between { over: far.then_some(above) }
    })
}

fn within_column(from: usize, to: usize, places: &Places, columns: &Columns) -> Option<Route> {
    let column = places.column[from];
    let (out, into) = (places.out_edge(from), places.in_edge(to));
    let on = if rises(column) { -1.0 } else { 1.0 };
    if (into - out) * on <= 0.0 {
        return None;
    }
    let (own, other) = ((column, places.track[from]), (column, places.track[to]));
    if own == other {
        return columns.is_clear(own, out, into).then_some(Route::Straight);
    }
    let (late, early) = (into - on * GAP / 2.0, out + on * GAP / 2.0);
    if columns.is_clear(own, out, late) {
        return Some(Route::Bend(late));
    }
    columns.is_clear(other, early, into).then_some(Route::Bend(early))
}

/// Straight to a later column, or with one corner.
fn across(from: usize, to: usize, places: &Places, columns: &Columns) -> Option<Route> {
    let (first, last) = (places.column[from], places.column[to]);
    let y = places.middle(from);
    let between_clear = (first + 1..last).all(|column| columns.is_column_clear(column, y));
    if first > last || !leaves_right(from, places, columns) || !between_clear {
        return None;
    }
    if !columns.are_clear(last, 0..places.track[to], y) {
        return None;
    }
    if (y - places.middle(to)).abs() < 0.5 {
        return Some(Route::Across);
    }
    let into = places.in_edge(to);
    let comes_from_below = y > into;
    let track = (last, places.track[to]);
    (rises(last) == comes_from_below && columns.is_clear(track, into, y)).then_some(Route::Elbow)
}

/// Whether nothing of its column lies to the right of a box.
fn leaves_right(item: usize, places: &Places, columns: &Columns) -> bool {
    let column = places.column[item];
    columns.are_clear(column, places.track[item] + 1..columns.tracks(column), places.middle(item))
}

/// The corners of an edge's way.
pub(super) fn points(
    routed: &Routed,
    places: &Places,
    columns: &Columns,
    (across, lanes): (&Across, &Lanes),
) -> Vec<[f32; 2]> {
    let Routed { from, to, route } = *routed;
    let centre = |item: usize| across.left(places.column[item], places.track[item]) + WIDTH / 2.0;
    let (out, into) = ([centre(from), places.out_edge(from)], [centre(to), places.in_edge(to)]);
    let side = |item: usize, right: bool| {
        let left = across.left(places.column[item], places.track[item]);
        [if right { left + WIDTH } else { left }, places.middle(item)]
    };
    let mut points = match route {
        Route::Straight => vec![out, into],
        Route::Bend(y) => vec![out, [out[0], y], [into[0], y], into],
        Route::Across => vec![side(from, true), side(to, false)],
        Route::Elbow => vec![side(from, true), [into[0], places.middle(from)], into],
        Route::Beside => {
            let (column, lane) = (places.column[from], lanes.lane_beside(from));
            let right = rises(column);
            let x = if right { across.lane_right(column, lane) } else { across.lane_left(column, lane) };
            let mut points = leave(from, right, (places, columns), (out, side(from, right)));
            let mut end = enter(to, right, (places, columns), (into, side(to, right)));
            join(&mut points, &[x], None, &end);
            points.append(&mut end);
            points
        }
        Route::Between { over } => {
            let (first, last) = (places.column[from], places.column[to]);
            let x = |column| across.lane_between(column, lanes.lane_between(column, from));
            let mut points = leave(from, true, (places, columns), (out, side(from, true)));
            let mut end = enter(to, false, (places, columns), (into, side(to, false)));
            join(&mut points, &[x(first), x(last.saturating_sub(1))], over, &end);
            points.append(&mut end);
            points
        }
    };
    points.dedup();
    points
}

/// From the side of a box, or where others lie beside it, out of its end and around.
fn leave(
    item: usize,
    right: bool,
    (places, columns): (&Places, &Columns),
    (out, side): ([f32; 2], [f32; 2]),
) -> Vec<[f32; 2]> {
    if is_free(item, right, places, columns) {
        return vec![side];
    }
    let on = if rises(places.column[item]) { -1.0 } else { 1.0 };
    vec![out, [out[0], out[1] + on * GAP / 2.0]]
}

fn enter(
    item: usize,
    right: bool,
    (places, columns): (&Places, &Columns),
    (into, side): ([f32; 2], [f32; 2]),
) -> Vec<[f32; 2]> {
    if is_free(item, right, places, columns) {
        return vec![side];
    }
    let on = if rises(places.column[item]) { -1.0 } else { 1.0 };
    vec![[into[0], into[1] - on * GAP / 2.0], into]
}

fn is_free(item: usize, right: bool, places: &Places, columns: &Columns) -> bool {
    let (column, track) = (places.column[item], places.track[item]);
    let beside = if right { track + 1..columns.tracks(column) } else { 0..track };
    columns.are_clear(column, beside, places.middle(item))
}

/// Corners from the last point by vertical lines at `lines` to the height of the first of `end`.
fn join(points: &mut Vec<[f32; 2]>, lines: &[f32], over: Option<f32>, end: &[[f32; 2]]) {
    let (Some(&[_, start]), Some(&[_, stop])) = (points.last(), end.first()) else { return };
    match (lines, over) {
        ([first, .., last], Some(over)) => {
            points.extend([[*first, start], [*first, over], [*last, over], [*last, stop]]);
        }
        ([first, ..], _) => points.extend([[*first, start], [*first, stop]]),
        _ => {}
    }
}
