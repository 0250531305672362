//! Banners drawn and real, and pictures that only look as if they had one.
use super::*;
use crate::imaging::{Calibration, InfoBarChoice, Micrograph, open};
use image::ImageEncoder;
use ndarray::Axis;
use std::path::{Path, PathBuf};

/// Noise over a slow wave, as a micrograph has it, of values 40 to 215.
fn micrograph(height: usize, width: usize) -> Array2<f32> {
    let mut state = 7_u32;
    Array2::from_shape_fn((height, width), |(y, x)| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 24) as f32 / 255.0 - 0.5;
        ((x as f32 * 0.05).sin() * 40.0 + (y as f32 * 0.07).cos() * 30.0 + noise * 30.0 + 127.0).round()
    })
}

/// Letters of 5 × 7 dots.
const LETTERS: [[u8; 7]; 8] = [
    [0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11],
    [0x1e, 0x11, 0x1e, 0x11, 0x11, 0x11, 0x1e],
    [0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11],
    [0x1f, 0x10, 0x1e, 0x10, 0x10, 0x10, 0x1f],
    [0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e],
    [0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e],
    [0x1f, 0x01, 0x02, 0x04, 0x08, 0x10, 0x1f],
    [0x11, 0x12, 0x14, 0x18, 0x14, 0x12, 0x11],
];

/// Writes `count` letters of `dot` px a dot.
fn write(picture: &mut Array2<f32>, [top, left]: [usize; 2], count: usize, dot: usize, ink: f32) {
    for place in 0..count {
        for (row, bits) in LETTERS[place % LETTERS.len()].iter().enumerate() {
            for column in (0..5).filter(|column| (bits >> (4 - column)) & 1 == 1) {
                let (y, x) = (top + row * dot, left + (place * 6 + column) * dot);
                picture.slice_mut(s![y..y + dot, x..x + dot]).fill(ink);
            }
        }
    }
}

/// A banner of `rows` rows: two lines of letters and a scale bar.
fn with_banner(mut picture: Array2<f32>, rows: usize, ground: f32, ink: f32) -> Array2<f32> {
    let top = picture.nrows() - rows;
    picture.slice_mut(s![top.., ..]).fill(ground);
    write(&mut picture, [top + 6, 20], 12, 2, ink);
    write(&mut picture, [top + 24, 30], 20, 1, ink);
    let x = picture.ncols() - 120;
    picture.slice_mut(s![top + 12..top + 15, x..x + 100]).fill(ink);
    picture
}

fn rows(picture: &Array2<f32>) -> Option<usize> {
    let found = find_info_bar(picture.view()).map(|bar| bar.rows);
    let values = picture.clone().insert_axis(Axis(0)).insert_axis(Axis(0));
    let micrograph = Micrograph::from_array("picture", values, vec![], Calibration::default());
    let looked_at = micrograph.choosing_info_bar(InfoBarChoice::Auto).info_bar().map(|bar| bar.rows);
    assert_eq!(looked_at, found, "the look at the last rows misses what is there");
    found
}

/// What JPEG makes of a picture of bytes.
fn through_jpeg(picture: &Array2<f32>, quality: u8) -> Array2<f32> {
    let (height, width) = picture.dim();
    let bytes: Vec<u8> = picture.iter().map(|&value| value as u8).collect();
    let mut file = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, quality)
        .write_image(&bytes, width as u32, height as u32, image::ExtendedColorType::L8)
        .unwrap();
    let read = image::load_from_memory(&file).unwrap().to_luma8();
    Array2::from_shape_fn((height, width), |(y, x)| f32::from(read.get_pixel(x as u32, y as u32).0[0]))
}

#[test]
fn banners_are_found_to_the_row() {
    for (ground, ink) in [(255.0, 0.0), (0.0, 255.0), (0.0, 200.0), (90.0, 255.0)] {
        for height in [40, 51, 64] {
            let picture = with_banner(micrograph(480, 640), height, ground, ink);
            assert_eq!(rows(&picture), Some(height), "{height} rows, {ink} on {ground}");
        }
    }
}

#[test]
fn a_line_around_the_banner_belongs_to_it() {
    let mut picture = with_banner(micrograph(480, 640), 50, 255.0, 0.0);
    picture.row_mut(430).fill(0.0);
    picture.row_mut(479).fill(0.0);
    for x in [0, 200, 401, 639] {
        picture.slice_mut(s![430.., x]).fill(0.0);
    }
    assert_eq!(rows(&picture), Some(50));
    // A white line over a black banner.
    let mut picture = with_banner(micrograph(480, 640), 50, 0.0, 255.0);
    picture.slice_mut(s![430..432, ..]).fill(255.0);
    assert_eq!(rows(&picture), Some(50));
}

#[test]
fn a_row_of_the_picture_below_the_banner_is_cut_with_it() {
    let mut picture = with_banner(micrograph(480, 640), 50, 255.0, 0.0);
    let row = picture.row(3).to_owned();
    picture.row_mut(479).assign(&row);
    assert_eq!(rows(&picture), Some(50));
}

#[test]
fn a_banner_beside_values_of_sixteen_bits_is_found() {
    let dark = micrograph(480, 640).mapv(|value| value * 8.0);
    assert_eq!(rows(&with_banner(dark.clone(), 48, 0.0, 65535.0)), Some(48));
    assert_eq!(rows(&with_banner(dark.mapv(|v| v * 30.0), 48, 0.0, 255.0)), Some(48));
}

#[test]
fn a_banner_that_went_through_jpeg_is_found() {
    for (ground, ink) in [(255.0, 0.0), (0.0, 255.0)] {
        for quality in [95, 85, 75] {
            let picture = through_jpeg(&with_banner(micrograph(480, 640), 48, ground, ink), quality);
            assert_eq!(rows(&picture), Some(48), "{ink} on {ground}, quality {quality}");
        }
    }
}

#[test]
fn bars_elsewhere_are_left_alone() {
    // On top, beside, a box in the corner, and one of a third of the height.
    let mut on_top = micrograph(480, 640);
    on_top.slice_mut(s![..40, ..]).fill(0.0);
    write(&mut on_top, [8, 20], 12, 2, 255.0);
    assert_eq!(rows(&on_top), None);
    let mut corner = micrograph(480, 640);
    corner.slice_mut(s![430.., 400..]).fill(0.0);
    write(&mut corner, [440, 420], 12, 2, 255.0);
    assert_eq!(rows(&corner), None);
    assert_eq!(rows(&with_banner(micrograph(480, 640), 160, 0.0, 255.0)), None);
}

#[test]
fn pictures_without_a_bar_are_not_cut() {
    let lower = |fill: &dyn Fn(usize, usize) -> f32| {
        let mut picture = micrograph(480, 640);
        picture.slice_mut(s![420.., ..]).indexed_iter_mut().for_each(|((y, x), value)| *value = fill(y, x));
        picture
    };
    let noise = micrograph(60, 640);
    let disc = |y: usize, x: usize| ((y as f32 - 30.0).powi(2) + ((x % 64) as f32 - 32.0).powi(2)).sqrt();
    let cases = [
        ("plain", micrograph(480, 640)),
        ("black vacuum", lower(&|_, _| 0.0)),
        ("saturated", lower(&|_, _| 255.0)),
        ("another phase", lower(&|y, x| noise[[y, x]] * 0.2)),
        (
            "sparse counts",
            lower(&|y, x| if (noise[[y, x]] as usize).is_multiple_of(23) { 255.0 } else { 0.0 }),
        ),
        ("soft particles in vacuum", lower(&|y, x| (255.0 - 12.0 * disc(y, x)).clamp(0.0, 255.0).round())),
        ("noisy discs in vacuum", lower(&|y, x| if disc(y, x) < 15.0 { noise[[y, x]] } else { 0.0 })),
        ("saturated discs in vacuum", lower(&|y, x| if disc(y, x) < 15.0 { 255.0 } else { 0.0 })),
        ("upright lines", lower(&|_, x| if x / 8 % 2 == 0 { 0.0 } else { 255.0 })),
        ("steps", Array2::from_shape_fn((480, 640), |(y, _)| (y / 60) as f32)),
        ("nothing", Array2::zeros((480, 640))),
        ("not a number", Array2::from_elem((480, 640), f32::NAN)),
        ("tiny", with_banner(micrograph(480, 640), 40, 0.0, 255.0).slice_move(s![420.., ..])),
        ("empty", Array2::zeros((0, 0))),
    ];
    for (what, picture) in cases {
        assert_eq!(rows(&picture), None, "{what}");
    }
}

#[test]
fn a_mask_with_letters_below_it_is_no_micrograph() {
    let mask = micrograph(480, 640).mapv(|value| if value > 150.0 { 1.0 } else { 0.0 });
    let smooth = Array2::from_shape_fn((480, 640), |(y, x)| mask[[y / 40 * 40, x / 40 * 40]]);
    assert_eq!(rows(&with_banner(smooth, 50, 0.0, 1.0)), None);
}

fn pictures_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            pictures_in(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn bar_of(path: &Path) -> Vec<(Micrograph, usize)> {
    let series = open(path).unwrap_or_default();
    let rows = |m: &Micrograph| {
        let choice = m.with_info_bar(None).choosing_info_bar(InfoBarChoice::Auto);
        choice.info_bar().map_or(0, |bar| bar.rows)
    };
    series.into_iter().map(|m| (m.clone(), rows(&m))).collect()
}

/// Rows seen by eye in the pictures themselves: the line on top of the white banner is row 691 of 768.
#[test]
fn real_bars_are_found_and_nothing_else_is_cut() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    pictures_in(&root.join("sample_data"), &mut files);
    pictures_in(&root.join("../shared/data"), &mut files);
    let (mut bars, mut looked_at) = (Vec::new(), 0);
    for path in &files {
        for (micrograph, rows) in bar_of(path) {
            looked_at += 1;
            if rows > 0 {
                bars.push((micrograph.name().to_owned(), rows));
            }
        }
    }
    println!("{looked_at} series looked at, {} bars", bars.len());
    let zeiss = ("zeiss_nanoporous_gold.tif".to_owned(), 77);
    let expected = if root.join("../shared/data/sem").exists() { vec![zeiss] } else { vec![] };
    assert_eq!(bars, expected);
}
