//! Frames beside the shown one: the next is read ahead, and small pictures of others are made when they are looked for.

use super::apply::Answer;
use super::thumbnail::{Thumbnail, small_picture, specimen_share};
use super::{JobKind, Opened, Session};
use crate::imaging::Micrograph;
use crate::monitor::Monitor;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Larger planes are not read ahead: they would push each other out of memory.
const AHEAD: usize = 64 << 20;
/// Small pictures of frames that are kept; of 64 px they take 12 kB each.
const KEPT: usize = 400;
/// Small pictures that one job makes, so that they appear little by little.
const AT_ONCE: usize = 8;
/// Longest side of a frame's small picture in px.
const SIDE: usize = 64;

/// Small pictures of one channel's frames, by frame.
#[derive(Debug, Clone, Default)]
pub struct FramePictures {
    /// [`Opened::id`] and channel that they are of.
    pub of: Option<(u64, usize)>,
    pub pictures: BTreeMap<usize, Thumbnail>,
}

/// Small pictures that were made. A frame that cannot be read has an empty one.
pub(super) struct NewPictures {
    of: (u64, usize),
    pictures: Vec<(usize, Thumbnail)>,
}

impl Session {
    /// Reads the frame that is likely to be asked for next, one on or one back as the last step was.
    pub(super) fn read_ahead(&mut self, before: Option<usize>) {
        let Some(Opened { micrograph, frame, channel, .. }) = self.current_opened().cloned() else { return };
        let plane = micrograph.width() * micrograph.height() * micrograph.sample_type().bytes();
        if micrograph.frames() < 2 || plane > AHEAD {
            return;
        }
        let next = next_frame(before, frame, micrograph.frames());
        self.jobs.start(JobKind::ReadAhead, move |_| {
            // What is wrong with it is said when it is shown.
            let _ = micrograph.plane(next, channel);
            Ok(Answer::ReadAhead)
        });
    }

    /// Makes the small pictures of some frames that are not there yet.
    pub(super) fn want_frame_pictures(&mut self, frames: &[usize]) {
        let Some(Opened { id, micrograph, channel, .. }) = self.current_opened().cloned() else { return };
        let of = (id, channel);
        if self.frame_pictures.of != Some(of) {
            self.jobs.cancel(JobKind::FramePictures);
            self.frame_pictures = FramePictures { of: Some(of), pictures: BTreeMap::new() };
        }
        let missing = |frame: &&usize| {
            **frame < micrograph.frames() && !self.frame_pictures.pictures.contains_key(*frame)
        };
        let wanted: Vec<usize> = frames.iter().filter(missing).take(AT_ONCE).copied().collect();
        if wanted.is_empty() || self.jobs.is_busy(JobKind::FramePictures) {
            return;
        }
        self.jobs.start(JobKind::FramePictures, move |monitor| {
            Ok(Answer::FramePictures(NewPictures {
                of,
                pictures: pictures(&micrograph, channel, wanted, monitor),
            }))
        });
    }

    pub(super) fn take_frame_pictures(&mut self, new: NewPictures) {
        if self.frame_pictures.of != Some(new.of) {
            return;
        }
        let newest = new.pictures.last().map_or(0, |(frame, _)| *frame);
        let kept = &mut self.frame_pictures.pictures;
        kept.extend(new.pictures);
        while kept.len() > KEPT {
            // Those farthest from what is looked at leave first.
            let (first, last) = (kept.keys().next().copied(), kept.keys().next_back().copied());
            let (Some(first), Some(last)) = (first, last) else { break };
            kept.remove(if first.abs_diff(newest) > last.abs_diff(newest) { &first } else { &last });
        }
    }
}

/// One on, or one back where the step before went back; round at the ends.
fn next_frame(before: Option<usize>, frame: usize, frames: usize) -> usize {
    let back = before.is_some_and(|before| before == frame + 1);
    let step = if back { frames - 1 } else { 1 };
    (frame + step) % frames
}

fn pictures(
    micrograph: &Micrograph,
    channel: usize,
    frames: Vec<usize>,
    monitor: &Monitor,
) -> Vec<(usize, Thumbnail)> {
    let mut made = Vec::new();
    for frame in frames {
        if monitor.check().is_err() {
            break;
        }
        let picture = match micrograph.plane(frame, channel) {
            Ok(plane) => {
                small_picture(&plane.sampled(0..plane.height(), 1 << 16), specimen_share(micrograph), SIDE)
            }
            Err(_) => (0, 0, Arc::default()),
        };
        made.push((frame, picture));
    }
    made
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{session, stack_tiff, texts};
    use super::*;

    #[test]
    fn the_next_frame_goes_on_as_the_last_step_did() {
        assert_eq!(next_frame(None, 0, 5), 1);
        assert_eq!(next_frame(Some(1), 2, 5), 3);
        assert_eq!(next_frame(Some(3), 2, 5), 1);
        assert_eq!(next_frame(Some(1), 0, 5), 4);
        assert_eq!(next_frame(Some(3), 4, 5), 0);
    }

    #[test]
    fn small_pictures_come_a_few_at_a_time_and_go_with_their_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        let (one, two) = (stack_tiff(dir.path(), "1.tif", 30), stack_tiff(dir.path(), "2.tif", 2));
        session.apply(Command::Open(vec![one]));
        session.apply(Command::WantFramePictures((3..30).collect()));
        let made: Vec<_> = session.frame_pictures.pictures.keys().copied().collect();
        assert_eq!(made, [3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(session.frame_pictures.pictures[&3].0, 6);
        session.apply(Command::WantFramePictures(vec![3, 11, 99]));
        assert_eq!(session.frame_pictures.pictures.len(), 9);
        session.apply(Command::Open(vec![two]));
        session.apply(Command::WantFramePictures(vec![1]));
        assert_eq!(session.frame_pictures.pictures.keys().copied().collect::<Vec<_>>(), [1]);
        assert_eq!(session.messages, [], "{:?}", texts(&session));
    }

    #[test]
    fn small_pictures_are_bounded_in_number() {
        let mut session = session();
        session.frame_pictures.of = Some((1, 0));
        let picture: Thumbnail = (1, 1, Arc::new(vec![0; 3]));
        let pictures = (0..600).map(|frame| (frame, picture.clone())).collect();
        session.take_frame_pictures(NewPictures { of: (1, 0), pictures });
        let kept: Vec<_> = session.frame_pictures.pictures.keys().copied().collect();
        assert_eq!((kept.len(), kept[0]), (KEPT, 200));
    }
}
