//! Pinned features of any nodes, side by side at the source's zoom and pan.
use crate::gui::desk::Desk;
use crate::gui::feature_look::contrast_of;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::view::{Layer, Pixels, TiledPicture, canvas, paint_badge, paint_cursor, stamp, still_canvas};
use crate::gui::widgets::cross;
use crate::imaging::Colormap;
use crate::session::{Command, Pin, PinnedMap, SheetCommand};
use eframe::egui::{self, Color32, Label, ScrollArea, Ui, vec2};
use ndarray::Axis;
use std::collections::BTreeMap;

/// Width of a pinned map at least, and of one in a large pane, in points.
const WIDTHS: [f32; 2] = [120.0, 260.0];
/// Share of the pane that pins may take.
const SHARE: f32 = 0.55;
const HEAD: f32 = 20.0;

/// Their textures, by node and feature.
#[derive(Default)]
pub(super) struct Pins {
    pictures: BTreeMap<(String, usize), TiledPicture>,
}

impl Pins {
    /// At the left of what is left of the pane; nothing without pins.
    pub(super) fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let pins = &desk.session.sheet.pins;
        self.pictures.retain(|(node, feature), _| desk.session.is_pinned(node, *feature));
        if pins.is_empty() {
            return;
        }
        let height = ui.available_height();
        let width = (height - HEAD).clamp(WIDTHS[0], WIDTHS[1]);
        let spacing = ui.spacing().item_spacing.x;
        let wanted = pins.len() as f32 * (width + spacing);
        let room = wanted.min(ui.available_width() * SHARE).max(WIDTHS[0]);
        ui.allocate_ui(vec2(room, height), |ui| {
            ScrollArea::horizontal().id_salt("pins").auto_shrink(false).max_width(room).show(ui, |ui| {
                ui.horizontal_top(|ui| {
                    for (place, pin) in pins.iter().enumerate() {
                        ui.push_id(("pin", place), |ui| {
                            ui.allocate_ui(vec2(width, ui.available_height()), |ui| {
                                ui.vertical(|ui| self.pin_ui(ui, desk, (place, pin)));
                            });
                        });
                    }
                });
            });
        });
        let (line, _) = ui.allocate_exact_size(vec2(3.0, height), egui::Sense::hover());
        ui.painter().vline(line.center().x, line.y_range(), egui::Stroke::new(1.0, Palette::of(ui).line));
    }

    fn pin_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, (place, pin): (usize, &Pin)) {
        let palette = Palette::of(ui);
        ui.horizontal(|ui| {
            ui.set_height(HEAD - 4.0);
            let name = format!("{} · {}", pin.node, pin.feature);
            let room = ui.available_width() - 26.0;
            let text = Label::new(small(name).color(palette.text)).truncate().sense(egui::Sense::click());
            let label = ui.allocate_ui(vec2(room, HEAD - 4.0), |ui| ui.add(text)).inner;
            if label.on_hover_text("Go to this feature's node").clicked() {
                desk.send(Command::SelectNode(pin.node.clone()));
                desk.send(Command::SelectFeature(Some(pin.feature)));
            }
            if cross(ui, &format!("Unpin {} {}", pin.node, pin.feature)).clicked() {
                desk.send(Command::Sheet(SheetCommand::Unpin(place)));
            }
        });
        match &pin.map {
            Some(map) => self.map_ui(ui, desk, (pin, map)),
            None => {
                ui.label(small("Computing…").color(palette.weak));
            }
        }
    }

    fn map_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, (pin, map): (&Pin, &PinnedMap)) {
        let session = desk.session;
        let Some(result) = &session.result else { return };
        let size = [result.micrograph.width(), result.micrograph.height()];
        let of_now = map.result == result.key;
        let linked = of_now && desk.is_linked(size);
        let name = format!("Pinned feature {} of {}", pin.feature, pin.node);
        let canvas = if linked { canvas(ui, desk.view, size, &name) } else { still_canvas(ui, size, &name) };
        let maps = &map.maps;
        let colormap = if map.statistics.min < 0.0 { Colormap::Signed } else { Colormap::Viridis };
        let contrast = contrast_of(std::slice::from_ref(&map.statistics), Some(0), colormap, false);
        let look = stamp((map.result, contrast.low.to_bits(), contrast.high.to_bits(), colormap));
        let layer = Layer { scale: [maps.scale[1], maps.scale[0]], stamp: look, tint: Color32::WHITE };
        let pixels = Pixels::Values { values: maps.maps.index_axis(Axis(0), 0), contrast, colormap };
        let placement = canvas.placement.moved([maps.origin[1], maps.origin[0]]);
        let picture = self.pictures.entry((pin.node.clone(), pin.feature)).or_default();
        picture.paint(&canvas.painter, placement, layer, pixels);
        if let Some(cursor) = desk.view.position().filter(|_| linked) {
            paint_cursor(&canvas.painter, canvas.placement, cursor, Palette::of(ui).accent);
        }
        if canvas.response.clicked() {
            desk.view.pin = if desk.view.pin == desk.view.cursor { None } else { desk.view.cursor };
        }
        let at = desk.view.position().filter(|_| linked).and_then(|[x, y]| maps.pixel_at([y, x]));
        if !of_now {
            paint_badge(&canvas.painter, canvas.placement, "of the run before");
        } else if let Some([y, x]) = at {
            paint_badge(&canvas.painter, canvas.placement, &format::value(f64::from(maps.maps[[0, y, x]])));
        }
    }
}
