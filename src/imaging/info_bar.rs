//! The bar of text that microscopes write below their images.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use ndarray::{Array2, s};

use super::find_bar::{find_info_bar, lowest_rows, may_have_info_bar};
use super::{ImagingError, Micrograph};

/// The last `rows` rows of a picture are text and not specimen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InfoBar {
    pub rows: usize,
    /// The tag or field that says so, "found in the picture", or "set by hand".
    pub source: String,
}

impl InfoBar {
    /// As a person says it is; of no rows where a person says that there is none.
    #[must_use]
    pub fn by_hand(rows: usize) -> Self {
        Self { rows, source: "set by hand".to_owned() }
    }
}

/// Which rows are to be taken for the info bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InfoBarChoice {
    /// Those that the file names, else those found in the picture.
    #[default]
    Auto,
    /// The last so many, as a person says; 0 for none.
    Rows(usize),
}

impl FromStr for InfoBarChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "none" => Ok(Self::Rows(0)),
            rows => {
                let wrong = |_| format!("expected auto, none, or a number of rows, not {rows}");
                rows.parse().map(Self::Rows).map_err(wrong)
            }
        }
    }
}

impl fmt::Display for InfoBarChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Rows(0) => f.write_str("none"),
            Self::Rows(rows) => write!(f, "{rows}"),
        }
    }
}

impl Micrograph {
    /// The rows that show the specimen: all but those of the info bar. At least one row is left.
    ///
    /// This is the one place that decides what statistics, contrast, networks and measurements see.
    #[must_use]
    pub fn specimen_rows(&self) -> Range<usize> {
        let bar = self.info_bar().map_or(0, |bar| bar.rows);
        0..self.height() - bar.min(self.height().saturating_sub(1))
    }

    /// [`Micrograph::grey`] of the specimen alone.
    pub fn specimen_grey(&self, frame: usize) -> Result<Array2<f32>, ImagingError> {
        Ok(self.grey(frame)?.slice_move(s![self.specimen_rows(), ..]))
    }

    /// The same planes with the info bar that `choice` says; reads the picture where the file says nothing.
    ///
    /// A picture that cannot be read has no bar that could be found; reading it says why.
    #[must_use]
    pub fn choosing_info_bar(&self, choice: InfoBarChoice) -> Self {
        let automatic = match self.info_bar() {
            Some(_) => self.clone(),
            None => self.with_info_bar(self.found_info_bar()),
        };
        automatic.overruling_info_bar(choice)
    }

    /// The same planes with a person's word in place of the info bar that is known. It is kept as a person's only where
    /// it differs, so that a run repeated with its number of rows is the same run.
    #[must_use]
    pub fn overruling_info_bar(&self, choice: InfoBarChoice) -> Self {
        let known = self.info_bar().map_or(0, |bar| bar.rows);
        match choice {
            InfoBarChoice::Rows(rows) if rows != known => {
                self.with_info_bar(Some(InfoBar::by_hand(rows.min(self.height().saturating_sub(1)))))
            }
            _ => self.clone(),
        }
    }

    /// Looks for a bar in the first frame. The channels of a spectrum are no pictures, so theirs is not read.
    fn found_info_bar(&self) -> Option<InfoBar> {
        if self.is_spectral() || self.frames() == 0 || self.channels() == 0 {
            return None;
        }
        // Most pictures show by their last rows that they have none, and need not be looked at as a whole.
        let rows = self.height() - lowest_rows(self.height()).min(self.height());
        let (last, sample) =
            (self.grey_rows(0, rows..self.height()).ok()?, self.grey_sampled(0, 1 << 18).ok()?);
        if !may_have_info_bar(last.view(), sample.view(), self.height()) {
            return None;
        }
        self.grey(0).ok().and_then(|grey| find_info_bar(grey.view()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Calibration;
    use ndarray::Array4;

    fn blank(height: usize) -> Micrograph {
        Micrograph::from_array("blank", Array4::zeros((1, 1, height, 5)), vec![], Calibration::default())
    }

    #[test]
    fn a_choice_is_read_as_it_is_written() {
        for (text, choice) in
            [("auto", InfoBarChoice::Auto), ("none", InfoBarChoice::Rows(0)), ("77", InfoBarChoice::Rows(77))]
        {
            assert_eq!(text.parse(), Ok(choice));
            assert_eq!(choice.to_string(), text);
        }
        assert!("-3".parse::<InfoBarChoice>().is_err() && "".parse::<InfoBarChoice>().is_err());
    }

    #[test]
    fn the_specimen_keeps_at_least_one_row() {
        let rows = |height, rows| blank(height).choosing_info_bar(InfoBarChoice::Rows(rows)).specimen_rows();
        assert_eq!((rows(10, 3), rows(10, 99), rows(1, 1)), (0..7, 0..1, 0..1));
        assert_eq!(blank(0).specimen_rows(), 0..0);
    }

    #[test]
    fn what_the_file_says_is_overruled_only_by_another_number() {
        let said = blank(10).with_info_bar(Some(InfoBar { rows: 2, source: "a tag".into() }));
        let source = |choice| said.choosing_info_bar(choice).info_bar().map(|bar| bar.source.clone());
        assert_eq!(source(InfoBarChoice::Auto).as_deref(), Some("a tag"));
        assert_eq!(source(InfoBarChoice::Rows(2)).as_deref(), Some("a tag"));
        assert_eq!(source(InfoBarChoice::Rows(0)).as_deref(), Some("set by hand"));
        assert_eq!(blank(10).choosing_info_bar(InfoBarChoice::Rows(0)).info_bar(), None);
    }
}
