//! Options of a panel as text: `name=value,name=value`. A value may hold commas; the next option begins at its name.

use std::collections::BTreeMap;
use std::str::FromStr;

/// Options by their names.
#[derive(Debug, Default)]
pub(super) struct Options(BTreeMap<&'static str, String>);

impl Options {
    /// What stands before the first option of these names, and the options; `None` where one is named twice.
    pub(super) fn read(text: &str, names: &[&'static str]) -> Option<(String, Self)> {
        let (mut lead, mut found, mut last) = (String::new(), BTreeMap::new(), None);
        for (place, part) in text.split(',').enumerate() {
            let option = part.split_once('=').and_then(|(name, value)| {
                names.iter().find(|known| **known == name.trim()).map(|known| (*known, value))
            });
            if let Some((name, value)) = option {
                if found.insert(name, value.trim().to_owned()).is_some() {
                    return None;
                }
                last = Some(name);
                continue;
            }
            let before = match last {
                Some(name) => found.entry(name).or_default(),
                None => &mut lead,
            };
            if place > 0 {
                before.push(',');
            }
            before.push_str(part);
        }
        Some((lead, Self(found)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value, or the usual one where the option is missing; `None` for what cannot be read.
    pub(super) fn value<T: FromStr>(&self, name: &str, usual: T) -> Option<T> {
        self.text(name).map_or(Some(usual), |text| text.parse().ok())
    }

    /// The value where the option is there and not empty.
    pub(super) fn maybe<T: FromStr>(&self, name: &str) -> Result<Option<T>, Unreadable> {
        let text = self.text(name).filter(|text| !text.is_empty());
        text.map(|text| text.parse().map_err(|_| Unreadable)).transpose()
    }

    /// So many numbers with commas between them, where the option is there.
    pub(super) fn numbers<T: FromStr, const N: usize>(
        &self,
        name: &str,
    ) -> Result<Option<[T; N]>, Unreadable> {
        self.text(name).map(|text| numbers(text).ok_or(Unreadable)).transpose()
    }
}

/// What an option says cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// `12,40` as two numbers.
pub(super) fn numbers<T: FromStr, const N: usize>(text: &str) -> Option<[T; N]> {
    let all: Option<Vec<T>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    all?.try_into().ok()
}

/// Options as they are read, those that say something.
pub(super) fn joined(options: impl IntoIterator<Item = (&'static str, Option<String>)>) -> String {
    let said = options.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    said.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_on_until_the_next_known_name() {
        let (lead, options) = Options::read("a, b,node=x=1,y,shift=1,-3", &["node", "shift"]).unwrap();
        assert_eq!((lead.as_str(), options.text("node")), ("a, b", Some("x=1,y")));
        assert_eq!(options.numbers::<i64, 2>("shift"), Ok(Some([1, -3])));
        assert_eq!((options.value("steps", 5), options.maybe::<usize>("node")), (Some(5), Err(Unreadable)));
        assert!(Options::read("node=a,node=b", &["node"]).is_none());
        let (lead, options) = Options::read("", &["node"]).unwrap();
        assert!(lead.is_empty() && options.is_empty());
    }
}
