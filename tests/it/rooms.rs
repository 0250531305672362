//! The borders between the rooms, read from the source.

use std::fs;
use std::path::{Path, PathBuf};

/// What each room may use of the others, as ARCHITECTURE.md has it. The first row stands for everybody.
const MAY_USE: &[(&str, &[&str])] = &[
    ("monitor", &[]),
    ("files", &[]),
    ("imaging", &["monitor", "files"]),
    ("compute", &["monitor"]),
    ("network", &["compute", "monitor", "files"]),
    ("inspect", &["network", "imaging", "monitor"]),
    ("analysis", &["inspect", "network", "compute", "imaging", "monitor"]),
    ("synth", &["imaging", "files"]),
    ("training", &["analysis", "inspect", "network", "compute", "imaging", "synth", "monitor", "files"]),
    ("export", &["analysis", "inspect", "network", "imaging", "synth", "monitor", "files"]),
    (
        "session",
        &["analysis", "inspect", "network", "compute", "imaging", "training", "export", "monitor", "files"],
    ),
    ("gui", &["session", "analysis", "inspect", "network", "imaging", "export", "files"]),
    (
        "cli",
        &[
            "analysis", "inspect", "network", "compute", "imaging", "synth", "training", "export", "monitor",
            "files",
        ],
    ),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

/// Names of other rooms a source text mentions as `crate::ROOM`, outside comments.
fn rooms_used(text: &str) -> Vec<String> {
    let code: String =
        text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mentions = code.split("crate::").skip(1);
    mentions.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

#[test]
fn no_room_uses_one_it_may_not() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (room, allowed) in MAY_USE {
        let folder = src.join(room);
        let files = if folder.is_dir() { sources(&folder) } else { vec![src.join(format!("{room}.rs"))] };
        assert!(!files.is_empty(), "{room} is gone");
        for file in files {
            for used in rooms_used(&fs::read_to_string(&file).unwrap()) {
                let known = MAY_USE.iter().any(|(name, _)| *name == used);
                if known && used != *room && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{}: {room} uses {used}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_is_in_the_table() {
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for line in map.lines().filter_map(|line| line.strip_prefix("pub mod ")) {
        let room = line.trim_end_matches(';');
        assert!(MAY_USE.iter().any(|(name, _)| *name == room), "{room} has no row");
    }
}

#[test]
fn a_forbidden_use_would_be_seen() {
    assert_eq!(
        rooms_used("use crate::session::Session;\n// crate::gui\nfn f(x: crate::files::X) {}"),
        ["session", "files"]
    );
}

#[test]
fn every_source_says_its_purpose_first() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let silent: Vec<_> = sources(&src)
        .into_iter()
        .filter(|file| !fs::read_to_string(file).unwrap().starts_with("//! "))
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}
