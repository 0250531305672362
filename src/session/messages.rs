//! What the session tells the person, and what it keeps for next time.

use super::{Message, Session, Severity};

/// How many messages stay before the oldest information goes; warnings and errors wait to be dismissed.
const KEPT: usize = 20;

impl Session {
    /// The messages tell everything once; the newest is the last.
    pub(super) fn say(&mut self, severity: Severity, text: impl Into<String>) {
        let id = self.new_key();
        self.messages.push(Message { id, severity, text: text.into() });
        if self.messages.len() > KEPT {
            let oldest = self.messages.iter().position(|message| message.severity == Severity::Info);
            oldest.map(|place| self.messages.remove(place));
        }
    }

    pub(super) fn save_preferences(&mut self) {
        let Some(path) = self.preferences_file.clone() else { return };
        let preferences = self.preferences.clone();
        self.jobs.errand(move || {
            if let Err(error) = preferences.save_to(&path) {
                tracing::warn!("preferences are not kept: {error}: {}", path.display());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::session;
    use super::super::{Command, Preferences, Theme};
    use super::*;

    #[test]
    fn old_information_goes_and_errors_stay() {
        let mut session = session();
        session.say(Severity::Error, "the disk is full");
        for number in 0..50 {
            session.say(Severity::Info, number.to_string());
        }
        assert_eq!(session.messages.len(), KEPT);
        assert_eq!(session.messages[0].text, "the disk is full");
        assert_eq!(session.messages[KEPT - 1].text, "49");
    }

    #[test]
    fn a_dismissed_message_is_gone() {
        let mut session = session();
        session.say(Severity::Error, "one");
        session.say(Severity::Error, "two");
        let id = session.messages[0].id;
        session.apply(Command::DismissMessage(id));
        session.apply(Command::DismissMessage(id));
        assert_eq!(session.messages.len(), 1);
        assert_eq!(session.messages[0].text, "two");
    }

    #[test]
    fn the_theme_is_kept_for_next_time_only_when_wished() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("preferences.toml");
        let mut session = session();
        session.apply(Command::SetTheme(Theme::Light));
        assert!(!path.exists());
        session.preferences_file = Some(path.clone());
        session.apply(Command::SetTheme(Theme::Light));
        assert_eq!(Preferences::load_from(&path).theme, Theme::Light);
    }
}
