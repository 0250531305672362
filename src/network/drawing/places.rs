//! Column, layer and track of every box, and how far down it lies.

use super::items::Items;
use super::levels::Levels;
use super::measures::{BAND_GAP, GAP, HEIGHT, MARGIN, PAD, TITLE};
use std::collections::BTreeMap;

/// A band within a column.
type Cell = (usize, usize);

/// Where the boxes lie; each list has one entry an item.
pub(super) struct Places {
    pub(super) band: Vec<usize>,
    pub(super) column: Vec<usize>,
    /// Within its cell, in the direction of computation.
    pub(super) layer: Vec<usize>,
    /// Beside others of its layer.
    pub(super) track: Vec<usize>,
    pub(super) top: Vec<f32>,
    /// Top and height of each band.
    pub(super) bands: Vec<(f32, f32)>,
    /// How many tracks each column has.
    pub(super) tracks: Vec<usize>,
    pub(super) height: f32,
}

/// Whether computation goes up in a column.
pub(super) fn rises(column: usize) -> bool {
    column % 2 == 1
}

impl Places {
    pub(super) fn of(items: &Items, levels: &Levels) -> Self {
        let count = items.all.len();
        let mut places = Self {
            band: levels.band.clone(),
            column: vec![0; count],
            layer: vec![0; count],
            track: vec![0; count],
            top: vec![0.0; count],
            bands: Vec::new(),
            tracks: Vec::new(),
            height: 0.0,
        };
        places.find_columns(items, levels);
        places.find_tracks(items);
        places.find_tops(items, levels.count());
        places
    }

    fn cell(&self, item: usize) -> Cell {
        (self.band[item], self.column[item])
    }

    /// The edge where the value leaves, top or bottom.
    pub(super) fn out_edge(&self, item: usize) -> f32 {
        if rises(self.column[item]) { self.top[item] } else { self.top[item] + HEIGHT }
    }

    /// The edge where inputs come in.
    pub(super) fn in_edge(&self, item: usize) -> f32 {
        if rises(self.column[item]) { self.top[item] + HEIGHT } else { self.top[item] }
    }

    pub(super) fn middle(&self, item: usize) -> f32 {
        self.top[item] + HEIGHT / 2.0
    }

    /// A new column begins wherever the way turns: from ever coarser to finer, or back.
    fn find_columns(&mut self, items: &Items, levels: &Levels) {
        let mut placed = vec![false; items.all.len()];
        for item in 0..placed.len() {
            let inputs: Vec<usize> =
                items.reads[item].iter().copied().filter(|&input| input < item && placed[input]).collect();
            if inputs.is_empty() && item > 0 {
                continue;
            }
            placed[item] = true;
            let has_image = inputs.iter().any(|&input| !levels.is_vector(input));
            let after = |&input: &usize| {
                let (column, from, to) = (self.column[input], self.band[input], self.band[item]);
                // Numbers that weigh the channels of an image are no way up.
                let weighs = levels.is_vector(input) && has_image;
                let turns = if rises(column) { to > from } else { to < from && !weighs };
                column + usize::from(turns)
            };
            self.column[item] = inputs.iter().map(after).max().unwrap_or(0);
            let before = inputs.iter().filter(|&&input| self.cell(input) == self.cell(item));
            self.layer[item] = before.map(|&input| self.layer[input] + 1).max().unwrap_or(0);
        }
        self.place_constants(items, &placed);
    }

    /// What hangs on no image stands beside the first that reads it.
    fn place_constants(&mut self, items: &Items, placed: &[bool]) {
        let mut readers = vec![None; placed.len()];
        for (reader, inputs) in items.reads.iter().enumerate().rev() {
            for &input in inputs {
                readers[input] = Some(reader);
            }
        }
        for item in (0..placed.len()).rev().filter(|&item| !placed[item]) {
            if let Some(reader) = readers[item] {
                (self.band[item], self.column[item]) = self.cell(reader);
                self.layer[item] = self.layer[reader].saturating_sub(1);
            }
        }
    }

    /// Each stays in the track of the longest way that leads to it, where that is free.
    fn find_tracks(&mut self, items: &Items) {
        let mut taken: BTreeMap<(Cell, usize), Vec<usize>> = BTreeMap::new();
        for item in 0..items.all.len() {
            let in_column = items.reads[item]
                .iter()
                .filter(|&&input| input < item && self.column[input] == self.column[item]);
            let before =
                in_column.max_by_key(|&&input| (self.cell(input) == self.cell(item), self.layer[input]));
            let wanted = before.map_or(0, |&input| self.track[input]);
            let taken = taken.entry((self.cell(item), self.layer[item])).or_default();
            let free = (0..=taken.len()).find(|track| !taken.contains(track)).unwrap_or(0);
            let track = if taken.contains(&wanted) { free } else { wanted };
            taken.push(track);
            self.track[item] = track;
        }
        let columns = self.column.iter().max().map_or(0, |last| last + 1);
        self.tracks = vec![1; columns];
        for (&column, &track) in self.column.iter().zip(&self.track) {
            self.tracks[column] = self.tracks[column].max(track + 1);
        }
    }

    fn find_tops(&mut self, items: &Items, bands: usize) {
        let rooms = self.rooms(items);
        let mut extents: BTreeMap<Cell, f32> = BTreeMap::new();
        // From the beginning of each cell, in the direction of computation.
        let mut flow: BTreeMap<(Cell, usize), f32> = BTreeMap::new();
        for (&(cell, layer), &(before, after)) in &rooms {
            let at = extents.entry(cell).or_default();
            *at += before + if *at > 0.0 { GAP } else { 0.0 };
            flow.insert((cell, layer), *at);
            *at += HEIGHT + after;
        }
        for item in 0..items.all.len() {
            let at = flow.get(&(self.cell(item), self.layer[item])).copied().unwrap_or(0.0);
            self.top[item] = if rises(self.column[item]) { -at - HEIGHT } else { at };
        }
        let lengths: Vec<(Cell, f32)> = extents.into_iter().collect();
        let aligned = self.first_links(items);
        let mut members: BTreeMap<Cell, Vec<usize>> = BTreeMap::new();
        (0..items.all.len()).for_each(|item| members.entry(self.cell(item)).or_default().push(item));
        let mut y = MARGIN;
        for band in 0..bands {
            let cells: Vec<(Cell, f32)> =
                lengths.iter().filter(|(cell, _)| cell.0 == band).copied().collect();
            let height = self.align(&cells, &aligned, &members, y);
            self.bands.push((y, height));
            y += height + if height > 0.0 { BAND_GAP } else { 0.0 };
        }
        self.height = y - BAND_GAP + MARGIN;
    }

    /// Moves a band's cells so that what flows from one to another goes straight, and the band begins at `y`; gives its
    /// height.
    fn align(
        &mut self,
        cells: &[(Cell, f32)],
        aligned: &BTreeMap<Cell, (usize, usize)>,
        members: &BTreeMap<Cell, Vec<usize>>,
        y: f32,
    ) -> f32 {
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for &(cell, length) in cells {
            let rises = rises(cell.1);
            let (top, bottom) = if rises { (-length, 0.0) } else { (0.0, length) };
            let shift = match aligned.get(&cell) {
                Some(&(from, to)) => self.top[from] - self.top[to],
                None if low > high => -top,
                // What rises begins at the bottom of the band.
                None if rises => high - bottom,
                None => low - top,
            };
            let items = members.get(&cell).into_iter().flatten();
            items.for_each(|&item| self.top[item] += shift);
            (low, high) = (low.min(top + shift), high.max(bottom + shift));
        }
        if low > high {
            return 0.0;
        }
        let items = cells.iter().filter_map(|(cell, _)| members.get(cell)).flatten();
        items.for_each(|&item| self.top[item] += y - low);
        high - low
    }

    /// For each cell the first link that comes straight across from an earlier column.
    fn first_links(&self, items: &Items) -> BTreeMap<Cell, (usize, usize)> {
        let mut first = BTreeMap::new();
        for &(from, to) in items.links.keys() {
            if self.band[from] == self.band[to] && self.column[from] < self.column[to] {
                first.entry(self.cell(to)).or_insert((from, to));
            }
        }
        first
    }

    /// What frames need before and behind each layer, in the direction of computation.
    fn rooms(&self, items: &Items) -> BTreeMap<(Cell, usize), (f32, f32)> {
        let mut spans: BTreeMap<(usize, Cell), (usize, usize)> = BTreeMap::new();
        for (item, of) in items.all.iter().enumerate() {
            let layer = self.layer[item];
            for &group in &of.within {
                let span = spans.entry((group, self.cell(item))).or_insert((layer, layer));
                *span = (span.0.min(layer), span.1.max(layer));
            }
        }
        let mut rooms: BTreeMap<(Cell, usize), (f32, f32)> = BTreeMap::new();
        for (item, of) in items.all.iter().enumerate() {
            let (cell, layer) = (self.cell(item), self.layer[item]);
            let (title_before, title_after) = if rises(cell.1) { (0.0, TITLE) } else { (TITLE, 0.0) };
            let (mut before, mut after) = (0.0, 0.0);
            for span in of.within.iter().filter_map(|&group| spans.get(&(group, cell))) {
                before += if span.0 == layer { PAD + title_before } else { 0.0 };
                after += if span.1 == layer { PAD + title_after } else { 0.0 };
            }
            let room = rooms.entry((cell, layer)).or_default();
            *room = (room.0.max(before), room.1.max(after));
        }
        rooms
    }
}
