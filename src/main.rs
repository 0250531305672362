//! Chooses a face: a command, the window, or, where there is no display, the same job without one.

use std::process::ExitCode;

use polepiece::cli;
use polepiece::compute::Recycling;

// Large tensors come and go with every node; the system's allocator returns them to the kernel each time.
#[global_allocator]
static ALLOCATOR: Recycling<mimalloc::MiMalloc> = Recycling(mimalloc::MiMalloc);

fn main() -> ExitCode {
    log_to_standard_error();
    match cli::parse() {
        cli::Face::Command(command) => cli::run(*command),
        cli::Face::Window(window) => open_window(window),
    }
}

/// What the program and its libraries do, for those who ask: `POLEPIECE_LOG=debug polepiece …`.
fn log_to_standard_error() {
    if let Ok(filter) = tracing_subscriber::EnvFilter::try_from_env("POLEPIECE_LOG") {
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    }
}

#[cfg(feature = "gui")]
fn open_window(window: cli::WindowArgs) -> ExitCode {
    use polepiece::gui;

    if !cli::display_is_there() {
        return cli::without_window(&window, "No display");
    }
    let tour = &window.tour;
    let panes = tour.panes.iter().map(|name| gui::Pane::from_name(name)).collect::<Result<_, _>>();
    let panes = match panes {
        Ok(panes) => panes,
        Err(reason) => return cli::refused(&reason),
    };
    let tour = gui::Tour {
        panes,
        node: tour.node.clone(),
        feature: tour.feature,
        pin: tour.pin,
        effective: tour.effective,
        figure: tour.figure,
        light: tour.light,
        size: tour.size,
    };
    let options =
        gui::WindowOptions { files: window.files.clone(), screenshot: window.screenshot.clone(), tour };
    match gui::open_window(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => cli::without_window(&window, &reason),
    }
}

#[cfg(not(feature = "gui"))]
fn open_window(window: cli::WindowArgs) -> ExitCode {
    cli::without_window(&window, "This build has no window")
}
