//! What a person says of a micrograph in place of its file: its scale, and which rows are text.

use super::{Opened, Session};
use crate::analysis::{Prediction, remeasured};
use crate::imaging::{InfoBarChoice, Micrograph, ScaleByHand};
use std::sync::Arc;

impl Opened {
    /// The micrograph as it was read, with the corrections that `other` of the same file has.
    pub(super) fn corrected_as(&self, other: &Micrograph) -> Micrograph {
        let rows = other.info_bar().map_or(0, |bar| bar.rows);
        self.as_read.overruling_info_bar(InfoBarChoice::Rows(rows)).with_scale(other.scale_by_hand())
    }
}

impl Session {
    /// Contrast and histogram follow at once, and a mask made with other rows becomes an old one.
    pub(super) fn set_info_bar(&mut self, choice: InfoBarChoice) {
        let Some(opened) = self.current_opened_mut() else { return };
        let scale = opened.micrograph.scale_by_hand().cloned();
        opened.micrograph = opened.as_read.overruling_info_bar(choice).with_scale(scale.as_ref());
        self.describe_nodes();
        self.request_plane();
    }

    /// A mask stays as it is; its objects are measured anew.
    pub(super) fn set_pixel_size(&mut self, scale: Option<ScaleByHand>) {
        let Some(opened) = self.current_opened_mut() else { return };
        let bar = opened.micrograph.info_bar().cloned();
        opened.micrograph = opened.as_read.with_info_bar(bar).with_scale(scale.as_ref());
        let (id, calibration) = (opened.id, opened.micrograph.calibration().clone());
        if self.result_of != Some(id) {
            return;
        }
        let Some(result) = &mut self.result else { return };
        let bar = result.micrograph.info_bar().cloned();
        let as_read = result.micrograph.with_calibration(calibration.clone());
        result.micrograph = as_read.with_info_bar(bar).with_scale(scale.as_ref());
        match &mut result.prediction {
            Prediction::Segmentation(segmentation) => {
                Arc::make_mut(segmentation).pixel = calibration.pixel();
                result.objects = Arc::new(remeasured(&result.objects, calibration.pixel().as_ref()));
            }
            Prediction::Regression(regression) => Arc::make_mut(regression).pixel = calibration.pixel(),
            Prediction::Classification(_) | Prediction::Nothing => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{ready, texts};
    use super::*;

    #[test]
    fn rows_set_by_hand_leave_contrast_histogram_and_mask() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        let before = session.shown.clone().unwrap();
        session.apply(Command::SetInfoBar(InfoBarChoice::Rows(4)));
        let shown = session.shown.clone().unwrap();
        assert_eq!((before.specimen_rows, shown.specimen_rows), (12, 8));
        assert_ne!(before.key, shown.key);
        assert_eq!(shown.histogram.counts.iter().sum::<u64>(), 8 * 10);
        assert!(!session.result_is_current());
        assert_eq!(session.nodes.as_ref().unwrap()[0].shape, [1, 8, 10]);
        session.apply(Command::Run);
        assert!(session.result_is_current(), "{:?}", texts(&session));
        let Prediction::Segmentation(mask) = &session.result.as_ref().unwrap().prediction else { panic!() };
        assert_eq!((mask.labels.0.dim(), mask.specimen_rows), ((12, 10), 8));
        assert!(session.command_line().unwrap().contains("--info-bar 4"));
        session.apply(Command::SetInfoBar(InfoBarChoice::Auto));
        assert_eq!(session.shown.as_ref().unwrap().specimen_rows, 12);
        assert!(!session.result_is_current());
    }

    #[test]
    fn a_scale_set_by_hand_measures_the_objects_anew_and_can_be_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        let before = session.result.clone().unwrap();
        let scale: ScaleByHand = "500nm/100px".parse().unwrap();
        session.apply(Command::SetPixelSize(Some(scale.clone())));
        let result = session.result.clone().unwrap();
        assert!(session.result_is_current());
        assert_eq!(*result.objects, remeasured(&before.objects, Some(&scale.pixel())));
        let Prediction::Segmentation(mask) = &result.prediction else { panic!() };
        assert_eq!(mask.pixel, Some(scale.pixel()));
        assert!(session.command_line().unwrap().contains("--pixel-size 500nm/100px"));
        session.apply(Command::SetInfoBar(InfoBarChoice::Rows(2)));
        assert_eq!(session.micrograph().unwrap().scale_by_hand(), Some(&scale));
        session.apply(Command::SetPixelSize(None));
        assert_eq!(session.micrograph().unwrap().calibration().pixel(), None);
        assert_eq!(session.micrograph().unwrap().info_bar().map(|bar| bar.rows), Some(2));
        assert_eq!(*session.result.as_ref().unwrap().objects, *before.objects);
    }

    #[test]
    fn corrections_outlive_reading_the_file_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::SetInfoBar(InfoBarChoice::Rows(3)));
        session.apply(Command::SetPixelSize("5nm".parse().ok()));
        session.apply(Command::Open(vec![dir.path().join("image.png")]));
        let again = session.micrograph().unwrap();
        assert_eq!(again.specimen_rows(), 0..9);
        assert_eq!(again.calibration().pixel().map(|pixel| pixel.x_nm), Some(5.0));
    }
}
