//! The layout of a series: header, dimensions, and for every element where it lies and what it is.

use super::super::SampleType;
use super::super::bytes::{Input, Order, text};
use super::super::error::Fault;
use super::super::raw::Stored;
use super::super::strided::Cursor;

/// All numbers are little-endian.
pub(super) const ORDER: Order = Order::Little;

/// What a file holds.
pub(super) struct Series {
    /// Elements are images, and not spectra.
    pub images: bool,
    /// Elements that were planned.
    pub total: usize,
    pub dimensions: Vec<Dimension>,
    /// Those that were recorded and are like the first.
    pub elements: Vec<Element>,
    /// Of the first elements.
    pub tags: Vec<ElementTag>,
    /// Recorded elements that are not like the first.
    pub unlike: usize,
}

/// A direction in which elements follow each other.
pub(super) struct Dimension {
    pub size: usize,
    pub scale: f64,
    pub offset: f64,
    pub description: String,
    pub unit: String,
}

/// One image or spectrum.
#[derive(Clone, PartialEq)]
pub(super) struct Element {
    /// Where its samples begin.
    pub data: u64,
    pub stored: Stored,
    /// Of X (or energy), and of Y: offset of the first sample and step.
    pub scales: Vec<(f64, f64)>,
    /// Lengths along X (or energy), and Y.
    pub lengths: Vec<usize>,
}

/// When, and where, an element was recorded.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct ElementTag {
    /// Seconds since 1970.
    pub time: u64,
    pub position: Option<(f64, f64)>,
}

/// Dimensions that a file may have.
const MOST_DIMENSIONS: u64 = 8;
const SPECTRA: u64 = 0x4120;
const IMAGES: u64 = 0x4122;
const WITH_POSITION: u64 = 0x4142;

pub(super) fn read(input: &Input) -> Result<Series, Fault> {
    let mut cursor = Cursor::new(input, 4);
    let version = cursor.number(2, ORDER)?;
    let wide = if version >= 0x0220 { 8 } else { 4 };
    let kind = cursor.number(4, ORDER)?;
    if kind != SPECTRA && kind != IMAGES {
        return Err(Fault::Unsupported(format!("A TIA series of elements of kind {kind:#06x}")));
    }
    cursor.skip(4)?;
    let total = cursor.number(4, ORDER)?;
    let valid = cursor.number(4, ORDER)?;
    let offsets = cursor.number(wide, ORDER)?;
    let dimensions = dimensions(&mut cursor)?;
    if valid == 0 {
        return Err(Fault::Unsupported(
            "A TIA series without elements (a single spectrum is kept in the .emi file)".into(),
        ));
    }
    if valid > total {
        return Err(Fault::Bad(format!("The TIA series claims {valid} of {total} elements")));
    }
    if valid.saturating_mul(if kind == IMAGES { 50 } else { 26 }) > input.length() {
        return Err(Fault::Bad(format!("The TIA series is too short for {valid} elements")));
    }
    let table = |at: u64, count: u64| -> Result<Vec<u64>, Fault> {
        let bytes = input.bytes(at, count.saturating_mul(wide))?;
        Ok(bytes.chunks_exact(wide as usize).map(|number| ORDER.number(number)).collect())
    };
    let starts = table(offsets, valid)?;
    let (mut elements, mut unlike) = (Vec::with_capacity(starts.len()), 0);
    for start in starts {
        let element = element(&mut Cursor::new(input, start), kind == IMAGES)?;
        let first: &Element = elements.first().unwrap_or(&element);
        if element.stored == first.stored && element.lengths == first.lengths {
            elements.push(element);
        } else {
            unlike += 1;
        }
    }
    // Tags are no part of the picture: where they cannot be read, nothing is known of them.
    let tags = table(offsets.saturating_add(total * wide), valid.min(2)).unwrap_or_default();
    let tags = tags.into_iter().filter_map(|at| tag(input, at).ok()).collect();
    Ok(Series { images: kind == IMAGES, total: total as usize, dimensions, elements, tags, unlike })
}

fn dimensions(cursor: &mut Cursor<'_>) -> Result<Vec<Dimension>, Fault> {
    let count = cursor.number(4, ORDER)?;
    if count > MOST_DIMENSIONS {
        return Err(Fault::Bad(format!("The TIA series claims {count} dimensions")));
    }
    let one = |_| {
        let size = cursor.number(4, ORDER)? as usize;
        let (at_element, scale) = (cursor.f64(ORDER)?, cursor.f64(ORDER)?);
        let element = cursor.number(4, ORDER)?;
        let mut words = || {
            let length = cursor.number(4, ORDER)?;
            Ok::<_, Fault>(text(cursor.take(length)?))
        };
        let (description, unit) = (words()?, words()?);
        Ok(Dimension { size, scale, offset: first_at(at_element, scale, element), description, unit })
    };
    (0..count).map(one).collect()
}

/// Where the first sample lies when element number `element` lies at `at`.
fn first_at(at: f64, step: f64, element: u64) -> f64 {
    if element == 0 { at } else { at - element as f64 * step }
}

fn element(cursor: &mut Cursor<'_>, image: bool) -> Result<Element, Fault> {
    let axes = if image { 2 } else { 1 };
    let scale = |cursor: &mut Cursor<'_>| {
        let (at, step) = (cursor.f64(ORDER)?, cursor.f64(ORDER)?);
        Ok::<_, Fault>((first_at(at, step, cursor.number(4, ORDER)?), step))
    };
    let scales = (0..axes).map(|_| scale(cursor)).collect::<Result<_, _>>()?;
    let kind = cursor.number(2, ORDER)?;
    let lengths = (0..axes).map(|_| Ok(cursor.number(4, ORDER)? as usize)).collect::<Result<_, Fault>>()?;
    Ok(Element { data: cursor.at(), stored: stored(kind)?, scales, lengths })
}

fn stored(kind: u64) -> Result<Stored, Fault> {
    Ok(Stored::Real(match kind {
        1 => SampleType::U8,
        2 => SampleType::U16,
        3 => SampleType::U32,
        4 => SampleType::I8,
        5 => SampleType::I16,
        6 => SampleType::I32,
        7 => SampleType::F32,
        8 => SampleType::F64,
        9 => return Ok(Stored::Complex(SampleType::F32)),
        10 => return Ok(Stored::Complex(SampleType::F64)),
        other => return Err(Fault::Bad(format!("The TIA series claims samples of type {other}"))),
    }))
}

fn tag(input: &Input, at: u64) -> Result<ElementTag, Fault> {
    let mut cursor = Cursor::new(input, at);
    let kind = cursor.number(2, ORDER)?;
    cursor.skip(2)?;
    let time = cursor.number(4, ORDER)?;
    let position = match kind {
        WITH_POSITION => Some((cursor.f64(ORDER)?, cursor.f64(ORDER)?)),
        _ => None,
    };
    Ok(ElementTag { time, position })
}
