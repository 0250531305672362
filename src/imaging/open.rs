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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_is_said_in_one_message() {
        let dir = tempfile::tempdir().unwrap();
        let cases: [(&str, &[u8], &str); 5] = [
            ("empty.tif", b"", "The file is empty"),
            ("notes.tif", b"Dear diary", "Named .tif, but the content is not a TIFF image"),
            ("notes.PNG", b"Dear diary", "Named .png, but the content is not a PNG image"),
            ("photo.jpg", b"\x89", "Named .jpg, but the content is not a JPEG image"),
            ("stack.dm4", b"\0\0\0\x04", "Not a TIFF, PNG or JPEG file, which are what can be read"),
        ];
        for (name, content, expected) in cases {
            let path = dir.path().join(name);
            std::fs::write(&path, content).unwrap();
            let message = open(&path).unwrap_err().to_string();
            assert_eq!(message, format!("{expected}: {}", path.display()));
        }
        let folder = open(dir.path()).unwrap_err().to_string();
        assert!(folder.starts_with("This is a folder, not an image file: "), "{folder}");
        let missing = open(&dir.path().join("nothing.tif")).unwrap_err();
        assert!(matches!(missing, ImagingError::Io { .. }));
        assert!(missing.to_string().starts_with("There is no such file: "), "{missing}");
    }
}
