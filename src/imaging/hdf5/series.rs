//! From a dataset and what is known of it to a micrograph.

use super::super::axes::Axes;
use super::super::error::Fault;
use super::super::metadata::Metadata;
use super::super::micrograph::{About, COLOURS, Source};
use super::super::raw::{Raw, Stored};
use super::super::{AxisScale, Calibration, ImagingError, Micrograph};
use super::array::{Array, Place};
use super::chunked::{Chunked, Pieces};
use super::tree::Tree;
use super::view::View;

/// Channels of a micrograph; each has a name that is kept.
const MOST_CHANNELS: usize = 1 << 17;

/// A dataset that becomes a micrograph.
pub(super) struct Series {
    pub(super) array: Array,
    pub(super) view: View,
    /// Tells it from the others of its file.
    pub(super) name: String,
    pub(super) scales: Vec<AxisScale>,
    /// Names of the channels, where the file has them.
    pub(super) channels: Vec<String>,
    pub(super) metadata: Metadata,
    pub(super) notes: Vec<String>,
}

impl Series {
    /// A dataset of which nothing but its axes is known.
    pub(super) fn new(array: Array, view: View) -> Self {
        let name = array.path.clone();
        let (scales, channels, metadata, notes) = (vec![], vec![], Metadata::default(), vec![]);
        Self { array, view, name, scales, channels, metadata, notes }
    }

    pub(super) fn make(mut self, tree: &Tree, format: &'static str) -> Result<Made, Fault> {
        let axes = self.view.layout(&self.array);
        if axes.channels() > MOST_CHANNELS {
            return Err(Fault::Unsupported(format!("It has {} channels", axes.channels())));
        }
        if matches!(self.array.place, Place::Never) {
            self.notes.push(format!("{} was made and never written; zeros are shown", self.array.path));
        }
        let element = self.array.element;
        let mut about = About::new(&tree.path, format, axes, element.stored.sample_type());
        let count = about.channel_names.len();
        if matches!(element.stored, Stored::Complex(_)) {
            about.channel_names = (0..count).map(|c| ["modulus", "phase"][c % 2].to_owned()).collect();
        } else if element.parts > 1 {
            about.channel_names = (0..count).map(|c| COLOURS[c % element.parts].to_owned()).collect();
            about.colour = count == element.parts;
        } else {
            about.channel_names.iter_mut().zip(self.channels).for_each(|(name, own)| *name = own);
        }
        about.calibration = Calibration::from_axes(self.scales);
        about.metadata = self.metadata;
        about.notes = self.notes;
        let source = source(tree, self.array, self.view, &about.axes)?;
        Ok(Made { about, source, name: self.name })
    }
}

/// Where the planes of a dataset come from.
fn source(tree: &Tree, array: Array, view: View, axes: &Axes) -> Result<Box<dyn Source>, Fault> {
    let path = tree.path.clone();
    let (chunk, pieces) = match array.place.clone() {
        Place::At(address) => {
            let raw = raw(tree, &array, &view, axes, address);
            raw.check(tree.length)?;
            return Ok(Box::new(raw));
        }
        Place::Chunks { shape, filters } => (shape, Pieces::in_file(filters)),
        Place::Inline(bytes) => (array.shape.clone(), Pieces::Here(bytes)),
        Place::Never => (array.shape.clone(), Pieces::Nowhere),
    };
    Ok(Box::new(Chunked { path, array, view, chunk, pieces }))
}

/// Elements one behind the other: the steps along each axis are steps in the file.
fn raw(tree: &Tree, array: &Array, view: &View, axes: &Axes, address: u64) -> Raw {
    let element = array.element;
    let mut strides = vec![element.bytes() as u64; array.shape.len()];
    for d in (0..strides.len().saturating_sub(1)).rev() {
        strides[d] = strides[d + 1] * array.shape[d + 1] as u64;
    }
    let complex = matches!(element.stored, Stored::Complex(_));
    let offset = |frame, channel| {
        let (at, part) = view.start(array, frame, channel);
        let part = if complex { 0 } else { part * element.stored.bytes() };
        at.iter().zip(&strides).map(|(&i, &step)| i as u64 * step).sum::<u64>() + part as u64
    };
    let length = |letter| view.axis(letter).map_or(1, |d| array.shape[d]);
    let step = |letter| view.axis(letter).map_or(element.bytes() as u64, |d| strides[d]);
    let (height, width) = (length('Y'), length('X'));
    let row = if view.axis('Y').is_some() { step('Y') } else { step('X') * width as u64 };
    Raw {
        path: tree.path.clone(),
        stored: element.stored,
        order: element.order,
        height,
        width,
        frames: (0..axes.frames()).map(|frame| address + offset(frame, 0)).collect(),
        channels: (0..axes.channels()).map(|channel| offset(0, channel)).collect(),
        row,
        pixel: step('X'),
    }
}

/// One micrograph before it has its number.
pub(super) struct Made {
    pub(super) about: About,
    pub(super) source: Box<dyn Source>,
    pub(super) name: String,
}

/// The micrographs of a file, and what could not be read of it.
#[derive(Default)]
pub(super) struct Gathered {
    made: Vec<Made>,
    notes: Vec<String>,
    fault: Option<Fault>,
}

impl Gathered {
    /// Keeps a micrograph; a fault becomes a note.
    pub(super) fn add(&mut self, path: &str, made: Result<Made, Fault>) {
        match made {
            Ok(made) => self.made.push(made),
            Err(fault) => {
                self.note(format!("{path} is not shown: {}", what(&fault)));
                self.fault.get_or_insert(fault);
            }
        }
    }

    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Numbers and names the micrographs; the notes go to the first. Nothing at all is an error.
    pub(super) fn finish(self, tree: &Tree) -> Result<Vec<Micrograph>, ImagingError> {
        let Self { made, mut notes, fault } = self;
        let several = made.len() > 1;
        let damaged = tree.damaged();
        if damaged > 0 {
            notes.push(format!("Parts of the file are damaged and were not looked into: {damaged}"));
        }
        if made.is_empty() {
            let reason = notes.first().map(|note| format!(": {note}")).unwrap_or_default();
            let nothing =
                || Fault::Unsupported(format!("The HDF5 file has no images that can be read{reason}"));
            return Err(fault.unwrap_or_else(nothing).at(&tree.path));
        }
        let number = |(n, mut one): (usize, Made)| {
            one.about.series = n;
            if several {
                one.about.name = format!("{} ({})", one.about.name, one.name);
            }
            one.about.notes.append(&mut notes);
            Micrograph::from_file(one.about, one.source)
        };
        Ok(made.into_iter().enumerate().map(number).collect())
    }
}

/// A sum or product of what a file has: digits beyond the twelfth are roundings.
pub(super) fn rounded(value: f64) -> f64 {
    let short = format!("{value:.11e}").parse().unwrap_or(value);
    // Not the negative zero that 0 · -1 is.
    if short == 0.0 { 0.0 } else { short }
}

/// The words of a fault.
pub(super) fn what(fault: &Fault) -> String {
    match fault {
        Fault::Bad(what) | Fault::Unsupported(what) => what.clone(),
        Fault::Io(e) => e.to_string(),
    }
}
