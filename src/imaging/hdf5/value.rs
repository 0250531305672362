//! Attributes and texts of an HDF5 file as numbers and words.

use hdf5_pure::AttrValue;
use serde_json::Value;

use super::super::metadata::{Metadata, below};

/// Numbers of a list that are shown.
const SHOWN: usize = 64;

/// A single number; also one that is written as a text.
pub(super) fn number(value: &AttrValue) -> Option<f64> {
    // What a 32-bit float was written as: 2.2, not 2.200000047683716.
    let shortest = |v: f32| v.to_string().parse().ok();
    match value {
        AttrValue::F32(v) => shortest(*v),
        AttrValue::F32Array(all) if all.len() == 1 => shortest(all[0]),
        _ => value
            .as_f64()
            .or_else(|| value.as_i64().map(|v| v as f64))
            .or_else(|| value.as_u64().map(|v| v as f64))
            .or_else(|| value.as_str()?.trim().parse().ok()),
    }
}

/// Every attribute as words.
pub(super) fn text(value: &AttrValue) -> String {
    fn list<T: ToString>(all: &[T]) -> String {
        let mut shown: Vec<String> = all.iter().take(SHOWN).map(T::to_string).collect();
        if all.len() > SHOWN {
            shown.push("…".into());
        }
        shown.join(", ")
    }
    match value {
        AttrValue::F32(v) => v.to_string(),
        AttrValue::F32Array(all) => list(all),
        _ => {
            if let Some(all) = value.as_strings() {
                return list(all).trim().to_owned();
            }
            let whole =
                value.to_i64s().map(|all| list(&all)).or_else(|| value.to_u64s().map(|all| list(&all)));
            whole.or_else(|| value.to_f64s().map(|all| list(&all))).unwrap_or_default()
        }
    }
}

/// Puts the leaves of a JSON value into `metadata`, each by its path below `prefix`.
pub(super) fn describe_json(value: &Value, prefix: &str, metadata: &mut Metadata) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, v)| describe_json(v, &below(prefix, name), metadata));
        }
        Value::Array(all) => {
            all.iter()
                .enumerate()
                .for_each(|(i, v)| describe_json(v, &below(prefix, &i.to_string()), metadata));
        }
        Value::String(text) => metadata.push(prefix, text),
        Value::Null => metadata.push(prefix, ""),
        other => metadata.push(prefix, other.to_string()),
    }
}

/// A number of a JSON value at a path of names; also one that is written as a text, as Velox does.
pub(super) fn json_number(value: &Value, path: &[&str]) -> Option<f64> {
    match json_at(value, path)? {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    }
}

/// A text of a JSON value at a path of names.
pub(super) fn json_text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    json_at(value, path)?.as_str()
}

fn json_at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |at, name| at.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_float_is_what_was_written() {
        assert_eq!(number(&AttrValue::F32(2.2)), Some(2.2));
        assert_eq!(number(&AttrValue::U8(1)), Some(1.0));
        assert_eq!(number(&AttrValue::String(" 1.5e-9 ".into())), Some(1.5e-9));
        assert_eq!(text(&AttrValue::F32Array(vec![0.1, 2.0])), "0.1, 2");
        assert_eq!(text(&AttrValue::I64(-3)), "-3");
    }

    #[test]
    fn leaves_of_json_are_named_by_their_path() {
        let value = serde_json::json!({"a": {"b": "1.5", "c": [true, null]}});
        let mut metadata = Metadata::default();
        describe_json(&value, "Velox", &mut metadata);
        let fields: Vec<_> = metadata.fields().iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(
            fields,
            [("Velox / a / b", "1.5"), ("Velox / a / c / 0", "true"), ("Velox / a / c / 1", "")]
        );
        assert_eq!(json_number(&value, &["a", "b"]), Some(1.5));
    }
}
