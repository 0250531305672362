//! Where the panes are: the arrangement to begin with, and how `egui_tiles` shows it.
use super::desk::Desk;
use super::panes::{Pane, PaneUi, Panes};
use super::theme::{Palette, strong_family};
use eframe::egui::text::{LayoutJob, TextWrapping};
use eframe::egui::{
    self, Align, Color32, FontFamily, FontId, Id, Layout, Margin, Sense, Stroke, StrokeKind, Ui, UiBuilder,
    Visuals, WidgetInfo, WidgetText, vec2,
};
use egui_tiles::{
    Behavior, Container, Linear, LinearDir, ResizeState, SimplificationOptions, TabState, Tabs, Tile, TileId,
    Tiles, Tree, UiResponse,
};

/// Between panes, in points.
const GAP: f32 = 6.0;
/// Around a tab's words, left and right together.
const TAB_MARGIN: f32 = 18.0;
/// A detail that has less room than this is left out.
const LEAST_DETAIL: f32 = 30.0;
/// Height of a pane's title bar.
const BAR: f32 = 30.0;

/// The Inspect arrangement.
pub(super) fn inspect() -> Tree<Pane> {
    let mut tiles = Tiles::default();
    let files = tabs(&mut tiles, &[Pane::Files]);
    let source = tabs(&mut tiles, &[Pane::Source]);
    let feature = tabs(&mut tiles, &[Pane::Feature, Pane::Compare]);
    let prediction = tabs(&mut tiles, &[Pane::Prediction, Pane::Why]);
    let network = tabs(&mut tiles, &[Pane::Network, Pane::Info]);
    let contrast = tabs(&mut tiles, &[Pane::Contrast]);
    let lower = [
        Pane::Features,
        Pane::Values,
        Pane::ByHand,
        Pane::Health,
        Pane::Trust,
        Pane::Robustness,
        Pane::Profile,
        Pane::Region,
    ];
    let features = tabs(&mut tiles, &lower);
    let answers = split(&mut tiles, LinearDir::Vertical, &[(feature, 1.0), (prediction, 1.0)]);
    let above = [(files, 0.68), (source, 1.4), (answers, 1.0), (network, 1.6)];
    let above = split(&mut tiles, LinearDir::Horizontal, &above);
    let below = split(&mut tiles, LinearDir::Horizontal, &[(contrast, 0.68), (features, 4.0)]);
    let root = split(&mut tiles, LinearDir::Vertical, &[(above, 2.35), (below, 1.0)]);
    Tree::new(Id::unique("panes"), root, tiles)
}

/// Brings a pane to the front of its tabs.
pub(super) fn bring_forward(tree: &mut Tree<Pane>, pane: Pane) {
    tree.make_active(|_, tile| matches!(tile, Tile::Pane(other) if *other == pane));
}

fn tabs(tiles: &mut Tiles<Pane>, panes: &[Pane]) -> TileId {
    let panes = panes.iter().map(|pane| tiles.insert_pane(*pane)).collect();
    tiles.insert_tab_tile(panes)
}

fn split(tiles: &mut Tiles<Pane>, dir: LinearDir, children: &[(TileId, f32)]) -> TileId {
    let mut linear = Linear::new(dir, children.iter().map(|(child, _)| *child).collect());
    for (child, share) in children {
        linear.shares.set_share(*child, *share);
    }
    tiles.insert_container(Container::Linear(linear))
}

/// One pane filling the window.
pub(super) fn alone(pane: Pane) -> Tree<Pane> {
    Tree::new_tabs(Id::unique("one pane"), vec![pane])
}

/// Draws the panes.
pub(super) fn layout_ui(tree: &mut Tree<Pane>, panes: &mut Panes, ui: &mut Ui, desk: &mut Desk<'_>) {
    let palette = Palette::of(ui);
    for tile in tree.tiles.tile_ids().collect::<Vec<_>>() {
        let is_card = matches!(tree.tiles.get(tile), Some(Tile::Container(Container::Tabs(_))));
        // The rectangles are the last frame's: a card lags one frame behind while its border is dragged.
        if let Some(rect) = tree.tiles.rect(tile).filter(|_| is_card) {
            let line = Stroke::new(1.0, palette.line);
            ui.painter().rect(rect, 8.0, palette.card, line, StrokeKind::Inside);
        }
    }
    if tree.tiles.tiles().next().is_some() && tree.root().is_none_or(|root| tree.tiles.rect(root).is_none()) {
        ui.ctx().request_repaint();
    }
    tree.ui(&mut Shown { panes, desk, palette, beside: Vec::new() }, ui);
}

/// A frame's view of the tree.
struct Shown<'a, 'b> {
    panes: &'a mut Panes,
    desk: &'a mut Desk<'b>,
    palette: &'static Palette,
    /// The tabs of the container that is being drawn.
    beside: Vec<TileId>,
}

impl Behavior<Pane> for Shown<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, pane: &mut Pane) -> UiResponse {
        let inner = ui.max_rect() - Margin { left: 6, right: 6, top: 0, bottom: 6 };
        ui.scope_builder(UiBuilder::new().max_rect(inner).id_salt(format!("{pane:?}")), |ui| {
            ui.set_clip_rect(inner.intersect(ui.clip_rect()));
            self.panes.get(*pane).ui(ui, self.desk);
        });
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &Pane) -> WidgetText {
        self.panes.get(*pane).title().into()
    }

    fn tab_ui(
        &mut self,
        tiles: &mut Tiles<Pane>,
        ui: &mut Ui,
        id: Id,
        tile: TileId,
        state: &TabState,
    ) -> egui::Response {
        let Some(Tile::Pane(pane)) = tiles.get(tile) else { return ui.label("") };
        let pane = *pane;
        let beside = self.beside.clone();
        let alone = beside.len() < 2;
        let words = |pane: &mut dyn PaneUi, family: FontFamily, colour| {
            let font = FontId::new(12.5, family);
            LayoutJob::simple_singleline(pane.title().to_owned(), font, colour)
        };
        let mut job = words(self.panes.get(pane), FontFamily::Proportional, self.palette.weak);
        if state.active {
            let name = words(self.panes.get(pane), strong_family(), self.palette.strong);
            let name = ui.painter().layout_job(name).size().x;
            // The names of the tabs after it are worth more than a long detail.
            let later = beside.iter().skip_while(|other| **other != tile).skip(1);
            let later = later.filter_map(|other| tiles.get_pane(other).copied());
            let taken: f32 = later
                .map(|other| {
                    let job = words(self.panes.get(other), FontFamily::Proportional, self.palette.weak);
                    ui.painter().layout_job(job).size().x + TAB_MARGIN + ui.spacing().item_spacing.x
                })
                .sum();
            let room = ui.clip_rect().right() - ui.cursor().left() - TAB_MARGIN - taken;
            job = self.panes.title(pane, self.desk.session, self.palette);
            let detailed = room >= name + LEAST_DETAIL;
            job.wrap = TextWrapping::truncate_at_width(if detailed { room } else { name + 1.0 });
            if !detailed {
                job = words(self.panes.get(pane), strong_family(), self.palette.strong);
            }
        }
        let galley = ui.painter().layout_job(job);
        let (_, rect) = ui.allocate_space(vec2(galley.size().x + TAB_MARGIN, ui.available_height()));
        let response = ui.interact(rect, id, Sense::click_and_drag()).on_hover_cursor(egui::CursorIcon::Grab);
        let name = self.panes.get(pane).title();
        response.widget_info(|| WidgetInfo::selected(egui::Role::Tab, true, state.active, name));
        if !state.is_being_dragged {
            let at = egui::pos2(rect.left() + TAB_MARGIN / 2.0, rect.center().y - galley.size().y / 2.0);
            ui.painter().galley(at, galley, self.palette.text);
            if state.active && !alone {
                let line = rect.shrink2(vec2(TAB_MARGIN / 2.0, 0.0));
                ui.painter().hline(
                    line.x_range(),
                    rect.bottom() - 3.0,
                    Stroke::new(2.0, self.palette.accent),
                );
            }
        }
        if response.double_clicked() {
            self.desk.tray.alone = Some(pane);
        }
        response.on_hover_text("Drag to another place; double click to fill the window")
    }

    fn top_bar_right_ui(
        &mut self,
        tiles: &Tiles<Pane>,
        ui: &mut Ui,
        _tile: TileId,
        tabs: &Tabs,
        _offset: &mut f32,
    ) {
        // The container is not among the tiles while its tabs are drawn, which is after this.
        self.beside.clone_from(&tabs.children);
        let Some(pane) = tabs.active.and_then(|active| tiles.get_pane(&active)).copied() else { return };
        ui.add_space(7.0);
        ui.scope_builder(UiBuilder::new().layout(Layout::right_to_left(Align::Center)), |ui| {
            let spacing = ui.spacing_mut();
            spacing.item_spacing.x = 5.0;
            spacing.button_padding = vec2(6.0, 2.0);
            spacing.interact_size.y = 20.0;
            spacing.icon_width = 13.0;
            self.panes.get(pane).bar_ui(ui, self.desk);
        });
    }

    fn tab_bar_height(&self, _style: &egui::Style) -> f32 {
        BAR
    }

    fn tab_bar_color(&self, _visuals: &Visuals) -> Color32 {
        Color32::TRANSPARENT
    }

    fn tab_bar_hline_stroke(&self, _visuals: &Visuals) -> Stroke {
        Stroke::NONE
    }

    fn gap_width(&self, _style: &egui::Style) -> f32 {
        GAP
    }

    fn min_size(&self) -> f32 {
        120.0
    }

    fn resize_stroke(&self, _style: &egui::Style, state: ResizeState) -> Stroke {
        match state {
            ResizeState::Idle => Stroke::NONE,
            ResizeState::Hovering => Stroke::new(2.0, self.palette.weak),
            ResizeState::Dragging => Stroke::new(2.0, self.palette.accent),
        }
    }

    fn drag_preview_stroke(&self, _visuals: &Visuals) -> Stroke {
        Stroke::new(1.5, self.palette.accent)
    }

    fn drag_preview_color(&self, _visuals: &Visuals) -> Color32 {
        self.palette.accent.gamma_multiply(0.15)
    }

    fn dragged_overlay_color(&self, _visuals: &Visuals) -> Color32 {
        self.palette.desk.gamma_multiply(0.5)
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: true, ..SimplificationOptions::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arrangement_has_every_pane_once() {
        let tree = inspect();
        for pane in Pane::ALL {
            let count =
                tree.tiles.tiles().filter(|tile| matches!(tile, Tile::Pane(other) if *other == pane)).count();
            assert_eq!(count, 1, "{pane:?}");
        }
    }
}
