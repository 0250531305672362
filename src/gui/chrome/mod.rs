//! What stands around the panes: the bar at the top, the status line, messages and the small windows.

mod export;
mod figure;
mod help;
mod labels;
mod messages;
mod models;
mod new_network;
mod status;
mod top;

pub(super) use export::ExportWindow;
pub(super) use figure::FigureWindow;
pub(super) use help::help_ui;
pub(super) use labels::LabelsWindow;
pub(super) use messages::Messages;
pub(super) use new_network::NewNetwork;
pub(super) use status::status_ui;
pub(super) use top::top_ui;
