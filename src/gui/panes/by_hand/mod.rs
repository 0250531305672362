//! From kernel to answer: patch × kernel = products for each channel, their sums, bias and activation, in numbers.
mod matrix;

use super::PaneUi;
use crate::analysis::HandProbe;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::widgets::empty_state;
use crate::imaging::Colormap;
use crate::inspect::{ByHand, ChannelPart, FirstKernels};
use crate::network::Op;
use crate::session::{AttributeCommand, Command, JobKind, Session, TakenApart};
use eframe::egui::{ScrollArea, Ui};
use matrix::{Matrix, matrix_ui, side};

/// Channels that are shown with their matrices; the others are summed up.
const SHOWN: usize = 12;
/// Kernels of the first layer that are shown.
const KERNELS: usize = 64;

#[derive(Default)]
pub(super) struct ByHandPane {
    /// Whether the first layer's kernels are looked at instead of one value.
    kernels: bool,
}

impl PaneUi for ByHandPane {
    fn title(&self) -> &'static str {
        "By hand"
    }

    fn detail(&self, session: &Session) -> String {
        let taken = session.taken_apart_now();
        taken.map(|taken| title(&taken.value)).unwrap_or_default()
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let there = desk.session.taken_apart_now().is_some_and(|taken| taken.kernels.is_some());
        ui.add_enabled_ui(there, |ui| {
            let hint = "All kernels of the layer that sees the image: a column a microscope channel";
            let response = ui.checkbox(&mut self.kernels, small("all kernels")).on_hover_text(hint);
            response.on_disabled_hover_text(
                "Choose the first convolution of the network: its kernels read the image",
            );
        });
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        match wanted(desk) {
            Ok(probe) if !desk.session.is_taken_apart(&probe) => {
                desk.send(Command::Attribute(AttributeCommand::TakeApart(probe)));
            }
            Ok(_) => {}
            Err((title, advice)) => return empty_state(ui, title, advice),
        }
        let Some(taken) = desk.session.taken_apart_now().cloned() else {
            let busy = desk.session.is_busy(JobKind::ByHand);
            let title = if busy { "Working it out…" } else { "Nothing to work out" };
            return empty_state(ui, title, "");
        };
        match (&taken.kernels, self.kernels) {
            (Some(kernels), true) => kernels_ui(ui, kernels, taken.value.feature),
            _ => value_ui(ui, &taken),
        }
    }
}

/// The value that is looked at: of the chosen node the chosen feature, under the cursor, else at the pin.
fn wanted(desk: &Desk<'_>) -> Result<HandProbe, (&'static str, &'static str)> {
    let session = desk.session;
    let advice =
        "Open a micrograph, choose a model and a convolution of its network: here its sum is worked out.";
    let (Some(_), Some(model), true) = (&session.shown, &session.model, session.nodes.is_ok()) else {
        return Err(("Nothing to work out yet", advice));
    };
    let node = session.node.as_ref().and_then(|name| model.graph.node(name));
    let Some(node) = node else {
        return Err(("No node chosen", "Choose a convolution or a dense layer of the network at the right."));
    };
    if !matches!(node.op, Op::Conv2d { .. } | Op::ConvTranspose2d { .. } | Op::Linear { .. }) {
        let advice =
            "This node has no kernel. Choose a convolution or a dense layer of the network at the right.";
        return Err(("No kernel here", advice));
    }
    let maps = session.features.as_ref().filter(|features| features.maps.node == node.name);
    let maps = maps.filter(|_| session.result_is_current());
    let at = maps.zip(desk.view.position()).and_then(|(features, [x, y])| features.maps.pixel_at([y, x]));
    // Where the pointer left the picture the last place stays.
    let last = || session.taken_apart_now().filter(|taken| taken.value.node == node.name);
    let at = at.or_else(|| last().map(|taken| taken.value.at));
    let count = maps.map_or(usize::MAX, |features| features.maps.maps.dim().0);
    let first = || maps.and_then(|features| features.order.first().copied());
    let feature = session.feature.filter(|feature| *feature < count && maps.is_some()).or_else(first);
    Ok(HandProbe { node: node.name.clone(), feature: feature.unwrap_or(0), at })
}

fn title(value: &ByHand) -> String {
    let [y, x] = value.at;
    format!("{}, feature {} at x {x}, y {y}", value.node, value.feature)
}

/// The sum at the left, the channels beside it.
fn value_ui(ui: &mut Ui, taken: &TakenApart) {
    let value = &taken.value;
    ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            ui.set_width(208.0);
            ScrollArea::vertical().id_salt("the sum").auto_shrink(false).show(ui, |ui| sum_ui(ui, value));
        });
        ui.separator();
        ScrollArea::both().id_salt("channels").auto_shrink(false).show(ui, |ui| channels_ui(ui, value));
    });
}

/// As many channels in a row as there is room for.
fn channels_ui(ui: &mut Ui, value: &ByHand) {
    let (rows, columns) = value.there.dim();
    let each = 3.0 * side(rows, columns) * columns as f32 + 62.0;
    let in_a_row = ((ui.available_width() / each) as usize).max(1);
    let shown = value.channels.len().min(SHOWN);
    for row in value.channels[..shown].chunks(in_a_row) {
        ui.horizontal_top(|ui| {
            for part in row {
                channel_ui(ui, value, part);
                ui.add_space(12.0);
            }
        });
        ui.add_space(4.0);
    }
    let left = value.channels.len() - shown;
    if left > 0 {
        let sum: f64 = value.channels[shown..].iter().map(|part| part.sum).sum();
        let text = format!("and {left} more, together {}", format::value(sum));
        ui.label(small(text).color(Palette::of(ui).weak));
    }
}

/// From the channels' sums to the network's number and what follows.
fn sum_ui(ui: &mut Ui, value: &ByHand) {
    let palette = Palette::of(ui);
    ui.spacing_mut().interact_size.y = 14.0;
    ui.spacing_mut().item_spacing.y = 3.0;
    let line = |ui: &mut Ui, name: &str, number: f64, hint: &str| {
        ui.horizontal(|ui| {
            ui.label(small(name).color(palette.weak)).on_hover_text(hint);
            crate::gui::widgets::at_right(ui, |ui| {
                ui.label(small(format::value(number)).monospace().color(palette.text));
            });
        });
    };
    ui.label(small(format!("{} of {}", value.kind, value.input)).color(palette.weak));
    let sums: f64 = value.channels.iter().map(|part| part.sum).sum();
    let several = format!("Σ of {}", format::plural(value.channels.len(), "channel"));
    line(
        ui,
        &several,
        sums,
        "Every input value under the kernel times the kernel's number there, all added up",
    );
    match value.bias {
        Some(bias) => line(ui, "+ bias", f64::from(bias), "A number that the feature always adds"),
        None => line(ui, "no bias", 0.0, "The batch-norm after it shifts instead"),
    }
    ui.horizontal(|ui| {
        ui.label(strong("= by hand").size(12.0).color(palette.strong));
        crate::gui::widgets::at_right(ui, |ui| {
            ui.label(strong(format::value(value.total)).size(13.0).color(palette.accent));
        });
    });
    let hint =
        "What the network computed for this place; the last digits differ, for it adds in another order";
    line(ui, "the network says", f64::from(value.network), hint);
    for then in &value.then {
        ui.add_space(3.0);
        let hint = "What follows, as the network computed it";
        line(ui, &format!("→ {}", then.node), f64::from(then.network), hint);
        ui.label(small(&then.formula).color(palette.weak));
    }
}

/// One channel: its patch times the kernel is the products.
fn channel_ui(ui: &mut Ui, value: &ByHand, part: &ChannelPart) {
    let palette = Palette::of(ui);
    let (low, high) = part.patch.iter().fold((0.0_f32, 0.0_f32), |(l, h), &v| (l.min(v), h.max(v)));
    let reach = |values: &ndarray::Array2<f32>| values.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
    let products = part.products();
    let (weights, results) = (reach(&part.kernel), reach(&products));
    ui.vertical(|ui| {
        let name = part.name.clone().unwrap_or_else(|| format!("channel {}", part.channel));
        ui.horizontal(|ui| {
            ui.label(small(name).color(palette.strong));
            ui.label(small(format!("Σ {}", format::value(part.sum))).color(palette.accent));
        });
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            let there = &value.there;
            let patch = Matrix { values: &part.patch, there, colours: Colormap::Viridis, ends: [low, high] };
            matrix_ui(
                ui,
                &patch,
                "What the kernel meets; hatched: beyond the border, or between the input's pixels",
            );
            ui.label(small("×").color(palette.weak));
            let all = there.mapv(|_| true);
            let ends = [-weights, weights];
            let kernel = Matrix { values: &part.kernel, there: &all, colours: Colormap::Signed, ends };
            matrix_ui(ui, &kernel, "The kernel: what the network learned");
            ui.label(small("=").color(palette.weak));
            let ends = [-results, results];
            let products = Matrix { values: &products, there, colours: Colormap::Signed, ends };
            matrix_ui(ui, &products, "The products, which are added up");
        });
    });
}

/// A row a feature, a column a microscope channel; the chosen feature is marked.
fn kernels_ui(ui: &mut Ui, kernels: &FirstKernels, chosen: usize) {
    let palette = Palette::of(ui);
    let reach = kernels.kernels.iter().fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs()));
    let (features, ..) = kernels.kernels.dim();
    ui.label(small(format!("{}: columns {}", kernels.node, kernels.channels.join(", "))).color(palette.weak));
    ScrollArea::vertical().id_salt("kernels").auto_shrink(false).show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            for feature in 0..features.min(KERNELS) {
                ui.vertical(|ui| {
                    let ink = if feature == chosen { palette.accent } else { palette.weak };
                    ui.label(small(feature.to_string()).color(ink));
                    ui.horizontal(|ui| {
                        ui.spacing_mut().item_spacing.x = 3.0;
                        for (channel, name) in kernels.channels.iter().enumerate() {
                            let values =
                                kernels.kernels.slice(ndarray::s![feature, channel, .., ..]).to_owned();
                            let all = values.mapv(|_| true);
                            let ends = [-reach, reach];
                            let matrix =
                                Matrix { values: &values, there: &all, colours: Colormap::Signed, ends };
                            matrix::picture_ui(ui, &matrix, &format!("Feature {feature}, {name}"));
                        }
                    });
                });
                ui.add_space(6.0);
            }
        });
        if features > KERNELS {
            ui.label(small(format!("and {} more features", features - KERNELS)).color(palette.weak));
        }
    });
}
