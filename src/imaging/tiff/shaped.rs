//! The shape and axes that tifffile writes into a TIFF, as JSON in the description: `{"shape": [5, 2, 64, 64]}`; and the
//! channels' names and the calibration, where Polepiece wrote it.

use super::super::calibration::{AxisScale, Calibration};
use super::page::Page;
use super::plan::{Plan, expanded};

/// Names the outer axes of a group of pages by the description of its first; `plan` as it was where they contradict.
pub(super) fn apply(mut plan: Plan, description: &str, file_length: u64) -> Plan {
    let Ok(json) = serde_json::from_str::<serde_json::Value>(description) else { return plan };
    let Some((outer, count)) = outer_axes(&plan.pages[0], &json) else { return plan };
    if plan.pages.len() == 1 && count > 1 {
        let pages = expanded(&plan.pages[0], count, file_length);
        if pages.len() == count {
            plan.pages = pages;
        }
    }
    if plan.pages.len() == count {
        plan.outer = outer;
        let names = json.get("channel_names").and_then(|names| names.as_array());
        plan.channel_names =
            names.into_iter().flatten().map(|name| name.as_str().unwrap_or_default().to_owned()).collect();
        let scales = json.get("calibration").and_then(|scales| scales.as_array());
        plan.calibration = Calibration::from_axes(scales.into_iter().flatten().filter_map(scale));
    }
    plan
}

/// The scale of one axis, as [`AxisScale`] is written.
fn scale(json: &serde_json::Value) -> Option<AxisScale> {
    let text = |key| json.get(key).and_then(|value| value.as_str());
    let source = format!("TIFF description, calibration from {}", text("source").unwrap_or("nowhere"));
    let axis = text("axis")?.chars().next()?;
    let scale = AxisScale::new(axis, json.get("scale")?.as_f64()?, text("unit")?, source);
    Some(AxisScale { offset: json.get("offset").and_then(serde_json::Value::as_f64).unwrap_or(0.0), ..scale })
}

/// The axes outside of a page and the number of pages; `None` when the description is none of tifffile's.
fn outer_axes(page: &Page, json: &serde_json::Value) -> Option<(Vec<(char, usize)>, usize)> {
    let shape: Vec<usize> =
        json.get("shape")?.as_array()?.iter().map(|n| Some(n.as_u64()? as usize)).collect::<Option<_>>()?;
    let inner = match (page.samples, page.planar) {
        (1, _) => vec![page.height, page.width],
        (samples, true) => vec![samples, page.height, page.width],
        (samples, false) => vec![page.height, page.width, samples],
    };
    let outer = shape.strip_suffix(inner.as_slice())?;
    let count = outer.iter().try_fold(1usize, |n, &length| n.checked_mul(length))?;
    let axes = json.get("axes").and_then(|a| a.as_str()).unwrap_or_default();
    let letters: Vec<char> = if axes.chars().count() == shape.len() && axes.is_ascii() {
        axes.to_uppercase().chars().take(outer.len()).collect()
    } else {
        // Nothing says what they are: the innermost counts as time, like unnamed pages anywhere.
        (0..outer.len()).map(|i| if i + 1 == outer.len() { 'T' } else { 'Q' }).collect()
    };
    Some((letters.into_iter().zip(outer.iter().copied()).collect(), count))
}
