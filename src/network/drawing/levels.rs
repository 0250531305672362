//! How coarse every box's values are: its band.

use super::Band;
use super::items::Items;
use super::places::Places;
use crate::network::NodeCost;

/// Doublings by which values of one band may differ: convolutions without padding lose borders.
const TOLERANCE: f64 = 0.25;

/// The bands that boxes lie in, finest first.
pub(super) struct Levels {
    /// Of each item.
    pub(super) band: Vec<usize>,
    /// Whether the last band holds what is no image any more.
    pub(super) vectors: bool,
    names: Vec<(String, String)>,
}

impl Levels {
    pub(super) fn of(items: &Items, nodes: &[NodeCost]) -> Self {
        let input = nodes.first().map_or(1, pixels);
        let coarse = |node: usize| coarseness(&nodes[node], input);
        let values: Vec<Option<f64>> = items.all.iter().map(|item| coarse(item.gives)).collect();
        let mut sorted: Vec<f64> = values.iter().flatten().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let mut starts: Vec<f64> = Vec::new();
        for value in sorted {
            if starts.last().is_none_or(|start| value - start > TOLERANCE) {
                starts.push(value);
            }
        }
        let band = |value: &Option<f64>| match value {
            Some(value) => starts.partition_point(|start| start <= value).saturating_sub(1),
            None => starts.len(),
        };
        let band: Vec<usize> = values.iter().map(band).collect();
        let vectors = values.iter().any(Option::is_none);
        let count = starts.len() + usize::from(vectors);
        let names = (0..count).map(|this| {
            let first = band.iter().position(|&band| band == this);
            let first = first.map(|item| &nodes[items.all[item].gives]);
            let label = match first.map(|node| node.shape.as_slice()) {
                Some([_, y, x]) if y * x > 1 => format!("{y}×{x}"),
                _ => "vectors".to_owned(),
            };
            (label, starts.get(this).map(|start| share(*start)).unwrap_or_default())
        });
        let names = names.collect();
        Self { band, vectors, names }
    }

    /// How many bands there are.
    pub(super) fn count(&self) -> usize {
        self.names.len()
    }

    /// Whether an item's value is no image any more.
    pub(super) fn is_vector(&self, item: usize) -> bool {
        self.vectors && self.band[item] + 1 == self.count()
    }

    pub(super) fn bands(&self, places: &Places) -> Vec<Band> {
        let band = |((label, share), &(top, height)): (&(String, String), &(f32, f32))| Band {
            label: label.clone(),
            share: share.clone(),
            top,
            height,
        };
        self.names.iter().zip(&places.bands).map(band).collect()
    }
}

fn pixels(node: &NodeCost) -> usize {
    match node.shape[..] {
        [_, y, x] => (y * x).max(1),
        _ => 1,
    }
}

/// How many times its pixels' distance has doubled since the input; `None` of what is no image.
fn coarseness(node: &NodeCost, input: usize) -> Option<f64> {
    if pixels(node) == 1 {
        return None;
    }
    let jump = node.receptive_field.map(|field| field.jump[0] * field.jump[1]);
    let area = jump.filter(|area| *area > 0.0 && area.is_finite());
    Some(area.unwrap_or(input as f64 / pixels(node) as f64).log2() / 2.0)
}

fn share(doublings: f64) -> String {
    let times = doublings.exp2();
    match times {
        t if (t - 1.0).abs() < 0.01 => "1".to_owned(),
        t if t > 1.0 => format!("1/{}", short(t)),
        t => format!("{}×", short(1.0 / t)),
    }
}

fn short(times: f64) -> String {
    if (times - times.round()).abs() < 0.05 { format!("{times:.0}") } else { format!("{times:.1}") }
}
