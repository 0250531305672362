//! The window's Run and `polepiece segment` write identical bytes.

use std::fs;
use std::path::Path;

use polepiece::export::Format;
use polepiece::imaging::{Colormap, Contrast, InfoBarChoice, Percentiles, ScaleByHand, Tone};
use polepiece::session::{Command, ExportRequest, Preferences, Session, Threading};

use crate::common::{run_in, text, write_discs, write_discs_over_letters, write_segmenter};

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
    discs_the_same(&[], &[]);
}

#[test]
fn a_look_set_in_the_window_is_painted_by_the_command_line_too() {
    let tone = Tone { gamma: 0.7, logarithmic: true, inverted: true };
    discs_the_same(
        &[
            Command::SetContrast(Some(Contrast { low: 480.5, high: 3100.0 })),
            Command::SetTone(tone),
            Command::SetColormap(Colormap::Inferno),
        ],
        &["--contrast", "480.5,3100", "--gamma", "0.7", "--log", "--invert", "--colormap", "inferno"],
    );
    discs_the_same(
        &[
            Command::SetPercentiles(Percentiles { low: 2.0, high: 90.0 }),
            Command::SetColormap(Colormap::Signed),
        ],
        &["--percentiles", "2,90", "--colormap", "signed"],
    );
}

/// Of a plain image of discs.
fn discs_the_same(commands: &[Command], args: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().canonicalize().unwrap().join("discs.tif");
    write_discs(&image, 93, 141, Some(12.5));
    both_write_the_same(image.parent().unwrap(), &image, commands, args);
}

#[test]
fn they_do_so_with_an_info_bar_and_a_scale_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().canonicalize().unwrap().join("bar.tif");
    write_discs_over_letters(&image, 200, 240, 36);
    let scale: ScaleByHand = "500nm/183.5px".parse().unwrap();
    let found = both_write_the_same(image.parent().unwrap(), &image, &[], &[]);
    assert!(found.contains("\"rows\": 36") && found.contains("found in the picture"), "{found}");
    assert!(found.contains("--info-bar 36 --threads"), "{found}");
    let commands = [Command::SetInfoBar(InfoBarChoice::Rows(40)), Command::SetPixelSize(Some(scale))];
    let args = ["--info-bar", "40", "--pixel-size", "500nm/183.5px"];
    let set = both_write_the_same(image.parent().unwrap(), &image, &commands, &args);
    assert!(set.contains("set by hand: 500 nm along 183.5 px") && set.contains("\"rows\": 40"), "{set}");
    let none = [Command::SetInfoBar(InfoBarChoice::Rows(0))];
    let none = both_write_the_same(image.parent().unwrap(), &image, &none, &["--info-bar", "none"]);
    assert!(none.contains("--info-bar none"), "{none}");
}

/// Writes everything from both and gives the manifest.
fn both_write_the_same(dir: &Path, image: &Path, commands: &[Command], args: &[&str]) -> String {
    let (model, out) = (dir.join("net.safetensors"), dir.join("results"));
    write_segmenter(&model, 1);
    for folder in [&out, &dir.join("window")] {
        // There is none the first time.
        let _ = fs::remove_dir_all(folder);
    }
    let mut session = Session::new(Threading::AtOnce, Preferences::default(), false);
    session.apply(Command::Open(vec![image.to_path_buf()]));
    session.apply(Command::ChooseModel(text(&model).into()));
    for command in commands {
        session.apply(command.clone());
    }
    session.apply(Command::Run);
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
    let all = [&["segment", text(image), "--model", text(&model), "--out", text(&out)], args].concat();
    let ran = run_in(dir, &all);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let from_command_line = files(&out);
    for ((name, ours), (other_name, theirs)) in from_window.iter().zip(&from_command_line) {
        assert_eq!(name, other_name);
        assert!(ours == theirs, "{name} differs");
    }
    assert_eq!(from_window.len(), from_command_line.len());
    let manifest = from_window.into_iter().find(|(name, _)| name.ends_with("manifest.json"));
    String::from_utf8(manifest.unwrap().1).unwrap()
}
