//! What the panels are made of: the micrograph in its colours, the model's answer, and feature maps.

use super::measured::Measured;
use super::page::Picture;
use super::spec::{FigureSpec, PanelSpec};
use crate::analysis::{Prediction, RunSettings, check_free, features_of, run};
use crate::export::ExportError;
use crate::imaging::{Contrast, Display, Micrograph, SampleType};
use crate::inspect::{FeatureMaps, Features, Recorder};
use crate::monitor::Monitor;
use crate::network::Model;
use candle_core::Device;
use ndarray::{Array2, s};
use std::sync::Arc;

/// What a figure is made from.
#[derive(Debug, Clone, Copy)]
pub struct FigureInput<'a> {
    pub micrograph: &'a Micrograph,
    pub settings: &'a RunSettings,
    /// `None`: only the micrograph and classical masks can be shown.
    pub model: Option<&'a Model>,
    pub device: &'a Device,
    pub known: Known<'a>,
}

/// What an earlier run of the same model with the same settings gave, so that it need not be computed again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    pub prediction: Option<&'a Prediction>,
    pub features: Option<&'a Features>,
    /// What was measured for such panels.
    pub measured: &'a [(PanelSpec, Measured)],
}

impl<'a> FigureInput<'a> {
    pub(super) fn model(&self) -> Result<&'a Model, ExportError> {
        let missing = || {
            ExportError::Unsupported(
                "Only the source and classical masks can be shown without a model".to_owned(),
            )
        };
        self.model.ok_or_else(missing)
    }

    /// What the model says.
    pub(super) fn answer(&self, monitor: &Monitor) -> Result<Prediction, ExportError> {
        if let Some(known) = self.known.prediction {
            return Ok(known.clone());
        }
        let recorder = &mut Recorder::nothing();
        Ok(run(self.model()?, self.micrograph, self.settings, self.device, recorder, monitor)?)
    }

    /// The feature maps of a node.
    pub(super) fn maps(&self, node: &str, monitor: &Monitor) -> Result<Arc<FeatureMaps>, ExportError> {
        if let Some(known) = self.known.features.and_then(|features| features.maps.get(node)) {
            return Ok(Arc::clone(known));
        }
        let maps = features_of(node, self.model()?, self.micrograph, self.settings, self.device, monitor)?;
        Ok(Arc::new(maps))
    }
}

/// The micrograph as it is shown; its display where it has one for all values.
pub(super) struct Base {
    pub(super) picture: Picture,
    pub(super) display: Option<Display>,
}

/// The micrograph's frame in its colours: a colour picture in its own, a channel as `spec` paints it.
pub(super) fn base(spec: &FigureSpec, input: &FigureInput<'_>) -> Result<Base, ExportError> {
    let micrograph = input.micrograph;
    let (height, width) = (micrograph.height(), micrograph.width());
    // Values and colours of the frame, and the copy of it that is cut out.
    let bytes = (height as u64).saturating_mul(width as u64).saturating_mul(4 * 4);
    check_free(&format!("Drawing {}", micrograph.name()), bytes)?;
    let frame = input.settings.frame;
    if spec.channel.is_none() && micrograph.is_colour() {
        let rgb = in_own_colours(micrograph, frame)?;
        return Ok(Base { picture: Picture { rgb, width, height }, display: None });
    }
    let values = match spec.channel {
        Some(channel) => micrograph.plane(frame, channel)?.to_f32(),
        None => micrograph.grey(frame)?,
    };
    let specimen = micrograph.specimen_rows().len().min(values.nrows());
    let display = spec.paint.display(values.slice(s![..specimen, ..]));
    let rgb = display.render(values.view());
    Ok(Base { picture: Picture { rgb, width, height }, display: Some(display) })
}

/// Red, green and blue as they are stored; of types without a range, up to the highest value.
fn in_own_colours(micrograph: &Micrograph, frame: usize) -> Result<Vec<u8>, ExportError> {
    let plane = |channel| Ok::<_, ExportError>(micrograph.plane(frame, channel)?.to_f32());
    let planes: [Array2<f32>; 3] = [plane(0)?, plane(1)?, plane(2)?];
    let values = || planes.iter().flatten().copied().filter(|value| value.is_finite());
    let high = match micrograph.sample_type() {
        SampleType::Bool => 1.0,
        SampleType::U8 => f32::from(u8::MAX),
        SampleType::U16 => f32::from(u16::MAX),
        _ => values().fold(0.0, f32::max),
    };
    let window = Contrast { low: 0.0, high: if high > 0.0 { high } else { 1.0 } };
    let byte = |value: &f32| (window.unit(*value) * 255.0).round() as u8;
    let [red, green, blue] = &planes;
    let pixels = red.iter().zip(green).zip(blue);
    Ok(pixels.flat_map(|((red, green), blue)| [byte(red), byte(green), byte(blue)]).collect())
}
