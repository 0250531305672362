//! A pickle machine that runs no code: it knows the operations of protocols 2 to 5 and makes plain [`Values`].
//!
//! A pickle is a program for a stack machine (Python's `pickletools` describes each operation). Where Python would import
//! and call what the program names, this machine refuses every name that [`Global`] does not know, and "calls" the
//! known ones by noting what they would make.

use super::globals::Global;
use super::rebuild;
use super::values::{Id, Pickled, Value, Values, text};
use std::collections::BTreeMap;
use std::ops::Range;

/// The machine under way. Errors have no path and no beginning: "The pickle is broken" is for the caller to add.
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Id>,
    /// Heights of the stack at which a mark lies.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Id>,
    values: Values,
}

/// Reads the pickle that begins at `start`; gives it and where it ends.
///
/// # Errors
/// What is wrong, or which Python object the pickle wants to call.
pub(super) fn read(bytes: &[u8], start: usize) -> Result<(Pickled<'_>, usize), String> {
    let mut machine = Machine {
        bytes,
        at: start,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
        values: Values::default(),
    };
    loop {
        let operation = machine.byte()?;
        if operation == b'.' {
            let root = machine.pop()?;
            return Ok((Pickled::new(bytes, machine.values, root), machine.at));
        }
        machine.step(operation)?;
    }
}

impl<'a> Machine<'a> {
    fn step(&mut self, operation: u8) -> Result<(), String> {
        match operation {
            // The protocol's number, and the length of what follows: neither changes what the operations mean.
            0x80 => self.take(1).map(|_| ()),
            0x95 => self.take(8).map(|_| ()),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' | b'M' | b'J' | 0x8a | 0x8b => self.integer(operation),
            b'G' => self.take(8).and_then(|_| self.push(Value::Float)),
            b'X' | 0x8c | 0x8d | b'U' | b'T' => self.text(operation),
            b'C' | b'B' | 0x8e | 0x96 => self.raw(operation),
            b']' | 0x8f => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            b't' | b'l' | 0x91 | 0x85..=0x87 => self.sequence(operation),
            b'd' => self.dict(),
            b'a' | b'e' | 0x90 => self.append(operation),
            b's' | b'u' => self.set_items(operation),
            b'(' => {
                self.values.spend(1)?;
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop().map(|_| ()),
            b'1' => self.pop_to_mark().map(|_| ()),
            b'2' => self.top().and_then(|id| self.push_id(id)),
            b'q' | b'r' | 0x94 => self.remember(operation),
            b'h' | b'j' => self.recall(operation),
            b'c' | 0x93 => self.global(operation),
            b'R' | 0x81 | 0x92 => self.call(operation),
            // Attributes of an object; a state dict's are the versions of its layers.
            b'b' => self.pop().and_then(|_| self.top()).map(|_| ()),
            b'Q' => self.storage(),
            _ => Err(unknown(operation)),
        }
    }

    fn integer(&mut self, operation: u8) -> Result<(), String> {
        let length = match operation {
            b'K' => 1,
            b'M' => 2,
            b'J' => 4,
            0x8a => usize::from(self.byte()?),
            _ => self.length(4)?,
        };
        let range = self.take(length)?;
        let bytes = self.bytes.get(range.clone()).unwrap_or_default();
        if length > 8 {
            return self.push(Value::LongInt(range));
        }
        // Long integers and four bytes have a sign; one and two bytes do not.
        let negative = !matches!(operation, b'K' | b'M') && bytes.last().is_some_and(|&b| b >= 0x80);
        let mut eight = [if negative { 0xff } else { 0 }; 8];
        eight[..length].copy_from_slice(bytes);
        self.push(Value::Int(i64::from_le_bytes(eight)))
    }

    fn text(&mut self, operation: u8) -> Result<(), String> {
        let length = match operation {
            0x8c | b'U' => usize::from(self.byte()?),
            0x8d => self.length(8)?,
            _ => self.length(4)?,
        };
        let range = self.take(length)?;
        match text(self.bytes, &range) {
            Some(_) => self.push(Value::Text(range)),
            // Texts of Python 2 may be any bytes.
            None if matches!(operation, b'U' | b'T') => self.push(Value::Bytes),
            None => Err("a text in it is not UTF-8".into()),
        }
    }

    fn raw(&mut self, operation: u8) -> Result<(), String> {
        let length = match operation {
            b'C' => usize::from(self.byte()?),
            b'B' => self.length(4)?,
            _ => self.length(8)?,
        };
        self.take(length)?;
        self.push(Value::Bytes)
    }

    fn sequence(&mut self, operation: u8) -> Result<(), String> {
        let items = match operation {
            0x85..=0x87 => self.pop_last(usize::from(operation - 0x84))?,
            _ => self.pop_to_mark()?,
        };
        self.push(if operation == b'l' { Value::List(items) } else { Value::Tuple(items) })
    }

    fn dict(&mut self) -> Result<(), String> {
        let entries = pairs(&self.pop_to_mark()?)?;
        self.push(Value::Dict(entries))
    }

    fn append(&mut self, operation: u8) -> Result<(), String> {
        let added = if operation == b'a' { vec![self.pop()?] } else { self.pop_to_mark()? };
        let list = self.top()?;
        match self.values.get_mut(list) {
            Some(Value::List(items)) => items.extend(added),
            // What a list is appended to in vain is no part of a state dict.
            Some(Value::Other) => {}
            _ => return Err("it appends to something that is no list".into()),
        }
        Ok(())
    }

    fn set_items(&mut self, operation: u8) -> Result<(), String> {
        let added = if operation == b's' { self.pop_last(2)? } else { self.pop_to_mark()? };
        let (added, dict) = (pairs(&added)?, self.top()?);
        match self.values.get_mut(dict) {
            Some(Value::Dict(entries)) => entries.extend(added),
            Some(Value::Other) => {}
            _ => return Err("it adds entries to something that is no dict".into()),
        }
        Ok(())
    }

    fn remember(&mut self, operation: u8) -> Result<(), String> {
        let place = match operation {
            b'q' => u32::from(self.byte()?),
            b'r' => self.length(4)? as u32,
            _ => self.memo.len() as u32,
        };
        let id = self.top()?;
        self.values.spend(1)?;
        self.memo.insert(place, id);
        Ok(())
    }

    fn recall(&mut self, operation: u8) -> Result<(), String> {
        let place = if operation == b'h' { u32::from(self.byte()?) } else { self.length(4)? as u32 };
        let id = self.memo.get(&place).copied();
        self.push_id(id.ok_or_else(|| format!("it recalls object {place}, which it never kept"))?)
    }

    fn global(&mut self, operation: u8) -> Result<(), String> {
        let (module, name) = if operation == b'c' {
            (self.line()?, self.line()?)
        } else {
            let names = self.pop_last(2)?;
            let named = |id: &Id| match self.values.get(*id) {
                Value::Text(range) => text(self.bytes, range),
                _ => None,
            };
            names
                .first()
                .and_then(named)
                .zip(names.get(1).and_then(named))
                .ok_or("a name in it is no text")?
        };
        let global = Global::named(module, name)?;
        self.push(Value::Global(global))
    }

    fn call(&mut self, operation: u8) -> Result<(), String> {
        if operation == 0x92 {
            // Arguments by keyword: none of what is known takes any.
            self.pop()?;
        }
        let arguments = self.pop()?;
        let callable = self.pop()?;
        let Value::Global(global) = *self.values.get(callable) else {
            return Err("it calls something that is no function".into());
        };
        let made = rebuild::call(&mut self.values, global, arguments)?;
        self.push(made)
    }

    fn storage(&mut self) -> Result<(), String> {
        let id = self.pop()?;
        let reference = rebuild::storage(&self.values, self.bytes, id)?;
        self.values.spend(2 + reference.key.len() / 8)?;
        self.values.storages.push(reference);
        self.push(Value::Storage(self.values.storages.len() - 1))
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        let id = self.values.add(value)?;
        self.stack.push(id);
        Ok(())
    }

    fn push_id(&mut self, id: Id) -> Result<(), String> {
        self.values.spend(1)?;
        self.stack.push(id);
        Ok(())
    }

    fn top(&self) -> Result<Id, String> {
        self.stack.last().copied().ok_or_else(short)
    }

    fn pop(&mut self) -> Result<Id, String> {
        self.stack.pop().ok_or_else(short)
    }

    fn pop_last(&mut self, count: usize) -> Result<Vec<Id>, String> {
        let start = self.stack.len().checked_sub(count).ok_or_else(short)?;
        Ok(self.stack.split_off(start))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, String> {
        let start = self.marks.pop().ok_or("it has no mark where one is needed")?;
        if start > self.stack.len() {
            return Err(short());
        }
        Ok(self.stack.split_off(start))
    }

    fn byte(&mut self) -> Result<u8, String> {
        let range = self.take(1)?;
        self.bytes.get(range.start).copied().ok_or_else(cut)
    }

    /// A length of four or eight bytes.
    fn length(&mut self, bytes: usize) -> Result<usize, String> {
        let range = self.take(bytes)?;
        let mut eight = [0; 8];
        eight[..bytes].copy_from_slice(self.bytes.get(range).unwrap_or_default());
        usize::try_from(u64::from_le_bytes(eight)).map_err(|_| cut())
    }

    /// Text up to the end of a line.
    fn line(&mut self) -> Result<&'a str, String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&b| b == b'\n').ok_or_else(cut)?;
        self.at += length + 1;
        std::str::from_utf8(&rest[..length]).map_err(|_| "a name in it is not UTF-8".into())
    }

    /// The next bytes' places; nothing is copied.
    fn take(&mut self, count: usize) -> Result<Range<usize>, String> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len()).ok_or_else(cut)?;
        Ok(std::mem::replace(&mut self.at, end)..end)
    }
}

/// Keys and values by turns.
fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, String> {
    let (pairs, rest) = items.as_chunks::<2>();
    if !rest.is_empty() {
        return Err("a key in it has no value".into());
    }
    Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
}

fn cut() -> String {
    "it is cut short".into()
}

fn short() -> String {
    "it takes more from its stack than it put there".into()
}

fn unknown(operation: u8) -> String {
    match operation {
        b'i' | b'o' => "Refuses to make an object of a class by its name, which no state dict needs".into(),
        b'I' | b'L' | b'F' | b'S' | b'V' | b'P' | b'p' | b'g' => {
            "it is written in protocol 0 or 1; save with PyTorch's own protocol, 2".into()
        }
        0x82..=0x84 => "Refuses to call a registered extension, which no state dict needs".into(),
        _ => format!("no pickle has the operation {operation:#04x}"),
    }
}
