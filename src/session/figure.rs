//! Figures for papers: what one would show, looked at first, then saved.

use super::apply::Answer;
use super::job::Failure;
use super::running::settings_for;
use super::{JobKind, RunResult, Session, Severity};
use crate::analysis::RunSettings;
use crate::export::{
    self, ExportError, Figure, FigureFormat, FigureInput, FigureSpec, Known, Measured, Paint, PanelSpec,
    Picture, figure_command_line, figure_picture, figure_size, write_figure,
};
use crate::imaging::{Micrograph, Tone};
use crate::monitor::Monitor;
use crate::network::Model;
use candle_core::Device;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a person can ask of figures.
#[derive(Debug, Clone, PartialEq)]
pub enum FigureCommand {
    /// Draw it at so many pixels across, to look at.
    Preview(FigureSpec, usize),
    /// Write it as PNG or SVG, by the name's ending.
    Save(FigureSpec, PathBuf),
}

/// The last preview, which stays until the next one is there.
#[derive(Debug, Clone, Default)]
pub struct FigurePreview {
    pub drawn: Option<DrawnFigure>,
    /// Why there is none of what was asked for last.
    pub complaint: Option<String>,
}

/// A figure to look at; `key` is new with each.
#[derive(Debug, Clone)]
pub struct DrawnFigure {
    pub key: u64,
    pub picture: Arc<Picture>,
    /// Width and height in mm.
    pub size_mm: [f64; 2],
}

/// What a job made of a figure.
pub(super) enum MadeFigure {
    Drawn(Picture, [f64; 2]),
    /// It cannot be drawn, and why.
    Refused(String),
    Saved(PathBuf),
}

/// Everything that a figure is made from: of the result where it is of what is shown, else of what is shown.
struct Subject {
    micrograph: Micrograph,
    settings: RunSettings,
    model: Option<Arc<Model>>,
    result: Option<RunResult>,
    measured: Vec<(PanelSpec, Measured)>,
    device: Device,
}

impl Subject {
    fn figure(&self, spec: &FigureSpec, monitor: &Monitor) -> Result<Figure, ExportError> {
        let known = Known {
            prediction: self.result.as_ref().map(|result| &result.prediction),
            features: self.result.as_ref().map(|result| &*result.features),
            measured: &self.measured,
        };
        let input = FigureInput {
            micrograph: &self.micrograph,
            settings: &self.settings,
            model: self.model.as_deref(),
            device: &self.device,
            known,
        };
        export::figure(spec, &input, monitor)
    }
}

impl Session {
    pub(super) fn apply_figure(&mut self, command: FigureCommand) {
        let Some(subject) = self.figure_subject() else {
            self.say(Severity::Warning, "Open a micrograph first, then there is something to show");
            return;
        };
        match command {
            FigureCommand::Preview(spec, across) => self.jobs.start(JobKind::FigurePreview, move |monitor| {
                Ok(Answer::Figure(Box::new(preview(&subject, &spec, across, monitor)?)))
            }),
            FigureCommand::Save(spec, path) => {
                let path = if FigureFormat::of_path(&path).is_some() { path } else { with_ending(&path) };
                self.jobs.start(JobKind::Figure, move |monitor| {
                    let figure = subject.figure(&spec, monitor)?;
                    write_figure(&figure, &path)?;
                    Ok(Answer::Figure(Box::new(MadeFigure::Saved(path))))
                });
            }
        }
    }

    pub(super) fn take_figure(&mut self, made: MadeFigure) {
        match made {
            MadeFigure::Drawn(picture, size_mm) => {
                let key = self.new_key();
                let drawn = DrawnFigure { key, picture: Arc::new(picture), size_mm };
                self.figure = FigurePreview { drawn: Some(drawn), complaint: None };
            }
            MadeFigure::Refused(why) => self.figure.complaint = Some(why),
            MadeFigure::Saved(path) => {
                self.say(Severity::Info, format!("Saved the figure: {}", path.display()));
            }
        }
    }

    /// How figures show the micrograph now: as the source shows the channel that is looked at.
    #[must_use]
    pub fn figure_paint(&self) -> (Paint, Option<usize>) {
        let plain = Paint { opacity: self.opacity, percentiles: self.percentiles, ..Paint::default() };
        let Some(opened) = self.current_opened() else { return (plain, None) };
        // Channels together have no one window; a figure shows the first, or a colour picture's own colours.
        if opened.composite {
            return (plain, None);
        }
        let look = opened.looks.get(opened.channel);
        let (contrast, tone) = look.map_or((None, Tone::default()), |look| (look.contrast, look.tone));
        let colour = opened.micrograph.is_colour();
        let channel = (colour || opened.channel > 0).then_some(opened.channel);
        (Paint { contrast, tone, colormap: self.colormap, ..plain }, channel)
    }

    /// The command line that writes the same figure.
    #[must_use]
    pub fn figure_command(&self, spec: &FigureSpec, path: &Path) -> Option<String> {
        let subject = self.figure_subject()?;
        let on = (&subject.micrograph, &subject.settings);
        let model = subject
            .model
            .as_deref()
            .filter(|_| spec.field.is_some() || spec.panels.iter().any(PanelSpec::wants_model));
        Some(figure_command_line(spec, on, model, path))
    }

    fn figure_subject(&self) -> Option<Subject> {
        let opened = self.current_opened()?;
        let result = self.result.as_ref().filter(|_| self.result_is_current()).cloned();
        let settings = match (&result, &self.model) {
            (Some(result), _) => result.settings.clone(),
            (None, Some(model)) => settings_for(model, opened),
            (None, None) => RunSettings { frame: opened.frame, ..RunSettings::default() },
        };
        let model = result.as_ref().map(|result| Arc::clone(&result.model)).or_else(|| self.model.clone());
        // The one that is shown, with what a person corrected of it since the run.
        Some(Subject {
            micrograph: opened.micrograph.clone(),
            settings,
            model,
            result,
            measured: self.figure_results(),
            device: self.device.clone(),
        })
    }
}

/// A figure that cannot be drawn is no failure of the job: the dialog says why beside what was asked for.
fn preview(
    subject: &Subject,
    spec: &FigureSpec,
    across: usize,
    monitor: &Monitor,
) -> Result<MadeFigure, Failure> {
    let drawn = subject.figure(spec, monitor).and_then(|figure| {
        let dpi = across as f64 / spec.look.width_mm * 25.4;
        Ok(MadeFigure::Drawn(figure_picture(&figure, dpi)?, figure_size(&figure)))
    });
    match drawn {
        Ok(drawn) => Ok(drawn),
        Err(error) if error.is_cancelled() => Err(Failure::Cancelled),
        Err(error) => Ok(MadeFigure::Refused(error.to_string())),
    }
}

fn with_ending(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".png");
    PathBuf::from(name)
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        if error.is_cancelled() { Self::Cancelled } else { Self::Message(error.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{TinyModel, colour_png, ready, session, texts};
    use super::*;
    use crate::imaging::{Colormap, Contrast};

    fn spec(panels: &[&str]) -> FigureSpec {
        let panels = panels.iter().map(|panel| panel.parse().unwrap()).collect();
        FigureSpec { panels, ..FigureSpec::default() }
    }

    fn preview_of(session: &mut Session, panels: &[&str]) -> FigurePreview {
        session.apply(Command::Figure(FigureCommand::Preview(spec(panels), 360)));
        session.figure.clone()
    }

    #[test]
    fn a_figure_is_drawn_with_and_without_a_run() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        let panels = ["source", "prediction", "feature:enc1.conv1:1"];
        let before = preview_of(&mut session, &panels).drawn.unwrap();
        assert_eq!((before.picture.width, before.size_mm[0]), (360, 180.0));
        session.apply(Command::Run);
        let after = preview_of(&mut session, &panels).drawn.unwrap();
        assert_ne!(before.key, after.key);
        assert_eq!(before.picture, after.picture, "what the run kept is what would be computed");
    }

    #[test]
    fn what_cannot_be_drawn_is_said_and_the_last_picture_stays() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        let first = preview_of(&mut session, &["source"]).drawn.unwrap();
        let refused = preview_of(&mut session, &["feature:enc1.conv1:99"]);
        assert_eq!(refused.drawn.unwrap().key, first.key);
        assert!(refused.complaint.unwrap().contains("has no feature 99"));
        assert_eq!(session.messages, [], "{:?}", texts(&session));
        assert_eq!(preview_of(&mut session, &["source"]).complaint, None);
    }

    #[test]
    fn a_figure_is_saved_by_its_names_ending() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        for (name, written) in [("a.svg", "a.svg"), ("b.PNG", "b.PNG"), ("c", "c.png")] {
            let path = dir.path().join(name);
            session.apply(Command::Figure(FigureCommand::Save(spec(&["source"]), path)));
            assert!(dir.path().join(written).is_file(), "{:?}", texts(&session));
            assert!(texts(&session).last().unwrap().contains(written));
        }
        let nowhere = dir.path().join("none").join("a.png");
        session.apply(Command::Figure(FigureCommand::Save(spec(&["source"]), nowhere)));
        assert_eq!(session.messages.last().unwrap().severity, Severity::Error);
    }

    #[test]
    fn without_an_image_it_is_said() {
        let mut session = session();
        assert!(preview_of(&mut session, &["source"]).drawn.is_none());
        assert_eq!(texts(&session), ["Open a micrograph first, then there is something to show"]);
        assert_eq!(session.figure_command(&spec(&["source"]), Path::new("a.png")), None);
    }

    #[test]
    fn the_micrograph_looks_as_it_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        let contrast = Contrast { low: 3.0, high: 90.0 };
        session.apply(Command::SetContrast(Some(contrast)));
        session.apply(Command::SetColormap(Colormap::Magma));
        let (paint, channel) = session.figure_paint();
        assert_eq!((paint.contrast, paint.colormap, channel), (Some(contrast), Colormap::Magma, None));
        session.apply(Command::Open(vec![colour_png(dir.path(), "colour.png")]));
        assert_eq!(session.figure_paint().1, None, "in its own colours");
        session.apply(Command::SetComposite(false));
        session.apply(Command::SetChannel(2));
        assert_eq!(session.figure_paint().1, Some(2));
    }

    #[test]
    fn the_command_names_a_model_only_where_one_is_needed() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::ChooseModel(TinyModel::segmenter().save(dir.path(), "tiny")));
        let line = |panels: &[&str]| session.figure_command(&spec(panels), Path::new("/out/a.png")).unwrap();
        assert!(!line(&["source"]).contains("--model"));
        let with_model = line(&["source", "prediction"]);
        assert!(with_model.contains("tiny.safetensors --panel source --panel prediction"), "{with_model}");
    }
}
