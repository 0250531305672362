//! The network drawn: pan, zoom, choose, fold, and see what each node is and costs.
use super::camera::Camera;
use super::heat::{Costs, Heat};
use super::lines::Lines;
use super::paint::Painting;
use super::plan::{Plan, node_of};
use super::thumbnails::Thumbnails;
use super::tips::Tip;
use crate::gui::desk::Desk;
use crate::gui::ruler::Ruler;
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::at_right;
use crate::network::{Area, Drawn, DrawnBox, Graph, NodeCost, Spent};
use crate::session::{Command, Session};
use eframe::egui::{
    self, ComboBox, CursorIcon, Label, PointerButton, Rect, Response, Sense, Ui, WidgetInfo, vec2,
};

/// Height of the line below the drawing, with the space around it.
const BAR: f32 = 32.0;
/// Boxes less wide than this on the screen have no triangle to press.
const PRESSABLE: f32 = 60.0;

/// The drawing and how it is looked at.
#[derive(Default)]
pub(super) struct Face {
    plan: Plan,
    camera: Camera,
    heat: Heat,
    thumbnails: Thumbnails,
    /// The pane's size and the layout that the camera was set for.
    seen: Option<(egui::Vec2, u64)>,
    selected_before: Option<String>,
    /// Whether a person moved the camera, so that a new layout leaves it alone.
    moved: bool,
    /// The group whose box or frame was just folded or opened.
    toggled: Option<String>,
    /// That group, and where on the screen it was: it stays there.
    anchor: Option<(String, egui::Pos2)>,
    /// Whether the chosen node is to come into sight.
    follows: bool,
    /// Where the graph lies in memory: another network is looked at anew.
    graph: usize,
}

/// What a frame of the drawing is made of.
pub(super) struct Scene<'a> {
    pub(super) graph: &'a Graph,
    pub(super) nodes: &'a [NodeCost],
    pub(super) ruler: &'a Ruler,
    pub(super) search: &'a str,
    /// What the last run took, where it was one of this network.
    pub(super) spent: Option<&'a Spent>,
}

impl Face {
    /// Draws it; gives the group that was folded or opened.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        desk: &mut Desk<'_>,
        lines: &mut Lines,
        scene: &Scene<'_>,
    ) -> Option<String> {
        let session = desk.session;
        self.follow_network(scene.graph);
        self.reveal_selected(session, lines);
        let of = (scene.graph, scene.nodes);
        if let Some(layout) = self.plan.follow(of, (lines, scene.search), session.laid_out.as_ref()) {
            desk.send(Command::LayOut(layout));
        }
        let room = vec2(ui.available_width(), (ui.available_height() - BAR).max(40.0));
        let (pane, response) = ui.allocate_exact_size(room, Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, "The network, drawn"));
        ui.painter().rect_filled(pane, 4.0, Palette::of(ui).canvas);
        if self.plan.is_waiting() {
            waiting_ui(ui, pane);
        } else {
            self.place_camera(pane, scene.nodes, session);
        }
        self.move_camera(ui, pane, &response);
        let costs = Costs::of(self.heat, &self.plan.drawing, scene.nodes, scene.spent);
        let selected = self.plan.box_of(scene.nodes, session.node.as_deref());
        // A child that takes no room of its own: the pane has it already.
        let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(pane).id_salt("drawing"));
        inside.set_clip_rect(pane.intersect(ui.clip_rect()));
        self.frames_ui(&inside, pane);
        let hovered = self.boxes_ui(&inside, desk, (pane, selected), scene);
        let thumbnails = self.thumbnails.of(&inside, session, (&self.plan, self.camera, pane), scene.nodes);
        let painting = Painting {
            plan: &self.plan,
            camera: self.camera,
            pane,
            heat: (self.heat, &costs),
            thumbnails: &thumbnails,
            marked: [selected, hovered],
        };
        painting.paint(&inside);
        self.bar_ui(ui, pane, scene.spent.is_some(), &costs);
        let toggled = self.toggled.take();
        if let Some(prefix) = &toggled {
            // Where not all is in sight, what was pressed stays under the pointer.
            self.moved |= !self.shows_all(pane);
            self.anchor =
                self.area_of(prefix).map(|area| (prefix.clone(), self.camera.rect(pane, &area).min));
        }
        toggled
    }

    /// Opens the groups around a node that was chosen elsewhere, but not for the first one, which nobody chose.
    fn reveal_selected(&mut self, session: &Session, lines: &mut Lines) {
        if self.selected_before == session.node {
            return;
        }
        if let (Some(_), Some(node)) = (&self.selected_before, &session.node) {
            lines.reveal(node);
        }
        self.selected_before.clone_from(&session.node);
        self.follows = true;
    }

    fn follow_network(&mut self, graph: &Graph) {
        let now = std::ptr::from_ref(graph).addr();
        if self.graph != now {
            (self.graph, self.seen, self.moved, self.selected_before) = (now, None, false, None);
            self.plan.forget();
        }
    }

    fn place_camera(&mut self, pane: Rect, nodes: &[NodeCost], session: &Session) {
        let seen = (pane.size(), self.plan.stamp);
        let is_new = self.seen != Some(seen);
        if is_new && !self.moved {
            self.camera.begin(self.plan.drawing.size, pane);
        }
        self.seen = Some(seen);
        let anchor = self.anchor.take().and_then(|(prefix, at)| Some((self.area_of(&prefix)?, at)));
        if let Some((area, at)) = anchor {
            if self.moved {
                self.camera.pan(at - self.camera.rect(pane, &area).min, self.plan.drawing.size);
            } else {
                self.camera.reveal(pane, &area);
            }
        } else if (is_new || self.follows)
            && let Some(place) = self.plan.box_of(nodes, session.node.as_deref())
        {
            self.camera.reveal(pane, &self.plan.drawing.boxes[place].area);
        }
        self.follows = false;
    }

    /// The box or frame of a group.
    fn area_of(&self, prefix: &str) -> Option<Area> {
        let drawing = &self.plan.drawing;
        let frame = drawing.frames.iter().find(|frame| frame.prefix == prefix).map(|frame| frame.area);
        let is_group = |one: &&DrawnBox| match &one.content {
            Drawn::Group(group) => group.prefix == prefix,
            Drawn::Node(_) => false,
        };
        frame.or_else(|| drawing.boxes.iter().find(is_group).map(|one| one.area))
    }

    /// Whether the whole drawing is in sight.
    fn shows_all(&self, pane: Rect) -> bool {
        let [width, height] = self.plan.drawing.size;
        let whole = Area { left: 0.0, top: 0.0, width, height };
        pane.expand(1.0).contains_rect(self.camera.rect(pane, &whole))
    }

    fn move_camera(&mut self, ui: &Ui, pane: Rect, response: &Response) {
        let dragged =
            response.dragged_by(PointerButton::Primary) || response.dragged_by(PointerButton::Middle);
        if dragged && response.drag_delta() != egui::Vec2::ZERO {
            self.camera.pan(response.drag_delta(), self.plan.drawing.size);
            self.moved = true;
            ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
        }
        if response.double_clicked() {
            self.camera.fit(self.plan.drawing.size, pane);
            self.moved = true;
        }
        let pointer = ui.input(|input| input.pointer.hover_pos()).filter(|at| pane.contains(*at));
        let Some(pointer) = pointer.filter(|_| response.contains_pointer()) else { return };
        let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        let factor = pinch * (scroll / 240.0).exp();
        if (factor - 1.0).abs() > 1e-4 {
            self.camera.zoom_at(pane, pointer, factor);
            self.moved = true;
        }
    }

    /// The titles of the frames in sight, which fold them.
    fn frames_ui(&mut self, ui: &Ui, pane: Rect) {
        for frame in &self.plan.drawing.frames {
            let title = self.camera.rect(pane, &frame.area);
            let title = Rect::from_min_size(title.min, vec2(title.width(), 18.0 * self.camera.zoom));
            if !title.intersects(pane) || title.width() < PRESSABLE {
                continue;
            }
            let response = ui.interact(title, ui.scope_id().with(("frame", &frame.prefix)), Sense::click());
            let spoken = format!("Fold {}", frame.prefix);
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &spoken));
            if response.on_hover_text(&spoken).clicked() {
                self.toggled = Some(frame.prefix.clone());
            }
        }
    }

    /// The boxes in sight, which can be chosen and opened; gives the one that is pointed at.
    fn boxes_ui(
        &mut self,
        ui: &Ui,
        desk: &mut Desk<'_>,
        (pane, selected): (Rect, Option<usize>),
        scene: &Scene<'_>,
    ) -> Option<usize> {
        let mut hovered = None;
        for (place, one) in self.plan.drawing.boxes.iter().enumerate() {
            let rect = self.camera.rect(pane, &one.area);
            if !rect.intersects(pane) {
                continue;
            }
            let name =
                scene.nodes.get(node_of(&one.content)).map(|node| node.name.clone()).unwrap_or_default();
            let spoken = match &one.content {
                Drawn::Node(_) => name.clone(),
                Drawn::Group(group) => group.prefix.clone(),
            };
            let response = ui.interact(rect, ui.scope_id().with(("box", &spoken)), Sense::click());
            response.widget_info(|| {
                WidgetInfo::selected(egui::Role::Button, true, selected == Some(place), &spoken)
            });
            if response.hovered() {
                hovered = Some(place);
            }
            let mut folds = response.double_clicked();
            if let Drawn::Group(group) = &one.content
                && rect.width() >= PRESSABLE
            {
                folds |= open_button(ui, rect, &group.prefix).clicked();
            }
            if folds {
                self.toggled = self.plan.group_of(scene.nodes, &one.content);
            } else if response.clicked() {
                self.selected_before = Some(name.clone());
                desk.send(Command::SelectNode(name));
            }
            let tip = Tip { place, drawing: &self.plan.drawing, scene };
            response.on_hover_ui(|ui| tip.ui(ui));
        }
        hovered
    }

    /// The line below: colours and their meaning, and the whole drawing.
    fn bar_ui(&mut self, ui: &mut Ui, pane: Rect, has_run: bool, costs: &Costs) {
        let palette = Palette::of(ui);
        ui.horizontal(|ui| {
            ui.set_height(22.0);
            ui.label(small("Colour by").color(palette.weak));
            let shown = ComboBox::from_id_salt("heat")
                .width(92.0)
                .selected_text(small(self.heat.name()))
                .show_ui(ui, |ui| {
                    for heat in Heat::ALL {
                        let enabled = heat != Heat::Time || has_run;
                        ui.add_enabled_ui(enabled, |ui| {
                            ui.selectable_value(&mut self.heat, heat, heat.name())
                                .on_hover_text(heat.meaning())
                                .on_disabled_hover_text(
                                    "Run the model first (F5): then every node's time is known",
                                );
                        });
                    }
                });
            shown.response.accessible_name("Colour of the boxes").on_hover_text(self.heat.meaning());
            at_right(ui, |ui| {
                if ui
                    .button(small("Fit"))
                    .on_hover_text("The whole network (double click on the ground)")
                    .clicked()
                {
                    self.camera.fit(self.plan.drawing.size, pane);
                    self.moved = true;
                }
                let text = match self.heat {
                    Heat::Kind => "Drag, scroll to zoom, double click folds".to_owned(),
                    heat if costs.most > 0.0 => {
                        format!("up to {}, {} in all", heat.words(costs.most), heat.words(costs.sum))
                    }
                    _ => "Nothing is known yet".to_owned(),
                };
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.add(Label::new(small(text).color(palette.weak)).truncate());
                });
            });
        });
    }
}

/// The triangle at the left of a folded group.
fn open_button(ui: &Ui, rect: Rect, prefix: &str) -> Response {
    let place = Rect::from_min_size(rect.min, vec2(rect.height() * 0.75, rect.height()));
    let spoken = format!("Open {prefix}");
    let response = ui.interact(place, ui.scope_id().with(("open", prefix)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &spoken));
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// Said at the upper edge while a large network is laid out.
fn waiting_ui(ui: &Ui, pane: Rect) {
    let font = egui::FontId::proportional(11.0);
    let at = pane.center_top() + vec2(0.0, 14.0);
    let colour = Palette::of(ui).weak;
    ui.painter().text(at, egui::Align2::CENTER_CENTER, "laying out the network…", font, colour);
}
