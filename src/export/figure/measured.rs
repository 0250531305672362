//! Panels of what is measured: finds it, where it is not known already.

use super::content::there;
use super::gather::FigureInput;
use super::spec::{PanelSpec, SideSpec};
use crate::analysis::{
    AnalysisError, AttributionRequest, ClassicalMask, Comparison, Equivariance, Moving, Prediction, Probe,
    Seams, Seen, Sight, attribute, class_of, classical_mask, compare_sights, effective_field, equivariance,
    seams, see,
};
use crate::export::ExportError;
use crate::inspect::{Attribution, EffectiveField, FeatureMaps, Wanted};
use crate::monitor::Monitor;
use crate::network::{Model, find_model, load_model};
use ndarray::s;
use std::sync::Arc;

/// What a panel shows that is neither micrograph nor answer nor one node's features.
#[derive(Debug, Clone)]
pub enum Measured {
    /// One plane each, in the order of the pins.
    Pinned(Vec<Arc<FeatureMaps>>),
    Field(Arc<EffectiveField>),
    /// What A and B are called, and how they differ.
    Difference([String; 2], Arc<Comparison>),
    Why(Arc<Attribution>),
    Equivariance(Arc<Equivariance>),
    Seams(Arc<Seams>),
    Mask(ClassicalMask),
}

/// Measures what a panel shows; `answer` is the model's, where it is known. `None` for panels that measure nothing.
pub(super) fn measured(
    panel: &PanelSpec,
    input: &FigureInput<'_>,
    answer: Option<&Prediction>,
    monitor: &Monitor,
) -> Result<Option<Measured>, ExportError> {
    if let Some((_, known)) = input.known.measured.iter().find(|(of, _)| of == panel) {
        return Ok(Some(known.clone()));
    }
    let (on, device) = ((input.micrograph, input.settings), input.device);
    Ok(Some(match panel {
        PanelSpec::Pinned(pins) => Measured::Pinned(planes(pins, input, monitor)?),
        PanelSpec::Effective { node, feature, at } => {
            let probe = Probe { node: node.clone(), feature: *feature, at: *at };
            Measured::Field(Arc::new(effective_field(&probe, input.model()?, on, device, monitor)?))
        }
        PanelSpec::Difference(sides) => difference(sides, input, answer, monitor)?,
        PanelSpec::Why { method, class, over } => {
            let model = input.model()?;
            let (method, class) = (method.clone(), class_of(&model.card, class)?);
            let request = AttributionRequest { method, class, over: *over, labels: None };
            Measured::Why(Arc::new(attribute(&request, model, on, device, monitor)?))
        }
        PanelSpec::Equivariance { movement, node } => {
            let nodes = node.clone().map_or(Wanted::Nothing, |node| Wanted::Nodes(vec![node]));
            let moving = Moving { movement: *movement, nodes };
            Measured::Equivariance(Arc::new(equivariance(&moving, input.model()?, on, device, monitor)?))
        }
        PanelSpec::Seams { tile, .. } => {
            let mut settings = input.settings.clone();
            settings.tile = tile.or(settings.tile);
            Measured::Seams(Arc::new(seams(input.model()?, input.micrograph, &settings, device, monitor)?))
        }
        PanelSpec::Baseline { method, polarity } => {
            Measured::Mask(classical_mask((*method, *polarity), on, monitor)?)
        }
        _ => return Ok(None),
    }))
}

/// The planes of pinned features; each node is looked at once.
fn planes(
    pins: &[(String, usize)],
    input: &FigureInput<'_>,
    monitor: &Monitor,
) -> Result<Vec<Arc<FeatureMaps>>, ExportError> {
    let mut nodes: Vec<&String> = pins.iter().map(|(node, _)| node).collect();
    nodes.sort();
    nodes.dedup();
    let mut found = vec![None; pins.len()];
    for (place, node) in nodes.iter().enumerate() {
        let maps = input.maps(node, &monitor.part(place, nodes.len()))?;
        for (plane, (_, feature)) in found.iter_mut().zip(pins).filter(|(_, (other, _))| other == *node) {
            there(&maps, *feature)?;
            let values = maps.maps.slice(s![*feature..=*feature, .., ..]).to_owned();
            let (node, scale, origin) = (maps.node.clone(), maps.scale, maps.origin);
            *plane = Some(Arc::new(FeatureMaps { node, maps: values, scale, origin }));
        }
    }
    Ok(found.into_iter().flatten().collect())
}

/// Two sights, looked at one after the other; another model is loaded for it.
fn difference(
    sides: &[SideSpec; 2],
    input: &FigureInput<'_>,
    answer: Option<&Prediction>,
    monitor: &Monitor,
) -> Result<Measured, ExportError> {
    let one = |place: usize| -> Result<(String, Seen), ExportError> {
        let (SideSpec { model, frame, sight }, monitor) = (&sides[place], monitor.part(place, 2));
        let micrograph = input.micrograph;
        let (own, frames) = (input.model()?, micrograph.frames());
        let of = frame.unwrap_or(input.settings.frame);
        if of >= frames {
            let what = format!(
                "There is no frame {of}, only 0 to {}: {}",
                frames.saturating_sub(1),
                micrograph.name()
            );
            return Err(ExportError::Unsupported(what));
        }
        let other = match model {
            Some(name) => Some(loaded(name, input, &monitor)?),
            None => None,
        };
        let name = sight.words(&other.as_ref().unwrap_or(own).card.name, (frames > 1).then_some(of));
        let known =
            answer.filter(|_| other.is_none() && of == input.settings.frame && *sight == Sight::Answer);
        if let Some(answer) = known.filter(|answer| !matches!(answer, Prediction::Nothing)) {
            return Ok((name, Seen::Answer(answer.clone())));
        }
        let mut settings = input.settings.clone();
        settings.frame = of;
        let model = other.as_ref().unwrap_or(own);
        Ok((name, see(sight, model, (micrograph, &settings), input.device, &monitor)?))
    };
    let ((name_a, a), (name_b, b)) = (one(0)?, one(1)?);
    Ok(Measured::Difference([name_a, name_b], Arc::new(compare_sights([&a, &b])?)))
}

fn loaded(name: &str, input: &FigureInput<'_>, monitor: &Monitor) -> Result<Model, ExportError> {
    monitor.stage(&format!("Loading {name}"));
    let path = find_model(name).map_err(AnalysisError::from)?;
    Ok(load_model(&path, input.device, monitor).map_err(AnalysisError::from)?.0)
}
