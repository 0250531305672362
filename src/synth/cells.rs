//! Grains and packed particles as Voronoi cells around jittered lattice points.

use super::dice::Dice;
use super::exact::{mix, unit_of};

/// How distance is measured: round cells, or square ones along an axis.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Metric {
    Round,
    /// Largest of the two distances along a direction `[cos, sin]` and across it.
    Square([f32; 2]),
}

/// Points of a jittered lattice that covers a picture, and the cells around them.
pub(super) struct Cells {
    seed: u64,
    spacing: f32,
    metric: Metric,
    columns: i64,
    rows: i64,
    /// `[y, x]` of each lattice place's point; some places have none, which makes large cells.
    points: Vec<Option<[f32; 2]>>,
}

/// The cell a position lies in.
pub(super) struct Place {
    /// Differs from cell to cell.
    pub(super) id: u64,
    /// Px to the border with the next cell.
    pub(super) depth: f32,
    /// From the cell's point, `[y, x]` in px.
    pub(super) offset: [f32; 2],
}

/// Lattice places kept around the picture so that its border is like its middle.
const MARGIN: i64 = 4;

impl Cells {
    /// Cells about `spacing` px wide; `missing` is the share of places left empty, `jitter` 0..=1 how irregular.
    pub(super) fn new(size: [usize; 2], spacing: f32, [jitter, missing]: [f32; 2], dice: &mut Dice) -> Self {
        let count = |length: usize| (length as f32 / spacing).ceil() as i64 + 2 * MARGIN;
        let (rows, columns) = (count(size[0]), count(size[1]));
        let mut points = Vec::with_capacity((rows * columns) as usize);
        for i in 0..rows {
            for j in 0..columns {
                let mut at = |k: i64| ((k - MARGIN) as f32 + 0.5 + jitter * (dice.unit() - 0.5)) * spacing;
                let point = [at(i), at(j)];
                points.push((!dice.chance(missing)).then_some(point));
            }
        }
        Self { seed: dice.bits(), spacing, metric: Metric::Round, columns, rows, points }
    }

    /// The same points with another distance.
    pub(super) fn measured(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    fn distance(&self, dy: f32, dx: f32) -> f32 {
        match self.metric {
            Metric::Round => (dy * dy + dx * dx).sqrt(),
            Metric::Square([c, s]) => (dx * c + dy * s).abs().max((dy * c - dx * s).abs()),
        }
    }

    /// Where a position in px lies.
    pub(super) fn at(&self, y: f32, x: f32) -> Place {
        let home = |v: f32| (v / self.spacing).floor() as i64 + MARGIN;
        let (i0, j0) = (home(y), home(x));
        let (mut first, mut second) = ((f32::MAX, 0, [0.0; 2]), (f32::MAX, [0.0; 2]));
        for i in (i0 - 2).max(0)..(i0 + 3).min(self.rows) {
            for j in (j0 - 2).max(0)..(j0 + 3).min(self.columns) {
                let place = (i * self.columns + j) as usize;
                let Some(point) = self.points[place] else { continue };
                let offset = [y - point[0], x - point[1]];
                let distance = self.distance(offset[0], offset[1]);
                if distance < first.0 {
                    second = (first.0, first.2);
                    first = (distance, place, offset);
                } else if distance < second.0 {
                    second = (distance, offset);
                }
            }
        }
        Place { id: mix(self.seed ^ first.1 as u64), depth: self.depth(&first, second), offset: first.2 }
    }

    fn depth(&self, first: &(f32, usize, [f32; 2]), second: (f32, [f32; 2])) -> f32 {
        if second.0 == f32::MAX {
            return self.spacing;
        }
        match self.metric {
            // Exactly the distance to the line halfway between the two points.
            Metric::Round => {
                let (dy, dx) = (first.2[0] - second.1[0], first.2[1] - second.1[1]);
                let apart = (dy * dy + dx * dx).sqrt().max(1e-3);
                (second.0 * second.0 - first.0 * first.0) / (2.0 * apart)
            }
            Metric::Square(_) => (second.0 - first.0) / 2.0,
        }
    }
}

impl Place {
    /// A number in 0..1 that belongs to the cell; another one for every `which`.
    pub(super) fn unit(&self, which: u64) -> f32 {
        unit_of(mix(self.id ^ mix(which)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_lattice_has_square_cells_with_exact_depth() {
        let cells = Cells::new([40, 40], 10.0, [0.0, 0.0], &mut Dice::new(1, 0, 0));
        let centre = cells.at(15.0, 25.0);
        assert_eq!((centre.depth, centre.offset), (5.0, [0.0, 0.0]));
        let side = cells.at(15.0, 28.0);
        assert_eq!((side.depth, side.id), (2.0, centre.id));
        assert_ne!(cells.at(15.0, 31.0).id, centre.id);
        assert_eq!(side.unit(3), centre.unit(3));
        assert_ne!(side.unit(3), side.unit(4));
    }

    #[test]
    fn missing_points_make_larger_cells() {
        let count = |missing| {
            let cells = Cells::new([60, 60], 6.0, [0.9, missing], &mut Dice::new(1, 0, 0));
            let ids = (0..60).flat_map(|y| (0..60).map(move |x| (y as f32, x as f32)));
            ids.map(|(y, x)| cells.at(y, x).id).collect::<std::collections::HashSet<_>>().len()
        };
        assert!(count(0.4) < count(0.0));
    }
}
