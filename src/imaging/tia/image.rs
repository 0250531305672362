//! A series as a micrograph: images as frames, spectra as a line or a map of them.

use std::path::Path;

use super::super::axes::Axes;
use super::super::bytes::Input;
use super::super::error::Fault;
use super::super::metadata::Metadata;
use super::super::micrograph::{About, Source};
use super::super::raw::{Raw, Stored};
use super::super::strided::{Strided, steps};
use super::super::{AxisScale, Calibration, ImagingError, Plane};
use super::series::{Dimension, Element, ORDER, Series, read as read_series};

/// A step that is longer than this is no length of a pixel in metres, but one of reciprocal metres.
const LONGEST_PIXEL_M: f64 = 1e-3;

/// Reads the layout of a file.
pub(super) fn read(path: &Path) -> Result<(About, Box<dyn Source>), Fault> {
    let input = Input::open(path)?;
    let series = read_series(&input)?;
    let Some(first) = series.elements.first() else {
        return Err(Fault::Bad("The TIA series has no element".into()));
    };
    let (mut about, source) = if series.images {
        images(path, &input, &series, first)?
    } else {
        spectra(path, &input, &series, first)?
    };
    if series.unlike > 0 {
        about.notes.push(format!("{} elements of another size or type are left out", series.unlike));
    }
    if matches!(first.stored, Stored::Complex(_)) {
        about.channel_names = vec!["modulus".into(), "phase".into()];
    }
    about.metadata = metadata(&series);
    Ok((about, source))
}

type Read = (About, Box<dyn Source>);

fn images(path: &Path, input: &Input, series: &Series, first: &Element) -> Result<Read, Fault> {
    let [width, height] = *first.lengths.as_slice() else {
        return Err(Fault::Bad("An image of the TIA series has no size".into()));
    };
    let (count, dimensions) = (series.elements.len(), series.dimensions.as_slice());
    let (letters, outer) = match dimensions {
        // A map of images, such as of diffraction patterns.
        [a, b] if a.size > 1 && b.size > 1 && a.size.checked_mul(b.size) == Some(count) => {
            ("QTYX", if fast_first(series) { vec![b.size, a.size] } else { vec![a.size, b.size] })
        }
        _ => ("TYX", vec![count]),
    };
    if width == 0 || height == 0 {
        return Err(Fault::Bad(format!("The TIA series claims an image of {height} × {width}")));
    }
    let one = Raw::stack(path, first.data, first.stored, ORDER, [1, height, width]);
    let raw = Raw { frames: series.elements.iter().map(|element| element.data).collect(), ..one };
    raw.check(input.length())?;
    let complex = matches!(first.stored, Stored::Complex(_));
    let letters = if complex { letters.replace('Y', "CY") } else { letters.to_owned() };
    let channels = if complex { vec![2] } else { vec![] };
    let axes = Axes::new(&letters, &[outer, channels, vec![height, width]].concat());
    let mut about = About::new(path, "TIA series", axes, first.stored.sample_type());
    let mut known: Vec<AxisScale> =
        [('X', 0), ('Y', 1)].map(|(letter, axis)| pixel(letter, first, axis)).into();
    if known.iter().any(|axis| axis.unit == "1/m") {
        about.notes.push("Steps of the image are too large for metres and taken as reciprocal ones".into());
    }
    if let [dimension] = dimensions {
        known.push(along('T', dimension, 1));
    }
    about.calibration = Calibration::from_axes(known);
    Ok((about, Box::new(Flipped(raw))))
}

/// The step of an image along X or Y.
fn pixel(letter: char, element: &Element, axis: usize) -> AxisScale {
    let (offset, scale) = element.scales[axis];
    let unit = if scale.abs() < LONGEST_PIXEL_M { "m" } else { "1/m" };
    AxisScale {
        offset,
        ..AxisScale::new(letter, scale, unit, format!("SER element CalibrationDelta{letter}"))
    }
}

/// The step from element to element.
fn along(letter: char, dimension: &Dimension, number: usize) -> AxisScale {
    let unit = if dimension.unit == "meters" { "m" } else { &dimension.unit };
    let source = format!("SER dimension {number} {}", dimension.description);
    AxisScale { offset: dimension.offset, ..AxisScale::new(letter, dimension.scale, unit, source.trim()) }
}

/// True when elements follow each other along the first dimension first: the second element is beside the first.
fn fast_first(series: &Series) -> bool {
    let position = |index: usize| series.tags.get(index).and_then(|tag| tag.position);
    matches!((position(0), position(1)), (Some((_, a)), Some((_, b))) if a == b)
}

fn spectra(path: &Path, input: &Input, series: &Series, first: &Element) -> Result<Read, Fault> {
    let energies = first.lengths.first().copied().unwrap_or(0);
    let count = series.elements.len();
    let step = step(&series.elements)?;
    let mut notes = Vec::new();
    if count < series.total {
        notes.push(format!("{count} of {} planned spectra were recorded", series.total));
    }
    let (letters, mut shape, mut known) = match series.dimensions.as_slice() {
        [a, b] => {
            let ((slow, s), (fast, f)) = if fast_first(series) { ((b, 2), (a, 1)) } else { ((a, 1), (b, 2)) };
            let rows = (count / fast.size.max(1)).min(slow.size);
            if rows == 0 {
                ("XE", vec![count], vec![along('X', fast, f)])
            } else {
                if rows * fast.size < count {
                    notes.push(format!(
                        "{} spectra of an unfinished row are left out",
                        count - rows * fast.size
                    ));
                }
                ("YXE", vec![rows, fast.size], vec![along('X', fast, f), along('Y', slow, s)])
            }
        }
        // Spectra along a line, or one after the other at one place.
        [a] if a.unit == "meters" || count == 1 => ("XE", vec![count], vec![along('X', a, 1)]),
        [a] => ("TE", vec![count], vec![along('T', a, 1)]),
        _ => ("TE", vec![count], Vec::new()),
    };
    let bytes = first.stored.bytes();
    let mut between = steps(&shape, 1);
    for own in &mut between {
        *own = own.saturating_mul(step);
    }
    between.push(bytes as u64);
    shape.push(energies);
    let place = Strided {
        path,
        offset: first.data,
        stored: first.stored,
        order: ORDER,
        letters,
        shape: &shape,
        steps: &between,
    };
    let (axes, raw) = place.planes(input.length())?;
    let (offset, scale) = first.scales[0];
    // TIA keeps energies in eV as it keeps lengths in metres.
    let energy = AxisScale { offset, ..AxisScale::new('E', scale, "eV", "SER element CalibrationDelta") };
    known.push(energy);
    let mut about = About::new(path, "TIA series", axes, first.stored.sample_type());
    known.retain(|axis| about.axes.letters().contains(axis.axis));
    about.calibration = Calibration::from_axes(known);
    about.notes = notes;
    Ok((about, Box::new(raw)))
}

/// Bytes from spectrum to spectrum.
fn step(elements: &[Element]) -> Result<u64, Fault> {
    let steps = || elements.windows(2).map(|pair| pair[1].data.checked_sub(pair[0].data));
    let first = steps().next().unwrap_or(Some(0));
    match first {
        Some(step) if steps().all(|own| own == first) => Ok(step),
        _ => Err(Fault::Unsupported("A TIA series whose spectra do not lie at equal steps".into())),
    }
}

fn metadata(series: &Series) -> Metadata {
    let mut metadata = Metadata::default();
    metadata.push("SER / Elements planned", series.total.to_string());
    metadata.push("SER / Elements recorded", (series.elements.len() + series.unlike).to_string());
    for (index, dimension) in series.dimensions.iter().enumerate() {
        let mut say = |what: &str, value: String| {
            if !value.is_empty() {
                metadata.push(format!("SER / Dimension {} / {what}", index + 1), value);
            }
        };
        say("Size", dimension.size.to_string());
        say("Description", dimension.description.clone());
        say("Units", dimension.unit.clone());
        say("Step", dimension.scale.to_string());
    }
    if let Some(tag) = series.tags.first() {
        metadata.push("SER / First element / Time (s since 1970)", tag.time.to_string());
        if let Some((x, y)) = tag.position {
            metadata.push("SER / First element / Position (m)", format!("{x} {y}"));
        }
    }
    metadata
}

/// Images are stored from the lowest row upwards.
struct Flipped(Raw);

impl Source for Flipped {
    fn read(&self, frame: usize, channel: usize) -> Result<Vec<(usize, Plane)>, ImagingError> {
        let planes = self.0.read(frame, channel)?;
        Ok(planes.into_iter().map(|(channel, plane)| (channel, plane.upside_down())).collect())
    }
}
