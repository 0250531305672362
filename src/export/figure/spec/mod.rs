//! What a figure is to show, in words that the command line and the window share.

mod measured;
mod options;
mod panel;

pub use measured::SideSpec;
pub use panel::{PanelSpec, Which};

pub(super) use panel::MOST_FEATURES;

use super::panel::{FigureLook, Ground, ScaleBars};
use crate::export::Paint;
use crate::imaging::Colormap;

/// Everything that decides a figure, besides micrograph, model and settings of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureSpec {
    pub panels: Vec<PanelSpec>,
    /// Words in place of a panel's own title, in the panels' order; those that are empty or missing leave it.
    pub captions: Vec<String>,
    pub look: FigureLook,
    /// How the micrograph is shown, and how much of the classes over it.
    pub paint: Paint,
    /// The channel that is shown; `None`: a colour picture in its colours, else the first.
    pub channel: Option<usize>,
    pub feature_colormap: Colormap,
    /// One window of brightness for all features of a node.
    pub shared_contrast: bool,
    /// Left, top, width and height in source pixels.
    pub crop: Option<[usize; 4]>,
    /// A pixel `[y, x]` of the source that is marked in every panel.
    pub cursor: Option<[usize; 2]>,
    /// Draws on the source what the features of this node see at the cursor.
    pub field: Option<String>,
}

impl Default for FigureSpec {
    fn default() -> Self {
        Self {
            panels: Vec::new(),
            captions: Vec::new(),
            look: FigureLook::default(),
            paint: Paint::default(),
            channel: None,
            feature_colormap: Colormap::Viridis,
            shared_contrast: false,
            crop: None,
            cursor: None,
            field: None,
        }
    }
}

/// The words that set a look apart from the usual one, as the command line takes them.
pub(super) fn look_words(look: &FigureLook) -> Vec<String> {
    let mut words = Vec::new();
    let mut say = |flag: &str, value: String| words.extend([flag.to_owned(), value]);
    say("--columns", look.columns.to_string());
    say("--width-mm", look.width_mm.to_string());
    say("--dpi", look.dpi.to_string());
    let usual = FigureLook::default();
    if look.font_pt != usual.font_pt {
        say("--font-pt", look.font_pt.to_string());
    }
    if look.gap_mm != usual.gap_mm {
        say("--gap-mm", look.gap_mm.to_string());
    }
    match look.scale_bars {
        ScaleBars::First => {}
        ScaleBars::All => say("--scale-bars", "all".to_owned()),
        ScaleBars::None => say("--scale-bars", "none".to_owned()),
    }
    let switches = [
        ("--letters", look.letters),
        ("--no-titles", !look.titles),
        ("--black", look.ground == Ground::Black),
    ];
    words.extend(switches.into_iter().filter(|(_, on)| *on).map(|(flag, _)| flag.to_owned()));
    words
}

#[cfg(test)]
mod tests;
