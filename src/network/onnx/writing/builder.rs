//! The ONNX nodes under way, with short ways to add one.

use crate::network::onnx::proto::{AttributeProto, NodeProto, TensorProto, attribute_type, data_type};

/// Nodes and small tensors; what a node of ours needs besides its own value is called after it, behind a slash, which no
/// name of ours holds.
pub(super) struct Builder {
    pub(super) opset: i64,
    pub(super) nodes: Vec<NodeProto>,
    pub(super) tensors: Vec<TensorProto>,
    /// The node of ours that is being written.
    pub(super) at: String,
    /// How many values it has so far.
    parts: usize,
}

impl Builder {
    pub(super) fn new(opset: i64) -> Self {
        Self { opset, nodes: Vec::new(), tensors: Vec::new(), at: String::new(), parts: 0 }
    }

    /// Goes on to another node of ours.
    pub(super) fn begin(&mut self, name: &str) {
        name.clone_into(&mut self.at);
        self.parts = 0;
    }

    /// An operator that makes the value of our node itself.
    pub(super) fn result(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) {
        let name = self.at.clone();
        self.push(op, inputs, &name, attributes);
    }

    /// An operator on the way there; gives its value's name.
    pub(super) fn part(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let name = self.new_name(op);
        self.push(op, inputs, &name, attributes);
        name
    }

    fn push(&mut self, op: &str, inputs: &[&str], name: &str, attribute: Vec<AttributeProto>) {
        let mut input: Vec<String> = inputs.iter().map(|&input| input.to_owned()).collect();
        while input.last().is_some_and(String::is_empty) {
            input.pop();
        }
        let (name, output) = (name.to_owned(), vec![name.to_owned()]);
        self.nodes.push(NodeProto {
            input,
            output,
            name,
            op_type: op.to_owned(),
            attribute,
            domain: String::new(),
        });
    }

    /// Whole numbers in one axis, as shapes and axes are given to operators.
    pub(super) fn numbers(&mut self, values: &[i64]) -> String {
        self.whole(values, vec![values.len() as i64])
    }

    /// Whole numbers of a shape.
    pub(super) fn whole(&mut self, values: &[i64], dims: Vec<i64>) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(data_type::INT64, dims, bytes)
    }

    /// One number without an axis.
    pub(super) fn scalar(&mut self, value: f64) -> String {
        self.tensor(data_type::FLOAT, Vec::new(), (value as f32).to_le_bytes().to_vec())
    }

    /// Numbers of a shape.
    pub(super) fn floats(&mut self, values: &[f32], dims: Vec<i64>) -> String {
        self.tensor(data_type::FLOAT, dims, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    fn tensor(&mut self, data_type: i32, dims: Vec<i64>, bytes: Vec<u8>) -> String {
        let name = self.new_name("const");
        let raw_data = Some(bytes.into());
        self.tensors.push(TensorProto {
            dims,
            data_type,
            name: name.clone(),
            raw_data,
            ..TensorProto::default()
        });
        name
    }

    fn new_name(&mut self, what: &str) -> String {
        self.parts += 1;
        format!("{}/{}{}", self.at, what.to_lowercase(), self.parts)
    }

    /// True and false from numbers: all but 0 is true.
    pub(super) fn truth(&mut self, value: &str) -> String {
        self.part("Cast", &[value], vec![int("to", i64::from(data_type::BOOL))])
    }

    /// The node's value as 0 and 1 from true and false, or as floating-point numbers from whole ones.
    pub(super) fn result_from(&mut self, value: &str) {
        self.result("Cast", &[value], vec![int("to", i64::from(data_type::FLOAT))]);
    }

    /// Lengths of the axes `from..to` of a value, the batch counted, as whole numbers.
    pub(super) fn lengths(&mut self, value: &str, from: i64, to: i64) -> String {
        self.part("Shape", &[value], vec![int("start", from), int("end", to)])
    }
}

pub(super) fn float(name: &str, value: f64) -> AttributeProto {
    let (name, f) = (name.to_owned(), value as f32);
    AttributeProto { name, f, r#type: attribute_type::FLOAT, ..AttributeProto::default() }
}

pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    let name = name.to_owned();
    AttributeProto { name, i: value, r#type: attribute_type::INT, ..AttributeProto::default() }
}

/// Yes or no, as ONNX has it.
pub(super) fn flag(name: &str, value: bool) -> AttributeProto {
    int(name, i64::from(value))
}

pub(super) fn text(name: &str, value: &str) -> AttributeProto {
    let (name, s) = (name.to_owned(), value.as_bytes().to_vec().into());
    AttributeProto { name, s, r#type: attribute_type::STRING, ..AttributeProto::default() }
}

pub(super) fn ints(name: &str, values: &[usize]) -> AttributeProto {
    let (name, ints) = (name.to_owned(), values.iter().map(|&n| n as i64).collect());
    AttributeProto { name, ints, r#type: attribute_type::INTS, ..AttributeProto::default() }
}

/// Our axes, counted without the batch, as ONNX counts them.
pub(super) fn with_batch(axes: &[usize]) -> Vec<i64> {
    axes.iter().map(|&axis| axis as i64 + 1).collect()
}
