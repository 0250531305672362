//! How well predicted classes agree with true ones: the confusion matrix and what follows from it.
use super::{ClassScore, Evaluation, TrainingError};

/// `counts[true class][predicted class]`, of pixels (segmenters) or images (classifiers).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Confusion {
    counts: Vec<Vec<u64>>,
}

impl Confusion {
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self { counts: vec![vec![0; classes]; classes] }
    }

    /// Counts one pixel or image; a class out of range is not counted.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        if let Some(count) = self.counts.get_mut(truth).and_then(|row| row.get_mut(predicted)) {
            *count += 1;
        }
    }

    /// Adds the counts of another matrix of the same classes.
    pub fn merge(&mut self, other: &Self) {
        for (row, more) in self.counts.iter_mut().zip(&other.counts) {
            for (count, more) in row.iter_mut().zip(more) {
                *count += more;
            }
        }
    }

    #[must_use]
    pub fn true_count(&self, class: usize) -> u64 {
        self.counts[class].iter().sum()
    }

    #[must_use]
    pub fn predicted_count(&self, class: usize) -> u64 {
        self.counts.iter().map(|row| row[class]).sum()
    }

    /// Intersection over union (Jaccard); `None` when the class is neither predicted nor true anywhere.
    #[must_use]
    pub fn iou(&self, class: usize) -> Option<f64> {
        let (both, sum) = (self.counts[class][class], self.true_count(class) + self.predicted_count(class));
        (sum > 0).then(|| both as f64 / (sum - both) as f64)
    }

    /// Dice's coefficient (F1); `None` when the class is neither predicted nor true anywhere.
    #[must_use]
    pub fn dice(&self, class: usize) -> Option<f64> {
        let (both, sum) = (self.counts[class][class], self.true_count(class) + self.predicted_count(class));
        (sum > 0).then(|| 2.0 * both as f64 / sum as f64)
    }

    /// Share of what was called this class that is it; `None` when nothing was.
    #[must_use]
    pub fn precision(&self, class: usize) -> Option<f64> {
        let called = self.predicted_count(class);
        (called > 0).then(|| self.counts[class][class] as f64 / called as f64)
    }

    /// Share of what is this class that was called it; `None` when nothing is.
    #[must_use]
    pub fn recall(&self, class: usize) -> Option<f64> {
        let there = self.true_count(class);
        (there > 0).then(|| self.counts[class][class] as f64 / there as f64)
    }

    /// Mean over the classes that are true or predicted somewhere; 0 when nothing was counted.
    #[must_use]
    pub fn mean_iou(&self) -> f64 {
        let present: Vec<f64> = (0..self.counts.len()).filter_map(|class| self.iou(class)).collect();
        present.iter().sum::<f64>() / present.len().max(1) as f64
    }

    /// Share of pixels (images) that are right; 0 when nothing was counted.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let right: u64 = (0..self.counts.len()).map(|class| self.counts[class][class]).sum();
        let all: u64 = self.counts.iter().flatten().sum();
        right as f64 / all.max(1) as f64
    }

    /// The whole table; refused when nothing was counted.
    pub(super) fn evaluation(
        self,
        names: &[String],
        images: usize,
        failures: Vec<String>,
    ) -> Result<Evaluation, TrainingError> {
        if images == 0 {
            let why = failures.first().map(|f| format!(": {f}")).unwrap_or_default();
            return Err(TrainingError::Data(format!("No image could be evaluated{why}")));
        }
        let score = |(class, name): (usize, &String)| ClassScore {
            name: name.clone(),
            iou: self.iou(class),
            dice: self.dice(class),
            precision: self.precision(class),
            recall: self.recall(class),
            true_pixels: self.true_count(class),
            predicted_pixels: self.predicted_count(class),
        };
        Ok(Evaluation {
            images,
            classes: names.iter().enumerate().map(score).collect(),
            mean_iou: self.mean_iou(),
            accuracy: self.accuracy(),
            confusion: self.counts,
            failures,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(pairs: &[(usize, usize)], classes: usize) -> Confusion {
        let mut confusion = Confusion::new(classes);
        for (truth, predicted) in pairs {
            confusion.add(*truth, *predicted);
        }
        confusion
    }

    /// By hand: class 0 is right 3 times of 4 true and 4 predicted, so IoU 3 / (4 + 4 − 3) and Dice 6 / 8.
    #[test]
    fn scores_are_those_worked_out_by_hand() {
        let truth = [0, 0, 0, 0, 1, 1, 1, 2];
        let predicted = [0, 0, 0, 1, 1, 1, 0, 1];
        let pairs: Vec<(usize, usize)> = truth.into_iter().zip(predicted).collect();
        let confusion = counted(&pairs, 3);
        assert_eq!(confusion.counts, [[3, 1, 0], [1, 2, 0], [0, 1, 0]]);
        let expected = [(0.6, 0.75), (0.4, 4.0 / 7.0), (0.0, 0.0)];
        for (class, (iou, dice)) in expected.into_iter().enumerate() {
            assert!((confusion.iou(class).unwrap() - iou).abs() < 1e-12);
            assert!((confusion.dice(class).unwrap() - dice).abs() < 1e-12);
        }
        assert!((confusion.mean_iou() - 1.0 / 3.0).abs() < 1e-12);
        assert!((confusion.accuracy() - 0.625).abs() < 1e-12);
        // Class 1 is called 4 times, twice rightly, and is there 3 times; class 2 is there once and never called.
        assert_eq!((confusion.precision(1), confusion.recall(1)), (Some(0.5), Some(2.0 / 3.0)));
        assert_eq!((confusion.precision(2), confusion.recall(2)), (None, Some(0.0)));
    }

    #[test]
    fn a_class_that_is_nowhere_has_no_score_and_does_not_count() {
        let confusion = counted(&[(0, 0), (1, 1)], 3);
        assert_eq!(confusion.iou(2), None);
        assert_eq!(confusion.mean_iou(), 1.0);
    }

    #[test]
    fn a_class_only_predicted_counts_as_wrong() {
        let confusion = counted(&[(0, 0), (0, 0), (0, 0), (0, 2)], 3);
        assert_eq!((confusion.iou(0), confusion.iou(2)), (Some(0.75), Some(0.0)));
        assert_eq!(confusion.mean_iou(), 0.375);
    }

    #[test]
    fn merged_matrices_add_up() {
        let mut sum = counted(&[(0, 1)], 2);
        sum.merge(&counted(&[(0, 1), (1, 1)], 2));
        assert_eq!(sum, counted(&[(0, 1), (0, 1), (1, 1)], 2));
    }

    #[test]
    fn nothing_evaluated_is_an_error_with_the_first_reason() {
        let failed = Confusion::new(2).evaluation(&[], 0, vec!["Truncated: a.tif".to_owned()]);
        assert_eq!(failed.unwrap_err().to_string(), "No image could be evaluated: Truncated: a.tif");
    }
}
