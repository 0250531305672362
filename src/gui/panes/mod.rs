//! One file a pane. A new pane: a file here, a line in [`Pane`], a place in `layout`.

mod bar_edge;
mod by_hand;
mod compare;
mod contrast;
mod feature;
mod features;
mod files;
mod frames;
mod health;
mod heat;
mod info;
mod info_facts;
mod network;
mod node_picture;
mod pins;
mod prediction;
mod profile;
mod region;
mod robustness;
mod scale_line;
mod sheet;
mod sheet_cursor;
mod source;
mod source_picture;
mod trust;
mod values;
mod why;

pub(super) use prediction::value_at;

use super::desk::Desk;
use super::theme::{Palette, strong_family};
use super::tools::Tool;
use crate::session::Session;
use eframe::egui::text::LayoutJob;
use eframe::egui::{self, FontId, TextFormat, Ui};
use serde::{Deserialize, Serialize};

/// The panes there are; what the layout keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pane {
    Files,
    Source,
    Feature,
    Compare,
    Prediction,
    Why,
    Network,
    Features,
    ByHand,
    Health,
    Robustness,
    Trust,
    Values,
    Contrast,
    Info,
    Profile,
    Region,
}

/// What every pane can do.
pub(super) trait PaneUi {
    /// What the pane is called.
    fn title(&self) -> &'static str;

    /// What it shows now, in a few words behind the title.
    fn detail(&self, _session: &Session) -> String {
        String::new()
    }

    /// Small controls at the right of the title, added right to left.
    fn bar_ui(&mut self, _ui: &mut Ui, _desk: &mut Desk<'_>) {}

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>);
}

/// All panes with their own view state.
#[derive(Default)]
pub(super) struct Panes {
    files: files::FilesPane,
    source: source::SourcePane,
    feature: feature::FeaturePane,
    compare: compare::ComparePane,
    prediction: prediction::PredictionPane,
    why: why::WhyPane,
    network: network::NetworkPane,
    features: features::FeaturesPane,
    robustness: robustness::RobustnessPane,
    by_hand: by_hand::ByHandPane,
    health: health::HealthPane,
    trust: trust::TrustPane,
    values: values::ValuesPane,
    contrast: contrast::ContrastPane,
    info: info::InfoPane,
    profile: profile::ProfilePane,
    region: region::RegionPane,
}

impl Pane {
    pub const ALL: [Self; 17] = [
        Self::Files,
        Self::Source,
        Self::Feature,
        Self::Compare,
        Self::Prediction,
        Self::Why,
        Self::Network,
        Self::Features,
        Self::Robustness,
        Self::ByHand,
        Self::Health,
        Self::Trust,
        Self::Values,
        Self::Contrast,
        Self::Info,
        Self::Profile,
        Self::Region,
    ];
}

impl Pane {
    /// The pane of a name in small letters, with or without spaces, such as `feature` or `values`.
    ///
    /// # Errors
    /// The names there are.
    pub fn from_name(name: &str) -> Result<Self, String> {
        let plain = |text: &str| text.to_lowercase().replace([' ', '-', '_'], "");
        let named = |pane: &Self| plain(&format!("{pane:?}"));
        Self::ALL.into_iter().find(|pane| named(pane) == plain(name)).ok_or_else(|| {
            let names: Vec<String> = Self::ALL.iter().map(named).collect();
            format!("There is no pane {name}; there are {}", names.join(", "))
        })
    }
}

impl Panes {
    pub(super) fn get(&mut self, pane: Pane) -> &mut dyn PaneUi {
        match pane {
            Pane::Files => &mut self.files,
            Pane::Source => &mut self.source,
            Pane::Feature => &mut self.feature,
            Pane::Compare => &mut self.compare,
            Pane::Prediction => &mut self.prediction,
            Pane::Why => &mut self.why,
            Pane::Network => &mut self.network,
            Pane::Features => &mut self.features,
            Pane::Robustness => &mut self.robustness,
            Pane::ByHand => &mut self.by_hand,
            Pane::Health => &mut self.health,
            Pane::Trust => &mut self.trust,
            Pane::Values => &mut self.values,
            Pane::Contrast => &mut self.contrast,
            Pane::Info => &mut self.info,
            Pane::Profile => &mut self.profile,
            Pane::Region => &mut self.region,
        }
    }

    /// Shows or hides the receptive field on the source.
    pub(super) fn toggle_field(&mut self) {
        self.source.toggle_field();
    }

    /// Takes up or lays down the line that measures the scale bar in the picture.
    pub(super) fn toggle_scale_line(&mut self) {
        self.source.toggle_scale_line();
    }

    /// Takes another tool in hand on the source.
    pub(super) fn take_tool(&mut self, tool: Tool) {
        self.source.tools.tool = tool;
    }

    /// Shows or hides the overview in the source's corner.
    pub(super) fn toggle_minimap(&mut self) {
        self.source.minimap_shown = !self.source.minimap_shown;
    }

    /// Title and detail as one line.
    pub(super) fn title(&mut self, pane: Pane, session: &Session, palette: &Palette) -> LayoutJob {
        let pane = self.get(pane);
        let mut job = LayoutJob::default();
        let format = |size, family, color| TextFormat {
            font_id: FontId::new(size, family),
            color,
            ..Default::default()
        };
        job.append(pane.title(), 0.0, format(12.5, strong_family(), palette.strong));
        let detail = pane.detail(session);
        if !detail.is_empty() {
            job.append(&detail, 8.0, format(11.5, egui::FontFamily::Proportional, palette.weak));
        }
        job
    }
}
