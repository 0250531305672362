//! The letters of figures: Noto Sans, as the window's. How wide words are, and their outlines.

use ab_glyph::{Font, FontRef, GlyphId, OutlineCurve, Point};
use std::sync::LazyLock;
use tiny_skia::{Path, PathBuilder};

type Face = LazyLock<Option<FontRef<'static>>>;

static REGULAR: Face = LazyLock::new(|| FontRef::try_from_slice(notosans::REGULAR_TTF).ok());
static BOLD: Face = LazyLock::new(|| FontRef::try_from_slice(notosans::BOLD_TTF).ok());

fn face(bold: bool) -> Option<&'static FontRef<'static>> {
    if bold { BOLD.as_ref() } else { REGULAR.as_ref() }
}

/// Every glyph of a text with its place along the line, and the width of all, for letters of size 1.
fn placed(text: &str, bold: bool) -> (Vec<(GlyphId, f64)>, f64) {
    let Some(font) = face(bold) else { return (Vec::new(), 0.0) };
    let em = f64::from(font.units_per_em().unwrap_or(1000.0));
    let (mut glyphs, mut along, mut before) = (Vec::new(), 0.0, None);
    for letter in text.chars() {
        let glyph = font.glyph_id(letter);
        if let Some(before) = before {
            along += f64::from(font.kern_unscaled(before, glyph)) / em;
        }
        glyphs.push((glyph, along));
        along += f64::from(font.h_advance_unscaled(glyph)) / em;
        before = Some(glyph);
    }
    (glyphs, along)
}

/// Width of a line of words in the unit of `size`.
pub(super) fn width_of(text: &str, size: f64, bold: bool) -> f64 {
    placed(text, bold).1 * size
}

/// The words, or their beginning and an ellipsis, no wider than `room`.
pub(super) fn fitted(text: &str, size: f64, bold: bool, room: f64) -> String {
    if width_of(text, size, bold) <= room {
        return text.to_owned();
    }
    let mut letters: Vec<char> = text.chars().collect();
    while letters.pop().is_some() {
        let shorter = format!("{}…", letters.iter().collect::<String>().trim_end());
        if width_of(&shorter, size, bold) <= room {
            return shorter;
        }
    }
    String::new()
}

/// The words in lines no wider than `room`, broken between words; of more than `most` lines the last ends in an ellipsis.
pub(super) fn wrapped(text: &str, size: f64, room: f64, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width_of(&format!("{line} {word}"), size, false) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).join(" ");
        lines.push(rest);
    }
    lines.iter().map(|line| fitted(line, size, false, room)).collect()
}

/// The outlines of a line of words that begins at `[x, y]`, y downwards; `None` where there is nothing to draw.
pub(super) fn outlines(text: &str, size: f64, bold: bool, [x, y]: [f64; 2]) -> Option<Path> {
    let font = face(bold)?;
    let scale = size / f64::from(font.units_per_em().unwrap_or(1000.0));
    let mut path = PathBuilder::new();
    for (glyph, along) in placed(text, bold).0 {
        let Some(outline) = font.outline(glyph) else { continue };
        let left = x + along * size;
        let on_page = |point: Point| {
            [left + f64::from(point.x) * scale, y - f64::from(point.y) * scale].map(|v| v as f32)
        };
        let mut last = None;
        for curve in &outline.curves {
            let (from, to) = match curve {
                OutlineCurve::Line(from, to)
                | OutlineCurve::Quad(from, _, to)
                | OutlineCurve::Cubic(from, _, _, to) => (*from, *to),
            };
            if last != Some(from) {
                let [x, y] = on_page(from);
                path.close();
                path.move_to(x, y);
            }
            let [x, y] = on_page(to);
            match curve {
                OutlineCurve::Line(..) => path.line_to(x, y),
                OutlineCurve::Quad(_, bend, _) => {
                    let [bend_x, bend_y] = on_page(*bend);
                    path.quad_to(bend_x, bend_y, x, y);
                }
                OutlineCurve::Cubic(_, first, second, _) => {
                    let ([x1, y1], [x2, y2]) = (on_page(*first), on_page(*second));
                    path.cubic_to(x1, y1, x2, y2, x, y);
                }
            }
            last = Some(to);
        }
        path.close();
    }
    path.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_wide_as_the_type_face_says() {
        // As fontTools reads hmtx: 0 is 1171 and the space 532 of 2048 units wide.
        assert!((width_of("00", 10.0, false) - 23_420.0 / 2048.0).abs() < 1e-6);
        assert!((width_of("0 0", 1.0, false) - 2874.0 / 2048.0).abs() < 1e-6);
        assert_eq!(width_of("", 10.0, true), 0.0);
        assert!(width_of("500 nm", 1.0, true) > width_of("500 nm", 1.0, false));
    }

    #[test]
    fn outlines_stand_on_their_baseline() {
        let path = outlines("H", 100.0, false, [10.0, 200.0]).unwrap();
        let bounds = path.bounds();
        // Capitals are 1462 of 2048 units high; H begins at 199.
        assert!((bounds.bottom() - 200.0).abs() < 1e-3 && (bounds.top() - 128.6).abs() < 0.1, "{bounds:?}");
        assert!((bounds.left() - 19.8).abs() < 0.1, "{bounds:?}");
        assert!(outlines(" ", 100.0, false, [0.0, 0.0]).is_none());
    }

    #[test]
    fn words_are_broken_into_lines() {
        let lines = wrapped("What mid.conv1 sees at the pinned place", 1.0, 8.0, 4);
        assert!(lines.len() > 1 && lines.iter().all(|line| width_of(line, 1.0, false) <= 8.0), "{lines:?}");
        assert_eq!(lines.join(" "), "What mid.conv1 sees at the pinned place");
        let short = wrapped("one two three four five six seven", 1.0, 4.0, 2);
        assert!(short.len() == 2 && short[1].ends_with('…'), "{short:?}");
        assert!(wrapped("  ", 1.0, 8.0, 4).is_empty());
    }

    #[test]
    fn long_words_end_in_an_ellipsis() {
        assert_eq!(fitted("probability", 1.0, false, 100.0), "probability");
        let short = fitted("probability of everything", 1.0, false, 5.0);
        assert!(short.ends_with('…') && width_of(&short, 1.0, false) <= 5.0, "{short}");
        assert_eq!(fitted("probability", 1.0, false, 0.1), "");
    }
}
