//! A figure as a file, or as pixels to look at first.

use super::layout::page;
use super::page::Picture;
use super::panel::Figure;
use super::raster::{raster, size_px};
use super::spec::{FigureSpec, look_words};
use super::svg::svg;
use crate::analysis::{RunSettings, check_free};
use crate::export::ExportError;
use crate::export::command::{absolute, begin_words, look_of, part, quoted};
use crate::export::pictures::{begin, finish};
use crate::export::results::write_bytes;
use crate::files::write_whole;
use crate::imaging::{Colormap, Micrograph};
use crate::network::Model;
use std::io::{self, Write};
use std::path::Path;

/// How a figure is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FigureFormat {
    Png,
    Svg,
}

impl FigureFormat {
    /// By the name's ending.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "svg" => Some(Self::Svg),
            _ => None,
        }
    }
}

/// Width and height of a figure in mm.
#[must_use]
pub fn figure_size(figure: &Figure) -> [f64; 2] {
    let page = page(figure);
    [page.width, page.height]
}

/// The figure in pixels of this resolution.
pub fn figure_picture(figure: &Figure, dpi: f64) -> Result<Picture, ExportError> {
    let page = page(figure);
    let too_large = || {
        let size = format!("{:.0} × {:.0} mm", page.width, page.height);
        ExportError::Unsupported(format!("A figure of {size} is too large to be drawn at {dpi} dpi"))
    };
    let [width, height] = size_px(page.width, page.height, dpi).ok_or_else(too_large)?;
    // Four bytes a pixel while it is drawn, three when it is done.
    let bytes = (width as u64).saturating_mul(height as u64).saturating_mul(4 + 3);
    check_free(&format!("A figure of {width} × {height} px"), bytes)?;
    raster(&page, dpi).ok_or_else(too_large)
}

/// Writes `.png` with its resolution, or `.svg` in mm, by the name's ending.
///
/// # Errors
/// [`ExportError::Unsupported`] for another ending and for pictures that are too large, else what the file system says.
pub fn write_figure(figure: &Figure, path: &Path) -> Result<(), ExportError> {
    let dpi = figure.look.dpi;
    match FigureFormat::of_path(path) {
        Some(FigureFormat::Png) => {
            let picture = figure_picture(figure, dpi)?;
            write_whole(path, |out| png(&picture, dpi, out)).map_err(ExportError::at(path))
        }
        Some(FigureFormat::Svg) => {
            let text = svg(&page(figure), dpi).map_err(ExportError::at(path))?;
            write_bytes(path, text.as_bytes())
        }
        None => {
            let what = format!("A figure is written as .png or .svg: {}", path.display());
            Err(ExportError::Unsupported(what))
        }
    }
}

fn png(picture: &Picture, dpi: f64, out: &mut impl Write) -> io::Result<()> {
    let mut encoder = begin([picture.height, picture.width], out)?;
    encoder.set_color(png::ColorType::Rgb);
    let per_metre = (dpi / 0.0254).round() as u32;
    let unit = png::Unit::Meter;
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: per_metre, yppu: per_metre, unit }));
    finish(encoder, &picture.rgb)
}

/// What writes the same figure to `path`, quoted for a POSIX shell.
#[must_use]
pub fn figure_command_line(
    spec: &FigureSpec,
    (micrograph, settings): (&Micrograph, &RunSettings),
    model: Option<&Model>,
    path: &Path,
) -> String {
    let mut words = begin_words("figure", micrograph, model);
    for panel in &spec.panels {
        words.extend(["--panel".to_owned(), panel.to_string()]);
    }
    for caption in &spec.captions {
        words.extend(["--caption".to_owned(), caption.clone()]);
    }
    words.extend(look_words(&spec.look));
    let mut say = |flag: &str, value: String| words.extend([flag.to_owned(), value]);
    if let Some(crop) = spec.crop {
        say("--crop", crop.map(|number| number.to_string()).join(","));
    }
    if let Some([y, x]) = spec.cursor {
        say("--cursor", format!("{y},{x}"));
    }
    if let Some(node) = &spec.field {
        say("--field", node.clone());
    }
    if let Some(channel) = spec.channel {
        say("--source-channel", channel.to_string());
    }
    if spec.feature_colormap != Colormap::Viridis {
        say("--feature-colormap", spec.feature_colormap.name().to_ascii_lowercase());
    }
    if spec.shared_contrast {
        words.push("--shared-contrast".to_owned());
    }
    words.extend(["--opacity".to_owned(), spec.paint.opacity.to_string()]);
    look_of(&mut words, &spec.paint);
    part(&mut words, micrograph, settings, settings.tile);
    words.extend(["--out".to_owned(), absolute(path)]);
    quoted(&words)
}
