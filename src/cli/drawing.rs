//! `polepiece describe MODEL --drawing FILE.svg`: the network drawn by resolution, as the window draws it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;

use crate::export::write_drawing;
use crate::network::{Drawing, Graph, NodeCost, Outline};

use super::terminal::say;

#[derive(Debug, Args)]
#[command(next_help_heading = "The drawing")]
pub struct DrawingArgs {
    /// Write the network drawn, one row of boxes a resolution, as a vector picture
    #[arg(long, value_name = "FILE.svg")]
    pub drawing: Option<PathBuf>,
    /// Fold groups to one box each: all, none, or those within N others (default: as many as a large network needs)
    #[arg(long, value_name = "N|all|none", value_parser = parse_fold, requires = "drawing")]
    pub fold: Option<Fold>,
}

/// Which groups become one box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    None,
    /// Those that lie within so many others, or deeper.
    Within(usize),
}

fn parse_fold(text: &str) -> Result<Fold, String> {
    match text {
        "all" => Ok(Fold::Within(0)),
        "none" => Ok(Fold::None),
        number => {
            let depth =
                number.parse().map_err(|_| "expected all, none, or how many groups stay open around")?;
            Ok(Fold::Within(depth))
        }
    }
}

/// Draws a network and says where.
pub(super) fn write(
    args: &DrawingArgs,
    graph: &Graph,
    nodes: &[NodeCost],
    title: &str,
) -> anyhow::Result<()> {
    let Some(path) = &args.drawing else { return Ok(()) };
    if !is_svg(path) {
        bail!("A drawing is written as .svg: {}", path.display());
    }
    let outline = Outline::of(nodes);
    let folded: BTreeSet<String> = match args.fold {
        Some(Fold::None) => BTreeSet::new(),
        Some(Fold::Within(depth)) => outline.groups_within(depth),
        None => outline.folded_at_first(nodes.len()),
    };
    let drawing = Drawing::of_outline(graph, nodes, &outline, &|group| folded.contains(&group.prefix));
    write_drawing(&drawing, nodes, title, path)?;
    say(&path.display().to_string());
    Ok(())
}

fn is_svg(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("svg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_read() {
        assert_eq!(parse_fold("all"), Ok(Fold::Within(0)));
        assert_eq!(parse_fold("none"), Ok(Fold::None));
        assert_eq!(parse_fold("2"), Ok(Fold::Within(2)));
        assert!(parse_fold("-1").is_err() && parse_fold("some").is_err());
    }
}
