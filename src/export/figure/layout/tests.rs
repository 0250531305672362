//! How panels stand on their page.
use super::super::panel::{FigureLook, Ground};
use super::*;
use crate::imaging::{Colormap, Contrast, Display, PixelSize};
use ndarray::Array2;

/// A figure of grey ramps of 40 × 20 px on a source of as many.
fn figure(panels: usize, look: FigureLook) -> Figure {
    let values = Array2::from_shape_fn((20, 40), |(y, x)| (x + y) as f32);
    let contrast = Contrast { low: 0.0, high: 58.0 };
    let panel = |index: usize| {
        let title = format!("panel {index}");
        Panel::map(title, values.view(), contrast, Colormap::Grey, Place::SOURCE)
    };
    Figure {
        panels: (0..panels).map(panel).collect(),
        look,
        source: [40, 20],
        pixel: Some(PixelSize { x_nm: 10.0, y_nm: 10.0, source: String::new() }),
        crop: None,
        cursor: None,
    }
}

fn pictures(page: &Page) -> Vec<(Area, [f64; 4])> {
    let picture = |item: &Item| match item {
        Item::Picture { area, view, .. } => Some((*area, *view)),
        _ => None,
    };
    page.items.iter().filter_map(picture).collect()
}

fn texts(page: &Page) -> Vec<&str> {
    fn text(item: &Item) -> Option<&str> {
        match item {
            Item::Words(words) => Some(words.text.as_str()),
            _ => None,
        }
    }
    page.items.iter().filter_map(text).collect()
}

#[test]
fn panels_stand_in_columns_of_the_same_width() {
    let look =
        FigureLook { columns: 2, width_mm: 103.0, gap_mm: 3.0, letters: true, ..FigureLook::default() };
    let page = page(&figure(3, look));
    let places: Vec<Area> = pictures(&page).into_iter().map(|(area, _)| area).collect();
    // Two columns of 50 mm; pictures twice as wide as high.
    assert_eq!(
        places.iter().map(|area| (area.left, area.width, area.height)).collect::<Vec<_>>(),
        [(0.0, 50.0, 25.0), (53.0, 50.0, 25.0), (0.0, 50.0, 25.0)]
    );
    assert_eq!(places[0].top, places[1].top);
    assert!(places[2].top > places[0].bottom() + 3.0);
    assert!(page.height > places[2].bottom() && page.width == 103.0);
    let said = texts(&page);
    for text in ["a", "b", "c", "panel 0", "panel 2", "0", "58", "29"] {
        assert!(said.contains(&text), "{text}: {said:?}");
    }
    assert_eq!(said.iter().filter(|text| text.ends_with(" nm")).count(), 1, "one scale bar: {said:?}");
}

#[test]
fn fewer_panels_than_columns_fill_the_width() {
    let page = page(&figure(1, FigureLook { width_mm: 80.0, titles: false, ..FigureLook::default() }));
    assert_eq!(pictures(&page)[0].0, Area::new(0.0, 0.0, 80.0, 40.0));
}

#[test]
fn scale_bars_stand_where_they_are_wanted_and_only_on_calibrated_images() {
    let bars = |scale_bars, pixel: bool| {
        let mut figure = figure(3, FigureLook { scale_bars, ..FigureLook::default() });
        figure.pixel = figure.pixel.filter(|_| pixel);
        texts(&page(&figure)).iter().filter(|text| text.ends_with(" nm")).count()
    };
    assert_eq!(
        [ScaleBars::First, ScaleBars::All, ScaleBars::None].map(|wanted| bars(wanted, true)),
        [1, 3, 0]
    );
    assert_eq!(bars(ScaleBars::All, false), 0);
}

#[test]
fn a_crop_shows_the_same_part_of_maps_of_any_scale() {
    let mut figure = figure(1, FigureLook::default());
    // A map of half the resolution that begins 4 px in, as where borders were lost.
    let values = Array2::<f32>::zeros((6, 16));
    let contrast = Contrast { low: 0.0, high: 1.0 };
    let place = Place { origin: [4.0, 4.0], scale: [2.0, 2.0] };
    figure.panels.push(Panel::map("half", values.view(), contrast, Colormap::Grey, place));
    figure.crop = Some([10, 4, 20, 10]);
    let page = page(&figure);
    let [(whole, whole_view), (half, half_view)] = pictures(&page)[..] else { panic!("two pictures") };
    assert_eq!((whole.width, whole.height), (half.width, half.height));
    // Cut to the pixels that are seen: the view begins at their corner.
    assert_eq!(whole_view, [0.0, 0.0, 20.0, 10.0]);
    // Source 10 to 30 across are 3 to 13 of the map, 4 to 14 down are 0 to 5.
    assert_eq!(half_view, [0.0, 0.0, 10.0, 5.0]);
}

#[test]
fn features_stand_in_a_grid_and_a_legend_wraps() {
    let mut figure = figure(1, FigureLook { width_mm: 60.0, ground: Ground::Black, ..FigureLook::default() });
    let tile = figure.panels[0].tiles[0].clone();
    figure.panels[0].tiles = (0..5).map(|index| Tile { label: index.to_string(), ..tile.clone() }).collect();
    figure.panels[0].bar = None;
    let names = ["matrix", "precipitate", "grain boundary", "a void with a long name", "pore"];
    figure.panels[0].legend =
        names.map(|name| ClassInfo { name: name.to_owned(), colour: [200, 0, 0] }).to_vec();
    let page = page(&figure);
    let places: Vec<Area> = pictures(&page).into_iter().map(|(area, _)| area).collect();
    assert_eq!(places.len(), 5);
    // Three columns: the fourth begins the second row.
    assert!(places[3].left == 0.0 && places[3].top > places[0].bottom());
    assert!((places[2].right() - 60.0).abs() < 1e-9);
    let said = texts(&page);
    assert!(names.iter().all(|name| said.contains(name)), "{said:?}");
    let of = |name: &str| {
        page.items.iter().find_map(|item| match item {
            Item::Words(words) if words.text == name => Some((words.at, words.colour)),
            _ => None,
        })
    };
    assert!(of("pore").unwrap().0[1] > of("matrix").unwrap().0[1], "a second line");
    assert_eq!(of("pore").unwrap().1, [255; 3], "white on black");
}

#[test]
fn numbers_and_letters_are_short() {
    assert_eq!(
        [0.0, 1.0, -0.1234, 123_456.0, 0.000_012, 99.96, 1234.5].map(short),
        ["0", "1", "−0.123", "1.2e5", "1.2e−5", "100", "1234"]
    );
    assert_eq!([0, 25, 26, 27, 52].map(letter), ["a", "z", "aa", "ab", "ba"]);
}

#[test]
fn a_tile_has_a_bar_of_its_own_and_a_bar_its_unit() {
    let mut figure = figure(1, FigureLook { width_mm: 80.0, ..FigureLook::default() });
    let display = Display::new(Contrast { low: -2.0, high: 2.0 }, Colormap::Signed);
    let bar = Some(Bar::of(&display, "logits"));
    let tile = Tile { bar: bar.clone(), ..figure.panels[0].tiles[0].clone() };
    figure.panels[0].tiles = vec![tile; 3];
    figure.panels[0].bar = None;
    let page = page(&figure);
    let places: Vec<Area> = pictures(&page).into_iter().map(|(area, _)| area).collect();
    let bars: Vec<Area> = page
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Bar { area, .. } => Some(*area),
            _ => None,
        })
        .collect();
    assert_eq!(bars.len(), 3);
    for (bar, picture) in bars.iter().zip(&places) {
        assert!(bar.left == picture.left && bar.top > picture.bottom() && bar.width == picture.width);
    }
    // Two columns: the third stands below the first one's bar and its words.
    assert!(places[2].top > bars[0].bottom() + 2.0 * figure.look.font_pt * POINT);
    let said = texts(&page);
    assert_eq!(said.iter().filter(|text| **text == "logits").count(), 3, "{said:?}");
    assert!(said.contains(&"−2") && said.contains(&"0") && said.contains(&"2"));
    // The colours of a signed bar go from blue over white to red.
    let Some(Bar { colours, .. }) = bar else { panic!("a bar") };
    assert_eq!(colours[32], [255; 3]);
    assert!(colours[0][2] > colours[0][0] && colours[64][0] > colours[64][2]);
}

#[test]
fn long_titles_take_several_lines_and_all_pictures_of_a_row_begin_below() {
    let look = FigureLook { columns: 2, width_mm: 60.0, letters: true, ..FigureLook::default() };
    let mut figure = figure(2, look);
    let one_line = pictures(&page(&figure))[0].0.top;
    figure.panels[1].title = "Where the answer changes when the image is shifted by one pixel".to_owned();
    let page = page(&figure);
    let places = pictures(&page);
    assert_eq!(places[0].0.top, places[1].0.top);
    assert!(places[0].0.top > one_line + 2.0);
    let said = texts(&page).join(" ");
    assert!(said.contains("shifted by one pixel") || said.contains("by one pixel"), "{said}");
}
