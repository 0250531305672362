//! Which plane is on the screen.

use super::apply::Answer;
use super::job::Failure;
use super::{JobKind, Opened, Session, Shown, ShownLayer};
use crate::imaging::{Contrast, Histogram, Micrograph, Percentiles, Pyramid, SampleType};
use crate::monitor::Monitor;
use ndarray::Array2;
use std::sync::Arc;

/// Bins of the histogram.
pub(super) const BINS: usize = 256;
/// Pixels that decide contrast and histogram before a larger plane is shown; all are counted after it.
pub(super) const SAMPLED: usize = 1 << 20;

/// What is computed of a micrograph to be looked at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Look {
    frame: usize,
    channel: usize,
    specimen_rows: usize,
    /// The composite's channels.
    together: Vec<usize>,
    percentiles: Percentiles,
    /// Windows symmetric about zero.
    signed: bool,
}

impl Look {
    /// Values of the specimen: all of them, or an even sample of a large plane's.
    fn sampled(&self, pyramid: &Pyramid) -> Array2<f32> {
        let plane = pyramid.plane();
        plane.sampled(0..self.specimen_rows.min(plane.height()), SAMPLED)
    }
}

/// Planes that were read before, by channel.
type Known = Vec<(usize, Arc<Pyramid>)>;

/// A plane that was read, and numbers about it.
pub(super) struct LoadedPlane {
    opened: u64,
    look: Look,
    pyramid: Arc<Pyramid>,
    histogram: Arc<Histogram>,
    auto_contrast: Contrast,
    layers: Vec<ShownLayer>,
}

impl Session {
    pub(super) fn select(&mut self, index: usize) {
        if index >= self.opened.len() {
            return;
        }
        self.current = Some(index);
        self.describe_nodes();
        self.request_plane();
    }

    pub(super) fn set_frame(&mut self, frame: usize) {
        let Some(opened) = self.current_opened_mut() else { return };
        opened.frame = frame.min(opened.micrograph.frames().saturating_sub(1));
        self.request_plane();
    }

    pub(super) fn set_channel(&mut self, channel: usize) {
        let Some(opened) = self.current_opened_mut() else { return };
        opened.channel = channel.min(opened.micrograph.channels().saturating_sub(1));
        self.request_plane();
    }

    pub(super) fn current_opened_mut(&mut self) -> Option<&mut Opened> {
        self.opened.get_mut(self.current?)
    }

    /// Whether windows are symmetric about zero: the colours of a plane that is shown alone say so.
    pub(super) fn signed_window(&self, composite: bool) -> bool {
        self.colormap.is_signed() && !composite
    }

    /// Reads the plane that should be on the screen; the one that is there stays until then.
    pub(super) fn request_plane(&mut self) {
        let Some(opened) = self.current_opened() else { return };
        let (id, micrograph) = (opened.id, opened.micrograph.clone());
        let look = Look {
            frame: opened.frame,
            channel: opened.channel,
            specimen_rows: micrograph.specimen_rows().len(),
            together: opened.together(),
            percentiles: self.percentiles,
            signed: self.signed_window(opened.composite),
        };
        if self.shown_of == Some(id) && self.shown.is_some() && self.shown_look.as_ref() == Some(&look) {
            self.jobs.cancel(JobKind::Plane);
            return;
        }
        let known = self.known_planes(id, look.frame);
        // What was read to open the file is kept until it is read again here.
        let held = self.held.take();
        self.jobs.cancel(JobKind::Reduce);
        self.jobs.start(JobKind::Plane, move |monitor| {
            let loaded = load(id, &micrograph, look, &known, monitor)?;
            drop(held);
            Ok(Answer::Plane(loaded))
        });
    }

    /// What is on the screen already of a frame.
    fn known_planes(&self, id: u64, frame: usize) -> Known {
        let same = |shown: &&Shown| self.shown_of == Some(id) && shown.frame == frame;
        let Some(shown) = self.shown.as_ref().filter(same) else { return Known::new() };
        let layers = shown.layers.iter().map(|layer| (layer.channel, Arc::clone(&layer.pyramid)));
        layers.chain([(shown.channel, Arc::clone(&shown.pyramid))]).collect()
    }

    pub(super) fn take_plane(&mut self, loaded: LoadedPlane) {
        let LoadedPlane { opened: id, look, pyramid, histogram, auto_contrast, layers } = loaded;
        let Some(opened) = self.opened.iter().position(|opened| opened.id == id) else { return };
        let before = self.shown.as_ref().filter(|_| self.shown_of == Some(id)).map(|shown| shown.frame);
        let key = self.new_key();
        let (frame, channel) = (look.frame, look.channel);
        self.shown_of = Some(id);
        self.shown = Some(Shown {
            key,
            opened,
            frame,
            channel,
            specimen_rows: look.specimen_rows,
            plane: Arc::clone(pyramid.plane()),
            pyramid,
            others: Arc::default(),
            histogram,
            auto_contrast,
            layers,
        });
        self.shown_look = Some(look);
        tracing::debug!("frame {frame}, channel {channel} is read");
        self.reduce();
        self.measure_again();
        self.read_ahead(before);
    }
}

fn load(
    opened: u64,
    micrograph: &Micrograph,
    look: Look,
    known: &Known,
    monitor: &Monitor,
) -> Result<LoadedPlane, Failure> {
    let steps = look.together.len() + 2;
    let pyramid_of = |channel: usize| -> Result<_, Failure> {
        let known = known.iter().find(|(there, _)| *there == channel);
        Ok(match known {
            Some((_, pyramid)) => Arc::clone(pyramid),
            None => Arc::new(Pyramid::unbuilt(micrograph.plane(look.frame, channel)?)),
        })
    };
    let pyramid = pyramid_of(look.channel)?;
    monitor.progress(1, steps)?;
    let values = look.sampled(&pyramid);
    let histogram = Arc::new(Histogram::of(values.view(), BINS));
    let mut auto_contrast = look.percentiles.window(values.view(), look.signed);
    let (mut layers, mut highest) = (Vec::new(), 0.0);
    for &channel in &look.together {
        monitor.progress(layers.len() + 2, steps)?;
        let same = channel == look.channel;
        let pyramid = if same { Arc::clone(&pyramid) } else { pyramid_of(channel)? };
        let values = look.sampled(&pyramid);
        highest = values.iter().copied().filter(|value| value.is_finite()).fold(highest, f32::max);
        let auto_contrast = look.percentiles.window(values.view(), look.signed);
        layers.push(ShownLayer { channel, pyramid, auto_contrast });
    }
    if micrograph.is_colour() && !layers.is_empty() {
        auto_contrast = as_stored(micrograph.sample_type(), highest);
        for layer in &mut layers {
            layer.auto_contrast = auto_contrast;
        }
    }
    Ok(LoadedPlane { opened, look, pyramid, histogram, auto_contrast, layers })
}

/// The window in which the red, green and blue of a colour picture stay as they are: the range of the type, and for
/// types without one that of the picture up to its `highest` value, the same for all three.
fn as_stored(sample_type: SampleType, highest: f32) -> Contrast {
    let high = match sample_type {
        SampleType::Bool => 1.0,
        SampleType::U8 => f32::from(u8::MAX),
        SampleType::U16 => f32::from(u16::MAX),
        _ => highest,
    };
    Contrast { low: 0.0, high: if high > 0.0 { high } else { 1.0 } }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{grey_png, session, stack_tiff, texts};
    use super::*;

    #[test]
    fn frames_and_channels_are_stepped_and_kept_in_range() {
        let dir = tempfile::tempdir().unwrap();
        let path = stack_tiff(dir.path(), "stack.tif", 3);
        let mut session = session();
        session.apply(Command::Open(vec![path]));
        assert_eq!(session.messages, [], "{:?}", texts(&session));
        let first = session.shown.clone().unwrap();
        assert_eq!((first.frame, first.plane.value(0, 0)), (0, 0.0));
        session.apply(Command::SetFrame(99));
        let last = session.shown.clone().unwrap();
        assert_eq!((last.frame, last.plane.value(0, 0)), (2, 2.0));
        assert_ne!(last.key, first.key);
        session.apply(Command::SetChannel(5));
        assert_eq!(session.shown.as_ref().unwrap().key, last.key, "the same plane is not read again");
    }

    #[test]
    fn contrast_by_hand_stays_within_an_image_and_goes_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let stack = stack_tiff(dir.path(), "stack.tif", 2);
        let other = grey_png(dir.path(), "other.png", 4, 4);
        let mut session = session();
        session.apply(Command::Open(vec![stack, other]));
        let by_hand = Contrast { low: 1.0, high: 2.0 };
        session.apply(Command::SetContrast(Some(by_hand)));
        session.apply(Command::SetFrame(1));
        assert_eq!(session.contrast_now(), Some(by_hand));
        session.apply(Command::Select(1));
        assert_eq!(session.contrast_now(), Some(session.shown.as_ref().unwrap().auto_contrast));
        session.apply(Command::Select(0));
        assert_eq!(session.contrast_now(), Some(by_hand), "and comes back with it");
    }

    #[test]
    fn the_histogram_counts_every_pixel() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        session.apply(Command::Open(vec![grey_png(dir.path(), "a.png", 16, 8)]));
        let shown = session.shown.unwrap();
        assert_eq!(shown.histogram.counts.len(), BINS);
        assert_eq!(shown.histogram.counts.iter().sum::<u64>(), 16 * 8);
    }
}
