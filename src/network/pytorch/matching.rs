//! Which weight of a file belongs at which place of a graph, by name where names agree, else by shape.

use super::order::by_order;
use crate::network::weights::size_text;
use crate::network::{Graph, ParameterSpec};
use std::collections::{BTreeMap, BTreeSet};

/// Prefixes of names that are tried, the commonest first.
const PREFIXES: usize = 8;
/// What counts batches in training; no run needs it.
const COUNTER: &str = "num_batches_tracked";

/// A weight of the file whose shape is not that of the place with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    pub place: String,
    pub weight: String,
    pub expected: Vec<usize>,
    pub found: Vec<usize>,
}

/// What fits and what does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matching {
    /// Each place that has a weight, and the weight's name.
    pub matched: Vec<(String, String)>,
    /// Places with no weight.
    pub empty: Vec<ParameterSpec>,
    /// Weights with no place: name and shape.
    pub unused: Vec<(String, Vec<usize>)>,
    pub differing: Vec<Differing>,
    /// How names were read, in words.
    pub notes: Vec<String>,
}

/// How the graph's nodes are called in a file.
struct Naming<'a> {
    words: &'static str,
    modules: BTreeMap<&'a str, &'a str>,
}

impl Naming<'_> {
    /// The name that a place would have.
    fn name(&self, place: &str) -> Option<String> {
        if self.words.is_empty() {
            return Some(place.to_owned());
        }
        let (node, kind) = place.rsplit_once('.')?;
        self.modules.get(node).map(|module| format!("{module}.{kind}"))
    }
}

/// Finds the weights of `graph` among those of a file, given by name and shape in the file's order.
///
/// Names are tried as the graph has them, then as `torchvision` calls the modules (pairs of node and module), each
/// also behind a prefix that many names share ("module.", "encoder."). What is still without a weight gets one by
/// shape, where only one way fits, or, if the file is `ordered`, where layers of one kind stand in the same order.
pub fn match_weights(
    graph: &Graph,
    weights: &[(String, Vec<usize>)],
    torchvision: &[(String, String)],
    ordered: bool,
) -> Matching {
    let places = graph.parameters();
    let counted = |name: &str| name == COUNTER || name.ends_with(&format!(".{COUNTER}"));
    let weights: Vec<&(String, Vec<usize>)> = weights.iter().filter(|(name, _)| !counted(name)).collect();
    let shapes: BTreeMap<&str, &[usize]> =
        weights.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
    let modules = torchvision.iter().map(|(node, module)| (node.as_str(), module.as_str())).collect();
    let own = Naming { words: "", modules: BTreeMap::new() };
    let theirs = Naming { words: "torchvision's", modules };
    let mut matching = by_name(&places, &shapes, &[own, theirs]);
    let used: BTreeSet<&String> = matching
        .matched
        .iter()
        .map(|(_, weight)| weight)
        .chain(matching.differing.iter().map(|d| &d.weight))
        .collect();
    let rest: Vec<&(String, Vec<usize>)> =
        weights.into_iter().filter(|(name, _)| !used.contains(name)).collect();
    let pairs = by_order(graph, &matching.empty, &rest, ordered);
    if !pairs.is_empty() {
        matching.notes.push(by_shape_note(&pairs));
    }
    let found: BTreeMap<&str, &str> = pairs.iter().map(|(p, w)| (p.as_str(), w.as_str())).collect();
    matching.empty.retain(|place| !found.contains_key(place.name.as_str()));
    let taken: BTreeSet<&str> = found.values().copied().collect();
    matching.unused = rest.into_iter().filter(|(name, _)| !taken.contains(name.as_str())).cloned().collect();
    matching.matched.extend(pairs);
    let other_shape = |(place, weight): &&(String, String)| {
        let place = places.iter().find(|spec| spec.name == *place);
        place.is_some_and(|place| shapes.get(weight.as_str()) != Some(&place.shape.as_slice()))
    };
    let reshaped = matching.matched.iter().filter(other_shape).count();
    if reshaped > 0 {
        matching.notes.push(format!("Weights whose shape differs in axes of one index alone: {reshaped}"));
    }
    matching
}

/// The naming and the prefix by which most places find a weight that fits; earlier ones win.
fn by_name(places: &[ParameterSpec], shapes: &BTreeMap<&str, &[usize]>, namings: &[Naming<'_>]) -> Matching {
    let mut best = Matching { empty: places.to_vec(), ..Matching::default() };
    let mut most = (0, 0);
    let mut twin: Option<String> = None;
    for naming in namings {
        let names: Vec<Option<String>> = places.iter().map(|place| naming.name(&place.name)).collect();
        for prefix in prefixes(&names, shapes) {
            let mut matching = Matching::default();
            for (place, name) in places.iter().zip(&names) {
                let name = name.as_ref().map(|name| format!("{prefix}{name}"));
                put(&mut matching, place, name, shapes);
            }
            let score = (matching.matched.len(), matching.differing.len());
            if score > most {
                matching.notes.extend(naming_note(naming.words, &prefix));
                (best, most, twin) = (matching, score, None);
            } else if score == most && score.0 > 0 && other_weights(&best, &matching) {
                twin = Some(prefix);
            }
        }
    }
    if let Some(twin) = twin {
        best.notes.push(format!("The weights below {twin:?} would fit as well; choose with --key"));
    }
    best
}

fn other_weights(a: &Matching, b: &Matching) -> bool {
    a.matched.first().map(|(_, weight)| weight) != b.matched.first().map(|(_, weight)| weight)
}

/// Notes what the place gets from the weight of that name.
fn put(
    matching: &mut Matching,
    place: &ParameterSpec,
    name: Option<String>,
    shapes: &BTreeMap<&str, &[usize]>,
) {
    let Some((weight, found)) = name.and_then(|name| shapes.get(name.as_str()).map(|&shape| (name, shape)))
    else {
        return matching.empty.push(place.clone());
    };
    if fits(&place.shape, found) {
        matching.matched.push((place.name.clone(), weight));
    } else {
        let (expected, found) = (place.shape.clone(), found.to_vec());
        matching.differing.push(Differing { place: place.name.clone(), weight, expected, found });
    }
}

/// Equal shapes, or such as differ in axes of one index alone: a 1×1 convolution is a dense layer.
pub(super) fn fits(expected: &[usize], found: &[usize]) -> bool {
    let long = |shape: &[usize]| -> Vec<usize> { shape.iter().copied().filter(|&n| n != 1).collect() };
    expected == found || long(expected) == long(found)
}

/// "" and the prefixes behind which the names are found, the commonest first.
fn prefixes(names: &[Option<String>], shapes: &BTreeMap<&str, &[usize]>) -> Vec<String> {
    let names: BTreeSet<&str> = names.iter().flatten().map(String::as_str).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in shapes.keys() {
        for (dot, _) in name.match_indices('.') {
            if names.contains(&name[dot + 1..]) {
                *counts.entry(&name[..=dot]).or_default() += 1;
            }
        }
    }
    let mut found: Vec<(&str, usize)> = counts.into_iter().collect();
    found.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    std::iter::once("")
        .chain(found.into_iter().map(|(prefix, _)| prefix))
        .take(PREFIXES)
        .map(str::to_owned)
        .collect()
}

fn naming_note(words: &str, prefix: &str) -> Option<String> {
    match (words, prefix) {
        ("", "") => None,
        ("", prefix) => Some(format!("The weights are those whose names begin with {prefix:?}")),
        (words, "") => Some(format!("The weights have {words} names")),
        (words, prefix) => Some(format!("The weights have {words} names behind {prefix:?}")),
    }
}

/// How many layers, and the first of them.
fn by_shape_note(pairs: &[(String, String)]) -> String {
    let layer = |name: &str| name.rsplit_once('.').map_or(name, |(layer, _)| layer).to_owned();
    let mut layers: Vec<(String, String)> =
        pairs.iter().map(|(place, weight)| (layer(weight), layer(place))).collect();
    layers.dedup();
    let first: Vec<String> = layers.iter().take(4).map(|(from, to)| format!("{from} → {to}")).collect();
    let more = if layers.len() > 4 { ", …" } else { "" };
    let count = layers.len();
    format!(
        "Layers matched by shape and order, not by name: {count} ({}{more}); check the result",
        first.join(", ")
    )
}

impl Matching {
    /// What did not fit, one thing a line: places without weights, other shapes, then weights without a place.
    #[must_use]
    pub fn misfits(&self) -> Vec<String> {
        let empty = self
            .empty
            .iter()
            .map(|place| format!("Place {} has no weight: expected {}", place.name, size_text(&place.shape)));
        let differing = self.differing.iter().map(|d| {
            let from = if d.place == d.weight { String::new() } else { format!(" in {}", d.weight) };
            let (expected, found) = (size_text(&d.expected), size_text(&d.found));
            format!("Place {} has another shape: expected {expected}, found {found}{from}", d.place)
        });
        let unused = self
            .unused
            .iter()
            .map(|(name, shape)| format!("Weight {name} ({}) has no place", size_text(shape)));
        empty.chain(differing).chain(unused).collect()
    }

    /// How many places are without a weight that fits.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.empty.len() + self.differing.len()
    }
}
