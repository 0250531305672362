//! `polepiece describe --list`: the architectures that can be built, and the choices each leaves open.

use anyhow::Context as _;
use serde::Serialize;

use crate::network::architectures::{About, Architecture, ArchitectureSpec};

use super::args::DescribeArgs;
use super::terminal::{Finished, Outcome, say, say_json};

/// As `--json` prints it.
#[derive(Serialize)]
struct Entry {
    #[serde(flatten)]
    about: About,
    /// The choices, with their defaults.
    choices: ArchitectureSpec,
}

pub(super) fn list(json: bool) -> Outcome {
    for architecture in Architecture::ALL {
        let (about, choices) = (architecture.about(), architecture.defaults());
        if json {
            say_json(&Entry { about, choices })?;
            continue;
        }
        say(&format!("{}: {}, {}", about.name, about.title, about.purpose));
        let [channels, height, width] = about.input;
        let published = format!("{channels}×{height}×{width}, {} classes", about.classes);
        say(&format!("    {}; {published}", about.paper));
        let made = made(&choices)?;
        if !made.is_empty() {
            say(&format!("    {made}"));
        }
    }
    Ok(Finished::default())
}

/// The choices as flags with their defaults: "--width 1.0 --batch-norm false".
fn made(spec: &ArchitectureSpec) -> anyhow::Result<String> {
    let value = serde_json::to_value(spec)?;
    let keys = value.as_object().context("A spec is a table")?;
    let flags = keys.iter().filter(|(key, _)| *key != "architecture").map(|(key, value)| {
        let value = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Array(list) if list.is_empty() => "none".to_owned(),
            other => other.to_string(),
        };
        format!("--{} {value}", key.replace('_', "-"))
    });
    Ok(flags.collect::<Vec<_>>().join(" "))
}

/// The architecture as the flags ask for it, with the size that it is shown with.
pub(super) fn chosen(
    architecture: Architecture,
    args: &DescribeArgs,
) -> anyhow::Result<(ArchitectureSpec, [usize; 3])> {
    let about = architecture.about();
    let spec = args.choices.spec(architecture)?;
    let in_channels = args.in_channels.or(args.input.map(|[channels, _, _]| channels));
    let in_channels = in_channels.unwrap_or(about.input[0]);
    let [_, height, width] = about.input;
    let input = args.input.unwrap_or([in_channels, height, width]);
    let spec = ArchitectureSpec {
        in_channels,
        classes: args.classes.unwrap_or(about.classes),
        image: Some([input[1], input[2]]),
        ..spec
    };
    Ok((spec, input))
}
