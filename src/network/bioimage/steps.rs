//! The steps before and behind a network that packages describe, and their numbers.

use super::description::Axis;
use serde_json::Value;

/// Smallest number that is added to a deviation, where a package says none.
const EPS: f64 = 1e-6;

/// One number for all, or one for every index of an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Numbers {
    pub(super) values: Vec<f64>,
    /// `None`: one number for all.
    pub(super) axis: Option<Axis>,
}

impl Numbers {
    /// The number, where there is one for all.
    pub(super) fn single(&self) -> Option<f64> {
        match self.values[..] {
            [value] => Some(value),
            _ => None,
        }
    }
}

/// Which axes a statistic is taken over together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Over {
    All,
    Axes(Vec<Axis>),
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// 1 above the threshold, else 0.
    Binarize {
        threshold: Numbers,
    },
    Clip {
        min: Option<f64>,
        max: Option<f64>,
    },
    /// gain · x + offset.
    ScaleLinear {
        gain: Numbers,
        offset: Numbers,
    },
    Sigmoid,
    Softmax {
        axis: Axis,
    },
    /// (x − mean) / (std + eps), with given numbers.
    Fixed {
        mean: Numbers,
        std: Numbers,
        eps: f64,
    },
    /// The same with the image's own mean and deviation.
    ZeroMean {
        over: Over,
    },
    /// (x − low) / (high − low + eps), with the image's own percentiles.
    ScaleRange {
        over: Over,
        low: f64,
        high: f64,
        reference: Option<String>,
    },
    /// Whole numbers are cut towards zero, others stay.
    EnsureType {
        whole: bool,
    },
}

impl Step {
    /// As packages write it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Binarize { .. } => "binarize",
            Self::Clip { .. } => "clip",
            Self::ScaleLinear { .. } => "scale_linear",
            Self::Sigmoid => "sigmoid",
            Self::Softmax { .. } => "softmax",
            Self::Fixed { .. } => "fixed_zero_mean_unit_variance",
            Self::ZeroMean { .. } => "zero_mean_unit_variance",
            Self::ScaleRange { .. } => "scale_range",
            Self::EnsureType { .. } => "ensure_dtype",
        }
    }
}

/// Reads a list of steps, whose names stand under `key`.
///
/// # Errors
/// The name of a step that is not known, or what is wrong with its numbers.
pub(super) fn read(list: &[Value], key: &str) -> Result<Vec<Step>, String> {
    list.iter().map(|value| step(value, key)).collect()
}

fn step(value: &Value, key: &str) -> Result<Step, String> {
    let name = value[key].as_str().unwrap_or_default();
    let arguments = Arguments { name, values: &value["kwargs"] };
    match name {
        "binarize" => Ok(Step::Binarize { threshold: arguments.numbers("threshold", None)? }),
        "clip" => {
            if !arguments.values["min_percentile"].is_null() || !arguments.values["max_percentile"].is_null()
            {
                return Err("The step clip by percentiles is not known here".into());
            }
            Ok(Step::Clip { min: arguments.optional("min")?, max: arguments.optional("max")? })
        }
        "scale_linear" => Ok(Step::ScaleLinear {
            gain: arguments.numbers("gain", Some(1.0))?,
            offset: arguments.numbers("offset", Some(0.0))?,
        }),
        "sigmoid" => Ok(Step::Sigmoid),
        "softmax" => {
            let axis = arguments.values["axis"].as_str().map_or(Axis::Channel, Axis::named);
            Ok(Step::Softmax { axis })
        }
        "fixed_zero_mean_unit_variance" => arguments.fixed(),
        "zero_mean_unit_variance" => match arguments.mode()? {
            Some("fixed") => arguments.fixed(),
            _ => Ok(Step::ZeroMean { over: arguments.over() }),
        },
        "scale_range" => {
            arguments.mode()?;
            Ok(Step::ScaleRange {
                over: arguments.over(),
                low: arguments.optional("min_percentile")?.unwrap_or(0.0),
                high: arguments.optional("max_percentile")?.unwrap_or(100.0),
                reference: arguments.values["reference_tensor"].as_str().map(str::to_owned),
            })
        }
        "ensure_dtype" => {
            let kind = arguments.values["dtype"].as_str().unwrap_or_default();
            Ok(Step::EnsureType { whole: !kind.starts_with("float") })
        }
        other => Err(format!("The step {other:?} is not known here")),
    }
}

/// The arguments of a step.
struct Arguments<'a> {
    name: &'a str,
    values: &'a Value,
}

impl Arguments<'_> {
    fn optional(&self, key: &str) -> Result<Option<f64>, String> {
        match &self.values[key] {
            Value::Null => Ok(None),
            // Packages write an open bound as infinity.
            Value::String(text) if [".inf", "-.inf", "+.inf"].contains(&text.as_str()) => Ok(None),
            value => value.as_f64().map(Some).ok_or_else(|| self.wrong(key)),
        }
    }

    /// One number or several. Those of version 0.4 name the axes that they share, those of 0.5 the one that they follow.
    fn numbers(&self, key: &str, default: Option<f64>) -> Result<Numbers, String> {
        let values = match (&self.values[key], default) {
            (Value::Null, Some(default)) => vec![default],
            (Value::Array(list), _) => {
                list.iter().map(Value::as_f64).collect::<Option<_>>().ok_or_else(|| self.wrong(key))?
            }
            (value, _) => vec![value.as_f64().ok_or_else(|| self.wrong(key))?],
        };
        if values.is_empty() {
            return Err(self.wrong(key));
        }
        let axis = self.values["axis"].as_str().map_or(Axis::Channel, Axis::named);
        let axis = (values.len() > 1).then_some(axis);
        Ok(Numbers { values, axis })
    }

    fn fixed(&self) -> Result<Step, String> {
        let (mean, std) = (self.numbers("mean", None)?, self.numbers("std", None)?);
        if std.values.iter().any(|std| std.is_nan() || *std <= 0.0) || mean.values.len() != std.values.len() {
            return Err(self.wrong("std"));
        }
        let eps = self.optional("eps")?.unwrap_or(EPS);
        Ok(Step::Fixed { mean, std, eps })
    }

    /// The mode of version 0.4; statistics over a whole data set are not known here.
    fn mode(&self) -> Result<Option<&str>, String> {
        match self.values["mode"].as_str() {
            Some("per_dataset") => Err(format!(
                "The step {} takes the statistics of a whole data set, which are not known here",
                self.name
            )),
            mode => Ok(mode),
        }
    }

    fn over(&self) -> Over {
        match &self.values["axes"] {
            Value::String(letters) => {
                let axis = |letter: char| Axis::named(letter.encode_utf8(&mut [0; 4]));
                Over::Axes(letters.chars().map(axis).collect())
            }
            Value::Array(names) => {
                Over::Axes(names.iter().filter_map(Value::as_str).map(Axis::named).collect())
            }
            _ => Over::All,
        }
    }

    fn wrong(&self, key: &str) -> String {
        format!("The step {} has no usable {key}", self.name)
    }
}
