//! How the source is shown: histogram, window, tone and colours, and the channels of a composite.

mod channels;
mod controls;
mod histogram;
mod legend;

use super::PaneUi;
use crate::gui::desk::Desk;
use crate::gui::theme::small;
use crate::gui::widgets::{empty_state, toggle};
use crate::session::{Command, Shown};
use channels::channels_ui;
use controls::controls_ui;
use eframe::egui::{Button, ScrollArea, Ui, vec2};
use histogram::{Curve, HistogramPlot, Sight};
use legend::legend_ui;

/// Height of a line of controls.
const LINE: f32 = 20.0;
/// Between lines.
const GAP: f32 = 4.0;
/// The histogram is never lower than this; what does not fit below is scrolled to.
const LEAST_PLOT: f32 = 64.0;

#[derive(Default)]
pub(super) struct ContrastPane {
    plot: HistogramPlot,
}

impl PaneUi for ContrastPane {
    fn title(&self) -> &'static str {
        "Contrast"
    }

    fn detail(&self, session: &crate::session::Session) -> String {
        let named = session.shown.as_ref().zip(session.micrograph()).filter(|(_, own)| own.channels() > 1);
        named.and_then(|(shown, own)| own.channel_names().get(shown.channel).cloned()).unwrap_or_default()
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        if desk.session.shown.is_none() {
            return;
        }
        let auto = Button::new(small("Auto"));
        let hint = "From the percentiles of the data, anew for every plane";
        let by_hand = desk.session.look().is_some_and(|look| look.contrast.is_some());
        if ui.add_enabled(by_hand, auto).on_hover_text(hint).clicked() {
            desk.send(Command::SetContrast(None));
        }
        if toggle(ui, self.plot.logarithmic, "log n", "Logarithmic counts, to see rare values") {
            self.plot.logarithmic = !self.plot.logarithmic;
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        let (Some(shown), Some(display)) = (&session.shown, session.display_now()) else {
            empty_state(ui, "No histogram", "It shows the grey values of the open micrograph.");
            return;
        };
        let height = (ui.available_height() - below(desk)).max(LEAST_PLOT);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let spacing = ui.spacing_mut();
            spacing.item_spacing.y = GAP;
            spacing.interact_size.y = LINE;
            spacing.button_padding = vec2(7.0, 2.0);
            let curve = Curve { contrast: display.contrast, tone: display.tone };
            let sight = Sight { height, under: under_cursor(desk, shown) };
            if let Some(changed) = self.plot.ui(ui, &shown.histogram, curve, sight) {
                if changed.contrast != curve.contrast {
                    desk.send(Command::SetContrast(Some(changed.contrast)));
                }
                if changed.tone != curve.tone {
                    desk.send(Command::SetTone(changed.tone));
                }
            }
            legend_ui(ui, desk, display, shown.histogram.not_finite);
            channels_ui(ui, desk);
            controls_ui(ui, desk, display, &shown.histogram);
        });
    }
}

/// The value of the shown plane at the linked cursor, where that is on the specimen.
fn under_cursor(desk: &Desk<'_>, shown: &Shown) -> Option<f64> {
    let [x, y] = desk.view.position()?;
    let inside = x >= 0.0 && y >= 0.0 && (y as usize) < shown.specimen_rows;
    let value = inside.then(|| shown.plane.value(y as usize, x as usize))?;
    value.is_finite().then_some(value)
}

/// Height of all that is below the histogram.
fn below(desk: &Desk<'_>) -> f32 {
    let (frames, channels) = desk.session.micrograph().map_or((1, 1), |own| (own.frames(), own.channels()));
    let lines = 4 + usize::from(frames > 1) + channels::lines(channels);
    lines as f32 * (LINE + GAP) + legend::HEIGHT + 2.0 * GAP
}
