//! The look: colours, type and spacing. The only file of the window with colour literals.
use crate::session::Theme;
use eframe::egui::{
    self, Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, RichText, Shadow,
    Stroke, Style, TextStyle, Vec2, Visuals,
};
use std::sync::Arc;

/// Every colour the window uses, for one of the two themes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    /// Between the panes.
    pub(super) desk: Color32,
    /// Behind the contents of a pane.
    pub(super) card: Color32,
    /// Behind images.
    pub(super) canvas: Color32,
    /// Buttons and fields at rest.
    pub(super) control: Color32,
    pub(super) control_hovered: Color32,
    pub(super) line: Color32,
    pub(super) text: Color32,
    pub(super) weak: Color32,
    pub(super) strong: Color32,
    pub(super) accent: Color32,
    /// Text on `accent`.
    pub(super) on_accent: Color32,
    /// Selected rows.
    pub(super) selected: Color32,
    pub(super) warning: Color32,
    pub(super) error: Color32,
    /// Bars that tell encoder, bottleneck and decoder apart.
    pub(super) sections: [Color32; 3],
    /// Of the boxes of a drawn network, by family.
    pub(super) families: [Color32; 10],
    /// What costs most.
    pub(super) heat: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

const DARK: Palette = Palette {
    desk: rgb(0x0e_10_13),
    card: rgb(0x17_1a_1f),
    canvas: rgb(0x0b_0c_0f),
    control: rgb(0x25_2a_31),
    control_hovered: rgb(0x31_38_41),
    line: rgb(0x2a_2f_37),
    text: rgb(0xc9_cf_d8),
    weak: rgb(0x88_92_9f),
    strong: rgb(0xf1_f4_f7),
    accent: rgb(0x4f_c3_d0),
    on_accent: rgb(0x06_1c_20),
    selected: rgb(0x1a_3f_47),
    warning: rgb(0xe5_b4_5a),
    error: rgb(0xf0_76_6b),
    sections: [rgb(0x4f_9c_d8), rgb(0xa0_84_dc), rgb(0xe0_9a_56)],
    families: [
        rgb(0xa8_b3_c0),
        rgb(0x4f_9c_d8),
        rgb(0x5c_bd_93),
        rgb(0x78_83_90),
        rgb(0xd9_b1_52),
        rgb(0xdd_7d_56),
        rgb(0xa0_84_dc),
        rgb(0x4f_c3_d0),
        rgb(0x8a_93_9e),
        rgb(0x8f_a3_b8),
    ],
    heat: rgb(0xe0_6c_3a),
};

const LIGHT: Palette = Palette {
    desk: rgb(0xe3_e7_ec),
    card: rgb(0xfb_fc_fd),
    canvas: rgb(0xe9_ec_f0),
    control: rgb(0xec_ef_f3),
    control_hovered: rgb(0xdd_e3_ea),
    line: rgb(0xd3_d9_e0),
    text: rgb(0x2d_35_3f),
    weak: rgb(0x68_73_80),
    strong: rgb(0x10_16_1d),
    accent: rgb(0x0b_7c_8e),
    on_accent: rgb(0xff_ff_ff),
    selected: rgb(0xcd_ec_f0),
    warning: rgb(0x9a_68_00),
    error: rgb(0xbf_31_2a),
    sections: [rgb(0x2f_74_b5), rgb(0x78_58_bd), rgb(0xb9_6a_1f)],
    families: [
        rgb(0x5b_66_73),
        rgb(0x2f_74_b5),
        rgb(0x002f_8664),
        rgb(0x8a_94_a0),
        rgb(0xb0_7d_14),
        rgb(0xb5_53_2f),
        rgb(0x78_58_bd),
        rgb(0x0b_7c_8e),
        rgb(0x80_87_91),
        rgb(0x4a_5c_70),
    ],
    heat: rgb(0x00d8_6a32),
};

impl Palette {
    /// The palette of the theme in force.
    pub(super) fn of(ui: &egui::Ui) -> &'static Self {
        if ui.visuals().dark_mode { &DARK } else { &LIGHT }
    }
}

/// Text in the semi-bold cut.
pub(super) fn strong(text: impl Into<String>) -> RichText {
    RichText::new(text).family(strong_family())
}

pub(super) fn strong_family() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// Small secondary text.
pub(super) fn small(text: impl Into<String>) -> RichText {
    RichText::new(text).text_style(TextStyle::Small)
}

/// Fonts and both themes, once per context.
pub(super) fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    ctx.set_style_of(egui::Theme::Dark, style(&DARK, true));
    ctx.set_style_of(egui::Theme::Light, style(&LIGHT, false));
}

/// Follows the session's theme.
pub(super) fn follow(ctx: &egui::Context, theme: Theme) {
    let wanted = match theme {
        Theme::Dark => egui::Theme::Dark,
        Theme::Light => egui::Theme::Light,
    };
    if ctx.theme() != wanted {
        ctx.set_theme(wanted);
    }
}

/// Noto Sans, whose figures are all of one width, for everything; the usual fonts behind it for rare characters.
fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let usual = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let faces = [
        (FontFamily::Proportional, "Noto Sans", notosans::REGULAR_TTF),
        (strong_family(), "Noto Sans Bold", notosans::BOLD_TTF),
    ];
    for (family, name, bytes) in faces {
        fonts.font_data.insert(name.into(), Arc::new(FontData::from_static(bytes)));
        let before_usual = std::iter::once(name.to_owned()).chain(usual.clone());
        fonts.families.insert(family, before_usual.collect());
    }
    fonts
}

fn style(palette: &Palette, dark: bool) -> Style {
    let mut style = Style { visuals: visuals(palette, dark), ..Style::default() };
    style.text_styles = [
        (TextStyle::Heading, FontId::new(17.0, strong_family())),
        (TextStyle::Body, FontId::new(12.5, FontFamily::Proportional)),
        (TextStyle::Button, FontId::new(12.5, FontFamily::Proportional)),
        (TextStyle::Small, FontId::new(11.0, FontFamily::Proportional)),
        (TextStyle::Monospace, FontId::new(12.0, FontFamily::Monospace)),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::new(8.0, 6.0);
    spacing.button_padding = Vec2::new(9.0, 4.0);
    spacing.interact_size.y = 24.0;
    spacing.menu_margin = Margin::same(6);
    spacing.window_margin = Margin::same(14);
    spacing.icon_width = 15.0;
    spacing.icon_width_inner = 9.0;
    spacing.combo_width = 60.0;
    spacing.slider_rail_height = 4.0;
    spacing.tooltip_width = 320.0;
    spacing.scroll.bar_width = 7.0;
    spacing.scroll.floating_width = 3.0;
    style.interaction.tooltip_delay = 0.4;
    style.interaction.selectable_labels = false;
    style.animation_time = 0.1;
    style
}

fn visuals(palette: &Palette, dark: bool) -> Visuals {
    let mut visuals = if dark { Visuals::dark() } else { Visuals::light() };
    visuals.panel_fill = palette.desk;
    visuals.window_fill = palette.card;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.window_corner_radius = CornerRadius::same(10);
    visuals.menu_corner_radius = CornerRadius::same(8);
    visuals.extreme_bg_color = palette.canvas;
    visuals.faint_bg_color = palette.card.lerp_to_gamma(palette.control, 0.35);
    visuals.code_bg_color = palette.control;
    visuals.weak_text_color = Some(palette.weak);
    visuals.hyperlink_color = palette.accent;
    visuals.warn_fg_color = palette.warning;
    visuals.error_fg_color = palette.error;
    visuals.selection.bg_fill = palette.selected;
    visuals.selection.stroke = Stroke::new(1.0, palette.accent);
    visuals.slider_trailing_fill = true;
    visuals.handle_shape = egui::style::HandleShape::Circle;
    let shadow_alpha = if dark { 110 } else { 40 };
    let shadow =
        Shadow { offset: [0, 6], blur: 20, spread: 0, color: Color32::from_black_alpha(shadow_alpha) };
    visuals.window_shadow = shadow;
    visuals.popup_shadow = shadow;
    widgets(&mut visuals.widgets, palette);
    visuals
}

fn widgets(widgets: &mut egui::style::Widgets, palette: &Palette) {
    let states = [
        (&mut widgets.noninteractive, palette.card, palette.text, palette.line),
        (&mut widgets.inactive, palette.control, palette.text, Color32::TRANSPARENT),
        (&mut widgets.hovered, palette.control_hovered, palette.strong, Color32::TRANSPARENT),
        (&mut widgets.active, palette.selected, palette.strong, palette.accent),
        (&mut widgets.open, palette.control_hovered, palette.strong, Color32::TRANSPARENT),
    ];
    for (state, fill, text, outline) in states {
        state.bg_fill = fill;
        state.weak_bg_fill = fill;
        state.fg_stroke = Stroke::new(1.2, text);
        state.bg_stroke =
            if outline == Color32::TRANSPARENT { Stroke::NONE } else { Stroke::new(1.0, outline) };
        state.corner_radius = CornerRadius::same(5);
        state.expansion = 0.0;
    }
}
