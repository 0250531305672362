//! OME-TIFFs whose planes are in several files (`tests/fixtures/imaging/make_ome.py`, which holds tifffile's reading of
//! them against the same values).

use super::written::fixture;
use crate::imaging::{Micrograph, open};

const PARTS: [&str; 3] = ["ome_z0.ome.tif", "ome_z1.ome.tif", "ome_z2.ome.tif"];

fn check(stack: &Micrograph) {
    assert_eq!(
        (stack.format(), stack.stored_axes(), stack.frames(), stack.channels()),
        ("OME-TIFF", "ZCYX", 3, 2)
    );
    assert_eq!(stack.channel_names(), ["Fe", "Cr"]);
    for (z, c) in (0..3).flat_map(|z| (0..2).map(move |c| (z, c))) {
        assert_eq!(stack.plane(z, c).unwrap().value(3, 4), (100 * (2 * z + c) + 19) as f64);
    }
    assert_eq!(stack.calibration().pixel().unwrap().x_nm, 2.5);
    assert_eq!(stack.metadata().get("OME / Instrument / Detector / Model"), Some("ETD"));
    assert!(stack.notes().is_empty(), "{:?}", stack.notes());
}

#[test]
fn any_of_several_files_opens_all_their_planes() {
    for name in PARTS {
        check(&open(&fixture(name)).unwrap()[0]);
    }
}

#[test]
fn the_xml_may_be_in_a_file_of_its_own() {
    check(&open(&fixture("ome_b1.ome.tif")).unwrap()[0]);
}

#[test]
fn planes_of_a_missing_file_are_refused_and_not_black() {
    let dir = tempfile::tempdir().unwrap();
    for name in &PARTS[1..] {
        std::fs::copy(fixture(name), dir.path().join(name)).unwrap();
    }
    // A file that was renamed is known by its identity.
    std::fs::rename(dir.path().join(PARTS[2]), dir.path().join("renamed.tif")).unwrap();
    let stack = open(&dir.path().join("renamed.tif")).unwrap().remove(0);
    assert_eq!((stack.stored_axes(), stack.frames()), ("ZCYX", 3));
    assert_eq!(stack.notes(), ["Planes of this image are in ome_z0.ome.tif, which is not beside this one"]);
    assert_eq!([(1, 1), (2, 0)].map(|(z, c)| stack.plane(z, c).unwrap().value(0, 0)), [300.0, 400.0]);
    let refused = stack.plane(0, 0).unwrap_err().to_string();
    assert!(
        refused.starts_with("This plane is in ome_z0.ome.tif, which is not beside this one: "),
        "{refused}"
    );
}

#[test]
fn a_missing_or_foreign_companion_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ome_b0.ome.tif");
    std::fs::copy(fixture("ome_b0.ome.tif"), &path).unwrap();
    let note = || open(&path).unwrap()[0].notes()[0].clone();
    assert_eq!(note(), "The OME-XML of this file is in ome_b.companion.ome, which is not beside this one");
    std::fs::write(dir.path().join("ome_b.companion.ome"), "<OME><Image>").unwrap();
    assert!(note().starts_with("The OME-XML cannot be read (the element OME/Image"), "{}", note());
}

#[test]
fn planes_that_are_named_again_and_again_are_no_more_work() {
    // 1500 times the same 60,000 planes of a file that is not there.
    let block = r#"<TiffData PlaneCount="60000"><UUID FileName="a"/></TiffData>"#;
    let pixels = r#"<Pixels SizeX="1" SizeY="1" SizeZ="60000" DimensionOrder="XYZCT"><TiffData IFD="0"/>"#;
    let xml = format!("<OME><Image>{pixels}{}</Pixels></Image></OME>\0", block.repeat(1500));
    let tags: [(u16, u16, u32, u32); 9] = [
        (256, 4, 1, 1),
        (257, 4, 1, 1),
        (258, 4, 1, 8),
        (259, 4, 1, 1),
        (262, 4, 1, 1),
        (270, 2, xml.len() as u32, 200),
        (273, 4, 1, 0),
        (278, 4, 1, 1),
        (279, 4, 1, 1),
    ];
    let mut bytes = b"II*\0\x08\0\0\0\x09\0".to_vec();
    for (tag, kind, count, value) in tags {
        bytes.extend(tag.to_le_bytes().iter().chain(&kind.to_le_bytes()));
        bytes.extend(count.to_le_bytes().iter().chain(&value.to_le_bytes()));
    }
    bytes.resize(200, 0);
    bytes.extend(xml.as_bytes());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("again.tif");
    std::fs::write(&path, bytes).unwrap();
    let stack = open(&path).unwrap().remove(0);
    assert_eq!((stack.stored_axes(), stack.frames()), ("ZYX", 60000), "{:?}", stack.notes());
}

#[test]
fn a_name_that_leads_out_of_the_folder_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (inner, path) = (dir.path().join("in"), dir.path().join("in/ome_z1.ome.tif"));
    std::fs::create_dir(&inner).unwrap();
    std::fs::copy(fixture(PARTS[0]), dir.path().join("0.ome.tif")).unwrap();
    let mut bytes = std::fs::read(fixture(PARTS[1])).unwrap();
    while let Some(at) = bytes.windows(14).position(|w| w == PARTS[0].as_bytes()) {
        bytes[at..at + 14].copy_from_slice(b"../0.ome.tif\"\x20");
    }
    std::fs::write(&path, bytes).unwrap();
    let notes = open(&path).unwrap()[0].notes().to_vec();
    assert!(notes.iter().any(|note| note.contains("../0.ome.tif, which is in another folder")), "{notes:?}");
}
