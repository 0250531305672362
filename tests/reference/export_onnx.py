#!/usr/bin/env python3
"""Hold exported ONNX files against ONNX Runtime.

    cargo build --release
    venv/bin/pip install numpy onnx onnxruntime
    venv/bin/python tests/reference/export_onnx.py [--opsets 17 18 19 20 21 22] [--only NAME] [--polepiece PROGRAM]

Every shipped model, and a small graph for every operation, written here as a model file of random weights, is exported by
`polepiece export`; ONNX's checker must pass the file with its shapes inferred, and `polepiece run --all` and ONNX Runtime
must agree at every node, on a batch of two and on a second image size where the file takes any. Numbers agree when they
differ by no more than 1e-4 of the largest value of the node, or 1e-4 where that is below 1.
"""
import argparse
import json
import math
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

HOME = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-4
RNG = np.random.default_rng(3)


# Models of one small graph

def card(classes, channels, size):
    return {
        "name": "case", "task": "classify", "normalisation": {"kind": "z_score"}, "input_size": size,
        "classes": [{"name": f"class {i}", "colour": [0, 0, 0]} for i in range(classes)],
        "channels": [f"channel {i}" for i in range(channels)],
    }


def write_model(path, nodes, tensors, about):
    """The file's layout is in src/network/file.rs."""
    graph = {"architecture": "case", "nodes": nodes}
    header = {"__metadata__": {"polepiece.format": "1", "polepiece.graph": json.dumps(graph), "polepiece.card": json.dumps(about)}}
    data = b""
    for name in sorted(tensors):
        values = np.ascontiguousarray(tensors[name], "<f4")
        start, data = len(data), data + values.tobytes()
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [start, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def random_weights(node):
    """Names and shapes are those of src/network/weights.rs."""
    op, normal = node["op"], lambda *shape: RNG.standard_normal(shape)
    name = node["name"]
    if op in ("conv2d", "conv_transpose2d"):
        ins, outs, groups = node["in_channels"], node["out_channels"], node["groups"]
        first = [outs, ins // groups] if op == "conv2d" else [ins, outs // groups]
        shape = [*first, *node["kernel"]]
        found = {"weight": normal(*shape) / math.sqrt(np.prod(shape[1:]))}
    elif op == "linear":
        outs = node["out_features"]
        found = {"weight": normal(outs, node["in_features"]) / math.sqrt(node["in_features"])}
    elif op == "batch_norm2d":
        n = node["channels"]
        found = {"weight": normal(n), "bias": normal(n), "running_mean": normal(n), "running_var": RNG.uniform(0.5, 2, n)}
    elif op == "group_norm":
        found = {"weight": normal(node["channels"]), "bias": normal(node["channels"])}
    elif op == "layer_norm":
        found = {"weight": normal(*node["shape"]), "bias": normal(*node["shape"])}
    elif op == "constant":
        found = {"value": normal(*node["shape"])}
    else:
        found = {}
    if node.get("bias") is True:
        found["bias"] = normal(outs)
    return {f"{name}.{suffix}": value for suffix, value in found.items()}


class Case:
    """A chain of nodes from an image of `channels`; each reads the one before it unless it names others."""

    def __init__(self, name, channels=4, size=(12, 16)):
        self.name, self.size = name, list(size)
        self.nodes = [{"name": "input", "op": "input", "channels": channels, "inputs": []}]

    def then(self, op, name=None, inputs=None, **attributes):
        name = name or f"n{len(self.nodes)}"
        inputs = [self.nodes[-1]["name"]] if inputs is None else inputs
        self.nodes.append({"name": name, "op": op, **attributes, "inputs": inputs})
        return self

    def constant(self, name, *shape):
        return self.then("constant", name, [], shape=list(shape))

    def write(self, path):
        # One number, as a classifier of one class gives it.
        self.then("flatten", "flat").then("reduce", "mean", function="mean", axes=[0], keep=True)
        tensors = {}
        for node in self.nodes:
            tensors |= random_weights(node)
        write_model(path, self.nodes, tensors, card(1, self.nodes[0]["channels"], self.size))


def conv(ins, outs, kernel=(3, 3), stride=(1, 1), padding=(1, 1), dilation=(1, 1), groups=1, bias=True):
    return {"in_channels": ins, "out_channels": outs, "kernel": kernel, "stride": stride, "padding": padding,
            "dilation": dilation, "groups": groups, "bias": bias}


def layers():
    yield Case("conv").then("conv2d", **conv(4, 6))
    yield Case("conv strided, dilated, grouped").then(
        "conv2d", **conv(4, 6, (3, 2), (2, 1), (2, 0), (2, 1), 2, False))
    yield Case("conv depthwise").then("conv2d", **conv(4, 8, groups=4))
    yield Case("conv transposed").then("conv_transpose2d", **conv(4, 6, (2, 2), (2, 2), (0, 0)), output_padding=[0, 0])
    yield Case("conv transposed, odd").then(
        "conv_transpose2d", **conv(4, 6, (3, 2), (3, 2), (1, 0), (2, 1), 2, False), output_padding=[2, 1])
    yield Case("linear").then("global_avg_pool").then("flatten").then("linear", in_features=4, out_features=5, bias=True)
    yield Case("linear, no bias").then("global_avg_pool").then("flatten").then(
        "linear", in_features=4, out_features=5, bias=False)
    yield Case("batch-norm").then("batch_norm2d", channels=4, eps=1e-3)
    for groups in (1, 2, 4):
        yield Case(f"group norm, {groups}").then("group_norm", channels=4, groups=groups, eps=1e-4)
    yield Case("layer norm").then("permute", axes=[1, 2, 0]).then("layer_norm", shape=[4], eps=1e-5)
    yield Case("local response norm", 7).then("local_response_norm", size=5, alpha=0.3, beta=0.75, k=2.0)
    yield Case("dropout").then("dropout", p=0.3).then("identity")
    yield Case("softmax").then("softmax", axis=0)
    yield Case("softmax along x").then("softmax", axis=2)
    yield Case("log-softmax").then("log_softmax", axis=1)
    for op in ("relu", "gelu", "silu", "sigmoid", "tanh"):
        yield Case(op).then(op)
    yield Case("leaky ReLU").then("leaky_relu", slope=0.2)


def pooling():
    for op in ("max_pool2d", "avg_pool2d"):
        yield Case(op).then(op, kernel=[2, 2], stride=[2, 2], padding=[0, 0])
        yield Case(f"{op}, padded").then(op, kernel=[3, 2], stride=[2, 1], padding=[1, 1])
    for kind in ("max", "average"):
        for ceil in (False, True):
            for count in (False, True) if kind == "average" else (False,):
                pool = dict(kind=kind, kernel=[3, 3], stride=[2, 2], before=[1, 0], after=[0, 1], dilation=[1, 1],
                            ceil=ceil, count_padding=count)
                yield Case(f"pool {kind}{', ceil' * ceil}{', counting' * count}", size=(11, 14)).then("pool", **pool)
    dilated = dict(kernel=[2, 2], stride=[1, 2], before=[0, 0], after=[0, 0], dilation=[2, 3], ceil=False, count_padding=True)
    yield Case("pool max, dilated").then("pool", kind="max", **dilated)
    yield Case("pool average, dilated").then("pool", kind="average", **dilated)
    yield Case("pool all axes").then("pool", kind="max", kernel=[2, 2, 3], stride=[2, 2, 1], before=[0, 0, 0],
                                     after=[0, 0, 0], dilation=[1, 1, 1], ceil=False, count_padding=False)
    yield Case("global average").then("global_avg_pool")
    for size in ([1, 1], [3, 4], [5, 7], [12, 16], [20, 9]):
        yield Case(f"adaptive {size[0]}×{size[1]}").then("adaptive_avg_pool2d", size=size)


FUNCTIONS = ["abs", "neg", "exp", "floor", "ceil", "round", "trunc", "sign", "sin", "cos", "erf", "not", "softplus", "softsign",
             "mish", "hard_swish", "gelu_tanh", {"hard_sigmoid": {"alpha": 0.3, "beta": 0.4}}, {"elu": {"alpha": 1.5}},
             {"celu": {"alpha": 2.0}}, {"selu": {"alpha": 1.6, "gamma": 1.1}}, {"thresholded_relu": {"alpha": 0.5}},
             {"clip": {"min": -0.5, "max": None}}, {"clip": {"min": None, "max": 0.5}}, {"clip": {"min": 0.0, "max": 0.6}}]
PAIRINGS = ["add", "subtract", "multiply", "divide", "power", "minimum", "maximum", "remainder", "equal", "less",
            "less_or_equal", "greater", "greater_or_equal", "and", "or", "prelu"]
REDUCTIONS = ["mean", "sum", "max", "min", "product", "l1", "l2", "sum_square", "log_sum", "log_sum_exp"]


def functions():
    for function in FUNCTIONS:
        yield Case(f"map {function}").then("map", function=function)
    for function in ("log", "sqrt", "reciprocal"):
        yield Case(f"map {function}").then("map", function="abs").then("map", function=function)
    for function in PAIRINGS:
        case = Case(f"combine {function}").then("map", "half", function="abs" if function == "power" else "round")
        case.constant("c", 4, 1, 1)
        if function in ("equal", "less_or_equal", "greater_or_equal", "and", "or"):
            case.then("map", "c2", ["c"], function="round").then("combine", None, ["half", "c2"], function=function)
        else:
            case.then("combine", None, ["half", "c"], function=function)
        yield case
    yield Case("combine shorter").then("global_avg_pool", "gap").then("flatten", "f", ["gap"]).then(
        "conv2d", "c", ["input"], **conv(4, 4)).then("conv2d", "to4", ["c"], **conv(4, 4, (1, 1), (3, 4), (0, 0))).then(
        "combine", None, ["to4", "f"], function="multiply")
    yield Case("combine constant first").constant("c", 16).then("combine", None, ["c", "input"], function="subtract")
    yield Case("prelu of few").then("global_avg_pool", "gap").then("combine", None, ["gap", "input"], function="prelu")
    yield Case("where").then("map", "r", function="round").constant("c", 4, 1, 16).then("where", None, ["r", "input", "c"])
    yield Case("add of three").then("relu", "r").then("sigmoid", "s", ["input"]).then("add", None, ["input", "r", "s"])
    for function in REDUCTIONS:
        first = Case(f"reduce {function}").then("map", function="abs")
        yield first.then("reduce", function=function, axes=[1, 2], keep=True)
        yield Case(f"reduce {function} of channels").then("map", function="abs").then(
            "reduce", function=function, axes=[0], keep=False)
    for op in ("arg_max", "arg_min"):
        yield Case(op).then(op, axis=0, keep=True, last=False)
        yield Case(f"{op}, last").then("map", function="round").then(op, axis=2, keep=False, last=True)


def moving():
    yield Case("concat").then("relu", "r").then("concat", None, ["input", "r"], axis=0)
    yield Case("concat along x").then("relu", "r").then("concat", None, ["input", "r"], axis=2)
    yield Case("concat constant").constant("c", 2, 12, 16).then("concat", None, ["c", "input"], axis=0)
    yield Case("constants alone").constant("a", 3, 2).constant("b", 2, 4).then("mat_mul", "ab", ["a", "b"]).then(
        "relu", "r", ["ab"]).then("reduce", "s", ["r"], function="sum", axes=[0, 1], keep=False).then(
        "combine", None, ["input", "s"], function="add")
    yield Case("matrix products").constant("c", 16, 5).then("mat_mul", "m", ["input", "c"]).then(
        "permute", "p", ["m"], axes=[0, 2, 1]).then("mat_mul", None, ["p", "input"])
    yield Case("flatten, permute").then("permute", axes=[2, 0, 1]).then("flatten")
    yield Case("reshape").then("reshape", shape=[{"size": 2}, {"size": 2}, "rest"])
    yield Case("channel shuffle").then(
        "reshape", shape=[{"size": 2}, {"size": 2}, {"of": {"input": 0, "axis": 1}}, {"of": {"input": 0, "axis": 2}}]).then(
        "permute", axes=[1, 0, 2, 3]).then(
        "reshape", None, ["n2", "input"], shape=[{"size": 4}, {"of": {"input": 1, "axis": 1}}, "rest"])
    yield Case("expand").then("global_avg_pool").then("expand", shape=[4, 3, 1])
    yield Case("expand longer").then("expand", shape=[2, 4, 1, 1])
    yield Case("expand shorter").then("reduce", function="mean", axes=[2], keep=True).then("expand", shape=[5])
    yield Case("tile").then("tile", repeats=[2, 1, 3])
    for axis, start, end, step in ((0, 1, 3, 1), (1, -5, 2**62, 2), (2, -1, -(2**62), -3), (2, 3, 100, 1)):
        yield Case(f"slice {axis} {start} {end} {step}").then("slice", axis=axis, start=start, end=end, step=step)
    yield Case("gather").then("gather", axis=0, indices=[2, -1, 0, 1, 2, 3], shape=[2, 3])
    yield Case("gather one").then("gather", axis=1, indices=[4], shape=[])
    for mode in ({"constant": {"value": 1.5}}, "reflect", "edge", "wrap"):
        yield Case(f"pad {mode}").then("pad", before=[0, 2, 3], after=[0, 1, 0], mode=mode)
    yield Case("pad, cutting").then("pad", before=[1, -2, 0], after=[0, 3, -4], mode={"constant": {"value": 0.0}})
    yield Case("centre crop").then("conv2d", **conv(4, 2, (4, 5), padding=(0, 0))).then(
        "center_crop", None, ["input", "n1"])


def resizing():
    yield Case("upsample nearest").then("upsample", scale=2, resample="nearest")
    yield Case("upsample bilinear").then("upsample", scale=3, resample="bilinear")
    kinds = [({"nearest": n}, "asymmetric") for n in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")]
    kinds += [(b, c) for b in ("linear", {"cubic": {"a": -0.75}}) for c in (
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric")]
    for between, coordinates in kinds:
        more = dict(between=between, coordinates=coordinates)
        yield Case(f"resize {between} {coordinates}").then("resize", to={"scales": [1.0, 1.7, 0.6]}, **more)
        yield Case(f"resize {between} {coordinates} to sizes").then("resize", to={"sizes": [4, 7, 29]}, **more)
    more = dict(between="linear", coordinates="half_pixel")
    yield Case("resize like").then("conv2d", **conv(4, 3, stride=(2, 3))).then("resize", None, ["n1", "input"], to="like", **more)
    for policy in ("not_larger", "not_smaller"):
        yield Case(f"resize {policy}").then("resize", to={policy: [30, 20]}, **more)
    cubic = dict(between={"cubic": {"a": -0.5}}, coordinates="half_pixel")
    yield Case("resize excluding").then("resize", to={"scales": [1.0, 0.7, 1.3]}, exclude_outside=True, **cubic)
    for between in ("linear", {"cubic": {"a": -0.75}}):
        yield Case(f"resize antialiased {between}").then(
            "resize", to={"scales": [1.0, 0.4, 0.6]}, antialias=True, between=between, coordinates="half_pixel")
    region = {"crop_and_resize": {"start": [0.0, 0.1, -0.2], "end": [1.0, 0.8, 1.1], "outside": 7.0}}
    yield Case("resize a region").then("resize", to={"sizes": [4, 9, 11]}, between="linear", coordinates=region)


def cases():
    for group in (layers, pooling, functions, moving, resizing):
        yield from group()


# Comparing

def fixed_shape(onnx_input, batch, sides):
    dims = [d.dim_value if d.HasField("dim_value") else d.dim_param for d in onnx_input.type.tensor_type.shape.dim]
    named = {"batch": batch, "height": sides[0], "width": sides[1]}
    return [named.get(d, d) for d in dims]


def with_all_outputs(model):
    """Every value of ours, which are those without a slash in their names, as an output."""
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    there = {output.name for output in wide.graph.output}
    for node in wide.graph.node:
        for name in node.output:
            if "/" not in name and name not in there:
                wide.graph.output.append(onnx.ValueInfoProto(name=name))
    return wide


def compare(program, path, opset, folder, sides):
    """The worst difference over all nodes and sizes, relative to the node's largest value, and where; and how many were
    compared."""
    file = folder / "model.onnx"
    command = [program, "export", str(path), "--onnx", str(file), *(["--opset", str(opset)] if opset else [])]
    subprocess.run(command, check=True, capture_output=True, text=True)
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # Else whole parts are computed when loading, in other orders.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(with_all_outputs(model).SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    worst, where, count = 0.0, "", 0
    shapes = {tuple(fixed_shape(model.graph.input[0], batch, side)) for batch, side in ((2, sides[0]), (1, sides[1]))}
    for shape in sorted(shapes):
        x = RNG.standard_normal(shape).astype(np.float32)
        np.save(folder / "x.npy", x)
        out = folder / "nodes"
        subprocess.run([program, "run", str(path), "--input", str(folder / "x.npy"), "--all", str(out), "--threads", "1"],
                       check=True, capture_output=True, text=True)
        for name, theirs in zip(names, session.run(names, {model.graph.input[0].name: x})):
            ours = np.load(out / f"{name}.npy")
            if ours.shape != theirs.shape:
                return math.inf, f"{name}: {ours.shape}, not {theirs.shape}", count
            scale = max(1.0, float(np.abs(theirs[np.isfinite(theirs)]).max(initial=0.0)))
            with np.errstate(invalid="ignore"):
                same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
                off = float(np.where(same, 0.0, np.abs(ours - theirs)).max(initial=0.0)) / scale
            off = math.inf if math.isnan(off) else off
            count += 1
            if off >= worst:
                worst, where = off, name
    return worst, where, count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polepiece", default=str(HOME / "target/release/polepiece"))
    parser.add_argument("--opsets", type=int, nargs="*", default=[0], help="0: the usual one")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    bad = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        todo = [(path.stem, path, ((64, 96), (128, 64))) for path in sorted((HOME / "models").glob("*.safetensors"))]
        for number, case in enumerate(cases()):
            path = folder / f"{number}.safetensors"
            case.write(path)
            sides = (tuple(case.size), (case.size[0] + 4, case.size[1] + 8))
            todo.append((case.name, path, sides))
        for name, path, sides in [one for one in todo if args.only in one[0]]:
            for opset in args.opsets:
                label = f"{name}, opset {opset}" if opset else name
                try:
                    worst, where, count = compare(args.polepiece, path, opset, folder, sides)
                    good = worst <= TOLERANCE
                    print(f"{'ok ' if good else 'BAD'} {worst:8.1e} {label} ({count} values, worst {where})", flush=True)
                except subprocess.CalledProcessError as error:
                    said = error.stderr.strip().splitlines()[-1:] or ["no message"]
                    good = opset and "needs version" in said[0]
                    print(f"{'no ' if good else 'BAD'} {label}: {said[0]}", flush=True)
                except Exception as error:  # the checker's and the runtime's own
                    good = False
                    print(f"BAD {label}: {type(error).__name__}: {str(error).strip().splitlines()[0][:200]}", flush=True)
                if not good:
                    bad.append(label)
    print(f"{len(bad)} bad" + (": " + "; ".join(bad) if bad else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
