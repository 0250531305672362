//! Velox' stream of X-rays as a spectral image.
//!
//! Values are channels of energy in which a photon was counted, pixel by pixel; 65535 goes on to the next pixel, and
//! after the last pixel comes the next frame, whose counts are added. The stream is sorted by energy once, so that a
//! plane is the pixels of its own photons.

use std::path::PathBuf;
use std::sync::OnceLock;

use ndarray::Array2;
use serde_json::Value;

use super::super::axes::Axes;
use super::super::error::Fault;
use super::super::micrograph::{About, Source};
use super::super::raw::Stored;
use super::super::{Calibration, ImagingError, Plane, SampleType, Samples};
use super::array::{self, Array};
use super::series::{Made, what};
use super::tree::{Node, Tree};
use super::value::json_number;
use super::velox::{Metadata, NAME};

/// Goes on to the next pixel.
const NEXT: u16 = u16::MAX;
/// Bytes of a stream that are read.
const LONGEST: u64 = 8 << 30;

/// The spectral image of a stream; `picture` is the size of the images beside it.
pub(super) fn cube(
    tree: &Tree,
    node: &Node,
    metadata: &Metadata,
    picture: Option<(usize, usize)>,
) -> Result<Made, Fault> {
    let array = Array::of(tree, &node.path_of("Data"))?;
    let one_column = array.shape.iter().skip(1).all(|&n| n == 1);
    if !one_column || array.element.stored != Stored::Real(SampleType::U16) {
        return Err(Fault::Unsupported("A stream whose values are no 16-bit channels".into()));
    }
    let settings = array::texts(tree, &node.path_of("AcquisitionSettings"), 1 << 20)?;
    let settings: Value =
        settings.first().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let channels = json_number(&settings, &["bincount"])
        .filter(|n| *n >= 1.0 && *n < f64::from(NEXT) && n.fract() == 0.0)
        .ok_or_else(|| Fault::Bad("AcquisitionSettings has no number of channels (bincount)".into()))?;
    let scan = |side| json_number(&settings, &["RasterScanDefinition", side]).filter(|n| *n >= 1.0);
    let own = scan("Height").zip(scan("Width")).map(|(h, w)| (h as usize, w as usize));
    let Some((height, width)) = own.or(picture) else {
        return Err(Fault::Unsupported("A stream of a scan whose size the file does not say".into()));
    };
    // Every pixel of the first frame has its mark in the stream.
    let pixels = height.checked_mul(width).filter(|&n| n <= array.shape[0]);
    let Some(pixels) = pixels else {
        return Err(Fault::Bad(format!("The stream is too short for a scan of {width} × {height}")));
    };
    let axes = Axes::new("YXE", &[height, width, channels as usize]);
    let mut about = About::new(&tree.path, NAME, axes, SampleType::U32);
    about.calibration = Calibration::from_axes(metadata.pixel().into_iter().chain(metadata.energies()));
    metadata.describe(&mut about.metadata);
    about.notes.clone_from(&metadata.notes);
    about.notes.push(format!("{}: the counts of all its frames are added", array.path));
    let name = format!("{} spectral image", metadata.detector_name().unwrap_or("EDS"));
    let path = tree.path.clone();
    let events = Events {
        path,
        array,
        shape: (height, width),
        channels: channels as usize,
        pixels,
        sorted: OnceLock::new(),
    };
    Ok(Made { about, source: Box::new(events), name })
}

/// A stream of events.
struct Events {
    path: PathBuf,
    array: Array,
    shape: (usize, usize),
    channels: usize,
    pixels: usize,
    sorted: OnceLock<Result<Sorted, String>>,
}

/// Pixels of all photons, by energy: those of channel `c` are `pixels[starts[c]..starts[c + 1]]`.
struct Sorted {
    starts: Vec<usize>,
    pixels: Vec<u32>,
}

impl Source for Events {
    fn read(&self, _: usize, channel: usize) -> Result<Vec<(usize, Plane)>, ImagingError> {
        let sorted = self.sorted.get_or_init(|| self.stream().map(|s| self.sort(&s)).map_err(|f| what(&f)));
        let sorted = sorted.as_ref().map_err(|what| Fault::Bad(what.clone()).at(&self.path))?;
        let mut counts = Array2::<u32>::zeros(self.shape);
        let (_, width) = self.shape;
        for &pixel in &sorted.pixels[sorted.starts[channel]..sorted.starts[channel + 1]] {
            counts[[pixel as usize / width, pixel as usize % width]] += 1;
        }
        Ok(vec![(channel, Plane { samples: Samples::U32(counts) })])
    }
}

impl Events {
    fn stream(&self) -> Result<Vec<u8>, Fault> {
        array::whole(&Tree::open(&self.path)?, &self.array.path, LONGEST)
    }

    fn sort(&self, stream: &[u8]) -> Sorted {
        let mut starts = vec![0; self.channels + 1];
        self.each(stream, |channel, _| starts[channel + 1] += 1);
        (0..self.channels).for_each(|c| starts[c + 1] += starts[c]);
        let mut next = starts.clone();
        let mut pixels = vec![0u32; starts[self.channels]];
        self.each(stream, |channel, pixel| {
            pixels[next[channel]] = pixel as u32;
            next[channel] += 1;
        });
        Sorted { starts, pixels }
    }

    /// Calls `count` for each photon with its channel and pixel. Channels beyond the last are no photons.
    fn each(&self, stream: &[u8], mut count: impl FnMut(usize, usize)) {
        let mut pixel = 0;
        let order = self.array.element.order;
        for value in stream.chunks_exact(2).map(|pair| order.number(pair) as u16) {
            if value == NEXT {
                pixel = if pixel + 1 == self.pixels { 0 } else { pixel + 1 };
            } else if usize::from(value) < self.channels {
                count(usize::from(value), pixel);
            }
        }
    }
}
