//! Hitachi: a text beside the image, of the same name, that begins with `[SemImageFile]`. `PixelSize` is in nanometres
//! and `DataSize` the pixels of the picture, below which some exports have a bar of text.

use super::super::super::error::Fault;
use super::super::fields::Ini;
use super::super::tags::Tagged;
use super::{Found, Vendor, beside};

pub(super) struct Hitachi;

impl Vendor for Hitachi {
    fn name(&self) -> &'static str {
        "Hitachi"
    }

    fn tags(&self) -> &'static [u16] {
        &[]
    }

    fn read(&self, page: &Tagged<'_>) -> Result<Option<Found>, Fault> {
        let Some((text, section)) = ["SemImageFile", "TemImageFile"].into_iter().find_map(|section| {
            let text = beside(page, page.path.with_extension("txt"), &format!("[{section}]"))?;
            Some((text, section))
        }) else {
            return Ok(None);
        };
        let ini = Ini::parse(&text);
        let mut found = Found::default();
        found.fields.extend(ini.named("Hitachi"));
        let size = ini.get(section, "DataSize").and_then(|size| size.split_once(['x', 'X', '×']));
        let size = size.and_then(|(w, h)| Some((w.trim().parse().ok()?, h.trim().parse().ok()?)));
        let size: Option<(f64, f64)> = size;
        match (ini.positive(section, "PixelSize"), size) {
            (Some(_), Some((width, _))) if width != page.width as f64 => found.notes.push(format!(
                "Warning: Hitachi's text is of an image {width} pixels wide, this one has {}; its pixel size is left aside",
                page.width
            )),
            (Some(nm), _) => found.pixel((nm, nm), "nm", "Hitachi text file, PixelSize"),
            (None, _) => {}
        }
        if let Some((width, height)) = size
            && width == page.width as f64
        {
            found.picture_rows(page, height, "Hitachi text file, DataSize");
        }
        Ok(Some(found))
    }
}
