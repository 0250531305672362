//! The true classes of the shown image, as a mask file says: one for all that is held against them.
//!
//! A mask whose values are the model's classes is taken as it is. Where they are not, a person says what they mean, by a
//! label scheme or value by value, and what is not said is ignored.

use super::apply::Answer;
use super::{JobKind, Session, Severity};
use crate::network::ClassInfo;
use crate::training::{LabelScheme, MaskSurvey, read_labels, survey_mask};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a person can ask for here.
#[derive(Debug, Clone, PartialEq)]
pub enum LabelsCommand {
    /// Say again what the values of the mask mean.
    Ask,
    /// By this label scheme's file.
    UseScheme(PathBuf),
    /// The class of each value that was asked about, in their order; `None` is ignored.
    Say(Vec<Option<usize>>),
    /// Leave the mask; the one before stays.
    Forget,
}

/// What is known of the mask.
#[derive(Debug, Clone, Default)]
pub struct Labelling {
    /// A mask whose values are to be said by a person.
    pub asked: Option<AskedLabels>,
    /// What was matched and what is ignored of the mask that is in use, in words.
    pub words: Option<String>,
    scheme: Option<Arc<LabelScheme>>,
}

/// A mask's values, and what they may mean.
#[derive(Debug, Clone)]
pub struct AskedLabels {
    /// New with each mask.
    pub key: u64,
    pub path: PathBuf,
    /// The model's classes.
    pub classes: Vec<ClassInfo>,
    pub values: Vec<AskedValue>,
    /// Share of the mask's pixels that have other values still, or none; they are ignored.
    pub others: f64,
    /// Why the scheme that was tried does not say it.
    pub complaint: Option<String>,
    survey: Arc<MaskSurvey>,
}

/// One value of a mask.
#[derive(Debug, Clone, PartialEq)]
pub struct AskedValue {
    /// Such as "128" or "[255, 0, 0]".
    pub text: String,
    /// Of the mask's pixels.
    pub share: f64,
    /// What it is taken for so far.
    pub class: Option<usize>,
}

/// What jobs say of a mask.
pub(super) enum SurveyedLabels {
    /// Its values; it is taken as it is where each is a class, unless a person is to be asked anyway.
    Values { path: PathBuf, classes: Vec<ClassInfo>, survey: MaskSurvey, ask: bool },
    /// A scheme that says all of them.
    Scheme(PathBuf, Arc<LabelScheme>, String),
    /// A scheme that does not, and why.
    Refused(String),
}

impl Session {
    /// Takes a mask, or none. Features are held against it and the network and the classical methods scored by it at
    /// once; channel ablation tells its IoU from then on.
    pub(super) fn set_labels(&mut self, path: Option<PathBuf>) {
        self.labelling.asked = None;
        match (path, self.label_classes()) {
            (Some(path), Some(classes)) => self.survey(path, classes, false),
            (path, _) => self.take_labels(path, Labelling::default()),
        }
    }

    pub(super) fn apply_to_labels(&mut self, command: LabelsCommand) {
        match command {
            LabelsCommand::Forget => self.labelling.asked = None,
            LabelsCommand::Ask => self.ask_again(),
            LabelsCommand::UseScheme(scheme) => self.try_scheme(scheme),
            LabelsCommand::Say(classes) => {
                let Some(asked) = self.labelling.asked.take() else { return };
                let scheme = asked.scheme(&classes);
                let words = asked.words(&scheme);
                self.take_labels(Some(asked.path), Labelling::by(scheme, words.clone()));
                self.say(Severity::Info, words);
            }
        }
    }

    /// The scheme of the mask in use; `None`: its values are class indices.
    pub(super) fn label_scheme(&self) -> Option<Arc<LabelScheme>> {
        self.labelling.scheme.clone()
    }

    fn label_classes(&self) -> Option<Vec<ClassInfo>> {
        let model = self.result.as_ref().map(|result| &result.model).or(self.model.as_ref());
        model.map(|model| model.card.classes.clone())
    }

    /// Reads the values of the mask in use, to be said again.
    fn ask_again(&mut self) {
        if let (Some(path), Some(classes)) = (self.labels.clone(), self.label_classes()) {
            self.survey(path, classes, true);
        }
    }

    fn survey(&mut self, path: PathBuf, classes: Vec<ClassInfo>, ask: bool) {
        self.jobs.start(JobKind::Labels, move |monitor| {
            let survey = survey_mask(&path, monitor)?;
            Ok(Answer::Labels(Box::new(SurveyedLabels::Values { path, classes, survey, ask })))
        });
    }

    fn ask(
        &mut self,
        (path, classes): (PathBuf, Vec<ClassInfo>),
        survey: MaskSurvey,
        scheme: Option<&LabelScheme>,
    ) {
        let key = self.new_key();
        self.labelling.asked = Some(AskedLabels::new(key, (path, classes), survey, scheme));
    }

    fn try_scheme(&mut self, file: PathBuf) {
        let Some(asked) = self.labelling.asked.clone() else { return };
        self.jobs.start(JobKind::Labels, move |_| {
            let tried = LabelScheme::load(&file).and_then(|scheme| {
                read_labels(&asked.path, Some(&scheme), &asked.classes)?;
                Ok(scheme)
            });
            Ok(Answer::Labels(Box::new(match tried {
                Ok(scheme) => {
                    let words = asked.words(&scheme);
                    SurveyedLabels::Scheme(asked.path, Arc::new(scheme), words)
                }
                Err(error) => SurveyedLabels::Refused(error.to_string()),
            })))
        });
    }

    pub(super) fn take_surveyed(&mut self, surveyed: SurveyedLabels) {
        match surveyed {
            SurveyedLabels::Values { path, classes, survey, ask } => {
                let own = LabelScheme::of_classes(&classes);
                if ask {
                    let scheme = self.label_scheme();
                    self.ask((path, classes), survey, scheme.as_deref());
                } else if survey.others == 0 && own.classes_of(&survey).iter().all(Option::is_some) {
                    let asked = AskedLabels::new(0, (path.clone(), classes), survey, None);
                    let words = asked.words(&own);
                    self.take_labels(Some(path), Labelling { words: Some(words), ..Labelling::default() });
                } else {
                    self.ask((path, classes), survey, None);
                }
            }
            SurveyedLabels::Scheme(path, scheme, words) => {
                self.take_labels(
                    Some(path),
                    Labelling { scheme: Some(scheme), words: Some(words.clone()), asked: None },
                );
                self.say(Severity::Info, words);
            }
            SurveyedLabels::Refused(why) => {
                if let Some(asked) = &mut self.labelling.asked {
                    asked.complaint = Some(why);
                }
            }
        }
    }

    fn take_labels(&mut self, path: Option<PathBuf>, labelling: Labelling) {
        let scored = self.trust.compared.is_some() || (path.is_some() && self.result_is_current());
        self.labels.clone_from(&path);
        self.labelling = labelling;
        match path {
            Some(path) => self.open_labels(path),
            None => self.forget_labels(),
        }
        if scored {
            self.compare_methods();
        }
    }
}

impl Labelling {
    fn by(scheme: LabelScheme, words: String) -> Self {
        Self { scheme: Some(Arc::new(scheme)), words: Some(words), asked: None }
    }
}

impl AskedLabels {
    fn new(
        key: u64,
        (path, classes): (PathBuf, Vec<ClassInfo>),
        survey: MaskSurvey,
        scheme: Option<&LabelScheme>,
    ) -> Self {
        let own = LabelScheme::of_classes(&classes);
        let scheme = scheme.unwrap_or(&own);
        let all = survey.values.iter().map(|(_, count)| count).sum::<u64>() + survey.others;
        let share = |count: u64| count as f64 / all.max(1) as f64;
        let found = scheme.meant(&survey, &classes);
        let values = survey.values.iter().zip(found).map(|((value, count), found)| AskedValue {
            text: value.to_string(),
            share: share(*count),
            class: found,
        });
        let (values, others) = (values.collect(), share(survey.others));
        Self { key, path, values, others, classes, complaint: None, survey: Arc::new(survey) }
    }

    /// By which each value is the class beside it.
    fn scheme(&self, classes: &[Option<usize>]) -> LabelScheme {
        let class = |place: usize| classes.get(place).copied().flatten();
        let values = self.survey.values.iter().enumerate().map(|(place, (value, _))| (*value, class(place)));
        LabelScheme::of_values(&values.collect::<Vec<_>>(), &self.classes)
    }

    /// The scheme of these classes as the file that the command line reads by `--scheme`.
    #[must_use]
    pub fn scheme_text(&self, classes: &[Option<usize>]) -> String {
        self.scheme(classes).to_text()
    }

    /// What a scheme matches and what it leaves out.
    fn words(&self, scheme: &LabelScheme) -> String {
        let said =
            Self::new(0, (self.path.clone(), self.classes.clone()), (*self.survey).clone(), Some(scheme));
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let of_class = |index: usize, name: &str| {
            let own: Vec<&AskedValue> =
                said.values.iter().filter(|value| value.class == Some(index)).collect();
            let names: Vec<&str> = own.iter().map(|value| value.text.as_str()).collect();
            let share = own.iter().map(|value| value.share).sum();
            (!own.is_empty()).then(|| format!("{} is {name} ({})", shortened(&names), percent(share)))
        };
        let matched: Vec<String> = self
            .classes
            .iter()
            .enumerate()
            .filter_map(|(index, class)| of_class(index, &class.name))
            .collect();
        let left: Vec<&AskedValue> = said.values.iter().filter(|value| value.class.is_none()).collect();
        let names: Vec<&str> = left.iter().map(|value| value.text.as_str()).collect();
        let share = left.iter().map(|value| value.share).sum::<f64>() + said.others;
        let ignored = match (names.is_empty(), said.others > 0.0) {
            (true, false) => String::new(),
            (true, true) => format!("; other values are ignored ({})", percent(share)),
            _ => format!("; {} ignored ({})", are(&names), percent(share)),
        };
        let matched = if matched.is_empty() { "nothing is matched".to_owned() } else { matched.join(", ") };
        format!("In {}: {matched}{ignored}", file_name(&self.path))
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The first few of many.
fn shortened(names: &[&str]) -> String {
    match names {
        [first, second, _, _, .., last] => format!("{first}, {second} … {last}"),
        all => all.join(", "),
    }
}

fn are(names: &[&str]) -> String {
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", shortened(names))
}

#[cfg(test)]
mod tests;
