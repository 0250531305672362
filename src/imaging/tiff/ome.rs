//! Series of an OME-TIFF (OME-TIFF specification, "OME-TIFF file structure", docs.openmicroscopy.org).

use std::path::Path;

use super::super::calibration::{AxisScale, Calibration, unit_in_nm};
use super::ome_xml::{self, Ome, OmeImage, TiffData};
use super::page::Page;
use super::plan::{Plan, grouped};

pub(super) fn is_ome(description: &str) -> bool {
    let start = description.trim_start();
    start.starts_with('<') && start.contains("OME") && start.trim_end().ends_with("OME>")
}

/// One series an `Image`; pages without their image are series of their own.
///
/// `pages` are in the file's order, `None` where one cannot be read.
pub(super) fn plans(description: &str, path: &Path, pages: &[Option<Page>]) -> Vec<Plan> {
    let ome = match ome_xml::parse(description) {
        Ok(ome) => ome,
        Err(why) => return without(pages, format!("The OME-XML cannot be read ({why}) and is left aside")),
    };
    if let Some(companion) = ome.companion {
        return without(pages, format!("The OME-XML of this file is in {companion}, which is not read"));
    }
    let mut planned = Vec::new();
    let mut next = 0;
    for image in &ome.images {
        match plan(&ome, image, path, pages, &mut next) {
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

/// The series of one image; `None` when all its planes are in other files.
fn plan(
    ome: &Ome,
    image: &OmeImage,
    path: &Path,
    pages: &[Option<Page>],
    next: &mut usize,
) -> Result<Option<Plan>, String> {
    let order = image.pixels.get("DimensionOrder").map_or("XYZCT", String::as_str);
    let fastest: Vec<char> = order.chars().skip(2).collect();
    if !order.starts_with("XY") || fastest.len() != 3 || !"ZCT".chars().all(|l| fastest.contains(&l)) {
        return Err(format!("its dimension order is “{order}”"));
    }
    let first_ifd = image.data.first().and_then(|d| d.ifd).unwrap_or(*next);
    let samples = pages.get(first_ifd).and_then(Option::as_ref).map_or(1, |page| page.samples);
    let length = |letter| match letter {
        'Z' => image.size("SizeZ"),
        'T' => image.size("SizeT"),
        // A colour page holds its samples' channels together.
        _ => image.size("SizeC").div_ceil(samples),
    };
    let lengths: Vec<usize> = fastest.iter().map(|&l| length(l)).collect();
    let total = lengths.iter().try_fold(1usize, |n, &l| n.checked_mul(l)).filter(|&n| n <= 1 << 24);
    let total = total.filter(|&n| n > 0).ok_or_else(|| format!("it has {lengths:?} planes"))?;
    let places = Places { fastest: &fastest, lengths: &lengths, total };
    let table = places.fill(ome, image, path, next);

    let found: Vec<Page> = table.iter().flatten().filter_map(|&ifd| pages.get(ifd)?.clone()).collect();
    let Some(page) = found.first() else { return Ok(None) };
    let (width, height) = (image.size("SizeX"), image.size("SizeY"));
    if (page.width, page.height) != (width, height) {
        return Err(format!("it has {width} × {height} pixels, its page {} × {}", page.width, page.height));
    }
    if grouped(found.clone()).len() != 1 {
        return Err("its pages differ in shape or type".into());
    }
    let complete = found.len() == total;
    let mut plan = Plan { format: "OME-TIFF", ..Plan::plain(found) };
    if complete {
        plan.outer = fastest.iter().copied().zip(lengths).rev().collect();
        plan.channel_names.clone_from(&image.channel_names);
    } else {
        let here = plan.pages.len();
        plan.notes.push(format!(
            "The OME-XML names {total} planes; {here} are in this file, the others are not read"
        ));
    }
    plan.calibration = calibration(image, &mut plan.notes);
    Ok(Some(plan))
}

/// The planes of an image in the order that its dimensions run.
struct Places<'a> {
    fastest: &'a [char],
    lengths: &'a [usize],
    total: usize,
}

impl Places<'_> {
    /// The page of every plane, fastest dimension first; `None` for planes in other files.
    fn fill(&self, ome: &Ome, image: &OmeImage, path: &Path, next: &mut usize) -> Vec<Option<usize>> {
        let mut table = vec![None; self.total];
        let whole = [TiffData::default()];
        // Without TiffData the planes are the pages from where the last image ended.
        let data = if image.data.is_empty() { &whole[..] } else { &image.data };
        for block in data {
            let start = self.position(block.first);
            let ifd = block.ifd.unwrap_or(if image.data.is_empty() { *next } else { 0 });
            let count = block.plane_count.unwrap_or(if block.ifd.is_some() {
                1
            } else {
                self.total - start.min(self.total)
            });
            if is_elsewhere(ome, block, path) {
                continue;
            }
            for (i, place) in table.iter_mut().skip(start).take(count).enumerate() {
                *place = Some(ifd + i);
                *next = (*next).max(ifd + i + 1);
            }
        }
        table
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

/// The block is in another file: neither its identity nor its name is ours.
fn is_elsewhere(ome: &Ome, block: &TiffData, path: &Path) -> bool {
    let same_uuid = block.uuid.is_some() && block.uuid == ome.uuid;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let same_name = block.file_name.is_none() || block.file_name == name;
    !same_uuid && (block.uuid.is_some() || block.file_name.is_some()) && !(same_name && ome.uuid.is_none())
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
    Calibration::from_axes(scales.into_iter().flatten())
}
