//! What the microscope said: XML between the binary parts of an `.emi` file, one `ObjectInfo` a series.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use quick_xml::Reader;
use quick_xml::events::Event;

use super::super::bytes::Input;
use super::super::error::Fault;
use super::super::metadata::below;

/// Bytes of a file that are searched.
const LONGEST: u64 = 256 << 20;
/// Elements inside of elements.
const DEEPEST: usize = 64;

type Fields = Vec<(String, String)>;

/// The fields of every object.
pub(super) fn objects(path: &Path) -> Result<Vec<Fields>, Fault> {
    let input = Input::open(path)?;
    let bytes = input.bytes(0, input.length().min(LONGEST))?;
    let (mut all, mut rest) = (Vec::new(), bytes.as_slice());
    while let Some(start) = find(rest, b"<ObjectInfo>") {
        rest = &rest[start..];
        let Some(end) = find(rest, b"</ObjectInfo>").map(|at| at + b"</ObjectInfo>".len()) else {
            break;
        };
        all.push(fields(&String::from_utf8_lossy(&rest[..end])));
        rest = &rest[end..];
    }
    Ok(all)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Every text of the XML by the path of its elements.
fn fields(xml: &str) -> Fields {
    let mut reader = Reader::from_str(xml);
    let mut walk = Walk { texts: vec![String::new()], ..Walk::default() };
    // What breaks off is read so far.
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(element) if walk.inside.len() < DEEPEST => {
                walk.inside.push(element.local_name().as_ref().to_owned());
                walk.texts.push(String::new());
            }
            Event::Text(text) => walk.add(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                // Such as `&amp;`.
                let entity = format!("&{};", entity.xml10_content());
                let text = quick_xml::escape::unescape(&entity).map(Cow::into_owned);
                walk.add(&text.unwrap_or_else(|_| entity.clone()));
            }
            Event::End(_) => walk.end(),
            Event::Eof | Event::Start(_) => break,
            _ => {}
        }
    }
    walk.found
}

/// Where in the XML reading is.
#[derive(Default)]
struct Walk {
    inside: Vec<String>,
    /// Of each of the elements that are open.
    texts: Vec<String>,
    /// Label, value and unit of a `Data` element, which are one field.
    data: [String; 3],
    found: Fields,
}

impl Walk {
    fn add(&mut self, text: &str) {
        if let Some(last) = self.texts.last_mut() {
            last.push_str(text);
        }
    }

    fn end(&mut self) {
        let text = self.texts.pop().unwrap_or_default().trim().to_owned();
        let Some(name) = self.inside.pop() else { return };
        let of_data = self.inside.last().is_some_and(|parent| parent == "Data");
        let part = ["Label", "Value", "Unit"].iter().position(|own| *own == name);
        if let (true, Some(part)) = (of_data, part) {
            self.data[part] = text;
        } else if name == "Data" {
            let [label, value, unit] = std::mem::take(&mut self.data);
            self.push(&label, format!("{value} {unit}").trim());
        } else {
            self.push(&name, &text);
        }
    }

    fn push(&mut self, name: &str, text: &str) {
        if !name.is_empty() && !text.is_empty() {
            let parents = self.inside.iter().filter(|name| *name != "ObjectInfo" && *name != "Root");
            let path = parents
                .map(String::as_str)
                .chain([name])
                .fold("TIA".to_owned(), |path, name| below(&path, name));
            self.found.push((path, text.to_owned()));
        }
    }
}

/// The series of an `.emi` file, by their numbers: `name_1.ser`, `name_2.ser`….
pub(super) fn series_beside(emi: &Path) -> Result<Vec<(usize, PathBuf)>, Fault> {
    let stem = emi.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = emi.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some((own, number)) = numbered(&path)
            && own == stem
        {
            all.push((number, path));
        }
    }
    all.sort();
    Ok(all)
}

/// The `.emi` file of a series, and the series' number in it.
pub(super) fn of_series(ser: &Path) -> Option<(PathBuf, usize)> {
    let (stem, number) = numbered(ser)?;
    let endings = ["emi", "EMI"].map(OsString::from);
    let paths = endings.iter().map(|ending| {
        let mut name = OsString::from(&stem);
        name.push(".");
        name.push(ending);
        ser.with_file_name(name)
    });
    let found = paths.into_iter().find(|path| path.is_file())?;
    Some((found, number))
}

/// What a series' name says: `name` and 2 of `name_2.ser`.
fn numbered(path: &Path) -> Option<(String, usize)> {
    if !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("ser")) {
        return None;
    }
    let stem = path.file_stem()?.to_string_lossy().into_owned();
    let (name, number) = stem.rsplit_once('_')?;
    let number: usize = number.parse().ok().filter(|&n| n > 0)?;
    Some((name.to_owned(), number))
}
