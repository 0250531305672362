//! Which node an image is judged by.
use crate::network::{Model, describe, total_stride};

/// More features than that would make the model's file large.
const MOST_FEATURES: usize = 1024;
/// Side in px of the image that shapes are found for.
const TRIAL: usize = 256;

/// The last node before the output among those with the fewest pixels: the bottleneck of a U-Net, a classifier's last
/// features. There an image is summed up most, and keeping its feature maps costs least. `None` where none is fit.
#[must_use]
pub fn likeness_node(model: &Model) -> Option<String> {
    let whole = total_stride(&model.graph).map(|stride| TRIAL.next_multiple_of(stride.max(1)));
    let size = model.card.resampled_to().unwrap_or(whole);
    let nodes = describe(&model.graph, [model.graph.input_channels(), size[0], size[1]]).ok()?;
    let places = |shape: &[usize]| shape.iter().skip(1).product::<usize>();
    let classes = model.card.classes.len();
    // Logits, and what only rearranges them, sum up less than the features before.
    let fit = nodes.get(1..nodes.len().saturating_sub(1))?.iter().filter(|node| {
        node.shape.first().is_some_and(|&features| features > classes && features <= MOST_FEATURES)
    });
    let fewest = fit.clone().map(|node| places(&node.shape)).min()?;
    fit.rev().find(|node| places(&node.shape) == fewest).map(|node| node.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests::segmenter;

    #[test]
    fn a_u_net_is_judged_by_its_bottleneck() {
        let model = segmenter(1, None);
        let node = likeness_node(&model).unwrap();
        assert!(node.starts_with("mid."), "{node}");
    }
}
