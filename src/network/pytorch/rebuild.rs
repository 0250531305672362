//! What the known Python objects would make when a pickle calls them.

use super::element::Element;
use super::globals::Global;
use super::values::{Id, StorageRef, Value, Values, text};
use super::view::View;

/// What calling `global` with these arguments makes.
pub(super) fn call(values: &mut Values, global: Global, arguments: Id) -> Result<Value, String> {
    let Some(items) = values.items(arguments) else {
        return Err("it calls a function without a tuple of arguments".into());
    };
    let first = items.first().copied();
    match global {
        Global::Dict => dict(values, first),
        Global::DefaultDict => Ok(Value::Dict(Vec::new())),
        Global::Set | Global::Plain | Global::Dtype(_) => Ok(Value::Other),
        Global::Storage(_) => Err("it makes a storage without saying where its numbers are".into()),
        Global::Size => {
            let sizes = first.and_then(|id| values.items(id)).unwrap_or_default().to_vec();
            values.spend(sizes.len())?;
            Ok(Value::Tuple(sizes))
        }
        Global::RebuildTensor => tensor(values, arguments, None),
        Global::RebuildTensorV3 => {
            let dtype = items.get(6).map(|&id| values.get(id));
            let Some(Value::Global(Global::Dtype(element))) = dtype else {
                return Err("a tensor's type of numbers is unknown".into());
            };
            tensor(values, arguments, Some(*element))
        }
        Global::RebuildParameter => match first.map(|id| values.get(id).clone()) {
            Some(Value::Tensor(view)) => {
                values.spend(view.shape.len())?;
                Ok(Value::Tensor(view))
            }
            _ => Err("a parameter in it is no tensor".into()),
        },
        Global::RebuildFromType => {
            let inner = first.map(|id| values.get(id).clone());
            match (inner, items.get(2).copied()) {
                (Some(Value::Global(inner)), Some(arguments)) if inner != Global::RebuildFromType => {
                    call(values, inner, arguments)
                }
                _ => Err("a tensor of another class is built in an unknown way".into()),
            }
        }
    }
}

/// A dict of its first argument, where there is one: a list of pairs, or another dict.
fn dict(values: &mut Values, first: Option<Id>) -> Result<Value, String> {
    let Some(first) = first else { return Ok(Value::Dict(Vec::new())) };
    if let Some(entries) = values.entries(first).map(<[_]>::to_vec) {
        values.spend(entries.len())?;
        return Ok(Value::Dict(entries));
    }
    let pair = |&id: &Id| match values.items(id) {
        Some(&[key, value]) => Some((key, value)),
        _ => None,
    };
    let entries: Option<Vec<_>> = values.items(first).and_then(|items| items.iter().map(pair).collect());
    let entries = entries.ok_or("a dict in it is made of something else than pairs")?;
    values.spend(entries.len())?;
    Ok(Value::Dict(entries))
}

/// A tensor of a storage, an offset, sizes and strides. Whether it fits its storage is checked when that is found.
fn tensor(values: &mut Values, arguments: Id, element: Option<Element>) -> Result<Value, String> {
    let broken = || "a tensor in it is described in an unknown way".to_owned();
    let Some(&[storage, offset, size, stride, ..]) = values.items(arguments) else { return Err(broken()) };
    let &Value::Storage(storage) = values.get(storage) else { return Err(broken()) };
    let reference = values.storages.get(storage).ok_or_else(broken)?;
    let element = element.or(reference.element).ok_or_else(broken)?;
    let axes = values.items(size).map_or(0, <[_]>::len).max(values.items(stride).map_or(0, <[_]>::len));
    if axes > 64 {
        return Err(format!("a tensor of {axes} axes"));
    }
    let counted = (values.count(offset), values.counts(size), values.counts(stride));
    let (Some(offset), Some(shape), Some(strides)) = counted else { return Err(broken()) };
    let view = View::new(storage, element, offset, shape, strides)?;
    values.spend(4 + axes)?;
    Ok(Value::Tensor(Box::new(view)))
}

/// The storage that a persistent id names: ("storage", class, key, device, count) and, in files of before 2020, a
/// view of another storage or nothing.
pub(super) fn storage(values: &Values, bytes: &[u8], id: Id) -> Result<StorageRef, String> {
    let broken = || "a storage in it is described in an unknown way".to_owned();
    let text_of = |id: Id| match values.get(id) {
        Value::Text(range) => text(bytes, range),
        _ => None,
    };
    let Some(&[kind, class, key, _device, count, ref view @ ..]) = values.items(id) else {
        return Err(broken());
    };
    let (Some("storage"), Some(key)) = (text_of(kind), text_of(key)) else { return Err(broken()) };
    let Value::Global(Global::Storage(element)) = *values.get(class) else { return Err(broken()) };
    let mut count = values.count(count).ok_or_else(broken)?;
    let mut offset = 0;
    if let Some(&view) = view.first().filter(|&&view| *values.get(view) != Value::None) {
        let Some(&[_key, start, length]) = values.items(view) else { return Err(broken()) };
        (offset, count) = values.count(start).zip(values.count(length)).ok_or_else(broken)?;
    }
    Ok(StorageRef { key: key.to_owned(), element, count, offset })
}
