//! One node after another: what stands at its inputs, and what becomes of it.

use super::attributes::Call;
use super::build::Builder;
use super::file::OnnxFile;
use super::functions::Plain;
use super::known::Element;
use super::lower::{Reading, Wish, title};
use super::ops::operator;
use super::proto::{DimensionProto, TensorProto, ValueInfoProto};
use super::size::Size;
use super::value::{Live, Value};
use super::{OnnxError, Refused, fold, tensor};
use crate::network::Op;
use std::collections::{BTreeMap, BTreeSet};

/// A walk under way.
pub(super) struct Walk<'a> {
    pub(super) file: &'a OnnxFile,
    pub(super) wish: &'a Wish<'a>,
    pub(super) builder: Builder,
    pub(super) values: BTreeMap<String, Value>,
    pub(super) numbers: BTreeMap<&'a str, &'a TensorProto>,
}

impl Walk<'_> {
    /// Makes the node that the image enters at, and checks that nothing else enters.
    pub(super) fn enter(
        &mut self,
        nodes: &[Plain],
        order: &[usize],
        read: &BTreeSet<String>,
        output: &str,
    ) -> Result<(String, Vec<Option<usize>>), OnnxError> {
        let open = |input: &&ValueInfoProto| {
            !self.numbers.contains_key(input.name.as_str()) && !self.wish.bound.contains_key(&input.name)
        };
        let mut inputs = self.file.graph.input.iter().filter(open);
        let Some(image) = inputs.next() else { return Ok((String::new(), Vec::new())) };
        let others: Vec<&str> =
            inputs.map(|input| input.name.as_str()).filter(|name| read.contains(*name)).collect();
        if !others.is_empty() {
            return Err(OnnxError::File(format!(
                "The model reads several inputs, {} beside {}; a network has one",
                others.join(", "),
                image.name
            )));
        }
        let used = read.contains(&image.name) || output == image.name;
        let readers: BTreeSet<&str> = order
            .iter()
            .map(|&index| &nodes[index].node)
            .filter(|node| node.input.contains(&image.name))
            .map(|node| node.op_type.as_str())
            .collect();
        let readers = readers.into_iter().collect::<Vec<_>>().join(", ");
        let (sizes, element) = match declared(image, &readers) {
            Ok(declared) => declared,
            Err(_) if !used => return Ok((image.name.clone(), Vec::new())),
            Err(error) => return Err(error),
        };
        if used {
            let consumers = order.iter().map(|&index| &nodes[index]);
            let live = self.image(&image.name, &sizes, element, consumers)?;
            self.values.insert(image.name.clone(), Value::Live(live));
        }
        Ok((image.name.clone(), sizes))
    }

    fn image<'n>(
        &mut self,
        name: &str,
        sizes: &[Option<usize>],
        element: Element,
        consumers: impl Iterator<Item = &'n Plain>,
    ) -> Result<Live, OnnxError> {
        let refused = |Refused(what): Refused| OnnxError::File(format!("The input {name}: {what}"));
        let batched = self.wish.reading == Reading::Batch && !sizes.is_empty();
        let mut dims: Vec<Size> = sizes
            .iter()
            .enumerate()
            .map(|(axis, size)| size.map_or_else(|| Size::axis(axis), Size::from))
            .collect();
        if batched && dims[0].number().is_none_or(|n| n <= 1) {
            // An image is computed by itself, so that a free batch is one of one.
            dims[0] = Size::from(1_i64);
        }
        self.builder.base = "input".into();
        if batched && dims.len() == 4 {
            return self.planes(name, dims, element, consumers);
        }
        let own = dims[usize::from(batched)..].to_vec();
        let Some(shape) = own.iter().map(Size::count).collect::<Option<Vec<usize>>>() else {
            return Err(OnnxError::File(format!(
                "The input {name} has {} axes whose sizes the file does not say; only images may have any size",
                dims.len()
            )));
        };
        let node = self.builder.make("", Op::Array { shape }, Vec::new(), own).map_err(refused)?;
        Ok(Live { node, dims, batched, element })
    }

    /// Images, channels first or (as TensorFlow's) last.
    fn planes<'n>(
        &mut self,
        name: &str,
        mut dims: Vec<Size>,
        element: Element,
        consumers: impl Iterator<Item = &'n Plain>,
    ) -> Result<Live, OnnxError> {
        let refused = |Refused(what): Refused| OnnxError::File(format!("The input {name}: {what}"));
        let readers: Vec<&Plain> =
            consumers.filter(|plain| plain.node.input.iter().any(|input| input == name)).collect();
        let channels_last = !readers.is_empty() && readers.iter().all(|plain| puts_channels_first(plain));
        let axis = if channels_last { 3 } else { 1 };
        let channels = dims[axis].count().or_else(|| self.channels_of(name, &readers));
        let Some(channels) = channels.filter(|&channels| channels > 0) else {
            return Err(OnnxError::File(format!("The input {name} does not say how many channels it has")));
        };
        dims[axis] = Size::from(channels);
        let own = if channels_last {
            vec![dims[3].clone(), dims[1].clone(), dims[2].clone()]
        } else {
            dims[1..].to_vec()
        };
        let node = self.builder.make("", Op::Input { channels }, Vec::new(), own).map_err(refused)?;
        if !channels_last {
            return Ok(Live { node, dims, batched: true, element });
        }
        self.builder.note(format!("the input {name} has its channels last; images are turned to fit"));
        // Turned so that the file's own turn undoes it.
        let own = dims[1..].to_vec();
        let turned = self
            .builder
            .make("turned", Op::Permute { axes: vec![1, 2, 0] }, vec![node], own)
            .map_err(refused)?;
        Ok(Live { node: turned, dims, batched: true, element })
    }

    /// The channels that a convolution reads of the input.
    fn channels_of(&self, name: &str, readers: &[&Plain]) -> Option<usize> {
        let conv = readers.iter().find(|plain| {
            plain.node.op_type == "Conv" && plain.node.input.first().is_some_and(|input| input == name)
        })?;
        let weight = self.numbers.get(conv.node.input.get(1)?.as_str())?;
        let group = conv.node.attribute.iter().find(|attribute| attribute.name == "group").map_or(1, |a| a.i);
        usize::try_from(weight.dims.get(1)?.checked_mul(group)?).ok()
    }

    /// What stands at a name; `None` where nothing has made it.
    pub(super) fn value(&mut self, name: &str) -> Result<Option<Value>, OnnxError> {
        if let Some(value) = self.values.get(name) {
            return Ok(Some(value.clone()));
        }
        let (numbers, outside) = match self.wish.bound.get(name) {
            Some(bound) => (bound, None),
            None => match self.numbers.get(name) {
                Some(numbers) => (*numbers, self.file.outside.as_ref()),
                None => return Ok(None),
            },
        };
        let known = tensor::known(numbers, outside)
            .map_err(|Refused(what)| OnnxError::File(format!("The model's numbers cannot be had: {what}")))?;
        let value = Value::from(known);
        self.values.insert(name.to_owned(), value.clone());
        Ok(Some(value))
    }

    /// Builds one node.
    pub(super) fn node(
        &mut self,
        plain: &Plain,
        read: &BTreeSet<String>,
        output: &str,
    ) -> Result<(), OnnxError> {
        let node = &plain.node;
        let mut inputs = Vec::with_capacity(node.input.len());
        for name in &node.input {
            let value = if name.is_empty() { None } else { self.value(name)? };
            if value.is_none() && !name.is_empty() {
                return Err(OnnxError::File(format!(
                    "Node {} reads {name}, which nothing makes",
                    title(plain)
                )));
            }
            inputs.push(value);
        }
        let wanted = node
            .output
            .iter()
            .map(|name| !name.is_empty() && (read.contains(name) || name == output))
            .collect();
        let known = inputs.iter().flatten().all(|value| matches!(value, Value::Known(_)));
        let call = Call { node, inputs, wanted, opset: plain.opset };
        self.builder.base = self.builder.names.for_node(node);
        let folded: Option<Result<Vec<Value>, Refused>> = known
            .then(|| fold::fold(&call))
            .flatten()
            .map(|folded| folded.map(|known| known.into_iter().map(Value::from).collect()));
        let made = match (folded, operator(&node.op_type)) {
            (Some(folded), _) => folded,
            (None, Some(operator)) => operator(&mut self.builder, &call),
            (None, None) => Err(Refused("there is no way to run it".into())),
        };
        let values = made.map_err(|Refused(what)| OnnxError::Node {
            node: title(plain),
            op: node.op_type.clone(),
            what,
        })?;
        for (name, value) in node.output.iter().zip(values) {
            if !name.is_empty() {
                self.values.insert(name.clone(), value);
            }
        }
        Ok(())
    }
}

/// Whether a node turns [batch, y, x, channel] to [batch, channel, y, x].
fn puts_channels_first(plain: &Plain) -> bool {
    plain.node.op_type == "Transpose"
        && plain
            .node
            .attribute
            .iter()
            .any(|attribute| attribute.name == "perm" && attribute.ints == [0, 3, 1, 2])
}

/// Sizes and kind of numbers of the input, as the file declares them.
fn declared(input: &ValueInfoProto, readers: &str) -> Result<(Vec<Option<usize>>, Element), OnnxError> {
    let refuse =
        |what: &str| Err(OnnxError::File(format!("The input {}, which {readers} reads, {what}", input.name)));
    let Some(tensor) = input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref()) else {
        return refuse("is no array of numbers");
    };
    let Some(element) = Element::of(tensor.elem_type) else {
        return refuse("holds texts or complex numbers");
    };
    let Some(shape) = &tensor.shape else {
        return refuse("does not say how many axes it has");
    };
    if shape.dim.iter().any(|dim| dim.dim_value == Some(0)) {
        return refuse("has no values");
    }
    let size = |dim: &DimensionProto| dim.dim_value.and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0);
    Ok((shape.dim.iter().map(size).collect(), element))
}
