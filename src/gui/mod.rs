//! The window: panes that read the session and send commands. Only this room knows egui.
//!
//! [`open_window`] starts it; [`App`] is one frame after another: take in what jobs have done, draw, carry out what was
//! asked for. A pane is a file in `panes`, what stands around them is in `chrome`, how images are shown in `view`, and
//! every action with its shortcut in `actions`. Panes see the session read-only and put commands into a tray; they own nothing but
//! their zoom, textures and search words.

mod actions;
mod app;
mod chrome;
mod desk;
mod dialogs;
mod feature_look;
mod format;
mod layout;
mod panes;
mod player;
mod ruler;
mod screenshot;
mod sections;
mod shortcuts;
mod theme;
mod tools;
mod view;
mod widgets;
mod window;

pub use app::App;
pub use panes::Pane;
pub use screenshot::Tour;
pub use window::{WindowOptions, open_window};
