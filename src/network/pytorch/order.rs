//! Layers without a common name, matched by their shapes and their order.

use crate::network::{Graph, ParameterSpec};
use std::collections::BTreeMap;

/// A layer's tensors by suffix: ("bias", [16]), ("weight", [16, 3, 3, 3]).
type Signature = Vec<(String, Vec<usize>)>;

/// Pairs of place and weight for whole layers: those whose shapes no other layer has on either side, and, when the file
/// is `ordered`, those of which both sides have as many, all of one kind.
pub(super) fn by_order(
    graph: &Graph,
    empty: &[ParameterSpec],
    rest: &[&(String, Vec<usize>)],
    ordered: bool,
) -> Vec<(String, String)> {
    let places = layers(empty.iter().map(|place| (place.name.as_str(), place.shape.as_slice())));
    let found = layers(rest.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())));
    let whole = |layer: &str| graph.node(layer).map_or(0, |node| node.parameters().len());
    let mut pairs = Vec::new();
    for (signature, nodes) in &places {
        let Some(modules) = found.get(signature) else { continue };
        let kinds: Vec<&str> = nodes.iter().filter_map(|n| graph.node(n)).map(|n| n.op.kind()).collect();
        let one_kind = kinds.windows(2).all(|pair| pair[0] == pair[1]);
        let clear = nodes.len() == 1 || (ordered && one_kind);
        let entire = nodes.iter().all(|node| whole(node) == signature.len());
        if nodes.len() == modules.len() && clear && entire {
            for (node, module) in nodes.iter().zip(modules) {
                let named = |layer: &str, suffix: &str| format!("{layer}.{suffix}");
                pairs
                    .extend(signature.iter().map(|(suffix, _)| (named(node, suffix), named(module, suffix))));
            }
        }
    }
    pairs
}

/// Layers by the shapes of their tensors, each list in the order given.
fn layers<'a>(tensors: impl Iterator<Item = (&'a str, &'a [usize])>) -> BTreeMap<Signature, Vec<&'a str>> {
    let mut order: Vec<&str> = Vec::new();
    let mut signatures: BTreeMap<&str, Signature> = BTreeMap::new();
    for (name, shape) in tensors {
        let Some((layer, suffix)) = name.rsplit_once('.') else { continue };
        let signature = signatures.entry(layer).or_insert_with(|| {
            order.push(layer);
            Vec::new()
        });
        signature.push((suffix.to_owned(), shape.to_vec()));
    }
    let mut layers: BTreeMap<Signature, Vec<&str>> = BTreeMap::new();
    for layer in order {
        if let Some(mut signature) = signatures.remove(layer) {
            signature.sort();
            layers.entry(signature).or_default().push(layer);
        }
    }
    layers
}
