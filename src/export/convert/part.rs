//! The part of a micrograph that is written: which frames, channels and rows.

use super::calibration;
use super::{ConvertRequest, Converted, ExportError};
use crate::export::Compression;
use crate::export::tiff::{Form, TiffFile};
use crate::imaging::{AxisScale, Calibration, Micrograph, Plane};
use crate::monitor::Monitor;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// What a TIFF says of its pages.
pub(super) struct Words<'a> {
    pub(super) description: &'a str,
    /// One a page, or none.
    pub(super) labels: &'a [String],
    /// Pixels per unit of the description, as fractions.
    pub(super) resolution: Option<[(u32, u32); 2]>,
}

/// Frames, channels and rows of a micrograph, checked.
pub(super) struct Part<'a> {
    pub(super) micrograph: &'a Micrograph,
    pub(super) frames: Range<usize>,
    pub(super) channels: Vec<usize>,
    pub(super) height: usize,
    pub(super) width: usize,
    /// The channels are the red, green and blue (and opacity) of one picture.
    pub(super) colour: bool,
    /// Steps in time, and along z within each.
    pub(super) steps: [usize; 2],
    /// Of the part: positions count from its own first step.
    pub(super) calibration: Calibration,
    pub(super) notes: Vec<String>,
}

impl<'a> Part<'a> {
    pub(super) fn of(micrograph: &'a Micrograph, request: &ConvertRequest) -> Result<Self, ExportError> {
        let refuse = |why: String| Err(ExportError::Unsupported(why));
        let (all_frames, all_channels) = (micrograph.frames(), micrograph.channels());
        let frames = request.frames.clone().unwrap_or(0..all_frames);
        if frames.is_empty() || frames.end > all_frames {
            let asked = format!("{}..{}", frames.start, frames.end);
            return refuse(format!(
                "There are no frames {asked}, only 0..{all_frames}: {}",
                micrograph.name()
            ));
        }
        let channels = request.channels.clone().unwrap_or_else(|| (0..all_channels).collect());
        if let Some(channel) = channels.iter().find(|&&channel| channel >= all_channels) {
            let last = all_channels - 1;
            return refuse(format!("There is no channel {channel}, only 0 to {last}: {}", micrograph.name()));
        }
        if channels.is_empty() {
            return refuse("At least one channel is needed".to_owned());
        }
        let mut notes = Vec::new();
        let height = height(micrograph, request.crop_info_bar, &mut notes)?;
        let colours: Vec<usize> = (0..channels.len()).collect();
        let colour = micrograph.is_colour() && channels.len() >= 3 && channels == colours;
        let steps = steps(micrograph, &frames, &mut notes);
        let calibration = calibration::of_part(micrograph, &frames, &channels, steps, &mut notes);
        let width = micrograph.width();
        Ok(Self { micrograph, frames, channels, height, width, colour, steps, calibration, notes })
    }

    /// Nothing was left out but rows.
    pub(super) fn is_whole(&self) -> bool {
        self.frames == (0..self.micrograph.frames())
            && self.channels.iter().copied().eq(0..self.micrograph.channels())
    }

    /// Channels of each page: all of a colour together, others alone.
    pub(super) fn pages_of_frame(&self) -> Vec<Vec<usize>> {
        if self.colour {
            vec![self.channels.clone()]
        } else {
            self.channels.iter().map(|&channel| vec![channel]).collect()
        }
    }

    /// Samples of a pixel that lie side by side.
    pub(super) fn samples(&self) -> usize {
        if self.colour { self.channels.len() } else { 1 }
    }

    /// Axes and lengths of the pages one behind the other, those of length 1 left out but for Y and X.
    pub(super) fn axes(&self) -> (String, Vec<usize>) {
        let [times, depths] = self.steps;
        let channel = if self.micrograph.is_spectral() { 'E' } else { 'C' };
        let planes = self.channels.len() / self.samples();
        let outer = [('T', times), ('Z', depths), (channel, planes)];
        let inner = [('Y', self.height), ('X', self.width)];
        let axes = outer.into_iter().filter(|&(_, length)| length > 1).chain(inner);
        axes.chain(self.colour.then(|| ('S', self.samples()))).unzip()
    }

    pub(super) fn names(&self) -> Vec<String> {
        let names = self.micrograph.channel_names();
        self.channels.iter().map(|&channel| names.get(channel).cloned().unwrap_or_default()).collect()
    }

    /// The energies of a spectral image.
    pub(super) fn energy(&self) -> Option<&AxisScale> {
        self.calibration.axis('E').filter(|_| self.micrograph.is_spectral())
    }

    /// The values of channels of a frame: little-endian, row by row, those of each pixel side by side.
    pub(super) fn le_bytes(&self, frame: usize, channels: &[usize]) -> Result<Vec<u8>, ExportError> {
        let mut bytes = self.micrograph.le_bytes(frame, channels)?;
        let row = self.width * channels.len() * self.micrograph.sample_type().bytes();
        bytes.truncate(self.height * row);
        Ok(bytes)
    }

    /// Writes all its pages into one TIFF.
    pub(super) fn write_tiff(
        self,
        words: &Words<'_>,
        compression: Compression,
        path: &Path,
        monitor: &Monitor,
    ) -> Result<Converted, ExportError> {
        let sample_type = self.micrograph.sample_type();
        let pages = self.pages_of_frame();
        let file = TiffFile {
            form: Form {
                height: self.height,
                width: self.width,
                samples: self.samples(),
                colour: self.colour,
                sample_type,
                compression,
            },
            pages: self.frames.len() * pages.len(),
            description: words.description,
            labels: words.labels,
            resolution: words.resolution,
        };
        file.write(path, &mut |page| {
            monitor.progress(page, file.pages)?;
            self.le_bytes(self.frames.start + page / pages.len(), &pages[page % pages.len()])
        })?;
        let (axes, shape) = self.axes();
        Ok(Converted { files: vec![path.to_path_buf()], axes, shape, sample_type, notes: self.notes })
    }

    pub(super) fn plane(&self, channel: usize) -> Result<Arc<Plane>, ExportError> {
        Ok(self.micrograph.plane(self.frames.start, channel)?)
    }
}

/// Length of a stored axis, 1 where there is none.
pub(super) fn length(micrograph: &Micrograph, letter: char) -> usize {
    let at = micrograph.stored_axes().chars().position(|axis| axis == letter);
    at.and_then(|at| micrograph.stored_shape().get(at).copied()).unwrap_or(1)
}

/// Rows that are kept.
fn height(micrograph: &Micrograph, crop: bool, notes: &mut Vec<String>) -> Result<usize, ExportError> {
    let all = micrograph.height();
    let Some(bar) = micrograph.info_bar().filter(|_| crop) else {
        if crop {
            notes.push("No info bar is known of, so nothing was cropped".to_owned());
        }
        return Ok(all);
    };
    let kept = all.checked_sub(bar.rows).filter(|&rows| rows > 0).ok_or_else(|| {
        let rows = bar.rows;
        ExportError::Unsupported(format!("The info bar is said to have {rows} of the image's {all} rows"))
    })?;
    notes.push(format!("The last {} rows are an info bar ({}) and were left out", bar.rows, bar.source));
    Ok(kept)
}

/// How the frames split into times, and steps along z within each (z runs inside of time).
fn steps(micrograph: &Micrograph, frames: &Range<usize>, notes: &mut Vec<String>) -> [usize; 2] {
    let (depths, count) = (length(micrograph, 'Z'), frames.len());
    let whole_stacks = frames.start.is_multiple_of(depths) && frames.end.is_multiple_of(depths);
    if depths == 1 || whole_stacks {
        let other = |&letter: &char| !"TZCESYX".contains(letter);
        let unnamed: String = micrograph.stored_axes().chars().filter(other).collect();
        if !unnamed.is_empty() {
            notes.push(format!("The axes {unnamed} run along the frames of the copy"));
        }
        return [count / depths, depths];
    }
    if frames.start / depths == (frames.end - 1) / depths {
        return [1, count];
    }
    notes.push("The chosen frames cut through stacks along z, so they are one row of frames".to_owned());
    [count, 1]
}
