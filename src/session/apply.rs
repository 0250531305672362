//! The one place where commands are carried out and the answers of jobs taken in.

use super::attribution::Attributed;
use super::choosing::LoadedModel;
use super::comparing::CompareAnswer;
use super::drafting::Draft;
use super::effective::MeasuredField;
use super::exporting::Exported;
use super::exporting_model::ExportedModel;
use super::features::ComputedFeatures;
use super::figure::MadeFigure;
use super::frames::NewPictures;
use super::health::NewReport;
use super::job::Failure;
use super::labels::SurveyedLabels;
use super::opening::OpenedFiles;
use super::reducing::ReducedPlane;
use super::robustness::FoundRobustness;
use super::running::Ran;
use super::sheet::SheetAnswer;
use super::showing::LoadedPlane;
use super::stack_window::StackWindows;
use super::trust::TrustAnswer;
use super::{Command, JobKind, LaidOut, PredictionView, Session, Severity};
use crate::analysis::{Profile, RegionStatistics};
use crate::export::Converted;
use crate::network::Task;
use std::path::PathBuf;

/// What jobs answer.
pub(super) enum Answer {
    Opened(OpenedFiles),
    Plane(LoadedPlane),
    Reduced(ReducedPlane),
    StackWindows(StackWindows),
    Model(LoadedModel),
    Draft(Box<Draft>),
    Ran(Box<Ran>),
    Features(ComputedFeatures),
    Sheet(Box<SheetAnswer>),
    Effective(Box<MeasuredField>),
    Robustness(Box<FoundRobustness>),
    Compared(CompareAnswer),
    Attributed(Attributed),
    Health(Box<NewReport>),
    Trust(Box<TrustAnswer>),
    LaidOut(Box<LaidOut>),
    Labels(Box<SurveyedLabels>),
    Exported(Exported),
    Figure(Box<MadeFigure>),
    Copied(Converted),
    ModelExported(ExportedModel),
    /// The next frame is in memory now.
    ReadAhead,
    FramePictures(NewPictures),
    Profile(Profile),
    Statistics(RegionStatistics),
    TableSaved(PathBuf),
}

impl Session {
    /// The one way to change a session. Indices that do not exist are ignored or brought into range.
    pub fn apply(&mut self, command: Command) {
        match command {
            Command::Open(paths) => self.open(paths),
            Command::OpenSample => self.open_sample(),
            Command::Close(index) => self.close(index),
            Command::Select(index) => self.select(index),
            Command::SetFrame(frame) => self.set_frame(frame),
            Command::SetChannel(channel) => self.set_channel(channel),
            Command::SetInfoBar(choice) => self.set_info_bar(choice),
            Command::SetPixelSize(scale) => self.set_pixel_size(scale),
            Command::ChooseModel(choice) => self.choose_model(choice),
            Command::RefreshModels => self.refresh_models(),
            Command::DraftNetwork(spec, size) => self.draft_network(spec, size),
            Command::CreateNetwork(spec, size, seed) => self.create_network(spec, size, seed),
            Command::SaveModel(path) => self.save_model(path),
            Command::Run => self.run(),
            Command::Cancel => self.cancel(),
            Command::SelectNode(name) => self.select_node(&name),
            Command::StepNode(step) => self.step_node(step),
            Command::SelectFeature(feature) => self.select_feature(feature),
            Command::ShowEffective(shown) => self.show_effective(shown),
            Command::MeasureField(probe) => self.measure_field(probe),
            Command::Robustness(command) => self.look_at_robustness(command),
            Command::Compare(command) => self.compare(command),
            Command::LayOut(asked) => self.lay_out(asked),
            Command::SetLabels(path) => self.set_labels(path),
            Command::Labels(command) => self.apply_to_labels(command),
            Command::Attribute(command) => self.apply_attribute(command),
            Command::Health(command) => self.health(command),
            Command::Trust(command) => self.trust(command),
            Command::Sheet(command) => self.apply_to_sheet(command),
            Command::SetFeatureOrder(order) => self.set_feature_order(order),
            Command::SetHideDead(hide) => {
                self.hide_dead = hide;
                self.order_features();
            }
            Command::Export(request) => self.export(request),
            Command::Figure(command) => self.apply_figure(command),
            Command::SaveCopy(path) => self.save_copy(path),
            Command::ExportModel(path) => self.export_model(path),
            Command::WantFramePictures(frames) => self.want_frame_pictures(&frames),
            Command::SetLine(line) => self.set_line(line),
            Command::SetRegion(region) => self.set_region(region),
            Command::SaveTable(table, path) => self.save_table(table, path),
            Command::Warn(text) => self.say(Severity::Warning, text),
            view => self.apply_to_view(&view),
        }
        self.settle();
    }

    /// Commands that only change how things look, and what is kept between runs.
    fn apply_to_view(&mut self, command: &Command) {
        match *command {
            Command::SetContrast(contrast) => self.set_contrast(contrast),
            Command::SetTone(tone) => self.set_tone(tone),
            Command::SetPercentiles(percentiles) => self.set_percentiles(percentiles),
            Command::KeepWindows => self.keep_windows(),
            Command::FitWindowToStack => self.fit_window_to_stack(),
            Command::SetColormap(colormap) => {
                self.colormap = colormap;
                self.request_plane();
            }
            Command::SetComposite(composite) => self.set_composite(composite),
            Command::SetChannelVisible(channel, visible) => self.set_channel_visible(channel, visible),
            Command::SetChannelColour(channel, colour) => self.set_channel_colour(channel, colour),
            Command::SetFeatureColormap(colormap) => self.set_feature_colormap(colormap),
            Command::SetSharedContrast(shared) => self.shared_contrast = shared,
            Command::SetPredictionView(view) if self.has_view(view) => self.prediction_view = view,
            Command::SetPredictionColormap(colormap) => self.prediction_colormap = colormap,
            Command::SetOverlay(overlay) => self.overlay = overlay,
            Command::SetOpacity(opacity) if opacity.is_finite() => self.opacity = opacity.clamp(0.0, 1.0),
            Command::DismissMessage(id) => self.messages.retain(|message| message.id != id),
            Command::SetTheme(theme) => {
                self.preferences.theme = theme;
                self.save_preferences();
            }
            Command::ClearRecent => {
                self.preferences.recent.clear();
                self.save_preferences();
            }
            _ => {}
        }
    }

    /// Takes in the answers of jobs; true when something changed.
    pub fn poll(&mut self) -> bool {
        let mut changed = false;
        while let Some((kind, outcome)) = self.jobs.next() {
            changed = true;
            match outcome {
                Ok(answer) => self.take_in(answer),
                Err(Failure::Cancelled) => self.forget_request(kind),
                Err(Failure::Message(text)) => {
                    self.forget_request(kind);
                    self.say(Severity::Error, text);
                }
            }
            self.run_if_ready();
        }
        self.look_at_memory(changed);
        changed
    }

    /// Jobs that ran at once have answered already.
    pub(super) fn settle(&mut self) {
        if self.jobs.at_once() {
            self.poll();
        }
    }

    fn take_in(&mut self, answer: Answer) {
        match answer {
            Answer::Opened(opened) => self.take_opened(opened),
            Answer::Plane(plane) => self.take_plane(plane),
            Answer::Reduced(reduced) => self.take_reduced(reduced),
            Answer::StackWindows(windows) => self.take_stack_windows(windows),
            Answer::Model(model) => self.take_model(model),
            Answer::LaidOut(laid_out) => self.laid_out = Some(*laid_out),
            Answer::Draft(draft) => self.draft = Some(*draft),
            Answer::Ran(ran) => self.take_ran(*ran),
            Answer::Features(features) => self.take_features(features),
            Answer::Sheet(answer) => self.take_sheet(*answer),
            Answer::Effective(field) => self.take_field(*field),
            Answer::Robustness(found) => self.take_robustness(*found),
            Answer::Compared(answer) => self.take_compared(answer),
            Answer::Attributed(attributed) => self.take_attributed(attributed),
            Answer::Health(report) => self.take_health(*report),
            Answer::Trust(answer) => self.take_trust(*answer),
            Answer::Labels(surveyed) => self.take_surveyed(*surveyed),
            Answer::Exported(exported) => self.take_exported(exported),
            Answer::Figure(made) => self.take_figure(*made),
            Answer::Copied(copy) => self.take_copied(copy),
            Answer::ModelExported(model) => self.take_exported_model(&model),
            Answer::ReadAhead => {}
            Answer::FramePictures(pictures) => self.take_frame_pictures(pictures),
            Answer::Profile(profile) => self.take_profile(profile),
            Answer::Statistics(statistics) => self.take_statistics(statistics),
            Answer::TableSaved(path) => self.take_table_saved(&path),
        }
    }

    /// A job that was wanted gave nothing: what it was to bring is no longer announced.
    pub(super) fn forget_request(&mut self, kind: JobKind) {
        match kind {
            JobKind::Open => self.opening.clear(),
            JobKind::LoadModel => self.model_choice.clone_from(&self.loaded_choice),
            _ => return,
        }
        self.run_when_ready = false;
    }

    /// Stops what a person waits for; what was there before stays. Results are written to their end.
    fn cancel(&mut self) {
        self.run_when_ready = false;
        for kind in [
            JobKind::Run,
            JobKind::Features,
            JobKind::Correlate,
            JobKind::NodePicture,
            JobKind::Pins,
            JobKind::Effective,
            JobKind::Equivariance,
            JobKind::Seams,
            JobKind::Compare,
            JobKind::CompareNodes,
            JobKind::Attribute,
            JobKind::ByHand,
            JobKind::Health,
            JobKind::Likeness,
            JobKind::Layout,
            JobKind::Labels,
            JobKind::Baselines,
            JobKind::Resample,
            JobKind::StackWindow,
            JobKind::LoadModel,
            JobKind::Open,
            JobKind::Copy,
            JobKind::Figure,
            JobKind::FigurePreview,
            JobKind::ExportModel,
        ] {
            if self.jobs.cancel(kind) {
                self.forget_request(kind);
                self.say(Severity::Info, format!("{} was cancelled", kind.activity()));
            }
        }
    }

    /// Whether there is such a class or output in the result, or in the model when there is no result.
    pub(super) fn has_view(&self, view: PredictionView) -> bool {
        let model = self.result.as_ref().map(|result| &result.model).or(self.model.as_ref());
        let regresses = model.is_some_and(|model| model.card.task == Task::Regress);
        let there = |index| model.is_some_and(|model| index < model.card.classes.len());
        match view {
            PredictionView::Classes => !regresses,
            PredictionView::Probability(class) => !regresses && there(class),
            PredictionView::Output(output) => regresses && there(output),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{grey_png, session};
    use super::*;
    use crate::imaging::Contrast;
    use crate::inspect::FeatureOrder;

    #[test]
    fn an_empty_session_ignores_what_it_cannot_do() {
        let mut session = session();
        let commands = [
            Command::Close(3),
            Command::Select(0),
            Command::SetFrame(9),
            Command::SetChannel(9),
            Command::SelectNode("enc1.conv1".into()),
            Command::StepNode(i32::MIN),
            Command::SelectFeature(Some(usize::MAX)),
            Command::SetFeatureOrder(FeatureOrder::Variance),
            Command::SetHideDead(true),
            Command::SetPredictionView(PredictionView::Probability(4)),
            Command::Cancel,
            Command::DismissMessage(77),
        ];
        for command in commands {
            session.apply(command);
        }
        assert_eq!(session.messages, []);
        assert_eq!((session.current, session.feature, session.node.as_deref()), (None, None, None));
        assert_eq!(session.prediction_view, PredictionView::Classes);
        assert!(!session.result_is_current());
    }

    #[test]
    fn opacity_and_contrast_stay_in_range() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session();
        session.apply(Command::SetContrast(Some(Contrast { low: 2.0, high: 9.0 })));
        assert_eq!(session.contrast_now(), None, "there is nothing to see");
        session.apply(Command::Open(vec![grey_png(dir.path(), "a.png", 6, 4)]));
        session.apply(Command::SetOpacity(7.0));
        assert_eq!(session.opacity, 1.0);
        session.apply(Command::SetOpacity(f32::NAN));
        assert_eq!(session.opacity, 1.0);
        session.apply(Command::SetContrast(Some(Contrast { low: 9.0, high: 2.0 })));
        assert_eq!(session.contrast_now(), Some(Contrast { low: 2.0, high: 9.0 }));
        session.apply(Command::SetContrast(Some(Contrast { low: f32::NAN, high: 2.0 })));
        assert_eq!(session.contrast_now(), Some(Contrast { low: 2.0, high: 9.0 }));
        session.apply(Command::SetContrast(None));
        assert_eq!(session.contrast_now(), Some(session.shown.as_ref().unwrap().auto_contrast));
    }

    #[test]
    fn a_job_that_panics_becomes_a_message_and_the_session_lives_on() {
        let mut session = session();
        session.jobs.start(JobKind::Run, |_| panic!("a bug"));
        assert!(session.poll());
        assert_eq!(session.messages.len(), 1);
        assert_eq!(session.messages[0].severity, Severity::Error);
        assert!(session.messages[0].text.contains("a bug"), "{:?}", session.messages);
        assert!(!session.is_busy(JobKind::Run));
    }
}
