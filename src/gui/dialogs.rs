//! The system's file dialogs, waited for without stopping the window.
use crate::export::Target;
use crate::imaging::endings;
use crate::session::MeasuredTable;
use eframe::egui;
use rfd::{AsyncFileDialog, FileHandle};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

type Pending = Pin<Box<dyn Future<Output = Vec<PathBuf>>>>;

/// Nobody answers a dialog sooner; the system had none to show.
const TOO_SOON: Duration = Duration::from_millis(250);

/// What a dialog was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Micrographs,
    Model,
    /// A label map of the shown image.
    Labels,
    /// A label scheme that says what a mask's values mean.
    Scheme,
    /// The name of a model file to write.
    SaveModel,
    ExportFolder,
    /// The name of a figure; its ending is the format.
    Figure,
    /// The name of an ONNX file.
    Onnx,
    /// The name of a copy; its ending is the format.
    Copy,
    Table(MeasuredTable),
    /// A health report; its ending is the format.
    Health,
}

/// How a dialog ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// No paths when it was closed without choosing.
    Chosen(Vec<PathBuf>),
    /// This system has no file dialog (on Linux neither a desktop portal nor zenity).
    NeverShown,
}

/// At most one dialog at a time.
#[derive(Default)]
pub(super) struct Dialogs {
    open: Option<(Purpose, Pending, Instant)>,
}

impl Dialogs {
    /// Opens a dialog, unless one is open; `beside` is the folder to begin in, or the file to suggest.
    pub(super) fn ask(&mut self, purpose: Purpose, beside: Option<&Path>) {
        if self.open.is_some() {
            return;
        }
        let mut dialog = AsyncFileDialog::new();
        let named = matches!(purpose, Purpose::Copy | Purpose::Figure | Purpose::SaveModel | Purpose::Onnx);
        let suggested = beside.filter(|_| named);
        if let Some(name) = suggested.and_then(Path::file_name) {
            dialog = dialog.set_file_name(name.to_string_lossy());
        }
        let folder = suggested.map_or(beside, Path::parent);
        if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
            dialog = dialog.set_directory(folder);
        }
        let pending = shown(dialog, purpose);
        self.open = Some((purpose, pending, Instant::now()));
    }

    /// What was chosen, once.
    pub(super) fn poll(&mut self, ctx: &egui::Context) -> Option<(Purpose, Ended)> {
        let (purpose, pending, asked) = self.open.as_mut()?;
        let waker = Waker::from(Arc::new(Repaint(ctx.clone())));
        let Poll::Ready(paths) = pending.as_mut().poll(&mut Context::from_waker(&waker)) else { return None };
        let shown = !paths.is_empty() || asked.elapsed() > TOO_SOON;
        let answer = (*purpose, if shown { Ended::Chosen(paths) } else { Ended::NeverShown });
        self.open = None;
        Some(answer)
    }
}

/// Shows the dialog that asks for it.
fn shown(dialog: AsyncFileDialog, purpose: Purpose) -> Pending {
    match purpose {
        Purpose::Micrographs => {
            let dialog = dialog.set_title("Open micrographs").add_filter("Micrographs", &endings_to_open());
            let files = dialog.add_filter("All files", &["*"]).pick_files();
            Box::pin(async { files.await.unwrap_or_default().iter().map(path).collect() })
        }
        Purpose::Model => one(dialog
            .set_title("Open a model")
            .add_filter("Models", &["safetensors", "onnx", "zip", "yaml"])
            .pick_file()),
        Purpose::Labels => {
            let dialog = dialog.set_title("Open a label map").add_filter("Micrographs", &endings_to_open());
            one(dialog.add_filter("All files", &["*"]).pick_file())
        }
        Purpose::Scheme => {
            let dialog = dialog.set_title("Open a label scheme").add_filter("Label schemes", &["toml"]);
            one(dialog.add_filter("All files", &["*"]).pick_file())
        }
        Purpose::SaveModel => {
            let file =
                dialog.set_title("Save the model as").add_filter("Models", &["safetensors"]).save_file();
            one(file)
        }
        Purpose::Copy => {
            // One filter for all formats, because the ending that is typed decides.
            let endings: Vec<&str> =
                Target::ALL.iter().flat_map(|target| target.endings()).copied().collect();
            one(dialog.set_title("Save a copy as").add_filter("Micrographs", &endings).save_file())
        }
        Purpose::Figure => {
            let dialog = dialog.set_title("Save the figure as");
            one(dialog.add_filter("Figures", &["png", "svg"]).save_file())
        }
        Purpose::Onnx => {
            let dialog = dialog.set_title("Export the model as ONNX");
            one(dialog.add_filter("ONNX", &["onnx"]).save_file())
        }
        Purpose::ExportFolder => one(dialog.set_title("Export into").pick_folder()),
        Purpose::Health => {
            let dialog = dialog.set_title("Save the health report").set_file_name("health.csv");
            one(dialog.add_filter("Tables", &["csv", "json"]).save_file())
        }
        Purpose::Table(table) => {
            let name = match table {
                MeasuredTable::Profile => "profile.csv",
                MeasuredTable::Statistics => "statistics.csv",
            };
            let dialog = dialog.set_title("Save as comma-separated values").set_file_name(name);
            one(dialog.add_filter("Tables", &["csv"]).save_file())
        }
    }
}

/// Endings of every format that can be opened, small and capital, because some dialogs tell them apart.
fn endings_to_open() -> Vec<String> {
    let small = endings().flat_map(|(_, endings)| endings).map(|&ending| ending.to_owned());
    small.flat_map(|ending| [ending.to_uppercase(), ending]).collect()
}

/// The paths of at most one file or folder.
fn one(chosen: impl Future<Output = Option<FileHandle>> + 'static) -> Pending {
    Box::pin(async { chosen.await.iter().map(path).collect() })
}

fn path(handle: &FileHandle) -> PathBuf {
    handle.path().to_path_buf()
}

/// Wakes the window when the dialog has answered.
struct Repaint(egui::Context);

impl Wake for Repaint {
    fn wake(self: Arc<Self>) {
        self.0.request_repaint();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    #[test]
    fn an_answer_is_given_once_when_it_is_there() {
        let ready = Rc::new(Cell::new(false));
        let asked = Rc::clone(&ready);
        let pending: Pending = Box::pin(std::future::poll_fn(move |_| {
            if asked.get() { Poll::Ready(vec![PathBuf::from("a.tif")]) } else { Poll::Pending }
        }));
        let mut dialogs = Dialogs { open: Some((Purpose::Micrographs, pending, Instant::now())) };
        let ctx = egui::Context::default();
        assert_eq!(dialogs.poll(&ctx), None);
        ready.set(true);
        assert_eq!(
            dialogs.poll(&ctx),
            Some((Purpose::Micrographs, Ended::Chosen(vec![PathBuf::from("a.tif")])))
        );
        assert_eq!(dialogs.poll(&ctx), None);
    }

    #[test]
    fn a_dialog_that_ends_at_once_without_a_choice_was_never_shown() {
        let ctx = egui::Context::default();
        for (asked, ended) in [
            (Instant::now(), Ended::NeverShown),
            (Instant::now().checked_sub(Duration::from_secs(3)).unwrap(), Ended::Chosen(Vec::new())),
        ] {
            let pending: Pending = Box::pin(std::future::ready(Vec::new()));
            let mut dialogs = Dialogs { open: Some((Purpose::Model, pending, asked)) };
            assert_eq!(dialogs.poll(&ctx), Some((Purpose::Model, ended)));
        }
    }
}
