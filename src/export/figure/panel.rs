//! A figure as plain data: what its panels show, and how it is laid out.

use super::page::Picture;
use crate::imaging::{Colormap, Contrast, Display, PixelSize};
use crate::network::ClassInfo;
use ndarray::ArrayView2;
use std::sync::Arc;

/// Where a picture lies on the source: its first pixel begins at `origin`, and each spans `scale` source pixels; both
/// `[y, x]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    pub origin: [f64; 2],
    pub scale: [f64; 2],
}

impl Place {
    /// Of pictures with the source's own pixels.
    pub const SOURCE: Self = Self { origin: [0.0; 2], scale: [1.0; 2] };
}

/// One picture of a panel; most panels have one, those of several features many.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    pub picture: Arc<Picture>,
    /// `None`: it stands for itself, is never cropped and has no scale bar.
    pub place: Option<Place>,
    /// Written into its corner, where there is room.
    pub label: String,
    /// Explained by a colour bar of its own, below it.
    pub bar: Option<Bar>,
}

/// What colours mean: evenly from one value to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// From `low` to `high`, at equal steps.
    pub colours: Vec<[u8; 3]>,
    pub low: f64,
    pub high: f64,
    /// What is shown and in which unit, below the numbers; may be empty.
    pub words: String,
}

/// Parts in which the colours of a bar go evenly.
const STEPS: u8 = 64;

impl Bar {
    /// Of values from `low` to `high`, in colours from 0 to 255.
    pub(super) fn between(low: f64, high: f64, words: &str, colour: impl Fn(f64) -> [f32; 3]) -> Self {
        let at = |step: u8| low + (high - low) * f64::from(step) / f64::from(STEPS);
        let colours = (0..=STEPS).map(|step| colour(at(step)).map(|part| part.round() as u8)).collect();
        Self { colours, low, high, words: words.to_owned() }
    }

    /// Of values as they are displayed.
    #[must_use]
    pub fn of(display: &Display, words: &str) -> Self {
        let Contrast { low, high } = display.contrast;
        Self::between(f64::from(low), f64::from(high), words, |value| display.colour(value as f32))
    }
}

/// A box on the source: left, top, width and height in source pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub area: [f64; 4],
    pub colour: [u8; 3],
    pub label: String,
    /// Whether the label stands above the box, or below.
    pub above: bool,
}

/// A picture, or a grid of them, with what explains it.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    pub title: String,
    pub tiles: Vec<Tile>,
    /// Explained by a colour bar.
    pub bar: Option<Bar>,
    /// Explained by their colours.
    pub legend: Vec<ClassInfo>,
    pub marks: Vec<Mark>,
}

impl Panel {
    /// A picture that lies on the source.
    #[must_use]
    pub fn picture(title: impl Into<String>, picture: Picture, place: Place) -> Self {
        let (picture, label) = (Arc::new(picture), String::new());
        let tile = Tile { picture, place: Some(place), label, bar: None };
        Self { title: title.into(), tiles: vec![tile], bar: None, legend: Vec::new(), marks: Vec::new() }
    }

    /// Values `[y, x]` in the colours of a window, with a colour bar: a probability, a feature, a difference.
    #[must_use]
    pub fn map(
        title: impl Into<String>,
        values: ArrayView2<'_, f32>,
        contrast: Contrast,
        colormap: Colormap,
        place: Place,
    ) -> Self {
        let display = Display::new(contrast, colormap);
        let bar = Some(Bar::of(&display, ""));
        Self { bar, ..Self::picture(title, rendered(values, &display), place) }
    }
}

/// Values in their colours.
pub(super) fn rendered(values: ArrayView2<'_, f32>, display: &Display) -> Picture {
    Picture { rgb: display.render(values), width: values.ncols(), height: values.nrows() }
}

impl Panel {
    /// The same with words under its colour bar.
    pub(super) fn in_units(mut self, words: &str) -> Self {
        if let Some(bar) = &mut self.bar {
            words.clone_into(&mut bar.words);
        }
        self
    }
}

/// On which panels a scale bar stands; all show the same part of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum ScaleBars {
    #[default]
    First,
    All,
    None,
}

/// What is behind the panels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Ground {
    #[default]
    White,
    Black,
}

impl Ground {
    pub(super) fn colour(self) -> [u8; 3] {
        match self {
            Self::White => [255; 3],
            Self::Black => [0; 3],
        }
    }

    pub(super) fn ink(self) -> [u8; 3] {
        self.colour().map(|part| 255 - part)
    }
}

/// How the panels stand on the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FigureLook {
    pub columns: usize,
    /// Of the whole figure; its height follows.
    pub width_mm: f64,
    /// Pixels an inch of a PNG.
    pub dpi: f64,
    pub font_pt: f64,
    /// Between panels.
    pub gap_mm: f64,
    /// Whether panels are lettered a, b, c…
    pub letters: bool,
    pub titles: bool,
    pub scale_bars: ScaleBars,
    pub ground: Ground,
}

impl Default for FigureLook {
    fn default() -> Self {
        Self {
            columns: 3,
            width_mm: 180.0,
            dpi: 300.0,
            font_pt: 7.0,
            gap_mm: 3.0,
            letters: false,
            titles: true,
            scale_bars: ScaleBars::First,
            ground: Ground::White,
        }
    }
}

impl FigureLook {
    /// Most columns.
    pub const MOST_COLUMNS: usize = 20;

    /// What is wrong with it, in words for a person.
    pub(super) fn complaint(&self) -> Option<String> {
        let ranges = [
            ("width", self.width_mm, 10.0, 2000.0, "mm"),
            ("resolution", self.dpi, 20.0, 2400.0, "dpi"),
            ("type", self.font_pt, 2.0, 72.0, "pt"),
            ("gap", self.gap_mm, 0.0, 50.0, "mm"),
        ];
        let wrong = ranges.into_iter().find(|(_, value, least, most, _)| !(*least..=*most).contains(value));
        if let Some((what, value, least, most, unit)) = wrong {
            return Some(format!("The figure's {what} goes from {least} to {most} {unit}, not {value}"));
        }
        let most = Self::MOST_COLUMNS;
        (self.columns == 0 || self.columns > most)
            .then(|| format!("A figure has 1 to {most} columns, not {}", self.columns))
    }
}

/// Everything that is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    pub panels: Vec<Panel>,
    pub look: FigureLook,
    /// `[width, height]` of the source in px.
    pub source: [usize; 2],
    /// Size of a source pixel, for scale bars; without it there are none.
    pub pixel: Option<PixelSize>,
    /// Left, top, width and height of the part that is shown, in source pixels; `None`: all.
    pub crop: Option<[usize; 4]>,
    /// A place on the source that is marked in every panel, `[y, x]`; a pixel's middle is at its number and a half.
    pub cursor: Option<[f64; 2]>,
}
