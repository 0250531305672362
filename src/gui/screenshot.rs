//! A picture of the real window for those who cannot look: waits for the first result, saves a PNG, closes.
use crate::session::{Command, JobKind, Session};
use eframe::egui::{self, ColorImage, ViewportCommand};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long to wait for a result.
const PATIENCE: Duration = Duration::from_mins(2);
/// After the result, for textures and layout to settle.
const SETTLE: Duration = Duration::from_millis(700);

type Picture = Arc<Mutex<Option<Arc<ColorImage>>>>;

/// Whether the picture was taken, for whoever opened the window.
pub(super) type Outcome = Arc<Mutex<Option<Result<(), String>>>>;

/// A picture to take.
pub(super) struct Screenshot {
    path: PathBuf,
    started: Instant,
    ready_since: Option<Instant>,
    asked_to_run: bool,
    requested: bool,
    picture: Picture,
    outcome: Outcome,
}

impl Screenshot {
    pub(super) fn new(path: PathBuf, outcome: Outcome) -> Self {
        Self {
            path,
            started: Instant::now(),
            ready_since: None,
            asked_to_run: false,
            requested: false,
            picture: Picture::default(),
            outcome,
        }
    }

    /// Called every frame.
    pub(super) fn step(&mut self, ctx: &egui::Context, session: &mut Session) {
        ctx.request_repaint_after(Duration::from_millis(50));
        self.run_once(session);
        let late = self.started.elapsed() > PATIENCE;
        let settled = session.result.is_some() && session.progress().is_empty();
        if !settled && !late {
            return;
        }
        let ready = *self.ready_since.get_or_insert_with(Instant::now);
        if !self.requested && ready.elapsed() > SETTLE {
            self.requested = true;
            let (picture, wake) = (Arc::clone(&self.picture), ctx.clone());
            ctx.request_screenshot(move |image| {
                if let Ok(mut picture) = picture.lock() {
                    *picture = Some(image);
                }
                wake.request_repaint();
            });
        }
        let taken = self.picture.lock().ok().and_then(|mut picture| picture.take());
        if let Some(image) = taken {
            let saved = save(&image, &self.path);
            let result = if late && !settled {
                saved.and(Err(format!(
                    "No result after {} s; what the window showed is in {}",
                    PATIENCE.as_secs(),
                    self.path.display()
                )))
            } else {
                saved
            };
            if let Ok(mut outcome) = self.outcome.lock() {
                *outcome = Some(result);
            }
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
    }

    /// Files given by name are not run by themselves.
    fn run_once(&mut self, session: &mut Session) {
        let ready = session.shown.is_some() && session.model.is_some() && session.result.is_none();
        if ready && !self.asked_to_run && !session.is_busy(JobKind::Run) && session.progress().is_empty() {
            self.asked_to_run = true;
            session.apply(Command::Run);
        }
    }
}

fn save(image: &ColorImage, path: &std::path::Path) -> Result<(), String> {
    let [width, height] = image.size;
    let bytes: Vec<u8> = image.pixels.iter().flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()]).collect();
    let picture = image::RgbImage::from_raw(width as u32, height as u32, bytes)
        .ok_or_else(|| "The picture of the window has no pixels".to_owned())?;
    picture.save(path).map_err(|error| format!("{error}: {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::Color32;

    #[test]
    fn a_picture_is_saved_as_it_was_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("window.png");
        let image = ColorImage::new([2, 1], vec![Color32::RED, Color32::from_gray(7)]);
        save(&image, &path).unwrap();
        let read = image::open(&path).unwrap().to_rgb8();
        assert_eq!(read.into_raw(), [255, 0, 0, 7, 7, 7]);
        let nowhere = dir.path().join("missing/window.png");
        assert!(save(&image, &nowhere).unwrap_err().contains("window.png"));
    }
}
