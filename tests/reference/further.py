"""Makes tests/fixtures/network/further.safetensors: results and gradients of single operations of imported networks.

Run with PyTorch, onnx and safetensors installed: python tests/reference/further.py
Results are PyTorch's in double precision; those of Resize are the reference implementation's of ONNX, and PyTorch's where
it has the case. For each case NAME there are the inputs NAME.0, NAME.1…, the weights NAME.weight, NAME.bias, the result
NAME.y, and where there are gradients that of the result NAME.g, and NAME.d0, NAME.d1…, NAME.dweight, NAME.dbias.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from safetensors.torch import save_file

torch.manual_seed(3)
tensors, cases = {}, []


def case(name, op, inputs, function, weights=None, slopes=True):
    """`function` of inputs and weights is what the operation `op` gives."""
    given = {str(i): x for i, x in enumerate(inputs)} | (weights or {})
    doubles = {key: x.double().requires_grad_() for key, x in given.items()}
    y = function(*doubles.values())
    for key, x in doubles.items():
        tensors[f"{name}.{key}"] = x.detach().float().contiguous()
    if slopes:
        g = torch.randn(y.shape, dtype=torch.float64)
        (y * g).sum().backward()
        tensors[f"{name}.g"] = g.float().contiguous()
        for key, x in doubles.items():
            if x.grad is not None:
                tensors[f"{name}.d{key}"] = x.grad.float().contiguous()
    tensors[f"{name}.y"] = y.detach().float().contiguous()
    cases.append({"name": name, "op": op, "inputs": len(inputs), "weights": list(weights or {})})


rand = torch.randn


def maps():
    x, positive = 2 * rand(2, 3, 5), rand(2, 3, 5).abs() + 0.1
    plain = {
        "abs": torch.abs, "neg": torch.neg, "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt,
        "reciprocal": torch.reciprocal, "floor": torch.floor, "ceil": torch.ceil, "round": torch.round,
        "trunc": torch.trunc, "sign": torch.sign, "sin": torch.sin, "cos": torch.cos, "erf": torch.erf,
        "softplus": F.softplus, "softsign": F.softsign, "mish": F.mish, "hard_swish": F.hardswish,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    }
    for name, function in plain.items():
        given = positive if name in ("log", "sqrt", "reciprocal") else x
        case(f"map_{name}", {"op": "map", "function": name}, [given], function)
    case("map_not", {"op": "map", "function": "not"}, [torch.tensor([[0.0, 2.0, -1.0]])], lambda x: (x == 0).double(), slopes=False)
    numbers = {
        "hard_sigmoid": (dict(alpha=0.25, beta=0.4), lambda x: (0.25 * x + 0.4).clamp(0, 1)),
        "elu": (dict(alpha=1.3), lambda x: F.elu(x, 1.3)),
        "celu": (dict(alpha=0.7), lambda x: F.celu(x, 0.7)),
        "selu": (dict(alpha=1.6732632423543772, gamma=1.0507009873554805), F.selu),
        "thresholded_relu": (dict(alpha=0.6), lambda x: F.threshold(x, 0.6, 0.0)),
        "clip": (dict(min=-0.8, max=1.1), lambda x: x.clamp(-0.8, 1.1)),
    }
    for name, (attributes, function) in numbers.items():
        case(f"map_{name}", {"op": "map", "function": {name: attributes}}, [x], function)
    open_clip = {"op": "map", "function": {"clip": {"min": None, "max": 0.5}}}
    case("map_clip_above", open_clip, [x], lambda x: x.clamp(max=0.5))


def pairs():
    shapes = [((2, 3, 2, 3), (1, 3, 1, 1)), ((2, 1, 2, 1), (2, 3, 1, 3)), ((2, 3, 4), (1, 4)), ((1, 2), (2, 3, 2))]
    differentiable = {
        "add": torch.add, "subtract": torch.subtract, "multiply": torch.multiply, "divide": torch.divide,
        "minimum": torch.minimum, "maximum": torch.maximum, "remainder": torch.remainder,
        "prelu": lambda x, slope: torch.where(x > 0, x, x * slope),
    }
    compare = {
        "equal": torch.eq, "less": torch.lt, "less_or_equal": torch.le, "greater": torch.gt,
        "greater_or_equal": torch.ge, "and": torch.logical_and, "or": torch.logical_or,
    }

    def aligned(a, b):
        """Missing axes stand behind the batch."""
        fill = lambda x, rank: x.reshape(x.shape[:1] + (1,) * (rank - x.dim()) + x.shape[1:])
        rank = max(a.dim(), b.dim())
        return fill(a, rank), fill(b, rank)

    for i, (name, function) in enumerate(differentiable.items()):
        a, b = shapes[i % 4]
        away = 3 * rand(b).sign() + rand(b) / 4 if name in ("divide", "remainder") else rand(b)
        case(f"pair_{name}", {"op": "combine", "function": name}, [2 * rand(a), away], lambda a, b: function(*aligned(a, b)))
    case("pair_power", {"op": "combine", "function": "power"}, [rand(2, 3, 4).abs() + 0.2, rand(1, 4)], lambda a, b: a ** b[:, None])
    square = torch.full((1, 1), 2.0)
    case("pair_square", {"op": "combine", "function": "power"}, [rand(2, 3), square], lambda a, b: a**2, slopes=False)
    for i, (name, function) in enumerate(compare.items()):
        a, b = (torch.randint(0, 3, shape).float() for shape in shapes[i % 4])
        case(f"pair_{name}", {"op": "combine", "function": name}, [a, b], lambda a, b: function(*aligned(a, b)).double(), slopes=False)
    condition = torch.randint(0, 2, (2, 1, 3)).float() * 5
    choose = lambda c, a, b: torch.where(c != 0, a, b[:, None])
    case("where", {"op": "where"}, [condition, rand(2, 2, 1), rand(1, 3)], choose)


def norms():
    norm = lambda *shape: {"weight": 1 + 0.2 * rand(shape), "bias": 0.3 * rand(shape)}
    x = 2 * rand(2, 4, 2, 3) + 3
    groups = lambda n: {"op": "group_norm", "channels": 4, "groups": n, "eps": 1e-3}
    case("group_norm", groups(2), [x], lambda x, w, b: F.group_norm(x, 2, w, b, 1e-3), norm(4))
    case("instance_norm", groups(4), [x], lambda x, w, b: F.instance_norm(x, None, None, w, b, eps=1e-3), norm(4))
    case("group_norm_flat", groups(1), [rand(3, 4)], lambda x, w, b: F.group_norm(x, 1, w, b, 1e-3), norm(4))
    layer = {"op": "layer_norm", "shape": [2, 3], "eps": 1e-4}
    case("layer_norm", layer, [x], lambda x, w, b: F.layer_norm(x, (2, 3), w, b, 1e-4), norm(2, 3))
    layer = {"op": "layer_norm", "shape": [3], "eps": 1e-4}
    case("layer_norm_last", layer, [x], lambda x, w, b: F.layer_norm(x, (3,), w, b, 1e-4), norm(3))
    for size, beta in ((5, 0.75), (3, 0.6)):
        local = {"op": "local_response_norm", "size": size, "alpha": 0.3, "beta": beta, "k": 1.5}
        case(f"lrn{size}", local, [2 * rand(2, 7, 2, 2)], lambda x: F.local_response_norm(x, size, 0.3, beta, 1.5))
    for axis in (1, 2):
        case(f"softmax{axis}", {"op": "softmax", "axis": axis}, [3 * rand(2, 2, 3, 2)], lambda x: F.softmax(x, axis + 1))
        case(f"log_softmax{axis}", {"op": "log_softmax", "axis": axis}, [3 * rand(2, 2, 3, 2)], lambda x: F.log_softmax(x, axis + 1))
    case("log_softmax0", {"op": "log_softmax"}, [3 * rand(2, 4)], lambda x: F.log_softmax(x, 1))


def pools():
    def pool(kind, kernel, stride=None, before=None, after=None, dilation=None, ceil=False, count=False):
        axes = len(kernel)
        lists = dict(kernel=kernel, stride=stride or [1] * axes, before=before or [0] * axes)
        lists.update(after=after or lists["before"], dilation=dilation or [1] * axes)
        return {"op": "pool", "kind": kind, **lists, "ceil": ceil, "count_padding": count}

    case("max1", pool("max", [3], [2], [1]), [rand(2, 2, 7)], lambda x: F.max_pool1d(x, 3, 2, 1))
    ceil = pool("max", [3, 2], [2, 2], ceil=True)
    case("max2_ceil", ceil, [rand(2, 2, 6, 5)], lambda x: F.max_pool2d(x, [3, 2], 2, ceil_mode=True))
    ties = torch.randint(0, 3, (2, 2, 5, 6)).float()
    case("max2_ties", pool("max", [3, 3], [2, 1], [1, 1]), [ties], lambda x: F.max_pool2d(x, 3, [2, 1], 1))
    dilated = pool("max", [2, 2], [1, 2], [1, 0], dilation=[2, 3])
    case("max2_dilated", dilated, [rand(2, 2, 4, 6)], lambda x: F.max_pool2d(x, 2, [1, 2], [1, 0], [2, 3]))
    border = lambda x: F.max_pool2d(F.pad(x, [0, 1, 1, 0], value=-torch.inf), 2, 2)
    case("max2_uneven", pool("max", [2, 2], [2, 2], [1, 0], [0, 1]), [rand(2, 2, 5, 5)], border)
    case("max3", pool("max", [2, 2, 2], [2, 1, 2]), [rand(2, 1, 4, 3, 4)], lambda x: F.max_pool3d(x, 2, [2, 1, 2]))
    x = rand(2, 2, 5, 6)
    for count in (False, True):
        mean = lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=count)
        case(f"mean2_ceil_{count}".lower(), pool("average", [3, 3], [2, 2], [1, 1], ceil=True, count=count), [x], mean)
    case("mean1", pool("average", [2], [3]), [rand(2, 3, 8)], lambda x: F.avg_pool1d(x, 2, 3))
    mean = lambda x: F.avg_pool3d(x, [1, 2, 3], 1, [0, 1, 1], count_include_pad=False)
    case("mean3", pool("average", [1, 2, 3], before=[0, 1, 1]), [rand(2, 1, 2, 3, 3)], mean)
    for size in ([3, 2], [6, 7]):
        case(f"adaptive{size[0]}", {"op": "adaptive_avg_pool2d", "size": size}, [rand(2, 2, 5, 4)], lambda x: F.adaptive_avg_pool2d(x, size))


def reductions():
    x = rand(2, 3, 2, 4)
    functions = {
        "mean": lambda x, d, k: x.mean(d, k), "sum": lambda x, d, k: x.sum(d, k), "max": lambda x, d, k: x.amax(d, k),
        "min": lambda x, d, k: x.amin(d, k), "l1": lambda x, d, k: x.abs().sum(d, k),
        "l2": lambda x, d, k: x.square().sum(d, k).sqrt(), "sum_square": lambda x, d, k: x.square().sum(d, k),
        "log_sum": lambda x, d, k: x.sum(d, k).log(), "log_sum_exp": lambda x, d, k: x.logsumexp(d, k),
    }
    for i, (name, function) in enumerate(functions.items()):
        axes, keep = [([1, 2], True), ([0], False), ([0, 2], False)][i % 3]
        op = {"op": "reduce", "function": name, "axes": axes, "keep": keep}
        given = x.abs() + 0.1 if name == "log_sum" else x
        case(f"reduce_{name}", op, [given], lambda x: function(x, [axis + 1 for axis in axes], keep))
    case("reduce_product", {"op": "reduce", "function": "product", "axes": [1], "keep": True}, [x], lambda x: x.prod(2, True))
    few = torch.randint(0, 3, (2, 3, 4)).float()
    for name, function in (("arg_max", np.argmax), ("arg_min", np.argmin)):
        for last in (False, True):
            def places(x):
                x = x.detach().numpy()
                found = x.shape[2] - 1 - function(x[:, :, ::-1], 2) if last else function(x, 2)
                return torch.tensor(found).double()
            op = {"op": name, "axis": 1, "keep": False, "last": last}
            case(f"{name}_{'last' if last else 'first'}", op, [few], places, slopes=False)


def rearranged():
    x = rand(2, 3, 4, 5)
    case("concat1", {"op": "concat", "axis": 1}, [rand(2, 2, 1, 3), rand(2, 2, 2, 3), rand(2, 2, 1, 3)], lambda *xs: torch.cat(xs, 2))
    case("concat2", {"op": "concat", "axis": 2}, [rand(2, 2, 2, 3), rand(2, 2, 2, 1)], lambda *xs: torch.cat(xs, 3))
    constant = lambda a, b: torch.cat([a, b.expand(2, -1, -1)], 1)
    case("concat_constant", {"op": "concat"}, [rand(2, 2, 3), rand(1, 1, 3)], constant)
    whole = 2**62
    for name, (axis, start, end, step) in {
        "front": (0, 0, 2, 1), "steps": (2, 1, whole, 2), "tail": (1, -3, -1, 1), "back": (2, -1, -whole, -2),
    }.items():
        index = [slice(None)] * (axis + 1) + [slice(start, end, step)]
        pick = lambda x: x[tuple(index)] if step > 0 else x.flip(axis + 1)[tuple(index[:-1] + [slice(0, None, -step)])]
        case(f"slice_{name}", {"op": "slice", "axis": axis, "start": start, "end": end, "step": step}, [x], pick)
    small = rand(2, 2, 3, 4)
    sides = lambda before, after: {"op": "pad", "before": before, "after": after}
    value = {"mode": {"constant": {"value": 1.5}}}
    case("pad_constant", sides([0, 1, 2], [1, 0, 1]) | value, [small], lambda x: F.pad(x, [2, 1, 1, 0, 0, 1], value=1.5))
    case("pad_cut", sides([0, -1, 2], [0, 1, -2]) | value, [small], lambda x: F.pad(x, [2, -2, -1, 1], value=1.5))
    for mode, torchs in (("reflect", "reflect"), ("edge", "replicate"), ("wrap", "circular")):
        case(f"pad_{mode}", sides([0, 2, 1], [0, 1, 3]) | {"mode": mode}, [small], lambda x: F.pad(x, [1, 3, 2, 1], torchs))
    reshape = {"op": "reshape", "shape": [{"of": {"input": 1, "axis": 0}}, "rest", {"size": 2}]}
    case("reshape", reshape, [rand(2, 3, 8), rand(2, 4, 1)], lambda x, _: x.reshape(2, 4, 3, 2))
    case("permute", {"op": "permute", "axes": [2, 0, 1]}, [x], lambda x: x.permute(0, 3, 1, 2))
    case("permute_rows", {"op": "permute", "axes": [1, 0, 2]}, [x], lambda x: x.permute(0, 2, 1, 3))
    case("expand", {"op": "expand", "shape": [2, 3, 4]}, [rand(2, 3, 1)], lambda x: x[:, None].expand(2, 2, 3, 4))
    case("tile", {"op": "tile", "repeats": [1, 3, 2]}, [rand(2, 2, 1, 3)], lambda x: x.repeat(1, 1, 3, 2))
    gather = {"op": "gather", "axis": 1, "indices": [0, -1, 2, 2], "shape": [2, 2]}
    case("gather", gather, [rand(2, 2, 4, 2)], lambda x: x[:, :, [0, -1, 2, 2]].reshape(2, 2, 2, 2, 2))
    case("gather_one", gather | {"indices": [1], "shape": []}, [rand(2, 2, 4, 2)], lambda x: x[:, :, 1])
    case("matmul", {"op": "mat_mul"}, [rand(2, 1, 3, 4), rand(2, 2, 4, 2)], torch.matmul)
    case("matmul_matrix", {"op": "mat_mul"}, [rand(2, 3, 2, 4), rand(1, 4, 3)], lambda a, b: a @ b[0])
    case("center_crop", {"op": "center_crop"}, [rand(2, 2, 6, 5), rand(2, 1, 3, 3)], lambda x, _: x[:, :, 1:4, 1:4])


def resize(to, between, coordinates, **more):
    return {"op": "resize", "to": to, "between": between, "coordinates": coordinates, **more}


def by_pytorch():
    x, size = rand(2, 2, 5, 4), [7, 9]
    to, half = {"sizes": [2, *size]}, "half_pixel"
    cubic = {"cubic": {"a": -0.75}}
    interpolate = lambda **more: lambda x: F.interpolate(x, size, **more)
    nearest = lambda how: {"nearest": how}
    case("torch_nearest", resize(to, nearest("floor"), "asymmetric"), [x], interpolate(mode="nearest"))
    exact = resize(to, nearest("round_prefer_ceil"), half)
    case("torch_nearest_exact", exact, [x], interpolate(mode="nearest-exact"))
    for corners in (False, True):
        place = "align_corners" if corners else half
        for name, between, mode in (("linear", "linear", "bilinear"), ("cubic", cubic, "bicubic")):
            given = interpolate(mode=mode, align_corners=corners)
            case(f"torch_{name}_{place}", resize(to, between, place), [x], given)
    small = lambda x: F.interpolate(x, [3, 2], mode="bilinear")
    case("torch_smaller", resize({"sizes": [2, 3, 2]}, "linear", half), [x], small)
    like = lambda x, _: F.interpolate(x, [7, 9], mode="bilinear")
    case("torch_like", resize("like", "linear", half), [x, rand(1, 1, 7, 9)], like)


def by_onnx():
    """Every way of interpolation with every rule for places, to larger and smaller images."""
    coordinates = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"]
    modes = [("nearest", how) for how in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")] + [("linear", None), ("cubic", -0.5)]
    x = rand(1, 1, 5, 4)
    # Places by corners are ONNX's only where the size is given: its implementations read a fractional size differently.
    targets = [("sizes", [1, 7, 3]), ("scales", [1.0, 0.75, 2.6]), ("not_larger", [7, 3]), ("not_smaller", [9, 6])]
    for mode, how in modes:
        for place in coordinates:
            for exclude, antialias in ((0, 0), (1, 0), (0, 1), (1, 1)):
                if mode == "nearest" and (exclude or antialias):
                    continue
                for kind, numbers in targets:
                    if kind == "scales" and place in ("align_corners", "tf_crop_and_resize"):
                        continue
                    if kind.startswith("not_") and (mode, place) not in (("linear", "half_pixel"), ("cubic", "asymmetric")):
                        continue
                    if mode == "nearest" and kind != ("sizes" if place == "align_corners" else "scales") and how != "floor":
                        continue
                    name = "_".join(str(part) for part in ("onnx", mode, how, place, exclude, antialias, kind))
                    one(name, x, mode, how, place, exclude, antialias, kind, numbers)


def one(name, x, mode, how, place, exclude, antialias, kind, numbers):
    attributes = dict(mode=mode, coordinate_transformation_mode=place, exclude_outside=exclude, antialias=antialias)
    if mode == "nearest":
        attributes["nearest_mode"] = how
    if mode == "cubic":
        attributes["cubic_coeff_a"] = how
    rest = 4 - len(numbers) if kind.startswith("not_") else 0
    if rest:
        attributes.update(axes=[2, 3], keep_aspect_ratio_policy=kind)
    region = ([0.0, 0.125, 0.1875], [1.0, 0.9375, 1.3125]) if place == "tf_crop_and_resize" else None
    if region:
        attributes["extrapolation_value"] = 2.5
    roi = np.array([0.0, *region[0], 1.0, *region[1]] if region else [], np.float32)
    scales = np.array([1.0, *numbers] if kind == "scales" else [], np.float32)
    sizes = np.array([] if kind == "scales" else numbers if rest else [1, *numbers], np.int64)
    inputs = ["x", "roi", "scales" if kind == "scales" else "", "" if kind == "scales" else "sizes"]
    node = helper.make_node("Resize", inputs, ["y"], **attributes)
    value = lambda key, kind: helper.make_tensor_value_info(key, kind, None)
    given = [value("x", TensorProto.FLOAT), value("roi", TensorProto.FLOAT), value("scales", TensorProto.FLOAT), value("sizes", TensorProto.INT64)]
    graph = helper.make_graph([node], "resize", given, [value("y", TensorProto.FLOAT)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    feeds = {"x": x.numpy(), "roi": roi, "scales": scales, "sizes": sizes}
    y = torch.tensor(ReferenceEvaluator(model).run(None, feeds)[0])
    between = {"nearest": {"nearest": how}, "linear": "linear", "cubic": {"cubic": {"a": how}}}[mode]
    if region:
        place = {"crop_and_resize": {"start": region[0], "end": region[1], "outside": 2.5}}
    to = {kind: [float(scale) for scale in scales[1:]] if kind == "scales" else numbers}
    op = resize(to, between, place, exclude_outside=bool(exclude), antialias=bool(antialias))
    case(name, op, [x], lambda _: y.double(), slopes=False)


for make in (maps, pairs, norms, pools, reductions, rearranged, by_pytorch, by_onnx):
    make()
path = Path(__file__).parent.parent / "fixtures/network/further.safetensors"
save_file(tensors, path, {"cases": json.dumps(cases), "torch": torch.__version__, "onnx": onnx.__version__})
print(path, path.stat().st_size, len(cases))
