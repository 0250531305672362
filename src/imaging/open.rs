//! Which reader a file needs, told by its first bytes and never by its name.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::error::Fault;
use super::{ImagingError, Micrograph, raster, tiff};

/// The formats there are readers for. A new one is a variant, its first bytes in [`sniff`] and a line in [`open`].
enum Format {
    Tiff,
    Raster(image::ImageFormat),
}

/// Opens a file; every group of planes of equal shape is one series. Never empty.
///
/// Only the layout is read here; planes follow when they are asked for.
///
/// # Errors
/// Bad, unsupported or unreadable files, each by name.
pub fn open(path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
    match sniff(path).map_err(|fault| fault.at(path))? {
        Format::Tiff => tiff::open(path),
        Format::Raster(format) => Ok(vec![raster::open(path, format)?]),
    }
}

fn sniff(path: &Path) -> Result<Format, Fault> {
    let about = std::fs::metadata(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Fault::Io(io::Error::new(e.kind(), "There is no such file")),
        _ => Fault::Io(e),
    })?;
    if about.is_dir() {
        return Err(Fault::Bad("This is a folder, not an image file".into()));
    }
    let mut start = Vec::new();
    File::open(path)?.take(8).read_to_end(&mut start)?;
    match start.as_slice() {
        [] => Err(Fault::Bad("The file is empty".into())),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Ok(Format::Tiff),
        [0x89, b'P', b'N', b'G', 13, 10, 26, 10] => Ok(Format::Raster(image::ImageFormat::Png)),
        [0xff, 0xd8, 0xff, ..] => Ok(Format::Raster(image::ImageFormat::Jpeg)),
        _ => Err(unknown(path)),
    }
}

/// A known ending on unknown bytes is a bad file, anything else a format without a reader.
fn unknown(path: &Path) -> Fault {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = match ending.as_str() {
        "tif" | "tiff" => "a TIFF",
        "png" => "a PNG",
        "jpg" | "jpeg" => "a JPEG",
        _ => return Fault::Unsupported("Not a TIFF, PNG or JPEG file, which are what can be read".into()),
    };
    Fault::Bad(format!("Named .{ending}, but the content is not {name} image"))
}
