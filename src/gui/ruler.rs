//! How much of the micrograph a node sees, in the micrograph's own pixels and lengths.
use crate::imaging::{PixelSize, format_length};
use crate::network::NodeCost;
use crate::session::Session;

/// Turns lengths of the network's input into lengths on the micrograph.
pub(super) struct Ruler {
    pixel: Option<PixelSize>,
    /// Micrograph pixels per network input pixel `[y, x]`; not 1 where images are resampled to the input's size.
    per_input: [f64; 2],
}

impl Ruler {
    pub(super) fn of(session: &Session) -> Self {
        let micrograph = session.micrograph();
        let input = session.model.as_ref().and_then(|model| model.card.input_size);
        let per_input = micrograph.zip(input).map_or([1.0, 1.0], |(micrograph, [height, width])| {
            let share = |source: usize, input: usize| source as f64 / input.max(1) as f64;
            [share(micrograph.height(), height), share(micrograph.width(), width)]
        });
        Self { pixel: micrograph.and_then(|shown| shown.calibration().pixel()), per_input }
    }

    /// `[y, x]` px of the network's input in px of the micrograph, and as lengths when calibrated.
    pub(super) fn of_input(&self, [down, across]: [f64; 2]) -> String {
        box_words([across * self.per_input[1], down * self.per_input[0]], self.pixel.as_ref())
    }

    /// The receptive field in micrograph px, and as a length when calibrated; short and long.
    pub(super) fn sees(&self, node: &NodeCost) -> (String, String) {
        let Some(field) = &node.receptive_field else {
            return ("all".to_owned(), "Sees the whole image".to_owned());
        };
        let (down, across) = (field.widest[0] * self.per_input[0], field.widest[1] * self.per_input[1]);
        let px = format!("{:.0} px", across.max(down));
        let long = format!("Sees {across:.0} × {down:.0} px of the micrograph");
        match &self.pixel {
            Some(pixel) => {
                let (across, down) = (format_length(across * pixel.x_nm), format_length(down * pixel.y_nm));
                (format!("{px}  {across}"), format!("{long}, {across} × {down}"))
            }
            None => (px, long),
        }
    }
}

/// Width by height in px of the micrograph, and as lengths where it is calibrated: `44 × 40 px, 88 × 80 nm`.
pub(super) fn box_words([width, height]: [f64; 2], pixel: Option<&PixelSize>) -> String {
    let lengths = pixel.map(|pixel| {
        let (across, down) = (format_length(width * pixel.x_nm), format_length(height * pixel.y_nm));
        if across == down { format!(", {across}") } else { format!(", {across} × {down}") }
    });
    format!("{width:.0} × {height:.0} px{}", lengths.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::ReceptiveField;

    #[test]
    fn lengths_are_those_of_the_micrograph_not_of_the_resampled_input() {
        let side = [5.0, 5.0];
        let field = ReceptiveField { size: side, jump: [1.0, 1.0], start: [-2.0, -2.0], widest: side };
        let node = NodeCost {
            name: "conv1".to_owned(),
            kind: "Conv2d".to_owned(),
            attributes: String::new(),
            shape: vec![8, 64, 64],
            parameters: 208,
            multiply_adds: 0,
            activation_bytes: 0,
            receptive_field: Some(field),
        };
        let pixel = PixelSize { x_nm: 5.0, y_nm: 5.0, source: String::new() };
        let as_it_is = Ruler { pixel: Some(pixel.clone()), per_input: [1.0, 1.0] };
        assert_eq!(as_it_is.sees(&node).0, "5 px  25 nm");
        let resampled = Ruler { pixel: Some(pixel), per_input: [8.0, 8.0] };
        assert_eq!(resampled.sees(&node).0, "40 px  0.2 µm");
        assert_eq!(resampled.of_input([2.0, 5.0]), "40 × 16 px, 0.2 µm × 80 nm");
        assert_eq!(Ruler { pixel: None, per_input: [8.0, 4.0] }.sees(&node).0, "40 px");
        let whole = NodeCost { receptive_field: None, ..node };
        assert_eq!(resampled.sees(&whole).0, "all");
    }
}
