//! How far predicted numbers are from the true ones: sums of errors and what follows from them.
use super::TrainingError;
use serde::{Deserialize, Serialize};

/// Errors of each output, summed over pixels or images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Residuals {
    outputs: Vec<Sums>,
}

/// Of one output.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Sums {
    count: u64,
    error: f64,
    absolute: f64,
    squared: f64,
}

/// Errors of one output.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutputScore {
    pub name: String,
    pub mean_absolute_error: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean of predicted − true.
    pub bias: f64,
    /// Pixels, or images.
    pub count: u64,
}

/// A regressor against numbers it never saw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegressionScore {
    pub images: usize,
    pub outputs: Vec<OutputScore>,
    /// Over the outputs, each counting the same.
    pub mean_absolute_error: f64,
    pub rmse: f64,
    pub units: Option<String>,
    /// Files that could not be judged, and why.
    pub failures: Vec<String>,
}

impl Residuals {
    #[must_use]
    pub fn new(outputs: usize) -> Self {
        Self { outputs: vec![Sums::default(); outputs] }
    }

    /// Counts one number of an output; where the truth is not known (NaN) nothing is counted.
    pub fn add(&mut self, output: usize, truth: f32, predicted: f32) {
        let error = f64::from(predicted) - f64::from(truth);
        if let Some(sums) = self.outputs.get_mut(output).filter(|_| truth.is_finite()) {
            sums.count += 1;
            sums.error += error;
            sums.absolute += error.abs();
            sums.squared += error * error;
        }
    }

    /// Adds the sums of another of the same outputs.
    pub fn merge(&mut self, other: &Self) {
        for (sums, more) in self.outputs.iter_mut().zip(&other.outputs) {
            sums.count += more.count;
            sums.error += more.error;
            sums.absolute += more.absolute;
            sums.squared += more.squared;
        }
    }

    fn mean_of(&self, what: impl Fn(&Sums) -> f64) -> f64 {
        let counted: Vec<f64> = self.outputs.iter().filter(|sums| sums.count > 0).map(what).collect();
        counted.iter().sum::<f64>() / counted.len().max(1) as f64
    }

    /// Over the outputs that have a truth somewhere, each counting the same.
    #[must_use]
    pub fn mean_absolute_error(&self) -> f64 {
        self.mean_of(|sums| sums.absolute / sums.count as f64)
    }

    /// Root of the mean squared error over the same outputs.
    #[must_use]
    pub fn rmse(&self) -> f64 {
        self.mean_of(|sums| sums.squared / sums.count as f64).sqrt()
    }

    /// Mean absolute error of one output; `None` where its truth is nowhere known.
    #[must_use]
    pub fn of_output(&self, output: usize) -> Option<f64> {
        let sums = self.outputs.get(output).filter(|sums| sums.count > 0)?;
        Some(sums.absolute / sums.count as f64)
    }

    /// The whole table; refused when nothing was counted.
    pub(super) fn score(
        &self,
        names: &[String],
        units: Option<&str>,
        images: usize,
        failures: Vec<String>,
    ) -> Result<RegressionScore, TrainingError> {
        if images == 0 {
            let why = failures.first().map(|f| format!(": {f}")).unwrap_or_default();
            return Err(TrainingError::Data(format!("No image could be evaluated{why}")));
        }
        let output = |(name, sums): (&String, &Sums)| {
            let count = sums.count.max(1) as f64;
            OutputScore {
                name: name.clone(),
                mean_absolute_error: sums.absolute / count,
                rmse: (sums.squared / count).sqrt(),
                bias: sums.error / count,
                count: sums.count,
            }
        };
        Ok(RegressionScore {
            images,
            outputs: names.iter().zip(&self.outputs).map(output).collect(),
            mean_absolute_error: self.mean_absolute_error(),
            rmse: self.rmse(),
            units: units.map(str::to_owned),
            failures,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: errors 1, −2 of the first output and 0, 4 of the second.
    #[test]
    fn scores_are_those_worked_out_by_hand() {
        let mut residuals = Residuals::new(2);
        for (output, truth, predicted) in [(0, 1.0, 2.0), (0, 5.0, 3.0), (1, 7.0, 7.0), (1, 0.0, 4.0)] {
            residuals.add(output, truth, predicted);
        }
        residuals.add(0, f32::NAN, 100.0);
        residuals.add(7, 0.0, 100.0);
        assert_eq!([residuals.of_output(0), residuals.of_output(1)], [Some(1.5), Some(2.0)]);
        assert_eq!(residuals.mean_absolute_error(), 1.75);
        assert_eq!(residuals.rmse(), f64::midpoint(2.5, 8.0).sqrt());
        let names = ["a", "b"].map(str::to_owned);
        let score = residuals.score(&names, Some("nm"), 2, Vec::new()).unwrap();
        assert_eq!((score.outputs[0].bias, score.outputs[1].bias), (-0.5, 2.0));
        assert_eq!((score.outputs[0].count, score.outputs[1].rmse), (2, 8.0_f64.sqrt()));
    }

    #[test]
    fn merged_sums_add_up_and_unknown_outputs_do_not_count() {
        let mut sum = Residuals::new(2);
        sum.add(0, 0.0, 1.0);
        let mut other = Residuals::new(2);
        other.add(0, 0.0, 3.0);
        sum.merge(&other);
        assert_eq!((sum.mean_absolute_error(), sum.of_output(1)), (2.0, None));
    }

    #[test]
    fn nothing_evaluated_is_an_error_with_the_first_reason() {
        let failed = Residuals::new(1).score(&[], None, 0, vec!["Truncated: a.tif".to_owned()]);
        assert_eq!(failed.unwrap_err().to_string(), "No image could be evaluated: Truncated: a.tif");
    }
}
