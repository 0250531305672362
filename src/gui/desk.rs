//! What a pane sees and may touch while it is drawn: the session to read, the shared view, and a tray for wishes.
use super::actions::Action;
use super::panes::Pane;
use super::player::Player;
use super::view::View;
use crate::session::{Command, Session};

/// Handed to every pane, every frame.
pub(super) struct Desk<'a> {
    pub(super) session: &'a Session,
    pub(super) view: &'a mut View,
    pub(super) player: &'a mut Player,
    pub(super) tray: &'a mut Tray,
}

/// What was asked for during a frame; carried out after it.
#[derive(Debug, Default)]
pub(super) struct Tray {
    pub(super) commands: Vec<Command>,
    pub(super) actions: Vec<Action>,
    /// A pane to show alone, or with the others again when it is.
    pub(super) alone: Option<Pane>,
}

impl Desk<'_> {
    /// Asks the session for something.
    pub(super) fn send(&mut self, command: Command) {
        self.tray.commands.push(command);
    }

    /// Whether a picture of `[width, height]` px has the shown micrograph's size, so that zoom and cursor mean the same
    /// in both.
    pub(super) fn is_linked(&self, size: [usize; 2]) -> bool {
        self.session.shown.as_ref().is_none_or(|shown| shown.size() == [size[1], size[0]])
    }

    /// Asks the window for something.
    pub(super) fn act(&mut self, action: Action) {
        self.tray.actions.push(action);
    }
}
