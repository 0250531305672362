//! What was measured of the shown image and can stand in a figure as it is.

use super::Session;
use crate::analysis::ClassicalMask;
use crate::export::{Measured, PanelSpec, SideSpec};
use std::sync::Arc;

impl Session {
    /// Each result that is of what is shown now, as the panel that shows it: a figure takes it over, and whoever asks for
    /// the panel elsewhere gets the same by computing it.
    #[must_use]
    pub fn figure_results(&self) -> Vec<(PanelSpec, Measured)> {
        let mut found = Vec::new();
        found.extend(self.difference_panel());
        found.extend(self.pinned_panel());
        found.extend(self.why_panel());
        found.extend(self.field_panel());
        self.robustness_panels(&mut found);
        self.mask_panels(&mut found);
        found
    }

    fn difference_panel(&self) -> Option<(PanelSpec, Measured)> {
        let compared = self.compared_now()?;
        compared.comparison.difference.as_ref()?;
        let sides = self.comparing.sides.each_ref().map(|side| SideSpec {
            model: side.model.clone(),
            frame: side.frame,
            sight: side.sight.clone(),
        });
        let measured = Measured::Difference(compared.names.clone(), Arc::clone(&compared.comparison));
        Some((PanelSpec::Difference(Box::new(sides)), measured))
    }

    fn pinned_panel(&self) -> Option<(PanelSpec, Measured)> {
        let result = self.result.as_ref().filter(|_| self.result_is_current())?;
        let of_now = |pin: &super::Pin| {
            pin.map.as_ref().filter(|map| map.result == result.key).map(|map| Arc::clone(&map.maps))
        };
        let planes: Option<Vec<_>> = self.sheet.pins.iter().map(of_now).collect();
        let planes = planes.filter(|planes| !planes.is_empty())?;
        let pins = self.sheet.pins.iter().map(|pin| (pin.node.clone(), pin.feature)).collect();
        Some((PanelSpec::Pinned(pins), Measured::Pinned(planes)))
    }

    fn why_panel(&self) -> Option<(PanelSpec, Measured)> {
        let explained = self.explained_now()?;
        explained.found.map.as_ref()?;
        let panel = PanelSpec::Why {
            method: explained.request.method.clone(),
            class: explained.found.class_name.clone(),
            over: explained.request.over,
        };
        Some((panel, Measured::Why(Arc::clone(&explained.found))))
    }

    fn field_panel(&self) -> Option<(PanelSpec, Measured)> {
        let field = &self.effective_now()?.field;
        let panel =
            PanelSpec::Effective { node: field.node.clone(), feature: field.feature, at: Some(field.at) };
        Some((panel, Measured::Field(Arc::clone(field))))
    }

    fn robustness_panels(&self, found: &mut Vec<(PanelSpec, Measured)>) {
        let now = self.robustness_now();
        let on_map = |change: &crate::analysis::AnswerChange| change.of_image.is_none();
        if let Some(answer) = &now.answer
            && answer.report.movement == now.movement
            && answer.report.answer.as_ref().is_some_and(on_map)
        {
            let panel = PanelSpec::Equivariance { movement: now.movement, node: None };
            found.push((panel, Measured::Equivariance(Arc::clone(&answer.report))));
        }
        let node = now.node.as_ref().and_then(|node| Some((node, node.report.nodes.first()?)));
        if let Some((of_node, node)) = node {
            let panel = PanelSpec::Equivariance { movement: now.movement, node: Some(node.node.clone()) };
            found.push((panel, Measured::Equivariance(Arc::clone(&of_node.report))));
        }
        if let Some(seams) = &now.seams {
            let panel = |whole| {
                (PanelSpec::Seams { tile: now.seams_tile, whole }, Measured::Seams(Arc::clone(&seams.report)))
            };
            found.push(panel(false));
            found.extend(seams.report.against_whole.is_some().then(|| panel(true)));
        }
    }

    fn mask_panels(&self, found: &mut Vec<(PanelSpec, Measured)>) {
        let (Some(compared), Some(opened)) = (self.baselines_now(), self.current_opened()) else { return };
        let specimen_rows = opened.micrograph.specimen_rows().len();
        for row in &compared.baselines.rows {
            let (Some(method), Some(polarity)) = (row.method, row.polarity) else { continue };
            let mask = ClassicalMask { method, polarity, mask: Arc::clone(&row.mask), specimen_rows };
            found.push((PanelSpec::Baseline { method, polarity }, Measured::Mask(mask)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ready, texts};
    use super::super::{
        AttributeCommand, Command, CompareCommand, FigureCommand, RobustnessCommand, SheetCommand,
        SideChoice, TrustCommand,
    };
    use super::*;
    use crate::analysis::{
        AttributionMethod, AttributionRequest, Method, Movement, Over, Polarity, Probe, Sight,
    };
    use crate::export::FigureSpec;
    use std::path::Path;

    /// A session in which everything that a figure can take over was measured.
    fn measured(dir: &Path) -> Session {
        let mut session = ready(dir);
        session.apply(Command::Run);
        let sight = Sight::Classical { method: Method::Otsu, polarity: Polarity::Dark };
        let side = SideChoice { sight, ..SideChoice::default() };
        session.apply(Command::Compare(CompareCommand::Choose(1, side)));
        session.apply(Command::Compare(CompareCommand::Compare));
        for (node, feature) in [("enc1.conv1", 1), ("mid.conv1", 0)] {
            session.apply(Command::Sheet(SheetCommand::Pin(node.into(), feature)));
        }
        let method = AttributionMethod::GradientInput;
        let request = AttributionRequest { method, class: 1, over: Over::Whole, labels: None };
        session.apply(Command::Attribute(AttributeCommand::Explain(request)));
        session.apply(Command::ShowEffective(true));
        let probe = Probe { node: "mid.conv1".into(), feature: Some(0), at: None };
        session.apply(Command::MeasureField(probe));
        let movement = Movement { shift: [1, 0], ..Movement::default() };
        session.apply(Command::Robustness(RobustnessCommand::Move(movement)));
        session.apply(Command::Robustness(RobustnessCommand::MapNode("enc1.conv1".into())));
        session.apply(Command::Trust(TrustCommand::Compare));
        assert!(session.messages.iter().all(|message| message.severity == super::super::Severity::Info));
        session
    }

    #[test]
    fn what_was_measured_stands_in_a_figure_as_it_would_be_computed_anew() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = measured(dir.path());
        let results = session.figure_results();
        let texts_of: Vec<String> = results.iter().map(|(panel, _)| panel.to_string()).collect();
        assert_eq!(
            texts_of[..6],
            [
                "difference:b-baseline=otsu:dark",
                "pinned:enc1.conv1:1,mid.conv1:0",
                "why:gradient-input:particle",
                "effective:mid.conv1:0:3,2",
                "equivariance:shift=1,0",
                "equivariance:shift=1,0,node=enc1.conv1",
            ]
        );
        assert_eq!(texts_of.len(), 13, "and seven classical masks: {texts_of:?}");
        let panels: Vec<PanelSpec> = results.into_iter().map(|(panel, _)| panel).collect();
        // Text is how the command line gets the panels: they mean the same.
        for panel in &panels {
            assert_eq!(&panel.to_string().parse::<PanelSpec>().unwrap(), panel);
        }
        let spec =
            FigureSpec { panels, captions: vec![String::new(), "Pins".into()], ..FigureSpec::default() };
        let drawn = |session: &mut Session| {
            session.apply(Command::Figure(FigureCommand::Preview(spec.clone(), 300)));
            assert_eq!(session.figure.complaint, None);
            session.figure.drawn.clone().unwrap().picture
        };
        let taken_over = drawn(&mut session);
        let mut fresh = ready(dir.path());
        assert!(fresh.figure_results().is_empty());
        assert_eq!(drawn(&mut fresh), taken_over, "{:?}", texts(&fresh));
    }

    #[test]
    fn what_is_of_another_image_is_not_offered() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = measured(dir.path());
        let path = dir.path().join("other.png");
        image::GrayImage::from_fn(10, 12, |x, y| image::Luma([(x * 9 + y) as u8])).save(&path).unwrap();
        session.apply(Command::Open(vec![path]));
        assert_eq!(session.figure_results().len(), 0);
        session.apply(Command::Select(0));
        assert!(session.figure_results().iter().any(|(panel, _)| matches!(panel, PanelSpec::Why { .. })));
    }
}
