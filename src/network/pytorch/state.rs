//! Finds the state dict in what a checkpoint holds: names and tensors, perhaps below other entries.

use super::values::{Id, Pickled, Value};
use super::view::View;
use std::collections::BTreeMap;

/// Entries that hold the weights in the checkpoints of common training programs, the likelier first.
const WRAPPERS: [&str; 14] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model_weights",
    "model",
    "net",
    "network",
    "network_weights",
    "weights",
    "params_ema",
    "params",
    "ema",
    "module",
    "teacher",
];
/// Dicts within dicts that are looked through.
const DEPTH: usize = 4;

/// Names and tensors in the file's order, and what was done to find them in words.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) tensors: Vec<(String, View)>,
    pub(super) notes: Vec<String>,
}

/// The state dict, or the one below the entry `key`.
///
/// # Errors
/// When there is none, or several between which only a person can choose.
pub(super) fn state_dict(pickled: &Pickled<'_>, key: Option<&str>) -> Result<State, String> {
    let mut at = pickled.root;
    let mut notes = Vec::new();
    let mut path = String::new();
    let entry = key.and_then(|key| Some((key, pickled.entry(at, key)?)));
    if let Some((key, entry)) = entry {
        at = entry;
        key.clone_into(&mut path);
    }
    for _ in 0..DEPTH {
        if pickled.values.entries(at).is_none() {
            let found = kind(pickled.values.get(at));
            return Err(format!("The file holds {found}, no dict of named weights"));
        }
        if has_tensors(pickled, at) {
            let mut state = collect(pickled, at);
            state.notes.splice(0..0, notes);
            return match key.filter(|_| entry.is_none()) {
                Some(key) => state.below(key),
                None => Ok(state),
            };
        }
        let chosen = choose(pickled, at)?;
        let others: Vec<&str> = keys(pickled, at).into_iter().filter(|&other| other != chosen).collect();
        path = if path.is_empty() { chosen.to_owned() } else { format!("{path}.{chosen}") };
        let rest = if others.is_empty() { String::new() } else { format!(", beside it {}", listed(others)) };
        notes.push(format!("The weights are the checkpoint's entry {path:?}{rest}"));
        at = pickled.entry(at, chosen).unwrap_or(at);
    }
    Err(format!("The weights lie deeper than {DEPTH} entries"))
}

impl State {
    /// Only the tensors whose names begin with the key and a dot, without them.
    pub(super) fn below(mut self, key: &str) -> Result<Self, String> {
        let mut names: Vec<&str> =
            self.tensors.iter().map(|(name, _)| name.split('.').next().unwrap_or_default()).collect();
        names.dedup();
        let known = listed(names);
        let prefix = format!("{key}.");
        let rest = |(name, view): (String, View)| Some((name.strip_prefix(&prefix)?.to_owned(), view));
        self.tensors = self.tensors.into_iter().filter_map(rest).collect();
        if self.tensors.is_empty() {
            return Err(format!("The file has no entry {key:?}, and no name begins so; it has {known}"));
        }
        Ok(self)
    }
}

/// The entry that holds the weights.
fn choose<'a>(pickled: &Pickled<'a>, dict: Id) -> Result<&'a str, String> {
    let mut holding = Vec::new();
    for &(key, value) in pickled.values.entries(dict).unwrap_or_default() {
        if let Some(name) = pickled.text(key)
            && !name.starts_with("optim")
            && leads_to_tensors(pickled, value)
        {
            holding.push(name);
        }
    }
    holding.sort_unstable();
    holding.dedup();
    let usual = WRAPPERS.iter().find(|wrapper| holding.contains(wrapper));
    match (usual, holding.as_slice()) {
        (Some(wrapper), _) => Ok(wrapper),
        (None, [only]) => Ok(only),
        (None, []) => Err(format!("The file holds no named weights, only {}", listed(keys(pickled, dict)))),
        (None, several) => Err(format!(
            "The file holds several sets of weights; choose one with --key: {}",
            listed(several.to_vec())
        )),
    }
}

fn keys<'a>(pickled: &Pickled<'a>, dict: Id) -> Vec<&'a str> {
    let entries = pickled.values.entries(dict).unwrap_or_default();
    entries.iter().map(|(key, _)| pickled.text(*key).unwrap_or("an entry without a name")).collect()
}

/// Up to six names, none longer than a line or with characters that a terminal obeys, and how many more.
fn listed(names: Vec<&str>) -> String {
    let more = names.len().saturating_sub(6);
    let plain = |c: char| if c.is_control() { '?' } else { c };
    let names: Vec<String> =
        names.into_iter().take(6).map(|name| name.chars().take(80).map(plain).collect()).collect();
    let shown = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

fn has_tensors(pickled: &Pickled<'_>, dict: Id) -> bool {
    let entries = pickled.values.entries(dict).unwrap_or_default();
    entries.iter().any(|(key, value)| {
        pickled.text(*key).is_some() && matches!(pickled.values.get(*value), Value::Tensor(_))
    })
}

/// Whether a dict has tensors, or dicts that have, down to [`DEPTH`]. Each level is looked at once.
fn leads_to_tensors(pickled: &Pickled<'_>, dict: Id) -> bool {
    let mut level = vec![dict];
    for _ in 1..DEPTH {
        if level.iter().any(|&dict| has_tensors(pickled, dict)) {
            return true;
        }
        let below = level.iter().flat_map(|&dict| pickled.values.entries(dict).unwrap_or_default());
        let mut dicts: Vec<Id> = below
            .filter(|(key, value)| {
                pickled.text(*key).is_some() && matches!(pickled.values.get(*value), Value::Dict(_))
            })
            .map(|(_, value)| *value)
            .collect();
        dicts.sort_unstable();
        dicts.dedup();
        level = dicts;
    }
    false
}

fn collect(pickled: &Pickled<'_>, dict: Id) -> State {
    let mut state = State::default();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut others = Vec::new();
    for &(key, value) in pickled.values.entries(dict).unwrap_or_default() {
        match (pickled.text(key), pickled.values.get(value)) {
            (Some(name), Value::Tensor(view)) => {
                // Of two entries under one name the later counts, as in Python.
                let place = *places.entry(name).or_insert(state.tensors.len());
                let tensor = (name.to_owned(), view.as_ref().clone());
                match state.tensors.get_mut(place) {
                    Some(kept) => *kept = tensor,
                    None => state.tensors.push(tensor),
                }
            }
            (name, _) => others.push(name.unwrap_or("an entry without a name")),
        }
    }
    if !others.is_empty() {
        state.notes.push(format!("Left out what is no tensor: {}", listed(others)));
    }
    state
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::None => "nothing",
        Value::Bool(_) | Value::Int(_) | Value::LongInt(_) | Value::Float => "a number",
        Value::Text(_) => "a text",
        Value::Bytes => "bytes",
        Value::Tuple(_) | Value::List(_) => "a list",
        Value::Dict(_) => "a dict",
        Value::Tensor(_) => "one tensor without a name",
        Value::Global(_) | Value::Storage(_) | Value::Other => "an object",
    }
}
