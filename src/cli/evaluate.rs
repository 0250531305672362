//! `polepiece evaluate`: a model, and Otsu's threshold on request, against masks, classes or numbers.

use anyhow::bail;
use serde::Serialize;

use crate::compute::OpenDevice;
use crate::network::{Model, Task};
use crate::training::{
    ClassScore, Evaluation, EvaluationData, LabelScheme, RegressionScore, evaluate, evaluate_numbers,
    evaluate_otsu,
};

use super::args::EvaluateArgs;
use super::context::{load_model, open_device};
use super::terminal::{Finished, Outcome, complain, grouped, say, say_json, table, with_progress};

#[derive(Serialize)]
struct Scores<'a, T> {
    model: &'a str,
    #[serde(flatten)]
    evaluation: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    otsu: Option<&'a Evaluation>,
}

pub(super) fn run(args: &EvaluateArgs) -> Outcome {
    let scheme = args.labels.as_deref().map(LabelScheme::load).transpose()?;
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, None)?;
    let is_table = args.images.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let masks = match (args.masks.as_ref().or(args.targets.as_ref()), model.card.task) {
        (Some(masks), _) => masks.clone(),
        (None, Task::Classify) => args.images.clone(),
        (None, Task::Segment) => bail!("A segmenter is scored against masks: add --masks DIR"),
        (None, Task::Regress) if is_table => args.images.clone(),
        (None, Task::Regress) => {
            bail!("A regressor is scored against maps of the true numbers or a table: add --targets DIR")
        }
        (None, Task::Any) => args.images.clone(),
    };
    let data = EvaluationData { images: args.images.clone(), masks, scheme, info_bar: args.info_bar };
    match model.card.task {
        Task::Segment | Task::Classify => classes(args, &model, &data, &device),
        Task::Regress => numbers(args, &model, &data, &device),
        Task::Any => {
            bail!("{}'s card does not say what its answer means: there is nothing to score", model.card.name)
        }
    }
}

fn classes(args: &EvaluateArgs, model: &Model, data: &EvaluationData, device: &OpenDevice) -> Outcome {
    let evaluation = with_progress("Evaluating", |monitor| evaluate(model, data, &device.device, monitor))?;
    let otsu = if args.otsu && model.card.task == Task::Segment {
        Some(with_progress("Otsu", |monitor| evaluate_otsu(data, None, monitor))?)
    } else {
        None
    };
    if args.json {
        say_json(&Scores { model: &model.card.name, evaluation: &evaluation, otsu: otsu.as_ref() })?;
    } else {
        print_scores(&model.card.name, model.card.task, &evaluation);
        if let Some(otsu) = &otsu {
            print_scores("Otsu's threshold", Task::Segment, otsu);
        }
    }
    evaluation.failures.iter().for_each(|failure| complain(failure));
    Ok(Finished { failures: evaluation.failures.len() })
}

fn numbers(args: &EvaluateArgs, model: &Model, data: &EvaluationData, device: &OpenDevice) -> Outcome {
    let evaluate = |monitor: &_| evaluate_numbers(model, data, &device.device, monitor);
    let score = with_progress("Evaluating", evaluate)?;
    if args.json {
        say_json(&Scores { model: &model.card.name, evaluation: &score, otsu: None })?;
    } else {
        print_numbers(&model.card.name, &score);
    }
    score.failures.iter().for_each(|failure| complain(failure));
    Ok(Finished { failures: score.failures.len() })
}

fn share(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |v| format!("{v:.4}"))
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

/// A table of the classes, then the means; of a classifier also which class was taken for which.
pub(super) fn print_scores(who: &str, task: Task, evaluation: &Evaluation) {
    say(&format!("{who}, {} images", evaluation.images));
    if task == Task::Classify {
        print_classes(&evaluation.classes);
        print_confusion(evaluation);
        return say(&format!("accuracy {:.4}", evaluation.accuracy));
    }
    let heading = words(["class", "IoU", "Dice", "true px", "predicted px"]);
    let rows = evaluation.classes.iter().map(|class| {
        let pixels = [class.true_pixels, class.predicted_pixels].map(grouped);
        let [truth, predicted] = pixels;
        vec![class.name.clone(), share(class.iou), share(class.dice), truth, predicted]
    });
    let rows: Vec<Vec<String>> = std::iter::once(heading).chain(rows).collect();
    say(&table(&rows));
    say(&format!("mean IoU {:.4}, accuracy {:.4}", evaluation.mean_iou, evaluation.accuracy));
}

fn print_classes(classes: &[ClassScore]) {
    let heading = words(["class", "precision", "recall", "F1", "images", "called so"]);
    let rows = classes.iter().map(|class| {
        let [truth, called] = [class.true_pixels, class.predicted_pixels].map(grouped);
        let [precision, recall, f1] = [class.precision, class.recall, class.dice].map(share);
        vec![class.name.clone(), precision, recall, f1, truth, called]
    });
    say(&table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()));
}

/// One line a true class, one column for what it was called.
fn print_confusion(evaluation: &Evaluation) {
    let names = evaluation.classes.iter().map(|class| class.name.clone());
    let heading = std::iter::once("true \\ called".to_owned()).chain(names.clone()).collect();
    let rows = names.zip(&evaluation.confusion).map(|(name, counts)| {
        std::iter::once(name).chain(counts.iter().copied().map(grouped)).collect::<Vec<_>>()
    });
    say(&table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()));
}

/// A table of the outputs, then the means.
pub(super) fn print_numbers(who: &str, score: &RegressionScore) {
    let units = score.units.as_deref().map(|units| format!(", {units}")).unwrap_or_default();
    say(&format!("{who}, {} images{units}", score.images));
    let heading = words(["output", "mean absolute error", "RMSE", "bias", "numbers"]);
    let rows = score.outputs.iter().map(|output| {
        let [absolute, rmse, bias] =
            [output.mean_absolute_error, output.rmse, output.bias].map(|value| format!("{value:.5}"));
        vec![output.name.clone(), absolute, rmse, bias, grouped(output.count)]
    });
    say(&table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()));
    say(&format!("mean absolute error {:.5}, RMSE {:.5}", score.mean_absolute_error, score.rmse));
}
