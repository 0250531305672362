//! Files that tifffile wrote with known values (`tests/fixtures/imaging/make.py`).

use std::path::{Path, PathBuf};

use crate::imaging::{Micrograph, PixelSize, open};
use crate::monitor::Monitor;

pub(super) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/imaging").join(name)
}

/// Opens the only series of a fixture and holds its axes, its layout and all its values against the script's:
/// plane `plane_of(frame, channel)` of the script is `100 · plane + 5 y + x`.
fn check(name: &str, axes: &str, layout: (usize, usize), plane_of: fn(usize, usize) -> usize) -> Micrograph {
    let mut all = open(&fixture(name)).unwrap();
    assert_eq!(all.len(), 1, "{name}");
    let micrograph = all.remove(0);
    assert_eq!(micrograph.stored_axes(), axes, "{name}");
    assert_eq!((micrograph.frames(), micrograph.channels()), layout, "{name}");
    assert_eq!((micrograph.height(), micrograph.width()), (4, 5), "{name}");
    for frame in 0..layout.0 {
        for channel in 0..layout.1 {
            let plane = micrograph.plane(frame, channel).unwrap();
            assert_eq!(plane.sample_type(), micrograph.sample_type(), "{name}");
            for (y, x) in (0..4).flat_map(|y| (0..5).map(move |x| (y, x))) {
                let expected = 100 * plane_of(frame, channel) + 5 * y + x;
                assert_eq!(plane.value(y, x), expected as f64, "{name}: frame {frame}, channel {channel}");
            }
        }
    }
    micrograph
}

#[test]
fn an_imagej_hyperstack_has_its_axes_and_pixel_size() {
    for name in ["imagej.tif", "imagej_one_directory.tif"] {
        // Stored t, z, c: our frame is t · 3 + z.
        let stack = check(name, "TZCYX", (6, 2), |frame, channel| frame * 2 + channel);
        assert_eq!(stack.format(), "ImageJ TIFF");
        let pixel = stack.calibration().pixel().unwrap();
        assert_eq!((pixel.x_nm, pixel.y_nm), (250.0, 500.0));
        assert!(pixel.source.contains("ImageJ"), "{}", pixel.source);
        assert_eq!(stack.calibration().frame_step_nm(), Some(500.0));
        assert_eq!(stack.channel_names(), ["channel 1", "channel 2"]);
        assert!(stack.notes().is_empty(), "{:?}", stack.notes());
    }
}

#[test]
fn imagejs_labels_name_the_channels_and_an_unknown_unit_is_said() {
    let stack = check("imagej_labels.tif", "CYX", (1, 2), |_, channel| channel);
    assert_eq!(stack.channel_names(), ["Fe Kα", "Cr"]);
    assert_eq!(stack.calibration().pixel(), None);
    assert_eq!(stack.notes(), ["The unit “furlong” of ImageJ's calibration is not a length"]);
}

#[test]
fn imagejs_ranges_and_text_are_fields() {
    let stack = check("imagej_ranges.tif", "CYX", (1, 2), |_, channel| channel);
    let get = |name: &str| stack.metadata().get(&format!("ImageJ / {name}"));
    assert_eq!((get("Range 1"), get("Range 2")), (Some("0 to 100"), Some("5 to 50.5")));
    assert_eq!((get("Info"), get("channels")), (Some("Detector = ETD"), Some("2")));
}

// Where files may be sparse.
#[cfg(unix)]
#[test]
fn a_stack_of_more_than_four_gigabytes_opens_at_once_and_reads_its_last_plane() {
    // The 40 bytes of each plane of imagej_one_directory.tif begin at byte 400; this one has planes of 8 MB.
    let (side, planes) = (2048u64, 640u64);
    let description = format!("ImageJ=1.53\nimages={planes}\nslices={planes}\nunit=nm\nspacing=2\n\0");
    let tags: [(u16, u16, u32, u32); 9] = [
        (256, 4, 1, side as u32),
        (257, 4, 1, side as u32),
        (258, 3, 1, 16 << 16),
        (262, 3, 1, 1 << 16),
        (270, 2, description.len() as u32, 200),
        (273, 4, 1, 400),
        (277, 3, 1, 1 << 16),
        (278, 4, 1, side as u32),
        (279, 4, 1, (2 * side * side) as u32),
    ];
    let mut bytes = b"MM\0*\0\0\0\x08\0\x09".to_vec();
    for (tag, kind, count, value) in tags {
        bytes.extend(tag.to_be_bytes().iter().chain(&kind.to_be_bytes()));
        bytes.extend(count.to_be_bytes().iter().chain(&value.to_be_bytes()));
    }
    bytes.resize(200, 0);
    bytes.extend(description.as_bytes());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("large.tif");
    std::fs::write(&path, &bytes).unwrap();
    let length = 400 + planes * 2 * side * side;
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    // A sparse file takes no room on the disk but for what is written.
    file.set_len(length).unwrap();
    std::io::Seek::seek(&mut &file, std::io::SeekFrom::Start(length - 2)).unwrap();
    std::io::Write::write_all(&mut &file, &[0x12, 0x34]).unwrap();
    let stack = open(&path).unwrap().remove(0);
    assert_eq!((stack.stored_axes(), stack.frames(), length > 4 << 30), ("ZYX", 640, true));
    assert_eq!(stack.calibration().frame_step_nm(), Some(2.0));
    let last = stack.plane(639, 0).unwrap();
    assert_eq!((last.value(2047, 2047), last.value(0, 0)), (f64::from(0x1234), 0.0));
}

/// The notes of the first series of a fixture in which a text is replaced by one of the same length.
fn notes_with(name: &str, from: &str, to: &str) -> (Vec<String>, String) {
    let mut bytes = std::fs::read(fixture(name)).unwrap();
    let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let first = open(&path).unwrap().remove(0);
    (first.notes().to_vec(), first.stored_axes().to_owned())
}

#[test]
fn ome_xml_that_does_not_fit_is_left_aside_with_a_note() {
    let cases = [
        ("SizeX=\"5\"", "SizeX=\"9\"", "does not fit the file: it has 9 × 4 pixels, its page 5 × 4"),
        ("SizeT=\"2\"", "SizeT=\"0\"", "does not fit the file: it has [3, 0, 2] planes"),
        ("=\"XYZTC\"", "=\"XYZZC\"", "does not fit the file: its dimension order is “XYZZC”"),
        ("SizeZ=\"3\"", "SizeZ=\"4\"", "The OME-XML names 16 planes; 12 are in this file"),
        ("</Pixels>", "</Pixelz>", "The OME-XML cannot be read"),
        ("<TiffData IFD=\"0\"", "<TiffData IFD=\"7\"", "names 12 planes; 5 are in this file"),
    ];
    for (from, to, expected) in cases {
        let (notes, axes) = notes_with("ome.ome.tif", from, to);
        assert!(notes.iter().any(|note| note.contains(expected)), "{to}: {notes:?}");
        assert_eq!(axes, "TYX", "{to}");
    }
    let (notes, _) = notes_with("ome.ome.tif", "Unit=\"nm\"", "Unit=\"px\"");
    assert_eq!(notes, ["The unit “px” of PhysicalSizeX is not a known length"]);
}

#[test]
fn an_ome_tiff_has_its_axes_channels_and_pixel_size() {
    // Stored c, t, z: our frame is t · 3 + z, and channel c begins at plane 6 c.
    let stack = check("ome.ome.tif", "CTZYX", (6, 2), |frame, channel| channel * 6 + frame);
    assert_eq!(
        (stack.format(), stack.channel_names()),
        ("OME-TIFF", &["Fe".to_owned(), "Cr & Ni".into()][..])
    );
    let expected = PixelSize { x_nm: 2.5, y_nm: 5.0, source: "OME-XML PhysicalSizeX".into() };
    assert_eq!(stack.calibration().pixel(), Some(expected));
    assert_eq!(stack.calibration().frame_step_nm(), Some(10.0));
}

#[test]
fn tifffiles_own_axes_are_read_from_compressed_tiles() {
    let stack = check("shaped_tiles.tif", "TCYX", (3, 2), |frame, channel| frame * 2 + channel);
    assert_eq!((stack.format(), stack.sample_type().name()), ("TIFF", "float32"));
}

#[test]
fn a_big_endian_bigtiff_in_separate_planes_is_a_colour_picture() {
    // The script's third plane passes 255 and wraps.
    let colour = &open(&fixture("big_planar.tif")).unwrap()[0];
    assert_eq!((colour.stored_axes(), colour.stored_shape()), ("SYX", &[3, 4, 5][..]));
    assert_eq!(colour.channel_names(), ["red", "green", "blue"]);
    assert!(colour.is_colour());
    let corner = |c| colour.plane(0, c).unwrap().value(3, 4);
    assert_eq!([corner(0), corner(1), corner(2)], [19.0, 119.0, 219.0]);
    let luminance = 0.299 * 19.0 + 0.587 * 119.0 + 0.114 * 219.0;
    assert!((f64::from(colour.grey(0).unwrap()[[3, 4]]) - luminance).abs() < 1e-4);
}

#[test]
fn a_printers_resolution_is_not_a_pixel_size() {
    let pages = check("pages.tif", "TYX", (3, 1), |frame, _| frame);
    assert_eq!(pages.calibration().pixel(), None);
    assert!(pages.notes()[0].contains("300 pixels per inch"), "{:?}", pages.notes());
}

#[test]
fn pages_of_another_shape_are_another_series() {
    let all = open(&fixture("two_shapes.tif")).unwrap();
    let layout: Vec<_> = all.iter().map(|m| (m.name(), m.series(), m.stored_axes(), m.frames())).collect();
    let expected = [("two_shapes.tif", 0, "TYX", 2), ("two_shapes.tif (series 2)", 1, "YX", 1)];
    assert_eq!(layout, expected);
    assert_eq!(all[0].plane(1, 0).unwrap().value(0, 0), 100.0);
    assert_eq!(all[1].plane(0, 0).unwrap().value(1, 1), 6.0);
}

#[test]
fn missing_and_infinite_values_stay_what_they_are() {
    let plane = open(&fixture("nan.tif")).unwrap()[0].plane(0, 0).unwrap();
    assert!(plane.value(0, 0).is_nan());
    assert_eq!(
        [(0, 1), (1, 0), (1, 1)].map(|(y, x)| plane.value(y, x)),
        [f64::INFINITY, f64::NEG_INFINITY, 1.5]
    );
    let one = &open(&fixture("one_pixel.tif")).unwrap()[0];
    assert_eq!((one.stored_axes(), one.plane(0, 0).unwrap().value(0, 0)), ("YX", 7.0));
}

#[test]
fn a_hash_can_be_cancelled() {
    let (watch, monitor) = Monitor::watched();
    watch.cancel();
    let error = open(&fixture("imagej.tif")).unwrap()[0].sha256_le(&monitor).unwrap_err();
    assert_eq!(error.to_string(), "Cancelled");
}
