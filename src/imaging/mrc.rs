//! MRC and CCP4 maps (MRC2014; what IMOD and FEI add to it).
//!
//! A header of 1024 bytes, an extended header of any kind, then sections of rows.

use std::path::Path;

use super::bytes::{Input, Order, text};
use super::error::Fault;
use super::format::{Format, Start};
use super::metadata::Metadata;
use super::micrograph::{About, COLOURS};
use super::raw::{Raw, Stored};
use super::strided::{Strided, steps};
use super::{AxisScale, Calibration, ImagingError, Micrograph, SampleType};

/// The format, for the table of them.
pub(super) struct Mrc;

const HEADER: usize = 1024;
/// IMOD's mark, and the offset of its flags behind it.
const IMOD: (usize, u64) = (152, 1_146_047_817);

impl Format for Mrc {
    fn name(&self) -> &'static str {
        "MRC"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["mrc", "map", "ccp4", "mrcs", "st", "ali", "rec"]
    }

    /// The mark `MAP`; old files have none, and are told by numbers that fit the file's length.
    fn recognises(&self, start: &Start) -> bool {
        let Some(header) = Header::of(&start.bytes) else {
            return false;
        };
        let fits = || {
            let size = header.stored().ok().map(|(stored, samples)| (stored.bytes() * samples) as u64);
            let values = header.shape().iter().fold(1u64, |all, &n| all.saturating_mul(n as u64));
            size.is_some_and(|size| header.data().saturating_add(size.saturating_mul(values)) == start.length)
        };
        start.has(208, b"MAP") || fits()
    }

    fn open(&self, path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
        open(path).map_err(|fault| fault.at(path))
    }
}

struct Header<'a> {
    bytes: &'a [u8],
    order: Order,
}

impl<'a> Header<'a> {
    /// A header of plausible numbers in the byte order of its machine stamp, or else in the other.
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let bytes = bytes.get(..HEADER)?;
        let stamped = if bytes[212] == 0x11 { Order::Big } else { Order::Little };
        let other = if stamped == Order::Big { Order::Little } else { Order::Big };
        [stamped, other].into_iter().map(|order| Self { bytes, order }).find(Self::is_plausible)
    }

    fn is_plausible(&self) -> bool {
        let sizes = self.shape().iter().all(|&n| (1..=1 << 24).contains(&n));
        sizes && matches!(self.mode(), 0..=4 | 6 | 12 | 16 | 101) && self.int(92) >= 0
    }

    fn int(&self, at: usize) -> i32 {
        self.order.number(&self.bytes[at..at + 4]) as i32
    }

    fn float(&self, at: usize) -> f64 {
        let value = f32::from_bits(self.int(at) as u32);
        value.to_string().parse().unwrap_or(f64::from(value))
    }

    fn mode(&self) -> i32 {
        self.int(12)
    }

    /// Sections, rows, columns.
    fn shape(&self) -> [usize; 3] {
        [8, 4, 0].map(|at| usize::try_from(self.int(at)).unwrap_or(0))
    }

    /// Where the samples begin.
    fn data(&self) -> u64 {
        HEADER as u64 + self.int(92).max(0) as u64
    }

    /// The type of a sample, and how many a pixel has.
    fn stored(&self) -> Result<(Stored, usize), Fault> {
        let real = |kind| Ok((Stored::Real(kind), 1));
        match self.mode() {
            0 if self.is_unsigned() => real(SampleType::U8),
            0 => real(SampleType::I8),
            1 => real(SampleType::I16),
            2 => real(SampleType::F32),
            3 => Ok((Stored::Complex(SampleType::I16), 1)),
            4 => Ok((Stored::Complex(SampleType::F32), 1)),
            6 => real(SampleType::U16),
            12 => real(SampleType::F16),
            16 => Ok((Stored::Real(SampleType::U8), 3)),
            101 => Err(Fault::Unsupported("An MRC file of 4-bit samples (mode 101)".into())),
            other => Err(Fault::Unsupported(format!("An MRC file of mode {other}"))),
        }
    }

    /// IMOD says by a flag whether bytes are signed; all others sign them.
    fn is_unsigned(&self) -> bool {
        self.order.number(&self.bytes[IMOD.0..IMOD.0 + 4]) == IMOD.1 && self.int(IMOD.0 + 4) & 1 == 0
    }

    /// Which axis of the cell columns, rows and sections run along, from 0.
    fn cell_axes(&self) -> Option<[usize; 3]> {
        let axes = [64, 68, 72].map(|at| usize::try_from(self.int(at)).unwrap_or(0));
        let mut sorted = axes;
        sorted.sort_unstable();
        (sorted == [1, 2, 3]).then(|| axes.map(|axis| axis - 1))
    }

    /// A stack of pictures has no depth; a stack of volumes has both.
    fn letters(&self) -> (&'static str, Vec<usize>) {
        let [sections, height, width] = self.shape();
        let (group, depth) = (self.int(88), usize::try_from(self.int(36)).unwrap_or(0));
        if (401..=630).contains(&group) && depth > 0 && sections.is_multiple_of(depth) {
            return ("TZYX", vec![sections / depth, depth, height, width]);
        }
        (if group == 0 && depth == 1 { "TYX" } else { "ZYX" }, vec![sections, height, width])
    }
}

fn open(path: &Path) -> Result<Vec<Micrograph>, Fault> {
    let input = Input::open(path)?;
    let bytes = input.bytes(0, HEADER as u64)?;
    let header =
        Header::of(&bytes).ok_or_else(|| Fault::Bad("The header of the MRC file is damaged".into()))?;
    let (stored, samples) = header.stored()?;
    let (letters, mut shape) = header.letters();
    let mut letters = letters.to_owned();
    if samples > 1 {
        letters.push('S');
        shape.push(samples);
    }
    let (offset, order, steps) = (header.data(), header.order, steps(&shape, stored.bytes()));
    let array = Strided { path, offset, stored, order, letters: &letters, shape: &shape, steps: &steps };
    let (axes, raw): (_, Raw) = array.planes(input.length())?;
    let mut about = About::new(path, "MRC", axes, stored.sample_type());
    if samples > 1 {
        about.channel_names = COLOURS[..3].iter().map(|&name| name.into()).collect();
        about.colour = true;
    }
    if matches!(stored, Stored::Complex(_)) {
        about.channel_names = vec!["modulus".into(), "phase".into()];
    }
    about.calibration = calibration(&header, &input, &mut about.notes);
    about.metadata = metadata(&header);
    if header.cell_axes().is_some_and(|axes| axes != [0, 1, 2]) {
        about
            .notes
            .push("Columns, rows and sections of the map do not run along X, Y and Z of its cell".into());
    }
    Ok(vec![Micrograph::from_file(about, Box::new(raw))])
}

/// The cell's size by the steps of its grid, in Å; FEI's extended header where the cell has no size.
fn calibration(header: &Header<'_>, input: &Input, notes: &mut Vec<String>) -> Calibration {
    let axes = header.cell_axes().unwrap_or([0, 1, 2]);
    let (letters, _) = header.letters();
    let scale = |(letter, axis): (char, usize)| {
        let (size, grid) = (header.float(40 + 4 * axis), header.int(28 + 4 * axis));
        let scale = size / f64::from(grid);
        (size > 0.0 && grid > 0).then(|| AxisScale::new(letter, digits(scale), "Å", "MRC cell size / grid"))
    };
    let with_depth = if letters.contains('Z') { "XYZ" } else { "XY" };
    let known = Calibration::from_axes(with_depth.chars().zip(axes).filter_map(scale));
    if known.pixel().is_none() {
        return fei_pixel(header, input).unwrap_or(known);
    }
    if known.axes().iter().all(|axis| axis.scale == 1.0) {
        notes.push("A voxel of exactly 1 Å is also what programs write that do not know its size".into());
    }
    known
}

/// Digits beyond the seventh come from dividing numbers of four bytes and not from the file.
fn digits(value: f64) -> f64 {
    format!("{value:.6e}").parse().unwrap_or(value)
}

/// Pixel size in metres in the extended header of FEI, one entry a section.
fn fei_pixel(header: &Header<'_>, input: &Input) -> Option<Calibration> {
    let kind = text(&header.bytes[104..108]);
    if !matches!(kind.as_str(), "FEI1" | "FEI2") || header.int(92) < 172 {
        return None;
    }
    let number = |at: u64| Some(f64::from_bits(input.number(HEADER as u64 + at, 8, header.order).ok()?));
    let axis = |letter, at| Some(AxisScale::new(letter, number(at)?, "m", format!("{kind} Pixel size")));
    let known = Calibration::from_axes([axis('X', 156)?, axis('Y', 164)?]);
    known.pixel().map(|_| known)
}

fn metadata(header: &Header<'_>) -> Metadata {
    let mut metadata = Metadata::default();
    let ints = |at: usize, count: usize| {
        let values: Vec<String> = (0..count).map(|i| header.int(at + 4 * i).to_string()).collect();
        values.join(" ")
    };
    let floats = |at: usize, count: usize| {
        let values: Vec<String> = (0..count).map(|i| header.float(at + 4 * i).to_string()).collect();
        values.join(" ")
    };
    let labels = usize::try_from(header.int(220)).unwrap_or(0).min(10);
    for label in 0..labels {
        let at = 224 + 80 * label;
        metadata.push(format!("MRC / Label {}", label + 1), text(&header.bytes[at..at + 80]));
    }
    metadata.push("MRC / Mode", ints(12, 1));
    metadata.push("MRC / Start", ints(16, 3));
    metadata.push("MRC / Grid", ints(28, 3));
    metadata.push("MRC / Cell size Å", floats(40, 3));
    metadata.push("MRC / Cell angles °", floats(52, 3));
    metadata.push("MRC / Axes of columns, rows, sections", ints(64, 3));
    metadata.push("MRC / Minimum, maximum, mean", floats(76, 3));
    metadata.push("MRC / RMS", floats(216, 1));
    metadata.push("MRC / Space group", ints(88, 1));
    metadata.push("MRC / Origin", floats(196, 3));
    if header.int(92) > 0 {
        metadata.push("MRC / Extended header", text(&header.bytes[104..108]));
        metadata.push("MRC / Extended header bytes", ints(92, 1));
    }
    metadata
}
