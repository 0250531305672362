//! What a pickle holds, without Python: plain values, and references to tensors and their storages.
//!
//! All values lie in one list and name each other by place. A value that a pickle repeats a million times is there
//! once, nesting however deep needs no recursion, and a budget bounds what a pickle can make.

use super::element::Element;
use super::globals::Global;
use super::view::View;
use std::ops::Range;

/// Values and places of values that one pickle may make. Some hundred thousand are a large checkpoint.
const BUDGET: usize = 1 << 22;

/// Place of a value in [`Values`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(u32);

/// One value. Texts and bytes are places in the pickle.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float,
    /// An integer of more than 64 bits, little-endian.
    LongInt(Range<usize>),
    Text(Range<usize>),
    Bytes,
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    /// Place in [`Values::storages`].
    Storage(usize),
    Tensor(Box<View>),
    /// Something harmless that is no weight: a date, a numpy number, somebody's settings.
    Other,
}

/// A block of numbers that tensors are views of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StorageRef {
    pub(super) key: String,
    /// `None`: bytes, whose type each tensor says itself.
    pub(super) element: Option<Element>,
    /// Numbers it is said to have, of its element or bytes.
    pub(super) count: usize,
    /// Where it begins in the storage of that key, in numbers; old files share one among several.
    pub(super) offset: usize,
}

/// Everything one pickle made.
#[derive(Debug, Default)]
pub(super) struct Values {
    all: Vec<Value>,
    pub(super) storages: Vec<StorageRef>,
    spent: usize,
}

impl Values {
    /// Takes `count` from the budget.
    pub(super) fn spend(&mut self, count: usize) -> Result<(), String> {
        self.spent = self.spent.saturating_add(count);
        if self.spent > BUDGET {
            return Err(format!("it makes more than {BUDGET} objects, no state dict does"));
        }
        Ok(())
    }

    /// Keeps a value.
    pub(super) fn add(&mut self, value: Value) -> Result<Id, String> {
        self.spend(1)?;
        // The budget is far below 2^32.
        let id = Id(self.all.len() as u32);
        self.all.push(value);
        Ok(id)
    }

    pub(super) fn get(&self, id: Id) -> &Value {
        self.all.get(id.0 as usize).unwrap_or(&Value::Other)
    }

    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut Value> {
        self.all.get_mut(id.0 as usize)
    }

    /// The places in a tuple or list.
    pub(super) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(items) | Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a dict.
    pub(super) fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.get(id) {
            Value::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    /// A number of things: an integer that is not negative.
    pub(super) fn count(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Value::Int(n) => usize::try_from(*n).ok(),
            _ => None,
        }
    }

    /// A tuple or list of such numbers.
    pub(super) fn counts(&self, id: Id) -> Option<Vec<usize>> {
        self.items(id)?.iter().map(|&item| self.count(item)).collect()
    }
}

/// A pickle that was read to its end.
#[derive(Debug)]
pub(super) struct Pickled<'a> {
    bytes: &'a [u8],
    pub(super) values: Values,
    pub(super) root: Id,
}

impl<'a> Pickled<'a> {
    pub(super) fn new(bytes: &'a [u8], values: Values, root: Id) -> Self {
        Self { bytes, values, root }
    }

    /// The text at that place.
    pub(super) fn text(&self, id: Id) -> Option<&'a str> {
        match self.values.get(id) {
            Value::Text(range) => text(self.bytes, range),
            _ => None,
        }
    }

    /// The entry of a dict under a text.
    pub(super) fn entry(&self, dict: Id, key: &str) -> Option<Id> {
        let entries = self.values.entries(dict)?;
        // Of two entries under one key the later counts, as in Python.
        entries.iter().rev().find(|(found, _)| self.text(*found) == Some(key)).map(|(_, value)| *value)
    }
}

/// A text of the pickle; texts are checked when they are read.
pub(super) fn text<'a>(bytes: &'a [u8], range: &Range<usize>) -> Option<&'a str> {
    std::str::from_utf8(bytes.get(range.clone())?).ok()
}
