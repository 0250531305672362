//! Connected components of a label map, in one pass over runs of equal pixels: time grows with the pixels, memory with
//! the components.
use ndarray::{ArrayView1, ArrayView2};

/// One 8-connected region of pixels of one class other than 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) class: u16,
    pub(super) area: u64,
    /// Sums of y and x over the pixels.
    pub(super) sum: [u64; 2],
    first: [usize; 2],
    last: [usize; 2],
}

impl Component {
    /// Top, left, height, width.
    pub(super) fn bounding_box(&self) -> [usize; 4] {
        let [top, left] = self.first;
        [top, left, self.last[0] + 1 - top, self.last[1] + 1 - left]
    }

    fn of_run(y: usize, run: &Run) -> Self {
        let (start, end, y_sum) = (run.start as u64, run.end as u64, y as u64);
        let area = end - start;
        Self {
            class: run.class,
            area,
            sum: [y_sum * area, (start + end - 1) * area / 2],
            first: [y, run.start],
            last: [y, run.end - 1],
        }
    }

    fn absorb(&mut self, other: &Self) {
        self.area += other.area;
        for axis in 0..2 {
            self.sum[axis] += other.sum[axis];
            self.first[axis] = self.first[axis].min(other.first[axis]);
            self.last[axis] = self.last[axis].max(other.last[axis]);
        }
    }
}

/// Neighbouring pixels of one class in a row, `start..end`, and the provisional component they belong to.
struct Run {
    class: u16,
    start: usize,
    end: usize,
    component: usize,
}

/// All components, ordered by their first pixel row by row.
pub(super) fn components(labels: ArrayView2<'_, u16>) -> Vec<Component> {
    let mut forest = Forest { nodes: Vec::new() };
    let mut above: Vec<Run> = Vec::new();
    for (y, row) in labels.outer_iter().enumerate() {
        let mut runs = runs_of(row);
        let mut nearest = 0;
        for run in &mut runs {
            while nearest < above.len() && above[nearest].end < run.start {
                nearest += 1;
            }
            // Runs touch diagonally too, so the ends may meet.
            let touching = above[nearest..].iter().take_while(|over| over.start <= run.end);
            let mut touching = touching.filter(|over| over.class == run.class);
            let part = Component::of_run(y, run);
            run.component = match touching.next() {
                Some(over) => forest.extend(over.component, &part),
                None => forest.plant(part),
            };
            for over in touching {
                forest.join(run.component, over.component);
            }
        }
        above = runs;
    }
    forest.roots()
}

fn runs_of(row: ArrayView1<'_, u16>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (x, &class) in row.iter().enumerate().filter(|(_, class)| **class != 0) {
        match runs.last_mut() {
            Some(run) if run.class == class && run.end == x => run.end = x + 1,
            _ => runs.push(Run { class, start: x, end: x + 1, component: 0 }),
        }
    }
    runs
}

/// Provisional components; one that was joined to an earlier one points to it (union-find, the earliest is the root).
struct Forest {
    nodes: Vec<Node>,
}

enum Node {
    Root(Component),
    Joined(usize),
}

impl Forest {
    fn plant(&mut self, component: Component) -> usize {
        self.nodes.push(Node::Root(component));
        self.nodes.len() - 1
    }

    fn extend(&mut self, index: usize, part: &Component) -> usize {
        let root = self.root(index);
        if let Node::Root(component) = &mut self.nodes[root] {
            component.absorb(part);
        }
        root
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        let (early, late) = (a.min(b), a.max(b));
        if early == late {
            return;
        }
        if let Node::Root(part) = std::mem::replace(&mut self.nodes[late], Node::Joined(early)) {
            self.extend(early, &part);
        }
    }

    /// The root of a component; every second pointer on the way is shortened.
    fn root(&mut self, mut index: usize) -> usize {
        while let Node::Joined(parent) = self.nodes[index] {
            if let Node::Joined(grandparent) = self.nodes[parent] {
                self.nodes[index] = Node::Joined(grandparent);
            }
            index = parent;
        }
        index
    }

    fn roots(self) -> Vec<Component> {
        let root = |node| match node {
            Node::Root(component) => Some(component),
            Node::Joined(_) => None,
        };
        self.nodes.into_iter().filter_map(root).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    /// Class and area of each component.
    fn found(labels: &Array2<u16>) -> Vec<(u16, u64)> {
        components(labels.view()).iter().map(|c| (c.class, c.area)).collect()
    }

    #[test]
    fn pixels_that_touch_by_a_corner_are_one_object() {
        assert_eq!(found(&array![[1, 0], [0, 1]]), [(1, 2)]);
        assert_eq!(found(&array![[0, 1], [1, 0]]), [(1, 2)]);
        assert_eq!(found(&array![[1, 0, 1], [0, 0, 0], [1, 0, 1]]), [(1, 1); 4]);
    }

    #[test]
    fn classes_that_touch_stay_apart() {
        assert_eq!(found(&array![[1, 2], [1, 2]]), [(1, 2), (2, 2)]);
        assert_eq!(found(&array![[1, 2], [2, 1]]), [(1, 2), (2, 2)]);
    }

    #[test]
    fn arms_that_meet_late_are_one_object_with_the_earliest_place() {
        let comb = array![
            [0, 0, 0, 1, 0, 0, 2],
            [1, 0, 1, 1, 0, 1, 0],
            [1, 0, 1, 0, 0, 1, 0],
            [1, 1, 1, 1, 1, 1, 0]
        ];
        assert_eq!(found(&comb), [(1, 14), (2, 1)]);
        assert_eq!(components(comb.view())[0].bounding_box(), [0, 0, 4, 6]);
    }

    #[test]
    fn there_is_nothing_in_an_empty_map() {
        assert!(found(&Array2::zeros((3, 4))).is_empty());
        assert!(found(&Array2::zeros((0, 0))).is_empty());
    }

    /// The simplest possible flood fill, to compare with.
    fn flooded(labels: &Array2<u16>) -> Vec<(u16, u64)> {
        let (height, width) = labels.dim();
        let mut seen = Array2::from_elem((height, width), false);
        let mut all = Vec::new();
        for ((y, x), &class) in labels.indexed_iter() {
            if class == 0 || std::mem::replace(&mut seen[[y, x]], true) {
                continue;
            }
            let (mut stack, mut area) = (vec![(y, x)], 0);
            while let Some((y, x)) = stack.pop() {
                area += 1;
                for v in y.saturating_sub(1)..(y + 2).min(height) {
                    for u in x.saturating_sub(1)..(x + 2).min(width) {
                        if labels[[v, u]] == class && !std::mem::replace(&mut seen[[v, u]], true) {
                            stack.push((v, u));
                        }
                    }
                }
            }
            all.push((class, area));
        }
        all
    }

    proptest::proptest! {
        #[test]
        fn components_are_those_of_a_flood_fill(values in proptest::collection::vec(0_u16..3, 12 * 15)) {
            let labels = Array2::from_shape_vec((12, 15), values).unwrap();
            proptest::prop_assert_eq!(found(&labels), flooded(&labels));
        }
    }
}
