//! Panels of what is measured, as text: where two sights differ, why a class is named, what moving the image or cutting
//! it changes, and classical masks.

use super::options::{Options, joined, numbers};
use super::panel::PanelSpec;
use crate::analysis::{
    AttributionMethod, Baseline, Filling, Flip, Method, Movement, Over, Polarity, Region, Sight,
};

/// One of two that are compared; what is `None` is the figure's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideSpec {
    /// An installed model's name, or a path.
    pub model: Option<String>,
    pub frame: Option<usize>,
    pub sight: Sight,
}

const SIDES: [[&str; 5]; 2] = [
    ["a-model", "a-frame", "a-node", "a-feature", "a-baseline"],
    ["b-model", "b-frame", "b-node", "b-feature", "b-baseline"],
];

/// Of each side what is not the figure's own answer.
pub(super) fn difference(text: &str) -> Option<PanelSpec> {
    let (lead, options) = Options::read(text, &SIDES.concat())?;
    let [a, b] = SIDES.map(|names| side(&options, names));
    (lead.is_empty() && !options.is_empty()).then_some(PanelSpec::Difference(Box::new([a?, b?])))
}

fn side(options: &Options, [model, frame, node, feature, baseline]: [&str; 5]) -> Option<SideSpec> {
    let sight = match (options.text(node), options.maybe(feature).ok()?, options.text(baseline)) {
        (Some(node), Some(feature), None) => Sight::Feature { node: node.to_owned(), feature },
        (None, None, Some(baseline)) => {
            let (method, polarity) = classical(baseline)?;
            Sight::Classical { method, polarity }
        }
        (None, None, None) => Sight::Answer,
        _ => return None,
    };
    Some(SideSpec { model: options.text(model).map(str::to_owned), frame: options.maybe(frame).ok()?, sight })
}

pub(super) fn difference_text(sides: &[SideSpec; 2]) -> String {
    let said = sides.iter().zip(SIDES).flat_map(|(side, [model, frame, node, feature, baseline])| {
        let (of_node, of_baseline) = match &side.sight {
            Sight::Answer => (None, None),
            Sight::Feature { node, feature } => (Some((node.clone(), feature.to_string())), None),
            Sight::Classical { method, polarity } => (None, Some(classical_text(*method, *polarity))),
        };
        let (name, number) = of_node.unzip();
        [
            (model, side.model.clone()),
            (frame, side.frame.map(|frame| frame.to_string())),
            (node, name),
            (feature, number),
            (baseline, of_baseline),
        ]
    });
    joined(said)
}

/// `otsu:bright`.
pub(super) fn classical(text: &str) -> Option<(Method, Polarity)> {
    let (method, side) = text.split_once(':')?;
    Some((Method::named(method.trim())?, Polarity::named(side.trim())?))
}

pub(super) fn classical_text(method: Method, polarity: Polarity) -> String {
    format!("{}:{}", method.id(), polarity.name())
}

/// `a.conv1:3,b.conv:7`.
pub(super) fn pinned(text: &str) -> Option<PanelSpec> {
    let one = |text: &str| {
        let (node, feature) = text.rsplit_once(':').filter(|(node, _)| !node.is_empty())?;
        Some((node.to_owned(), feature.trim().parse().ok()?))
    };
    text.split(',').map(one).collect::<Option<Vec<_>>>().map(PanelSpec::Pinned)
}

pub(super) fn pinned_text(pins: &[(String, usize)]) -> String {
    pins.iter().map(|(node, feature)| format!("{node}:{feature}")).collect::<Vec<_>>().join(",")
}

const MOVED: [&str; 4] = ["shift", "rotate", "flip", "node"];

pub(super) fn moved(text: &str) -> Option<PanelSpec> {
    let (lead, options) = Options::read(text, &MOVED)?;
    let flip = match options.text("flip") {
        None => Flip::None,
        Some("x") => Flip::X,
        Some("y") => Flip::Y,
        Some(_) => return None,
    };
    let shift = options.numbers("shift").ok()?.unwrap_or_default();
    let movement = Movement { flip, degrees: options.value("rotate", 0.0)?, shift };
    let node = options.text("node").map(str::to_owned);
    (lead.is_empty() && !options.is_empty()).then_some(PanelSpec::Equivariance { movement, node })
}

pub(super) fn moved_text(movement: &Movement, node: Option<&str>) -> String {
    let Movement { flip, degrees, shift: [down, right] } = movement;
    let flip = match flip {
        Flip::None => None,
        Flip::X => Some("x".to_owned()),
        Flip::Y => Some("y".to_owned()),
    };
    let shift = (*down != 0 || *right != 0 || movement.is_still()).then(|| format!("{down},{right}"));
    let rotate = (*degrees != 0.0).then(|| degrees.to_string());
    joined([("shift", shift), ("rotate", rotate), ("flip", flip), ("node", node.map(str::to_owned))])
}

pub(super) fn seams(text: &str) -> Option<PanelSpec> {
    let (lead, options) = Options::read(text, &["tile", "against"])?;
    let whole = match options.text("against") {
        None | Some("shifted") => false,
        Some("whole") => true,
        Some(_) => return None,
    };
    let tile =
        options.maybe("tile").ok()?.map_or(Some(None), |tile: usize| (tile > 0).then_some(Some(tile)))?;
    lead.is_empty().then_some(PanelSpec::Seams { tile, whole })
}

pub(super) fn seams_text(tile: Option<usize>, whole: bool) -> String {
    joined([("tile", tile.map(|tile| tile.to_string())), ("against", whole.then(|| "whole".to_owned()))])
}

/// `grad-cam:particle,pixel=12,40`: the method's own options, and the places that the score is summed over.
pub(super) fn why(text: &str) -> Option<PanelSpec> {
    let (name, rest) = text.split_once(':')?;
    let own: &[&'static str] = match name {
        "gradient" | "gradient-input" => &[],
        "smooth-grad" => &["samples", "noise", "seed"],
        "integrated" => &["steps", "baseline", "sigma"],
        "grad-cam" => &["node"],
        "occlusion" => &["patch", "stride", "fill"],
        _ => return None,
    };
    let (class, options) = Options::read(rest, &[own, &["over", "pixel", "region"]].concat())?;
    let method = match name {
        "gradient" => AttributionMethod::Gradient,
        "gradient-input" => AttributionMethod::GradientInput,
        "smooth-grad" => AttributionMethod::SmoothGrad {
            samples: options.value("samples", 25)?,
            noise: options.value("noise", 0.15)?,
            seed: options.value("seed", 0)?,
        },
        "integrated" => AttributionMethod::Integrated {
            steps: options.value("steps", 50)?,
            baseline: match options.text("baseline") {
                None | Some("zero") => Baseline::Zero,
                Some("black") => Baseline::Black,
                Some("blurred") => Baseline::Blurred(options.value("sigma", 10.0)?),
                Some(_) => return None,
            },
        },
        "grad-cam" => AttributionMethod::GradCam { node: options.text("node").map(str::to_owned) },
        _ => {
            let patch = options.value("patch", 32)?;
            let fill = match options.text("fill") {
                None | Some("mean") => Filling::Mean,
                Some("zero") => Filling::Zero,
                Some(_) => return None,
            };
            AttributionMethod::Occlusion { patch, stride: options.value("stride", (patch / 2).max(1))?, fill }
        }
    };
    let class = class.trim().to_owned();
    (!class.is_empty()).then_some(PanelSpec::Why { method, class, over: over(&options)? })
}

/// The rectangle, the pixel, what is predicted as the class, or all.
fn over(options: &Options) -> Option<Over> {
    match (options.text("region"), options.text("pixel"), options.text("over")) {
        (None, None, None | Some("whole")) => Some(Over::Whole),
        (None, None, Some("predicted")) => Some(Over::Predicted),
        (None, Some(pixel), None) => numbers(pixel).map(Over::Pixel),
        (Some(region), None, None) => {
            let [x, y, width, height] = numbers(region)?;
            Some(Over::Rectangle(Region { x, y, width, height }))
        }
        _ => None,
    }
}

pub(super) fn why_text(method: &AttributionMethod, class: &str, over: Over) -> String {
    let said = |value: &dyn ToString| Some(value.to_string());
    let own = match method {
        AttributionMethod::SmoothGrad { samples, noise, seed } => {
            vec![("samples", said(samples)), ("noise", said(noise)), ("seed", said(seed))]
        }
        AttributionMethod::Integrated { steps, baseline } => {
            let (name, sigma) = match baseline {
                Baseline::Zero => ("zero", None),
                Baseline::Black => ("black", None),
                Baseline::Blurred(sigma) => ("blurred", said(sigma)),
            };
            vec![("steps", said(steps)), ("baseline", said(&name)), ("sigma", sigma)]
        }
        AttributionMethod::GradCam { node } => vec![("node", node.clone())],
        AttributionMethod::Occlusion { patch, stride, fill } => {
            let zero = *fill == Filling::Zero;
            let fill = zero.then(|| "zero".to_owned());
            vec![("patch", said(patch)), ("stride", said(stride)), ("fill", fill)]
        }
        AttributionMethod::Gradient
        | AttributionMethod::GradientInput
        | AttributionMethod::Ablation { .. } => Vec::new(),
    };
    let place = match over {
        Over::Whole => None,
        Over::Predicted => Some(("over", said(&"predicted"))),
        Over::Pixel([y, x]) => Some(("pixel", Some(format!("{y},{x}")))),
        Over::Rectangle(Region { x, y, width, height }) => {
            Some(("region", Some(format!("{x},{y},{width},{height}"))))
        }
    };
    let options = joined(own.into_iter().chain(place));
    let comma = if options.is_empty() { "" } else { "," };
    format!("{}:{class}{comma}{options}", method.name())
}
