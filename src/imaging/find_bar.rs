//! Looks for the info bar in the picture itself, where no metadata speaks of it.
//!
//! A bar is taken for one only when it has all the marks of one: a flat ground of one value over the last rows, on it
//! sharp strokes of few values that stand in lines with empty rows between them, and above it, from one row to the
//! next, a picture that is neither flat nor of the ground's value. To cut specimen is worse than to leave a bar.

use ndarray::{Array2, ArrayView1, ArrayView2, s};
use std::ops::Range;

use super::InfoBar;

/// Smaller pictures are not looked at, in px.
const SMALLEST: usize = 64;
/// Fewest rows of a bar.
const FEWEST_ROWS: usize = 10;
/// Highest bar, as a share of the picture.
const HIGHEST: f64 = 0.2;
/// How far ground may stray from its value, as shares of the range: nothing, else what JPEG does to it.
const TOLERANCES: [f32; 2] = [0.0, 0.03];
/// Contrast of letters that are told from noise, as a share of the range.
const LEAST_CONTRAST: f32 = 0.25;
/// Strokes that a row of letters cuts at least.
const FEWEST_STROKES: usize = 6;
/// Rows of the picture that are seen again below a bar.
const MOST_ROWS_BELOW: usize = 2;
/// Rows of a line drawn across.
const THICKEST_LINE: usize = 6;
/// Values that the commonest is looked for among.
const MOST_SORTED: usize = 1 << 17;
/// Rows of a picture that are looked at to see whether it is flat.
const MOST_ROWS_COMPARED: usize = 256;

/// The rows of text below a picture `[y, x]`, by their look; `None` where there is the least doubt.
#[must_use]
pub fn find_info_bar(values: ArrayView2<'_, f32>) -> Option<InfoBar> {
    let (height, width) = values.dim();
    if height < SMALLEST || width < SMALLEST || values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let first = values[[0, 0]];
    let (min, max) = values.iter().fold((first, first), |(min, max), &v| (min.min(v), max.max(v)));
    let rows = TOLERANCES.iter().find_map(|&tolerance| rows_of_bar(values, max - min, tolerance))?;
    Some(InfoBar { rows, source: "found in the picture".to_owned() })
}

/// Rows at the end of a picture that [`may_have_info_bar`] looks at.
pub(super) fn lowest_rows(height: usize) -> usize {
    (height / 32).max(FEWEST_ROWS) + 2 + MOST_ROWS_BELOW
}

/// False only where [`find_info_bar`] would find none in a picture of `height` rows with these last rows; `sample` are
/// some of its values.
pub(super) fn may_have_info_bar(
    last: ArrayView2<'_, f32>,
    sample: ArrayView2<'_, f32>,
    height: usize,
) -> bool {
    let all = || last.iter().chain(sample).copied();
    if all().any(|value| !value.is_finite()) {
        return false;
    }
    let (min, max) = all().fold((f32::MAX, f32::MIN), |(min, max), v| (v.min(min), v.max(max)));
    // The sample may have missed the ends of the range, so that a reach is a little longer than it seems.
    let reach = |tolerance: f32| (max - min) * tolerance * 1.5;
    TOLERANCES.iter().any(|&tolerance| {
        Ground::below(last, height, reach(tolerance))
            .is_some_and(|ground| ground.rows(last, last.nrows()).len() >= FEWEST_ROWS)
    })
}

fn rows_of_bar(values: ArrayView2<'_, f32>, range: f32, tolerance: f32) -> Option<usize> {
    let height = values.nrows();
    let highest = (height as f64 * HIGHEST) as usize;
    let ground = Ground::below(values, height, range * tolerance)?;
    let found = ground.rows(values, highest + 1);
    let rows = height - found.start;
    if found.len() < FEWEST_ROWS || rows > highest {
        return None;
    }
    let (above, bar) = (values.slice(s![..found.start, ..]), values.slice(s![found, ..]));
    // What differs exactly may differ as little as it likes.
    let range = if tolerance > 0.0 { range } else { 0.0 };
    let is_bar = ground.is_cut_off_from(above) && is_picture(above) && ground.carries_text(bar, range);
    is_bar.then_some(rows)
}

/// The flat colour that the letters stand on.
struct Ground {
    value: f32,
    /// How far from `value` is still ground.
    reach: f32,
}

impl Ground {
    /// The commonest value of the last rows of a picture of `height` rows, whose last ones `values` are.
    fn below(values: ArrayView2<'_, f32>, height: usize, reach: f32) -> Option<Self> {
        let band = (height / 32).max(FEWEST_ROWS).min(values.nrows());
        let band = values.slice(s![values.nrows() - band.., ..]);
        let step = band.len().div_ceil(MOST_SORTED).max(1);
        let mut sorted: Vec<f32> = band.iter().copied().step_by(step).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let runs = sorted.chunk_by(|a, b| a == b);
        let value = runs.max_by_key(|run| run.len())?.first().copied()?;
        Some(Self { value, reach })
    }

    fn holds(&self, value: f32) -> bool {
        (value - self.value).abs() <= self.reach
    }

    /// Share of a row that is ground.
    fn share(&self, row: ArrayView1<'_, f32>) -> f64 {
        row.iter().filter(|&&value| self.holds(value)).count() as f64 / row.len().max(1) as f64
    }

    /// A line drawn across: one value from side to side, another than the ground's.
    fn is_line(&self, row: ArrayView1<'_, f32>) -> bool {
        let line = Self { value: row[row.len() / 2], reach: self.reach };
        line.share(row) >= 0.97
    }

    /// Rows of the bar, going up from the last at most `most` rows while they are ground (letters may leave less of it
    /// in single rows) or lines drawn across. A frame's line on top belongs to the bar, and the picture may look out
    /// below it by a row or two.
    fn rows(&self, values: ArrayView2<'_, f32>, most: usize) -> Range<usize> {
        let belongs = |row| self.share(row) >= 0.4 || self.is_line(row);
        let mut bottom = values.nrows();
        while bottom + MOST_ROWS_BELOW > values.nrows() && bottom > 0 && !belongs(values.row(bottom - 1)) {
            bottom -= 1;
        }
        let limit = values.nrows().saturating_sub(most);
        let (mut top, mut lines) = (bottom, 0);
        while top > limit && belongs(values.row(top - 1)) {
            lines = if self.share(values.row(top - 1)) >= 0.4 { 0 } else { lines + 1 };
            if lines > THICKEST_LINE {
                break;
            }
            top -= 1;
        }
        top..bottom
    }

    /// The rows right above the bar are something else.
    fn is_cut_off_from(&self, above: ArrayView2<'_, f32>) -> bool {
        let last = above.slice(s![above.nrows().saturating_sub(3).., ..]);
        last.rows().into_iter().all(|row| self.share(row) < 0.35)
    }

    /// Strokes in lines on the ground.
    fn carries_text(&self, bar: ArrayView2<'_, f32>, range: f32) -> bool {
        let contrast = bar.iter().map(|&value| (value - self.value).abs()).fold(0.0, f32::max);
        if contrast <= 0.0 || contrast < range * LEAST_CONTRAST {
            return false;
        }
        let ink = bar.mapv(|value| (value - self.value).abs() / contrast);
        let rows: Vec<Row> = ink.rows().into_iter().map(Row::of).collect();
        let empty = rows.iter().filter(|row| row.is_empty(bar.ncols())).count();
        // Lines between fields run down through all rows.
        let through = rows.iter().map(|row| row.strokes).min().unwrap_or(0);
        let is_text = |row: &Row| row.strokes >= through + FEWEST_STROKES;
        let lines = rows.chunk_by(|a, b| is_text(a) == is_text(b)).filter(|rows| rows.iter().any(is_text));
        let Some(line) = lines.max_by_key(|rows| rows.len()) else { return false };
        let sum = |of: fn(&Row) -> usize| rows.iter().map(of).sum::<usize>() as f64;
        let (strokes, sharp, inked) = (sum(|r| r.strokes), sum(|r| r.sharp), sum(|r| r.inked));
        let coverage = inked / bar.len() as f64;
        is_line_of_letters(line)
            && empty * 8 >= rows.len()
            && (0.002..0.4).contains(&coverage)
            && sharp >= 0.7 * strokes
            && sum(|r| r.full) >= 0.5 * inked
            && held_together(&ink) >= 0.85 * inked
    }
}

/// From here on a pixel belongs to a stroke, as a share of the bar's contrast.
const INK: f32 = 0.33;

/// What stands in one row of a bar.
struct Row {
    strokes: usize,
    /// Strokes that begin within two pixels.
    sharp: usize,
    inked: usize,
    /// Pixels of nearly full contrast.
    full: usize,
}

impl Row {
    fn of(ink: ArrayView1<'_, f32>) -> Self {
        let mut row = Self { strokes: 0, sharp: 0, inked: 0, full: 0 };
        for (x, &value) in ink.iter().enumerate().filter(|(_, value)| **value > INK) {
            row.inked += 1;
            row.full += usize::from(value >= 0.75);
            if x > 0 && ink[x - 1] > INK {
                continue;
            }
            row.strokes += 1;
            let before = if x < 2 { 0.0 } else { ink[x - 2] };
            row.sharp += usize::from(!(0.12..=INK).contains(&before));
        }
        row
    }

    fn is_empty(&self, width: usize) -> bool {
        self.inked * 50 <= width
    }
}

/// Letters are several rows high, and their strokes much narrower than that.
fn is_line_of_letters(line: &[Row]) -> bool {
    let sum = |of: fn(&Row) -> usize| line.iter().map(of).sum::<usize>() as f64;
    line.len() >= 4 && sum(|row| row.inked) < 0.6 * line.len() as f64 * sum(|row| row.strokes)
}

/// Inked pixels that have an inked one beside, above or below them: letters are not made of single pixels.
fn held_together(ink: &Array2<f32>) -> f64 {
    let is_inked = |y: usize, x: usize| ink.get((y, x)).is_some_and(|&value| value > INK);
    let near = |y: usize, x: usize| {
        is_inked(y.wrapping_sub(1), x)
            || is_inked(y + 1, x)
            || is_inked(y, x.wrapping_sub(1))
            || is_inked(y, x + 1)
    };
    ink.indexed_iter().filter(|&((y, x), &value)| value > INK && near(y, x)).count() as f64
}

/// A micrograph's neighbours differ; masks, drawings and empty pictures are flat.
fn is_picture(above: ArrayView2<'_, f32>) -> bool {
    let step = (above.nrows() / MOST_ROWS_COMPARED).max(1);
    let (mut equal, mut pairs) = (0_usize, 0_usize);
    for row in above.rows().into_iter().step_by(step) {
        pairs += row.len().saturating_sub(1);
        equal += row.iter().zip(row.iter().skip(1)).filter(|(a, b)| a == b).count();
    }
    (equal as f64) < 0.85 * pairs as f64
}

#[cfg(test)]
mod tests;
