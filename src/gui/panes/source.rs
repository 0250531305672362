//! The micrograph, with the mask over it, the scale bar and the receptive field of the feature under the cursor.
use super::PaneUi;
use super::bar_edge::BarEdge;
use super::heat::Heat;
use super::prediction::UNTRAINED;
use super::scale_line::ScaleLine;
use super::source_picture::with_picture;
use crate::analysis::Prediction;
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::tools::{Tool, Tools};
use crate::gui::view::{
    Canvas, Layer, Minimap, Pixels, TiledPicture, canvas_for, paint_badge, paint_cursor,
    paint_receptive_field, paint_scale_bar, receptive_box, stamp, whole_image_box,
};
use crate::gui::widgets::{action_button, bar_slider, empty_state_with, toggle};
use crate::network::receptive_window;
use crate::session::{Command, JobKind, Session};
use eframe::egui::{Color32, Ui};

/// Points that the pane's title takes.
const TITLE: f32 = 60.0;

pub(super) struct SourcePane {
    image: TiledPicture,
    mask: TiledPicture,
    minimap: Minimap,
    pub(super) minimap_shown: bool,
    pub(super) tools: Tools,
    /// Whether the receptive field is drawn.
    field: bool,
    heat: Heat,
    bar: BarEdge,
    scale: ScaleLine,
}

impl Default for SourcePane {
    fn default() -> Self {
        Self {
            image: TiledPicture::default(),
            mask: TiledPicture::default(),
            minimap: Minimap::default(),
            minimap_shown: true,
            tools: Tools::default(),
            field: true,
            heat: Heat::default(),
            bar: BarEdge::default(),
            scale: ScaleLine::default(),
        }
    }
}

impl PaneUi for SourcePane {
    fn title(&self) -> &'static str {
        "Source"
    }

    fn detail(&self, session: &Session) -> String {
        session.micrograph().map(|shown| shown.name().to_owned()).unwrap_or_default()
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        if desk.session.shown.is_none() {
            return;
        }
        for action in [Action::ActualSize, Action::Fit] {
            let pressed = action == Action::Fit && desk.view.is_fit();
            if toggle(ui, pressed, action.about().text, &action.hint(ui.ctx())) {
                desk.act(action);
            }
        }
        if let Some(main) = desk.view.main {
            let per_pixel = main.zoom * f64::from(ui.pixels_per_point());
            ui.label(small(format!("{:.0} %", per_pixel * 100.0)).color(Palette::of(ui).weak));
        }
        if has_mask(desk.session) {
            if toggle(ui, desk.session.overlay, "Mask", &Action::ToggleMask.hint(ui.ctx())) {
                desk.act(Action::ToggleMask);
            }
            if desk.session.overlay && ui.available_width() > 400.0 {
                let mut opacity = desk.session.opacity;
                let response = bar_slider(ui, &mut opacity, 0.0..=1.0, "Mask opacity");
                if response.on_hover_text("How much of the mask shows over the micrograph").changed() {
                    desk.send(Command::SetOpacity(opacity));
                }
            }
        }
        self.tools_ui(ui, desk);
        // The title needs the rest of a narrow pane; all have keys, and the scale stands in Info, too.
        let has_room = |ui: &Ui, width: f32| ui.available_width() > TITLE + width;
        if has_room(ui, 45.0) && toggle(ui, self.field, "Field", &Action::ToggleField.hint(ui.ctx())) {
            desk.act(Action::ToggleField);
        }
        let scale = Action::ScaleLine;
        if has_room(ui, 45.0) && toggle(ui, self.scale.active, scale.about().text, &scale.hint(ui.ctx())) {
            desk.act(scale);
        }
        let effective = Action::ToggleEffective;
        let shown = desk.session.effective.shown;
        if has_room(ui, 85.0) && toggle(ui, shown, effective.about().text, &effective.hint(ui.ctx())) {
            desk.act(effective);
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        let Some(shown) = &session.shown else {
            let busy = session.is_busy(JobKind::Open) || session.is_busy(JobKind::Plane);
            let (title, advice) = if busy {
                ("Opening…", "")
            } else {
                ("Nothing to look at yet", "Open a micrograph (Ctrl+O) or drop a file here.")
            };
            empty_state_with(ui, title, advice, |ui| {
                if !busy {
                    action_button(ui, desk, Action::Open, true);
                }
            });
            return;
        };
        let [height, width] = shown.size();
        let pans = self.tools.pans(ui, session, desk.view);
        self.heat.ask(ui, desk);
        let canvas = canvas_for(ui, desk.view, [width, height], "Source image", pans);
        desk.view.main = Some(canvas.placement);
        let minimap = self.minimap_shown;
        with_picture(session, shown, |picture, look| {
            // The levels that are better once they are built are drawn again then.
            let built = picture.is_coarse(&canvas) && picture.is_built();
            let layer = Layer::source(stamp((look, built)));
            self.image.paint(&canvas.painter, canvas.placement, layer, picture);
            self.mask(&canvas, session, [height, width]);
            self.bar.ui(ui, desk, &canvas, [width, height]);
            self.marks(ui, desk, &canvas, [width, height]);
            self.tools.ui(ui, desk, &canvas, [width, height]);
            if minimap {
                let layer = Layer::source(stamp((look, picture.is_built())));
                self.minimap.ui(ui, desk.view, &canvas, layer, picture);
            }
        });
        self.scale.ui(ui, desk, &canvas);
    }
}

impl SourcePane {
    /// The tools, right to left.
    fn tools_ui(&self, ui: &mut Ui, desk: &mut Desk<'_>) {
        if toggle(ui, self.minimap_shown, "Map", &Action::ToggleMinimap.hint(ui.ctx())) {
            desk.act(Action::ToggleMinimap);
        }
        for (action, tool) in [
            (Action::ToolRectangle, Tool::Rectangle),
            (Action::ToolLine, Tool::Line),
            (Action::ToolPan, Tool::Pan),
        ] {
            if toggle(ui, self.tools.tool == tool, action.about().text, &action.hint(ui.ctx())) {
                desk.act(action);
            }
        }
    }

    pub(super) fn toggle_field(&mut self) {
        self.field = !self.field;
    }

    pub(super) fn toggle_scale_line(&mut self) {
        self.scale.toggle();
    }

    fn mask(&mut self, canvas: &Canvas, session: &Session, shape: [usize; 2]) {
        if self.method_mask(canvas, session, shape) {
            return;
        }
        let Some(result) = &session.result else { return };
        let Prediction::Segmentation(segmentation) = &result.prediction else { return };
        let labels = &segmentation.labels.0;
        let fits = labels.dim() == (shape[0], shape[1]);
        if !session.overlay || !fits || !session.result_is_current() {
            return;
        }
        let palette: Vec<Color32> = segmentation
            .classes
            .iter()
            .enumerate()
            .map(|(index, class)| {
                let [r, g, b] = class.colour;
                if index == 0 { Color32::TRANSPARENT } else { Color32::from_rgb(r, g, b) }
            })
            .collect();
        let alpha = (session.opacity.clamp(0.0, 1.0) * 255.0).round() as u8;
        let tint = Color32::from_white_alpha(alpha);
        let layer = Layer { tint, ..Layer::source(stamp((result.key, "mask"))) };
        let pixels = Pixels::Labels { labels: labels.view(), palette: &palette };
        self.mask.paint(&canvas.painter, canvas.placement, layer, pixels);
    }

    /// The mask of a classical method that is looked at in the network's place; true where there is one.
    fn method_mask(&mut self, canvas: &Canvas, session: &Session, shape: [usize; 2]) -> bool {
        let (Some(compared), Some(row)) = (session.baselines_now(), session.trust.shown) else {
            return false;
        };
        let Some(row) = compared.baselines.rows.get(row).filter(|row| row.method.is_some()) else {
            return false;
        };
        if !session.overlay || row.mask.dim() != (shape[0], shape[1]) {
            return false;
        }
        let colour =
            session.model.as_ref().and_then(|model| model.card.classes.get(1)).map(|class| class.colour);
        let [r, g, b] = colour.unwrap_or([255, 255, 255]);
        let alpha = (session.opacity.clamp(0.0, 1.0) * 255.0).round() as u8;
        let layer = Layer::source(stamp((compared.key, row.name.as_str())));
        let layer = Layer { tint: Color32::from_white_alpha(alpha), ..layer };
        let palette = [Color32::TRANSPARENT, Color32::from_rgb(r, g, b)];
        let pixels = Pixels::Labels { labels: row.mask.view(), palette: &palette };
        self.mask.paint(&canvas.painter, canvas.placement, layer, pixels);
        true
    }

    /// The words over a mask that is not the network's.
    fn method_name(session: &Session) -> Option<String> {
        let row = session.baselines_now()?.baselines.rows.get(session.trust.shown?)?;
        (session.overlay && row.method.is_some()).then(|| format!("mask by {}", row.name))
    }

    /// Scale bar, receptive field, linked cursor and badges.
    fn marks(&mut self, ui: &Ui, desk: &Desk<'_>, canvas: &Canvas, size: [usize; 2]) {
        let (session, palette) = (desk.session, Palette::of(ui));
        let pixel = session.micrograph().and_then(|shown| shown.calibration().pixel());
        let pixel = pixel.as_ref();
        let measured = self.heat.paint(ui, session, canvas, size);
        if self.field
            && !measured
            && let Some(field) = desk.view.position().and_then(|at| seen_from(session, at, size))
        {
            paint_receptive_field(&canvas.painter, canvas.placement, field, pixel, palette);
        }
        paint_scale_bar(&canvas.painter, canvas.placement, pixel);
        if let Some(cursor) = desk.view.position() {
            paint_cursor(&canvas.painter, canvas.placement, cursor, palette.accent);
        }
        let opened = session.current.and_then(|current| session.opened.get(current));
        let place = opened.and_then(place_in_stack);
        // While a stack plays the number would flicker.
        let reading = session.is_busy(JobKind::Plane) && !desk.player.playing;
        let untrained = session.overlay
            && session.result_is_current()
            && has_mask(session)
            && session.result.as_ref().is_some_and(|result| result.model.card.is_untrained());
        let badge = if reading {
            Some("reading…".to_owned())
        } else if let Some(name) = Self::method_name(session) {
            Some(place.map_or(name.clone(), |place| format!("{place}, {name}")))
        } else if untrained {
            Some(place.map_or(UNTRAINED.to_owned(), |place| format!("{place}, {UNTRAINED}")))
        } else {
            place
        };
        if let Some(badge) = badge {
            paint_badge(&canvas.painter, canvas.placement, &badge);
        }
    }
}

/// Which frame and channel this is, where there are several.
fn place_in_stack(opened: &crate::session::Opened) -> Option<String> {
    let micrograph = &opened.micrograph;
    let mut parts = Vec::new();
    if micrograph.frames() > 1 {
        let last = format::thousands(micrograph.frames() as u64);
        parts.push(format!("frame {} of {last}", format::thousands(opened.frame as u64 + 1)));
    }
    let names = micrograph.channel_names();
    if opened.composite {
        let on =
            names.iter().zip(&opened.looks).filter(|(_, look)| look.visible).map(|(name, _)| name.as_str());
        parts.push(on.collect::<Vec<_>>().join(" + "));
    } else if micrograph.channels() > 1 {
        parts.extend(names.get(opened.channel).cloned());
    }
    parts.retain(|part| !part.is_empty());
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn has_mask(session: &Session) -> bool {
    matches!(session.result.as_ref().map(|result| &result.prediction), Some(Prediction::Segmentation(_)))
}

/// The source rectangle that the shown node's feature at a source position can see.
fn seen_from(session: &Session, [x, y]: [f64; 2], size: [usize; 2]) -> Option<[f64; 4]> {
    let features = session.features.as_ref()?;
    if !session.result_is_current() {
        return None;
    }
    let pixel = features.maps.pixel_at([y, x])?;
    let model = &session.result.as_ref()?.model;
    let place = model.graph.nodes().iter().position(|node| node.name == features.maps.node)?;
    let Some(window) = receptive_window(&model.graph, place, pixel) else {
        return Some(whole_image_box(size));
    };
    if window.iter().any(std::ops::Range::is_empty) {
        return None;
    }
    let size = [size[0], session.shown.as_ref().map_or(size[1], |shown| shown.specimen_rows)];
    let per_input = model.card.input_size.map_or([1.0, 1.0], |[height, width]| {
        [size[1] as f64 / height.max(1) as f64, size[0] as f64 / width.max(1) as f64]
    });
    Some(receptive_box(window, per_input))
}
