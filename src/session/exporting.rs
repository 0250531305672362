//! Taking the result away.

use super::apply::Answer;
use super::job::Failure;
use super::{ExportRequest, JobKind, RunResult, Session, Severity};
use crate::analysis::{Classification, Prediction, Regression, Segmentation};
use crate::export::{
    ClassJob, ExportJob, Format, Paint, RegressionJob, class_command_line, command_line,
    regression_command_line, write_class_table, write_features, write_regression, write_results,
};
use crate::imaging::{Colormap, Tone};
use crate::inspect::FeatureMaps;
use crate::monitor::Monitor;
use std::path::PathBuf;

/// Where results go until a person says otherwise.
const OUT_DIR: &str = "polepiece-out";

/// What was written, and what was not.
pub(super) struct Exported {
    dir: PathBuf,
    files: Vec<PathBuf>,
    errors: Vec<String>,
}

/// A result with everything that its files say about it.
struct Leaving {
    result: RunResult,
    device: String,
    paint: Paint,
}

impl Session {
    /// Writes the result; what is seen is what is written.
    pub(super) fn export(&mut self, request: ExportRequest) {
        let Some(leaving) = self.leaving() else {
            self.say(Severity::Warning, "Run a model first, then there is something to export");
            return;
        };
        let features =
            self.features.as_ref().filter(|_| request.features).map(|features| features.maps.clone());
        self.jobs.start(JobKind::Export, move |monitor| {
            Ok(Answer::Exported(write(&leaving, &request, features.as_deref(), monitor)?))
        });
    }

    /// The command line that makes the same result, with all its files.
    #[must_use]
    pub fn command_line(&self) -> Option<String> {
        let leaving = self.leaving()?;
        let dir = self.preferences.export_dir.clone().unwrap_or_else(|| PathBuf::from(OUT_DIR));
        Some(match &leaving.result.prediction {
            Prediction::Segmentation(mask) => command_line(&leaving.mask_job(mask, &Format::ALL), &dir),
            Prediction::Classification(classes) => class_command_line(&leaving.class_job(classes)),
            Prediction::Regression(numbers) => {
                regression_command_line(&leaving.regression_job(numbers), &dir)
            }
            Prediction::Nothing => return None,
        })
    }

    fn leaving(&self) -> Option<Leaving> {
        Some(Leaving { result: self.result.clone()?, device: self.device_name.clone(), paint: self.paint() })
    }

    /// How the overlay is painted: as the plane that it is painted on is shown alone. That plane is the first channel,
    /// and of a colour picture its grey values, which have no window of their own in a composite.
    fn paint(&self) -> Paint {
        let plain = Paint { opacity: self.opacity, percentiles: self.percentiles, ..Paint::default() };
        let Some(opened) = self.opened.iter().find(|opened| self.result_of == Some(opened.id)) else {
            return plain;
        };
        let colormap = if opened.composite { Colormap::Grey } else { self.colormap };
        let channel = match opened.micrograph.is_colour() {
            true if opened.composite => return plain,
            true => opened.channel,
            false => 0,
        };
        let look = opened.looks.get(channel);
        let (contrast, tone) = look.map_or((None, Tone::default()), |look| (look.contrast, look.tone));
        Paint { contrast, tone, colormap, ..plain }
    }

    pub(super) fn take_exported(&mut self, exported: Exported) {
        let Exported { dir, files, errors } = exported;
        for error in errors {
            self.say(Severity::Error, error);
        }
        if files.is_empty() {
            return;
        }
        let names: Vec<_> =
            files.iter().filter_map(|file| file.file_name()).map(|name| name.to_string_lossy()).collect();
        self.say(Severity::Info, format!("Wrote {} to {}", names.join(", "), dir.display()));
        self.exported = files;
        if self.preferences.export_dir.as_ref() != Some(&dir) && dir.to_str().is_some() {
            self.preferences.export_dir = Some(dir);
            self.save_preferences();
        }
    }
}

impl Leaving {
    fn mask_job<'a>(&'a self, segmentation: &'a Segmentation, formats: &'a [Format]) -> ExportJob<'a> {
        ExportJob {
            micrograph: &self.result.micrograph,
            model: &self.result.model,
            settings: &self.result.settings,
            device: &self.device,
            threads: rayon::current_num_threads(),
            segmentation,
            formats,
            paint: self.paint,
        }
    }

    fn class_job<'a>(&'a self, classification: &'a Classification) -> ClassJob<'a> {
        ClassJob {
            micrograph: &self.result.micrograph,
            model: &self.result.model,
            settings: &self.result.settings,
            device: &self.device,
            threads: rayon::current_num_threads(),
            classification,
        }
    }

    fn regression_job<'a>(&'a self, regression: &'a Regression) -> RegressionJob<'a> {
        RegressionJob {
            micrograph: &self.result.micrograph,
            model: &self.result.model,
            settings: &self.result.settings,
            device: &self.device,
            threads: rayon::current_num_threads(),
            regression,
        }
    }
}

fn write(
    leaving: &Leaving,
    request: &ExportRequest,
    features: Option<&FeatureMaps>,
    monitor: &Monitor,
) -> Result<Exported, Failure> {
    let dir = &request.dir;
    let written = match &leaving.result.prediction {
        Prediction::Segmentation(mask) => write_results(&leaving.mask_job(mask, &request.formats), dir),
        Prediction::Classification(classes) => write_class_table(&leaving.class_job(classes), dir),
        Prediction::Regression(numbers) => write_regression(&leaving.regression_job(numbers), dir),
        // Its feature maps are all that it leaves.
        Prediction::Nothing => Ok(Vec::new()),
    };
    monitor.progress(1, 2)?;
    let mut exported = Exported { dir: dir.clone(), files: Vec::new(), errors: Vec::new() };
    for written in [Some(written), features.map(|maps| write_features(maps, dir))].into_iter().flatten() {
        match written {
            Ok(files) => exported.files.extend(files),
            Err(error) => exported.errors.push(error.to_string()),
        }
    }
    Ok(exported)
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{TinyModel, ready, texts};
    use super::*;
    use crate::imaging::{Contrast, Percentiles};

    #[test]
    fn all_that_was_asked_for_is_written_and_listed() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        let formats = Format::ALL.to_vec();
        session.apply(Command::Export(ExportRequest { dir: out.clone(), formats, features: true }));
        let node = session.node.clone().unwrap();
        for ending in
            ["label.tif", "palette.png", "overlay.png", "probability.tif", "objects.csv", "manifest.json"]
        {
            assert!(
                session.exported.contains(&out.join(format!("image.{ending}"))),
                "{ending}: {:?}",
                texts(&session)
            );
        }
        assert!(
            session.exported.iter().any(|file| file.ends_with(format!("{node}.npy"))),
            "{:?}",
            session.exported
        );
        assert!(session.exported.iter().all(|file| file.is_file()));
        assert!(session.messages.last().unwrap().text.starts_with("Wrote image."), "{:?}", texts(&session));
        assert_eq!(session.preferences.export_dir, Some(out));
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_one_message() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        let not_a_folder = dir.path().join("image.png").join("out");
        let request = ExportRequest { dir: not_a_folder, formats: vec![Format::Label], features: false };
        session.apply(Command::Export(request.clone()));
        assert!(session.messages[0].text.starts_with("Run a model first"));
        session.apply(Command::Run);
        let before = session.messages.len();
        session.apply(Command::Export(request));
        assert_eq!(session.messages.len(), before + 1, "{:?}", texts(&session));
        assert_eq!(session.messages[before].severity, Severity::Error);
        assert!(session.exported.is_empty());
    }

    #[test]
    fn a_classifier_leaves_a_table() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::ChooseModel(TinyModel::classifier().save(dir.path(), "kind")));
        session.apply(Command::Run);
        let request = ExportRequest { dir: dir.path().join("out"), formats: Vec::new(), features: false };
        session.apply(Command::Export(request));
        assert!(
            session.exported.iter().any(|file| file.ends_with("image.classes.csv")),
            "{:?}",
            texts(&session)
        );
    }

    #[test]
    fn the_command_line_names_the_image_the_model_and_what_was_set() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        assert_eq!(session.command_line(), None);
        session.apply(Command::Run);
        session.apply(Command::SetOpacity(0.25));
        session.apply(Command::SetContrast(Some(Contrast { low: 3.0, high: 90.0 })));
        let line = session.command_line().unwrap();
        for part in
            ["polepiece segment ", "image.png", "tiny.safetensors", "--opacity 0.25", "--contrast 3,90"]
        {
            assert!(line.contains(part), "{line}");
        }
        session.apply(Command::SetContrast(None));
        session.apply(Command::SetPercentiles(Percentiles { low: 2.0, high: 98.0 }));
        session.apply(Command::SetTone(Tone { gamma: 0.5, logarithmic: true, inverted: true }));
        session.apply(Command::SetColormap(Colormap::Cividis));
        let line = session.command_line().unwrap();
        let look = "--opacity 0.25 --percentiles 2,98 --gamma 0.5 --log --invert --colormap cividis";
        assert!(line.contains(look), "{line}");
        session.apply(Command::ChooseModel(TinyModel::classifier().save(dir.path(), "kind")));
        session.apply(Command::Run);
        assert!(session.command_line().unwrap().starts_with("polepiece classify "));
    }
}
