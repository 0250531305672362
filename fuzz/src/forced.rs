//! Bytes made to begin as a format's files do, so that the fuzzer need not guess it.

use crate::{read, read_as};

/// Reads the bytes with `magic` at `at`.
fn with(data: &[u8], at: usize, magic: &[u8]) {
    let mut bytes = data.to_vec();
    put(&mut bytes, at, magic);
    read(&bytes);
}

fn put(bytes: &mut Vec<u8>, at: usize, magic: &[u8]) {
    bytes.resize(bytes.len().max(at + magic.len()), 0);
    bytes[at..at + magic.len()].copy_from_slice(magic);
}

/// Classic TIFF and BigTIFF in both byte orders, chosen by the first byte.
pub fn tiff(data: &[u8]) {
    let magics: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0"];
    let choice = data.first().copied().unwrap_or(0);
    let magic = match choice {
        b'I' | b'M' => &data[..data.len().min(4)],
        other => magics[usize::from(other) % magics.len()],
    };
    with(data, 0, magic);
}

/// A TIFF of one page of four pixels whose description is the data: OME-XML, ImageJ's lines, tifffile's JSON.
pub fn ome(data: &[u8]) {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    let description = 8 + 2 + 10 * 12 + 4;
    let entries: [(u16, u16, u32, u32); 10] = [
        (256, 4, 1, 2),
        (257, 4, 1, 2),
        (258, 4, 1, 8),
        (259, 4, 1, 1),
        (262, 4, 1, 1),
        (270, 2, data.len() as u32 + 1, description + 4),
        (273, 4, 1, description),
        (277, 4, 1, 1),
        (278, 4, 1, 2),
        (279, 4, 1, 4),
    ];
    bytes.extend(10u16.to_le_bytes());
    for (tag, kind, count, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes.extend([1, 2, 3, 4]);
    bytes.extend(data);
    bytes.push(0);
    read(&bytes);
}

/// Gatan's DM3, or DM4 where the fourth byte is even; tags in little-endian order.
pub fn dm(data: &[u8]) {
    let mut bytes = data.to_vec();
    if data.get(3).is_some_and(|b| b % 2 == 0) {
        put(&mut bytes, 0, &[0, 0, 0, 4]);
        put(&mut bytes, 12, &[0, 0, 0, 1]);
    } else {
        put(&mut bytes, 0, &[0, 0, 0, 3]);
        put(&mut bytes, 8, &[0, 0, 0, 1]);
    }
    read(&bytes);
}

/// MRC of either byte order: the word MAP, and the machine's stamp behind it.
pub fn mrc(data: &[u8]) {
    let stamp = data.get(212).copied().unwrap_or(0);
    with(data, 208, if stamp == 0x11 { b"MAP \x11\x11\0\0" } else { b"MAP DD\0\0" });
}

pub fn npy(data: &[u8]) {
    with(data, 0, b"\x93NUMPY");
}

/// FEI's SER, little-endian.
pub fn ser(data: &[u8]) {
    with(data, 0, b"II\x97\x01");
}

/// FEI's EMI, with a sound series beside it.
pub fn emi(data: &[u8]) {
    let series = include_bytes!("../../tests/fixtures/imaging/em/both_1.ser");
    // A file of text alone is none.
    let bytes = [b"\0", data].concat();
    read_as("input.emi", &bytes, "input.emi", &[("input_1.ser", series)]);
}

/// Ripple's text of keys, with values beside it. Keys that it needs and has not stand behind the data.
pub fn ripple(data: &[u8]) {
    let keys = b"\nwidth\t4\nheight\t3\ndepth\t2\ndata-length\t2\ndata-type\tsigned\n";
    read_as("input.rpl", &[data, keys].concat(), "input.rpl", &[("input.raw", &[0x55; 4096])]);
}

/// The text that some makers' programs write beside a TIFF.
pub fn text(data: &[u8]) {
    let picture = include_bytes!("../../tests/fixtures/imaging/vendor_hitachi.tif");
    read_as("input.txt", data, "input.tif", &[("input.tif", picture)]);
}

/// EMSA/MSA: the first line, then the data.
pub fn emsa(data: &[u8]) {
    read(&[b"#FORMAT : EMSA/MAS Spectral Data File\n", data].concat());
}

/// A ZIP file whose first entry is an array by its name.
pub fn npz(data: &[u8]) {
    let mut bytes = data.to_vec();
    if !data.starts_with(b"PK\x03\x04") {
        put(&mut bytes, 0, b"PK\x03\x04");
        put(&mut bytes, 26, &[5, 0]);
        put(&mut bytes, 30, b"a.npy");
    }
    read(&bytes);
}

pub fn hdf5(data: &[u8]) {
    with(data, 0, b"\x89HDF\r\n\x1a\n");
}

pub fn png(data: &[u8]) {
    with(data, 0, b"\x89PNG\r\n\x1a\n");
}

pub fn jpeg(data: &[u8]) {
    with(data, 0, b"\xff\xd8\xff");
}

pub fn bmp(data: &[u8]) {
    with(data, 0, b"BM");
}
