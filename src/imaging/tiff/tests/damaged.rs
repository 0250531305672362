//! Files that lie, end early or hold what cannot be read: one message each, no panic, no great allocation.

use std::path::Path;

use super::written::fixture;
use crate::imaging::{ImagingError, Micrograph, open};

/// A little-endian TIFF of one directory: `data` at byte 8, every tag a list of LONGs.
fn tiff(tags: &[(u16, &[u32])], data: &[u8]) -> Vec<u8> {
    let mut values = Vec::new();
    let start = 8 + data.len();
    let mut entries = Vec::new();
    for (tag, numbers) in tags {
        entries.extend_from_slice(&tag.to_le_bytes());
        entries.extend_from_slice(&4u16.to_le_bytes());
        entries.extend_from_slice(&(numbers.len() as u32).to_le_bytes());
        let field = if let [one] = numbers { *one } else { (start + values.len()) as u32 };
        entries.extend_from_slice(&field.to_le_bytes());
        if numbers.len() > 1 {
            values.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
        }
    }
    let directory = (start + values.len()) as u32;
    let count = (tags.len() as u16).to_le_bytes();
    [b"II*\0", &directory.to_le_bytes()[..], data, &values, &count, &entries, &[0; 4]].concat()
}

/// A grey image of 4 × 4 bytes with some tags changed or added.
fn changed(changes: &[(u16, &[u32])], data: &[u8]) -> Vec<u8> {
    let mut tags: Vec<(u16, &[u32])> = vec![
        (256, &[4]),
        (257, &[4]),
        (258, &[8]),
        (259, &[1]),
        (262, &[1]),
        (273, &[8]),
        (277, &[1]),
        (278, &[4]),
        (279, &[16]),
    ];
    for &(tag, values) in changes {
        tags.retain(|&(t, _)| t != tag);
        tags.push((tag, values));
    }
    tags.sort_unstable();
    tiff(&tags, data)
}

/// Opens and reads everything.
fn read(path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
    let all = open(path)?;
    for m in &all {
        for (frame, channel) in (0..m.frames()).flat_map(|f| (0..m.channels()).map(move |c| (f, c))) {
            m.plane(frame, channel)?;
        }
    }
    Ok(all)
}

/// Writes the bytes, reads them as a file, and gives the error's kind and message.
fn refusal(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("case.tif");
    std::fs::write(&path, bytes).unwrap();
    match read(&path) {
        Ok(_) => "read".into(),
        Err(ImagingError::Bad { what, .. }) => format!("bad: {what}"),
        Err(ImagingError::Unsupported { what, .. }) => format!("unsupported: {what}"),
        Err(other) => other.to_string(),
    }
}

#[test]
fn a_sound_image_is_read() {
    assert_eq!(refusal(&changed(&[], &[7; 16])), "read");
    // Byte counts may be missing where nothing is compressed, and a leftover predictor means nothing to JPEG or fax.
    assert_eq!(refusal(&changed(&[(279, &[])], &[7; 16])), "read");
}

#[test]
fn every_lie_has_its_own_message() {
    type Entries<'a> = &'a [(u16, &'a [u32])];
    let cases: &[(Entries<'_>, &str)] = &[
        (&[(256, &[0])], "bad: The TIFF claims an image of 0 × 4 pixels"),
        (&[(277, &[0])], "bad: The TIFF claims 0 samples"),
        (&[(256, &[1 << 30]), (257, &[1 << 30]), (278, &[1 << 30])], "bad: The file is cut short"),
        (&[(256, &[1 << 30]), (257, &[1 << 30]), (278, &[1 << 30]), (259, &[8])], "cannot hold"),
        (
            &[(257, &[1 << 30]), (278, &[1])],
            "bad: The TIFF lists 1 strips or tiles where its image has 1073741824",
        ),
        (&[(278, &[0])], "bad: The TIFF claims strips or tiles of 4 × 0"),
        (
            &[(322, &[1]), (323, &[1]), (256, &[1 << 30]), (257, &[1 << 30]), (277, &[65535])],
            "bad: The TIFF lists 1",
        ),
        (&[(322, &[1 << 30]), (323, &[1 << 30]), (259, &[50000])], "cannot hold"),
        (&[(273, &[4_000_000])], "bad: The file is cut short: its image needs 4000016"),
        (&[(262, &[2])], "bad: A colour of 3 samples is stored with 1"),
        (&[(262, &[6]), (259, &[7]), (277, &[4])], "unsupported: YCbCr in separate planes or with"),
        (&[(259, &[7]), (258, &[16])], "unsupported: JPEG compression of 16-bit"),
        (&[(259, &[4])], "bad: Fax compression"),
        (
            &[(259, &[3]), (258, &[1]), (292, &[2])],
            "unsupported: TIFF compression 3 (CCITT Group 3 fax, uncompressed",
        ),
        (&[(317, &[3])], "bad: A floating-point predictor"),
        (&[(317, &[2]), (258, &[4])], "unsupported: Horizontal predictor on 4-bit"),
        (&[(317, &[9])], "unsupported: TIFF predictor 9"),
        (&[(258, &[8, 16]), (277, &[2])], "unsupported: A TIFF whose samples have different depths"),
        (&[(339, &[1, 2]), (277, &[2])], "unsupported: A TIFF whose samples have different formats"),
        (&[(339, &[3]), (258, &[24])], "unsupported: TIFF samples of 24 bits (floating-point)"),
        (&[(339, &[99])], "unsupported: TIFF samples of 8 bits (unknown)"),
        (&[(258, &[65])], "unsupported: TIFF samples of 65 bits (unsigned)"),
        (&[(259, &[34925])], "unsupported: TIFF compression 34925 (LZMA)"),
        (&[(262, &[8])], "unsupported: TIFF photometric interpretation 8 (CIE L*a*b*)"),
        (&[(259, &[5])], "bad: The image data is damaged or cut short: its LZW codes"),
        (&[(259, &[8])], "bad: The image data is damaged"),
        (&[(259, &[50000])], "bad: The image data is damaged"),
        (&[(259, &[32773])], "bad: The image data is damaged"),
        (&[(259, &[7])], "bad: The JPEG data of the TIFF has no frame header"),
    ];
    let data = [0, 1, 0xff, 3, 0, 1, 0xff, 3, 0, 1, 0xff, 3, 0, 1, 0xff, 3];
    for (changes, expected) in cases {
        let found = refusal(&changed(changes, &data));
        assert!(found.contains(expected), "{changes:?}: “{found}” for “{expected}”");
    }
    assert_eq!(
        refusal(&std::fs::read(fixture("complex.tif")).unwrap()),
        "unsupported: Complex numbers in a TIFF"
    );
}

#[test]
fn a_fax_is_no_larger_in_memory_than_its_bytes_can_mean() {
    // A bit of 1 is a line like the one before, which at first is empty (T.6).
    let data = vec![0xff; 1 << 16];
    let page = |width: u32, height: u32, bytes: u32| {
        let (width, height) = (&[width], &[height]);
        let tags: &[(u16, &[u32])] =
            &[(256, width), (257, height), (278, height), (258, &[1]), (259, &[4]), (279, &[bytes])];
        refusal(&changed(tags, &data[..bytes as usize]))
    };
    // A4 at 600 dpi, and A3 at that; nothing stands behind the last line.
    assert_eq!(page(4960, 7016, 877), "read");
    assert_eq!(page(7016, 9921, 1241), "read");
    for (width, height, bytes) in [(1 << 13, 1 << 16, 1 << 13), (1 << 16, 1 << 13, 1 << 10)] {
        assert!(page(width, height, bytes).contains("cannot hold"), "{width} × {height}");
    }
}

#[test]
fn a_jpeg_stream_must_fit_its_strip() {
    // A start of frame: 8 bits, 4 rows, 5 columns, one component.
    let stream = |kind, bits| [0xff, 0xd8, 0xff, kind, 0, 11, bits, 0, 4, 0, 5, 1, 1, 0x11, 0, 0];
    for (kind, bits, expected) in [
        (0xc0, 8, "bad: The JPEG data of the TIFF is of another size"),
        (0xc0, 12, "unsupported: JPEG of 12 bits"),
        (0xc3, 8, "unsupported: Lossless"),
    ] {
        let found = refusal(&changed(&[(259, &[7])], &stream(kind, bits)));
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn a_directory_must_lie_in_the_file_and_lead_somewhere() {
    let sound = changed(&[], &[7; 16]);
    let with_first = |offset: u32| [&sound[..4], &offset.to_le_bytes(), &sound[8..]].concat();
    assert_eq!(refusal(&with_first(0)), "bad: The TIFF has no image");
    assert!(refusal(&with_first(1 << 30)).starts_with("bad: The TIFF is cut short or damaged"));
    let mut circle = sound.clone();
    let end = circle.len() - 4;
    circle[end..].copy_from_slice(&24u32.to_le_bytes());
    assert_eq!(refusal(&circle), "bad: The directories of the TIFF run in a circle");
    assert_eq!(refusal(b"II*\0"), "bad: The TIFF is cut short or damaged: it refers to bytes beyond its end");
}

#[test]
fn a_later_page_that_cannot_be_read_is_said_so() {
    let mut bytes = changed(&[], &[7; 16]);
    let second = bytes.len() as u32;
    // The same directory again, behind the first, with LZMA for a compression.
    let directory = changed(&[(259, &[34925])], &[7; 16])[24..].to_vec();
    let end = bytes.len() - 4;
    bytes[end..].copy_from_slice(&second.to_le_bytes());
    bytes.extend(directory);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("case.tif");
    std::fs::write(&path, bytes).unwrap();
    let all = open(&path).unwrap();
    assert_eq!(all[0].notes(), ["1 of 2 pages cannot be read: TIFF compression 34925 (LZMA)"]);
}

#[test]
fn no_cut_or_flipped_byte_brings_the_reader_down() {
    let names = ["imagej.tif", "ome.ome.tif", "shaped_tiles.tif", "big_planar.tif"];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("case.tif");
    for name in names {
        let sound = std::fs::read(fixture(name)).unwrap();
        for cut in (0..sound.len()).step_by(97) {
            std::fs::write(&path, &sound[..cut]).unwrap();
            assert!(read(&path).is_err(), "{name} cut to {cut} bytes");
        }
        for at in (0..sound.len()).step_by(7) {
            let mut flipped = sound.clone();
            flipped[at] ^= 0xff;
            std::fs::write(&path, &flipped).unwrap();
            // Either way is right, as long as it ends in an answer.
            let _ = read(&path);
        }
    }
}

#[test]
fn a_block_of_planes_cut_short_has_those_that_are_whole() {
    let sound = std::fs::read(fixture("imagej_one_directory.tif")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("case.tif");
    // Planes of 40 bytes from byte 400 on: five and a half of them.
    std::fs::write(&path, &sound[..400 + 220]).unwrap();
    let all = read(&path).unwrap();
    assert_eq!((all[0].stored_axes(), all[0].frames()), ("TYX", 5));
    assert_eq!(all[0].plane(4, 0).unwrap().value(0, 0), 400.0);
    assert_eq!(all[0].notes(), ["ImageJ's description counts 12 images, the file has 5"]);
}
