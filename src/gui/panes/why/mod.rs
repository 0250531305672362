//! Why a class is predicted here: a heat map over the micrograph, or what each microscope channel is worth.
mod bars;
mod controls;

use super::PaneUi;
use super::source_picture::with_picture;
use crate::analysis::AttributionMethod;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::view::{Layer, TiledPicture, canvas, paint_badge, paint_cursor};
use crate::gui::widgets::{bar_slider, colour_bar, empty_state};
use crate::imaging::Colormap;
use crate::inspect::Attribution;
use crate::session::{Explained, HeatPlane, JobKind, Session};
use bars::bars_ui;
use controls::Controls;
use eframe::egui::{
    Color32, ColorImage, Context, Rect, ScrollArea, TextureFilter, TextureHandle, TextureOptions, Ui, pos2,
    vec2,
};

/// Height of the colour bar and the lines below the picture.
const BELOW: f32 = 62.0;

/// The explanation that was drawn last, and how it looks.
pub(super) struct WhyPane {
    controls: Controls,
    picture: TiledPicture,
    heat: Option<(u64, TextureHandle)>,
    opacity: f32,
}

impl Default for WhyPane {
    fn default() -> Self {
        let (controls, picture) = (Controls::default(), TiledPicture::default());
        Self { controls, picture, heat: None, opacity: 0.85 }
    }
}

impl PaneUi for WhyPane {
    fn title(&self) -> &'static str {
        "Why"
    }

    fn detail(&self, session: &Session) -> String {
        let explained = session.attributing.explained.as_ref();
        explained.map(|explained| format!("{}?", explained.found.class_name)).unwrap_or_default()
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        if desk.session.attributing.explained.as_ref().is_some_and(|explained| explained.heat.is_some()) {
            let response = bar_slider(ui, &mut self.opacity, 0.0..=1.0, "Opacity of the heat map");
            response.on_hover_text("How much of the heat map shows over the micrograph");
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        if session.shown.is_none() {
            empty_state(ui, "Nothing to explain yet", "Open a micrograph (Ctrl+O) and choose a model.");
            return;
        }
        let Some(model) = session.model.clone() else {
            let advice =
                "Choose one under Model at the top: here you see what of the image its answer hangs on.";
            empty_state(ui, "No model chosen", advice);
            return;
        };
        if let Err(reason) = &session.nodes {
            empty_state(ui, "This model does not fit", reason);
            return;
        }
        self.controls.ui(ui, desk, &model);
        ui.add_space(2.0);
        if session.is_busy(JobKind::Attribute) {
            progress_ui(ui, session);
        }
        let Some(explained) = session.attributing.explained.clone() else {
            let (title, advice) = if session.is_busy(JobKind::Attribute) {
                ("Computing…", "The answer appears here.")
            } else {
                ("Why is it called so?", self.controls.about())
            };
            empty_state(ui, title, advice);
            return;
        };
        let earlier = session.explained_now().is_none();
        match &explained.heat {
            Some(heat) => self.heat_ui(ui, desk, (&explained, heat), earlier),
            None => ablation_ui(ui, &explained.found, earlier),
        }
    }
}

impl WhyPane {
    fn heat_ui(
        &mut self,
        ui: &mut Ui,
        desk: &mut Desk<'_>,
        (explained, heat): (&Explained, &HeatPlane),
        earlier: bool,
    ) {
        let session = desk.session;
        let Some(shown) = &session.shown else { return };
        let [height, width] = shown.size();
        let space = vec2(ui.available_width(), (ui.available_height() - BELOW).max(20.0));
        ui.allocate_ui(space, |ui| {
            let canvas = canvas(ui, desk.view, [width, height], "Why image");
            with_picture(session, shown, |picture, stamp| {
                self.picture.paint(&canvas.painter, canvas.placement, Layer::source(stamp), picture);
            });
            if !earlier {
                if self.heat.as_ref().is_none_or(|(key, _)| *key != explained.key) {
                    self.heat = Some((explained.key, texture(ui.ctx(), heat)));
                }
                if let Some((_, texture)) = &self.heat {
                    let [down, across] = heat.covers.map(|length| length as f64);
                    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                    let rect = canvas.placement.screen_rect([0.0, 0.0, across, down]);
                    let tint = Color32::WHITE.gamma_multiply(self.opacity);
                    canvas.painter.image(texture.id(), rect, whole, tint);
                }
            }
            if let Some(cursor) = desk.view.position() {
                paint_cursor(&canvas.painter, canvas.placement, cursor, Palette::of(ui).accent);
            }
            if canvas.response.clicked() {
                desk.view.pin = desk.view.cursor;
            }
            let badge = if earlier {
                "of another image or model: explain again".to_owned()
            } else {
                badge(desk, heat)
            };
            paint_badge(&canvas.painter, canvas.placement, &badge);
        });
        legend_ui(ui, heat);
        ScrollArea::vertical().id_salt("why numbers").auto_shrink(false).show(ui, |ui| {
            for line in lines(&explained.found) {
                ui.label(small(line).color(Palette::of(ui).text));
            }
        });
    }
}

/// The value under the cursor.
fn badge(desk: &Desk<'_>, heat: &HeatPlane) -> String {
    let (rows, columns) = heat.values.dim();
    let place = desk.view.position().and_then(|[x, y]| {
        let at = |at: f64, covers: usize, length: usize| {
            let index = at / covers.max(1) as f64 * length as f64;
            (index >= 0.0 && index < length as f64).then_some(index as usize)
        };
        Some([at(y, heat.covers[0], rows)?, at(x, heat.covers[1], columns)?])
    });
    match place {
        Some(place) => format::value(f64::from(heat.values[place])),
        None => format!("up to {}", format::value(f64::from(heat.reach))),
    }
}

fn progress_ui(ui: &mut Ui, session: &Session) {
    if let Some(progress) = session.progress().into_iter().find(|job| job.kind == JobKind::Attribute) {
        let left = progress.remaining.map(|left| format!(", {} left", format::duration(left)));
        let text = format!("{}{}", progress.stage, left.unwrap_or_default());
        let bar = eframe::egui::ProgressBar::new(progress.fraction).desired_height(5.0);
        ui.add(bar).on_hover_text(text);
    }
}

/// From no evidence to the strongest.
fn legend_ui(ui: &mut Ui, heat: &HeatPlane) {
    let (low, high, colour): (f64, f64, fn(f32) -> Color32) = if heat.signed {
        (-f64::from(heat.reach), f64::from(heat.reach), |unit| rgb(Colormap::Signed.rgb(unit)))
    } else {
        (0.0, f64::from(heat.reach), |unit| rgb(Colormap::Magma.rgb(unit)))
    };
    ui.horizontal(|ui| {
        let weak = Palette::of(ui).weak;
        ui.label(small(format::value(low)).color(weak));
        let number = format::value(high);
        ui.scope(|ui| {
            ui.set_max_width((ui.available_width() - 64.0).max(20.0));
            let hint = if heat.signed {
                "Blue speaks against the class, red for it; 99.5 % of the values lie within these ends"
            } else {
                "99.5 % of the values lie below the end; paler places count less"
            };
            colour_bar(ui, "Colours of the heat map", colour).on_hover_text(hint);
        });
        ui.label(small(number).color(weak));
    });
}

/// What an ablation found: a bar a channel, and the numbers.
fn ablation_ui(ui: &mut Ui, found: &Attribution, earlier: bool) {
    ScrollArea::vertical().id_salt("why channels").auto_shrink(false).show(ui, |ui| {
        if earlier {
            ui.label(small("of another image or model: explain again").color(Palette::of(ui).warning));
        }
        bars_ui(ui, found);
        ui.add_space(4.0);
        for line in lines(found) {
            ui.label(small(line).color(Palette::of(ui).text));
        }
    });
}

/// The numbers in words, as the command line prints them.
fn lines(found: &Attribution) -> Vec<String> {
    let score = &found.score;
    let sure = score.probability.map(|p| format!(", mean probability {}", format::percent(p)));
    let places = if score.places == 1 {
        String::new()
    } else {
        format!(" summed over {} pixels", format::thousands(score.places))
    };
    let mut lines = vec![format!(
        "{} of {}: logit {}{places}{}",
        found.class_name,
        found.over,
        format::value(score.logit),
        sure.unwrap_or_default()
    )];
    if let Some(node) = &found.node {
        lines.push(format!("Maps of {node}, weighted by their mean gradient"));
    }
    if let Some(completeness) = &found.completeness {
        let change = score.logit - completeness.baseline_logit;
        let share = if change == 0.0 { 0.0 } else { (completeness.gap / change).abs() };
        lines.push(format!(
            "Completeness: the logit rises by {} from the baseline, {} of it unexplained",
            format::value(change),
            format::percent(share)
        ));
    }
    if let Some(iou) = found.iou {
        lines.push(format!("IoU {iou:.3} with all channels"));
    }
    lines
}

fn texture(ctx: &Context, heat: &HeatPlane) -> TextureHandle {
    let reach = heat.reach.max(f32::MIN_POSITIVE);
    let texel = |value: &f32| {
        let part = (value / reach).clamp(-1.0, 1.0);
        let [r, g, b] = if heat.signed {
            Colormap::Signed.rgb(part.midpoint(1.0))
        } else {
            Colormap::Magma.rgb(part.abs())
        };
        Color32::from_rgba_unmultiplied(r, g, b, (part.abs().sqrt() * 255.0).round() as u8)
    };
    let (height, width) = heat.values.dim();
    let image = ColorImage::new([width, height], heat.values.iter().map(texel).collect());
    let options = TextureOptions { magnification: TextureFilter::Nearest, ..TextureOptions::LINEAR };
    ctx.load_texture("heat map", image, options)
}

fn rgb([r, g, b]: [u8; 3]) -> Color32 {
    Color32::from_rgb(r, g, b)
}

/// What a method shows and what it needs, for those who have not met it.
fn about(method: &AttributionMethod) -> &'static str {
    match method {
        AttributionMethod::Gradient => {
            "Where a small change of a pixel would move the class's score most (Simonyan et al. 2013)."
        }
        AttributionMethod::GradientInput => {
            "The gradient times the image: what each pixel would add, were the network linear."
        }
        AttributionMethod::SmoothGrad { .. } => {
            "The gradient, averaged over noisy copies of the image: less speckle (Smilkov et al. 2017)."
        }
        AttributionMethod::Integrated { .. } => {
            "Shares the score's rise from a baseline out among the pixels; what is left over is told as the gap (Sundararajan et al. 2017)."
        }
        AttributionMethod::GradCam { .. } => {
            "A deep layer's maps, weighted by what the class gains by each (Selvaraju et al. 2017); of a segmenter Seg-Grad-CAM (Vinogradova et al. 2020)."
        }
        AttributionMethod::Occlusion { .. } => {
            "Covers the image square by square and shows how far the score falls (Zeiler and Fergus 2014). No gradient is trusted, but many runs are needed."
        }
        AttributionMethod::Ablation { .. } => {
            "Silences one microscope channel after another: how much each matters for the class."
        }
    }
}
