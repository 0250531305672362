//! The command line: what the window can do, for scripts and clusters.
//!
//! Raw arguments become validated ones once ([`args`]); each command is a file. Results go to standard output, one
//! JSON object a line with `--json`; messages and progress go to standard error. Exit codes: 0 done, 1 finished with
//! failures (each named, none hides the others), 2 could not run.

mod architectures;
mod args;
mod attribute;
mod bench;
mod by_hand;
mod classify;
mod compare;
mod context;
mod convert;
mod describe;
mod drawing;
mod effective;
mod evaluate;
mod export;
mod features;
mod figure;
mod formats;
mod headless;
mod import;
mod info;
mod measure;
mod models;
mod regress;
mod report;
mod run_array;
mod segment;
mod spent;
mod synth;
mod terminal;
mod train;
mod values;

use std::process::ExitCode;

pub use args::{Command, Face, WindowArgs, parse};
pub use headless::{display_is_there, without_window};

/// Says in one line why the program cannot do what was asked for.
#[must_use]
pub fn refused(reason: &str) -> ExitCode {
    terminal::complain(reason);
    ExitCode::from(2)
}

/// Carries out one command and gives its exit code.
#[must_use]
pub fn run(command: Command) -> ExitCode {
    let outcome = match command {
        Command::Info(args) => info::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Formats(args) => formats::run(&args),
        Command::Segment(args) => segment::run(&args),
        Command::Classify(args) => classify::run(&args),
        Command::Regress(args) => regress::run(&args),
        Command::Features(args) => features::run(&args),
        Command::Attribute(args) => attribute::run(&args),
        Command::Figure(args) => figure::run(&args),
        Command::Run(args) => run_array::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Describe(args) => describe::run(&args),
        Command::Models(args) => models::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Profile(args) => measure::run_profile(&args),
        Command::Stats(args) => measure::run_stats(&args),
        Command::Synth(args) => synth::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    terminal::exit_code(outcome)
}
