//! Lines on the terminal, progress bars, Ctrl-C, and exit codes.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::monitor::{Monitor, Watch};

/// How a command that could run ended: the failures it met, each already printed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) struct Finished {
    pub(super) failures: usize,
}

/// What a command comes back with; the error is why it could not run.
pub(super) type Outcome = anyhow::Result<Finished>;

/// 0 done, 1 finished with failures, 2 could not run.
pub(super) fn exit_code(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(Finished { failures: 0 }) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            complain(&one_line(&error));
            ExitCode::from(2)
        }
    }
}

/// An error and its causes in one line. The rooms' messages quote their cause already; it is not said twice.
pub(super) fn one_line(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |line, cause| match line {
        line if line.is_empty() => cause,
        line if line.contains(&cause) => line,
        line => format!("{line}: {cause}"),
    })
}

/// One line of result on standard output. A reader that went away (`| head`) ends the program quietly.
pub(super) fn say(line: &str) {
    if writeln!(io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}

/// One JSON object as a line on standard output.
pub(super) fn say_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    say(&serde_json::to_string(value)?);
    Ok(())
}

/// One line of message on standard error.
pub(super) fn complain(line: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "polepiece: {line}");
}

/// Runs `work` with a progress bar on a terminal (none in a pipe); Ctrl-C asks it to stop.
pub(super) fn with_progress<T>(label: &str, work: impl FnOnce(&Monitor) -> T) -> T {
    let bar = if io::stderr().is_terminal() { progress_bar(label) } else { ProgressBar::hidden() };
    let told = bar.clone();
    let (watch, monitor) = Monitor::reporting_to(move |fraction, stage| {
        told.set_position((fraction * 1000.0) as u64);
        told.set_message(stage.to_owned());
    });
    stop_on_interrupt(Some(watch));
    let done = work(&monitor);
    bar.finish_and_clear();
    stop_on_interrupt(None);
    done
}

fn progress_bar(label: &str) -> ProgressBar {
    let bar = ProgressBar::new(1000).with_prefix(label.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {percent:>3} %  {eta} left  {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Keeps the watch over the work under way where the signal handler finds it. A second Ctrl-C ends the program.
fn stop_on_interrupt(watch: Option<Watch>) {
    static WATCH: OnceLock<Mutex<Option<Watch>>> = OnceLock::new();
    let mut installed = false;
    let slot = WATCH.get_or_init(|| {
        installed = true;
        Mutex::default()
    });
    if let Ok(mut kept) = slot.lock() {
        *kept = watch;
    }
    if installed {
        let interrupted = move || match WATCH.get().and_then(|slot| slot.lock().ok()).as_deref() {
            Some(Some(watch)) if !watch.is_cancelled() => watch.cancel(),
            _ => std::process::exit(130),
        };
        if let Err(error) = ctrlc::set_handler(interrupted) {
            tracing::debug!("Ctrl-C will end the program at once: {error}");
        }
    }
}

/// Rows as aligned columns; the first row is the heading, numbers go to the right.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width_of =
        |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width_of).collect();
    let is_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '–');
    let right: Vec<bool> =
        (0..columns).map(|c| rows.get(1).and_then(|r| r.get(c)).is_some_and(|t| is_number(t))).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(c, text)| {
            let pad = " ".repeat(widths[c].saturating_sub(text.chars().count()));
            if right[c] { format!("{pad}{text}") } else { format!("{text}{pad}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// 1234567 as "1,234,567".
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn numbers_stand_right_and_names_left() {
        let rows = [["node", "shape"], ["in", "12"], ["conv", "7"]].map(|r| r.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "node  shape\nin       12\nconv      7");
    }

    #[test]
    fn a_cause_is_said_once() {
        let cause = std::io::Error::other("disk full");
        let error = anyhow::Error::new(cause).context("disk full: mask.tif").context("frame 3");
        assert_eq!(one_line(&error), "frame 3: disk full: mask.tif");
    }

    #[test]
    fn work_reports_and_gives_its_value() {
        assert_eq!(with_progress("test", |m| m.progress(1, 2).map(|()| 7)), Ok(7));
    }
}
