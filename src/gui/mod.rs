//! The window: panes that read the session and send commands. Only this room knows egui.

/// Opens the window and stays until it is closed.
pub fn open_window(_files: Vec<std::path::PathBuf>) -> Result<(), String> {
    todo!()
}
