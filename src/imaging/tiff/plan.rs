//! How the pages of a TIFF make series.

use super::super::axes::Axes;
use super::super::calibration::{AxisScale, Calibration};
use super::super::info_bar::InfoBar;
use super::super::metadata::Metadata;
use super::super::micrograph::COLOURS;
use super::kinds::Photometric;
use super::page::Page;

/// One series to be: which pages, along which axes.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub format: &'static str,
    /// Axes outside of a page, slowest first, by tifffile's letters, with their lengths.
    pub outer: Vec<(char, usize)>,
    /// As many as the outer lengths multiply to, in C order.
    pub pages: Vec<Page>,
    /// Names along C; may be fewer.
    pub channel_names: Vec<String>,
    pub calibration: Calibration,
    /// What the maker of the microscope says of the axes, until it has been held against the rest.
    pub vendor_axes: Vec<AxisScale>,
    pub info_bar: Option<InfoBar>,
    pub metadata: Metadata,
    pub notes: Vec<String>,
}

impl Plan {
    /// Pages one after the other, without anyone saying what they are.
    pub(super) fn plain(pages: Vec<Page>) -> Self {
        Self {
            format: "TIFF",
            outer: vec![('T', pages.len())],
            pages,
            channel_names: Vec::new(),
            calibration: Calibration::default(),
            vendor_axes: Vec::new(),
            info_bar: None,
            metadata: Metadata::default(),
            notes: Vec::new(),
        }
    }

    /// The axes outside of a page alone, as if a page were one plane.
    pub(super) fn page_axes(&self) -> Axes {
        self.axes_with(&[('Y', 0), ('X', 0)])
    }

    /// All stored axes.
    pub(super) fn axes(&self) -> Axes {
        let page = &self.pages[0];
        let (y, x, s) = (('Y', page.height), ('X', page.width), ('S', page.samples));
        if page.planar { self.axes_with(&[s, y, x]) } else { self.axes_with(&[y, x, s]) }
    }

    fn axes_with(&self, inner: &[(char, usize)]) -> Axes {
        // A letter that stands for one of a page's own axes, or that came before, names an axis of nothing known.
        let mut outer: Vec<(char, usize)> = Vec::new();
        for &(letter, length) in &self.outer {
            let taken = matches!(letter, 'Y' | 'X' | 'S') || outer.iter().any(|&(l, _)| l == letter);
            outer.push((if taken { 'Q' } else { letter }, length));
        }
        let (letters, shape): (String, Vec<usize>) = outer.iter().chain(inner).copied().unzip();
        Axes::new(&letters, &shape)
    }

    /// One name for each of our channels.
    pub(super) fn names(&self) -> Vec<String> {
        let channels = self.page_axes().channels();
        let named = (0..channels).map(|c| match self.channel_names.get(c) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => format!("channel {}", c + 1),
        });
        let samples = sample_names(&self.pages[0]);
        if samples.len() == 1 {
            return named.collect();
        }
        if channels == 1 {
            return samples;
        }
        named
            .flat_map(|name| samples.iter().map(move |s| format!("{name} {s}")).collect::<Vec<_>>())
            .collect()
    }

    /// The channels are the red, green and blue of one picture.
    pub(super) fn is_colour(&self) -> bool {
        let rgb = matches!(self.pages[0].photometric, Photometric::Rgb | Photometric::YCbCr);
        rgb && self.page_axes().channels() == 1
    }
}

/// One name for each sample of a pixel.
fn sample_names(page: &Page) -> Vec<String> {
    let known: &[&str] = match page.photometric {
        Photometric::Grey => &["grey"],
        Photometric::Rgb | Photometric::YCbCr => &COLOURS[..3],
        Photometric::Cmyk => &["cyan", "magenta", "yellow", "black"],
    };
    (0..page.samples)
        .map(|i| match known.get(i) {
            Some(&name) => name.into(),
            None if i == known.len() && (page.alpha || page.photometric == Photometric::Rgb) => {
                "alpha".into()
            }
            None => format!("sample {}", i + 1),
        })
        .collect()
}

/// Puts pages of the same shape, type and colour together, in the order of their first; smaller copies come last.
pub(super) fn grouped(pages: Vec<Page>) -> Vec<Vec<Page>> {
    let key = |p: &Page| {
        let shape = (p.height, p.width, p.samples, p.planar);
        (shape, p.sample_type, p.photometric, p.palette, p.reduced)
    };
    let mut groups: Vec<Vec<Page>> = Vec::new();
    for page in pages {
        match groups.iter_mut().find(|group| key(&group[0]) == key(&page)) {
            Some(group) => group.push(page),
            None => groups.push(vec![page]),
        }
    }
    groups.sort_by_key(|group| group[0].reduced);
    groups
}

/// `count` pages stored as one block behind a single directory, as many of them as the file holds.
pub(super) fn expanded(page: &Page, count: usize, file_length: u64) -> Vec<Page> {
    (0..count as u64).map_while(|i| page.shifted(i).filter(|page| page.is_inside(file_length))).collect()
}
