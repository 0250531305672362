//! Figures of a tiny network, against the numbers that they show.
use super::super::panel::FigureLook;
use super::super::{Known, figure_command_line, figure_picture, figure_size, write_figure};
use super::*;
use crate::analysis::{RunSettings, features_of};
use crate::imaging::{Calibration, Micrograph, PixelSize};
use crate::inspect::{Features, Recorder, Wanted};
use crate::network::architectures::{UnetSpec, unet};
use crate::network::{Model, ModelCard, Normalisation, Task, Weights};
use candle_core::Device;
use ndarray::Array4;

fn micrograph() -> Micrograph {
    let values = Array4::from_shape_fn((1, 1, 24, 32), |(_, _, y, x)| ((y * 7 + x * 5) % 23) as f32);
    let pixel = PixelSize { x_nm: 2.0, y_nm: 2.0, source: "test".into() };
    Micrograph::from_array("waves", values, vec!["grey".to_owned()], Calibration::of_pixel(&pixel))
}

/// Random weights.
fn model() -> Model {
    let spec = UnetSpec { in_channels: 1, classes: 2, base: 4, depth: 1, batch_norm: true, upsample: None };
    let graph = unet(spec).unwrap();
    let weights = Weights::initialised(&graph, 3, &Device::Cpu).unwrap();
    let class = |name: &str, colour| ClassInfo { name: name.to_owned(), colour };
    let card = ModelCard {
        name: "Tiny".to_owned(),
        description: String::new(),
        task: Task::Segment,
        classes: vec![class("matrix", [0, 0, 0]), class("particle", [255, 128, 0])],
        units: None,
        channels: vec!["grey".to_owned()],
        pixel_size_nm: None,
        normalisation: Normalisation::ZScore,
        input_size: None,
        training_data: Vec::new(),
        licence: "MIT".to_owned(),
        metrics: BTreeMap::new(),
        metrics_on: String::new(),
        recipe: String::new(),
        trained_by: String::new(),
    };
    Model::new(graph, weights, card).unwrap()
}

fn spec(panels: &[&str]) -> FigureSpec {
    let look = FigureLook { width_mm: 90.0, columns: 3, dpi: 100.0, letters: true, ..FigureLook::default() };
    let panels = panels.iter().map(|panel| panel.parse().unwrap()).collect();
    FigureSpec { panels, look, ..FigureSpec::default() }
}

fn made(spec: &FigureSpec, known: Known<'_>) -> Result<Figure, ExportError> {
    let (micrograph, settings, model) = (micrograph(), RunSettings::default(), model());
    let input = FigureInput {
        micrograph: &micrograph,
        settings: &settings,
        model: Some(&model),
        device: &Device::Cpu,
        known,
    };
    figure(spec, &input, &Monitor::silent())
}

const EVERYTHING: [&str; 9] = [
    "source",
    "prediction",
    "classes",
    "probability:particle",
    "feature:enc1.conv1:2",
    "features:enc1.conv2:3",
    "features:mid.conv1:1,0",
    "effective:mid.conv1:1",
    "effective:mid.conv1:all:3,4",
];

#[test]
fn every_panel_is_drawn_from_the_numbers_it_names() {
    let figure = made(&spec(&EVERYTHING), Known::default()).unwrap();
    assert_eq!(figure.panels.len(), 9);
    let (micrograph, model) = (micrograph(), model());
    let maps = features_of(
        "enc1.conv1",
        &model,
        &micrograph,
        &RunSettings::default(),
        &Device::Cpu,
        &Monitor::silent(),
    )
    .unwrap();
    let feature = &figure.panels[4];
    let window = feature_window(&statistics(&maps), Some(2), Colormap::Viridis, false);
    let display = Display::new(window, Colormap::Viridis);
    assert_eq!(feature.bar, Some(Bar::of(&display, "")));
    assert_eq!(feature.tiles[0].picture.rgb, display.render(maps.maps.index_axis(Axis(0), 2)));
    assert_eq!(feature.title, "enc1.conv1 · 2");
    assert_eq!(figure.panels[3].title, "P(particle)");
    let bar = figure.panels[3].bar.as_ref().unwrap();
    assert_eq!((bar.low, bar.high, bar.words.as_str()), (0.0, 1.0, "probability"));
    assert_eq!(figure.panels[5].tiles.len(), 3);
    let labels: Vec<&str> = figure.panels[6].tiles.iter().map(|tile| tile.label.as_str()).collect();
    assert_eq!(labels, ["1", "0"]);
    // mid.conv1 lies at half the resolution.
    assert_eq!(figure.panels[6].tiles[0].place.unwrap().scale, [2.0, 2.0]);
    assert!(figure.panels[7].marks[0].label.starts_with("can see "), "{:?}", figure.panels[7].marks);
    assert!(figure.panels[8].title.contains("all features"));
    let names: Vec<&str> = figure.panels[1].legend.iter().map(|class| class.name.as_str()).collect();
    assert_eq!(names, ["particle"], "the background is not painted");
}

#[test]
fn what_is_known_is_not_computed_again_and_draws_the_same() {
    let (micrograph, settings, model) = (micrograph(), RunSettings::default(), model());
    let mut recorder = Recorder::new(Wanted::All { first: None }, 1 << 30);
    let (device, monitor) = (Device::Cpu, Monitor::silent());
    let prediction =
        crate::analysis::run(&model, &micrograph, &settings, &device, &mut recorder, &monitor).unwrap();
    let features: Features = recorder.finish();
    let known = Known { prediction: Some(&prediction), features: Some(&features), measured: &[] };
    let spec = spec(&EVERYTHING);
    assert_eq!(made(&spec, known).unwrap(), made(&spec, Known::default()).unwrap());
}

#[test]
fn a_cursor_stands_everywhere_and_the_source_says_what_a_node_sees_there() {
    let mut wanted = spec(&["source", "feature:mid.conv1:0"]);
    wanted.cursor = Some([9, 16]);
    wanted.field = Some("enc1.conv2".to_owned());
    let figure = made(&wanted, Known::default()).unwrap();
    assert_eq!(figure.cursor, Some([9.5, 16.5]));
    // Two 3 × 3 convolutions see 5 × 5 px about the place.
    let mark = &figure.panels[0].marks[0];
    assert_eq!((mark.area, mark.label.as_str()), ([14.0, 7.0, 5.0, 5.0], "enc1.conv2 sees 5 × 5 px, 10 nm"));
}

#[test]
fn files_are_png_with_their_resolution_and_svg_in_mm() {
    let dir = tempfile::tempdir().unwrap();
    let figure = made(&spec(&["source", "prediction", "feature:enc1.conv1:0"]), Known::default()).unwrap();
    let [width, height] = figure_size(&figure);
    assert_eq!(width, 90.0);
    let [png, svg] = ["a.png", "a.SVG"].map(|name| dir.path().join(name));
    write_figure(&figure, &png).unwrap();
    let reader =
        png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&png).unwrap())).read_info().unwrap();
    let info = reader.info();
    // 90 mm at 100 dpi; 100 dpi are 3937 pixels a metre.
    assert_eq!((info.width, info.height), (354, (height / 25.4 * 100.0).round() as u32));
    assert_eq!(info.pixel_dims.map(|dims| (dims.xppu, dims.yppu)), Some((3937, 3937)));
    write_figure(&figure, &svg).unwrap();
    let text = std::fs::read_to_string(&svg).unwrap();
    assert!(text.contains("width=\"90mm\"") && text.contains(">Prediction</text>"), "{text}");
    assert_eq!(text.matches("<image ").count(), 3);
    let before = std::fs::read(&png).unwrap();
    write_figure(&figure, &png).unwrap();
    assert_eq!(std::fs::read(&png).unwrap(), before, "the same bytes each time");
    let error = write_figure(&figure, &dir.path().join("a.pdf")).unwrap_err().to_string();
    assert!(error.starts_with("A figure is written as .png or .svg: "), "{error}");
    let mut huge = figure;
    huge.look.width_mm = 1e7;
    assert!(figure_picture(&huge, 300.0).unwrap_err().to_string().contains("too large"));
}

#[test]
fn what_cannot_be_drawn_is_refused_in_words() {
    let refused = |panels: &[&str], says: &str| {
        let error = made(&spec(panels), Known::default()).unwrap_err().to_string();
        assert!(error.contains(says), "{panels:?}: {error}");
    };
    refused(&[], "at least one panel");
    refused(&["probability:nickel"], "There is no class nickel, only matrix, particle");
    refused(&["output:0"], "Tiny is no regressor");
    refused(&["feature:enc1.conv1:4"], "has no feature 4, only 0 to 3");
    refused(&["features:enc1.conv1:0,9"], "has no feature 9");
    refused(&["feature:nowhere:0"], "nowhere");
    refused(&["effective:nowhere:0"], "has no node nowhere");
    refused(&["pinned:enc1.conv1:0,enc1.conv1:9"], "has no feature 9");
    refused(&["pinned:nowhere:0"], "nowhere");
    refused(&["why:gradient:nickel"], "Tiny has no class nickel; it has matrix, particle");
    refused(&["why:gradient:particle,pixel=99,0"], "has no pixel 99,0");
    refused(&["equivariance:shift=40,0"], "leaves nothing");
    refused(&["difference:b-frame=3"], "There is no frame 3, only 0 to 0");
    refused(
        &["difference:b-node=enc1.conv1,b-feature=0"],
        "An answer and a feature map are different things",
    );
    refused(&["difference:b-model=/no/such.safetensors"], "no/such.safetensors");
    let changed = |change: fn(&mut FigureSpec), says: &str| {
        let mut spec = spec(&["source"]);
        change(&mut spec);
        let error = made(&spec, Known::default()).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    changed(|spec| spec.crop = Some([0, 0, 33, 4]), "The part 0,0,33,4 is not within waves of 32 × 24 px");
    changed(|spec| spec.crop = Some([0, 0, 0, 4]), "is not within");
    changed(|spec| spec.crop = Some([usize::MAX, 0, 2, 4]), "is not within");
    changed(|spec| spec.cursor = Some([24, 0]), "The place 24,0 (y,x) is not within");
    changed(|spec| spec.channel = Some(3), "has no channel 3");
    changed(|spec| spec.field = Some("enc1.conv1".into()), "it needs a cursor");
    changed(|spec| spec.look.width_mm = 0.0, "The figure's width goes from 10 to 2000 mm, not 0");
    changed(|spec| spec.look.dpi = f64::NAN, "resolution");
    changed(|spec| spec.look.columns = 0, "1 to 20 columns");
}

#[test]
fn the_command_says_all_that_was_set() {
    let mut wanted = spec(&["source", "feature:enc1.conv1:2"]);
    wanted.crop = Some([1, 2, 10, 8]);
    wanted.cursor = Some([3, 4]);
    let line = figure_command_line(
        &wanted,
        (&micrograph(), &RunSettings::default()),
        Some(&model()),
        std::path::Path::new("/out/a.svg"),
    );
    let expected = "polepiece figure waves --model Tiny --panel source --panel feature:enc1.conv1:2 --columns 3 \
                    --width-mm 90 --dpi 100 --letters --crop 1,2,10,8 --cursor 3,4 --opacity 0.5 --series 0 --frame 0 \
                    --out /out/a.svg";
    assert_eq!(line, expected);
}

/// Red, green and blue of a panel's first picture at a pixel.
fn pixel(panel: &Panel, [y, x]: [usize; 2]) -> [u8; 3] {
    let picture = &panel.tiles[0].picture;
    let at = (y * picture.width + x) * 3;
    [0, 1, 2].map(|part| picture.rgb[at + part])
}

#[test]
fn a_classical_mask_needs_no_model_and_lies_over_the_micrograph() {
    let (micrograph, settings) = (micrograph(), RunSettings::default());
    let input = FigureInput {
        micrograph: &micrograph,
        settings: &settings,
        model: None,
        device: &Device::Cpu,
        known: Known::default(),
    };
    let figure = figure(&spec(&["source", "baseline:otsu:bright"]), &input, &Monitor::silent()).unwrap();
    let [source, mask] = &figure.panels[..] else { panic!("two panels") };
    assert_eq!((mask.title.as_str(), mask.legend[0].name.as_str()), ("Otsu, bright", "bright side"));
    // skimage.filters.threshold_otsu of (7 y + 5 x) % 23 gives 10.01, and 400 px are brighter.
    let mut bright = 0;
    for y in 0..24 {
        for x in 0..32 {
            let (below, over) = (pixel(source, [y, x]), pixel(mask, [y, x]));
            if (y * 7 + x * 5) % 23 > 10 {
                bright += 1;
                let half =
                    |part: usize| f32::midpoint(f32::from(below[part]), f32::from([255_u8, 170, 50][part]));
                assert_eq!(over, [0, 1, 2].map(|part| half(part).round() as u8));
            } else {
                assert_eq!(over, below, "at {y}, {x}");
            }
        }
    }
    assert_eq!(bright, 400);
}

#[test]
fn what_is_measured_is_drawn_with_a_bar_that_says_what_it_is() {
    let panels = [
        "difference:a-node=enc1.conv1,a-feature=2,b-node=enc1.conv1,b-feature=0",
        "difference:b-baseline=otsu:bright",
        "why:gradient-input:particle,pixel=9,16",
        "equivariance:shift=1,0",
        "equivariance:shift=0,2,node=mid.conv1",
        "pinned:mid.conv1:1,enc1.conv1:2",
        "effective:mid.conv1:1",
    ];
    let figure = made(&spec(&panels), Known::default()).unwrap();
    let bars: Vec<(f64, f64, &str)> = figure
        .panels
        .iter()
        .filter_map(|panel| panel.bar.as_ref())
        .map(|bar| (bar.low, bar.high, bar.words.as_str()))
        .collect();
    let [difference, masks, why, moved, node, field] = bars[..] else { panic!("{bars:?}") };
    // Signed ones are symmetrical about zero, sizes begin at it.
    assert!(difference.0 == -difference.1 && difference.1 > 0.0 && difference.2 == "A − B");
    assert_eq!((masks.0, masks.1), (-1.0, 1.0));
    assert!(why.0 == -why.1 && why.1 > 0.0 && why.2 == "gradient × input, in logits");
    assert!(moved.0 == 0.0 && moved.1 > 0.0 && moved.2 == "largest change of a probability");
    assert!(node.0 == 0.0 && node.2.starts_with("root mean square"));
    assert!(field.0 == 0.0 && field.1 > 0.0 && field.2.starts_with("size of ∂ value"));
    // The difference of two features, by subtracting them here.
    let (micrograph, model, settings) = (micrograph(), model(), RunSettings::default());
    let maps =
        features_of("enc1.conv1", &model, &micrograph, &settings, &Device::Cpu, &Monitor::silent()).unwrap();
    let apart = &maps.maps.index_axis(Axis(0), 2) - &maps.maps.index_axis(Axis(0), 0);
    let most = apart.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    assert!((f64::from(most) - difference.1).abs() < 1e-9);
    let display = Display::new(Contrast { low: -most, high: most }, Colormap::Signed);
    assert_eq!(figure.panels[0].tiles[0].picture.rgb, display.render(apart.view()));
    // Pins have a bar each, and lie where their nodes do.
    let pins = &figure.panels[5];
    assert_eq!(pins.title, "2 pinned features");
    let named: Vec<&str> = pins.tiles.iter().map(|tile| tile.bar.as_ref().unwrap().words.as_str()).collect();
    assert_eq!(named, ["mid.conv1 · 1", "enc1.conv1 · 2"]);
    assert_eq!(pins.tiles[0].place.unwrap().scale, [2.0, 2.0]);
    // Where the image was shifted by a row there is nothing to compare in one: the page shows through.
    let last = pixel(&figure.panels[3], [23, 5]);
    assert_eq!(last, [255; 3], "{last:?}");
}

#[test]
fn seams_are_drawn_for_an_image_that_can_be_cut() {
    let values = Array4::from_shape_fn((1, 1, 96, 120), |(_, _, y, x)| ((y * 7 + x * 5) % 23) as f32);
    let large = Micrograph::from_array("waves", values, vec!["grey".to_owned()], Calibration::default());
    let (settings, model) = (RunSettings::default(), model());
    let input = FigureInput {
        micrograph: &large,
        settings: &settings,
        model: Some(&model),
        device: &Device::Cpu,
        known: Known::default(),
    };
    let spec = spec(&["seams:tile=48", "seams:tile=48,against=whole"]);
    let figure = figure(&spec, &input, &Monitor::silent()).unwrap();
    assert_eq!(figure.panels[0].title, "Tiles of 48 px against tiles shifted by half");
    assert_eq!(figure.panels[1].title, "Tiles of 48 px against the whole image");
    let picture = &figure.panels[0].tiles[0].picture;
    assert_eq!((picture.width, picture.height), (120, 96));
    assert!(figure.panels.iter().all(|panel| panel.bar.as_ref().unwrap().low == 0.0));
}

#[test]
fn captions_stand_in_place_of_titles() {
    let mut wanted = spec(&["source", "classes", "probability:particle"]);
    wanted.captions = vec!["  A steel ".to_owned(), String::new()];
    let figure = made(&wanted, Known::default()).unwrap();
    let titles: Vec<&str> = figure.panels.iter().map(|panel| panel.title.as_str()).collect();
    assert_eq!(titles, ["A steel", "Classes", "P(particle)"]);
    let line = figure_command_line(
        &wanted,
        (&micrograph(), &RunSettings::default()),
        Some(&model()),
        std::path::Path::new("/out/a.svg"),
    );
    assert!(line.contains("--caption '  A steel ' --caption ''"), "{line}");
    wanted.captions = vec!["x".to_owned(); 4];
    let error = made(&wanted, Known::default()).unwrap_err().to_string();
    assert_eq!(error, "There are 4 captions for 3 panels");
}
