//! What values of the network see: the effective receptive field over the micrograph, and the theoretical one as a box.

use super::gather::FigureInput;
use super::page::Picture;
use super::panel::{Bar, Mark, Panel, Place};
use crate::export::ExportError;
use crate::imaging::{Colormap, PixelSize, format_length};
use crate::inspect::{EffectiveField, FeatureMaps};
use crate::network::receptive_window;
use std::ops::Range;

/// What can be seen, and what really is.
const CAN: [u8; 3] = [224, 154, 86];
const DOES: [u8; 3] = [79, 195, 208];
/// Opacity of the strongest pixel.
const OPACITY: f32 = 0.88;

/// The box that features at a place `[y, x]` of the source can see; `None` where they have no pixel there or see nothing.
pub(super) fn seen_mark(
    maps: &FeatureMaps,
    input: &FigureInput<'_>,
    at: [usize; 2],
) -> Result<Option<Mark>, ExportError> {
    let model = input.model()?;
    let found = maps.pixel_at(at.map(|place| place as f64 + 0.5)).zip(model.graph.index_of(&maps.node));
    let Some((pixel, node)) = found else { return Ok(None) };
    let micrograph = input.micrograph;
    let source = [micrograph.specimen_rows().len(), micrograph.width()];
    let per_input = model
        .card
        .input_size
        .map_or([1.0, 1.0], |input| [0, 1].map(|axis| source[axis] as f64 / input[axis].max(1) as f64));
    let window = receptive_window(&model.graph, node, pixel);
    if window.iter().flatten().any(Range::is_empty) {
        return Ok(None);
    }
    let area = box_of(window.as_ref(), per_input, [micrograph.width(), micrograph.height()]);
    let label = format!("{} sees {}", maps.node, words(area, micrograph.calibration().pixel().as_ref()));
    Ok(Some(Mark { area, colour: CAN, label, above: true }))
}

/// Rows and columns of the network's input as a box on the source; `None`: all of it.
fn box_of(window: Option<&[Range<i64>; 2]>, per_input: [f64; 2], [width, height]: [usize; 2]) -> [f64; 4] {
    let Some([rows, columns]) = window else { return [0.0, 0.0, width as f64, height as f64] };
    let length = |range: &Range<i64>| (range.end - range.start) as f64;
    [
        columns.start as f64 * per_input[1],
        rows.start as f64 * per_input[0],
        length(columns) * per_input[1],
        length(rows) * per_input[0],
    ]
}

/// `44 × 40 px, 88 × 80 nm`.
fn words([_, _, width, height]: [f64; 4], pixel: Option<&PixelSize>) -> String {
    let lengths = pixel.map(|pixel| {
        let (across, down) = (format_length(width * pixel.x_nm), format_length(height * pixel.y_nm));
        if across == down { format!(", {across}") } else { format!(", {across} × {down}") }
    });
    format!("{width:.0} × {height:.0} px{}", lengths.unwrap_or_default())
}

/// How strongly each pixel moves one value (Luo et al. 2016), over the micrograph, with the boxes of what can and of what
/// really is seen.
pub(super) fn effective_panel(field: &EffectiveField, base: &Picture, pixel: Option<&PixelSize>) -> Panel {
    let of = field.feature.map_or("all features".to_owned(), |feature| feature.to_string());
    let title = format!("What {} · {of} sees", field.node);
    let panel = Panel::picture(title, heated(base, field), Place::SOURCE);
    let most = f64::from(field.most());
    let colour = |value: f64| heat(if most > 0.0 { (value / most) as f32 } else { 0.0 });
    let bar = Some(Bar::between(0.0, most, "size of ∂ value / ∂ input pixel", colour));
    let can = box_of(field.window.as_ref(), field.scale, [base.width, base.height]);
    let label = format!("can see {}", words(can, pixel));
    let mut marks = vec![Mark { area: can, colour: CAN, label, above: true }];
    if !field.is_dark() {
        let extent =
            [&field.extent.rows, &field.extent.columns].map(|range| range.start as i64..range.end as i64);
        let does = box_of(Some(&extent), field.scale, [base.width, base.height]);
        let label = format!("really sees {}", words(does, pixel));
        marks.push(Mark { area: does, colour: DOES, label, above: false });
    }
    Panel { bar, marks, ..panel }
}

/// Of a share of the strongest. By the cubic root, or the few strongest pixels outdo all others.
fn heat(share: f32) -> [f32; 3] {
    Colormap::Inferno.colour(0.25 + 0.75 * share.clamp(0.0, 1.0).cbrt())
}

/// The field over the picture: bright and opaque where the value hangs on a pixel.
fn heated(base: &Picture, field: &EffectiveField) -> Picture {
    let most = field.most().max(f32::MIN_POSITIVE);
    let mut picture = base.clone();
    let place = |at: usize, axis: usize| {
        let input = (at as f64 + 0.5) / field.scale[axis] - field.origin[axis] as f64;
        (input >= 0.0).then_some(input as usize)
    };
    let columns: Vec<Option<usize>> = (0..base.width).map(|x| place(x, 1)).collect();
    for (y, row) in picture.rgb.chunks_exact_mut(base.width.max(1) * 3).enumerate() {
        let Some(field_y) = place(y, 0) else { continue };
        for (pixel, column) in row.chunks_exact_mut(3).zip(&columns) {
            let value = column.and_then(|x| field.values.get([field_y, x])).copied().unwrap_or(0.0);
            let share = (value / most).clamp(0.0, 1.0).cbrt();
            for (part, heat) in pixel.iter_mut().zip(heat(value / most)) {
                let below = f32::from(*part);
                *part = (below + (heat - below) * share * OPACITY).round() as u8;
            }
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::Extent;
    use ndarray::array;

    #[test]
    fn the_field_lies_where_it_was_measured() {
        let values = array![[8.0_f32, 0.0], [1.0, 0.0]];
        let field = EffectiveField {
            node: "conv".into(),
            feature: None,
            at: [0, 0],
            input: [4, 4],
            window: None,
            origin: [1, 2],
            extent: Extent::of(values.view(), [1, 2], None),
            values,
            scale: [2.0, 1.0],
        };
        let base = Picture { rgb: vec![100; 8 * 4 * 3], width: 4, height: 8 };
        let drawn = heated(&base, &field);
        let at = |y: usize, x: usize| drawn.rgb[(y * 4 + x) * 3];
        // Row 1 of the input is rows 2 and 3 of the source.
        assert_eq!([at(2, 2), at(3, 2)], [234; 2], "0.88 of Inferno's last red, 252, and 0.12 of 100");
        assert_eq!([at(1, 2), at(2, 1), at(2, 3), at(6, 2)], [100; 4]);
        assert_ne!(at(4, 2), 100, "half of the largest by the cubic root");
    }

    #[test]
    fn a_box_is_told_in_px_and_in_lengths() {
        let area = box_of(Some(&[5..10, -2..8]), [2.0, 1.0], [100, 50]);
        assert_eq!(area, [-2.0, 10.0, 10.0, 10.0]);
        assert_eq!(box_of(None, [1.0; 2], [100, 50]), [0.0, 0.0, 100.0, 50.0]);
        assert_eq!(words(area, None), "10 × 10 px");
        let pixel = PixelSize { x_nm: 2.0, y_nm: 2.0, source: String::new() };
        assert_eq!(words([0.0, 0.0, 44.0, 40.0], Some(&pixel)), "44 × 40 px, 88 nm × 80 nm");
    }
}
