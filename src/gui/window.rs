//! Opens the real window: wgpu first, OpenGL where that does not start.
use super::app::{App, take_files};
use super::screenshot::{Outcome, Screenshot, Tour};
use crate::session::{Command, Preferences, Session, Threading};
use eframe::egui::{IconData, ViewportBuilder};
use eframe::{NativeOptions, Renderer};
use std::path::PathBuf;

/// What to open the window with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowOptions {
    /// Files to open, model files among them; none opens the sample and runs its model.
    pub files: Vec<PathBuf>,
    /// Saves a picture of the window as PNG after the first run, then closes. Preferences are neither read nor kept.
    pub screenshot: Option<PathBuf>,
    /// What that picture shows.
    pub tour: Tour,
}

/// Opens the window and stays until it is closed.
///
/// # Errors
/// Says why in one line when no window can be opened, and what went wrong with the screenshot if one was asked for.
pub fn open_window(options: WindowOptions) -> Result<(), String> {
    let outcome = Outcome::default();
    let first = start(Renderer::Wgpu, &options, &outcome);
    let first = match first {
        Err(reason) if opened(&outcome) => return Err(reason),
        other => other,
    };
    if let Err(wgpu) = first {
        tracing::warn!("no window with wgpu ({wgpu}), trying OpenGL");
        start(Renderer::Glow, &options, &outcome)
            .map_err(|glow| format!("No window could be opened: {wgpu}; with OpenGL: {glow}"))?;
    }
    if options.screenshot.is_none() {
        return Ok(());
    }
    let taken = outcome.lock().ok().and_then(|mut outcome| outcome.take());
    taken.unwrap_or_else(|| Err("The window was closed before its picture was taken".to_owned()))
}

/// Whether the screenshot had come to an end, so that opening another window would be wrong.
fn opened(outcome: &Outcome) -> bool {
    outcome.lock().is_ok_and(|outcome| outcome.is_some())
}

fn start(renderer: Renderer, options: &WindowOptions, outcome: &Outcome) -> Result<(), String> {
    let viewport = ViewportBuilder::default()
        .with_title("Polepiece")
        .with_app_id("polepiece")
        .with_icon(icon())
        .with_inner_size(options.tour.size.map_or([1480.0, 920.0], |size| size.map(|side| side as f32)))
        .with_min_inner_size([1000.0, 640.0])
        .with_drag_and_drop(true);
    let native = NativeOptions {
        viewport,
        renderer,
        persist_window: options.screenshot.is_none(),
        ..NativeOptions::default()
    };
    let (options, outcome) = (options.clone(), outcome.clone());
    let create = move |context: &eframe::CreationContext<'_>| -> App {
        let keep = options.screenshot.is_none();
        let preferences = if keep { Preferences::load() } else { Preferences::default() };
        let mut app = App::new(&context.egui_ctx, Session::new(Threading::Threads, preferences, keep));
        if let Some(storage) = context.storage.filter(|_| keep) {
            app.restore(storage);
        }
        if let Some(path) = options.screenshot {
            app.take_screenshot(Screenshot::new(path, options.tour, outcome));
        }
        let commands = match options.files {
            files if files.is_empty() => vec![Command::OpenSample],
            files => take_files(files),
        };
        for command in commands {
            app.session.apply(command);
        }
        app
    };
    eframe::run_native("polepiece", native, Box::new(move |context| Ok(Box::new(create(context)))))
        .map_err(|error| error.to_string())
}

/// Side of the icon in pixels.
const ICON: usize = 128;

/// The program's sign: the poles of a lens above and below, and the beam between them, narrowing to a point.
fn icon() -> IconData {
    let mut rgba = Vec::with_capacity(ICON * ICON * 4);
    for row in 0..ICON {
        for column in 0..ICON {
            rgba.extend(icon_pixel(centred(column), centred(row)));
        }
    }
    IconData { rgba, width: ICON as u32, height: ICON as u32 }
}

/// −1 to 1 across the icon.
fn centred(place: usize) -> f32 {
    (place as f32 + 0.5) / ICON as f32 * 2.0 - 1.0
}

fn icon_pixel(x: f32, y: f32) -> [u8; 4] {
    let blend = |from: [f32; 3], to: [f32; 3], share: f32| {
        let share = share.clamp(0.0, 1.0);
        [0, 1, 2].map(|part| from[part] + (to[part] - from[part]) * share)
    };
    let soft = |distance: f32| 0.5 - distance * ICON as f32 / 2.0;
    // A square with round corners.
    let corner = ((x.abs() - 0.62).max(0.0).powi(2) + (y.abs() - 0.62).max(0.0).powi(2)).sqrt() - 0.34;
    let mut colour = [22.0, 27.0, 34.0];
    // Two wedges from the sides, as a lens' pole pieces in section.
    let wedge = 0.12 + 0.34 * y.abs().min(0.75) - x.abs();
    let pole = soft(wedge.max(y.abs() - 0.66).max(x.abs() - 0.74));
    colour = blend(colour, [92.0, 104.0, 120.0], pole);
    let beam = x.abs() - (0.02 + 0.20 * y.abs());
    colour = blend(colour, [79.0, 195.0, 208.0], soft(beam) * (1.0 - 0.45 * y.abs()));
    let [r, g, b] = colour.map(|part| part.round().clamp(0.0, 255.0) as u8);
    [r, g, b, (soft(corner).clamp(0.0, 1.0) * 255.0) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_is_clear_at_its_corners_and_bright_at_its_centre() {
        let icon = icon();
        assert_eq!(icon.rgba.len(), ICON * ICON * 4);
        assert_eq!(icon.rgba[3], 0);
        let centre = (ICON / 2 * ICON + ICON / 2) * 4;
        assert_eq!(icon.rgba[centre + 3], 255);
        assert!(icon.rgba[centre + 1] > 150);
    }
}
