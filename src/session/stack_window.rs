//! One window for a whole stack.

use super::apply::Answer;
use super::job::Failure;
use super::{JobKind, Session, Severity};
use crate::imaging::{Contrast, Micrograph, Percentiles, Sample};
use crate::monitor::Monitor;

/// Values that decide a window, from all frames together.
const MOST_VALUES: usize = 1 << 20;
/// Frames that are read at most, evenly spread.
const MOST_FRAMES: usize = 2000;

/// The windows of some channels over all frames.
pub(super) struct StackWindows {
    opened: u64,
    windows: Vec<(usize, Contrast)>,
    frames: usize,
}

impl Session {
    /// Looks at all frames of the selected channel, or of those in the composite, and sets the windows.
    pub(super) fn fit_window_to_stack(&mut self) {
        let Some(opened) = self.current_opened() else { return };
        let (id, micrograph) = (opened.id, opened.micrograph.clone());
        let channels = if opened.composite { opened.together() } else { vec![opened.channel] };
        let (percentiles, signed) = (self.percentiles, self.signed_window(opened.composite));
        self.jobs.start(JobKind::StackWindow, move |monitor| {
            let frames = micrograph.frames().div_ceil(step_of(micrograph.frames()));
            let windows = windows(&micrograph, &channels, (percentiles, signed), monitor)?;
            Ok(Answer::StackWindows(StackWindows { opened: id, windows, frames }))
        });
    }

    pub(super) fn take_stack_windows(&mut self, found: StackWindows) {
        let StackWindows { opened: id, windows, frames } = found;
        let Some(opened) = self.opened.iter_mut().find(|opened| opened.id == id) else { return };
        let names = opened.micrograph.channel_names();
        let mut texts = Vec::new();
        for (channel, window) in windows {
            if let Some(look) = opened.looks.get_mut(channel) {
                look.contrast = Some(window);
                let name = names.get(channel).filter(|_| names.len() > 1);
                let name = name.map(|name| format!("{name} ")).unwrap_or_default();
                texts.push(format!("{name}{} to {}", window.low, window.high));
            }
        }
        if !texts.is_empty() {
            self.say(Severity::Info, format!("Window of {frames} frames: {}", texts.join(", ")));
        }
    }
}

fn step_of(frames: usize) -> usize {
    frames.div_ceil(MOST_FRAMES).max(1)
}

fn windows(
    micrograph: &Micrograph,
    channels: &[usize],
    (percentiles, signed): (Percentiles, bool),
    monitor: &Monitor,
) -> Result<Vec<(usize, Contrast)>, Failure> {
    let step = step_of(micrograph.frames());
    let frames = micrograph.frames().div_ceil(step);
    let mut samples = vec![Sample::default(); channels.len()];
    for (done, frame) in (0..micrograph.frames()).step_by(step).enumerate() {
        for (channel, sample) in channels.iter().zip(&mut samples) {
            let plane = micrograph.plane(frame, *channel)?;
            let values = plane.sampled(micrograph.specimen_rows(), 4 * MOST_VALUES);
            sample.add(values.view(), MOST_VALUES / frames.max(1));
        }
        monitor.progress(done + 1, frames)?;
    }
    Ok(channels.iter().zip(samples).map(|(c, sample)| (*c, sample.window(percentiles, signed))).collect())
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{session, stack_tiff, texts};
    use super::*;

    #[test]
    fn a_stack_gets_one_window_from_all_its_frames() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        session.apply(Command::FitWindowToStack);
        session.apply(Command::Open(vec![stack_tiff(dir.path(), "stack.tif", 5)]));
        session.apply(Command::SetPercentiles(Percentiles { low: 0.0, high: 100.0 }));
        session.apply(Command::FitWindowToStack);
        assert_eq!(texts(&session), ["Window of 5 frames: 0 to 4"]);
        for frame in 0..5 {
            session.apply(Command::SetFrame(frame));
            assert_eq!(session.contrast_now(), Some(Contrast { low: 0.0, high: 4.0 }));
        }
        session.apply(Command::SetContrast(None));
        assert_eq!(
            session.contrast_now(),
            Some(Contrast { low: 4.0, high: 5.0 }),
            "again of the frame alone"
        );
    }

    #[test]
    fn looking_at_all_frames_can_be_cancelled() {
        let dir = tempfile::tempdir().unwrap();
        let stack = &crate::imaging::open(&stack_tiff(dir.path(), "stack.tif", 3)).unwrap()[0];
        let (watch, monitor) = Monitor::watched();
        watch.cancel();
        let found = windows(stack, &[0], (Percentiles::default(), false), &monitor);
        assert_eq!(found, Err(Failure::Cancelled));
    }
}
