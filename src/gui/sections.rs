//! Encoder, bottleneck and decoder of a network, told from its shapes alone.
use crate::network::NodeCost;

/// A part of a network that narrows and widens again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Encoder,
    Bottleneck,
    Decoder,
}

impl Section {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Encoder => "Encoder",
            Self::Bottleneck => "Bottleneck",
            Self::Decoder => "Decoder",
        }
    }

    /// One sentence for the tooltip.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Encoder => {
                "Nodes that look at ever larger parts of the micrograph at ever coarser resolution"
            }
            Self::Bottleneck => "The coarsest maps: they know most about what is there and least about where",
            Self::Decoder => "Nodes that bring what was found back to the micrograph's resolution",
        }
    }
}

/// The section of each node; none where the network never widens again.
pub(super) fn sections(nodes: &[NodeCost]) -> Vec<Option<Section>> {
    let pixels = |node: &NodeCost| match node.shape[..] {
        [_, height, width] => Some(height * width),
        _ => None,
    };
    let Some(least) = nodes.iter().filter_map(pixels).min() else { return vec![None; nodes.len()] };
    let is_least = |node: &NodeCost| pixels(node) == Some(least);
    let (Some(first), Some(last)) = (nodes.iter().position(is_least), nodes.iter().rposition(is_least))
    else {
        return vec![None; nodes.len()];
    };
    let widens = nodes[last..].iter().any(|node| pixels(node).is_some_and(|size| size > least));
    if !widens || first == 0 {
        return vec![None; nodes.len()];
    }
    let of_place = |place: usize| {
        if place < first {
            Section::Encoder
        } else if place <= last {
            Section::Bottleneck
        } else {
            Section::Decoder
        }
    };
    (0..nodes.len()).map(|place| Some(of_place(place))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(shapes: &[&[usize]]) -> Vec<NodeCost> {
        let node = |shape: &&[usize]| NodeCost {
            name: String::new(),
            kind: String::new(),
            attributes: String::new(),
            shape: shape.to_vec(),
            parameters: 0,
            multiply_adds: 0,
            activation_bytes: 0,
            receptive_field: None,
        };
        shapes.iter().map(node).collect()
    }

    #[test]
    fn a_network_that_widens_again_has_three_sections() {
        let found =
            sections(&nodes(&[&[1, 8, 8], &[4, 4, 4], &[8, 2, 2], &[8, 2, 2], &[4, 4, 4], &[2, 8, 8]]));
        let expected = [
            Section::Encoder,
            Section::Encoder,
            Section::Bottleneck,
            Section::Bottleneck,
            Section::Decoder,
            Section::Decoder,
        ];
        assert_eq!(found, expected.map(Some));
    }

    #[test]
    fn a_classifier_and_a_network_of_one_resolution_have_none() {
        assert_eq!(sections(&nodes(&[&[1, 8, 8], &[4, 4, 4], &[64], &[10]])), [None; 4]);
        assert_eq!(sections(&nodes(&[&[1, 8, 8], &[4, 8, 8]])), [None; 2]);
        assert!(sections(&[]).is_empty());
    }
}
