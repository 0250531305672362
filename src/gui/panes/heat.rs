//! The effective receptive field over the source: how strongly each pixel moves the value that is looked at.
mod rest;

pub(super) use rest::point_at;

use crate::analysis::Probe;
use crate::gui::desk::Desk;
use crate::gui::theme::Palette;
use crate::gui::view::{Canvas, Mark, paint_mark, receptive_box, whole_image_box};
use crate::imaging::{Colormap, PixelSize};
use crate::inspect::EffectiveField;
use crate::session::{Command, Session};
use eframe::egui::{Color32, ColorImage, Context, Rect, TextureHandle, TextureOptions, Ui, pos2};
use ndarray::{Array2, s};
use rest::Rest;

/// Longest side of the texture; larger fields show the largest of the pixels that fall together.
const LONGEST: usize = 1024;
/// Opacity of the strongest pixel.
const OPACITY: f32 = 0.88;

/// The texture of the field that was drawn last, and of what the next is asked for.
#[derive(Default)]
pub(super) struct Heat {
    made: Option<(u64, TextureHandle)>,
    /// What was chosen when it was last asked for.
    chosen: Option<Probe>,
    /// What was asked for last: what was chosen, or what the pointer rested on since.
    asked: Option<Probe>,
    rest: Rest,
}

/// The value that is looked at: of the chosen node the chosen feature, at the place that was clicked, else its middle.
pub(in crate::gui) fn wanted(session: &Session, pin: Option<[f64; 2]>) -> Option<Probe> {
    let node = session.node.clone()?;
    session.model.as_ref()?.graph.node(&node)?;
    let maps = session.features.as_ref().map(|features| &features.maps).filter(|maps| maps.node == node);
    let maps = maps.filter(|_| session.result_is_current());
    let at = maps.zip(pin).and_then(|(maps, [x, y])| maps.pixel_at([y, x]));
    Some(Probe { node, feature: session.feature.filter(|_| maps.is_some()), at })
}

impl Heat {
    /// Asks for the field of what is looked at, once: of what is chosen as soon as it is chosen, and then of any feature
    /// that the pointer rests on.
    pub(super) fn ask(&mut self, ui: &Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        if !session.effective.shown || session.shown.is_none() || session.nodes.is_err() {
            (self.chosen, self.asked, self.rest) = (None, None, Rest::default());
            return;
        }
        let chosen = wanted(session, desk.view.pin);
        let rested = self.rest.on(ui, desk.view.hovered.as_ref());
        let stands = self.asked.as_ref().is_some_and(|probe| session.is_asked(probe));
        let next = if chosen != self.chosen || !stands {
            self.rest.is_over();
            self.chosen.clone_from(&chosen);
            chosen
        } else {
            rested
        };
        let Some(probe) = next else { return };
        if !session.is_asked(&probe) {
            desk.send(Command::MeasureField(probe.clone()));
        }
        self.asked = Some(probe);
    }

    /// Draws the field that was measured last, what it can see and what it really sees; false where there is none.
    pub(super) fn paint(&mut self, ui: &Ui, session: &Session, canvas: &Canvas, size: [usize; 2]) -> bool {
        let Some(measured) = session.effective_now() else { return false };
        let field = &*measured.field;
        if self.made.as_ref().is_none_or(|(key, _)| *key != measured.key) {
            self.made = Some((measured.key, texture(ui.ctx(), field)));
        }
        let (height, width) = field.values.dim();
        let over = |[top, left]: [f64; 2], [height, width]: [f64; 2]| {
            let [down, across] = field.scale;
            [left * across, top * down, width * across, height * down]
        };
        let place = over(field.origin.map(|at| at as f64), [height as f64, width as f64]);
        if let Some((_, texture)) = &self.made {
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            canvas.painter.image(texture.id(), canvas.placement.screen_rect(place), whole, Color32::WHITE);
        }
        let pixel = session.micrograph().and_then(|shown| shown.calibration().pixel());
        let palette = Palette::of(ui);
        let can_see = match &field.window {
            Some(window) => receptive_box(window.clone(), field.scale),
            None => whole_image_box(size),
        };
        let name = field.feature.map_or(field.node.clone(), |feature| format!("{} {feature}", field.node));
        let text = format!("{name} can see {}", lengths(can_see, pixel.as_ref()));
        let mark = Mark { source: can_see, colour: palette.sections[2], text: &text, above: true };
        paint_mark(&canvas.painter, canvas.placement, mark);
        let extent = &field.extent;
        let sees = over(
            [extent.rows.start as f64, extent.columns.start as f64],
            extent.size().map(|length| length as f64),
        );
        let text = if field.is_dark() {
            "sees nothing here: no pixel moves this value".to_owned()
        } else {
            format!("really sees {}", lengths(sees, pixel.as_ref()))
        };
        let mark = Mark { source: sees, colour: palette.accent, text: &text, above: false };
        paint_mark(&canvas.painter, canvas.placement, mark);
        true
    }
}

/// Width by height in px of the micrograph, and as lengths where it is calibrated.
fn lengths([_, _, width, height]: [f64; 4], pixel: Option<&PixelSize>) -> String {
    crate::gui::ruler::box_words([width, height], pixel)
}

/// Bright and opaque where the value hangs on a pixel, clear where it does not.
fn texture(ctx: &Context, field: &EffectiveField) -> TextureHandle {
    let values = reduced(&field.values);
    let most = field.most().max(f32::MIN_POSITIVE);
    let texel = |value: &f32| {
        // A few pixels at the middle outdo all others: by the cubic root these are seen, too.
        let share = (value / most).clamp(0.0, 1.0).cbrt();
        let [r, g, b] = Colormap::Inferno.rgb(0.25 + 0.75 * share);
        Color32::from_rgba_unmultiplied(r, g, b, (share * OPACITY * 255.0).round() as u8)
    };
    let (height, width) = values.dim();
    let image = ColorImage::new([width, height], values.iter().map(texel).collect());
    let options =
        TextureOptions { magnification: eframe::egui::TextureFilter::Nearest, ..TextureOptions::LINEAR };
    ctx.load_texture("effective field", image, options)
}

/// At most [`LONGEST`] a side, by the largest of each block.
fn reduced(values: &Array2<f32>) -> Array2<f32> {
    let (height, width) = values.dim();
    let step = height.max(width).div_ceil(LONGEST).max(1);
    if step == 1 {
        return values.clone();
    }
    Array2::from_shape_fn((height.div_ceil(step), width.div_ceil(step)), |(y, x)| {
        let rows = y * step..((y + 1) * step).min(height);
        let columns = x * step..((x + 1) * step).min(width);
        values.slice(s![rows, columns]).iter().copied().fold(0.0, f32::max)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_field_is_reduced_to_its_largest_pixels() {
        let mut values = Array2::zeros((2050, 3));
        values[[2049, 2]] = 7.0;
        values[[3, 0]] = 5.0;
        let small = reduced(&values);
        assert_eq!(small.dim(), (684, 1));
        assert_eq!((small[[683, 0]], small[[1, 0]], small.sum()), (7.0, 5.0, 12.0));
        assert_eq!(reduced(&small), small);
    }
}
