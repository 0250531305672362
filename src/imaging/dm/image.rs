//! The images among the tags: `ImageList`, one group an image, with its samples, calibration and its own tags.

use std::path::Path;

use super::super::calibration::unit_in_nm;
use super::super::error::Fault;
use super::super::metadata::{Metadata, below};
use super::super::micrograph::{About, COLOURS};
use super::super::raw::{Raw, Stored};
use super::super::strided::{Strided, steps};
use super::super::{AxisScale, Calibration, Micrograph, SampleType};
use super::tags::{Block, FileKind, Tag};

/// Every image but the thumbnails, which are small pictures of the others.
pub(super) fn micrographs(path: &Path, root: &Tag, file: &FileKind) -> Result<Vec<Micrograph>, Fault> {
    let list = root.get("ImageList").map(Tag::children).unwrap_or_default();
    let thumbnails = thumbnails(root, list.len());
    let (mut all, mut notes, mut first_fault) = (Vec::new(), Vec::new(), None);
    for (index, (_, tag)) in list.iter().enumerate() {
        if thumbnails.contains(&index) {
            notes.push(format!("Image {index} of the file is a thumbnail and is left out"));
            continue;
        }
        let mut metadata = Metadata::default();
        tag.describe("DM", &mut metadata);
        let others = root.children().iter().filter(|(name, _)| name != "ImageList");
        others.for_each(|(name, tag)| tag.describe(&below("DM", name), &mut metadata));
        match Image::of(tag, file).and_then(|image| image.about(path, all.len(), metadata)) {
            Ok(made) => all.push(made),
            Err(Fault::Io(error)) => return Err(Fault::Io(error)),
            Err(fault) => {
                if let Fault::Bad(what) | Fault::Unsupported(what) = &fault {
                    notes.push(format!("Image {index} of the file cannot be read: {what}"));
                }
                first_fault.get_or_insert(fault);
            }
        }
    }
    if all.is_empty() {
        return Err(
            first_fault.unwrap_or_else(|| Fault::Bad("The DigitalMicrograph file has no image".into()))
        );
    }
    let made = all.into_iter().map(|(mut about, source)| {
        about.notes.extend(notes.iter().cloned());
        Micrograph::from_file(about, Box::new(source))
    });
    Ok(made.collect())
}

/// Positions of the thumbnails; none where nothing else would be left.
fn thumbnails(root: &Tag, images: usize) -> Vec<usize> {
    let entries = root.get("Thumbnails").map(Tag::children).unwrap_or_default();
    let number = |entry: &Tag| entry.get("ImageIndex")?.number();
    let found: Vec<usize> =
        entries.iter().filter_map(|(_, entry)| number(entry)).map(|n| n as usize).collect();
    let all = (0..images).all(|index| found.contains(&index));
    if all { Vec::new() } else { found }
}

struct Image<'a> {
    tag: &'a Tag,
    file: &'a FileKind,
    block: &'a Block,
    /// Lengths of the axes, slowest first.
    shape: Vec<usize>,
    kind: u64,
}

impl<'a> Image<'a> {
    fn of(tag: &'a Tag, file: &'a FileKind) -> Result<Self, Fault> {
        let missing =
            |what: &str| Fault::Bad(format!("An image of the DigitalMicrograph file has no {what}"));
        let data = tag.get("ImageData").ok_or_else(|| missing("ImageData"))?;
        let Some(Tag::Block(block)) = data.get("Data") else {
            return Err(missing("Data"));
        };
        let kind = data.get("DataType").and_then(Tag::number).ok_or_else(|| missing("DataType"))?;
        let lengths = data.get("Dimensions").map(Tag::children).unwrap_or_default();
        let length = |tag: &Tag| tag.number().filter(|n| *n >= 1.0).map(|n| n as usize);
        let shape: Option<Vec<usize>> = lengths.iter().rev().map(|(_, tag)| length(tag)).collect();
        let shape = shape.filter(|shape| !shape.is_empty()).ok_or_else(|| missing("size"))?;
        if shape.len() > 5 {
            return Err(Fault::Unsupported(format!("A DigitalMicrograph image of {} axes", shape.len())));
        }
        Ok(Self { tag, file, block, shape, kind: kind as u64 })
    }

    /// Everything but the planes, and where they are.
    fn about(&self, path: &Path, series: usize, metadata: Metadata) -> Result<(About, Raw), Fault> {
        let stored = self.stored()?;
        let colour = matches!(self.kind, 8 | 23);
        let bytes = if colour { 4 } else { stored.bytes() };
        let (mut letters, mut shape) = (self.letters(), self.shape.clone());
        let mut steps = steps(&shape, bytes);
        if letters[0] == 'E' && shape.len() > 2 && self.is_spectrum_image() {
            // Stored image by image, read spectrum by spectrum.
            letters.rotate_left(1);
            shape.rotate_left(1);
            steps.rotate_left(1);
        }
        let calibration = self.calibration();
        let mut letters: String = letters.into_iter().collect();
        if colour && letters.contains('E') {
            return Err(Fault::Unsupported("A DigitalMicrograph spectrum of colours".into()));
        }
        if colour {
            letters.push('S');
            shape.push(4);
            steps.push(1);
        }
        let size = shape.iter().fold(stored.bytes() as u64, |size, &n| size.saturating_mul(n as u64));
        if size > self.block.bytes {
            return Err(Fault::Bad(format!(
                "The image's size asks for {size} bytes, and its data has {}",
                self.block.bytes
            )));
        }
        let (offset, order) = (self.block.offset, self.file.order);
        let array = Strided { path, offset, stored, order, letters: &letters, shape: &shape, steps: &steps };
        let (axes, mut raw) = array.planes(self.file.length)?;
        let mut about = About::new(path, self.file.name, axes, stored.sample_type()).in_series(series);
        if colour {
            // Stored blue, green, red, alpha.
            raw.channels = vec![2, 1, 0, 3];
            about.channel_names = COLOURS.iter().map(|&name| name.into()).collect();
            about.colour = true;
        }
        if let Stored::Complex(_) = stored {
            about.channel_names = vec!["modulus".into(), "phase".into()];
        }
        about.calibration = calibration;
        about.metadata = metadata;
        Ok((about, raw))
    }

    fn stored(&self) -> Result<Stored, Fault> {
        Ok(Stored::Real(match self.kind {
            1 => SampleType::I16,
            2 => SampleType::F32,
            3 => return Ok(Stored::Complex(SampleType::F32)),
            13 => return Ok(Stored::Complex(SampleType::F64)),
            6 | 8 | 23 => SampleType::U8,
            7 => SampleType::I32,
            9 => SampleType::I8,
            10 => SampleType::U16,
            11 => SampleType::U32,
            12 => SampleType::F64,
            14 => SampleType::Bool,
            5 | 27 | 28 => {
                return Err(Fault::Unsupported(
                    "A DigitalMicrograph image of packed complex numbers (half a Fourier transform)".into(),
                ));
            }
            other => {
                return Err(Fault::Unsupported(format!("A DigitalMicrograph image of data type {other}")));
            }
        }))
    }

    /// What each axis is, slowest first.
    fn letters(&self) -> Vec<char> {
        let count = self.shape.len();
        let format = self.tag.find(&["ImageTags", "Meta Data", "Format"]).and_then(Tag::text);
        let spectrum = self.is_spectrum_image() || format == Some("Spectrum");
        match count {
            1 if spectrum || self.is_energy(0) => return vec!['E'],
            1 => return vec!['X'],
            2 if spectrum || self.is_energy(1) => return vec!['X', 'E'],
            _ => {}
        }
        // Axes outside of the stack have no name in the file.
        let mut letters: Vec<char> = (0..count - 2).map(|outer| ['Q', 'R', 'P'][outer % 3]).collect();
        if let Some(last) = letters.last_mut() {
            *last = if unit_in_nm(&self.unit(count - 3)).is_some() { 'Z' } else { 'T' };
        }
        letters.extend(['Y', 'X']);
        if count > 2 && (self.is_spectrum_image() || self.is_energy(0)) {
            letters[0] = 'E';
        }
        letters
    }

    /// By Gatan's tag, or by the group of tags that the programs of Orsay write.
    fn is_spectrum_image(&self) -> bool {
        let format = self.tag.find(&["ImageTags", "Meta Data", "Format"]).and_then(Tag::text);
        format == Some("Spectrum image") || self.tag.find(&["ImageTags", "spim"]).is_some()
    }

    /// True when an axis, counted from the slowest, is one of energies by its unit.
    fn is_energy(&self, axis: usize) -> bool {
        matches!(self.unit(axis).as_str(), "eV" | "keV")
    }

    fn dimension(&self, axis: usize) -> Option<&'a Tag> {
        let all = self.tag.find(&["ImageData", "Calibrations", "Dimension"])?.children();
        all.get(self.shape.len() - 1 - axis).map(|(_, tag)| tag)
    }

    fn unit(&self, axis: usize) -> String {
        let text = self.dimension(axis).and_then(|tag| tag.get("Units")).and_then(Tag::text);
        text.unwrap_or_default().to_owned()
    }

    /// `DigitalMicrograph` writes a scale of 1 without a unit where it knows none.
    fn calibration(&self) -> Calibration {
        let scale = |(axis, letter): (usize, char)| {
            let tag = self.dimension(axis)?;
            let number = |name: &str| tag.get(name).and_then(Tag::number);
            let (scale, origin, unit) = (number("Scale")?, number("Origin").unwrap_or(0.0), self.unit(axis));
            if unit.is_empty() && scale == 1.0 && origin == 0.0 {
                return None;
            }
            let source = format!("DM ImageData.Calibrations.Dimension {}", self.shape.len() - 1 - axis);
            // The origin is the pixel that lies at zero.
            let offset = if origin == 0.0 { 0.0 } else { -origin * scale };
            Some(AxisScale { offset, ..AxisScale::new(letter, scale, unit, source) })
        };
        Calibration::from_axes(self.letters().into_iter().enumerate().filter_map(scale))
    }
}
