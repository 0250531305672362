//! What a figure is to show, in words that the command line and the window share.

use super::panel::{FigureLook, Ground, ScaleBars};
use crate::export::Paint;
use crate::imaging::Colormap;
use std::fmt;
use std::str::FromStr;

/// One panel. As text: `source`, `prediction`, `classes`, `probability:CLASS`, `output:NAME`, `feature:NODE:K`,
/// `features:NODE:N` (the N of largest variance) or `features:NODE:K,K…`, `effective:NODE:K` or `effective:NODE:all`,
/// both with `:Y,X` behind them for a place in the node's output.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PanelSpec {
    /// The micrograph.
    Source,
    /// The micrograph with the class colours over it.
    Prediction,
    /// The class colours alone.
    Classes,
    /// Of a class, by name or number.
    Probability(String),
    /// Of a regressor, by name or number.
    Output(String),
    Feature {
        node: String,
        feature: usize,
    },
    Features {
        node: String,
        which: Which,
    },
    /// The effective receptive field, over the micrograph.
    Effective {
        node: String,
        feature: Option<usize>,
        at: Option<[usize; 2]>,
    },
}

/// Which of a node's features.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Which {
    /// So many of the largest variance.
    Most(usize),
    These(Vec<usize>),
}

/// Most features of one panel.
pub(super) const MOST_FEATURES: usize = 400;

impl fmt::Display for PanelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source => write!(f, "source"),
            Self::Prediction => write!(f, "prediction"),
            Self::Classes => write!(f, "classes"),
            Self::Probability(class) => write!(f, "probability:{class}"),
            Self::Output(name) => write!(f, "output:{name}"),
            Self::Feature { node, feature } => write!(f, "feature:{node}:{feature}"),
            Self::Features { node, which: Which::Most(count) } => write!(f, "features:{node}:{count}"),
            Self::Features { node, which: Which::These(features) } => {
                let features: Vec<String> = features.iter().map(usize::to_string).collect();
                // One feature alone still has its comma: without it the number would be a count.
                let end = if features.len() == 1 { "," } else { "" };
                write!(f, "features:{node}:{}{end}", features.join(","))
            }
            Self::Effective { node, feature, at } => {
                let feature = feature.map_or("all".to_owned(), |feature| feature.to_string());
                write!(f, "effective:{node}:{feature}")?;
                at.map_or(Ok(()), |[y, x]| write!(f, ":{y},{x}"))
            }
        }
    }
}

/// How to write a panel, for messages.
const FORMS: &str = "source, prediction, classes, probability:CLASS, output:NAME, feature:NODE:K, features:NODE:N, \
                     features:NODE:K,K or effective:NODE:K";

impl FromStr for PanelSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let wrong = || format!("{text} is no panel: write {FORMS}");
        let some = |rest: &str| (!rest.is_empty()).then(|| rest.to_owned()).ok_or_else(wrong);
        let of_node = |rest: &str| -> Result<(String, String), String> {
            let (node, last) = rest.rsplit_once(':').ok_or_else(wrong)?;
            Ok((some(node)?, some(last)?))
        };
        match kind {
            "source" if rest.is_empty() => Ok(Self::Source),
            "prediction" if rest.is_empty() => Ok(Self::Prediction),
            "classes" if rest.is_empty() => Ok(Self::Classes),
            "probability" => Ok(Self::Probability(some(rest)?)),
            "output" => Ok(Self::Output(some(rest)?)),
            "feature" => {
                let (node, feature) = of_node(rest)?;
                Ok(Self::Feature { node, feature: feature.parse().map_err(|_| wrong())? })
            }
            "features" => {
                let (node, which) = of_node(rest)?;
                Ok(Self::Features { node, which: which_of(&which).ok_or_else(wrong)? })
            }
            "effective" => {
                let at = rest.rsplit_once(':').and_then(|(before, last)| Some((before, place(last)?)));
                let (before, at) = at.map_or((rest, None), |(before, at)| (before, Some(at)));
                let (node, feature) = of_node(before)?;
                let feature = match feature.as_str() {
                    "all" => None,
                    number => Some(number.parse().map_err(|_| wrong())?),
                };
                Ok(Self::Effective { node, feature, at })
            }
            _ => Err(wrong()),
        }
    }
}

fn which_of(text: &str) -> Option<Which> {
    if !text.contains(',') {
        return text.parse().ok().filter(|count| (1..=MOST_FEATURES).contains(count)).map(Which::Most);
    }
    let numbers: Option<Vec<usize>> =
        text.split(',').filter(|part| !part.is_empty()).map(|part| part.trim().parse().ok()).collect();
    numbers.filter(|all| (1..=MOST_FEATURES).contains(&all.len())).map(Which::These)
}

fn place(text: &str) -> Option<[usize; 2]> {
    let (y, x) = text.split_once(',')?;
    Some([y.trim().parse().ok()?, x.trim().parse().ok()?])
}

impl PanelSpec {
    /// The node whose feature maps it shows.
    pub(super) fn node(&self) -> Option<&str> {
        match self {
            Self::Feature { node, .. } | Self::Features { node, .. } => Some(node),
            _ => None,
        }
    }

    /// Whether it shows what the model says.
    pub(super) fn wants_answer(&self) -> bool {
        matches!(self, Self::Prediction | Self::Classes | Self::Probability(_) | Self::Output(_))
    }

    /// Whether it cannot be without a model.
    #[must_use]
    pub fn wants_model(&self) -> bool {
        *self != Self::Source
    }
}

/// Everything that decides a figure, besides micrograph, model and settings of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureSpec {
    pub panels: Vec<PanelSpec>,
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
mod tests {
    use super::*;

    #[test]
    fn panels_are_written_as_they_are_read() {
        for text in [
            "source",
            "prediction",
            "classes",
            "probability:grain boundary",
            "output:2",
            "feature:dec2.conv1:17",
            "feature:a:b/conv:0",
            "features:enc1.conv2:8",
            "features:enc1.conv2:3,1,4",
            "features:enc1.conv2:3,",
            "effective:mid.conv1:7",
            "effective:mid.conv1:all",
            "effective:a:b:7:12,40",
        ] {
            let spec: PanelSpec = text.parse().unwrap();
            assert_eq!(spec.to_string(), text);
        }
        let named: PanelSpec = "effective:a:b:7:12,40".parse().unwrap();
        let expected = PanelSpec::Effective { node: "a:b".into(), feature: Some(7), at: Some([12, 40]) };
        assert_eq!(named, expected);
        assert_eq!(
            "features:n:8".parse(),
            Ok(PanelSpec::Features { node: "n".into(), which: Which::Most(8) })
        );
    }

    #[test]
    fn what_is_no_panel_is_refused_with_what_could_be_written() {
        for text in [
            "",
            "sources",
            "source:1",
            "probability:",
            "feature:conv",
            "feature:conv:x",
            "feature::1",
            "features:conv:0",
            "features:conv:999",
            "features:conv:1,x",
            "effective:conv",
            "effective:conv:x",
        ] {
            let error = text.parse::<PanelSpec>().unwrap_err();
            assert!(error.starts_with(text) && error.contains("feature:NODE:K"), "{error}");
        }
    }
}
