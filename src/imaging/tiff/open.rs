//! Opening a TIFF: pages into plans, plans into micrographs.

use std::path::{Path, PathBuf};

use super::super::bytes::Input;
use super::super::error::Fault;
use super::super::micrograph::{About, Source};
use super::super::{ImagingError, Micrograph, Plane};
use super::decode::read_planes;
use super::directory::{Container, Directory, tag};
use super::kinds::Compression;
use super::page::Page;
use super::plan::{Plan, grouped};
use super::tags::{self, Tagged};
use super::{imagej, ome, shaped, vendors};

/// Opens every series of a TIFF.
pub(in super::super) fn open(path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
    let plans = plans(path).map_err(|fault| fault.at(path))?;
    Ok(plans.into_iter().enumerate().map(|(series, plan)| micrograph(path, series, plan)).collect())
}

fn plans(path: &Path) -> Result<Vec<Plan>, Fault> {
    let file = Container::open(path)?;
    let directories = file.directories()?;
    let (pages, notes) = pages(&file, &directories)?;
    let description = file.text(&directories[0], tag::IMAGE_DESCRIPTION)?.unwrap_or_default();
    let mut plans = if ome::is_ome(&description) {
        ome::plans(&description, path, &pages)
    } else {
        described(&file, &directories[0], &description, pages)?
    };
    if let Some(first) = plans.first_mut() {
        first.notes.extend(notes);
    }
    for (series, plan) in plans.iter_mut().enumerate() {
        let of = Tagged::new(path, &file, &directories, &plan.pages[0], series == 0);
        tags::describe(&of, plan)?;
        vendors::describe(&of, &directories, plan);
        if plan.pages[0].reduced {
            plan.notes.push("The file calls this a smaller copy of another of its images".into());
        }
        if plan.pages[0].palette {
            plan.notes.push("The values are indices into a palette, which is not applied".into());
        }
        if plan.pages[0].compression == Compression::Jpeg {
            plan.notes
                .push("JPEG compression: values may differ by a few grey levels between programs".into());
        }
    }
    Ok(plans)
}

/// The pages of a file beside the one that was opened.
pub(super) fn pages_of(path: &Path) -> Result<Vec<Option<Page>>, Fault> {
    let file = Container::open(path)?;
    let directories = file.directories()?;
    Ok(pages(&file, &directories)?.0)
}

/// Every page, `None` where one of the later ones cannot be read, with a note for each reason.
fn pages(file: &Container, directories: &[Directory]) -> Result<(Vec<Option<Page>>, Vec<String>), Fault> {
    let (mut pages, mut refused) = (Vec::new(), Vec::<(String, usize)>::new());
    for (index, directory) in directories.iter().enumerate() {
        match Page::read(file, directory) {
            Ok(page) => pages.push(Some(Page { directory: index, ..page })),
            Err(Fault::Unsupported(why)) if !pages.is_empty() => {
                match refused.iter_mut().find(|(known, _)| *known == why) {
                    Some((_, count)) => *count += 1,
                    None => refused.push((why, 1)),
                }
                pages.push(None);
            }
            Err(fault) => return Err(fault),
        }
    }
    let total = pages.len();
    let note = |(why, count): (String, usize)| format!("{count} of {total} pages cannot be read: {why}");
    Ok((pages, refused.into_iter().map(note).collect()))
}

/// Series by the description that ImageJ or tifffile wrote, or by shape alone.
fn described(
    file: &Container,
    directory: &Directory,
    description: &str,
    pages: Vec<Option<Page>>,
) -> Result<Vec<Plan>, Fault> {
    let resolution = (file.real(directory, tag::X_RESOLUTION)?, file.real(directory, tag::Y_RESOLUTION)?);
    let mut plans = Vec::new();
    for group in grouped(pages.into_iter().flatten().collect()) {
        plans.push(match plans.is_empty() {
            true if imagej::is_imagej(description) => {
                let blocks = imagej::blocks(file, directory)?;
                imagej::plan(&imagej::Said { description, blocks, resolution }, group, file.length())
            }
            true => shaped::apply(Plan::plain(group), description, file.length()),
            false => Plan::plain(group),
        });
    }
    Ok(plans)
}

fn micrograph(path: &Path, series: usize, plan: Plan) -> Micrograph {
    let about = About {
        channel_names: plan.names(),
        colour: plan.is_colour(),
        calibration: plan.calibration.clone(),
        info_bar: plan.info_bar.clone(),
        metadata: plan.metadata.clone(),
        notes: plan.notes.clone(),
        ..About::new(path, plan.format, plan.axes(), plan.pages[0].sample_type).in_series(series)
    };
    let axes = plan.page_axes();
    let channels = axes.channels();
    let mut page_at = vec![0; axes.frames() * channels];
    for (page, (frame, channel)) in axes.stored_order().enumerate() {
        page_at[frame * channels + channel] = page;
    }
    let source = OnDisk { path: path.to_path_buf(), pages: plan.pages, page_at, channels };
    Micrograph::from_file(about, Box::new(source))
}

/// The pages of one series on disk.
struct OnDisk {
    path: PathBuf,
    pages: Vec<Page>,
    /// The page of a frame and channel, `[frame · channels + channel]`, where a channel may hold several samples.
    page_at: Vec<usize>,
    channels: usize,
}

impl Source for OnDisk {
    fn read(&self, frame: usize, channel: usize) -> Result<Vec<(usize, Plane)>, ImagingError> {
        let samples = self.pages[0].samples;
        let page = &self.pages[self.page_at[frame * self.channels + channel / samples]];
        let first = channel - channel % samples;
        let path = page.elsewhere.as_deref().unwrap_or(&self.path);
        let planes = match &page.missing {
            Some(why) => Err(Fault::Bad(why.as_ref().into())),
            None => Input::open(path).and_then(|input| read_planes(&input, page, channel % samples)),
        };
        let planes = planes.map_err(|fault| fault.at(path))?;
        Ok(planes.into_iter().map(|(sample, plane)| (first + sample, plane)).collect())
    }
}
