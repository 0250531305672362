//! `polepiece formats`: what can be read and written.

use serde::Serialize;

use crate::export::Target;
use crate::imaging;

use super::args::FormatsArgs;
use super::terminal::{Finished, Outcome, say, say_json, table};

/// One format, as `--json` prints it.
#[derive(Serialize)]
struct Entry {
    format: &'static str,
    endings: &'static [&'static str],
    read: bool,
    /// What `convert --to` calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    write: Option<&'static str>,
}

pub(super) fn run(args: &FormatsArgs) -> Outcome {
    let read = imaging::endings().map(|(format, endings)| Entry { format, endings, read: true, write: None });
    let written = Target::ALL.into_iter().map(|target| Entry {
        format: target.title(),
        endings: target.endings(),
        read: false,
        write: Some(target.name()),
    });
    if args.json {
        for entry in read.chain(written) {
            say_json(&entry)?;
        }
        return Ok(Finished::default());
    }
    let row = |entry: Entry| {
        let endings: Vec<String> = entry.endings.iter().map(|ending| format!(".{ending}")).collect();
        vec![entry.format.to_owned(), endings.join(" "), entry.write.unwrap_or_default().to_owned()]
    };
    let heading = |first: &str, last: &str| vec![first.to_owned(), "endings".to_owned(), last.to_owned()];
    let read: Vec<_> = [heading("read", "")].into_iter().chain(read.map(row)).collect();
    let written: Vec<_> = [heading("written", "convert --to")].into_iter().chain(written.map(row)).collect();
    say(&table(&read));
    say("");
    say(&table(&written));
    say("");
    say("A file is told by its content; its ending does not matter.");
    Ok(Finished::default())
}
