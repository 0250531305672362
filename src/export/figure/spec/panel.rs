//! One panel of a figure, and its text.

use super::measured::{self, SideSpec};
use crate::analysis::{AttributionMethod, Method, Movement, Over, Polarity};
use std::fmt;
use std::str::FromStr;

/// One panel. As text: `source`, `prediction`, `classes`, `probability:CLASS`, `output:NAME`, `feature:NODE:K`,
/// `features:NODE:N` (the N of largest variance) or `features:NODE:K,K…`, `pinned:NODE:K,NODE:K…`, `effective:NODE:K` or
/// `effective:NODE:all`, both with `:Y,X` behind them for a place in the node's output, `baseline:METHOD:SIDE`,
/// `seams`, and with options `name=value,name=value` `difference:…`, `why:METHOD:CLASS,…`, `equivariance:…`, `seams:…`.
#[derive(Debug, Clone, PartialEq)]
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
    /// Features of any nodes, each with its own window.
    Pinned(Vec<(String, usize)>),
    /// The effective receptive field, over the micrograph.
    Effective {
        node: String,
        feature: Option<usize>,
        at: Option<[usize; 2]>,
    },
    /// Where two models, frames or nodes differ, A − B.
    Difference(Box<[SideSpec; 2]>),
    /// What a class's score hangs on, over the micrograph; the class by name or number.
    Why {
        method: AttributionMethod,
        class: String,
        over: Over,
    },
    /// Where the answer, or a node's feature maps, change when the image is moved.
    Equivariance {
        movement: Movement,
        node: Option<String>,
    },
    /// Where a run in tiles differs from one in shifted tiles, or from the whole.
    Seams {
        tile: Option<usize>,
        whole: bool,
    },
    /// What a classical method takes for foreground, over the micrograph.
    Baseline {
        method: Method,
        polarity: Polarity,
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
pub(in crate::export::figure) const MOST_FEATURES: usize = 400;

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
            Self::Pinned(pins) => write!(f, "pinned:{}", measured::pinned_text(pins)),
            Self::Difference(sides) => write!(f, "difference:{}", measured::difference_text(sides)),
            Self::Why { method, class, over } => {
                write!(f, "why:{}", measured::why_text(method, class, *over))
            }
            Self::Equivariance { movement, node } => {
                write!(f, "equivariance:{}", measured::moved_text(movement, node.as_deref()))
            }
            Self::Seams { tile: None, whole: false } => write!(f, "seams"),
            Self::Seams { tile, whole } => write!(f, "seams:{}", measured::seams_text(*tile, *whole)),
            Self::Baseline { method, polarity } => {
                write!(f, "baseline:{}", measured::classical_text(*method, *polarity))
            }
        }
    }
}

/// How to write a panel, for messages.
const FORMS: &str = "source, prediction, classes, probability:CLASS, output:NAME, feature:NODE:K, features:NODE:N, \
                     features:NODE:K,K, pinned:NODE:K,NODE:K, effective:NODE:K, difference:b-model=MODEL, \
                     why:METHOD:CLASS, equivariance:shift=Y,X, seams or baseline:METHOD:SIDE";

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
            "pinned" => measured::pinned(rest).ok_or_else(wrong),
            "difference" => measured::difference(rest).ok_or_else(wrong),
            "why" => measured::why(rest).ok_or_else(wrong),
            "equivariance" => measured::moved(rest).ok_or_else(wrong),
            "seams" => measured::seams(rest).ok_or_else(wrong),
            "baseline" => {
                let (method, polarity) = measured::classical(rest).ok_or_else(wrong)?;
                Ok(Self::Baseline { method, polarity })
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
    pub(in crate::export::figure) fn node(&self) -> Option<&str> {
        match self {
            Self::Feature { node, .. } | Self::Features { node, .. } => Some(node),
            _ => None,
        }
    }

    /// Whether it shows what the model says.
    pub(in crate::export::figure) fn wants_answer(&self) -> bool {
        matches!(self, Self::Prediction | Self::Classes | Self::Probability(_) | Self::Output(_))
    }

    /// Whether it cannot be without a model.
    #[must_use]
    pub fn wants_model(&self) -> bool {
        !matches!(self, Self::Source | Self::Baseline { .. })
    }

    /// Whether it is measured by a computation of its own, beside the answer and the feature maps.
    pub(in crate::export::figure) fn is_measured(&self) -> bool {
        matches!(
            self,
            Self::Pinned(_)
                | Self::Effective { .. }
                | Self::Difference(_)
                | Self::Why { .. }
                | Self::Equivariance { .. }
                | Self::Seams { .. }
                | Self::Baseline { .. }
        )
    }
}
