//! Saving a copy of the shown micrograph in another format.

use super::apply::Answer;
use super::job::Failure;
use super::{JobKind, Session, Severity};
use crate::export::{ConvertRequest, Converted, Rendering, Target, convert};
use crate::imaging::SampleType;
use std::path::PathBuf;

impl Session {
    /// Writes all frames and channels; a PNG holds what is shown, rendered where it cannot hold the values themselves.
    pub(super) fn save_copy(&mut self, path: PathBuf) {
        let Some(opened) = self.current_opened() else {
            self.say(Severity::Warning, "Open a micrograph first, then a copy of it can be saved");
            return;
        };
        let Some(target) = Target::of_path(&path) else {
            let endings: Vec<_> =
                Target::ALL.iter().map(|target| format!(".{}", target.endings()[0])).collect();
            let text = format!("The name has to end with one of {}: {}", endings.join(", "), path.display());
            self.say(Severity::Warning, text);
            return;
        };
        let mut request = ConvertRequest::new(target);
        let micrograph = opened.micrograph.clone();
        if target == Target::Png {
            request.frames = Some(opened.frame..opened.frame + 1);
            request.channels = (!micrograph.is_colour()).then(|| vec![opened.channel]);
            if !matches!(micrograph.sample_type(), SampleType::U8 | SampleType::U16) {
                let shown = self.contrast_now().filter(|contrast| contrast.low < contrast.high);
                request.rendering = Some(shown.map_or(Rendering::Percentiles, Rendering::Window));
            }
        }
        self.jobs.start(JobKind::Copy, move |monitor| match convert(&micrograph, &request, &path, monitor) {
            Ok(converted) => Ok(Answer::Copied(converted)),
            Err(error) if error.is_cancelled() => Err(Failure::Cancelled),
            Err(error) => Err(Failure::Message(error.to_string())),
        });
    }

    pub(super) fn take_copied(&mut self, copy: Converted) {
        let files: Vec<String> = copy.files.iter().map(|file| file.display().to_string()).collect();
        let text = [vec![format!("Saved {}", files.join(" and "))], copy.notes].concat().join(". ");
        self.say(Severity::Info, text);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{grey_png, session, stack_tiff, texts};
    use super::*;
    use crate::imaging;

    #[test]
    fn a_copy_is_of_the_format_that_its_name_ends_with() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        session.apply(Command::SaveCopy(dir.path().join("none.tif")));
        assert!(session.messages[0].text.starts_with("Open a micrograph first"));
        session.apply(Command::Open(vec![stack_tiff(dir.path(), "stack.tif", 3)]));
        session.apply(Command::SetFrame(2));
        for (name, frames) in [("copy.ome.tif", 3), ("copy.tiff", 3), ("copy.png", 1)] {
            session.apply(Command::SaveCopy(dir.path().join(name)));
            let copy = &imaging::open(&dir.path().join(name)).unwrap()[0];
            assert_eq!(copy.frames(), frames, "{name}");
            assert_eq!(copy.plane(frames - 1, 0).unwrap().value(0, 0), 2.0, "{name}");
            assert!(session.messages.last().unwrap().text.starts_with("Saved "), "{:?}", texts(&session));
        }
        session.apply(Command::SaveCopy(dir.path().join("copy.jpg")));
        assert!(session.messages.last().unwrap().text.contains(".ome.tif, .tif, .npy, .png"));
        assert!(!session.is_busy(JobKind::Copy));
    }

    #[test]
    fn the_original_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = grey_png(dir.path(), "image.png", 6, 4);
        let before = std::fs::read(&path).unwrap();
        let mut session = session();
        session.apply(Command::Open(vec![path.clone()]));
        session.apply(Command::SaveCopy(path.clone()));
        assert_eq!(session.messages.last().unwrap().severity, Severity::Error);
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
