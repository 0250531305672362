//! Panels of what is measured, drawn: in their colours, with a bar that says what they are.

use super::gather::FigureInput;
use super::measured::Measured;
use super::page::Picture;
use super::panel::{Bar, Panel, Place, Tile, rendered};
use super::seen::effective_panel;
use super::spec::{FigureSpec, PanelSpec};
use crate::analysis::{AttributionMethod, ClassicalMask, Comparison, Equivariance, Seams};
use crate::export::attribution::{heat_colour, over_picture};
use crate::export::{ExportError, difference_display};
use crate::imaging::Display;
use crate::inspect::{Attribution, FeatureMaps, feature_window, statistics};
use crate::network::ClassInfo;
use ndarray::{Array2, Axis};
use std::sync::Arc;

/// Opacity of the strongest evidence, as `polepiece attribute` and the window have it.
const EVIDENCE: f32 = 0.85;
/// Of a classical mask where no model names a class.
const MASK: [u8; 3] = [255, 170, 50];

/// The panel of something measured.
pub(super) fn drawn(
    (panel, measured): (&PanelSpec, &Measured),
    spec: &FigureSpec,
    input: &FigureInput<'_>,
    base: &Picture,
) -> Result<Panel, ExportError> {
    let on = Sheet { spec, input, base };
    match measured {
        Measured::Pinned(planes) => Ok(on.pinned(panel, planes)),
        Measured::Field(field) => {
            let pixel = input.micrograph.calibration().pixel();
            Ok(effective_panel(field, base, pixel.as_ref()))
        }
        Measured::Difference(names, found) => on.difference(names, found),
        Measured::Why(found) => on.why(panel, found),
        Measured::Equivariance(found) => on.moved(panel, found),
        Measured::Seams(found) => on.seams(panel, found),
        Measured::Mask(found) => Ok(on.mask(found)),
    }
}

/// What panels are drawn on and for.
struct Sheet<'a> {
    spec: &'a FigureSpec,
    input: &'a FigureInput<'a>,
    base: &'a Picture,
}

impl Sheet<'_> {
    /// Values in their colours; the page shows through where there are none.
    fn map(
        &self,
        title: String,
        values: &Array2<f32>,
        (display, words): (Display, &str),
        place: Place,
    ) -> Panel {
        let mut picture = rendered(values.view(), &display);
        let ground = self.spec.look.ground.colour();
        for (pixel, _) in picture.rgb.chunks_exact_mut(3).zip(values).filter(|(_, value)| value.is_nan()) {
            pixel.copy_from_slice(&ground);
        }
        Panel { bar: Some(Bar::of(&display, words)), ..Panel::picture(title, picture, place) }
    }

    fn pinned(&self, panel: &PanelSpec, planes: &[Arc<FeatureMaps>]) -> Panel {
        let PanelSpec::Pinned(pins) = panel else { return empty("Pinned features") };
        let map = self.spec.feature_colormap;
        let tile = |((node, feature), maps): (&(String, usize), &Arc<FeatureMaps>)| {
            let display = Display::new(feature_window(&statistics(maps), Some(0), map, false), map);
            let picture = Arc::new(rendered(maps.maps.index_axis(Axis(0), 0), &display));
            let place = Some(Place { origin: maps.origin, scale: maps.scale });
            let bar = Some(Bar::of(&display, &format!("{node} · {feature}")));
            Tile { picture, place, label: String::new(), bar }
        };
        let tiles: Vec<Tile> = pins.iter().zip(planes).map(tile).collect();
        let count = tiles.len();
        let title =
            if count == 1 { "1 pinned feature".to_owned() } else { format!("{count} pinned features") };
        Panel { title, tiles, ..empty("") }
    }

    fn difference(&self, [a, b]: &[String; 2], found: &Comparison) -> Result<Panel, ExportError> {
        let Some(map) = &found.difference else {
            return refuse(
                "Answers about the image as a whole differ nowhere in particular: there is no map",
            );
        };
        let share = found.classes.as_ref().and_then(|classes| classes.agreement);
        let same =
            share.map(|share| format!(": the same class in {:.1} %", 100.0 * share)).unwrap_or_default();
        let words = match (&found.values, &found.classes) {
            // Two masks.
            (None, Some(_)) => "red: A alone is foreground, blue: B alone",
            (Some(_), Some(_)) if !map.signed => "largest |A − B| of a class's probability",
            (Some(_), Some(_)) => "A − B, probability",
            _ if map.signed => "A − B",
            _ => "largest |A − B|",
        };
        let display = difference_display(map.values.view(), map.signed);
        let place = Place { origin: map.origin, scale: map.scale };
        Ok(self.map(format!("A: {a}, B: {b}{same}"), &map.values, (display, words), place))
    }

    fn why(&self, panel: &PanelSpec, found: &Attribution) -> Result<Panel, ExportError> {
        let (PanelSpec::Why { method, .. }, Some(map)) = (panel, &found.map) else {
            return refuse("An ablation is a table and no map");
        };
        let below =
            self.base.rgb.chunks_exact(3).map(|rgb| [0, 1, 2].map(|part: usize| f32::from(rgb[part])));
        let rgb = over_picture(map, self.input.micrograph, below, EVIDENCE);
        let picture = Picture { rgb, width: self.base.width, height: self.base.height };
        let (reach, signed) = (f64::from(map.reach()), map.is_signed());
        let part = |value: f64| if reach > 0.0 { (value / reach) as f32 } else { 0.0 };
        let low = if signed { -reach } else { 0.0 };
        let bar = Bar::between(low, reach, unit_of(method), |value| heat_colour(part(value), signed));
        let node = found.node.as_ref().map(|node| format!(" ({node})")).unwrap_or_default();
        let title = format!("Why {}: {}{node}", found.class_name, method.in_words());
        Ok(Panel { bar: Some(bar), ..Panel::picture(title, picture, Place::SOURCE) })
    }

    fn moved(&self, panel: &PanelSpec, found: &Equivariance) -> Result<Panel, ExportError> {
        let how = found.movement.words();
        // Of a network that resamples its input, places are on that.
        let source = [self.input.micrograph.specimen_rows().len(), self.input.micrograph.width()];
        let per_input = [0, 1].map(|axis| source[axis] as f64 / found.size[axis].max(1) as f64);
        if let PanelSpec::Equivariance { node: Some(node), .. } = panel {
            let of_node = found.nodes.iter().find(|one| one.node == *node);
            let Some(map) = of_node.and_then(|one| one.difference.as_ref()) else {
                return refuse(&format!("There is no map of how {node} follows"));
            };
            let on_source = |of: [f64; 2]| [0, 1].map(|axis| of[axis] * per_input[axis]);
            let place = Place { origin: on_source(map.origin), scale: on_source(map.scale) };
            let display = difference_display(map.values.view(), false);
            let words = "root mean square of the change, all features";
            return Ok(self.map(format!("{node}, {how}"), &map.values, (display, words), place));
        }
        let Some(answer) = found.answer.as_ref().filter(|answer| answer.of_image.is_none()) else {
            return refuse("An answer about the image as a whole changes nowhere in particular: name a node");
        };
        let words = if answer.probabilities { "largest change of a probability" } else { "largest change" };
        let display = difference_display(answer.change.view(), false);
        let place = Place { origin: [0.0; 2], scale: per_input };
        Ok(self.map(format!("Change, {how}"), &answer.change, (display, words), place))
    }

    fn seams(&self, panel: &PanelSpec, found: &Seams) -> Result<Panel, ExportError> {
        let whole = matches!(panel, PanelSpec::Seams { whole: true, .. });
        let check = if whole { found.against_whole.as_ref() } else { Some(&found.against_shifted) };
        let Some(check) = check else {
            return refuse("In one piece the image needs more memory than may be used: there is no map");
        };
        let against = if whole { "the whole image" } else { "tiles shifted by half" };
        let words = if found.probabilities { "largest change of a probability" } else { "largest change" };
        let display = difference_display(check.map.view(), false);
        let title = format!("Tiles of {} px against {against}", found.tile);
        Ok(self.map(title, &check.map, (display, words), Place::SOURCE))
    }

    /// In the colour of the model's second class.
    fn mask(&self, found: &ClassicalMask) -> Panel {
        let classes = self.input.model.map(|model| model.card.classes.as_slice());
        let colour = classes.and_then(|classes| classes.get(1)).map_or(MASK, |class| class.colour);
        let opacity = self.spec.paint.opacity.clamp(0.0, 1.0);
        let mut picture = self.base.clone();
        for (pixel, _) in picture.rgb.chunks_exact_mut(3).zip(&*found.mask).filter(|(_, label)| **label > 0) {
            for (part, over) in pixel.iter_mut().zip(colour) {
                let below = f32::from(*part);
                *part = (below + (f32::from(over) - below) * opacity).round() as u8;
            }
        }
        let side = found.polarity.name();
        let legend = vec![ClassInfo { name: format!("{side} side"), colour }];
        Panel { legend, ..Panel::picture(format!("{}, {side}", found.method.name()), picture, Place::SOURCE) }
    }
}

fn empty(title: &str) -> Panel {
    Panel { title: title.to_owned(), tiles: Vec::new(), bar: None, legend: Vec::new(), marks: Vec::new() }
}

fn refuse<T>(what: &str) -> Result<T, ExportError> {
    Err(ExportError::Unsupported(what.to_owned()))
}

/// What the numbers of a method's map are.
fn unit_of(method: &AttributionMethod) -> &'static str {
    match method {
        AttributionMethod::Gradient | AttributionMethod::SmoothGrad { .. } => {
            "size of ∂ logit / ∂ input pixel"
        }
        AttributionMethod::GradientInput => "gradient × input, in logits",
        AttributionMethod::Integrated { .. } => "share of the logit's rise",
        AttributionMethod::GradCam { .. } => "weighted sum of the node's maps",
        AttributionMethod::Occlusion { .. } => "fall of the logit where covered",
        AttributionMethod::Ablation { .. } => "",
    }
}
