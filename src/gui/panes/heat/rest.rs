//! A pointer that rests on a feature map, so that not every pixel on its way is measured.
use crate::analysis::Probe;
use crate::gui::desk::Desk;
use crate::inspect::FeatureMaps;
use eframe::egui::Ui;
use std::time::Duration;

/// How long the pointer stays over a value before it is measured, in seconds.
const LONG_ENOUGH: f64 = 0.3;

/// Which value the pointer is over, and since when.
#[derive(Default)]
pub(super) struct Rest {
    over: Option<(Probe, f64)>,
    /// Whether this rest was answered; the next begins on another value.
    answered: bool,
}

impl Rest {
    /// The value that the pointer has been over for long enough, once.
    pub(super) fn on(&mut self, ui: &Ui, hovered: Option<&Probe>) -> Option<Probe> {
        let (now, held) = ui.input(|input| (input.time, input.pointer.any_down()));
        // Who drags moves the picture, and looks at nothing.
        let left = self.left(hovered.filter(|_| !held), now)?;
        if left > 0.0 {
            ui.ctx().request_repaint_after(Duration::from_secs_f64(left));
            return None;
        }
        self.answered = true;
        hovered.cloned()
    }

    /// Seconds that the pointer still has to stay; `None` over nothing, or over what was answered.
    fn left(&mut self, hovered: Option<&Probe>, now: f64) -> Option<f64> {
        let Some(probe) = hovered else {
            *self = Self::default();
            return None;
        };
        let since = match &self.over {
            Some((over, since)) if over == probe => *since,
            _ => {
                *self = Self { over: Some((probe.clone(), now)), answered: false };
                now
            }
        };
        (!self.answered).then_some(since + LONG_ENOUGH - now)
    }

    /// Something else was asked for: the pointer has to move before its place counts again.
    pub(super) fn is_over(&mut self) {
        self.answered = true;
    }
}

/// Notes that the pointer is at the linked cursor over a feature's map.
pub(in crate::gui::panes) fn point_at(desk: &mut Desk<'_>, maps: &FeatureMaps, feature: usize) {
    let session = desk.session;
    // The small pictures that stand in for maps have other pixels.
    let whole =
        session.features.as_ref().is_some_and(|features| std::ptr::eq(&raw const *features.maps, maps));
    if !session.effective.shown || !whole || !session.result_is_current() {
        return;
    }
    let at = desk.view.cursor.and_then(|[x, y]| maps.pixel_at([y, x]));
    desk.view.hovering = at.map(|at| Probe { node: maps.node.clone(), feature: Some(feature), at: Some(at) });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(x: usize) -> Probe {
        Probe { node: "conv".into(), feature: Some(3), at: Some([0, x]) }
    }

    #[test]
    fn a_value_counts_once_the_pointer_stays_and_moving_begins_anew() {
        let mut rest = Rest::default();
        let near = |left: Option<f64>, expected: f64| left.is_some_and(|left| (left - expected).abs() < 1e-9);
        assert!(near(rest.left(Some(&probe(1)), 10.0), 0.3));
        assert!(near(rest.left(Some(&probe(1)), 10.2), 0.1));
        assert!(near(rest.left(Some(&probe(2)), 10.25), 0.3), "another pixel");
        assert!(near(rest.left(Some(&probe(2)), 10.55), 0.0));
        rest.is_over();
        assert_eq!(rest.left(Some(&probe(2)), 20.0), None, "it was answered");
        assert_eq!(rest.left(None, 20.1), None);
        assert!(near(rest.left(Some(&probe(2)), 20.2), 0.3), "it came back");
    }
}
