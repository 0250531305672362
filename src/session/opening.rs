//! Opening and closing files.

use super::apply::Answer;
use super::job::Failure;
use super::thumbnail::thumbnail;
use super::{JobKind, Opened, Session, Severity};
use crate::imaging::{InfoBarChoice, Micrograph, Plane, endings, open};
use crate::monitor::{Cancelled, Monitor};
use crate::network::is_model_file;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

/// How many files of one folder are opened.
const FOLDER_LIMIT: usize = 200;

/// One series, read so far that it can be listed.
pub(super) struct NewSeries {
    pub(super) micrograph: Micrograph,
    pub(super) thumbnail: (usize, usize, Arc<Vec<u8>>),
    /// The path it was asked for by, as a place in the request.
    pub(super) asked: usize,
}

/// What came of opening paths.
pub(super) struct OpenedFiles {
    request: OpenRequest,
    series: Vec<NewSeries>,
    notes: Vec<(Severity, String)>,
    /// The plane that will be shown, where it was read for the thumbnail.
    held: Option<Arc<Plane>>,
}

/// Paths to open; those from `newest` on are what the person asked for last.
#[derive(Clone)]
struct OpenRequest {
    paths: Vec<PathBuf>,
    newest: usize,
    remember: bool,
}

impl Session {
    /// Opens images and folders of images; a model file among them is chosen as the model.
    pub(super) fn open(&mut self, paths: Vec<PathBuf>) {
        self.run_when_ready = false;
        self.open_paths(paths, true);
    }

    /// The same, remembering the files among the recent ones or not.
    pub(super) fn open_paths(&mut self, paths: Vec<PathBuf>, remember: bool) {
        let (models, images): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| is_model_file(path));
        if let Some(model) = models.last() {
            let path = absolute(model).unwrap_or_else(|_| model.clone());
            self.choose_model(path.to_string_lossy().into_owned());
        }
        if images.is_empty() {
            return;
        }
        // What is still being opened is asked for again, so that no file gets lost when the newer job takes over.
        let newest = self.opening.len();
        self.opening.extend(images.iter().map(|path| absolute(path).unwrap_or_else(|_| path.clone())));
        let request = OpenRequest { paths: self.opening.clone(), newest, remember };
        tracing::debug!("opening {} files", request.paths.len());
        self.jobs.start(JobKind::Open, move |monitor| Ok(Answer::Opened(read(request, monitor)?)));
    }

    pub(super) fn take_opened(&mut self, answer: OpenedFiles) {
        self.opening.clear();
        let OpenedFiles { request, series, notes, held } = answer;
        for (severity, text) in notes {
            self.say(severity, text);
        }
        if series.is_empty() {
            self.run_when_ready = false;
            return;
        }
        if request.remember {
            for (place, path) in request.paths.iter().enumerate() {
                if series.iter().any(|new| new.asked == place) {
                    self.preferences.remember(path);
                }
            }
            self.save_preferences();
        }
        self.forget_series_gone(&series);
        let first = series.iter().position(|new| new.asked >= request.newest).unwrap_or(0);
        let mut show = None;
        for (place, new) in series.into_iter().enumerate() {
            let index = self.list(new);
            if place == first {
                show = Some(index);
            }
        }
        if let Some(index) = show {
            self.held = held;
            self.select(index);
        }
    }

    /// A file that is read again may have fewer series than before.
    fn forget_series_gone(&mut self, read: &[NewSeries]) {
        let gone = |opened: &Opened| {
            let path = opened.micrograph.path();
            path.is_some()
                && opened.micrograph.resampled_nm().is_none()
                && read.iter().any(|new| new.micrograph.path() == path)
                && !read.iter().any(|new| same_series(&new.micrograph, &opened.micrograph))
        };
        while let Some(index) = self.opened.iter().position(gone) {
            self.close(index);
        }
    }

    /// Puts a series in the list, in the place of what was read from the same file before.
    pub(super) fn list(&mut self, new: NewSeries) -> usize {
        let id = self.new_key();
        let mut opened = Opened::new(id, new.micrograph, new.thumbnail);
        let same = |seen: &Opened| same_series(&seen.micrograph, &opened.micrograph);
        if let Some(index) = self.opened.iter().position(same) {
            let before = &self.opened[index];
            opened.frame = before.frame.min(opened.micrograph.frames().saturating_sub(1));
            opened.channel = before.channel.min(opened.micrograph.channels().saturating_sub(1));
            opened.micrograph = opened.corrected_as(&before.micrograph);
            if opened.looks.len() == before.looks.len() {
                opened.composite = before.composite;
                opened.looks.clone_from(&before.looks);
            }
            self.opened[index] = opened;
            index
        } else {
            self.opened.push(opened);
            self.opened.len() - 1
        }
    }

    /// Takes a series off the list; its neighbour is shown in its place.
    pub(super) fn close(&mut self, index: usize) {
        if index >= self.opened.len() {
            return;
        }
        self.opened.remove(index);
        self.shown = self.shown.take().filter(|shown| shown.opened != index);
        if let Some(shown) = self.shown.as_mut().filter(|shown| shown.opened > index) {
            shown.opened -= 1;
        }
        match self.current {
            Some(current) if current > index => self.current = Some(current - 1),
            Some(current) if current == index => {
                self.current = None;
                self.jobs.cancel(JobKind::Plane);
                match self.opened.len() {
                    0 => {
                        self.measured = super::Measured::default();
                        self.describe_nodes();
                    }
                    left => self.select(index.min(left - 1)),
                }
            }
            _ => {}
        }
    }
}

fn same_series(one: &Micrograph, other: &Micrograph) -> bool {
    one.path().is_some()
        && one.path() == other.path()
        && one.series() == other.series()
        && one.resampled_nm() == other.resampled_nm()
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    endings.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Reads all paths; what fails leaves a note and hides nothing else.
fn read(request: OpenRequest, monitor: &Monitor) -> Result<OpenedFiles, Failure> {
    let mut answer = OpenedFiles { request, series: Vec::new(), notes: Vec::new(), held: None };
    let paths = answer.request.paths.clone();
    for (asked, path) in paths.iter().enumerate() {
        let part = monitor.part(asked, paths.len());
        if path.is_dir() {
            read_folder(path, asked, &mut answer, &part)?;
        } else {
            part.check()?;
            monitor.stage(&format!("Opening {}", name_of(path)));
            read_file(path, asked, &mut answer);
            part.progress(1, 1)?;
        }
    }
    Ok(answer)
}

fn read_folder(
    folder: &Path,
    asked: usize,
    answer: &mut OpenedFiles,
    monitor: &Monitor,
) -> Result<(), Cancelled> {
    let files = match images_in(folder) {
        Ok(files) if files.is_empty() => {
            let text = format!("No micrographs in this folder: {}", folder.display());
            answer.notes.push((Severity::Error, text));
            return Ok(());
        }
        Ok(files) => files,
        Err(error) => {
            answer.notes.push((Severity::Error, format!("{error}: {}", folder.display())));
            return Ok(());
        }
    };
    let wanted = files.len().min(FOLDER_LIMIT);
    let mut read = 0;
    for (index, file) in files[..wanted].iter().enumerate() {
        monitor.stage(&format!("Opening {}", name_of(file)));
        read += usize::from(read_file(file, asked, answer));
        monitor.progress(index + 1, wanted)?;
    }
    let text = if wanted < files.len() {
        let all = files.len();
        format!(
            "Opened the first {read} of {all} images; for all of them use polepiece segment: {}",
            folder.display()
        )
    } else {
        format!("Opened {read} of {wanted} images: {}", folder.display())
    };
    let severity = if read == files.len() { Severity::Info } else { Severity::Warning };
    answer.notes.push((severity, text));
    Ok(())
}

/// The image files of a folder itself, by name.
pub(super) fn images_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if endings().any(|(_, known)| has_ending(&path, known)) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// True when there is something to show of it.
fn read_file(path: &Path, asked: usize, answer: &mut OpenedFiles) -> bool {
    let all = match open(path) {
        Ok(all) => all,
        Err(error) => {
            answer.notes.push((Severity::Error, error.to_string()));
            return false;
        }
    };
    let before = answer.series.len();
    for micrograph in all {
        let micrograph = micrograph.choosing_info_bar(InfoBarChoice::Auto);
        let notes = micrograph
            .notes()
            .iter()
            .map(|note| (Severity::Warning, format!("{note}: {}", micrograph.name())));
        answer.notes.extend(notes);
        match thumbnail(&micrograph) {
            Ok((thumbnail, plane)) => {
                if answer.held.is_none() && asked >= answer.request.newest {
                    answer.held = Some(plane);
                }
                answer.series.push(NewSeries { micrograph, thumbnail, asked });
            }
            Err(error) => answer.notes.push((Severity::Error, error.to_string())),
        }
    }
    answer.series.len() > before
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{grey_png, session, texts};
    use super::*;

    #[test]
    fn a_bad_and_a_good_file_give_one_message_and_one_image() {
        let dir = tempfile::tempdir().unwrap();
        let bad = dir.path().join("bad.png");
        std::fs::write(&bad, "no picture").unwrap();
        let good = grey_png(dir.path(), "good.png", 8, 6);
        let mut session = session();
        session.apply(Command::Open(vec![bad, good.clone()]));
        assert_eq!(session.messages.len(), 1, "{:?}", texts(&session));
        assert_eq!(session.messages[0].severity, Severity::Error);
        assert!(session.messages[0].text.ends_with("bad.png"), "{:?}", texts(&session));
        assert_eq!((session.opened.len(), session.current), (1, Some(0)));
        assert_eq!(session.preferences.recent, [good]);
        let (width, height, rgb) = &session.opened[0].thumbnail;
        assert_eq!((*width, *height, rgb.len()), (8, 6, 8 * 6 * 3));
    }

    #[test]
    fn the_first_of_the_new_files_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["a.png", "b.png", "c.png"];
        let paths: Vec<_> = names.iter().map(|name| grey_png(dir.path(), name, 4, 4)).collect();
        let mut session = session();
        session.apply(Command::Open(vec![paths[0].clone()]));
        session.apply(Command::Open(vec![paths[1].clone(), paths[2].clone()]));
        assert_eq!((session.opened.len(), session.current), (3, Some(1)));
        assert_eq!(session.micrograph().unwrap().name(), "b.png");
    }

    #[test]
    fn opening_a_file_again_reads_it_again_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (grey_png(dir.path(), "1.png", 4, 4), grey_png(dir.path(), "2.png", 4, 4));
        let mut session = session();
        session.apply(Command::Open(vec![one, two.clone()]));
        let before = session.opened[1].id;
        grey_png(dir.path(), "2.png", 10, 5);
        session.apply(Command::Open(vec![two]));
        assert_eq!((session.opened.len(), session.current), (2, Some(1)));
        assert_ne!(session.opened[1].id, before);
        assert_eq!(session.shown.as_ref().unwrap().size(), [5, 10]);
    }

    #[test]
    fn a_folder_opens_its_images_and_says_how_many() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("notes.txt"), "hello").unwrap();
        std::fs::create_dir(dir.path().join("deeper.png")).unwrap();
        for name in ["b.png", "a.png"] {
            grey_png(dir.path(), name, 4, 4);
        }
        let mut session = session();
        session.apply(Command::Open(vec![dir.path().to_path_buf()]));
        let names: Vec<_> = session.opened.iter().map(|opened| opened.micrograph.name().to_owned()).collect();
        assert_eq!(names, ["a.png", "b.png"]);
        assert!(session.messages[0].text.starts_with("Opened 2 of 2 images"), "{:?}", texts(&session));
        assert_eq!(session.preferences.recent, [dir.path().to_path_buf()]);
    }

    #[test]
    fn a_folder_without_images_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        session.apply(Command::Open(vec![dir.path().to_path_buf()]));
        assert!(session.messages[0].text.starts_with("No micrographs"), "{:?}", texts(&session));
        assert!(session.opened.is_empty() && session.preferences.recent.is_empty());
    }

    #[test]
    fn closing_shows_the_neighbour_and_the_last_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["a.png", "b.png", "c.png"];
        let mut session = session();
        session.apply(Command::Open(names.iter().map(|name| grey_png(dir.path(), name, 4, 4)).collect()));
        session.apply(Command::Select(2));
        session.apply(Command::Close(0));
        assert_eq!((session.current, session.shown.as_ref().unwrap().opened), (Some(1), 1));
        session.apply(Command::Close(1));
        assert_eq!(session.micrograph().unwrap().name(), "b.png");
        assert_eq!(session.shown.as_ref().unwrap().opened, 0);
        session.apply(Command::Close(0));
        assert!(session.current.is_none() && session.shown.is_none());
    }
}
