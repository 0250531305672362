//! How channels look: windows, tones, colours, and which are on in the composite.

use super::{Opened, Session, Shown};
use crate::imaging::{ChannelColour, Contrast, Display, Micrograph, Percentiles, Pyramid, Tinted, Tone};
use ndarray::ArrayView2;
use std::sync::Arc;

/// Channels that a composite may add up.
pub const MOST_TOGETHER: usize = 8;
/// Channels that are on in a composite that nobody has touched.
const USUALLY_TOGETHER: usize = 4;
/// Values of all channels together up to which an image opens as a composite.
const MOST_BYTES: usize = 1 << 30;

/// How one channel of an image is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChannelLook {
    /// In the composite.
    pub visible: bool,
    pub colour: ChannelColour,
    /// Set by hand or from the whole stack; `None` follows each plane.
    pub contrast: Option<Contrast>,
    pub tone: Tone,
}

impl ChannelLook {
    fn usual(micrograph: &Micrograph, channel: usize) -> Self {
        let channels = micrograph.channels();
        let (visible, colour) = if micrograph.is_colour() {
            let primaries = [ChannelColour::Red, ChannelColour::Green, ChannelColour::Blue];
            // The fourth is alpha.
            (channel < 3, primaries.get(channel).copied().unwrap_or_default())
        } else {
            (channel < USUALLY_TOGETHER, ChannelColour::usual(channel, channels))
        };
        Self { visible, colour, contrast: None, tone: Tone::default() }
    }
}

/// One channel of the composite on the screen.
#[derive(Debug, Clone, Copy)]
pub struct TintedLayer<'a> {
    pub channel: usize,
    pub pyramid: &'a Arc<Pyramid>,
    pub contrast: Contrast,
    pub look: &'a ChannelLook,
}

impl TintedLayer<'_> {
    /// With the values of a part of it.
    #[must_use]
    pub fn tint<'v>(&self, values: ArrayView2<'v, f32>) -> Tinted<'v> {
        Tinted { values, contrast: self.contrast, tone: self.look.tone, colour: self.look.colour }
    }
}

impl Opened {
    /// A series as it is shown at first: colour pictures and images of a few channels as composites.
    pub(super) fn new(id: u64, micrograph: Micrograph, thumbnail: (usize, usize, Arc<Vec<u8>>)) -> Self {
        let channels = micrograph.channels();
        let composite = usually_composite(&micrograph);
        let looks = (0..channels).map(|channel| ChannelLook::usual(&micrograph, channel)).collect();
        Self {
            id,
            as_read: micrograph.clone(),
            micrograph,
            thumbnail,
            frame: 0,
            channel: 0,
            composite,
            looks,
        }
    }

    /// The channels that are drawn together; none while one is shown alone.
    pub(super) fn together(&self) -> Vec<usize> {
        let on = (0..).zip(&self.looks).filter(|(_, look)| self.composite && look.visible);
        on.map(|(channel, _)| channel).collect()
    }
}

/// Whether an image opens as a composite: pictures in colour and those of a few channels that can be compared, unless
/// they are so large that one channel is enough to hold.
fn usually_composite(micrograph: &Micrograph) -> bool {
    let channels = micrograph.channels();
    let named = |name: &str| micrograph.channel_names().iter().any(|own| own.eq_ignore_ascii_case(name));
    let complex = named("modulus") && named("phase");
    let together = channels.min(USUALLY_TOGETHER);
    let bytes =
        micrograph.height().saturating_mul(micrograph.width()).saturating_mul(together * size_of::<f32>());
    (2..=MOST_TOGETHER).contains(&channels) && !micrograph.is_spectral() && !complex && bytes <= MOST_BYTES
}

impl Session {
    /// How the selected channel looks.
    #[must_use]
    pub fn look(&self) -> Option<&ChannelLook> {
        let opened = self.current_opened()?;
        opened.looks.get(opened.channel)
    }

    /// The plane on the screen with how it looks.
    fn shown_look(&self) -> Option<(&Shown, &Opened, ChannelLook)> {
        let shown = self.shown.as_ref()?;
        let opened = self.opened.get(shown.opened)?;
        Some((shown, opened, *opened.looks.get(shown.channel)?))
    }

    /// The window in force: by hand, or of the shown plane.
    #[must_use]
    pub fn contrast_now(&self) -> Option<Contrast> {
        let (shown, _, look) = self.shown_look()?;
        Some(look.contrast.unwrap_or(shown.auto_contrast))
    }

    /// How the values of the shown plane become colours when it is shown alone.
    #[must_use]
    pub fn display_now(&self) -> Option<Display> {
        let (shown, _, look) = self.shown_look()?;
        let contrast = look.contrast.unwrap_or(shown.auto_contrast);
        Some(Display { contrast, tone: look.tone, colormap: self.colormap })
    }

    /// Whether the picture on the screen is a composite.
    #[must_use]
    pub fn is_composite(&self) -> bool {
        self.shown_look().is_some_and(|(_, opened, _)| opened.composite)
    }

    /// The channels of the composite on the screen; `None` where one channel is shown alone.
    #[must_use]
    pub fn composite_now(&self) -> Option<Vec<TintedLayer<'_>>> {
        let (shown, opened, _) = self.shown_look().filter(|(_, opened, _)| opened.composite)?;
        let tinted = shown.layers.iter().filter_map(|layer| {
            let look = opened.looks.get(layer.channel).filter(|look| look.visible)?;
            let contrast = look.contrast.unwrap_or(layer.auto_contrast);
            Some(TintedLayer { channel: layer.channel, pyramid: &layer.pyramid, contrast, look })
        });
        Some(tinted.collect())
    }

    pub(super) fn set_contrast(&mut self, contrast: Option<Contrast>) {
        let usable = |contrast: Contrast| {
            let Contrast { low, high } = contrast;
            (low.is_finite() && high.is_finite())
                .then(|| Contrast { low: low.min(high), high: high.max(low) })
        };
        let Some(look) = self.look_mut() else { return };
        match contrast {
            None => look.contrast = None,
            Some(asked) => look.contrast = usable(asked).or(look.contrast),
        }
    }

    pub(super) fn set_tone(&mut self, tone: Tone) {
        if let Some(look) = self.look_mut() {
            look.tone = tone.in_range();
        }
    }

    /// Keeps the windows that are in force now while frames are stepped through.
    pub(super) fn keep_windows(&mut self) {
        let Some(shown) = &self.shown else { return };
        let mut windows = vec![(shown.channel, shown.auto_contrast)];
        windows.extend(shown.layers.iter().map(|layer| (layer.channel, layer.auto_contrast)));
        let Some(opened) = self.opened.get_mut(shown.opened) else { return };
        for (channel, automatic) in windows {
            if let Some(look) = opened.looks.get_mut(channel) {
                look.contrast.get_or_insert(automatic);
            }
        }
    }

    pub(super) fn set_percentiles(&mut self, asked: Percentiles) {
        let Some(percentiles) = Percentiles::checked(asked.low, asked.high) else { return };
        self.percentiles = percentiles;
        self.request_plane();
    }

    pub(super) fn set_composite(&mut self, composite: bool) {
        let Some(opened) = self.current_opened_mut() else { return };
        opened.composite = composite && opened.micrograph.channels() > 1;
        self.request_plane();
    }

    /// A channel beyond [`MOST_TOGETHER`] stays off.
    pub(super) fn set_channel_visible(&mut self, channel: usize, visible: bool) {
        let Some(opened) = self.current_opened_mut() else { return };
        let room = opened.looks.iter().filter(|look| look.visible).count() < MOST_TOGETHER;
        match opened.looks.get_mut(channel) {
            Some(look) if room || !visible => look.visible = visible,
            _ => return,
        }
        self.request_plane();
    }

    pub(super) fn set_channel_colour(&mut self, channel: usize, colour: ChannelColour) {
        let look = self.current_opened_mut().and_then(|opened| opened.looks.get_mut(channel));
        if let Some(look) = look {
            look.colour = colour;
        }
    }

    fn look_mut(&mut self) -> Option<&mut ChannelLook> {
        let opened = self.current_opened_mut()?;
        opened.looks.get_mut(opened.channel)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{colour_png, grey_png, session, stack_tiff, two_channels};
    use super::*;

    #[test]
    fn two_channels_open_as_a_composite_of_green_and_magenta() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        session.apply(Command::Open(vec![two_channels(dir.path(), "two.tif")]));
        let tinted = session.composite_now().unwrap();
        let colours: Vec<_> = tinted.iter().map(|channel| channel.look.colour).collect();
        assert_eq!(colours, [ChannelColour::Green, ChannelColour::Magenta]);
        assert_eq!([0, 1].map(|layer: usize| tinted[layer].pyramid.plane().value(1, 2)), [8.0, 108.0]);
        session.apply(Command::SetChannelVisible(0, false));
        session.apply(Command::SetChannelColour(1, ChannelColour::Yellow));
        let tinted = session.composite_now().unwrap();
        assert_eq!((tinted.len(), tinted[0].look.colour), (1, ChannelColour::Yellow));
        session.apply(Command::SetChannelVisible(1, false));
        assert_eq!(session.composite_now().unwrap().len(), 0);
        session.apply(Command::SetComposite(false));
        assert!(session.composite_now().is_none());
        session.apply(Command::SetChannelVisible(7, true));
        session.apply(Command::SetChannelColour(7, ChannelColour::Red));
        assert_eq!(session.messages, []);
    }

    #[test]
    fn every_channel_keeps_its_own_window_and_tone() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        session.apply(Command::Open(vec![two_channels(dir.path(), "two.tif")]));
        let (first, tone) = (Contrast { low: 1.0, high: 2.0 }, Tone { gamma: 0.5, ..Tone::default() });
        session.apply(Command::SetContrast(Some(first)));
        session.apply(Command::SetTone(tone));
        session.apply(Command::SetChannel(1));
        assert_eq!(session.look().unwrap().contrast, None);
        assert_eq!(session.contrast_now(), Some(session.shown.as_ref().unwrap().auto_contrast));
        let tinted = session.composite_now().unwrap();
        assert_eq!((tinted[0].contrast, tinted[0].look.tone), (first, tone));
        assert_eq!(tinted[1].look.tone, Tone::default());
        session.apply(Command::SetChannel(0));
        assert_eq!(session.contrast_now(), Some(first));
        session.apply(Command::SetTone(Tone { gamma: f32::NAN, ..tone }));
        assert_eq!(session.look().unwrap().tone.gamma, 1.0);
    }

    #[test]
    fn a_colour_picture_is_shown_as_it_is_and_a_grey_one_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        session.apply(Command::Open(vec![colour_png(dir.path(), "colour.png")]));
        let tinted = session.composite_now().unwrap();
        assert_eq!(tinted.len(), 3);
        for (channel, colour) in
            tinted.iter().zip([ChannelColour::Red, ChannelColour::Green, ChannelColour::Blue])
        {
            assert_eq!((channel.contrast, channel.look.colour), (Contrast { low: 0.0, high: 255.0 }, colour));
        }
        session.apply(Command::Open(vec![grey_png(dir.path(), "grey.png", 5, 4)]));
        assert!(session.composite_now().is_none() && !session.is_composite());
        session.apply(Command::SetComposite(true));
        assert!(!session.is_composite(), "there is nothing to add up");
    }

    #[test]
    fn percentiles_are_chosen_once_for_all_images() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        session.apply(Command::Open(vec![grey_png(dir.path(), "grey.png", 10, 4)]));
        let all = Percentiles { low: 0.0, high: 100.0 };
        session.apply(Command::SetPercentiles(all));
        // `grey_png`'s formula: 9 · 20 + 3 · 7.
        assert_eq!(session.contrast_now(), Some(Contrast { low: 0.0, high: 201.0 }));
        session.apply(Command::SetPercentiles(Percentiles { low: f32::NAN, high: 2.0 }));
        assert_eq!(session.percentiles, all);
        session.apply(Command::SetColormap(crate::imaging::Colormap::Signed));
        assert_eq!(session.contrast_now(), Some(Contrast { low: -201.0, high: 201.0 }));
    }

    #[test]
    fn a_kept_window_stays_while_frames_are_stepped_through() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        session.apply(Command::Open(vec![stack_tiff(dir.path(), "stack.tif", 3)]));
        let first = session.contrast_now();
        session.apply(Command::SetFrame(2));
        assert_ne!(session.contrast_now(), first);
        session.apply(Command::SetFrame(0));
        session.apply(Command::KeepWindows);
        session.apply(Command::SetFrame(2));
        assert_eq!(session.contrast_now(), first);
    }
}
