//! Which plane is on the screen.

use super::apply::Answer;
use super::{JobKind, Opened, Session, Shown};
use crate::imaging::{Contrast, Histogram, Plane, Pyramid};
use std::sync::Arc;

/// Bins of the histogram.
pub(super) const BINS: usize = 256;
/// Pixels that decide contrast and histogram before a larger plane is shown; all are counted after it.
pub(super) const SAMPLED: usize = 1 << 22;

/// A plane that was read, and numbers about it.
pub(super) struct LoadedPlane {
    opened: u64,
    frame: usize,
    channel: usize,
    specimen_rows: usize,
    plane: Arc<Plane>,
    histogram: Arc<Histogram>,
    auto_contrast: Contrast,
}

impl Session {
    pub(super) fn select(&mut self, index: usize) {
        if index >= self.opened.len() {
            return;
        }
        if self.current != Some(index) {
            // A window set by hand on one image says nothing about another.
            self.contrast = None;
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
        let (before, last) = (opened.channel, opened.micrograph.channels().saturating_sub(1));
        opened.channel = channel.min(last);
        if opened.channel != before {
            // Detectors and elements have ranges of their own.
            self.contrast = None;
        }
        self.request_plane();
    }

    pub(super) fn current_opened_mut(&mut self) -> Option<&mut Opened> {
        self.opened.get_mut(self.current?)
    }

    /// Reads the plane that should be on the screen; the one that is there stays until then.
    pub(super) fn request_plane(&mut self) {
        let Some(Opened { id, micrograph, frame, channel, .. }) = self.current_opened().cloned() else {
            return;
        };
        let specimen_rows = micrograph.specimen_rows().len();
        let wanted = (frame, channel, specimen_rows);
        let same = |shown: &Shown| (shown.frame, shown.channel, shown.specimen_rows) == wanted;
        let there = self.shown_of == Some(id) && self.shown.as_ref().is_some_and(same);
        if there {
            self.jobs.cancel(JobKind::Plane);
            return;
        }
        // What was read to open the file is kept until it is read again here.
        let held = self.held.take();
        self.jobs.cancel(JobKind::Reduce);
        self.jobs.start(JobKind::Plane, move |monitor| {
            let plane = micrograph.plane(frame, channel)?;
            drop(held);
            monitor.progress(1, 2)?;
            let values = plane.sampled(0..specimen_rows.min(plane.height()), SAMPLED);
            let histogram = Arc::new(Histogram::of(values.view(), BINS));
            let auto_contrast = Contrast::auto(values.view());
            Ok(Answer::Plane(LoadedPlane {
                opened: id,
                frame,
                channel,
                specimen_rows,
                plane,
                histogram,
                auto_contrast,
            }))
        });
    }

    pub(super) fn take_plane(&mut self, loaded: LoadedPlane) {
        let LoadedPlane { opened: id, frame, channel, specimen_rows, plane, histogram, auto_contrast } =
            loaded;
        let Some(opened) = self.opened.iter().position(|opened| opened.id == id) else { return };
        let before = self.shown.as_ref().filter(|_| self.shown_of == Some(id)).map(|shown| shown.frame);
        let key = self.new_key();
        self.shown_of = Some(id);
        let pyramid = Arc::new(Pyramid::unbuilt(Arc::clone(&plane)));
        let others = Arc::default();
        self.shown = Some(Shown {
            key,
            opened,
            frame,
            channel,
            specimen_rows,
            plane,
            pyramid,
            others,
            histogram,
            auto_contrast,
        });
        tracing::debug!("frame {frame}, channel {channel} is read");
        self.reduce();
        self.measure_again();
        self.read_ahead(before);
    }
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
