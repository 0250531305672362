//! Plays a stack: one frame after another, never faster than they can be read.
use crate::session::{Command, JobKind, Session};
use eframe::egui;
use std::time::Duration;

/// What comes after the last frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The first again.
    Loop,
    /// Back the way it came.
    Bounce,
}

/// A stack that is played, or could be.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) playing: bool,
    pub(super) frames_per_second: f32,
    pub(super) ending: Ending,
    back: bool,
    /// The window's time in seconds when the last frame was asked for.
    last: Option<f64>,
}

impl Default for Player {
    fn default() -> Self {
        Self { playing: false, frames_per_second: 10.0, ending: Ending::Loop, back: false, last: None }
    }
}

impl Player {
    pub(super) fn toggle(&mut self) {
        self.playing = !self.playing;
        self.last = None;
    }

    /// What to do in this frame of the window, and when to look again. A frame that is still being read is waited for.
    pub(super) fn step(&mut self, ctx: &egui::Context, session: &Session) -> Option<Command> {
        if !self.playing {
            return None;
        }
        let opened = session.current.and_then(|current| session.opened.get(current));
        let Some((frame, frames)) = opened.map(|opened| (opened.frame, opened.micrograph.frames())) else {
            self.playing = false;
            return None;
        };
        if frames < 2 {
            self.playing = false;
            return None;
        }
        if session.is_busy(JobKind::Plane) {
            // The job wakes the window when it is done.
            return None;
        }
        let now = ctx.input(|input| input.time);
        let period = 1.0 / f64::from(self.frames_per_second.clamp(0.1, 120.0));
        let left = self.last.map_or(0.0, |last| period - (now - last));
        if left > 0.0 {
            ctx.request_repaint_after(Duration::from_secs_f64(left));
            return None;
        }
        self.last = Some(now);
        ctx.request_repaint_after(Duration::from_secs_f64(period));
        Some(Command::SetFrame(self.next(frame, frames)))
    }

    fn next(&mut self, frame: usize, frames: usize) -> usize {
        let last = frames.saturating_sub(1);
        if self.ending == Ending::Loop {
            return if frame >= last { 0 } else { frame + 1 };
        }
        if frame >= last {
            self.back = true;
        } else if frame == 0 {
            self.back = false;
        }
        if self.back { frame.saturating_sub(1) } else { frame + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_begins_again_or_goes_back() {
        let played = |ending| {
            let mut player = Player { ending, ..Player::default() };
            std::iter::successors(Some(0), |frame| Some(player.next(*frame, 3))).take(7).collect::<Vec<_>>()
        };
        assert_eq!(played(Ending::Loop), [0, 1, 2, 0, 1, 2, 0]);
        assert_eq!(played(Ending::Bounce), [0, 1, 2, 1, 0, 1, 2]);
    }
}
