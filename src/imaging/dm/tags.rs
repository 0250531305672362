//! The tree of tags: groups of named values, each with its type before it.
//!
//! What frames the tree is big-endian; the values are in the byte order that the header names. Numbers of the frame have
//! four bytes in DM3 and eight in DM4, which also says of each tag how long it is.

use super::super::bytes::{Input, Order, text};
use super::super::error::Fault;
use super::super::metadata::{Metadata, below};
use super::super::strided::Cursor;

/// A tag's value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tag {
    Group(Vec<(String, Tag)>),
    Integer(i128),
    Real(f64),
    Text(String),
    /// The fields of a struct, or a short array.
    List(Vec<Tag>),
    /// A longer array, left in the file.
    Block(Block),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block {
    pub offset: u64,
    pub bytes: u64,
    pub count: u64,
}

/// What holds for a whole file.
pub(super) struct FileKind {
    pub order: Order,
    pub length: u64,
    pub name: &'static str,
}

impl Tag {
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.children().iter().find(|(own, _)| own == name).map(|(_, tag)| tag)
    }

    /// The tag at the end of a path of names.
    pub(super) fn find(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |tag, name| tag.get(name))
    }

    pub(super) fn children(&self) -> &[(String, Self)] {
        match self {
            Self::Group(children) => children,
            _ => &[],
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(n) => Some(*n as f64),
            Self::Real(n) => Some(*n),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Adds every value below, each by the path of its names.
    pub(super) fn describe(&self, name: &str, into: &mut Metadata) {
        match self {
            Self::Group(children) => {
                for (own, tag) in children {
                    tag.describe(&below(name, own), into);
                }
            }
            Self::Text(text) if text.is_empty() => {}
            value => into.push(name, value.to_string()),
        }
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Group(children) => write!(f, "{} tags", children.len()),
            Self::Integer(n) => n.fmt(f),
            Self::Real(n) => n.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::List(values) => {
                let values: Vec<String> = values.iter().map(Self::to_string).collect();
                write!(f, "({})", values.join(", "))
            }
            Self::Block(block) => write!(f, "{} values in {} bytes", block.count, block.bytes),
        }
    }
}

/// Groups inside of groups that are followed.
const DEEPEST: usize = 64;
/// Numbers that describe a type.
const LONGEST_TYPE: u64 = 4096;
/// Values of an array that are read at once; longer ones stay in the file.
const SHORT: u64 = 16;
/// Bytes of one of them; elements of none could lie inside of each other without end.
const LONGEST_ELEMENT: u64 = 64;
/// Characters of a text.
const LONGEST_TEXT: u64 = 8192;

/// Reads the whole tree, but for long arrays.
pub(super) fn read(input: &Input) -> Result<(Tag, FileKind), Fault> {
    let mut cursor = Cursor::new(input, 0);
    let version = cursor.number(4, Order::Big)?;
    let wide = version == 4;
    let size = if wide { 8 } else { 4 };
    cursor.skip(size)?;
    let order = if cursor.number(4, Order::Big)? == 0 { Order::Big } else { Order::Little };
    let mut reader = Reader { cursor, wide, order };
    let root = reader.group(false, "", 0)?;
    let name = if wide { "DM4" } else { "DM3" };
    Ok((root, FileKind { order, length: input.length(), name }))
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    /// DM4.
    wide: bool,
    order: Order,
}

/// How a value is stored.
enum Kind {
    Simple(Simple),
    Text(u64),
    Struct(Vec<Kind>),
    Array(Box<Kind>, u64),
}

#[derive(Clone, Copy, PartialEq)]
enum Simple {
    Signed(u64),
    Unsigned(u64),
    Float(u64),
}

impl Kind {
    /// Bytes of one value.
    fn bytes(&self) -> u64 {
        match self {
            Self::Simple(Simple::Signed(n) | Simple::Unsigned(n) | Simple::Float(n)) | Self::Text(n) => *n,
            Self::Struct(fields) => fields.iter().fold(0, |sum, field| sum.saturating_add(field.bytes())),
            Self::Array(element, count) => element.bytes().saturating_mul(*count),
        }
    }

    /// From the numbers that describe it.
    fn parse(numbers: &mut std::slice::Iter<'_, u64>, depth: usize) -> Result<Self, Fault> {
        let mut next = || numbers.next().copied().ok_or_else(|| bad("a type is described too briefly"));
        let code = next()?;
        if depth > DEEPEST {
            return Err(bad("types lie inside of each other without end"));
        }
        Ok(match code {
            2 => Self::Simple(Simple::Signed(2)),
            3 => Self::Simple(Simple::Signed(4)),
            4 => Self::Simple(Simple::Unsigned(2)),
            5 => Self::Simple(Simple::Unsigned(4)),
            6 => Self::Simple(Simple::Float(4)),
            7 => Self::Simple(Simple::Float(8)),
            8 | 10 => Self::Simple(Simple::Unsigned(1)),
            9 => Self::Simple(Simple::Signed(1)),
            11 => Self::Simple(Simple::Signed(8)),
            12 => Self::Simple(Simple::Unsigned(8)),
            15 => {
                next()?;
                let count = next()?;
                let mut fields = Vec::new();
                for _ in 0..count {
                    numbers.next().ok_or_else(|| bad("a type is described too briefly"))?;
                    fields.push(Self::parse(numbers, depth + 1)?);
                }
                Self::Struct(fields)
            }
            18 => Self::Text(next()?),
            20 => {
                let element = Self::parse(numbers, depth + 1)?;
                let count = numbers.next().copied();
                Self::Array(Box::new(element), count.ok_or_else(|| bad("an array has no length"))?)
            }
            other => return Err(Fault::Unsupported(format!("A DigitalMicrograph tag of type {other}"))),
        })
    }
}

fn bad(what: &str) -> Fault {
    Fault::Bad(format!("The tags of the DigitalMicrograph file are damaged: {what}"))
}

impl Reader<'_> {
    fn frame_number(&mut self) -> Result<u64, Fault> {
        self.cursor.number(if self.wide { 8 } else { 4 }, Order::Big)
    }

    /// A group; `sized` where DM4 has its length before it, which the root group has not.
    fn group(&mut self, sized: bool, name: &str, depth: usize) -> Result<Tag, Fault> {
        if depth > DEEPEST {
            return Err(bad("groups lie inside of each other without end"));
        }
        self.cursor.skip(if sized && self.wide { 10 } else { 2 })?;
        let count = self.frame_number()?;
        let mut children = Vec::new();
        for index in 0..count {
            let kind = self.cursor.number(1, Order::Big)?;
            let length = self.cursor.number(2, Order::Big)?;
            let own = text(self.cursor.take(length)?);
            let own = if own.is_empty() { index.to_string() } else { own };
            let tag = match kind {
                20 => self.group(true, &own, depth + 1)?,
                21 => self.value_tag(name == "ImageData" && own == "Data")?,
                other => return Err(bad(&format!("a tag is neither value nor group, but {other}"))),
            };
            children.push((own, tag));
        }
        Ok(Tag::Group(children))
    }

    /// A value with its type before it.
    fn value_tag(&mut self, samples: bool) -> Result<Tag, Fault> {
        self.cursor.skip(if self.wide { 8 } else { 0 })?;
        if self.cursor.take(4)? != b"%%%%" {
            return Err(bad("the mark before a value is missing"));
        }
        let count = self.frame_number()?;
        if count > LONGEST_TYPE {
            return Err(bad("a type is described by too many numbers"));
        }
        let numbers = (0..count).map(|_| self.frame_number()).collect::<Result<Vec<_>, _>>()?;
        let kind = Kind::parse(&mut numbers.iter(), 0)?;
        match kind {
            Kind::Array(element, count) if samples => self.block(&element, count),
            kind => self.value(&kind),
        }
    }

    fn value(&mut self, kind: &Kind) -> Result<Tag, Fault> {
        Ok(match kind {
            Kind::Simple(simple) => self.simple(*simple)?,
            Kind::Text(length) if *length <= LONGEST_TEXT => Tag::Text(text(self.cursor.take(*length)?)),
            Kind::Text(length) => self.block(&Kind::Simple(Simple::Unsigned(1)), *length)?,
            Kind::Struct(fields) => {
                Tag::List(fields.iter().map(|field| self.value(field)).collect::<Result<_, _>>()?)
            }
            Kind::Array(element, count) => match **element {
                Kind::Simple(Simple::Unsigned(2)) if *count <= LONGEST_TEXT => self.utf16(*count)?,
                _ if *count <= SHORT && (1..=LONGEST_ELEMENT).contains(&element.bytes()) => {
                    Tag::List((0..*count).map(|_| self.value(element)).collect::<Result<_, _>>()?)
                }
                _ => self.block(element, *count)?,
            },
        })
    }

    fn simple(&mut self, kind: Simple) -> Result<Tag, Fault> {
        let order = self.order;
        Ok(match kind {
            Simple::Unsigned(bytes) => Tag::Integer(i128::from(self.cursor.number(bytes, order)?)),
            Simple::Signed(bytes) => {
                let shift = 64 - 8 * bytes;
                let number = self.cursor.number(bytes, order)?;
                Tag::Integer(i128::from((number << shift) as i64 >> shift))
            }
            Simple::Float(4) => Tag::Real(shortest(f32::from_bits(self.cursor.number(4, order)? as u32))),
            Simple::Float(_) => Tag::Real(self.cursor.f64(order)?),
        })
    }

    /// Characters of two bytes.
    fn utf16(&mut self, count: u64) -> Result<Tag, Fault> {
        let order = self.order;
        let bytes = self.cursor.take(2 * count)?;
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| order.number(pair) as u16).collect();
        let text = String::from_utf16_lossy(&units);
        Ok(Tag::Text(text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_owned()))
    }

    fn block(&mut self, element: &Kind, count: u64) -> Result<Tag, Fault> {
        let (offset, bytes) = (self.cursor.at(), element.bytes().saturating_mul(count));
        self.cursor.skip(bytes)?;
        Ok(Tag::Block(Block { offset, bytes, count }))
    }
}

/// A number of four bytes by the digits it was written with: 2.2 and not 2.200000047683716.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}
