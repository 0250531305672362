"""Makes tests/fixtures/compute/operations.safetensors: results and gradients of single operations by PyTorch.

Run with PyTorch and safetensors installed: python tests/reference/compute.py
For each case there are the inputs x (w, b), the gradient g by the result, and y, dx (dw, db).
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.manual_seed(1)
tensors, cases = {}, []


def case(name, op, x, parameters, attributes, function):
    inputs = [t.double().requires_grad_() for t in (x, *parameters)]
    y = function(*inputs)
    g = torch.randn(y.shape, dtype=torch.float64)
    (y * g).sum().backward()
    for key, value in zip(["x", "w", "b"], inputs):
        tensors[f"{name}.{key}"] = value.detach().float().contiguous()
        tensors[f"{name}.d{key}"] = value.grad.float().contiguous()
    tensors[f"{name}.y"] = y.detach().float().contiguous()
    tensors[f"{name}.g"] = g.float().contiguous()
    cases.append({"name": name, "op": op, **attributes})


def f32(*shape):
    return torch.randn(*shape)


def conv(name, x, w, stride, padding, dilation, groups):
    spec = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    case(name, "conv2d", x, [w, f32(w.shape[0])], spec, lambda x, w, b: F.conv2d(x, w, b, **spec))


conv("conv", f32(2, 2, 7, 6), f32(4, 2, 3, 3), [1, 1], [1, 1], [1, 1], 1)
conv("conv_odd", f32(1, 4, 9, 8), f32(6, 2, 3, 2), [2, 1], [2, 3], [1, 2], 2)
conv("conv_pixel", f32(1, 3, 1, 1), f32(2, 3, 3, 3), [3, 3], [4, 4], [1, 1], 1)


def transposed(name, x, w, stride, padding, output_padding, dilation, groups):
    spec = dict(stride=stride, padding=padding, output_padding=output_padding, dilation=dilation, groups=groups)
    b = f32(w.shape[1] * groups)
    case(name, "conv_transpose2d", x, [w, b], spec, lambda x, w, b: F.conv_transpose2d(x, w, b, **spec))


transposed("up", f32(2, 3, 4, 5), f32(3, 2, 2, 2), [2, 2], [0, 0], [0, 0], [1, 1], 1)
transposed("up_odd", f32(1, 4, 4, 3), f32(4, 3, 3, 2), [2, 3], [1, 0], [1, 2], [1, 2], 2)

# Few values, so that windows have equal ones and the first must win.
ties = torch.randint(0, 4, (2, 2, 7, 8)).float()
for name, op, x, kernel, stride, padding in [
    ("max", "max_pool2d", f32(2, 3, 6, 8), [2, 2], [2, 2], [0, 0]),
    ("max_ties", "max_pool2d", ties, [3, 2], [1, 2], [1, 1]),
    ("max_halving", "max_pool2d", torch.cat([ties[:, :, :, :7], f32(2, 2, 7, 7)]), [2, 2], [2, 2], [0, 0]),
    ("avg", "avg_pool2d", f32(2, 3, 6, 8), [2, 2], [2, 2], [0, 0]),
    ("avg_odd", "avg_pool2d", f32(1, 2, 7, 8), [3, 2], [2, 1], [1, 1]),
]:
    spec = dict(stride=stride, padding=padding)
    function = getattr(F, op)
    case(name, op, x, [], dict(kernel=kernel, **spec), lambda x: function(x, kernel, **spec))
case("global_avg", "global_avg_pool", f32(2, 3, 4, 5), [], {}, lambda x: x.mean((2, 3), keepdim=True))

for scale in (2, 3):
    for mode, more in (("nearest", {}), ("bilinear", {"align_corners": False})):
        x = f32(2, 2, 3, 4) if scale == 2 else f32(1, 2, 1, 3)
        case(f"{mode}{scale}", mode, x, [], dict(scale=scale), lambda x: F.interpolate(x, scale_factor=scale, mode=mode, **more))

mean, var = f32(3), f32(3).abs() + 0.2
tensors["running.mean"], tensors["running.var"] = mean, var
norm = [f32(3), f32(3)]
case("norm_train", "batch_norm_train", f32(2, 3, 4, 5) * 2 + 3, norm, {}, lambda x, w, b: F.batch_norm(x, None, None, w, b, True, 0.1, 1e-5))
case("norm_relu_train", "batch_norm_relu_train", f32(3, 3, 4, 5) * 2 - 1, norm, {}, lambda x, w, b: F.relu(F.batch_norm(x, None, None, w, b, True, 0.1, 1e-5)))
case("norm_eval", "batch_norm_eval", f32(2, 3, 4, 5), norm, {}, lambda x, w, b: F.batch_norm(x, mean.double(), var.double(), w, b, False, 0.1, 1e-5))

values = torch.cat([torch.tensor([0.0, -0.0, 12.0, -12.0, 1e-4]), 3 * f32(55)]).reshape(1, 2, 5, 6)
for name, function in {
    "relu": F.relu,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.1),
    "gelu": F.gelu,
    "silu": F.silu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}.items():
    case(name, name, values, [], {}, function)
logits = 20 * f32(2, 4, 3, 3)
case("softmax", "softmax", logits, [], {}, lambda x: F.softmax(x, 1))
case("log_softmax", "log_softmax", logits, [], {}, lambda x: F.log_softmax(x, 1))
case("softmax_flat", "softmax", f32(3, 5), [], {}, lambda x: F.softmax(x, 1))

case("concat", "concat", f32(2, 3, 2, 3), [f32(2, 1, 2, 3)], {}, lambda x, w: torch.cat([x, w], 1))

out = Path(__file__).parent.parent / "fixtures/compute/operations.safetensors"
out.parent.mkdir(parents=True, exist_ok=True)
save_file(tensors, out, {"cases": json.dumps(cases), "torch": torch.__version__})
print(out, out.stat().st_size)
