//! An edge as it is painted: round corners and an arrow's head.

use super::DrawnEdge;

/// Of corners, in points.
const RADIUS: f32 = 7.0;
/// Pieces of a corner.
const PIECES: u16 = 5;

impl DrawnEdge {
    /// Its way with round corners, as a line of many corners.
    #[must_use]
    pub fn smooth(&self) -> Vec<[f32; 2]> {
        let points = &self.points;
        let [first, .., last] = points.as_slice() else { return points.clone() };
        let mut smooth = vec![*first];
        for corner in points.windows(3) {
            let [before, at, after] = [corner[0], corner[1], corner[2]];
            // Two corners share the line between them.
            let radius = RADIUS.min(distance(before, at) / 2.0).min(distance(at, after) / 2.0);
            let (start, end) = (towards(at, before, radius), towards(at, after, radius));
            for piece in 0..=PIECES {
                let t = f32::from(piece) / f32::from(PIECES);
                let weigh = |axis: usize| {
                    (1.0 - t) * (1.0 - t) * start[axis] + 2.0 * t * (1.0 - t) * at[axis] + t * t * end[axis]
                };
                smooth.push([weigh(0), weigh(1)]);
            }
        }
        smooth.push(*last);
        smooth
    }

    /// The corners of its arrow's head, the tip first.
    #[must_use]
    pub fn arrow(&self, length: f32) -> [[f32; 2]; 3] {
        let [.., before, tip] = self.points.as_slice() else { return [[0.0; 2]; 3] };
        let back = towards(*tip, *before, length.min(distance(*before, *tip)));
        let side = [(tip[1] - back[1]) * 0.5, (back[0] - tip[0]) * 0.5];
        [*tip, [back[0] + side[0], back[1] + side[1]], [back[0] - side[0], back[1] - side[1]]]
    }
}

fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// So far from one point on the way to another.
fn towards(from: [f32; 2], to: [f32; 2], length: f32) -> [f32; 2] {
    let share = length / distance(from, to).max(1e-6);
    [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(points: Vec<[f32; 2]>) -> DrawnEdge {
        DrawnEdge { from: 0, to: 1, links: Vec::new(), points }
    }

    #[test]
    fn corners_are_rounded_and_ends_stay() {
        let smooth = edge(vec![[0.0, 0.0], [20.0, 0.0], [20.0, 30.0]]).smooth();
        assert_eq!((smooth[0], smooth[smooth.len() - 1]), ([0.0, 0.0], [20.0, 30.0]));
        assert_eq!((smooth[1], smooth[smooth.len() - 2]), ([13.0, 0.0], [20.0, 7.0]));
        assert!(smooth.iter().all(|point| *point != [20.0, 0.0]));
        let straight = vec![[0.0, 0.0], [9.0, 0.0]];
        assert_eq!(edge(straight.clone()).smooth(), straight);
    }

    #[test]
    fn the_head_points_where_the_line_goes() {
        assert_eq!(edge(vec![[0.0, 0.0], [0.0, 10.0]]).arrow(4.0), [[0.0, 10.0], [2.0, 6.0], [-2.0, 6.0]]);
        assert_eq!(edge(Vec::new()).arrow(4.0), [[0.0; 2]; 3]);
    }
}
