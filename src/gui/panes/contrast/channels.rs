//! The channels as rows: which are on, in which colour, with which window.
use super::{GAP, LINE};
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::{caption, swatch, toggle};
use crate::imaging::ChannelColour;
use crate::session::{ChannelLook, Command, MOST_TOGETHER, Opened};
use eframe::egui::{Button, Checkbox, Color32, ComboBox, ScrollArea, Ui};

/// Rows that are seen at once; more are scrolled to.
const ROWS: usize = 5;

/// Lines that an image of so many channels needs.
pub(super) fn lines(channels: usize) -> usize {
    if channels > 1 { 1 + channels.min(ROWS) } else { 0 }
}

/// The switch between one channel and the composite, and the rows.
pub(super) fn channels_ui(ui: &mut Ui, desk: &mut Desk<'_>) {
    let session = desk.session;
    let Some(opened) = session.current.and_then(|current| session.opened.get(current)) else { return };
    let channels = opened.looks.len();
    if channels < 2 {
        return;
    }
    ui.horizontal(|ui| {
        caption(ui, "Channels");
        let hint =
            "Show the channels that are on together, each in its own colour; else the chosen one alone";
        if toggle(ui, opened.composite, "Composite", hint) {
            desk.send(Command::SetComposite(!opened.composite));
        }
    });
    let height = lines(channels).saturating_sub(1) as f32 * (LINE + GAP);
    let area = ScrollArea::vertical().id_salt("channel rows").max_height(height).auto_shrink([false, true]);
    area.show_rows(ui, LINE, channels, |ui, rows| {
        for channel in rows {
            if let Some(look) = opened.looks.get(channel) {
                row_ui(ui, desk, (opened, channel), look);
            }
        }
    });
}

fn row_ui(ui: &mut Ui, desk: &mut Desk<'_>, (opened, channel): (&Opened, usize), look: &ChannelLook) {
    let name = opened.micrograph.channel_names().get(channel).map_or("?", String::as_str);
    ui.horizontal(|ui| {
        ui.set_min_height(LINE);
        if opened.composite {
            let mut visible = look.visible;
            let hint = format!("Add {name} to the picture; up to {MOST_TOGETHER} channels are added");
            let checkbox = ui.add(Checkbox::without_text(&mut visible));
            if checkbox.accessible_name(format!("Show {name}")).on_hover_text(hint).changed() {
                desk.send(Command::SetChannelVisible(channel, visible));
            }
            if let Some(colour) = colour_box(ui, (name, channel), look.colour) {
                desk.send(Command::SetChannelColour(channel, colour));
            }
        }
        let button = Button::selectable(opened.channel == channel, name);
        let hint = "Choose this channel: its histogram is shown, and a model of one channel reads it";
        if ui.add(button).on_hover_text(hint).clicked() {
            desk.send(Command::SetChannel(channel));
        }
        if let Some(window) = window_of(desk, channel, look) {
            ui.label(small(window).color(Palette::of(ui).weak));
        }
    });
}

/// The ends of a channel's window, where they are known.
fn window_of(desk: &Desk<'_>, channel: usize, look: &ChannelLook) -> Option<String> {
    let shown = desk.session.shown.as_ref()?;
    let layer = shown.layers.iter().find(|layer| layer.channel == channel);
    let automatic = layer.map(|layer| layer.auto_contrast);
    let automatic = automatic.or_else(|| (shown.channel == channel).then_some(shown.auto_contrast));
    let window = look.contrast.or(automatic)?;
    Some(format!("{} – {}", format::value(f64::from(window.low)), format::value(f64::from(window.high))))
}

fn colour_box(ui: &mut Ui, (name, channel): (&str, usize), now: ChannelColour) -> Option<ChannelColour> {
    let mut chosen = now;
    let [r, g, b] = now.rgb();
    swatch(ui, Color32::from_rgb(r, g, b));
    let id = ("channel colour", channel);
    let shown = ComboBox::from_id_salt(id).width(70.0).selected_text(small(now.name())).show_ui(ui, |ui| {
        for colour in ChannelColour::ALL {
            ui.selectable_value(&mut chosen, colour, colour.name());
        }
    });
    let label = format!("Colour of {name}");
    shown.response.accessible_name(&label).on_hover_text(format!(
        "{label}; cyan, magenta and yellow stay apart \
        for most colour-blind people"
    ));
    (chosen != now).then_some(chosen)
}
