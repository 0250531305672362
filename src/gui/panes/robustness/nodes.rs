//! Every node with how far its feature maps are from following.
use crate::analysis::{Equivariance, NodeEquivariance};
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::session::{Command, RobustnessCommand};
use eframe::egui::{self, Align2, FontId, Rect, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

const ROW: f32 = 19.0;

/// Draws the table; true when a node was clicked.
pub(super) fn ui(ui: &mut Ui, desk: &mut Desk<'_>, found: &Equivariance) -> bool {
    let weak = Palette::of(ui).weak;
    let text = "‖difference‖ / ‖features‖";
    let hint = "How far T⁻¹ f(T x) is from f(x), in the interior where there is one. 0 follows exactly. A hollow mark: \
                the movement does not meet this node's grid, and part of the difference is interpolation. Click a node \
                to see where it differs.";
    ui.label(small(text).color(weak)).on_hover_text(hint);
    if !found.left_out.is_empty() {
        let text = format!("{} took too much memory", format::plural(found.left_out.len(), "node"));
        ui.label(small(text).color(Palette::of(ui).warning)).on_hover_text(found.left_out.join(", "));
    }
    let most = found.nodes.iter().filter_map(relative).fold(0.0_f64, f64::max);
    let mut clicked = false;
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, ROW, found.nodes.len(), |ui, rows| {
        for node in found.nodes.iter().skip(rows.start).take(rows.len()) {
            if row_ui(ui, desk, node, most) {
                clicked = true;
                desk.send(Command::SelectNode(node.node.clone()));
                desk.send(Command::Robustness(RobustnessCommand::MapNode(node.node.clone())));
            }
        }
    });
    clicked
}

/// In the interior where there is one.
fn relative(node: &NodeEquivariance) -> Option<f64> {
    node.interior.or(node.whole)?.relative
}

fn row_ui(ui: &mut Ui, desk: &Desk<'_>, node: &NodeEquivariance, most: f64) -> bool {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let selected = desk.session.node.as_deref() == Some(node.node.as_str());
    let name = format!("Difference of {}", node.node);
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, selected, &name));
    let painter = ui.painter_at(rect);
    if selected || response.hovered() {
        let fill = if selected { palette.selected } else { palette.control };
        painter.rect_filled(rect, 3.0, fill);
    }
    let value = relative(node);
    let share = value.filter(|_| most > 0.0).map_or(0.0, |value| (value / most) as f32);
    let bar = Rect::from_min_max(
        pos2(rect.right() - 116.0, rect.top() + 6.0),
        pos2(rect.right() - 52.0, rect.bottom() - 6.0),
    );
    painter.rect_filled(bar, 2.0, palette.control);
    let filled = Rect::from_min_size(bar.min, vec2(bar.width() * share.clamp(0.0, 1.0), bar.height()));
    if node.on_grid {
        painter.rect_filled(filled, 2.0, palette.accent);
    } else {
        let line = egui::Stroke::new(1.0, palette.accent);
        painter.rect_stroke(filled, 2.0, line, egui::StrokeKind::Inside);
    }
    let text = value.map_or("–".to_owned(), |value| format!("{value:.4}"));
    let font = FontId::proportional(11.0);
    let words = painter.with_clip_rect(Rect::from_min_max(rect.min, pos2(bar.left() - 6.0, rect.bottom())));
    words.text(
        rect.left_center() + vec2(5.0, 0.0),
        Align2::LEFT_CENTER,
        &node.node,
        font.clone(),
        palette.strong,
    );
    painter.text(rect.right_center() - vec2(4.0, 0.0), Align2::RIGHT_CENTER, text, font, palette.text);
    response.on_hover_text(meaning(node)).clicked()
}

fn meaning(node: &NodeEquivariance) -> String {
    let words = |name: &str, of: Option<crate::analysis::NodeAgreement>| match of {
        None => format!("{name}: nothing to compare"),
        Some(of) => {
            let relative = of.relative.map_or("–".to_owned(), |value| format!("{value:.5}"));
            let correlation = of.correlation.map_or("–".to_owned(), |value| format!("{value:.5}"));
            format!("{name}: {relative}, correlation {correlation}, {} px", format::thousands(of.pixels))
        }
    };
    let grid =
        if node.on_grid { "Its pixels come to lie on pixels." } else { "Interpolated on the way back." };
    format!("{}\n{}\n{}\n{grid}", node.node, words("Whole", node.whole), words("Interior", node.interior))
}
