//! What the mouse does on the source: move the picture, draw a line, draw a rectangle.
//!
//! A tool turns drags into commands; the shapes themselves belong to the session. Their ends and edges can be dragged
//! whatever the tool.

mod line;
mod rectangle;

pub(super) use line::length_text;
pub(super) use rectangle::size_text;

use super::desk::Desk;
use super::theme::Palette;
use super::view::{Canvas, Placement, View};
use crate::session::{Command, Session};
use eframe::egui::{CursorIcon, PointerButton, Pos2, Ui};

/// How near, in points, the pointer must be to take hold of something.
const REACH: f32 = 8.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Tool {
    #[default]
    Pan,
    Line,
    Rectangle,
}

/// What a drag moves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Held {
    /// One end of the line; the other stays.
    LineEnd { fixed: [f64; 2] },
    /// All of the line; the pointer was there, in source px, when the line was so.
    Line { from: [f64; 2], line: crate::analysis::Line },
    /// One corner of the rectangle; the opposite one stays.
    Corner { fixed: [f64; 2] },
    /// All of the rectangle.
    Region { from: [f64; 2], region: crate::analysis::Region },
}

/// The tool in hand.
#[derive(Debug, Default)]
pub(super) struct Tools {
    pub(super) tool: Tool,
    held: Option<Held>,
    /// While a button is down: whether the drag moves the picture.
    panning: Option<bool>,
}

impl Tools {
    /// Whether a primary drag moves the picture; decided when the button goes down, and kept until it is let go.
    pub(super) fn pans(&mut self, ui: &Ui, session: &Session, view: &View) -> bool {
        let (down, pointer) = ui.input(|input| (input.pointer.any_down(), input.pointer.latest_pos()));
        if let Some(pans) = self.panning.filter(|_| down) {
            return pans;
        }
        let free = |(pointer, placement): (Pos2, Placement)| {
            !placement.rect.contains(pointer) || grip(session, placement, pointer).is_none()
        };
        let pans = self.tool == Tool::Pan && pointer.zip(view.main).is_none_or(free);
        self.panning = down.then_some(pans);
        pans
    }

    /// Carries out drags on the source of `[width, height]` px and draws what there is.
    pub(super) fn ui(&mut self, ui: &Ui, desk: &mut Desk<'_>, canvas: &Canvas, size: [usize; 2]) {
        self.drag(ui, desk, canvas, size);
        let palette = Palette::of(ui);
        let measured = &desk.session.measured;
        let scale = desk
            .session
            .micrograph()
            .and_then(|micrograph| crate::analysis::PlaneScale::of(micrograph.calibration()));
        if let Some(region) = measured.region {
            rectangle::paint(canvas, region, scale.as_ref(), palette);
        }
        if let Some(line) = measured.line {
            line::paint(canvas, line, scale.as_ref(), palette);
        }
    }

    fn drag(&mut self, ui: &Ui, desk: &mut Desk<'_>, canvas: &Canvas, size: [usize; 2]) {
        let (response, placement) = (&canvas.response, canvas.placement);
        if let Some(pointer) = response.hover_pos()
            && (self.held.is_some() || grip(desk.session, placement, pointer).is_some())
        {
            ui.ctx().set_cursor_icon(CursorIcon::Grab);
        }
        if response.drag_started_by(PointerButton::Primary) {
            let origin = ui.input(|input| input.pointer.press_origin());
            self.held = origin.and_then(|origin| self.take_hold(desk.session, placement, origin));
        }
        if !response.dragged_by(PointerButton::Primary) {
            self.held = None;
            return;
        }
        let (Some(held), Some(pointer)) = (self.held, response.interact_pointer_pos()) else { return };
        let at = placement.source_from_screen(pointer);
        let straight = ui.input(|input| input.modifiers.shift);
        let measured = &desk.session.measured;
        match held {
            Held::LineEnd { .. } | Held::Line { .. } => {
                let line = line::moved(held, at, straight, measured.line.map_or(1, |line| line.width), size);
                if line.is_some() && line != measured.line {
                    desk.send(Command::SetLine(line));
                }
            }
            Held::Corner { .. } | Held::Region { .. } => {
                let region = rectangle::moved(held, at, straight, size);
                if region.is_some() && region != measured.region {
                    desk.send(Command::SetRegion(region));
                }
            }
        }
    }

    /// What a drag from `origin` moves: what lies there, else a new shape of the tool's kind.
    fn take_hold(&self, session: &Session, placement: Placement, origin: Pos2) -> Option<Held> {
        let at = placement.source_from_screen(origin);
        grip(session, placement, origin).or(match self.tool {
            Tool::Pan => None,
            Tool::Line => Some(Held::LineEnd { fixed: line::from_view(at) }),
            Tool::Rectangle => Some(Held::Corner { fixed: at }),
        })
    }
}

/// What of the drawn shapes lies under the pointer. Small parts come before large ones.
fn grip(session: &Session, placement: Placement, pointer: Pos2) -> Option<Held> {
    let (line, region) = (session.measured.line, session.measured.region);
    line.and_then(|line| line::end_at(line, placement, pointer))
        .or_else(|| region.and_then(|region| rectangle::corner_at(region, placement, pointer)))
        .or_else(|| line.and_then(|line| line::body_at(line, placement, pointer)))
        .or_else(|| region.and_then(|region| rectangle::edge_at(region, placement, pointer)))
}
