//! A figure on its page: filled areas, pictures, colour bars and words at places in mm, drawn alike as SVG and as PNG.

use std::sync::Arc;

/// RGB bytes `[y][x][3]` of `width` × `height` px.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub rgb: Vec<u8>,
    pub width: usize,
    pub height: usize,
}

/// A rectangle in mm, from the page's upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Area {
    pub(super) fn new(left: f64, top: f64, width: f64, height: f64) -> Self {
        Self { left, top, width, height }
    }

    pub(super) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// What it has in common with another; `None` where that is nothing.
    pub(super) fn within(&self, other: &Self) -> Option<Self> {
        let (left, top) = (self.left.max(other.left), self.top.max(other.top));
        let (right, bottom) = (self.right().min(other.right()), self.bottom().min(other.bottom()));
        (right > left && bottom > top).then(|| Self::new(left, top, right - left, bottom - top))
    }
}

/// Which end of a line of words stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A line of words; `at` `[x, y]` is on its baseline.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Words {
    pub(super) text: String,
    pub(super) at: [f64; 2],
    pub(super) anchor: Anchor,
    /// Of the type, in mm.
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) colour: [u8; 3],
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Fill {
        area: Area,
        colour: [u8; 3],
        /// 0..=1.
        opacity: f64,
    },
    /// `view` (left, top, width, height in the picture's px, also beyond its border) fills the area; where the picture
    /// ends, the page shows.
    Picture {
        area: Area,
        view: [f64; 4],
        picture: Arc<Picture>,
    },
    /// Colours from left to right at equal distances, the first and the last at the ends.
    Bar {
        area: Area,
        colours: Vec<[u8; 3]>,
    },
    Words(Words),
}

/// All of a figure, in the order of drawing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Page {
    /// In mm.
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) ground: [u8; 3],
    pub(super) items: Vec<Item>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_have_in_common_what_both_cover() {
        let area = Area::new(1.0, 2.0, 4.0, 3.0);
        assert_eq!(area.within(&Area::new(3.0, 0.0, 9.0, 4.0)), Some(Area::new(3.0, 2.0, 2.0, 2.0)));
        assert_eq!(area.within(&Area::new(5.0, 2.0, 1.0, 1.0)), None);
    }
}
