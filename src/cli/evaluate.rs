//! `polepiece evaluate`: a model, and Otsu's threshold on request, against masks.

use anyhow::bail;
use serde::Serialize;

use crate::network::Task;
use crate::training::{Evaluation, EvaluationData, LabelScheme, evaluate, evaluate_otsu};

use super::args::EvaluateArgs;
use super::context::{load_model, open_device};
use super::terminal::{Finished, Outcome, complain, grouped, say, say_json, table, with_progress};

#[derive(Serialize)]
struct Scores<'a> {
    model: &'a str,
    #[serde(flatten)]
    evaluation: &'a Evaluation,
    #[serde(skip_serializing_if = "Option::is_none")]
    otsu: Option<&'a Evaluation>,
}

pub(super) fn run(args: &EvaluateArgs) -> Outcome {
    let scheme = args.labels.as_deref().map(LabelScheme::load).transpose()?;
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, None)?;
    let masks = match (&args.masks, model.card.task) {
        (Some(masks), _) => masks.clone(),
        (None, Task::Classify) => args.images.clone(),
        (None, Task::Segment) => bail!("A segmenter is scored against masks: add --masks DIR"),
    };
    let data = EvaluationData { images: args.images.clone(), masks, scheme, info_bar: args.info_bar };
    let evaluation = with_progress("Evaluating", |monitor| evaluate(&model, &data, &device.device, monitor))?;
    let otsu = if args.otsu && model.card.task == Task::Segment {
        Some(with_progress("Otsu", |monitor| evaluate_otsu(&data, None, monitor))?)
    } else {
        None
    };
    if args.json {
        say_json(&Scores { model: &model.card.name, evaluation: &evaluation, otsu: otsu.as_ref() })?;
    } else {
        print_scores(&model.card.name, &evaluation);
        if let Some(otsu) = &otsu {
            print_scores("Otsu's threshold", otsu);
        }
    }
    evaluation.failures.iter().for_each(|failure| complain(failure));
    Ok(Finished { failures: evaluation.failures.len() })
}

/// A table of the classes, then the means.
pub(super) fn print_scores(who: &str, evaluation: &Evaluation) {
    let share = |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{v:.4}"));
    let heading = ["class", "IoU", "Dice", "true px", "predicted px"].map(str::to_owned).to_vec();
    let rows = evaluation.classes.iter().map(|class| {
        let pixels = [class.true_pixels, class.predicted_pixels].map(grouped);
        let [truth, predicted] = pixels;
        vec![class.name.clone(), share(class.iou), share(class.dice), truth, predicted]
    });
    let rows: Vec<Vec<String>> = std::iter::once(heading).chain(rows).collect();
    say(&format!("{who}, {} images", evaluation.images));
    say(&table(&rows));
    say(&format!("mean IoU {:.4}, accuracy {:.4}", evaluation.mean_iou, evaluation.accuracy));
}
