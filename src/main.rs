//! Chooses a face: a command, the window, or, where there is no display, the same job without one.

use std::process::ExitCode;

use polepiece::cli;

// Large tensors come and go with every node; the system's allocator returns them to the kernel each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::parse() {
        cli::Face::Command(command) => cli::run(*command),
        cli::Face::Window(window) => open_window(window),
    }
}

#[cfg(feature = "gui")]
fn open_window(window: cli::WindowArgs) -> ExitCode {
    use polepiece::gui;

    if !cli::display_is_there() {
        return cli::without_window(&window, "No display");
    }
    let options = gui::WindowOptions { files: window.files.clone(), screenshot: window.screenshot.clone() };
    match gui::open_window(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => cli::without_window(&window, &reason),
    }
}

#[cfg(not(feature = "gui"))]
fn open_window(window: cli::WindowArgs) -> ExitCode {
    cli::without_window(&window, "This build has no window")
}
