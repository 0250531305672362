//! What a person can do at the window: text, tooltip and shortcut of each action in one table.
use super::shortcuts::shortcut_text;
use eframe::egui::{self, Key, KeyboardShortcut, Modifiers};

/// One intention. Menus, buttons, shortcuts and the help window all read the same table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Open,
    OpenModel,
    OpenLabels,
    OpenScheme,
    NewNetwork,
    SaveModel,
    Export,
    Figure,
    SaveCopy,
    ExportModel,
    CopyCommand,
    Run,
    Cancel,
    Fit,
    ActualSize,
    ZoomIn,
    ZoomOut,
    ToggleMask,
    ToggleField,
    ToggleEffective,
    ScaleLine,
    ToggleMinimap,
    PreviousFeature,
    NextFeature,
    PreviousNode,
    NextNode,
    PreviousFrame,
    NextFrame,
    PlayFrames,
    ToolPan,
    ToolLine,
    ToolRectangle,
    ClearDrawing,
    SaveProfile,
    SaveStatistics,
    SaveHealth,
    ShowTrust,
    ToggleTheme,
    ResetLayout,
    Help,
}

/// What is known of an action.
pub(super) struct About {
    pub(super) group: &'static str,
    pub(super) text: &'static str,
    pub(super) tooltip: &'static str,
    /// The first is the one shown beside the text.
    pub(super) shortcuts: &'static [KeyboardShortcut],
}

const fn key(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn about(
    group: &'static str,
    text: &'static str,
    tooltip: &'static str,
    shortcuts: &'static [KeyboardShortcut],
) -> About {
    About { group, text, tooltip, shortcuts }
}

impl Action {
    pub(super) const ALL: [Self; 40] = [
        Self::Open,
        Self::OpenModel,
        Self::OpenLabels,
        Self::OpenScheme,
        Self::NewNetwork,
        Self::SaveModel,
        Self::Export,
        Self::Figure,
        Self::SaveCopy,
        Self::ExportModel,
        Self::CopyCommand,
        Self::Run,
        Self::Cancel,
        Self::Fit,
        Self::ActualSize,
        Self::ZoomIn,
        Self::ZoomOut,
        Self::ToggleMask,
        Self::ToggleField,
        Self::ToggleEffective,
        Self::ScaleLine,
        Self::ToggleMinimap,
        Self::PreviousFeature,
        Self::NextFeature,
        Self::PreviousNode,
        Self::NextNode,
        Self::PreviousFrame,
        Self::NextFrame,
        Self::PlayFrames,
        Self::ToolPan,
        Self::ToolLine,
        Self::ToolRectangle,
        Self::ClearDrawing,
        Self::SaveProfile,
        Self::SaveStatistics,
        Self::SaveHealth,
        Self::ShowTrust,
        Self::ToggleTheme,
        Self::ResetLayout,
        Self::Help,
    ];

    pub(super) fn about(self) -> About {
        match self {
            Self::Open
            | Self::OpenModel
            | Self::OpenLabels
            | Self::OpenScheme
            | Self::NewNetwork
            | Self::SaveModel
            | Self::Export
            | Self::Figure
            | Self::SaveCopy
            | Self::ExportModel
            | Self::CopyCommand => self.about_files(),
            Self::Run | Self::Cancel => self.about_running(),
            Self::SaveHealth | Self::ShowTrust => self.about_trust(),
            Self::Fit
            | Self::ActualSize
            | Self::ZoomIn
            | Self::ZoomOut
            | Self::ToggleMask
            | Self::ToggleField
            | Self::ToggleEffective
            | Self::ScaleLine
            | Self::ToggleMinimap => self.about_looking(),
            Self::ToolPan
            | Self::ToolLine
            | Self::ToolRectangle
            | Self::ClearDrawing
            | Self::SaveProfile
            | Self::SaveStatistics => self.about_drawing(),
            _ => self.about_stepping(),
        }
    }

    fn about_files(self) -> About {
        let group = "Files";
        match self {
            Self::Open => {
                const KEYS: &[KeyboardShortcut] = &[ctrl(Key::O)];
                about(group, "Open…", "Open micrographs; the help lists the formats", KEYS)
            }
            Self::OpenModel => {
                const KEYS: &[KeyboardShortcut] =
                    &[KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::O)];
                about(group, "Open model file…", "Open a model from a .safetensors or .onnx file", KEYS)
            }
            Self::OpenLabels => {
                let tooltip = "Open a mask of the shown image, and say what its values mean where they are not the \
                               model's classes: features are held against it, the network and the classical methods \
                               are scored by it, and channel ablation tells IoU";
                about(group, "Open labels…", tooltip, &[])
            }
            Self::OpenScheme => {
                let tooltip =
                    "Open a TOML file that says which grey values or colours of the mask mean which class";
                about(group, "Open label scheme…", tooltip, &[])
            }
            Self::NewNetwork => {
                const KEYS: &[KeyboardShortcut] = &[ctrl(Key::N)];
                let tooltip = "Choose an architecture, see what it costs, and look inside it";
                about(group, "New network…", tooltip, KEYS)
            }
            Self::SaveModel => {
                about(group, "Save model as…", "Write the chosen model to a .safetensors file", &[])
            }
            Self::Export => {
                const KEYS: &[KeyboardShortcut] = &[ctrl(Key::E)];
                about(group, "Export…", "Write the mask, tables and a manifest of this result", KEYS)
            }
            Self::Figure => {
                const KEYS: &[KeyboardShortcut] =
                    &[KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::E)];
                let tooltip = "Put panels together for a paper, with scale bar and labels, as PNG or SVG";
                about(group, "Figure…", tooltip, KEYS)
            }
            Self::SaveCopy => {
                const KEYS: &[KeyboardShortcut] = &[ctrl(Key::S)];
                let tooltip =
                    "Save the micrograph as OME-TIFF, TIFF, NumPy array or PNG, by the name's ending";
                about(group, "Save a copy as…", tooltip, KEYS)
            }
            Self::ExportModel => {
                let tooltip = "Write the chosen model as an ONNX file, for other programs to run";
                about(group, "Export as ONNX…", tooltip, &[])
            }
            _ => {
                const KEYS: &[KeyboardShortcut] =
                    &[KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::C)];
                about(group, "Copy as command", "Copy the command line that makes exactly this result", KEYS)
            }
        }
    }

    fn about_running(self) -> About {
        let group = "Running";
        if self == Self::Run {
            const KEYS: &[KeyboardShortcut] = &[key(Key::F5), ctrl(Key::Enter)];
            about(group, "Run", "Run the chosen model on the shown frame", KEYS)
        } else {
            const KEYS: &[KeyboardShortcut] = &[key(Key::Escape)];
            about(group, "Cancel", "Stop the running work; the previous result stays", KEYS)
        }
    }

    fn about_looking(self) -> About {
        let group = "Looking";
        match self {
            Self::Fit => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::F)];
                about(group, "Fit", "Show the whole image in every pane; also a double click", KEYS)
            }
            Self::ActualSize => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::Num1)];
                about(group, "1:1", "One image pixel on one screen pixel", KEYS)
            }
            Self::ZoomIn => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::Plus), key(Key::Equals)];
                about(group, "Zoom in", "Zoom in; the mouse wheel zooms to the cursor", KEYS)
            }
            Self::ZoomOut => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::Minus)];
                about(group, "Zoom out", "Zoom out about the middle of the source", KEYS)
            }
            Self::ToggleMask => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::M)];
                about(group, "Mask", "Lay the predicted classes over the micrograph", KEYS)
            }
            Self::ToggleEffective => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::E)];
                about(
                    group,
                    "Really sees",
                    "Effective receptive field: measure by gradients how strongly each pixel moves the value that is \
                     looked at; rest the pointer on a feature to measure that one",
                    KEYS,
                )
            }
            Self::ScaleLine => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::S)];
                about(
                    group,
                    "Scale",
                    "Draw a line along the scale bar in the picture and type its length",
                    KEYS,
                )
            }
            Self::ToggleMinimap => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::N)];
                about(
                    group,
                    "Map",
                    "Overview in the corner of a source that is zoomed in: click or drag in it to go there",
                    KEYS,
                )
            }
            _ => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::R)];
                about(
                    group,
                    "Field",
                    "Receptive field: the part of the micrograph that can change the feature pixel under the cursor",
                    KEYS,
                )
            }
        }
    }

    fn about_drawing(self) -> About {
        let group = "Drawing";
        match self {
            Self::ToolPan => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::V)];
                about(
                    group,
                    "Pan",
                    "Dragging moves the picture; ends and edges of what is drawn can be dragged too",
                    KEYS,
                )
            }
            Self::ToolLine => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::L)];
                about(
                    group,
                    "Line",
                    "Draw a line to see the values along it in Profile; Shift keeps it straight",
                    KEYS,
                )
            }
            Self::ToolRectangle => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::A)];
                about(
                    group,
                    "Area",
                    "Draw a rectangle to see mean, deviation and median of its pixels in Region; Shift makes it square",
                    KEYS,
                )
            }
            Self::ClearDrawing => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::Delete), key(Key::Backspace)];
                about(group, "Clear drawing", "Take the line and the rectangle away; so does Esc", KEYS)
            }
            Self::SaveProfile => about(
                group,
                "Save profile…",
                "Write the values along the line as comma-separated values",
                &[],
            ),
            _ => about(
                group,
                "Save statistics…",
                "Write the rectangle's numbers as comma-separated values",
                &[],
            ),
        }
    }

    fn about_trust(self) -> About {
        let group = "Trust";
        match self {
            Self::SaveHealth => about(
                group,
                "Save health report…",
                "Write the report as a .csv table, or whole as .json",
                &[],
            ),
            _ => about(
                group,
                "Trust",
                "Show whether the image is like the training images, and whether a threshold would do",
                &[],
            ),
        }
    }

    fn about_stepping(self) -> About {
        let group = if matches!(self, Self::ToggleTheme | Self::ResetLayout | Self::Help) {
            "Window"
        } else {
            "Stepping"
        };
        match self {
            Self::PreviousFeature => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::ArrowLeft)];
                about(
                    group,
                    "Previous feature",
                    "Show the feature before this one in the sheet's order",
                    KEYS,
                )
            }
            Self::NextFeature => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::ArrowRight)];
                about(group, "Next feature", "Show the feature after this one in the sheet's order", KEYS)
            }
            Self::PreviousNode => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::ArrowUp)];
                about(group, "Previous node", "Look at the node above in the network", KEYS)
            }
            Self::NextNode => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::ArrowDown)];
                about(group, "Next node", "Look at the node below in the network", KEYS)
            }
            Self::PreviousFrame => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::PageUp)];
                about(group, "Previous frame", "One frame back in the stack", KEYS)
            }
            Self::NextFrame => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::PageDown)];
                about(group, "Next frame", "One frame on in the stack", KEYS)
            }
            Self::PlayFrames => {
                const KEYS: &[KeyboardShortcut] = &[key(Key::Space)];
                about(group, "Play", "Play the stack, or stop", KEYS)
            }
            Self::ToggleTheme => {
                about(group, "Light or dark", "Change between the dark and the light theme", &[])
            }
            Self::ResetLayout => about(group, "Reset layout", "Put every pane back where it was", &[]),
            _ => {
                const KEYS: &[KeyboardShortcut] = &[
                    key(Key::F1),
                    key(Key::Questionmark),
                    KeyboardShortcut::new(Modifiers::SHIFT, Key::Questionmark),
                ];
                about(group, "Help", "Every shortcut, and what the words mean", KEYS)
            }
        }
    }

    /// The shortcut as this system writes it, such as "Ctrl+O".
    pub(super) fn shortcut_text(self, ctx: &egui::Context) -> Option<String> {
        self.about().shortcuts.first().map(|shortcut| shortcut_text(ctx, *shortcut))
    }

    /// Tooltip with the shortcut behind it.
    pub(super) fn hint(self, ctx: &egui::Context) -> String {
        let tooltip = self.about().tooltip;
        match self.shortcut_text(ctx) {
            Some(shortcut) => format!("{tooltip} ({shortcut})"),
            None => tooltip.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_actions_share_a_shortcut() {
        let mut seen: Vec<(Modifiers, Key, Action)> = Vec::new();
        for action in Action::ALL {
            for shortcut in action.about().shortcuts {
                for (modifiers, key, other) in &seen {
                    let same = *modifiers == shortcut.modifiers && *key == shortcut.logical_key;
                    assert!(!same, "{action:?} and {other:?} share {shortcut:?}");
                }
                seen.push((shortcut.modifiers, shortcut.logical_key, action));
            }
        }
    }

    #[test]
    fn every_action_is_listed_once_and_explains_itself() {
        for (place, action) in Action::ALL.iter().enumerate() {
            assert!(!Action::ALL[..place].contains(action), "{action:?} stands twice");
            let about = action.about();
            assert!(!about.text.is_empty() && about.tooltip.len() > about.text.len(), "{action:?}");
        }
    }
}
