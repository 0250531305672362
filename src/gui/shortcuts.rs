//! Shortcuts: which were pressed, and how they are written.
use super::actions::Action;
use eframe::egui::{self, Key, KeyboardShortcut, Modifiers};

/// A shortcut with the signs that are on the keys.
pub(super) fn shortcut_text(ctx: &egui::Context, shortcut: KeyboardShortcut) -> String {
    let signs = [
        ("Questionmark", "?"),
        ("Plus", "+"),
        ("Minus", "−"),
        ("Equals", "="),
        ("Escape", "Esc"),
        ("PageUp", "Page Up"),
        ("PageDown", "Page Down"),
        ("Left", "←"),
        ("Right", "→"),
        ("Delete", "Del"),
        ("Up", "↑"),
        ("Down", "↓"),
    ];
    let text = ctx.format_shortcut(&shortcut);
    let (before, key) = text.rsplit_once('+').map_or(("", text.as_str()), |(before, key)| (before, key));
    let key = signs.iter().find(|(name, _)| *name == key).map_or(key, |(_, sign)| sign);
    if before.is_empty() { key.to_owned() } else { format!("{before}+{key}") }
}

/// Takes this frame's pressed shortcuts out of the input. While text is typed only those with Ctrl or an F key count.
pub(super) fn pressed(ctx: &egui::Context) -> Vec<Action> {
    let typing = ctx.text_edit_focused();
    let popup = egui::Popup::is_any_open(ctx);
    // The space bar presses the button that has the focus.
    let focused = ctx.memory(|memory| memory.focused().is_some());
    let mut table: Vec<_> = Action::ALL
        .into_iter()
        .filter(|action| !popup || *action != Action::Cancel)
        .filter(|action| !focused || *action != Action::PlayFrames)
        .flat_map(|action| action.about().shortcuts.iter().map(move |shortcut| (shortcut, action)))
        .collect();
    // An extra Shift is ignored, so Ctrl+O tried first would take Ctrl+Shift+O.
    table.sort_by_key(|(shortcut, _)| !shortcut.modifiers.shift);
    ctx.input_mut(|input| {
        let mut pressed = Vec::new();
        for (shortcut, action) in table {
            let plain = shortcut.modifiers.is_none() || shortcut.modifiers == Modifiers::SHIFT;
            let function_key = matches!(shortcut.logical_key, Key::F1 | Key::F5);
            if !(typing && plain && !function_key) && input.consume_shortcut(shortcut) {
                pressed.push(action);
            }
        }
        pressed
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortcuts_are_written_with_the_signs_on_the_keys() {
        let ctx = egui::Context::default();
        ctx.set_os(egui::os::OperatingSystem::Nix);
        let text = |action: Action| action.shortcut_text(&ctx).unwrap();
        assert_eq!(text(Action::ZoomIn), "+");
        assert_eq!(text(Action::NextFeature), "→");
        assert_eq!(text(Action::OpenModel), "Ctrl+Shift+O");
    }

    #[test]
    fn more_specific_shortcuts_come_before_those_they_contain() {
        let ctx = egui::Context::default();
        let input = egui::RawInput {
            events: vec![egui::Event::Key {
                key: Key::O,
                physical_key: None,
                pressed: true,
                repeat: false,
                modifiers: Modifiers::COMMAND | Modifiers::SHIFT | Modifiers::CTRL,
            }],
            ..Default::default()
        };
        let mut found = Vec::new();
        let _ = ctx.run_ui(input, |ui| found.extend(pressed(ui.ctx())));
        assert_eq!(found, [Action::OpenModel]);
    }
}
