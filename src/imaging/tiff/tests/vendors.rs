//! Files with the tags of microscopes' makers (`tests/fixtures/imaging/make_vendors.py`), and the real ones that there
//! are. What is expected are the numbers that the script, or the microscope, wrote.

use super::written::fixture;
use crate::imaging::{Micrograph, open};

fn vendor(name: &str) -> Micrograph {
    open(&fixture(&format!("vendor_{name}.tif"))).unwrap().remove(0)
}

fn pixel_nm(micrograph: &Micrograph) -> Option<(f64, f64)> {
    micrograph.calibration().pixel().map(|pixel| (pixel.y_nm, pixel.x_nm))
}

#[test]
fn each_maker_gives_a_pixel_size_with_its_tag_and_field() {
    let cases = [
        ("fei", (3.0, 2.0), "FEI tag 34682, Scan.PixelWidth"),
        ("fei_both", (2.0, 2.0), "FEI tag 34682, Scan.PixelWidth"),
        ("fei_older", (4.0, 4.0), "FEI tag 34680, Scan.PixelWidth"),
        ("zeiss", (25.6, 25.6), "Zeiss tag 34118, fourth number of its head by 1024 columns"),
        ("zeiss_no_head", (25.6, 25.6), "Zeiss tag 34118, AP_IMAGE_PIXEL_SIZE"),
        ("tescan", (7.5, 7.5), "Tescan tag 50431, PixelSizeX"),
        ("tvips", (0.5, 0.25), "TVIPS tag 37706, PixelSizeX"),
        ("sis", (0.75, 0.5), "Olympus SIS tag 33560, calibration"),
        ("gatan", (0.5, 0.25), "Gatan tags 65009 and 65003"),
        ("jeol", (125.0, 125.0), "JEOL text file, $$SM_MICRON_MARKER by $$SM_MICRON_BAR"),
        // 1000 pixels per cm of the detector at 50 000 times are 0.2 nm.
        ("sightx", (0.2, 0.2), "JEOL, XResolution by ImageFormingSystem.SelectorValue"),
        ("hitachi", (24.8, 24.8), "Hitachi text file, PixelSize"),
    ];
    for (name, expected, source) in cases {
        let micrograph = vendor(name);
        assert_eq!(pixel_nm(&micrograph), Some(expected), "{name}");
        assert_eq!(micrograph.calibration().pixel().unwrap().source, source);
        assert_eq!(micrograph.plane(0, 0).unwrap().value(7, 11), 95.0, "{name}");
    }
}

#[test]
fn settings_of_the_instrument_are_fields() {
    let cases = [
        ("fei", "FEI / Beam / HV", "15000"),
        ("zeiss", "Zeiss / AP_C1", "C1 Lens I =      0 µA"),
        ("tescan", "Tescan / SEM / HV", "10000"),
        ("tvips", "TVIPS / ImageName", "grain é"),
        ("tvips", "TVIPS / HighTension", "200"),
        ("tvips", "TVIPS / TemStagePosition", "1, 2, 3, 4, 5"),
        ("tvips_older", "TVIPS / Magnification", "50000"),
        ("sis", "Olympus SIS / CameraName", "Veleta"),
        ("sis", "Olympus SIS / Camera / Name", "Veleta"),
        ("gatan", "Gatan / X / Origin", "2"),
        ("jeol", "JEOL / CM_ACCEL_VOLT", "15.00"),
        ("sightx", "JEOL / ElectronGun / AccelerationVoltage", "200000"),
        ("hitachi", "Hitachi / SemImageFile / AcceleratingVoltage", "15000 Volt"),
    ];
    for (name, field, value) in cases {
        assert_eq!(vendor(name).metadata().get(field), Some(value), "{name}");
    }
}

#[test]
fn the_bar_below_the_picture_is_known_where_the_file_says_so() {
    let bar = |name: &str| vendor(name).info_bar().map(|bar| (bar.rows, bar.source.clone()));
    assert_eq!(bar("fei"), Some((2, "FEI tag 34682, Image.ResolutionY".into())));
    assert_eq!(bar("tescan"), Some((2, "Tescan tag 50431, ImageStripSize".into())));
    assert_eq!(bar("jeol"), Some((2, "JEOL text file, $CM_FULL_SIZE".into())));
    assert_eq!(bar("hitachi"), Some((2, "Hitachi text file, DataSize".into())));
    assert_eq!([bar("zeiss"), bar("fei_resized"), bar("tvips")], [None, None, None]);
}

#[test]
fn sources_that_disagree_are_both_shown() {
    let cases = [
        (
            "fei_both",
            "Warning: FEI tag 34682, Scan.PixelWidth says 2 nm a pixel, FEI tag 34680, Scan.PixelWidth says 5 nm; the first is taken",
        ),
        (
            "fei_resolution",
            "Warning: FEI tag 34682, Scan.PixelWidth says 2 nm a pixel, XResolution (1000000 pixels per cm) says 10 nm; the first is taken",
        ),
        (
            "zeiss_disagrees",
            "Warning: Zeiss tag 34118, fourth number of its head by 1024 columns says 25.6 nm a pixel, Zeiss tag 34118, AP_IMAGE_PIXEL_SIZE says 27 nm; the first is taken",
        ),
        (
            "zeiss_pages",
            "Warning: Zeiss gives pages sizes of their own: 25.6 nm a pixel on the first and 51.2 nm on page 3; the first is taken for all",
        ),
    ];
    for (name, expected) in cases {
        assert_eq!(vendor(name).notes(), [expected], "{name}");
    }
    // Those that agree, and a screen's 96 dots per inch, are not worth a word.
    for name in ["fei", "fei_older", "zeiss", "sis", "gatan", "hitachi"] {
        assert!(vendor(name).notes().is_empty(), "{name}: {:?}", vendor(name).notes());
    }
}

#[test]
fn a_size_that_is_not_this_images_is_left_aside() {
    let resized = vendor("fei_resized");
    assert_eq!(pixel_nm(&resized), None);
    assert!(resized.notes()[0].contains("24 pixels wide, this one has 12"), "{:?}", resized.notes());
    let older = vendor("tvips_older");
    assert_eq!((pixel_nm(&older), older.notes().len()), (None, 1));
}

#[test]
fn steps_of_a_diffraction_pattern_are_no_lengths() {
    let gatan = vendor("gatan_diffraction");
    let x = gatan.calibration().axis('X').unwrap();
    assert_eq!((x.scale, x.unit.as_str(), pixel_nm(&gatan)), (0.01, "1/nm", None));
    // 10 µm of the detector by 0.8 m and 2.508 pm.
    let sightx = vendor("sightx_diffraction");
    let x = sightx.calibration().axis('X').unwrap();
    assert!((x.scale - 1e-5 / (0.8 * 2.5079e-3)).abs() < 1e-6, "{x:?}");
    assert_eq!((x.unit.as_str(), pixel_nm(&sightx)), ("1/nm", None));
    // The origin, 2 pixels of 0.25 nm, is where the position is zero.
    assert_eq!(vendor("gatan").calibration().axis('X').unwrap().offset, -0.5);
}

#[test]
fn a_palette_of_greys_is_no_palette() {
    assert!(vendor("zeiss").notes().is_empty());
    assert_eq!(
        vendor("zeiss_colours").notes(),
        ["The values are indices into a palette, which is not applied"]
    );
}

#[test]
fn smaller_copies_are_not_the_image() {
    let all = open(&fixture("vendor_previews.tif")).unwrap();
    let sizes: Vec<_> = all.iter().map(|m| (m.height(), m.width(), m.frames())).collect();
    assert_eq!(sizes, [(8, 12, 1), (2, 3, 1)]);
    assert_eq!(all[0].metadata().get("TIFF / SubIFD 1 / Size"), Some("6 × 4"));
    assert_eq!(all[1].notes(), ["The file calls this a smaller copy of another of its images"]);
}

#[test]
fn real_files_have_the_sizes_that_their_makers_wrote() {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/sem");
    if !data.exists() {
        println!("skipped: no ../shared/data/sem");
        return;
    }
    let read = |name: &str| open(&data.join(name)).unwrap().remove(0);
    let fei = read("fei_helios_g4_pfib.tif");
    assert_eq!(pixel_nm(&fei), Some((385.417, 385.417)));
    assert_eq!(fei.metadata().get("FEI / Detectors / Name"), Some("ETD"));
    assert_eq!((fei.info_bar(), fei.notes().len()), (None, 0));
    let zeiss = read("zeiss_nanoporous_gold.tif");
    assert_eq!(pixel_nm(&zeiss), Some((0.542_968_8, 0.542_968_8)));
    assert_eq!(zeiss.metadata().get("Zeiss / AP_ACTUALKV"), Some("EHT = 20.00 kV"));
    assert!(zeiss.notes().is_empty(), "{:?}", zeiss.notes());
}

#[test]
fn no_flipped_byte_of_a_makers_words_brings_the_reader_down() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("case.tif");
    for name in ["fei_both", "zeiss", "tescan", "tvips", "sis", "gatan", "sightx", "previews"] {
        let sound = std::fs::read(fixture(&format!("vendor_{name}.tif"))).unwrap();
        for at in (0..sound.len()).step_by(11) {
            let mut flipped = sound.clone();
            flipped[at] ^= 0xff;
            std::fs::write(&path, &flipped).unwrap();
            // Either way is right, as long as it ends in an answer.
            let _ = open(&path);
        }
    }
}
