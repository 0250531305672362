//! A node's attributes and inputs, as its operator reads them.

use super::known::Known;
use super::proto::{AttributeProto, NodeProto};
use super::value::Value;
use super::{Refused, refuse};

/// One node under way: what it says, and what stands at its inputs.
pub(super) struct Call<'a> {
    pub(super) node: &'a NodeProto,
    /// `None` for an optional input that is not given.
    pub(super) inputs: Vec<Option<Value>>,
    /// Which of its outputs somebody reads.
    pub(super) wanted: Vec<bool>,
    /// Of the operator set that the node belongs to.
    pub(super) opset: i64,
}

impl Call<'_> {
    fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.node.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    pub(super) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |attribute| attribute.i)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.int(name, 0) != 0
    }

    pub(super) fn float(&self, name: &str, default: f64) -> f64 {
        self.attribute(name).map_or(default, |attribute| f64::from(attribute.f))
    }

    pub(super) fn ints(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name).map(|attribute| attribute.ints.as_slice())
    }

    pub(super) fn floats(&self, name: &str) -> Option<&[f32]> {
        self.attribute(name).map(|attribute| attribute.floats.as_slice())
    }

    pub(super) fn tensor(&self, name: &str) -> Option<&super::proto::TensorProto> {
        self.attribute(name).and_then(|attribute| attribute.t.as_deref())
    }

    /// A word such as "SAME_UPPER"; empty where it is not given.
    pub(super) fn word(&self, name: &str) -> &str {
        let bytes = self.attribute(name).map(|attribute| &attribute.s[..]).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Sizes an axis, `count` of them, each from 0 (or `least`) to what an image could have.
    pub(super) fn sizes(
        &self,
        name: &str,
        count: usize,
        default: usize,
        least: i64,
    ) -> Result<Vec<usize>, Refused> {
        let Some(values) = self.ints(name).filter(|values| !values.is_empty()) else {
            return Ok(vec![default; count]);
        };
        if values.len() != count {
            return refuse(format!("{name} has {} numbers, expected {count}", values.len()));
        }
        let size = |&value: &i64| {
            usize::try_from(value).ok().filter(|_| value >= least && value <= i64::from(u32::MAX))
        };
        let sizes: Option<Vec<usize>> = values.iter().map(size).collect();
        sizes.map_or_else(|| refuse(format!("{name} cannot be {values:?}")), Ok)
    }

    /// One whole number of at least 1.
    pub(super) fn sizes_one(&self, name: &str, default: i64) -> Result<usize, Refused> {
        let value = self.int(name, default);
        let size = usize::try_from(value).ok().filter(|&n| n >= 1);
        size.map_or_else(|| refuse(format!("{name} cannot be {value}")), Ok)
    }

    pub(super) fn input(&self, index: usize) -> Option<&Value> {
        self.inputs.get(index).and_then(Option::as_ref)
    }

    pub(super) fn needed(&self, index: usize) -> Result<&Value, Refused> {
        self.input(index).map_or_else(|| refuse(format!("its input {index} is missing")), Ok)
    }

    /// An input whose numbers must be known; `None` where it is not given.
    pub(super) fn known(&self, index: usize) -> Result<Option<&Known>, Refused> {
        match self.input(index) {
            None => Ok(None),
            Some(Value::Known(known)) => Ok(Some(known)),
            Some(Value::Live(_)) => refuse(format!(
                "its input {} is computed from the image; it must be a constant",
                self.node.input.get(index).map_or("", String::as_str)
            )),
        }
    }

    pub(super) fn needed_known(&self, index: usize) -> Result<&Known, Refused> {
        self.known(index)?.map_or_else(|| refuse(format!("its input {index} is missing")), Ok)
    }

    /// Whole numbers from an input, or from the attribute that older operator sets have instead.
    pub(super) fn ints_of(&self, input: usize, attribute: &str) -> Result<Option<Vec<i64>>, Refused> {
        if let Some(known) = self.known(input)? {
            return known.ints().map_or_else(
                || refuse(format!("its input {input} depends on the image's size")),
                |ints| Ok(Some(ints)),
            );
        }
        Ok(self.ints(attribute).map(<[i64]>::to_vec))
    }

    /// One number from an input, or from an attribute.
    pub(super) fn number_of(&self, input: usize, attribute: &str) -> Result<Option<f64>, Refused> {
        if let Some(known) = self.known(input)? {
            return known.scalar().map_or_else(
                || refuse(format!("its input {input} has {} numbers, expected one", known.len())),
                |number| Ok(Some(number)),
            );
        }
        Ok(self.attribute(attribute).map(|attribute| f64::from(attribute.f)))
    }
}

/// An axis counted from either end as one counted from the first.
pub(super) fn axis_of(axis: i64, rank: usize) -> Result<usize, Refused> {
    let counted = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    match counted.and_then(|axis| usize::try_from(axis).ok()).filter(|&axis| axis < rank) {
        Some(axis) => Ok(axis),
        None => refuse(format!("there is no axis {axis} among {rank}")),
    }
}

/// The same for several, in rising order, none twice.
pub(super) fn axes_of(axes: &[i64], rank: usize) -> Result<Vec<usize>, Refused> {
    let mut found = axes.iter().map(|&axis| axis_of(axis, rank)).collect::<Result<Vec<_>, _>>()?;
    found.sort_unstable();
    if found.windows(2).any(|pair| pair[0] == pair[1]) {
        return refuse(format!("axes {axes:?} name one twice"));
    }
    Ok(found)
}
