//! Tescan: tag 50431, bytes of unknown meaning and then an ini text, or the same text in a file `NAME-tif.hdr` beside
//! the image. `PixelSizeX` and `PixelSizeY` are in metres, `ImageStripSize` counts the rows of the bar below the picture.

use super::super::super::bytes::text;
use super::super::super::error::Fault;
use super::super::super::info_bar::InfoBar;
use super::super::fields::Ini;
use super::super::tags::Tagged;
use super::{Found, Vendor, beside};

const TESCAN: u16 = 50431;

pub(super) struct Tescan;

impl Vendor for Tescan {
    fn name(&self) -> &'static str {
        "Tescan"
    }

    fn tags(&self) -> &'static [u16] {
        &[TESCAN]
    }

    fn read(&self, page: &Tagged<'_>) -> Result<Option<Found>, Fault> {
        if let Some(blob) = page.blob(TESCAN)? {
            let ini = Ini::parse(&text_of(&blob));
            if !ini.is_empty() {
                return Ok(Some(found(page, &ini, &format!("Tescan tag {TESCAN}"))));
            }
        }
        let stem = page.path.file_stem().unwrap_or_default().to_string_lossy();
        let ending = page.path.extension().unwrap_or_default().to_string_lossy();
        let sidecar = page.path.with_file_name(format!("{stem}-{ending}.hdr"));
        let text = beside(page, sidecar, "[MAIN]");
        Ok(text.map(|text| found(page, &Ini::parse(&text), "Tescan header file")))
    }
}

/// The longest run of characters among the bytes.
fn text_of(blob: &[u8]) -> String {
    let printable = |b: u8| b >= 0x20 || matches!(b, b'\r' | b'\n' | b'\t');
    text(blob.split(|&b| !printable(b)).max_by_key(|run| run.len()).unwrap_or_default())
}

fn found(page: &Tagged<'_>, ini: &Ini, tag: &str) -> Found {
    let mut found = Found::default();
    // The tag has its first fields before any section, the file in one called MAIN.
    let positive = |key| ini.positive("MAIN", key).or_else(|| ini.positive("", key));
    if let (Some(y), Some(x)) = (positive("PixelSizeY"), positive("PixelSizeX")) {
        found.pixel((y, x), "m", &format!("{tag}, PixelSizeX"));
    }
    if let Some(rows) = positive("ImageStripSize").filter(|&rows| rows < page.height as f64 / 2.0) {
        let source = format!("{tag}, ImageStripSize");
        found.info_bar = Some(InfoBar { rows: rows as usize, source });
    }
    found.fields.extend(ini.named("Tescan"));
    found
}
