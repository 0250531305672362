//! Decompressing one strip or tile.
//!
//! LZW and fax are decoded here, DEFLATE and Zstandard by their crates, all straight into the rows. The rest goes through the `tiff`
//! crate, as does what these refuse. That crate decodes whole images and, on the way, drops extra samples, inverts
//! "white is zero", refuses palettes and odd depths. So each strip or tile is handed to it as a TIFF of its own, made in
//! memory, whose samples are plain bytes; what the bytes mean stays with us.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tiff::TiffError;
use tiff::decoder::{Decoder, DecodingResult, Limits};

use super::super::bytes::Input;
use super::super::error::Fault;
use super::fax;
use super::jpeg;
use super::kinds::{Compression, Photometric};
use super::lzw;
use super::page::{Chunk, Page};

/// What a thread keeps from one chunk to the next.
#[derive(Default)]
pub(super) struct Tools {
    stored: Vec<u8>,
    deflate: libdeflater::Decompressor,
    zstd: zstd::bulk::Decompressor<'static>,
}

const LZW_ENDS: &str = "The image data is damaged or cut short: its LZW codes end too early";

/// Fills `into` with the rows of a chunk, each padded to whole bytes; a predictor is still on them.
pub(super) fn read(
    input: &Input,
    page: &Page,
    chunk: Chunk,
    into: &mut [u8],
    tools: &mut Tools,
) -> Result<(), Fault> {
    if chunk.bytes == 0 {
        // An absent tile of a sparse file, which means zeros.
        into.fill(0);
        return Ok(());
    }
    let reversed = page.reversed_bits && page.compression != Compression::Jpeg;
    let reverse = |bytes: &mut [u8]| {
        if reversed {
            for byte in bytes {
                *byte = byte.reverse_bits();
            }
        }
    };
    if page.compression == Compression::None {
        if chunk.bytes != into.len() as u64 {
            return Err(Fault::Bad("A strip or tile is shorter than its rows".into()));
        }
        input.fill(chunk.offset, into)?;
        reverse(into);
        return Ok(());
    }
    // `Page` has seen that the chunk lies inside the file.
    tools.stored.resize(chunk.bytes as usize, 0);
    input.fill(chunk.offset, &mut tools.stored)?;
    reverse(&mut tools.stored);
    decompress(page, into, tools)
}

fn decompress(page: &Page, into: &mut [u8], tools: &mut Tools) -> Result<(), Fault> {
    let Tools { stored, deflate, zstd } = tools;
    let done = match page.compression {
        Compression::Lzw if lzw::decode(stored, into) => true,
        Compression::Lzw => return Err(Fault::Bad(LZW_ENDS.into())),
        Compression::Fax(kind) => return fax::decode(page, stored, kind, into),
        Compression::Deflate => deflate.zlib_decompress(stored, into).is_ok_and(|n| n == into.len()),
        Compression::Zstd => zstd.decompress_to_buffer(stored, into).is_ok_and(|n| n == into.len()),
        _ => false,
    };
    // Chunks with more rows than belong to the image, or without their checksum, are fine all the same.
    if done { Ok(()) } else { through_tiff(page, stored, into) }
}

fn through_tiff(page: &Page, stored: &[u8], into: &mut [u8]) -> Result<(), Fault> {
    let rows = into.len() / page.row_bytes();
    if page.compression == Compression::Jpeg {
        jpeg::check(page, stored, rows)?;
    }
    // The decoders are third-party code over untrusted bytes: a panic there must stay one file's error.
    let decoded = catch_unwind(AssertUnwindSafe(|| through_crate(&Small::of(page, rows), stored)));
    let bytes = match decoded {
        Ok(Ok(DecodingResult::U8(bytes))) if bytes.len() == into.len() => bytes,
        Ok(Err(TiffError::UnsupportedError(e))) => return Err(Fault::Unsupported(e.to_string())),
        Ok(Err(e)) => return Err(Fault::Bad(format!("The image data is damaged or cut short: {e}"))),
        Ok(Ok(_)) | Err(_) => return Err(Fault::Bad("The image data is damaged".into())),
    };
    into.copy_from_slice(&bytes);
    if page.photometric == Photometric::YCbCr {
        jpeg::to_rgb(into);
    }
    Ok(())
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
        // JPEG needs the true layout; to the others a row is so many bytes.
        let (width, bits, samples, compression) = match page.compression {
            Compression::Jpeg => (page.chunk_width, 8, page.chunk_samples(), 7),
            Compression::None | Compression::Fax(_) => (page.row_bytes(), 8, 1, 1),
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
