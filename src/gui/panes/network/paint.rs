//! Puts the drawing on the screen: only what is in sight, and writing only where it can be read.
use super::camera::Camera;
use super::heat::{Costs, Heat};
use super::plan::Plan;
use super::thumbnails::Thumbnail;
use crate::gui::theme::{Palette, strong_family};
use crate::network::{Drawn, DrawnBox, DrawnEdge};
use eframe::egui::{
    Align2, Color32, CornerRadius, FontFamily, FontId, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Ui,
    pos2, vec2,
};

/// Writing is left out when it would be smaller, in points.
const SMALLEST: f32 = 4.5;
/// What a search did not find.
const DIM: f32 = 0.22;

/// A frame of the drawing.
pub(super) struct Painting<'a> {
    pub(super) plan: &'a Plan,
    pub(super) camera: Camera,
    pub(super) pane: Rect,
    pub(super) heat: (Heat, &'a Costs),
    /// One entry a box.
    pub(super) thumbnails: &'a [Option<Thumbnail>],
    /// The chosen box, and the one that is pointed at.
    pub(super) marked: [Option<usize>; 2],
}

impl Painting<'_> {
    pub(super) fn paint(&self, ui: &Ui) {
        let (painter, palette) = (ui.painter(), Palette::of(ui));
        self.bands(painter, palette);
        self.frames(painter, palette);
        self.sheets(painter, palette);
        let edges = &self.plan.drawing.edges;
        let is_marked = |edge: &DrawnEdge| {
            self.marked.iter().flatten().any(|place| edge.from == *place || edge.to == *place)
        };
        edges.iter().filter(|edge| !is_marked(edge)).for_each(|edge| self.edge(painter, edge, palette.weak));
        edges.iter().filter(|edge| is_marked(edge)).for_each(|edge| self.edge(painter, edge, palette.accent));
        for (place, one) in self.plan.drawing.boxes.iter().enumerate() {
            let rect = self.rect(one);
            if rect.expand(4.0).intersects(self.pane) {
                self.one(painter, palette, (place, one, rect));
            }
        }
    }

    pub(super) fn rect(&self, one: &DrawnBox) -> Rect {
        self.camera.rect(self.pane, &one.area)
    }

    fn at(&self, point: [f32; 2]) -> Pos2 {
        self.camera.to_screen(self.pane, point)
    }

    /// Text of a size in the drawing, to the left of a width; in steps of half a point, so that glyphs are drawn once.
    fn text(
        &self,
        painter: &Painter,
        (at, anchor, room): (Pos2, Align2, f32),
        text: &str,
        (font, colour): (FontId, Color32),
    ) {
        let size = (font.size * self.camera.zoom * 2.0).round() / 2.0;
        if size < SMALLEST || text.is_empty() {
            return;
        }
        let mut job = eframe::egui::text::LayoutJob::simple_singleline(
            text.to_owned(),
            FontId { size, ..font },
            colour,
        );
        job.wrap = eframe::egui::text::TextWrapping::truncate_at_width(room.max(4.0));
        let galley = painter.layout_job(job);
        let place = anchor.anchor_size(at, galley.size());
        painter.galley(place.min, galley, colour);
    }

    fn bands(&self, painter: &Painter, palette: &Palette) {
        let bands = &self.plan.drawing.bands;
        for pair in bands.windows(2) {
            let y = self.at([0.0, f32::midpoint(pair[0].top + pair[0].height, pair[1].top)]).y;
            let line = Stroke::new(1.0, palette.line);
            if self.pane.y_range().contains(y) {
                painter.extend(Shape::dashed_line(
                    &[pos2(self.pane.left(), y), pos2(self.pane.right(), y)],
                    line,
                    3.0,
                    5.0,
                ));
            }
        }
        for band in bands.iter().filter(|band| band.height > 0.0) {
            let at = self.at([10.0, band.top]);
            let room = 54.0 * self.camera.zoom;
            let share = (FontId::new(12.0, strong_family()), palette.weak);
            let size = (FontId::new(9.0, FontFamily::Proportional), palette.weak.gamma_multiply(0.8));
            self.text(painter, (at, Align2::LEFT_TOP, room), &band.share, share);
            let below = if band.share.is_empty() { 0.0 } else { 17.0 * self.camera.zoom };
            self.text(painter, (at + vec2(0.0, below), Align2::LEFT_TOP, room), &band.label, size);
        }
    }

    fn frames(&self, painter: &Painter, palette: &Palette) {
        for frame in &self.plan.drawing.frames {
            let rect = self.camera.rect(self.pane, &frame.area);
            if !rect.intersects(self.pane) {
                continue;
            }
            let corner = CornerRadius::same((7.0 * self.camera.zoom).clamp(2.0, 9.0) as u8);
            let fill = palette.control.gamma_multiply(0.22);
            painter.rect(rect, corner, fill, Stroke::new(1.0, palette.line), StrokeKind::Inside);
            let room = rect.width() - 16.0 * self.camera.zoom;
            let at = rect.min + vec2(20.0, 4.0) * self.camera.zoom;
            let look = (FontId::new(9.5, FontFamily::Proportional), palette.weak);
            self.text(painter, (at, Align2::LEFT_TOP, room), &frame.label, look);
            let middle = rect.min + vec2(12.0, 10.5) * self.camera.zoom;
            self.triangle(painter, middle, false, palette.weak);
        }
    }

    /// A folded group looks like several sheets; they lie below the lines, whose tips would be hidden.
    fn sheets(&self, painter: &Painter, palette: &Palette) {
        let zoom = self.camera.zoom;
        for (place, one) in self.plan.drawing.boxes.iter().enumerate() {
            let rect = self.rect(one).translate(vec2(3.0, 3.0) * zoom);
            if !matches!(one.content, Drawn::Group(_)) || !rect.intersects(self.pane) {
                continue;
            }
            let dim = if self.is_found(place) { 1.0 } else { DIM };
            let line = palette.families[one.family as usize].gamma_multiply(0.4 * dim);
            let corner = CornerRadius::same((5.0 * zoom).clamp(1.0, 12.0) as u8);
            painter.rect(rect, corner, palette.card, Stroke::new(1.0, line), StrokeKind::Inside);
        }
    }

    fn edge(&self, painter: &Painter, edge: &DrawnEdge, colour: Color32) {
        let bounds =
            edge.points.iter().fold(Rect::NOTHING, |all, point| all.union(Rect::from_pos(self.at(*point))));
        if !bounds.expand(3.0).intersects(self.pane) {
            return;
        }
        let dim = !(self.is_found(edge.from) && self.is_found(edge.to));
        let colour = if dim { colour.gamma_multiply(DIM) } else { colour.gamma_multiply(0.75) };
        let line = edge.smooth().into_iter().map(|point| self.at(point)).collect();
        let width = (1.3 * self.camera.zoom).clamp(0.6, 2.4);
        painter.add(Shape::line(line, Stroke::new(width, colour)));
        if self.camera.zoom > 0.25 {
            let head = edge.arrow(5.0).map(|point| self.at(point)).to_vec();
            painter.add(Shape::convex_polygon(head, colour, Stroke::NONE));
        }
    }

    fn is_found(&self, place: usize) -> bool {
        self.plan.found.get(place).copied().unwrap_or(true)
    }

    fn one(&self, painter: &Painter, palette: &Palette, (place, one, rect): (usize, &DrawnBox, Rect)) {
        let zoom = self.camera.zoom;
        let shown = |colour: Color32| if self.is_found(place) { colour } else { colour.gamma_multiply(DIM) };
        let family = palette.families[one.family as usize];
        let (fill, line) = if self.heat.0 == Heat::Kind {
            (palette.card.lerp_to_gamma(family, 0.16), family.gamma_multiply(0.5))
        } else {
            let share = self.heat.1.share(place);
            let fill = palette.card.lerp_to_gamma(palette.heat, share * 0.8);
            (fill, palette.heat.gamma_multiply(0.2 + 0.6 * share))
        };
        let corner = CornerRadius::same((5.0 * zoom).clamp(1.0, 12.0) as u8);
        let [selected, hovered] = self.marked.map(|marked| marked == Some(place));
        let stroke = match (selected, hovered) {
            (true, _) => Stroke::new(2.0, palette.accent),
            (_, true) => Stroke::new(1.5, palette.strong.gamma_multiply(0.8)),
            _ => Stroke::new(1.0, shown(line)),
        };
        let folded = matches!(one.content, Drawn::Group(_));
        // An opaque ground, so that no line shines through.
        painter.rect(rect, corner, palette.canvas, Stroke::NONE, StrokeKind::Inside);
        painter.rect(rect, corner, shown(fill), stroke, StrokeKind::Inside);
        let bar = Rect::from_min_size(
            rect.min + vec2(4.0, 5.0) * zoom,
            vec2(3.0 * zoom, rect.height() - 10.0 * zoom),
        );
        painter.rect_filled(bar, 1.5 * zoom, shown(family));
        self.writing(painter, palette, (place, one, rect));
        if folded {
            self.triangle(painter, rect.min + vec2(15.0, 10.5) * zoom, true, shown(palette.weak));
        }
    }

    /// At the right end of a box; gives how much of its width is left, in points of the drawing.
    fn thumbnail(&self, painter: &Painter, palette: &Palette, (place, rect): (usize, Rect)) -> f32 {
        let Some(Some(Thumbnail { texture, size })) = self.thumbnails.get(place) else { return 8.0 };
        let zoom = self.camera.zoom;
        let corner = rect.right_center() - vec2(4.0, 0.0) * zoom;
        let picture = Align2::RIGHT_CENTER.anchor_size(corner, *size * zoom);
        let tint = if self.is_found(place) { Color32::WHITE } else { Color32::WHITE.gamma_multiply(DIM) };
        painter.image(*texture, picture, Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)), tint);
        painter.rect_stroke(picture, 1.0, Stroke::new(1.0, palette.line), StrokeKind::Outside);
        size.x + 9.0
    }

    fn writing(&self, painter: &Painter, palette: &Palette, (place, one, rect): (usize, &DrawnBox, Rect)) {
        let zoom = self.camera.zoom;
        let shown = |colour: Color32| if self.is_found(place) { colour } else { colour.gamma_multiply(DIM) };
        let (strong, plain) = (strong_family(), FontFamily::Proportional);
        let left = rect.left() + 13.0 * zoom;
        let right = rect.right() - self.thumbnail(painter, palette, (place, rect)) * zoom;
        let room = right - left;
        // Behind the triangle.
        let indent = if matches!(one.content, Drawn::Group(_)) { 8.0 * zoom } else { 0.0 };
        let label = (FontId::new(11.0, strong), shown(palette.strong));
        self.text(
            painter,
            (pos2(left + indent, rect.top() + 3.0 * zoom), Align2::LEFT_TOP, room - indent),
            &one.label,
            label,
        );
        let low = rect.bottom() - 3.0 * zoom;
        let told = match self.heat.0 {
            Heat::Kind => one.shape.clone(),
            heat => match self.heat.1.values.get(place) {
                Some(value) if *value > 0.0 => heat.words(*value),
                _ => "·".to_owned(),
            },
        };
        // About as wide as it will be, so that the two do not run into one another.
        let told_width = told.chars().count() as f32 * 5.2 * zoom;
        let detail_room = (right - left - told_width - 4.0 * zoom).max(10.0);
        // Weak words are lost on a hot box.
        let words = if self.heat.0 == Heat::Kind { palette.weak } else { palette.text };
        let detail = (FontId::new(9.0, plain.clone()), shown(words));
        self.text(painter, (pos2(left, low), Align2::LEFT_BOTTOM, detail_room), &one.detail, detail);
        let told_look = (FontId::new(9.0, plain), shown(palette.text));
        self.text(painter, (pos2(right, low), Align2::RIGHT_BOTTOM, room), &told, told_look);
    }

    /// Points right at what is folded, down at what is open.
    fn triangle(&self, painter: &Painter, middle: Pos2, folded: bool, colour: Color32) {
        let side = 3.2 * self.camera.zoom;
        if side < 1.2 {
            return;
        }
        let at = |x: f32, y: f32| middle + vec2(x, y) * side;
        let corners = if folded {
            vec![at(-0.6, -1.0), at(0.9, 0.0), at(-0.6, 1.0)]
        } else {
            vec![at(-1.0, -0.6), at(1.0, -0.6), at(0.0, 0.9)]
        };
        painter.add(Shape::convex_polygon(corners, colour, Stroke::NONE));
    }
}
