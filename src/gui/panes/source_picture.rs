//! The micrograph on the screen as a picture: one channel, or several together.
use crate::gui::view::{Pixels, Reduced, display_parts, drawn, stamp};
use crate::imaging::{Display, Pyramid, Tinted};
use crate::session::{Session, Shown, TintedLayer};
use ndarray::ArrayView2;
use std::hash::Hash;

/// Hands `draw` the picture of what is shown, and a number that changes whenever its colours do.
pub(super) fn with_picture(session: &Session, shown: &Shown, draw: impl FnOnce(&Reduced<'_>, u64)) {
    if let Some(layers) = session.composite_now() {
        return composite(&layers, shown, draw);
    }
    let usual = Display::new(shown.auto_contrast, session.colormap);
    let display = session.display_now().unwrap_or(usual);
    let colour = |tiles: &[ArrayView2<'_, f32>]| drawn(Pixels::Toned { values: tiles[0], display });
    draw(
        &Reduced { pyramids: &[&shown.pyramid], colour: &colour },
        stamp((shown.key, display_parts(&display))),
    );
}

/// Channels together; black where all are switched off.
fn composite(layers: &[TintedLayer<'_>], shown: &Shown, draw: impl FnOnce(&Reduced<'_>, u64)) {
    let mut pyramids: Vec<&Pyramid> = layers.iter().map(|layer| &**layer.pyramid).collect();
    if pyramids.is_empty() {
        pyramids.push(&shown.pyramid);
    }
    let colour = |tiles: &[ArrayView2<'_, f32>]| {
        let channels: Vec<Tinted<'_>> =
            layers.iter().zip(tiles).map(|(layer, values)| layer.tint(*values)).collect();
        let shape = tiles.first().map_or([0, 0], |tile| [tile.nrows(), tile.ncols()]);
        drawn(Pixels::Composite { shape, channels: &channels })
    };
    let parts: Vec<_> = layers.iter().map(layer_parts).collect();
    draw(&Reduced { pyramids: &pyramids, colour: &colour }, stamp((shown.key, parts)));
}

/// What a channel's part in the picture hangs on.
fn layer_parts(layer: &TintedLayer<'_>) -> impl Hash + use<> {
    let (contrast, tone) = (layer.contrast, layer.look.tone);
    let numbers = [contrast.low, contrast.high, tone.gamma].map(f32::to_bits);
    (layer.channel, numbers, tone.logarithmic, tone.inverted, layer.look.colour)
}
