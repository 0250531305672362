//! The window's Run and `polepiece segment` write identical bytes.

use std::fs;
use std::path::Path;

use polepiece::export::Format;
use polepiece::imaging::{Colormap, Contrast, Percentiles, Tone};
use polepiece::session::{Command, ExportRequest, Preferences, Session, Threading};

use crate::common::{run_in, text, write_discs, write_segmenter};

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn the_window_and_the_command_line_write_identical_bytes() {
    both_write_the_same(&[], &[]);
}

#[test]
fn a_look_set_in_the_window_is_painted_by_the_command_line_too() {
    let tone = Tone { gamma: 0.7, logarithmic: true, inverted: true };
    both_write_the_same(
        &[
            Command::SetContrast(Some(Contrast { low: 480.5, high: 3100.0 })),
            Command::SetTone(tone),
            Command::SetColormap(Colormap::Inferno),
        ],
        &["--contrast", "480.5,3100", "--gamma", "0.7", "--log", "--invert", "--colormap", "inferno"],
    );
    both_write_the_same(
        &[
            Command::SetPercentiles(Percentiles { low: 2.0, high: 90.0 }),
            Command::SetColormap(Colormap::Signed),
        ],
        &["--percentiles", "2,90", "--colormap", "signed"],
    );
}

/// Runs in the window what `looks` set, and on the command line what `words` say.
fn both_write_the_same(looks: &[Command], words: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    let (image, model, out) = (dir.join("discs.tif"), dir.join("net.safetensors"), dir.join("results"));
    write_discs(&image, 93, 141, Some(12.5));
    write_segmenter(&model, 1);

    let mut session = Session::new(Threading::AtOnce, Preferences::default(), false);
    session.apply(Command::Open(vec![image.clone()]));
    session.apply(Command::ChooseModel(text(&model).into()));
    session.apply(Command::Run);
    for look in looks {
        session.apply(look.clone());
    }
    session.apply(Command::Export(ExportRequest {
        dir: out.clone(),
        formats: Format::ALL.to_vec(),
        features: false,
    }));
    assert!(
        session.messages.iter().all(|m| m.severity != polepiece::session::Severity::Error),
        "{:?}",
        session.messages
    );
    let from_window = files(&out);
    assert_eq!(from_window.len(), 6, "five formats and the manifest");

    // The manifest names the command that made the results, so both go into the same folder, one after the other.
    fs::rename(&out, dir.join("window")).unwrap();
    let asked = ["segment", text(&image), "--model", text(&model), "--out", text(&out)];
    let ran = run_in(&dir, &[&asked, words].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let from_command_line = files(&out);
    for ((name, ours), (other_name, theirs)) in from_window.iter().zip(&from_command_line) {
        assert_eq!(name, other_name);
        assert!(ours == theirs, "{name} differs");
    }
    assert_eq!(from_window.len(), from_command_line.len());
}
