//! What a file says of itself beside its samples.

/// Every field that a reader found, as the file has it, in the file's order.
///
/// A name is a path with ` / ` between its parts, such as `FEI / Scan / PixelWidth`; a name may come more than once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    fields: Vec<(String, String)>,
}

/// Characters of a value that are kept.
const LONGEST: usize = 4096;
/// Fields that are kept.
const MOST: usize = 20_000;
/// Bytes of a name. Each field has the names of all that it lies in, so that longer ones would take far more than their
/// file.
const LONGEST_NAME: usize = 512;

/// The name of what lies in `path`, cut where it is very long.
pub(super) fn below(path: &str, name: &str) -> String {
    let mut joined = String::from(path);
    if joined.len() < LONGEST_NAME {
        joined.push_str(" / ");
        joined.push_str(cut(name));
    }
    joined
}

/// The beginning of a name that is very long.
pub(super) fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(LONGEST_NAME)]
}

impl Metadata {
    /// Adds a field. Very long values are cut, with a mark; beyond some thousand fields no more are kept, which
    /// the last one says.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        if self.fields.len() >= MOST {
            if self.fields.len() == MOST {
                self.fields.push(("…".into(), format!("Fields beyond the first {MOST} are not kept")));
            }
            return;
        }
        let mut value = value.into();
        if let Some((at, _)) = value.char_indices().nth(LONGEST) {
            value.truncate(at);
            value.push('…');
        }
        self.fields.push((name.into(), value));
    }

    #[must_use]
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// The value of the first field of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Fields whose name or value has all the words of `query` in it, in any case.
    pub fn matching<'a>(&'a self, query: &str) -> impl Iterator<Item = &'a (String, String)> + use<'a> {
        let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        self.fields.iter().filter(move |(name, value)| {
            let text = format!("{name} {value}").to_lowercase();
            words.iter().all(|word| text.contains(word))
        })
    }
}

impl Extend<(String, String)> for Metadata {
    fn extend<I: IntoIterator<Item = (String, String)>>(&mut self, fields: I) {
        fields.into_iter().for_each(|(name, value)| self.push(name, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_words_of_name_and_value() {
        let mut metadata = Metadata::default();
        metadata.push("FEI / Scan / PixelWidth", "3.85417e-07");
        metadata.push("FEI / Beam / HV", "5000");
        let found = |query: &str| metadata.matching(query).count();
        assert_eq!(
            (found(""), found("scan width"), found("WIDTH 3.8"), found("5000"), found("x")),
            (2, 1, 1, 1, 1)
        );
        assert_eq!(metadata.get("FEI / Beam / HV"), Some("5000"));
    }

    #[test]
    fn names_inside_of_names_do_not_grow_without_end() {
        assert_eq!(below("DM / Ids", "0"), "DM / Ids / 0");
        let long = "µ".repeat(1000);
        let deep = (0..64).fold("XML".to_owned(), |path, _| below(&path, &long));
        assert!(deep.len() <= 2 * LONGEST_NAME + 3 && deep.starts_with("XML / µµ"));
    }

    #[test]
    fn fields_that_are_not_kept_are_told_of() {
        let mut metadata = Metadata::default();
        (0..MOST + 5).for_each(|i| metadata.push(i.to_string(), ""));
        assert_eq!(metadata.fields().len(), MOST + 1);
        assert!(metadata.get("…").unwrap().starts_with("Fields beyond the first 20000"));
    }

    #[test]
    fn a_long_value_is_cut_with_a_mark() {
        let mut metadata = Metadata::default();
        metadata.push("notes", "µ".repeat(5000));
        assert_eq!(metadata.fields()[0].1.chars().count(), LONGEST + 1);
    }
}
