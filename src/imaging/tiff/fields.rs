//! Texts of named fields: ini files and XML, as programs put them into tags and beside images.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::super::metadata::{below, cut};

/// A text of `[Section]` lines, each followed by `key=value` lines.
#[derive(Debug, Default)]
pub(super) struct Ini {
    /// Section, key and value.
    entries: Vec<(String, String, String)>,
}

impl Ini {
    /// Lines that are neither sections nor have an equals sign are passed over, as are values without text.
    pub(super) fn parse(text: &str) -> Self {
        let (mut section, mut entries) = (String::new(), Vec::new());
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                cut(name).clone_into(&mut section);
            } else if let Some((key, value)) = line.split_once('=')
                && !value.trim().is_empty()
            {
                entries.push((section.clone(), key.trim().to_owned(), value.trim().to_owned()));
            }
        }
        Self { entries }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn get(&self, section: &str, key: &str) -> Option<&str> {
        self.entries.iter().find(|(s, k, _)| s == section && k == key).map(|(_, _, value)| value.as_str())
    }

    /// A number above zero.
    pub(super) fn positive(&self, section: &str, key: &str) -> Option<f64> {
        positive(self.get(section, key)?)
    }

    /// Every field by its name below `prefix`.
    pub(super) fn named(&self, prefix: &str) -> impl Iterator<Item = (String, String)> {
        self.entries.iter().map(move |(section, key, value)| {
            let name = if section.is_empty() {
                format!("{prefix} / {key}")
            } else {
                format!("{prefix} / {section} / {key}")
            };
            (name, value.clone())
        })
    }
}

/// The number above zero that a text is, or begins with before a space and a unit.
pub(super) fn positive(text: &str) -> Option<f64> {
    let number = text.split_whitespace().next()?.parse::<f64>().ok()?;
    (number.is_finite() && number > 0.0).then_some(number)
}

/// Elements of an XML inside of each other that are followed.
const DEEPEST: usize = 64;

/// The names of an XML's elements on the way to each text and attribute, with it: `Optics / BeamShift / X`. The root's
/// name is left out. What follows a mistake in the XML is lost, and `Err` says which it was.
pub(super) fn of_xml(xml: &str, prefix: &str) -> (Vec<(String, String)>, Result<(), String>) {
    let mut reader = Reader::from_str(xml);
    // The names of the elements that are open, each with those that it lies in.
    let (mut inside, mut fields) = (Vec::<String>::new(), Vec::new());
    let outcome = loop {
        match reader.read_event() {
            Ok(Event::Start(_)) if inside.len() >= DEEPEST => {
                break Err("its elements lie inside of each other without end".into());
            }
            Ok(Event::Start(element)) => {
                let path = inside
                    .last()
                    .map_or(prefix.to_owned(), |last| below(last, element.local_name().as_ref()));
                attributes(&element, &path, &mut fields);
                inside.push(path);
            }
            Ok(Event::Empty(element)) => {
                let last = inside.last().map_or(prefix, String::as_str);
                attributes(&element, &below(last, element.local_name().as_ref()), &mut fields);
            }
            Ok(Event::End(_)) => {
                inside.pop();
            }
            Ok(Event::Text(text)) => {
                let value = text.xml10_content().trim().to_owned();
                if !value.is_empty() {
                    fields.push((inside.last().map_or(prefix, String::as_str).to_owned(), value));
                }
            }
            Ok(Event::Eof) => break Ok(()),
            Ok(_) => {}
            Err(e) => break Err(e.to_string()),
        }
    };
    (fields, outcome)
}

fn attributes(element: &BytesStart<'_>, path: &str, fields: &mut Vec<(String, String)>) {
    for attribute in element.attributes().flatten() {
        let (name, value) = (attribute.key.as_ref(), attribute.normalized_value(XmlVersion::Implicit1_0));
        if let Ok(value) = value
            && !name.starts_with("xmlns")
            && !name.starts_with("xsi:")
        {
            fields.push((below(path, name), value.into_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ini_has_its_fields_by_section_and_key() {
        let ini = Ini::parse("Device=TIMA\n[Scan]\r\nPixelWidth = 3.8e-007 \nEmpty=\n;\n[Stage]\nX=-1\n");
        assert_eq!(ini.positive("Scan", "PixelWidth"), Some(3.8e-7));
        assert_eq!((ini.get("Scan", "Empty"), ini.positive("Stage", "X")), (None, None));
        let named: Vec<_> = ini.named("FEI").map(|(name, _)| name).collect();
        assert_eq!(named, ["FEI / Device", "FEI / Scan / PixelWidth", "FEI / Stage / X"]);
    }

    #[test]
    fn xml_gives_texts_and_attributes_by_their_path() {
        let (fields, outcome) =
            of_xml(r#"<M xmlns:x="y"><Optics><X unit="m">3</X></Optics><Empty a="&lt;"/></M>"#, "FEI");
        let expected =
            [("FEI / Optics / X / unit", "m"), ("FEI / Optics / X", "3"), ("FEI / Empty / a", "<")];
        assert_eq!(fields, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!(outcome, Ok(()));
        assert!(of_xml("<M><A>1</B></M>", "FEI").1.is_err());
    }

    #[test]
    fn fields_take_no_more_than_a_few_times_their_xml() {
        let long = format!("<M><{0}>{1}</{0}></M>", "n".repeat(1 << 18), "<a>1</a>".repeat(1 << 15));
        let (fields, _) = of_xml(&long, "OME");
        assert_eq!((fields.len(), fields.iter().all(|(name, _)| name.len() < 1024)), (1 << 15, true));
        let (fields, outcome) = of_xml(&"<a b='1'>".repeat(1 << 15), "OME");
        assert!(fields.len() == DEEPEST && outcome.unwrap_err().contains("without end"));
    }
}
