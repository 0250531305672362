//! Series of an OME-TIFF (OME-TIFF specification, "OME-TIFF file structure", docs.openmicroscopy.org).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::super::calibration::{AxisScale, Calibration, unit_in_nm};
use super::fields::of_xml;
use super::ome_xml::{self, Ome, OmeImage, TiffData};
use super::page::Page;
use super::plan::{Plan, grouped};
use super::siblings::{Siblings, companion};

/// Planes of an image of which some are missing; of more, those that are there are shown one after the other.
const MOST_MISSING: usize = 1 << 16;
/// Planes that blocks may name together, of an image of fewer: one may say again what another said.
const MOST_NAMED: usize = 1 << 22;

pub(super) fn is_ome(description: &str) -> bool {
    let start = description.trim_start();
    start.starts_with('<') && start.contains("OME") && start.trim_end().ends_with("OME>")
}

/// One series an `Image`; pages without their image are series of their own.
///
/// `pages` are in the file's order, `None` where one cannot be read.
pub(super) fn plans(description: &str, path: &Path, pages: &[Option<Page>]) -> Vec<Plan> {
    match described(description, path) {
        Ok((ome, uuid, xml)) => {
            let mut plans = of_images(&ome, Siblings::new(path, uuid, pages), pages);
            // Which plane is in which page is layout, and has been followed.
            let fields = of_xml(&xml, "OME").0.into_iter().filter(|(name, _)| !name.contains("/ TiffData"));
            let fields: Vec<_> = fields.collect();
            for plan in &mut plans {
                plan.metadata.extend(fields.iter().cloned());
            }
            plans
        }
        Err(why) => without(pages, why),
    }
}

/// The description, the identity of this file, and the XML: the file's own, or that of the companion it names.
fn described(description: &str, path: &Path) -> Result<(Ome, Option<String>, String), String> {
    let parse = |xml: &str| {
        ome_xml::parse(xml).map_err(|why| format!("The OME-XML cannot be read ({why}) and is left aside"))
    };
    let own = parse(description)?;
    let uuid = own.uuid.clone();
    let Some(name) = &own.companion else { return Ok((own, uuid, description.into())) };
    let xml = companion(path, name).map_err(|why| format!("The OME-XML of this file is in {name}, {why}"))?;
    let ome = parse(&xml)?;
    Ok((ome, uuid, xml))
}

fn of_images(ome: &Ome, mut siblings: Siblings<'_>, pages: &[Option<Page>]) -> Vec<Plan> {
    let mut planned = Vec::new();
    let mut next = 0;
    for image in &ome.images {
        match plan(image, &mut siblings, &mut next) {
            Ok(plan) => planned.extend(plan),
            Err(why) => return without(pages, format!("The OME-XML does not fit the file: {why}")),
        }
    }
    if planned.is_empty() {
        return without(pages, "The OME-XML names no plane of this file".into());
    }
    planned
}

/// The pages as they come, with a note why.
fn without(pages: &[Option<Page>], note: String) -> Vec<Plan> {
    let mut plans: Vec<Plan> =
        grouped(pages.iter().flatten().cloned().collect()).into_iter().map(Plan::plain).collect();
    for plan in &mut plans {
        plan.format = "OME-TIFF";
    }
    if let Some(first) = plans.first_mut() {
        first.notes.push(note);
    }
    plans
}

/// The series of one image; `None` when all its planes are in files that are not there.
fn plan(image: &OmeImage, siblings: &mut Siblings<'_>, next: &mut usize) -> Result<Option<Plan>, String> {
    let order = image.pixels.get("DimensionOrder").map_or("XYZCT", String::as_str);
    let fastest: Vec<char> = order.chars().skip(2).collect();
    if !order.starts_with("XY") || fastest.len() != 3 || !"ZCT".chars().all(|l| fastest.contains(&l)) {
        return Err(format!("its dimension order is “{order}”"));
    }
    let samples = samples(image, siblings, *next);
    let length = |letter| match letter {
        'Z' => image.size("SizeZ"),
        'T' => image.size("SizeT"),
        // A colour page holds its samples' channels together.
        _ => image.size("SizeC").div_ceil(samples),
    };
    let lengths: Vec<usize> = fastest.iter().map(|&l| length(l)).collect();
    let total = lengths.iter().try_fold(1usize, |n, &l| n.checked_mul(l)).filter(|&n| n <= 1 << 24);
    let total = total.filter(|&n| n > 0).ok_or_else(|| format!("it has {lengths:?} planes"))?;
    let mut places =
        Places { fastest: &fastest, lengths: &lengths, total, planes: BTreeMap::new(), lost: Vec::new() };
    places.fill(image, siblings, next);

    let Some(page) = places.planes.values().next().cloned() else { return Ok(None) };
    let (width, height) = (image.size("SizeX"), image.size("SizeY"));
    if (page.width, page.height) != (width, height) {
        return Err(format!("it has {width} × {height} pixels, its page {} × {}", page.width, page.height));
    }
    let mut notes = places.fill_up(&page);
    let complete = places.planes.len() == total;
    let found: Vec<Page> = places.planes.into_values().collect();
    if grouped(found.clone()).len() != 1 {
        return Err("its pages differ in shape or type".into());
    }
    let mut plan = Plan { format: "OME-TIFF", ..Plan::plain(found) };
    if complete {
        plan.outer = fastest.iter().copied().zip(lengths).rev().collect();
        plan.channel_names.clone_from(&image.channel_names);
    } else {
        let here = plan.pages.len();
        notes.push(format!(
            "The OME-XML names {total} planes; {here} are in this file, the others are not read"
        ));
    }
    plan.calibration = calibration(image, &mut notes);
    plan.notes = notes;
    Ok(Some(plan))
}

/// Samples a pixel of an image's first page that can be read.
fn samples(image: &OmeImage, siblings: &mut Siblings<'_>, next: usize) -> usize {
    let whole = [TiffData::default()];
    let data = if image.data.is_empty() { &whole[..] } else { &image.data };
    let mut of = |block: &TiffData| {
        let ifd = block.ifd.unwrap_or(if image.data.is_empty() { next } else { 0 });
        siblings.pages(block).ok()?.get(ifd)?.as_ref().map(|page| page.samples)
    };
    data.iter().find_map(&mut of).unwrap_or(1)
}

/// The planes of an image in the order that its dimensions run.
struct Places<'a> {
    fastest: &'a [char],
    lengths: &'a [usize],
    total: usize,
    /// By place, fastest dimension first.
    planes: BTreeMap<usize, Page>,
    /// First place, number and reason of planes whose file is not there.
    lost: Vec<(usize, usize, String)>,
}

impl Places<'_> {
    fn fill(&mut self, image: &OmeImage, siblings: &mut Siblings<'_>, next: &mut usize) {
        let whole = [TiffData::default()];
        // Without TiffData the planes are the pages from where the last image ended.
        let data = if image.data.is_empty() { &whole[..] } else { &image.data };
        let mut left = self.total.max(MOST_NAMED);
        for block in data {
            let start = self.position(block.first);
            let ifd = block.ifd.unwrap_or(if image.data.is_empty() { *next } else { 0 });
            let rest = self.total - start.min(self.total);
            let one = block.ifd.is_some() || block.file_name.is_some();
            let count = block.plane_count.unwrap_or(if one { 1 } else { rest }).min(rest).min(left);
            left -= count;
            let own = siblings.is_own(block);
            match siblings.pages(block) {
                Ok(pages) => {
                    for (i, page) in pages.iter().skip(ifd).take(count).enumerate() {
                        self.planes.extend(page.clone().map(|page| (start + i, page)));
                    }
                    if own {
                        *next = (*next).max(ifd.saturating_add(count).min(pages.len()));
                    }
                }
                Err(why) => self.lost.push((start, count, why)),
            }
        }
    }

    /// Puts pages without samples, otherwise like `page`, where a file is not there; a note for each such file.
    fn fill_up(&mut self, page: &Page) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        let named = self.total <= MOST_MISSING;
        for (start, count, why) in std::mem::take(&mut self.lost) {
            let note = format!("Planes of this image are in {why}");
            if !notes.contains(&note) {
                notes.push(note);
            }
            let reason: Arc<str> = format!("This plane is in {why}").into();
            for place in (start..start + count).filter(|_| named) {
                let missing = || Page { missing: Some(Arc::clone(&reason)), ..page.clone() };
                self.planes.entry(place).or_insert_with(missing);
            }
        }
        // Hundreds of files may be missing.
        if notes.len() > 5 {
            let more = notes.len() - 5;
            notes.truncate(5);
            notes.push(format!("Planes of this image are in {more} more files that cannot be read"));
        }
        notes
    }

    /// Position of a plane given by its indices along Z, C and T.
    fn position(&self, first: [usize; 3]) -> usize {
        let index = |letter| match letter {
            'Z' => first[0],
            'C' => first[1],
            _ => first[2],
        };
        let places = self.fastest.iter().zip(self.lengths).rev();
        places.fold(0usize, |at, (&letter, &length)| at.saturating_mul(length).saturating_add(index(letter)))
    }
}

/// `PhysicalSizeX`, `-Y` and `-Z`, in µm where no unit is given (OME model, `Pixels`).
fn calibration(image: &OmeImage, notes: &mut Vec<String>) -> Calibration {
    let mut scale = |axis: char| {
        let value: f64 = image.pixels.get(&format!("PhysicalSize{axis}"))?.parse().ok()?;
        let unit = image.pixels.get(&format!("PhysicalSize{axis}Unit")).map_or("µm", String::as_str);
        if unit_in_nm(unit).is_none() {
            notes.push(format!("The unit “{unit}” of PhysicalSize{axis} is not a known length"));
        }
        Some(AxisScale::new(axis, value, unit, format!("OME-XML PhysicalSize{axis}")))
    };
    let deep = image.size("SizeZ") > 1;
    let scales = [scale('Y'), scale('X'), if deep { scale('Z') } else { None }];
    let step = image.pixels.get("TimeIncrement").and_then(|v| v.parse().ok());
    let time = step.filter(|_| image.size("SizeT") > 1).map(|step: f64| {
        let unit = image.pixels.get("TimeIncrementUnit").map_or("s", String::as_str);
        AxisScale::new('T', step, unit, "OME-XML TimeIncrement")
    });
    Calibration::from_axes(scales.into_iter().flatten().chain(time))
}
