//! Operators that a file defines itself, by other operators: their nodes take the place of each call.

use super::OnnxError;
use super::proto::{AttributeProto, FunctionProto, ModelProto, NodeProto};
use std::collections::BTreeMap;

/// Functions that call functions, at most.
const MAX_DEPTH: usize = 16;
/// Nodes of a file with all calls written out, at most.
const MAX_NODES: usize = 100_000;

/// A node and the operator set that it belongs to.
pub(super) struct Plain {
    pub(super) node: NodeProto,
    pub(super) opset: i64,
}

/// The nodes with every call written out.
pub(super) fn inlined(model: &ModelProto, nodes: &[NodeProto], opset: i64) -> Result<Vec<Plain>, OnnxError> {
    let mut plain = Vec::with_capacity(nodes.len());
    let mut calls = 0;
    for node in nodes {
        add(model, node.clone(), opset, (0, &mut calls), &mut plain)?;
    }
    Ok(plain)
}

fn add(
    model: &ModelProto,
    node: NodeProto,
    opset: i64,
    (depth, calls): (usize, &mut usize),
    plain: &mut Vec<Plain>,
) -> Result<(), OnnxError> {
    let is_called =
        |function: &&FunctionProto| function.name == node.op_type && function.domain == node.domain;
    let Some(function) = model.functions.iter().find(is_called) else {
        if plain.len() >= MAX_NODES {
            return Err(OnnxError::File(format!("The model has more than {MAX_NODES} nodes")));
        }
        plain.push(Plain { node, opset });
        return Ok(());
    };
    if depth >= MAX_DEPTH || *calls >= MAX_NODES {
        return Err(OnnxError::File(format!(
            "The model's function {} is called too deep, or too often",
            function.name
        )));
    }
    *calls += 1;
    let own = |domain: &str| domain.is_empty() || domain == "ai.onnx";
    let opset =
        function.opset_import.iter().find(|opset| own(&opset.domain)).map_or(opset, |opset| opset.version);
    let names = outer_names(function, &node, *calls);
    for inner in &function.node {
        let inner = written_out(function, &node, inner, &names);
        add(model, inner, opset, (depth + 1, calls), plain)?;
    }
    Ok(())
}

/// What the function's inputs and outputs are called outside; all else has a name that only this call has.
struct Names<'a> {
    outer: BTreeMap<&'a str, &'a str>,
    prefix: String,
}

impl Names<'_> {
    fn of(&self, name: &str) -> String {
        match self.outer.get(name) {
            Some(outer) => (*outer).to_owned(),
            None if name.is_empty() => String::new(),
            None => format!("{}/{name}", self.prefix),
        }
    }
}

fn outer_names<'a>(function: &'a FunctionProto, call: &'a NodeProto, number: usize) -> Names<'a> {
    let mut outer = BTreeMap::new();
    for (index, name) in function.input.iter().enumerate() {
        outer.insert(name.as_str(), call.input.get(index).map_or("", String::as_str));
    }
    for (index, name) in function.output.iter().enumerate() {
        if let Some(outside) = call.output.get(index).filter(|outside| !outside.is_empty()) {
            outer.insert(name.as_str(), outside.as_str());
        }
    }
    let name = if call.name.is_empty() { &call.op_type } else { &call.name };
    Names { outer, prefix: format!("{name}_{number}") }
}

/// A function's node with the caller's names and attributes.
fn written_out(
    function: &FunctionProto,
    call: &NodeProto,
    inner: &NodeProto,
    names: &Names<'_>,
) -> NodeProto {
    let attribute = |attribute: &AttributeProto| {
        if attribute.ref_attr_name.is_empty() {
            return Some(attribute.clone());
        }
        let named = |given: &&AttributeProto| given.name == attribute.ref_attr_name;
        let given =
            call.attribute.iter().find(named).or_else(|| function.attribute_proto.iter().find(named))?;
        Some(AttributeProto { name: attribute.name.clone(), ..given.clone() })
    };
    NodeProto {
        input: inner.input.iter().map(|name| names.of(name)).collect(),
        output: inner.output.iter().map(|name| names.of(name)).collect(),
        name: names.of(if inner.name.is_empty() { &inner.op_type } else { &inner.name }),
        op_type: inner.op_type.clone(),
        attribute: inner.attribute.iter().filter_map(attribute).collect(),
        domain: inner.domain.clone(),
    }
}
