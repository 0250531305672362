//! Borders around the boxes of open groups.

use super::items::Items;
use super::measures::{PAD, TITLE};
use super::{Area, DrawnFrame};

/// One for each open group whose boxes stand together: where others lie between them it has no border.
pub(super) fn frames(items: &Items, areas: &[Area]) -> Vec<DrawnFrame> {
    let mut around: Vec<Option<Area>> = vec![None; items.groups.len()];
    // From the inside out: a border holds the borders within.
    let mut inner_first: Vec<usize> = (0..items.groups.len()).collect();
    inner_first.sort_by_key(|&group| std::cmp::Reverse(items.groups[group].depth));
    let (mut boxes, mut within) =
        (vec![Vec::new(); items.groups.len()], vec![Vec::new(); items.groups.len()]);
    for (item, area) in items.all.iter().zip(areas) {
        if let Some(&innermost) = item.within.last() {
            boxes[innermost].push(*area);
        }
        for pair in item.within.windows(2) {
            if within[pair[0]].last() != Some(&pair[1]) {
                within[pair[0]].push(pair[1]);
            }
        }
    }
    for &group in &inner_first {
        let frames = within[group].iter().filter_map(|&inner| around[inner]);
        let all = boxes[group].iter().copied().chain(frames).reduce(|all, one| all.with(&one));
        around[group] = all.map(|all| Area {
            left: all.left - PAD,
            top: all.top - PAD - TITLE,
            width: all.width + 2.0 * PAD,
            height: all.height + 2.0 * PAD + TITLE,
        });
    }
    let drawn = items.groups.iter().zip(&around).enumerate().filter_map(|(group, (of, area))| {
        let area = (*area)?;
        let strange = |(item, box_area): (&super::items::Item, &Area)| {
            !item.within.contains(&group) && box_area.overlaps(&area)
        };
        if items.all.iter().zip(areas).any(strange) {
            return None;
        }
        Some(DrawnFrame { prefix: of.prefix.clone(), label: of.label.clone(), depth: of.depth, area })
    });
    drawn.collect()
}
