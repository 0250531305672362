//! A picture of the real window for those who cannot look: waits for the first result, saves a PNG, closes.
use super::panes::Pane;
use crate::session::{Command, JobKind, Session, Severity, Theme};
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

/// What a picture of the window shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tour {
    /// Brought to the front of their tabs.
    pub panes: Vec<Pane>,
    pub node: Option<String>,
    pub feature: Option<usize>,
    /// A place of the source, `[y, x]`; `None`: near the middle.
    pub pin: Option<[usize; 2]>,
    /// Whether the effective receptive field is shown.
    pub effective: bool,
    /// Whether the window that puts figures together is open.
    pub figure: bool,
    pub light: bool,
    /// Width and height of the window in points.
    pub size: Option<[usize; 2]>,
}

/// A picture to take.
#[expect(clippy::struct_excessive_bools, reason = "each is a step that was taken")]
pub(super) struct Screenshot {
    path: PathBuf,
    tour: Tour,
    /// Whether the window was arranged as the tour says.
    arranged: bool,
    feature_chosen: bool,
    /// What of the tour there is not.
    missing: Option<String>,
    started: Instant,
    ready_since: Option<Instant>,
    asked_to_run: bool,
    requested: bool,
    picture: Picture,
    outcome: Outcome,
}

impl Screenshot {
    pub(super) fn new(path: PathBuf, tour: Tour, outcome: Outcome) -> Self {
        Self {
            path,
            tour,
            arranged: false,
            feature_chosen: false,
            missing: None,
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
        let refused = refusal(session);
        let late = refused.is_some() || self.started.elapsed() > PATIENCE;
        let settled = self.arranged && self.look_at_feature(session) && session.progress().is_empty();
        if !settled && !late {
            self.ready_since = None;
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
                let why = refused.unwrap_or_else(|| format!("No result after {} s", PATIENCE.as_secs()));
                saved.and(Err(format!("{why}; what the window showed is in {}", self.path.display())))
            } else {
                saved.and(self.missing.take().map_or(Ok(()), Err))
            };
            if let Ok(mut outcome) = self.outcome.lock() {
                *outcome = Some(result);
            }
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
    }

    /// Once there is a result: looks at the tour's node, and gives the tour for whoever arranges the window.
    pub(super) fn arrange(&mut self, session: &mut Session) -> Option<Tour> {
        let ready = session.result.is_some() && session.progress().is_empty();
        if self.arranged || !ready {
            return None;
        }
        self.arranged = true;
        if let Some(node) = self.tour.node.clone() {
            session.apply(Command::SelectNode(node.clone()));
            if session.node.as_ref() != Some(&node) {
                self.missing = Some(format!("The model has no node {node}"));
            }
        }
        session.apply(Command::ShowEffective(self.tour.effective));
        if self.tour.light {
            session.apply(Command::SetTheme(Theme::Light));
        }
        Some(self.tour.clone())
    }

    /// The tour's feature is chosen when its node's features are there; true when nothing is left to do.
    fn look_at_feature(&mut self, session: &mut Session) -> bool {
        let node = session.features.as_ref().map(|features| features.maps.node.as_str());
        if self.feature_chosen || self.tour.feature.is_none() {
            return true;
        }
        if !session.is_busy(JobKind::Features) && node == session.node.as_deref() {
            self.feature_chosen = true;
            session.apply(Command::SelectFeature(self.tour.feature));
            if let Some(feature) = self.tour.feature.filter(|feature| session.feature != Some(*feature)) {
                self.missing = Some(format!("The node has no feature {feature}"));
            }
        }
        false
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

/// Why there will be no result, when nothing is left to be done.
fn refusal(session: &Session) -> Option<String> {
    let over = session.result.is_none() && session.progress().is_empty();
    let error = session.messages.iter().find(|message| message.severity == Severity::Error)?;
    over.then(|| error.text.clone())
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
