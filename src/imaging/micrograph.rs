//! A file as an n-dimensional image with axes (frame, channel, y, x).

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{Array2, Array4, Axis, Zip};
use sha2::{Digest, Sha256};

use super::axes::Axes;
use super::cache::Cache;
use super::{Calibration, ImagingError, Plane, SampleType};
use crate::monitor::Monitor;

/// Bytes of decoded planes that one micrograph keeps, all its clones together.
const CACHE_BYTES: usize = 256 << 20;

/// One series of a file: planes of equal shape and type along frames and channels. Cheap to clone.
#[derive(Clone)]
pub struct Micrograph(Arc<Inner>);

struct Inner {
    about: About,
    planes: Planes,
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
    pub notes: Vec<String>,
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
        Self(Arc::new(Inner { about, planes }))
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
            notes: Vec::new(),
        };
        Self(Arc::new(Inner { about, planes: Planes::Memory(planes) }))
    }

    /// The file it came from; `None` when it was made in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.about.path.as_deref()
    }

    /// The file's name, with "(series 2)" when it is not the first of several.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.about.name
    }

    /// Position of this series in its file, from 0.
    #[must_use]
    pub fn series(&self) -> usize {
        self.0.about.series
    }

    /// Such as "TIFF", "OME-TIFF", "ImageJ TIFF", "PNG".
    #[must_use]
    pub fn format(&self) -> &str {
        self.0.about.format
    }

    #[must_use]
    pub fn frames(&self) -> usize {
        self.0.about.axes.frames()
    }

    #[must_use]
    pub fn channels(&self) -> usize {
        self.0.about.axes.channels()
    }

    #[must_use]
    pub fn height(&self) -> usize {
        self.0.about.height
    }

    #[must_use]
    pub fn width(&self) -> usize {
        self.0.about.width
    }

    #[must_use]
    pub fn sample_type(&self) -> SampleType {
        self.0.about.sample_type
    }

    /// Axes in the file's own order, such as "TCYX" or "YXS" (tifffile's letters); those of length 1 are left out.
    #[must_use]
    pub fn stored_axes(&self) -> &str {
        self.0.about.axes.letters()
    }

    /// Length of each of the stored axes.
    #[must_use]
    pub fn stored_shape(&self) -> &[usize] {
        self.0.about.axes.shape()
    }

    /// One name a channel; "red", "green", "blue", "alpha" for colour images, else the file's or "channel 1"….
    #[must_use]
    pub fn channel_names(&self) -> &[String] {
        &self.0.about.channel_names
    }

    /// True when the channels are the red, green and blue (and alpha) of a colour picture.
    #[must_use]
    pub fn is_colour(&self) -> bool {
        self.0.about.colour
    }

    #[must_use]
    pub fn calibration(&self) -> &Calibration {
        &self.0.about.calibration
    }

    /// What the reader has to say about the file (a page skipped, a tag that contradicts another), one sentence each.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.0.about.notes
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
        let (source, cache) = match &self.0.planes {
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
        if !self.is_colour() {
            return Ok(self.plane(frame, 0)?.to_f32());
        }
        let values = |c| Ok::<_, ImagingError>(self.plane(frame, c)?.to_f32());
        let (red, mut green, blue) = (values(0)?, values(1)?, values(2)?);
        // Written as differences from green, a grey picture saved as colour keeps its exact values.
        Zip::from(&mut green).and(&red).and(&blue).for_each(|g, &r, &b| {
            *g += 0.299 * (r - *g) + 0.114 * (b - *g);
        });
        Ok(green)
    }

    /// First 16 hex digits of SHA-256 over the decoded stored values in C order of the stored axes, little-endian.
    pub fn sha256_le(&self, monitor: &Monitor) -> Result<String, ImagingError> {
        let axes = &self.0.about.axes;
        let samples = axes.interleaved();
        let total = axes.frames() * axes.channels() / samples;
        let mut hash = Sha256::new();
        for (done, (frame, channel)) in axes.stored_order().enumerate() {
            monitor.progress(done, total)?;
            let planes = (channel..channel + samples)
                .map(|c| Ok(self.plane(frame, c)?.le_bytes()))
                .collect::<Result<Vec<_>, ImagingError>>()?;
            match planes.as_slice() {
                [plane] => hash.update(plane),
                planes => hash.update(interleave(planes, self.sample_type().bytes())),
            }
        }
        monitor.progress(total, total)?;
        Ok(crate::files::hex(&hash.finalize()[..8]))
    }
}

/// Names of the channels of a colour picture.
pub(super) const COLOURS: [&str; 4] = ["red", "green", "blue", "alpha"];

/// Puts the samples of each pixel side by side.
fn interleave(planes: &[Vec<u8>], bytes: usize) -> Vec<u8> {
    let pixels = planes.first().map_or(0, Vec::len) / bytes;
    let pixel = |i: usize| planes.iter().flat_map(move |p| p[i * bytes..(i + 1) * bytes].iter().copied());
    (0..pixels).flat_map(pixel).collect()
}

impl fmt::Debug for Micrograph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.about.fmt(f)
    }
}
