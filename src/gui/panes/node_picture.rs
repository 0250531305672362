//! All features of a node in one picture: principal components as colours, or places in groups.
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::view::{
    Canvas, Layer, Pixels, TiledPicture, canvas, paint_badge, paint_cursor, still_canvas,
};
use crate::gui::widgets::{empty_state, swatch};
use crate::imaging::{ChannelColour, Colormap, Tinted, Tone};
use crate::inspect::{Clusters, Components, FeatureMaps};
use crate::session::{JobKind, NodePicture, SelectedFeatures, SheetView};
use eframe::egui::{Align, Color32, Layout, ScrollArea, Ui, vec2};
use ndarray::Axis;

/// Width of the list beside the picture, in points.
const LIST: f32 = 186.0;
/// Features that are named of each component.
const NAMED: usize = 3;
const COLOURS: [ChannelColour; 3] = [ChannelColour::Red, ChannelColour::Green, ChannelColour::Blue];

#[derive(Default)]
pub(super) struct NodePictureView {
    picture: TiledPicture,
    shown: Option<u64>,
}

impl NodePictureView {
    pub(super) fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, features: &SelectedFeatures) {
        let session = desk.session;
        let Some((key, picture)) = session.node_picture_now() else {
            let waiting = session.is_busy(JobKind::NodePicture) || session.is_busy(JobKind::Features);
            let (title, advice) = if waiting {
                ("Computing…", "All features of the node are put into one picture.")
            } else {
                ("No picture yet", "Choose the node again to compute it.")
            };
            empty_state(ui, title, advice);
            return;
        };
        if self.shown != Some(key) {
            (self.shown, self.picture) = (Some(key), TiledPicture::default());
        }
        ui.horizontal_top(|ui| {
            ui.allocate_ui_with_layout(
                vec2(LIST, ui.available_height()),
                Layout::top_down(Align::Min),
                |ui| {
                    ui.set_width(LIST);
                    ui.spacing_mut().item_spacing.y = 3.0;
                    ScrollArea::vertical().id_salt("of the picture").auto_shrink(false).show(ui, |ui| {
                        match picture.as_ref() {
                            NodePicture::Components(found) => components_ui(ui, found),
                            NodePicture::Clusters(found) => clusters_ui(ui, found),
                        }
                    });
                },
            );
            self.picture_ui(ui, desk, (key, picture), &features.maps);
        });
    }

    fn picture_ui(
        &mut self,
        ui: &mut Ui,
        desk: &mut Desk<'_>,
        (key, picture): (u64, &NodePicture),
        maps: &FeatureMaps,
    ) {
        let source = desk.session.result.as_ref().map(|result| &result.micrograph);
        let Some(size) = source.map(|source| [source.width(), source.height()]) else { return };
        let linked = desk.is_linked(size);
        let name = format!("All features of {} in one picture", maps.node);
        let canvas = if linked { canvas(ui, desk.view, size, &name) } else { still_canvas(ui, size, &name) };
        let layer = Layer { scale: [maps.scale[1], maps.scale[0]], stamp: key, tint: Color32::WHITE };
        let placement = canvas.placement.moved([maps.origin[1], maps.origin[0]]);
        match picture {
            NodePicture::Components(found) => self.paint_components(&canvas, placement, layer, found),
            NodePicture::Clusters(found) => {
                let palette: Vec<Color32> = (0..Clusters::MOST).map(colour).collect();
                let pixels = Pixels::Labels { labels: found.labels.view(), palette: &palette };
                self.picture.paint(&canvas.painter, placement, layer, pixels);
            }
        }
        if let Some(cursor) = desk.view.position().filter(|_| linked) {
            paint_cursor(&canvas.painter, canvas.placement, cursor, Palette::of(ui).accent);
        }
        if canvas.response.clicked() {
            desk.view.pin = if desk.view.pin == desk.view.cursor { None } else { desk.view.cursor };
        }
        let at = desk.view.position().filter(|_| linked).and_then(|[x, y]| maps.pixel_at([y, x]));
        if let Some(text) = at.and_then(|at| words_at(picture, at)) {
            paint_badge(&canvas.painter, canvas.placement, &text);
        }
    }

    fn paint_components(
        &mut self,
        canvas: &Canvas,
        placement: crate::gui::view::Placement,
        layer: Layer,
        found: &Components,
    ) {
        let (count, height, width) = found.scores.dim();
        let scores = found.scores.axis_iter(Axis(0));
        if let (1, Some(contrast), Some(values)) = (count, found.contrasts.first(), scores.clone().next()) {
            let pixels = Pixels::Values { values, contrast: *contrast, colormap: Colormap::Grey };
            self.picture.paint(&canvas.painter, placement, layer, pixels);
            return;
        }
        let tinted: Vec<Tinted<'_>> = scores
            .zip(&found.contrasts)
            .zip(COLOURS)
            .map(|((values, contrast), colour)| Tinted {
                values,
                contrast: *contrast,
                tone: Tone::default(),
                colour,
            })
            .collect();
        let pixels = Pixels::Composite { shape: [height, width], channels: &tinted };
        self.picture.paint(&canvas.painter, placement, layer, pixels);
    }
}

/// The two views of this file, with what they teach.
pub(super) fn about(view: SheetView) -> &'static str {
    match view {
        SheetView::Maps => "All feature maps side by side",
        SheetView::Components => {
            "Principal components: the three directions in which the node's features differ most from place to place, as \
             red, green and blue. Places of one colour look alike to this node."
        }
        SheetView::Clusters(_) => {
            "k-means: the places in groups whose features are alike. A node that already tells the classes apart shows them \
             here without having been asked for them."
        }
    }
}

fn colour(group: usize) -> Color32 {
    let [r, g, b] = Clusters::colour(group);
    Color32::from_rgb(r, g, b)
}

/// Scores or group at a place.
fn words_at(picture: &NodePicture, [y, x]: [usize; 2]) -> Option<String> {
    match picture {
        NodePicture::Components(found) => {
            let (_, height, width) = found.scores.dim();
            let inside = y < height && x < width;
            let scores =
                || found.scores.axis_iter(Axis(0)).map(|plane| format::value(f64::from(plane[[y, x]])));
            inside.then(|| scores().collect::<Vec<_>>().join("   "))
        }
        NodePicture::Clusters(found) => {
            let group = usize::from(*found.labels.get([y, x])?);
            Some(format!("group {}, {} of the places", group + 1, format::percent(*found.shares.get(group)?)))
        }
    }
}

fn components_ui(ui: &mut Ui, found: &Components) {
    let palette = Palette::of(ui);
    let all: f64 = found.shares.iter().sum();
    ui.label(strong(format!("{} of the variance", format::percent(all))))
        .on_hover_text("How much of all that the features do over the image these colours show");
    for (component, share) in found.shares.iter().enumerate() {
        ui.add_space(2.0);
        ui.horizontal(|ui| {
            let [r, g, b] = if found.shares.len() == 1 { [255; 3] } else { COLOURS[component % 3].rgb() };
            swatch(ui, Color32::from_rgb(r, g, b));
            ui.label(small(format!("Component {}", component + 1)));
            ui.label(small(format::percent(*share)).color(palette.strong));
        });
        let weights = found.weights.row(component);
        let mut order: Vec<usize> = (0..weights.len()).collect();
        order.sort_by(|&a, &b| weights[b].abs().total_cmp(&weights[a].abs()));
        let named = order.iter().take(NAMED).map(|&k| format!("{k} ({})", format::signed(weights[k] as f32)));
        let text = named.collect::<Vec<_>>().join(", ");
        ui.label(small(format!("features {text}")).color(palette.weak))
            .on_hover_text("The features with the largest weights in this component");
    }
}

fn clusters_ui(ui: &mut Ui, found: &Clusters) {
    let palette = Palette::of(ui);
    ui.label(strong(format!("{} groups", found.shares.len())));
    for (group, share) in found.shares.iter().enumerate() {
        ui.horizontal(|ui| {
            swatch(ui, colour(group));
            ui.label(small(format!("Group {}", group + 1)));
            ui.label(small(format::percent(*share)).color(palette.strong));
        });
        let means = found.means.row(group);
        let mut order: Vec<usize> = (0..means.len()).collect();
        order.sort_by(|&a, &b| means[b].total_cmp(&means[a]));
        let named = order.iter().take(NAMED).map(ToString::to_string).collect::<Vec<_>>().join(", ");
        ui.label(small(format!("strongest features {named}")).color(palette.weak));
    }
}
