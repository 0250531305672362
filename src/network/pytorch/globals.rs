//! The names of Python objects that a state dict is made of. Every other name is refused; none is ever looked up.

use super::element::Element;

/// Something a pickle may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    /// `collections.OrderedDict` and its like: a dict.
    Dict,
    /// `collections.defaultdict`, whose first argument makes missing values.
    DefaultDict,
    Set,
    /// A storage of these numbers; `None`: of bytes.
    Storage(Option<Element>),
    Dtype(Element),
    /// `_rebuild_tensor`, `_rebuild_tensor_v2`: storage, offset, size, stride and what training needs.
    RebuildTensor,
    /// The same with the type of the numbers as seventh argument.
    RebuildTensorV3,
    /// Gives its first argument, a tensor.
    RebuildParameter,
    /// `_rebuild_from_type_v2`: another of these functions, a class, the function's arguments, and attributes.
    RebuildFromType,
    /// `torch.Size`: a tuple.
    Size,
    /// What makes harmless things that hold no weights: devices, numbers of numpy, namespaces.
    Plain,
}

/// Makers of things without weights, which are therefore never made.
const PLAIN: [(&str, &str); 20] = [
    ("torch", "device"),
    ("torch", "Tensor"),
    ("torch.nn.parameter", "Parameter"),
    ("torch.nn.parameter", "Buffer"),
    ("torch.serialization", "_get_layout"),
    ("argparse", "Namespace"),
    ("types", "SimpleNamespace"),
    ("datetime", "datetime"),
    ("datetime", "date"),
    ("datetime", "timedelta"),
    ("pathlib", "PosixPath"),
    ("pathlib", "WindowsPath"),
    ("_codecs", "encode"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.numeric", "_frombuffer"),
];

impl Global {
    /// The object of that name.
    ///
    /// # Errors
    /// For every name that no state dict needs.
    pub(super) fn named(module: &str, name: &str) -> Result<Self, String> {
        let known = match (module, name) {
            ("collections", "OrderedDict" | "Counter") | ("builtins" | "__builtin__", "dict") => Self::Dict,
            ("collections", "defaultdict") => Self::DefaultDict,
            ("builtins" | "__builtin__", "set" | "frozenset") => Self::Set,
            // They make nothing here: the value that a missing key would have.
            (
                "builtins" | "__builtin__",
                "int" | "long" | "float" | "complex" | "bool" | "str" | "unicode" | "list" | "tuple",
            ) => Self::Plain,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_tensor_v3") => Self::RebuildTensorV3,
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
                Self::RebuildParameter
            }
            ("torch._tensor", "_rebuild_from_type_v2") => Self::RebuildFromType,
            ("torch", "Size") => Self::Size,
            ("torch.storage", "UntypedStorage" | "_UntypedStorage") | ("torch", "UntypedStorage") => {
                Self::Storage(None)
            }
            // Storages on a GPU, in files of before 2020.
            ("torch" | "torch.cuda", name) if Element::of_storage(name).is_some() => {
                Self::Storage(Element::of_storage(name))
            }
            ("torch", name) if Element::of_dtype(name).is_some() => {
                Element::of_dtype(name).map_or(Self::Plain, Self::Dtype)
            }
            found if PLAIN.contains(&found) => Self::Plain,
            _ => return Err(refusal(module, name)),
        };
        Ok(known)
    }
}

/// Why a name is refused. Whole models are common enough for a word of advice.
fn refusal(module: &str, name: &str) -> String {
    let shown = |text: &str| -> String {
        text.chars().take(80).map(|c| if c.is_control() { '?' } else { c }).collect()
    };
    let called = format!("Refuses to call {}.{}", shown(module), shown(name));
    if module == "__torch__" || module.starts_with("__torch__.") {
        return "A TorchScript program, not weights; save the model's state_dict() or export it to ONNX"
            .into();
    }
    if name.contains("qtensor") || name.contains("sparse") {
        return format!("{called}: quantised and sparse tensors are not read");
    }
    let harmless = ["torch.nn.modules", "torchvision.", "timm.", "segmentation_models_pytorch.", "__main__"];
    if harmless.iter().any(|start| module.starts_with(start)) {
        return format!(
            "{called}: the file holds a Python object, not weights alone; save the model's state_dict()"
        );
    }
    format!("{called}, which no state dict needs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_state_dicts_are_made_of_is_known() {
        let known = |module, name| Global::named(module, name).unwrap();
        assert_eq!(known("collections", "OrderedDict"), Global::Dict);
        assert_eq!(known("torch", "HalfStorage"), Global::Storage(Some(Element::F16)));
        assert_eq!(known("torch.cuda", "FloatStorage"), Global::Storage(Some(Element::F32)));
        assert_eq!(known("torch.storage", "UntypedStorage"), Global::Storage(None));
        assert_eq!(known("torch", "bfloat16"), Global::Dtype(Element::Bf16));
        assert_eq!(known("argparse", "Namespace"), Global::Plain);
    }

    #[test]
    fn every_other_name_is_refused_and_said() {
        let refuse = |module, name, says: &str| {
            let message = Global::named(module, name).unwrap_err();
            assert!(message.contains(says), "{message:?} does not say {says:?}");
        };
        refuse("os", "system", "Refuses to call os.system, which no state dict needs");
        refuse("posix", "system", "posix.system");
        refuse("builtins", "eval", "builtins.eval");
        refuse("builtins", "getattr", "builtins.getattr");
        refuse("__builtin__", "exec", "__builtin__.exec");
        refuse("torch", "load", "torch.load");
        refuse("torch.cuda", "bfloat16", "torch.cuda.bfloat16");
        refuse("torch.hub", "load", "torch.hub.load");
        refuse("torch", "", "torch.");
        refuse("torchvision.models.resnet", "ResNet", "save the model's state_dict()");
        refuse("__torch__.Net", "Net", "TorchScript");
        refuse("torch._utils", "_rebuild_qtensor", "quantised");
        refuse("a\x1b[2J", "b", "a?[2J.b");
        assert!(Global::named(&"x".repeat(1000), "y").unwrap_err().len() < 200);
    }
}
