//! A line and a rectangle drawn on the micrograph, and what they measure of the shown frame.

use super::apply::Answer;
use super::job::Failure;
use super::{JobKind, Opened, Session, Severity};
use crate::analysis::{Line, Profile, Region, RegionStatistics, profile, region_statistics};
use crate::export::{profile_csv, statistics_csv};
use crate::files::write_whole;
use crate::imaging::Micrograph;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Frames of more channels are measured in the shown one only.
const MOST_CHANNELS: usize = 8;

/// What is drawn, and what came of it; measurements stay until the next ones are there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    pub line: Option<Line>,
    pub region: Option<Region>,
    pub profile: Option<Arc<Profile>>,
    pub statistics: Option<Arc<RegionStatistics>>,
}

/// What can be written as a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeasuredTable {
    Profile,
    Statistics,
}

impl Session {
    /// Draws a line, moved into the picture where it leaves it, and measures along it; `None` takes it away.
    pub(super) fn set_line(&mut self, line: Option<Line>) {
        let size = self.size();
        let line = line.zip(size).and_then(|(line, size)| line_inside(line, size));
        self.measured.line = line;
        let (Some(line), Some((micrograph, frame, channels))) = (line, self.to_measure()) else {
            self.measured.profile = None;
            self.jobs.cancel(JobKind::Profile);
            return;
        };
        self.jobs.start(JobKind::Profile, move |monitor| {
            Ok(Answer::Profile(profile(&micrograph, frame, &channels, line, monitor)?))
        });
    }

    /// Draws a rectangle, cut where it leaves the picture, and measures its pixels; `None` takes it away.
    pub(super) fn set_region(&mut self, region: Option<Region>) {
        let region = region.zip(self.size()).and_then(|(region, size)| region_inside(region, size));
        self.measured.region = region;
        let (Some(region), Some((micrograph, frame, channels))) = (region, self.to_measure()) else {
            self.measured.statistics = None;
            self.jobs.cancel(JobKind::Statistics);
            return;
        };
        self.jobs.start(JobKind::Statistics, move |monitor| {
            Ok(Answer::Statistics(region_statistics(&micrograph, frame, &channels, region, monitor)?))
        });
    }

    /// Another plane is shown: what is drawn stays, and is measured there.
    pub(super) fn measure_again(&mut self) {
        if self.measured.line.is_some() {
            self.set_line(self.measured.line);
        }
        if self.measured.region.is_some() {
            self.set_region(self.measured.region);
        }
    }

    pub(super) fn take_profile(&mut self, profile: Profile) {
        self.measured.profile = Some(Arc::new(profile));
    }

    pub(super) fn take_statistics(&mut self, statistics: RegionStatistics) {
        self.measured.statistics = Some(Arc::new(statistics));
    }

    /// Writes a table that is there, as the command line writes it.
    pub(super) fn save_table(&mut self, table: MeasuredTable, path: PathBuf) {
        let made = match table {
            MeasuredTable::Profile => self.measured.profile.as_deref().map(profile_csv),
            MeasuredTable::Statistics => self.measured.statistics.as_deref().map(statistics_csv),
        };
        let Some(made) = made else {
            self.say(Severity::Warning, "Draw a line or a rectangle first, then there is something to save");
            return;
        };
        self.jobs.start(JobKind::Export, move |_| {
            let bytes = made.map_err(|error| at(error, &path))?;
            write_whole(&path, |file| file.write_all(&bytes)).map_err(|error| at(error, &path))?;
            Ok(Answer::TableSaved(path))
        });
    }

    pub(super) fn take_table_saved(&mut self, path: &Path) {
        self.say(Severity::Info, format!("Saved {}", path.display()));
    }

    /// `[height, width]` of the shown micrograph.
    fn size(&self) -> Option<[usize; 2]> {
        self.micrograph().map(|micrograph| [micrograph.height(), micrograph.width()])
    }

    /// The micrograph, frame and channels that are measured: all channels, the shown one of many or of energies.
    fn to_measure(&self) -> Option<(Micrograph, usize, Vec<usize>)> {
        let Opened { micrograph, frame, channel, .. } = self.current_opened()?;
        let few = micrograph.channels() <= MOST_CHANNELS && !micrograph.is_spectral();
        let channels = if few { (0..micrograph.channels()).collect() } else { vec![*channel] };
        Some((micrograph.clone(), *frame, channels))
    }
}

fn at(error: std::io::Error, path: &Path) -> Failure {
    Failure::Message(format!("{error}: {}", path.display()))
}

/// A line whose ends and width a picture of `[height, width]` px has.
fn line_inside(line: Line, [height, width]: [usize; 2]) -> Option<Line> {
    let inside = |[x, y]: [f64; 2]| [x.clamp(-0.5, width as f64 - 0.5), y.clamp(-0.5, height as f64 - 0.5)];
    let finite = line.from.iter().chain(&line.to).all(|at| at.is_finite());
    (finite && height > 0 && width > 0).then(|| Line {
        from: inside(line.from),
        to: inside(line.to),
        width: line.width.clamp(1, height.max(width)),
    })
}

/// The part of a rectangle that lies in a picture of `[height, width]` px.
fn region_inside(region: Region, [height, width]: [usize; 2]) -> Option<Region> {
    let (x, y) = (region.x.min(width), region.y.min(height));
    let region = Region { x, y, width: region.width.min(width - x), height: region.height.min(height - y) };
    (region.width > 0 && region.height > 0).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{grey_png, session, stack_tiff, texts};
    use super::*;

    fn line(to: [f64; 2]) -> Line {
        Line { from: [0.0, 1.0], to, width: 1 }
    }

    #[test]
    fn a_line_is_measured_where_it_lies_in_the_picture_and_again_on_every_frame() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        session.apply(Command::SetLine(Some(line([3.0, 1.0]))));
        assert_eq!(session.measured, Measured::default(), "there is nothing to draw on");
        session.apply(Command::Open(vec![stack_tiff(dir.path(), "stack.tif", 3)]));
        session.apply(Command::SetLine(Some(line([99.0, 1.0]))));
        assert_eq!(session.measured.line.unwrap().to, [5.5, 1.0]);
        assert_eq!(session.measured.profile.as_ref().unwrap().channels[0].values, [0.0; 7]);
        session.apply(Command::SetFrame(2));
        let profile = session.measured.profile.clone().unwrap();
        assert_eq!((profile.frame, profile.channels[0].values[0]), (2, 2.0));
        session.apply(Command::SetLine(None));
        assert_eq!(session.measured, Measured::default());
        assert_eq!(session.messages, [], "{:?}", texts(&session));
    }

    #[test]
    fn a_rectangle_is_cut_to_the_picture_and_goes_where_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        session.apply(Command::Open(vec![grey_png(dir.path(), "a.png", 10, 12)]));
        session.apply(Command::SetRegion(Some(Region { x: 8, y: 9, width: 7, height: 2 })));
        let found = session.measured.statistics.clone().unwrap();
        assert_eq!(found.region, Region { x: 8, y: 9, width: 2, height: 2 });
        // 20 x + 7 y at the four pixels: 223, 243, 230, 250.
        assert_eq!((found.channels[0].values.mean, found.channels[0].values.median), (236.5, 236.5));
        session.apply(Command::Open(vec![grey_png(dir.path(), "small.png", 4, 4)]));
        assert_eq!(session.measured, Measured::default());
    }

    #[test]
    fn tables_are_saved_whole_or_the_reason_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        let path = dir.path().join("profile.csv");
        session.apply(Command::SaveTable(MeasuredTable::Profile, path.clone()));
        assert_eq!(session.messages[0].severity, Severity::Warning);
        session.apply(Command::Open(vec![grey_png(dir.path(), "a.png", 4, 4)]));
        session.apply(Command::SetLine(Some(line([1.0, 1.0]))));
        session.apply(Command::SaveTable(MeasuredTable::Profile, path.clone()));
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "distance_px,channel 1\n0,7\n1,27\n");
        session.apply(Command::SetRegion(Some(Region { x: 0, y: 0, width: 1, height: 1 })));
        let nowhere = dir.path().join("missing/stats.csv");
        session.apply(Command::SaveTable(MeasuredTable::Statistics, nowhere));
        let last = session.messages.last().unwrap();
        assert!(last.severity == Severity::Error && last.text.ends_with("stats.csv"), "{last:?}");
    }
}
