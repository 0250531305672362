//! The true classes of the shown image, as a mask file says: one for all that is held against them.

use super::Session;
use std::path::PathBuf;

impl Session {
    /// Takes a mask, or none. Features are held against it and the network and the classical methods scored by it at
    /// once; channel ablation tells its IoU from then on.
    pub(super) fn set_labels(&mut self, path: Option<PathBuf>) {
        let scored = self.trust.compared.is_some() || (path.is_some() && self.result_is_current());
        self.labels.clone_from(&path);
        match path {
            Some(path) => self.open_labels(path),
            None => self.forget_labels(),
        }
        if scored {
            self.compare_methods();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ready, texts};
    use super::super::{AttributeCommand, Command};
    use crate::analysis::{Ablating, AttributionMethod, AttributionRequest, Over};
    use crate::session::{Against, TrustCommand};

    #[test]
    fn one_mask_serves_the_sheet_the_scores_and_the_ablation() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        session.apply(Command::SelectNode("input".into()));
        session.apply(Command::Trust(TrustCommand::Compare));
        let mask = dir.path().join("mask.png");
        image::GrayImage::from_fn(10, 12, |x, _| image::Luma([u8::from(x > 4)])).save(&mask).unwrap();
        session.apply(Command::SetLabels(Some(mask)));
        assert_eq!(session.sheet.against, Some(Against::Labels(1)), "{:?}", texts(&session));
        assert!(session.baselines_now().unwrap().baselines.labelled);
        let ablation = |session: &mut crate::session::Session| {
            let method = AttributionMethod::Ablation { by: Ablating::Mean };
            let request = AttributionRequest { method, class: 1, over: Over::Whole, labels: None };
            session.apply(Command::Attribute(AttributeCommand::Explain(request)));
            session.explained_now().unwrap().found.clone()
        };
        let found = ablation(&mut session);
        // Of the network's own mask and the half that is labelled, by hand.
        let crate::analysis::Prediction::Segmentation(own) = &session.result.as_ref().unwrap().prediction
        else {
            panic!("a segmenter")
        };
        let pairs = || own.labels.0.indexed_iter().map(|((_, x), label)| (x > 4, *label == 1));
        let both = pairs().filter(|(truth, own)| *truth && *own).count();
        let either = pairs().filter(|(truth, own)| *truth || *own).count();
        assert!((found.iou.unwrap() - both as f64 / either as f64).abs() < 1e-12);
        session.apply(Command::SetLabels(None));
        assert_eq!(session.sheet.against, Some(Against::Prediction(1)));
        assert!(!session.baselines_now().unwrap().baselines.labelled);
        assert!(ablation(&mut session).iou.is_none());
    }
}
