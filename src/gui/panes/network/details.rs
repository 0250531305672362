//! What is known of the chosen node: what it is told, what one of its pixels can see, and what that really sees.
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::ruler::Ruler;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::widgets::{at_right, toggle};
use crate::network::{Graph, NodeCost, receptive_window};
use crate::session::{JobKind, Session};
use eframe::egui::{Label, Ui};
use std::ops::Range;
use std::sync::Arc;

type Window = Option<[Range<i64>; 2]>;

/// The last window that was asked for: finding it walks over the whole network.
#[derive(Default)]
pub(super) struct Details {
    window: Option<(usize, usize, [usize; 2], Window)>,
}

/// Height in points.
pub(super) const HEIGHT: f32 = 66.0;

impl Details {
    /// Draws three lines about the chosen node.
    pub(super) fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, nodes: &[NodeCost], ruler: &Ruler) {
        let session = desk.session;
        let palette = Palette::of(ui);
        ui.spacing_mut().item_spacing.y = 2.0;
        let chosen = session.node.as_ref().and_then(|name| nodes.iter().position(|node| node.name == *name));
        let Some(place) = chosen else {
            let text = "Click a node to see what its pixels see of the micrograph";
            ui.add(Label::new(small(text).color(palette.weak)).truncate());
            return;
        };
        let node = &nodes[place];
        ui.horizontal(|ui| {
            ui.label(strong(&node.name).size(11.5).color(palette.strong));
            at_right(ui, |ui| {
                let shown = session.effective.shown;
                if toggle(ui, shown, "Really sees", &Action::ToggleEffective.hint(ui.ctx())) {
                    desk.act(Action::ToggleEffective);
                }
                let words = [node.kind.as_str(), node.attributes.as_str()];
                let words: Vec<_> = words.into_iter().filter(|words| !words.is_empty()).collect();
                ui.add(Label::new(small(words.join(", ")).color(palette.weak)).truncate());
            });
        });
        if let Some(model) = &session.model {
            let at = output_place(desk, node);
            let key = Arc::as_ptr(model).addr();
            let text = self.can_see(&model.graph, (key, place, at), ruler);
            ui.add(Label::new(small(&text).color(palette.text)).truncate()).on_hover_text(text);
        }
        let text = really_sees(session, ruler);
        ui.add(Label::new(small(&text).color(palette.accent)).truncate()).on_hover_text(
            "Measured by the gradient of this value with respect to the image: the box holds at least 95 % of its squared \
             size (Luo et al. 2016). Click in the feature map to choose the place.",
        );
    }

    /// The exact part of the input that the output at a place can see.
    fn can_see(
        &mut self,
        graph: &Graph,
        (model, node, at): (usize, usize, [usize; 2]),
        ruler: &Ruler,
    ) -> String {
        let kept = self.window.as_ref().filter(|kept| (kept.0, kept.1, kept.2) == (model, node, at));
        let window = if let Some((.., window)) = kept {
            window.clone()
        } else {
            let window = receptive_window(graph, node, at);
            self.window = Some((model, node, at, window.clone()));
            window
        };
        let [y, x] = at;
        match window {
            None => format!("At y {y}, x {x} it can see the whole image"),
            Some(window) if window.iter().any(Range::is_empty) => {
                format!("At y {y}, x {x} it sees nothing of the image, only padding")
            }
            Some([rows, columns]) => format!(
                "At y {y}, x {x} it can see rows {} and columns {}: {}",
                span(&rows),
                span(&columns),
                ruler.of_input([rows.end - rows.start, columns.end - columns.start].map(|n| n as f64))
            ),
        }
    }
}

/// First and last.
fn span(range: &Range<i64>) -> String {
    format!("{} to {}", number(range.start), number(range.end - 1))
}

fn number(number: i64) -> String {
    number.to_string().replace('-', "−")
}

/// The output under the cursor or pin where the node's maps are shown, else its middle.
fn output_place(desk: &Desk<'_>, node: &NodeCost) -> [usize; 2] {
    let maps = desk.session.features.as_ref().map(|features| &features.maps);
    let maps = maps.filter(|maps| maps.node == node.name && desk.session.result_is_current());
    let pointed = maps.zip(desk.view.position()).and_then(|(maps, [x, y])| maps.pixel_at([y, x]));
    let middle = match node.shape[..] {
        [_, height, width] => [height / 2, width / 2],
        _ => [0, 0],
    };
    pointed.unwrap_or(middle)
}

/// What was measured of the value that is looked at.
fn really_sees(session: &Session, ruler: &Ruler) -> String {
    if !session.effective.shown {
        return String::new();
    }
    if session.is_busy(JobKind::Effective) {
        return "Measuring what it really sees…".to_owned();
    }
    let Some(measured) = session.effective_now() else {
        return "Nothing is measured of this node yet".to_owned();
    };
    let field = &*measured.field;
    let of =
        field.feature.map_or("The sum of all features".to_owned(), |feature| format!("Feature {feature}"));
    if field.is_dark() {
        return format!("{of} does not change here with any pixel of this image");
    }
    let size = ruler.of_input(field.extent.size().map(|length| length as f64));
    format!("{of} really sees {size}: {} of its gradient", format::percent(field.extent.held))
}
