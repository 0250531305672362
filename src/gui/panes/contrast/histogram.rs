//! The histogram with its handles: what is black, what is white, and how the curve between them is bent.
use crate::gui::theme::Palette;
use crate::imaging::{Contrast, Histogram, Tone};
use eframe::egui::{CursorIcon, Key, PointerButton, Pos2, Stroke, Ui, Vec2};
use egui_plot::{
    FilledArea, Line, MarkerShape, Plot, PlotPoint, PlotPoints, PlotResponse, PlotTransform, Points, Span,
    VLine,
};

/// How near, in points, the pointer must be to take hold of a handle.
const REACH: f32 = 8.0;
/// Room above the highest bin, so that the curve's end can be seen.
const ABOVE: f64 = 1.04;

/// What can be dragged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handle {
    Low,
    High,
    Gamma,
}

/// What the histogram shows besides the counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Curve {
    pub(super) contrast: Contrast,
    pub(super) tone: Tone,
}

/// Where there is room, and what is marked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sight {
    /// Of the plot, in points.
    pub(super) height: f32,
    /// The value under the linked cursor.
    pub(super) under: Option<f64>,
}

/// The histogram and what is held in it.
#[derive(Default)]
pub(super) struct HistogramPlot {
    /// Logarithmic counts.
    pub(super) logarithmic: bool,
    held: Option<Handle>,
}

impl HistogramPlot {
    /// Draws it; gives the curve after this frame's dragging where that changed it.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        histogram: &Histogram,
        curve: Curve,
        sight: Sight,
    ) -> Option<Curve> {
        let (edges, heights) = steps(histogram, self.logarithmic);
        let top = top_of(&heights) * ABOVE;
        let response = self.plot(ui, histogram, curve, &Bins { edges, heights, top, sight });
        self.drag(ui, &response, curve, histogram, top)
    }

    fn plot(&self, ui: &mut Ui, histogram: &Histogram, curve: Curve, bins: &Bins) -> PlotResponse<()> {
        let palette = Palette::of(ui);
        let Curve { contrast, tone } = curve;
        let zeros = vec![0.0; bins.edges.len()];
        let margin = (f64::from(histogram.max) - f64::from(histogram.min)).max(1e-9) * 0.02;
        let low = f64::from(histogram.min.min(contrast.low)) - margin;
        let high = f64::from(histogram.max.max(contrast.high)) + margin;
        let fill = palette.weak.gamma_multiply(0.55);
        let (accent, clear) = (palette.accent, palette.accent.gamma_multiply(0.10));
        let (from, to) = (f64::from(contrast.low), f64::from(contrast.high));
        let bent: Vec<[f64; 2]> = bent(curve, bins.top);
        let [x, y] = middle(curve, bins.top);
        let width = |handle| if self.held == Some(handle) { 2.5 } else { 1.5 };
        let widths = [width(Handle::Low), width(Handle::High)];
        let dot = if self.held == Some(Handle::Gamma) { 5.5 } else { 4.0 };
        let Bins { edges, heights, top, sight } = bins;
        let under = sight.under.filter(|value| (low..=high).contains(value));
        let (mark, dotted) = (palette.strong, palette.strong.gamma_multiply(0.75));
        let ink = if tone.is_straight() { palette.weak } else { palette.accent };
        Plot::new("contrast histogram")
            .height(sight.height)
            .show_axes(false)
            .show_grid(false)
            .show_background(false)
            .show_x(false)
            .show_y(false)
            .allow_zoom(false)
            .allow_drag(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .allow_double_click_reset(false)
            .label_formatter(|_| None)
            .show(ui, move |plot| {
                plot.set_plot_bounds_x(low..=high);
                plot.set_plot_bounds_y(0.0..=*top);
                plot.span(Span::new("", from..=to).fill(clear).border_width(0.0));
                plot.add(FilledArea::new("counts", edges, &zeros, heights).fill_color(fill));
                for (at, width) in [from, to].into_iter().zip(widths) {
                    plot.vline(VLine::new("", at).stroke(Stroke::new(width, accent)));
                }
                if let Some(value) = under {
                    plot.vline(VLine::new("", value).stroke(Stroke::new(1.0, dotted)));
                    let foot = Points::new("", PlotPoints::from(vec![[value, 0.0]])).radius(5.0).color(mark);
                    plot.points(foot.shape(MarkerShape::Up));
                }
                plot.line(Line::new("", PlotPoints::from(bent)).stroke(Stroke::new(1.2, ink)));
                plot.points(Points::new("", PlotPoints::from(vec![[x, y]])).radius(dot).color(accent));
            })
    }

    /// The curve after this frame's dragging. A drag holds the curve's middle where it begins on it, else the nearer
    /// line.
    fn drag(
        &mut self,
        ui: &Ui,
        plot: &PlotResponse<()>,
        curve: Curve,
        histogram: &Histogram,
        top: f64,
    ) -> Option<Curve> {
        let response = &plot.response;
        let Curve { contrast, tone } = curve;
        let handles = Handles {
            low: x_on_screen(&plot.transform, contrast.low),
            high: x_on_screen(&plot.transform, contrast.high),
            gamma: on_screen(&plot.transform, middle(curve, top)),
        };
        if let Some(pointer) = response.hover_pos()
            && let Some(handle) = self.held.or_else(|| handles.under(pointer))
        {
            let vertical = handle == Handle::Gamma;
            let icon = if vertical { CursorIcon::ResizeVertical } else { CursorIcon::ResizeHorizontal };
            ui.ctx().set_cursor_icon(icon);
        }
        if !response.dragged_by(PointerButton::Primary) || ui.input(|input| input.key_pressed(Key::Escape)) {
            self.held = None;
            return None;
        }
        let pointer = response.interact_pointer_pos()?;
        let held = *self.held.get_or_insert_with(|| handles.nearest(pointer));
        let at = plot.transform.value_from_position(pointer);
        let least = (histogram.max / 1000.0 - histogram.min / 1000.0).max(f32::MIN_POSITIVE);
        let changed = match held {
            Handle::Low => Contrast { low: (at.x as f32).min(contrast.high - least), ..contrast },
            Handle::High => Contrast { high: (at.x as f32).max(contrast.low + least), ..contrast },
            Handle::Gamma => {
                let brightness = (at.y / top) as f32;
                let brightness = if tone.inverted { 1.0 - brightness } else { brightness };
                let tone = tone.through(0.5, brightness.clamp(0.001, 0.999));
                return (tone != curve.tone).then_some(Curve { tone, ..curve });
            }
        };
        (changed != contrast).then_some(Curve { contrast: changed, ..curve })
    }
}

/// The counts as they are drawn.
struct Bins {
    edges: Vec<f64>,
    heights: Vec<f64>,
    /// Of the plot, in counts.
    top: f64,
    sight: Sight,
}

/// Where the handles are on the screen.
struct Handles {
    low: f32,
    high: f32,
    gamma: Pos2,
}

impl Handles {
    fn on_gamma(&self, pointer: Pos2) -> bool {
        let away: Vec2 = pointer - self.gamma;
        away.length() < REACH
    }

    fn under(&self, pointer: Pos2) -> Option<Handle> {
        let near = [self.low, self.high].iter().any(|line| (line - pointer.x).abs() < REACH);
        (near || self.on_gamma(pointer)).then(|| self.nearest(pointer))
    }

    fn nearest(&self, pointer: Pos2) -> Handle {
        let [to_low, to_high] = [self.low, self.high].map(|line| (line - pointer.x).abs());
        // Of a narrow window the lines come first: they have no other place.
        if self.on_gamma(pointer) && to_low.min(to_high) > REACH {
            Handle::Gamma
        } else if to_low < to_high {
            Handle::Low
        } else {
            Handle::High
        }
    }
}

/// The curve from black to white, over the plot's height.
fn bent(curve: Curve, top: f64) -> Vec<[f64; 2]> {
    const POINTS: u16 = 64;
    (0..=POINTS).map(|k| point(curve, f32::from(k) / f32::from(POINTS), top)).collect()
}

/// Where the gamma is taken hold of: the curve's middle.
fn middle(curve: Curve, top: f64) -> [f64; 2] {
    point(curve, 0.5, top)
}

fn point(Curve { contrast, tone }: Curve, unit: f32, top: f64) -> [f64; 2] {
    let (low, high) = (f64::from(contrast.low), f64::from(contrast.high));
    [low + (high - low) * f64::from(unit), f64::from(tone.of(unit)) * top]
}

fn on_screen(transform: &PlotTransform, [x, y]: [f64; 2]) -> Pos2 {
    transform.position_from_point(&PlotPoint::new(x, y))
}

fn x_on_screen(transform: &PlotTransform, value: f32) -> f32 {
    transform.position_from_point(&PlotPoint::new(f64::from(value), 0.0)).x
}

/// Height of the plot: a few overfull bins, as of saturated pixels, may rise above it.
fn top_of(heights: &[f64]) -> f64 {
    let mut filled: Vec<f64> = heights.iter().copied().filter(|height| *height > 0.0).collect();
    filled.sort_by(f64::total_cmp);
    let highest = filled.last().copied().unwrap_or(1.0);
    let usual = filled.get(filled.len() * 98 / 100).copied().unwrap_or(highest);
    highest.min(usual * 1.25)
}

/// The outline of the bins: every edge twice, with the height on either side.
fn steps(histogram: &Histogram, logarithmic: bool) -> (Vec<f64>, Vec<f64>) {
    let bins = histogram.counts.len().max(1);
    let (min, max) = (f64::from(histogram.min), f64::from(histogram.max));
    let width = (max - min).max(1e-12) / bins as f64;
    let mut edges = Vec::with_capacity(bins * 2);
    let mut heights = Vec::with_capacity(bins * 2);
    for (bin, count) in histogram.counts.iter().enumerate() {
        let count = *count as f64;
        let height = if logarithmic { count.ln_1p() } else { count };
        edges.extend([min + width * bin as f64, min + width * (bin + 1) as f64]);
        heights.extend([height, height]);
    }
    (edges, heights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_overfull_bin_does_not_flatten_the_others() {
        let mut heights = vec![10.0; 200];
        heights[199] = 5000.0;
        assert_eq!(top_of(&heights), 12.5);
        assert_eq!(top_of(&[3.0, 4.0]), 4.0);
        assert_eq!(top_of(&[]), 1.0);
    }

    #[test]
    fn bins_become_steps() {
        let histogram = Histogram { min: 0.0, max: 4.0, counts: vec![3, 0], not_finite: 0 };
        let (edges, heights) = steps(&histogram, false);
        assert_eq!(edges, [0.0, 2.0, 2.0, 4.0]);
        assert_eq!(heights, [3.0, 3.0, 0.0, 0.0]);
        assert!((steps(&histogram, true).1[0] - 4f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn the_handle_under_the_pointer_is_held_and_else_the_nearer_line() {
        let handles = Handles { low: 100.0, high: 300.0, gamma: Pos2::new(200.0, 50.0) };
        let at = |x, y| handles.nearest(Pos2::new(x, y));
        assert_eq!(
            [at(197.0, 54.0), at(197.0, 90.0), at(210.0, 90.0)],
            [Handle::Gamma, Handle::Low, Handle::High]
        );
        assert_eq!(handles.under(Pos2::new(150.0, 50.0)), None);
        let narrow = Handles { high: 104.0, gamma: Pos2::new(102.0, 50.0), ..handles };
        assert_eq!(narrow.nearest(Pos2::new(101.0, 50.0)), Handle::Low);
    }

    #[test]
    fn the_curve_goes_from_corner_to_corner_through_its_middle() {
        let tone = Tone { gamma: 2.0, ..Tone::default() };
        let curve = Curve { contrast: Contrast { low: 10.0, high: 30.0 }, tone };
        let bent = bent(curve, 8.0);
        assert_eq!((bent[0], bent[64]), ([10.0, 0.0], [30.0, 8.0]));
        assert_eq!(middle(curve, 8.0), [20.0, 2.0]);
    }
}
