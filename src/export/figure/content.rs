//! Computes a figure: each panel that was asked for, by the same functions as everything else.

use super::drawn::drawn;
use super::gather::{Base, FigureInput, base};
use super::measured::measured;
use super::page::Picture;
use super::panel::{Bar, Figure, Mark, Panel, Place, Tile, rendered};
use super::seen::seen_mark;
use super::spec::{FigureSpec, MOST_FEATURES, PanelSpec, Which};
use crate::analysis::{Prediction, Regression, Segmentation};
use crate::export::ExportError;
use crate::imaging::{Colormap, Contrast, Display};
use crate::inspect::{FeatureMaps, FeatureOrder, feature_window, ordered, statistics};
use crate::monitor::Monitor;
use crate::network::ClassInfo;
use ndarray::{Array2, Axis};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Computes everything that a figure shows. Nodes are looked at one after another, so that only one node's feature maps
/// are in memory.
///
/// # Errors
/// [`ExportError::Unsupported`] for what the micrograph or the model does not have, and those of reading and running.
pub fn figure(spec: &FigureSpec, input: &FigureInput<'_>, monitor: &Monitor) -> Result<Figure, ExportError> {
    check(spec, input)?;
    let base = base(spec, input)?;
    let nodes: Vec<&str> =
        spec.panels.iter().filter_map(PanelSpec::node).chain(spec.field.as_deref()).collect();
    let wants_answer = spec.panels.iter().any(PanelSpec::wants_answer);
    let mut work = Work { spec, input, base, answer: None, panels: BTreeMap::new(), mark: None };
    let of_their_own = spec.panels.iter().filter(|panel| panel.is_measured()).count();
    let steps = usize::from(wants_answer) + nodes.len() + of_their_own + 1;
    let mut step = 0;
    if wants_answer {
        work.answer = Some(input.answer(&monitor.part(step, steps))?);
        step += 1;
    }
    for (place, node) in nodes.iter().enumerate() {
        if !nodes[..place].contains(node) {
            work.node(node, &monitor.part(step + place, steps))?;
        }
    }
    step += nodes.len();
    let mut panels = Vec::new();
    for (index, panel) in spec.panels.iter().enumerate() {
        monitor.check()?;
        panels.push(match work.panels.remove(&index) {
            Some(panel) => panel,
            None => work.panel(panel, &monitor.part(step.min(steps - 1), steps))?,
        });
        step += usize::from(panel.is_measured());
    }
    for (panel, caption) in
        panels.iter_mut().zip(&spec.captions).filter(|(_, words)| !words.trim().is_empty())
    {
        caption.trim().clone_into(&mut panel.title);
    }
    let micrograph = input.micrograph;
    Ok(Figure {
        panels,
        look: spec.look,
        source: [micrograph.width(), micrograph.height()],
        pixel: micrograph.calibration().pixel(),
        crop: spec.crop,
        cursor: spec.cursor.map(|at| at.map(|place| place as f64 + 0.5)),
    })
}

/// Refuses what cannot be drawn before anything is computed.
fn check(spec: &FigureSpec, input: &FigureInput<'_>) -> Result<(), ExportError> {
    let refuse = |why: String| Err(ExportError::Unsupported(why));
    if let Some(complaint) = spec.look.complaint() {
        return refuse(complaint);
    }
    if spec.panels.is_empty() {
        return refuse("A figure needs at least one panel".to_owned());
    }
    if spec.captions.len() > spec.panels.len() {
        let (captions, panels) = (spec.captions.len(), spec.panels.len());
        return refuse(format!("There are {captions} captions for {panels} panels"));
    }
    let (height, width) = (input.micrograph.height(), input.micrograph.width());
    let name = input.micrograph.name();
    if let Some([left, top, across, down]) = spec.crop {
        let fits = |start: usize, length: usize, all: usize| {
            length > 0 && start.checked_add(length).is_some_and(|end| end <= all)
        };
        if !fits(left, across, width) || !fits(top, down, height) {
            let part = format!("{left},{top},{across},{down}");
            return refuse(format!("The part {part} is not within {name} of {width} × {height} px"));
        }
    }
    if let Some([y, x]) = spec.cursor.filter(|[y, x]| *y >= height || *x >= width) {
        return refuse(format!("The place {y},{x} (y,x) is not within {name} of {width} × {height} px"));
    }
    if let Some(channel) = spec.channel.filter(|channel| *channel >= input.micrograph.channels()) {
        return refuse(format!("{name} has no channel {channel}, only {}", input.micrograph.channels()));
    }
    if spec.field.is_some() && spec.cursor.is_none() {
        return refuse("What a node sees is drawn at a place: it needs a cursor".to_owned());
    }
    Ok(())
}

/// A figure while its panels are computed.
struct Work<'a> {
    spec: &'a FigureSpec,
    input: &'a FigureInput<'a>,
    base: Base,
    answer: Option<Prediction>,
    /// Those that are done, by their place.
    panels: BTreeMap<usize, Panel>,
    /// What the features of [`FigureSpec::field`] see at the cursor.
    mark: Option<Mark>,
}

impl Work<'_> {
    /// All panels of a node's features.
    fn node(&mut self, node: &str, monitor: &Monitor) -> Result<(), ExportError> {
        let maps = self.input.maps(node, monitor)?;
        if self.spec.field.as_deref() == Some(node)
            && let Some(cursor) = self.spec.cursor
        {
            self.mark = seen_mark(&maps, self.input, cursor)?;
        }
        let statistics = statistics(&maps);
        let map = self.spec.feature_colormap;
        for (index, panel) in
            self.spec.panels.iter().enumerate().filter(|(_, panel)| panel.node() == Some(node))
        {
            let window =
                |feature: usize| feature_window(&statistics, Some(feature), map, self.spec.shared_contrast);
            let panel = match panel {
                PanelSpec::Features { which: Which::These(features), .. } => {
                    features.iter().try_for_each(|feature| there(&maps, *feature))?;
                    self.features(&maps, features, window)
                }
                PanelSpec::Features { which: Which::Most(count), .. } => {
                    let mut order = ordered(&statistics, None, FeatureOrder::Variance, false);
                    order.truncate((*count).min(MOST_FEATURES));
                    self.features(&maps, &order, window)
                }
                PanelSpec::Feature { feature, .. } => {
                    there(&maps, *feature)?;
                    let values = maps.maps.index_axis(Axis(0), *feature);
                    let title = format!("{node} · {feature}");
                    Panel::map(title, values, window(*feature), map, place_of(&maps))
                }
                _ => continue,
            };
            self.panels.insert(index, panel);
        }
        Ok(())
    }

    fn features(&self, maps: &FeatureMaps, which: &[usize], window: impl Fn(usize) -> Contrast) -> Panel {
        let tile = |feature: &usize| {
            let display = Display::new(window(*feature), self.spec.feature_colormap);
            let picture = Arc::new(rendered(maps.maps.index_axis(Axis(0), *feature), &display));
            Tile { picture, place: Some(place_of(maps)), label: feature.to_string(), bar: None }
        };
        let all = maps.maps.len_of(Axis(0));
        let shared = self.spec.shared_contrast.then(|| which.first().map(|first| window(*first))).flatten();
        Panel {
            title: format!("{}: {} of {all} features", maps.node, which.len()),
            tiles: which.iter().map(tile).collect(),
            bar: shared.map(|window| Bar::of(&Display::new(window, self.spec.feature_colormap), "")),
            legend: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// A panel that is not of a node's features.
    fn panel(&self, panel: &PanelSpec, monitor: &Monitor) -> Result<Panel, ExportError> {
        match panel {
            PanelSpec::Source => {
                let grey = self.base.display.filter(|display| display.colormap != Colormap::Grey);
                let title = self.input.micrograph.name();
                let panel = Panel::picture(title, self.base.picture.clone(), Place::SOURCE);
                let bar = grey.map(|display| Bar::of(&display, ""));
                Ok(Panel { bar, marks: self.mark.iter().cloned().collect(), ..panel })
            }
            PanelSpec::Prediction => {
                let mask = self.mask()?;
                let picture = overlaid(&self.base.picture, mask, self.spec.paint.opacity);
                let legend = mask.classes.iter().skip(1).cloned().collect();
                let marks = self.mark.iter().cloned().collect();
                Ok(Panel { legend, marks, ..Panel::picture("Prediction", picture, Place::SOURCE) })
            }
            PanelSpec::Classes => {
                let mask = self.mask()?;
                let colour = |label: &u16| colour_of(&mask.classes, *label);
                let rgb = mask.labels.0.iter().flat_map(colour).collect();
                let picture = Picture { rgb, width: mask.labels.width(), height: mask.labels.height() };
                Ok(Panel {
                    legend: mask.classes.clone(),
                    ..Panel::picture("Classes", picture, Place::SOURCE)
                })
            }
            PanelSpec::Probability(name) => {
                let mask = self.mask()?;
                let class = chosen(&mask.classes, name, "class")?;
                let values = mask.probabilities.index_axis(Axis(0), class);
                let (window, title) =
                    (Contrast { low: 0.0, high: 1.0 }, format!("P({})", mask.classes[class].name));
                let panel = Panel::map(title, values, window, Colormap::Viridis, Place::SOURCE);
                Ok(panel.in_units("probability"))
            }
            PanelSpec::Output(name) => self.output(name),
            _ => match measured(panel, self.input, self.known_answer(), monitor)? {
                Some(found) => drawn((panel, &found), self.spec, self.input, &self.base.picture),
                None => Err(ExportError::Unsupported(format!("The panel {panel} gave nothing"))),
            },
        }
    }

    fn known_answer(&self) -> Option<&Prediction> {
        self.answer.as_ref().or(self.input.known.prediction)
    }

    fn mask(&self) -> Result<&Segmentation, ExportError> {
        match &self.answer {
            Some(Prediction::Segmentation(mask)) => Ok(mask),
            _ => self.has_not("gives no class for every pixel: its answer is no picture of classes"),
        }
    }

    fn output(&self, name: &str) -> Result<Panel, ExportError> {
        let Some(Prediction::Regression(numbers)) = &self.answer else {
            return self.has_not("is no regressor and has no outputs");
        };
        let numbers: &Regression = numbers;
        let Some(maps) = numbers.maps() else { return self.has_not("gives one number an image and no map") };
        let output = chosen(&numbers.outputs, name, "output")?;
        let values = maps.index_axis(Axis(0), output);
        let window = self.spec.paint.percentiles.window(values, self.spec.feature_colormap.is_signed());
        let units = numbers.units.as_deref().map(|units| format!(" ({units})")).unwrap_or_default();
        let title = format!("{}{units}", numbers.outputs[output].name);
        let panel = Panel::map(title, values, window, self.spec.feature_colormap, Place::SOURCE);
        Ok(panel.in_units(numbers.units.as_deref().unwrap_or_default()))
    }

    fn has_not<T>(&self, what: &str) -> Result<T, ExportError> {
        Err(ExportError::Unsupported(format!("{} {what}", self.input.model()?.card.name)))
    }
}

fn place_of(maps: &FeatureMaps) -> Place {
    Place { origin: maps.origin, scale: maps.scale }
}

pub(super) fn there(maps: &FeatureMaps, feature: usize) -> Result<(), ExportError> {
    let count = maps.maps.len_of(Axis(0));
    if feature < count {
        return Ok(());
    }
    let last = count.saturating_sub(1);
    Err(ExportError::Unsupported(format!("{} has no feature {feature}, only 0 to {last}", maps.node)))
}

/// A class by its name, else by its number.
fn chosen(classes: &[ClassInfo], name: &str, what: &str) -> Result<usize, ExportError> {
    let named = classes.iter().position(|class| class.name == name);
    let numbered = || name.parse().ok().filter(|number| *number < classes.len());
    named.or_else(numbered).ok_or_else(|| {
        let names: Vec<&str> = classes.iter().map(|class| class.name.as_str()).collect();
        ExportError::Unsupported(format!("There is no {what} {name}, only {}", names.join(", ")))
    })
}

fn colour_of(classes: &[ClassInfo], label: u16) -> [u8; 3] {
    classes.get(usize::from(label)).map_or([0; 3], |class| class.colour)
}

/// Class colours over a picture; class 0 is not painted.
fn overlaid(base: &Picture, mask: &Segmentation, opacity: f32) -> Picture {
    let opacity = opacity.clamp(0.0, 1.0);
    let labels: &Array2<u16> = &mask.labels.0;
    let pixel = |(below, label): (&[u8], &u16)| {
        let over = colour_of(&mask.classes, *label);
        let share = if *label == 0 { 0.0 } else { opacity };
        let mixed = |k: usize| {
            let (below, over) = (f32::from(below[k]), f32::from(over[k]));
            (below + (over - below) * share).round() as u8
        };
        [mixed(0), mixed(1), mixed(2)]
    };
    let rgb = base.rgb.chunks_exact(3).zip(labels).flat_map(pixel).collect();
    Picture { rgb, width: base.width, height: base.height }
}

#[cfg(test)]
mod tests;
