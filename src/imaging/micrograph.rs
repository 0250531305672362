//! A file as an n-dimensional image with axes (frame, channel, y, x).

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{Array2, Array4, Axis, Zip};
use sha2::{Digest, Sha256};

use super::axes::Axes;
use super::cache::Cache;
use super::info_bar::InfoBar;
use super::metadata::Metadata;
use super::{AxisScale, Calibration, ImagingError, Plane, SampleType, ScaleByHand};
use crate::monitor::Monitor;

/// Bytes of decoded planes that one micrograph keeps, all its clones together.
const CACHE_BYTES: usize = 256 << 20;

/// One series of a file: planes of equal shape and type along frames and channels. Cheap to clone.
#[derive(Clone)]
pub struct Micrograph {
    pub(super) about: Arc<About>,
    planes: Arc<Planes>,
}

/// What is known of a series without reading its planes.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub path: Option<PathBuf>,
    pub name: String,
    pub series: usize,
    pub format: &'static str,
    pub axes: Axes,
    pub height: usize,
    pub width: usize,
    pub sample_type: SampleType,
    pub channel_names: Vec<String>,
    pub colour: bool,
    pub calibration: Calibration,
    /// Where the calibration's pixel is a person's word.
    pub scale_by_hand: Option<ScaleByHand>,
    /// Where it was resampled: to which side of a pixel, in nm.
    pub resampled_nm: Option<f64>,
    /// Where the file says that its last rows are text.
    pub info_bar: Option<InfoBar>,
    pub metadata: Metadata,
    pub notes: Vec<String>,
}

impl About {
    /// The first series of a file of which nothing but the layout is known: axes by their letters, slowest first.
    pub(super) fn new(path: &Path, format: &'static str, axes: Axes, sample_type: SampleType) -> Self {
        let (height, width) = (axes.length('Y'), axes.length('X'));
        let channel_names = (0..axes.channels()).map(|c| format!("channel {}", c + 1)).collect();
        Self {
            path: Some(path.to_path_buf()),
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            series: 0,
            format,
            axes,
            height,
            width,
            sample_type,
            channel_names,
            colour: false,
            calibration: Calibration::default(),
            scale_by_hand: None,
            resampled_nm: None,
            info_bar: None,
            metadata: Metadata::default(),
            notes: Vec::new(),
        }
    }

    /// As series number `series` (from 0) of its file.
    pub(super) fn in_series(mut self, series: usize) -> Self {
        if series > 0 {
            self.name = format!("{} (series {})", self.name, series + 1);
        }
        self.series = series;
        self
    }
}

/// Where planes come from.
pub(super) trait Source: Send + Sync {
    /// Reads one plane and, where the file stores several together, its neighbours: each with its channel.
    fn read(&self, frame: usize, channel: usize) -> Result<Vec<(usize, Plane)>, ImagingError>;
}

enum Planes {
    /// `[frame][channel]`
    Memory(Vec<Vec<Arc<Plane>>>),
    File {
        source: Box<dyn Source>,
        cache: Mutex<Cache>,
    },
}

impl Micrograph {
    pub(super) fn from_file(about: About, source: Box<dyn Source>) -> Self {
        let planes = Planes::File { source, cache: Mutex::new(Cache::new(CACHE_BYTES)) };
        Self { about: Arc::new(about), planes: Arc::new(planes) }
    }

    /// An image made in memory, `[frame, channel, y, x]`.
    ///
    /// Channels named red, green, blue (and alpha) make a colour picture; missing names become "channel 1"….
    #[must_use]
    pub fn from_array(
        name: &str,
        values: Array4<f32>,
        channel_names: Vec<String>,
        calibration: Calibration,
    ) -> Self {
        let (frames, channels, height, width) = values.dim();
        let planes = values
            .axis_iter(Axis(0))
            .map(|frame| frame.axis_iter(Axis(0)).map(|p| Arc::new(Plane::from_f32(p.to_owned()))).collect())
            .collect();
        let shape = [frames, channels, height, width];
        Self::in_memory(name, planes, shape, SampleType::F32, channel_names, calibration)
    }

    /// Same, of stored planes `[frame][channel]` of any sample type, so that what was 8-bit stays 8-bit.
    ///
    /// # Errors
    /// `OutOfRange` when there is no plane, or the planes differ in number per frame, shape or type.
    pub fn from_planes(
        name: &str,
        planes: Vec<Vec<Plane>>,
        channel_names: Vec<String>,
        calibration: Calibration,
    ) -> Result<Self, ImagingError> {
        let kind = |p: &Plane| (p.height(), p.width(), p.sample_type());
        let (frames, channels) = (planes.len(), planes.first().map_or(0, Vec::len));
        let Some(first) = planes.iter().flatten().next().map(kind) else {
            return Err(ImagingError::OutOfRange(format!("No planes to make {name} of")));
        };
        let uniform =
            planes.iter().all(|frame| frame.len() == channels && frame.iter().all(|p| kind(p) == first));
        if !uniform {
            return Err(ImagingError::OutOfRange(format!(
                "The planes of {name} differ in number, shape or type"
            )));
        }
        let planes = planes.into_iter().map(|frame| frame.into_iter().map(Arc::new).collect()).collect();
        let (height, width, sample_type) = first;
        let shape = [frames, channels, height, width];
        Ok(Self::in_memory(name, planes, shape, sample_type, channel_names, calibration))
    }

    fn in_memory(
        name: &str,
        planes: Vec<Vec<Arc<Plane>>>,
        shape: [usize; 4],
        sample_type: SampleType,
        mut channel_names: Vec<String>,
        calibration: Calibration,
    ) -> Self {
        let [_, channels, height, width] = shape;
        channel_names.truncate(channels);
        (channel_names.len()..channels).for_each(|c| channel_names.push(format!("channel {}", c + 1)));
        let colour = channel_names.iter().map(String::as_str).eq(COLOURS[..3].iter().copied())
            || channel_names.iter().map(String::as_str).eq(COLOURS);
        let about = About {
            path: None,
            name: name.into(),
            series: 0,
            format: "memory",
            axes: Axes::new("TCYX", &shape),
            height,
            width,
            sample_type,
            channel_names,
            colour,
            calibration,
            scale_by_hand: None,
            resampled_nm: None,
            info_bar: None,
            metadata: Metadata::default(),
            notes: Vec::new(),
        };
        Self { about: Arc::new(about), planes: Arc::new(Planes::Memory(planes)) }
    }

    /// The same planes with another calibration, such as one that a person set.
    #[must_use]
    pub fn with_calibration(&self, calibration: Calibration) -> Self {
        let about = About { calibration, scale_by_hand: None, ..(*self.about).clone() };
        Self { about: Arc::new(about), planes: Arc::clone(&self.planes) }
    }

    /// The same planes with the calibration that follows from a person's `scale`.
    pub(super) fn scaled_by_hand(&self, calibration: Calibration, scale: ScaleByHand) -> Self {
        let about = About { calibration, scale_by_hand: Some(scale), ..(*self.about).clone() };
        Self { about: Arc::new(about), planes: Arc::clone(&self.planes) }
    }

    /// The same planes with another info bar, or none.
    #[must_use]
    pub fn with_info_bar(&self, info_bar: Option<InfoBar>) -> Self {
        let about = About { info_bar, ..(*self.about).clone() };
        Self { about: Arc::new(about), planes: Arc::clone(&self.planes) }
    }

    /// The file it came from; `None` when it was made in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.about.path.as_deref()
    }

    /// The file's name, with "(series 2)" when it is not the first of several.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.about.name
    }

    /// Position of this series in its file, from 0.
    #[must_use]
    pub fn series(&self) -> usize {
        self.about.series
    }

    /// Such as "TIFF", "OME-TIFF", "ImageJ TIFF", "PNG".
    #[must_use]
    pub fn format(&self) -> &str {
        self.about.format
    }

    #[must_use]
    pub fn frames(&self) -> usize {
        self.about.axes.frames()
    }

    #[must_use]
    pub fn channels(&self) -> usize {
        self.about.axes.channels()
    }

    #[must_use]
    pub fn height(&self) -> usize {
        self.about.height
    }

    #[must_use]
    pub fn width(&self) -> usize {
        self.about.width
    }

    #[must_use]
    pub fn sample_type(&self) -> SampleType {
        self.about.sample_type
    }

    /// Axes in the file's own order, such as "TCYX" or "YXS" (tifffile's letters); those of length 1 are left out.
    #[must_use]
    pub fn stored_axes(&self) -> &str {
        self.about.axes.letters()
    }

    /// Length of each of the stored axes.
    #[must_use]
    pub fn stored_shape(&self) -> &[usize] {
        self.about.axes.shape()
    }

    /// One name a channel; "red", "green", "blue", "alpha" for colour images, else the file's or "channel 1"….
    #[must_use]
    pub fn channel_names(&self) -> &[String] {
        &self.about.channel_names
    }

    /// True when the channels are the red, green and blue (and alpha) of a colour picture.
    #[must_use]
    pub fn is_colour(&self) -> bool {
        self.about.colour
    }

    #[must_use]
    pub fn calibration(&self) -> &Calibration {
        &self.about.calibration
    }

    /// What a person said of the scale, where it is not the file's.
    #[must_use]
    pub fn scale_by_hand(&self) -> Option<&ScaleByHand> {
        self.about.scale_by_hand.as_ref()
    }

    /// The text below the image, where it is known. [`super::find_info_bar`] looks for it in a picture.
    #[must_use]
    pub fn info_bar(&self) -> Option<&InfoBar> {
        self.about.info_bar.as_ref()
    }

    /// Every field of the file beside its samples.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.about.metadata
    }

    /// The energies of a spectral image: what its channels are steps of.
    #[must_use]
    pub fn energy(&self) -> Option<&AxisScale> {
        self.calibration().axis('E').filter(|_| self.is_spectral())
    }

    /// True when the channels are energies of a spectrum.
    #[must_use]
    pub fn is_spectral(&self) -> bool {
        self.stored_axes().contains('E')
    }

    /// What the reader has to say about the file (a page skipped, a tag that contradicts another), one sentence each.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.about.notes
    }

    /// One plane, from the cache or the file.
    pub fn plane(&self, frame: usize, channel: usize) -> Result<Arc<Plane>, ImagingError> {
        if frame >= self.frames() || channel >= self.channels() {
            return Err(ImagingError::OutOfRange(format!(
                "{} has no frame {frame}, channel {channel}, only {} frames and {} channels (from 0)",
                self.name(),
                self.frames(),
                self.channels()
            )));
        }
        let (source, cache) = match &*self.planes {
            Planes::Memory(planes) => return Ok(Arc::clone(&planes[frame][channel])),
            Planes::File { source, cache } => (source, cache),
        };
        // A panic elsewhere cannot leave a cache worse than empty, so a poisoned lock is as good as any.
        let lock = || cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plane) = lock().get((frame, channel)) {
            return Ok(plane);
        }
        let mut wanted = None;
        for (c, plane) in source.read(frame, channel)? {
            let plane = Arc::new(plane);
            lock().insert((frame, c), Arc::clone(&plane));
            if c == channel {
                wanted = Some(plane);
            }
        }
        wanted.ok_or_else(|| ImagingError::OutOfRange(format!("{} has no channel {channel}", self.name())))
    }

    /// Grey values `[y, x]` of a frame: the luminance (Rec. 601) of a colour picture, channel 0 of others.
    pub fn grey(&self, frame: usize) -> Result<Array2<f32>, ImagingError> {
        self.grey_sampled(frame, usize::MAX)
    }

    /// The same of at most about `most` pixels, every n-th row and column of a larger frame.
    pub fn grey_sampled(&self, frame: usize, most: usize) -> Result<Array2<f32>, ImagingError> {
        let values = |c| Ok::<_, ImagingError>(self.plane(frame, c)?.sampled(0..self.height(), most));
        if self.is_colour() { Ok(luminance(&values(0)?, values(1)?, &values(2)?)) } else { values(0) }
    }

    /// The same of some rows.
    pub(super) fn grey_rows(&self, frame: usize, rows: Range<usize>) -> Result<Array2<f32>, ImagingError> {
        let values = |c| Ok::<_, ImagingError>(self.plane(frame, c)?.part(rows.clone(), 0..self.width()));
        if self.is_colour() { Ok(luminance(&values(0)?, values(1)?, &values(2)?)) } else { values(0) }
    }

    /// Every picture in the order that the file stores them: its frame, and its channels, of which there are several
    /// where the samples of a pixel lie side by side.
    pub fn stored_pictures(&self) -> impl Iterator<Item = (usize, Range<usize>)> {
        let samples = self.about.axes.interleaved();
        self.about.axes.stored_order().map(move |(frame, channel)| (frame, channel..channel + samples))
    }

    /// The stored samples of channels of a frame, little-endian, row by row, those of each pixel side by side.
    pub fn le_bytes(&self, frame: usize, channels: &[usize]) -> Result<Vec<u8>, ImagingError> {
        let plane = |&channel: &usize| Ok(self.plane(frame, channel)?.le_bytes());
        match channels {
            [channel] => plane(channel),
            channels => {
                let planes = channels.iter().map(plane).collect::<Result<Vec<_>, ImagingError>>()?;
                Ok(interleave(&planes, self.sample_type().bytes()))
            }
        }
    }

    /// First 16 hex digits of SHA-256 over the decoded stored values in C order of the stored axes, little-endian.
    pub fn sha256_le(&self, monitor: &Monitor) -> Result<String, ImagingError> {
        let total = self.frames() * self.channels() / self.about.axes.interleaved();
        let mut hash = Sha256::new();
        for (done, (frame, channels)) in self.stored_pictures().enumerate() {
            monitor.progress(done, total)?;
            hash.update(self.le_bytes(frame, &channels.collect::<Vec<_>>())?);
        }
        monitor.progress(total, total)?;
        Ok(crate::files::hex(&hash.finalize()[..8]))
    }
}

/// Rec. 601.
fn luminance(red: &Array2<f32>, mut green: Array2<f32>, blue: &Array2<f32>) -> Array2<f32> {
    // Written as differences from green, a grey picture saved as colour keeps its exact values.
    Zip::from(&mut green).and(red).and(blue).for_each(|g, &r, &b| {
        *g += 0.299 * (r - *g) + 0.114 * (b - *g);
    });
    green
}

/// Names of the channels of a colour picture.
pub(super) const COLOURS: [&str; 4] = ["red", "green", "blue", "alpha"];

/// Puts the samples of each pixel side by side.
fn interleave(planes: &[Vec<u8>], bytes: usize) -> Vec<u8> {
    let mut pixels = vec![0; planes.iter().map(Vec::len).sum()];
    for (at, plane) in planes.iter().enumerate() {
        let places =
            pixels.chunks_exact_mut(planes.len() * bytes).map(|pixel| &mut pixel[at * bytes..][..bytes]);
        places.zip(plane.chunks_exact(bytes)).for_each(|(place, sample)| place.copy_from_slice(sample));
    }
    pixels
}

impl fmt::Debug for Micrograph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.about.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn planes_made_in_memory_keep_their_type() {
        let plane = |v: u8| Plane::from_u8(Array2::from_elem((2, 3), v));
        let planes = vec![vec![plane(1), plane(2)], vec![plane(3), plane(4)]];
        let made =
            Micrograph::from_planes("made", planes, vec!["Fe".into()], Calibration::default()).unwrap();
        assert_eq!((made.stored_axes(), made.stored_shape()), ("TCYX", &[2, 2, 2, 3][..]));
        assert_eq!((made.sample_type(), made.path(), made.is_colour()), (SampleType::U8, None, false));
        assert_eq!(made.channel_names(), ["Fe", "channel 2"]);
        assert_eq!(made.plane(1, 1).unwrap().value(0, 0), 4.0);
        // printf '\1\1\1\1\1\1\2\2\2\2\2\2\3\3\3\3\3\3\4\4\4\4\4\4' | sha256sum
        assert_eq!(made.sha256_le(&Monitor::silent()).unwrap(), "ea41360641373a14");
    }

    #[test]
    fn planes_that_do_not_fit_together_are_refused() {
        let plane = |w: usize| Plane::from_u8(Array2::zeros((1, w)));
        let refused = |planes| {
            let made = Micrograph::from_planes("made", planes, vec![], Calibration::default());
            made.unwrap_err().to_string()
        };
        let differ = "The planes of made differ in number, shape or type";
        assert_eq!(refused(vec![vec![plane(1), plane(2)]]), differ);
        assert_eq!(refused(vec![vec![plane(1)], vec![]]), differ);
        assert_eq!(refused(vec![vec![plane(1), Plane::from_u16(array![[1]])]]), differ);
        assert_eq!(refused(vec![]), "No planes to make made of");
    }

    #[test]
    fn a_frame_or_channel_that_is_not_there_is_an_error() {
        let made =
            Micrograph::from_array("made", Array4::zeros((2, 1, 1, 1)), vec![], Calibration::default());
        for (frame, channel) in [(2, 0), (0, 1)] {
            assert!(matches!(made.plane(frame, channel), Err(ImagingError::OutOfRange(_))));
        }
        let message = made.grey(5).unwrap_err().to_string();
        assert_eq!(message, "made has no frame 5, channel 0, only 2 frames and 1 channels (from 0)");
    }

    #[test]
    fn grey_as_colour_has_exactly_its_grey_values() {
        let value = |y, x| if (y, x) == (0, 0) { f32::NAN } else { (y * 7 + x) as f32 * 0.1 };
        let values = Array4::from_shape_fn((1, 3, 4, 4), |(_, _, y, x)| value(y, x));
        let names = COLOURS[..3].iter().map(|&n| n.into()).collect();
        let colour = Micrograph::from_array("made", values, names, Calibration::default());
        assert!(colour.is_colour());
        let grey = colour.grey(0).unwrap();
        assert!(grey[[0, 0]].is_nan());
        assert!(grey.indexed_iter().skip(1).all(|((y, x), &v)| v == value(y, x)));
    }

    #[test]
    fn clones_share_planes_across_threads() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/imaging/imagej.tif");
        let micrograph = super::super::open(&path).unwrap().remove(0);
        let first = micrograph.plane(3, 1).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let (clone, first) = (micrograph.clone(), &first);
                scope.spawn(move || assert!(Arc::ptr_eq(&clone.plane(3, 1).unwrap(), first)));
            }
        });
    }
}
