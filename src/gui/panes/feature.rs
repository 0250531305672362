//! The chosen feature map, large, at the source's zoom and pan.
use super::PaneUi;
use super::features::shown;
use super::heat::point_at;
use super::sheet::toggle_pin;
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::feature_look::{contrast_of, place_in_order};
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::view::{Layer, Pixels, TiledPicture, canvas, paint_badge, paint_cursor, stamp, still_canvas};
use crate::gui::widgets::{colormap_box, empty_state, toggle};
use crate::session::{Command, JobKind, SelectedFeatures, Session};
use eframe::egui::{Color32, Ui};
use ndarray::Axis;

#[derive(Default)]
pub(super) struct FeaturePane {
    picture: TiledPicture,
}

impl PaneUi for FeaturePane {
    fn title(&self) -> &'static str {
        "Feature map"
    }

    fn detail(&self, session: &Session) -> String {
        match (shown(session), &session.node) {
            (Some(features), _) => features.maps.node.clone(),
            (None, Some(node)) => node.clone(),
            (None, None) => String::new(),
        }
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let Some(features) = &desk.session.features else { return };
        // Where it is narrow, the sheet's own box has to do.
        if ui.available_width() > 330.0 {
            let chosen = colormap_box(ui, "feature colours", desk.session.feature_colormap, "feature maps");
            if let Some(colormap) = chosen {
                desk.send(Command::SetFeatureColormap(colormap));
            }
        }
        let Some(feature) = shown_feature(desk.session, features) else { return };
        for (action, sign) in [(Action::NextFeature, "›"), (Action::PreviousFeature, "‹")] {
            let button = ui.button(small(sign)).accessible_name(action.about().text);
            if button.on_hover_text(action.hint(ui.ctx())).clicked() {
                desk.act(action);
            }
            if action == Action::NextFeature {
                let place = format!("{} of {}", feature + 1, features.maps.maps.len_of(Axis(0)));
                let order = place_in_order(features, feature);
                let response = ui.label(small(place).color(Palette::of(ui).text));
                response.on_hover_text(match order {
                    Some(order) => format!("Feature {feature}, {} in the sheet's order", order + 1),
                    None => format!("Feature {feature}, hidden in the sheet"),
                });
            }
        }
        let node = &features.maps.node;
        let pinned = desk.session.is_pinned(node, feature);
        let hint = "Keep this feature in sight beside the sheet, to compare it with features of other nodes";
        if toggle(ui, pinned, "Pin", hint) {
            toggle_pin(desk, node, feature);
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        let shown = shown(session).and_then(|features| Some((features, shown_feature(session, features)?)));
        let Some((features, feature)) = shown else {
            let (title, advice) = waiting(session);
            empty_state(ui, title, advice);
            return;
        };
        let maps = &features.maps;
        let size = source_size(session, features);
        let name = format!("Feature {feature} of {}", maps.node);
        let linked = desk.is_linked(size);
        let canvas = if linked { canvas(ui, desk.view, size, &name) } else { still_canvas(ui, size, &name) };
        if linked && canvas.response.hovered() {
            point_at(desk, maps, feature);
        }
        let colormap = session.feature_colormap;
        let contrast = contrast_of(&features.statistics, Some(feature), colormap, session.shared_contrast);
        let look = stamp((features.key, feature, contrast.low.to_bits(), contrast.high.to_bits(), colormap));
        let layer = Layer { scale: [maps.scale[1], maps.scale[0]], stamp: look, tint: Color32::WHITE };
        let pixels = Pixels::Values { values: maps.maps.index_axis(Axis(0), feature), contrast, colormap };
        let placement = canvas.placement.moved([maps.origin[1], maps.origin[0]]);
        self.picture.paint(&canvas.painter, placement, layer, pixels);
        if let Some(cursor) = desk.view.position().filter(|_| linked) {
            paint_cursor(&canvas.painter, canvas.placement, cursor, Palette::of(ui).accent);
        }
        if canvas.response.clicked() {
            let same = desk.view.pin.zip(desk.view.cursor).is_some_and(|(pin, cursor)| {
                maps.pixel_at([pin[1], pin[0]]) == maps.pixel_at([cursor[1], cursor[0]])
            });
            desk.view.pin = if same { None } else { desk.view.cursor };
        }
        let waiting = session.is_busy(JobKind::Features) || session.node.as_ref() != Some(&maps.node);
        let badge = match desk.view.position().filter(|_| linked).and_then(|[x, y]| maps.pixel_at([y, x])) {
            _ if session.features.is_none() => "small picture, the map is computed again…".to_owned(),
            _ if waiting && session.is_busy(JobKind::Features) => "computing the next…".to_owned(),
            Some([y, x]) => format!("{}  at {x}, {y}", format::value(f64::from(maps.maps[[feature, y, x]]))),
            None => dims(features),
        };
        paint_badge(&canvas.painter, canvas.placement, &badge);
    }
}

fn dims(features: &SelectedFeatures) -> String {
    let (_, height, width) = features.maps.maps.dim();
    format!("{width} × {height}")
}

/// The chosen feature; the first in order until one is chosen.
fn shown_feature(session: &Session, features: &SelectedFeatures) -> Option<usize> {
    let count = features.maps.maps.len_of(Axis(0));
    session.feature.filter(|feature| *feature < count).or_else(|| features.order.first().copied())
}

/// Size `[width, height]` of the image the features were made from.
fn source_size(session: &Session, features: &SelectedFeatures) -> [usize; 2] {
    if let Some(result) = &session.result {
        return [result.micrograph.width(), result.micrograph.height()];
    }
    let (_, height, width) = features.maps.maps.dim();
    let scaled = |length: usize, scale: f64| (length as f64 * scale).round().max(1.0) as usize;
    [scaled(width, features.maps.scale[1]), scaled(height, features.maps.scale[0])]
}

/// What to do to see features.
fn waiting(session: &Session) -> (&'static str, &'static str) {
    if session.is_busy(JobKind::Run) || session.is_busy(JobKind::Features) {
        ("Computing…", "")
    } else if session.features.is_some() {
        ("No feature to show", "All features of this node are hidden; show dead ones again below.")
    } else if session.result.is_none() {
        ("No feature yet", "Run a model (F5), then choose a node of the network.")
    } else {
        ("No node chosen", "Choose a node of the network at the right to see what it saw.")
    }
}
