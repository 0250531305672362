//! Decompressing one strip or tile through the `tiff` crate.
//!
//! The crate decodes whole images and, on the way, drops extra samples, inverts "white is zero", refuses palettes and
//! odd depths. So each strip or tile is handed to it as a TIFF of its own, made in memory, whose samples are plain
//! bytes; what the bytes mean stays with us.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tiff::TiffError;
use tiff::decoder::{Decoder, DecodingResult, Limits};

use super::super::error::Fault;
use super::jpeg;
use super::kinds::{Compression, Photometric};
use super::page::Page;

/// The bytes of a chunk of `rows` rows, each padded to whole bytes, without compression; a predictor is still on them.
pub(super) fn decompress(page: &Page, mut stored: Vec<u8>, rows: usize) -> Result<Vec<u8>, Fault> {
    let length = page.row_bytes() * rows;
    if stored.is_empty() {
        // An absent tile of a sparse file, which means zeros.
        return Ok(vec![0; length]);
    }
    if page.reversed_bits && page.compression != Compression::Jpeg {
        for byte in &mut stored {
            *byte = byte.reverse_bits();
        }
    }
    match page.compression {
        Compression::None => return Ok(stored),
        Compression::Lzw if matches!(stored.as_slice(), [0, second, ..] if second & 1 == 1) => {
            return Err(Fault::Unsupported(
                "TIFF compression 5 (LZW) in its old form with reversed bits".into(),
            ));
        }
        Compression::Jpeg => jpeg::check(page, &stored, rows)?,
        _ => {}
    }
    // The decoders are third-party code over untrusted bytes: a panic there must stay one file's error.
    let decoded = catch_unwind(AssertUnwindSafe(|| through_crate(&Small::of(page, rows), &stored)));
    let bytes = match decoded {
        Ok(Ok(DecodingResult::U8(bytes))) if bytes.len() == length => bytes,
        Ok(Err(TiffError::UnsupportedError(e))) => return Err(Fault::Unsupported(e.to_string())),
        Ok(Err(TiffError::IntSizeError)) => {
            return Err(Fault::Unsupported(
                "Fax compression of strips of more than 65535 rows or columns".into(),
            ));
        }
        Ok(Err(e)) => return Err(Fault::Bad(format!("The image data is damaged or cut short: {e}"))),
        Ok(Ok(_)) | Err(_) => return Err(Fault::Bad("The image data is damaged".into())),
    };
    Ok(if page.photometric == Photometric::YCbCr { jpeg::rgb_from_ycbcr(bytes) } else { bytes })
}

/// The layout that a chunk is presented with.
struct Small<'a> {
    width: u32,
    rows: u32,
    bits: u32,
    samples: u32,
    compression: u32,
    jpeg_tables: Option<&'a [u8]>,
}

impl<'a> Small<'a> {
    fn of(page: &'a Page, rows: usize) -> Self {
        // Fax and JPEG need the true layout; to the others a row is so many bytes.
        let (width, bits, samples, compression) = match page.compression {
            Compression::Fax4 => (page.chunk_width, 1, 1, 4),
            Compression::Jpeg => (page.chunk_width, 8, page.chunk_samples(), 7),
            Compression::None => (page.row_bytes(), 8, 1, 1),
            Compression::Lzw => (page.row_bytes(), 8, 1, 5),
            Compression::Deflate => (page.row_bytes(), 8, 1, 8),
            Compression::PackBits => (page.row_bytes(), 8, 1, 32773),
            Compression::Zstd => (page.row_bytes(), 8, 1, 50000),
        };
        Self {
            width: u32::try_from(width).unwrap_or(u32::MAX),
            rows: rows as u32,
            bits,
            samples: samples as u32,
            compression,
            jpeg_tables: page.jpeg_tables.as_deref(),
        }
    }
}

fn through_crate(small: &Small<'_>, stored: &[u8]) -> Result<DecodingResult, TiffError> {
    let mut decoder = Decoder::new(Cursor::new(small_tiff(small, stored)))?;
    // `Page` has already held the sizes against the file's length.
    decoder = decoder.with_limits(Limits::unlimited());
    decoder.read_image()
}

/// A little-endian TIFF of one strip: header, data, JPEG tables, directory.
fn small_tiff(small: &Small<'_>, stored: &[u8]) -> Vec<u8> {
    const LONG: u16 = 4;
    const UNDEFINED: u16 = 7;
    let tables = small.jpeg_tables.unwrap_or_default();
    let mut entries = vec![
        (256, LONG, 1, small.width),
        (257, LONG, 1, small.rows),
        (258, LONG, 1, small.bits),
        (259, LONG, 1, small.compression),
        (262, LONG, 1, 1),
        (273, LONG, 1, 8),
        (277, LONG, 1, small.samples),
        (278, LONG, 1, small.rows),
        (279, LONG, 1, stored.len() as u32),
    ];
    // Shorter tables would lie inside the entry; they are no tables anyway.
    if tables.len() > 4 {
        entries.push((347u16, UNDEFINED, tables.len() as u32, 8 + stored.len() as u32));
    }
    let directory = 8 + stored.len() + tables.len();
    let mut out = Vec::with_capacity(directory + 128);
    out.extend_from_slice(b"II*\0");
    out.extend_from_slice(&(directory as u32).to_le_bytes());
    out.extend_from_slice(stored);
    out.extend_from_slice(tables);
    out.extend_from_slice(&(entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        out.extend_from_slice(&tag.to_le_bytes());
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&count.to_le_bytes());
        out.extend_from_slice(&value.to_le_bytes());
    }
    out.extend_from_slice(&[0; 4]);
    out
}
