"""Makes tests/fixtures/network/*.safetensors: whole networks run by PyTorch, every node and every gradient.

Run with PyTorch and safetensors installed: python tests/reference/network.py
Each file holds the graph as Polepiece writes it (metadata "graph"), its weights ("weight:NAME"), the value of every node
("node:NAME"), the gradient g by the output ("upstream") and the gradients of Σ g·output by the input
("gradient:input") and by every trainable weight ("gradient:NAME"). In training mode "after:NAME" are the running
statistics after the run, with momentum 0.1. Sums are done in f64 and stored as f32.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

OUT = Path(__file__).parent.parent / "fixtures/network"


class Net:
    """A graph as a list of nodes, in the order they are added; without inputs a node reads the one before."""

    def __init__(self, architecture, channels):
        self.architecture, self.nodes, self.weights = architecture, [], {}
        self.add("input", "input", [], channels=channels)

    def add(self, name, op, inputs=None, **attributes):
        inputs = [self.nodes[-1]["name"]] if inputs is None else inputs
        self.nodes.append({"name": name, "op": op, **attributes, "inputs": inputs})
        return name

    def weight(self, name, *shape, scale=None):
        fan_in = max(1, torch.Size(shape[1:]).numel())
        self.weights[name] = torch.randn(shape) * (scale or fan_in**-0.5)

    def conv(self, name, inn, out, kernel, inputs=None, bias=True, groups=1, **more):
        pair = lambda key, default: more.get(key, [default, default])
        kernel = [kernel, kernel] if isinstance(kernel, int) else kernel
        spec = dict(stride=pair("stride", 1), padding=more.get("padding", [k // 2 for k in kernel]))
        spec.update(dilation=pair("dilation", 1), groups=groups, bias=bias)
        self.weight(f"{name}.weight", out, inn // groups, *kernel)
        if bias:
            self.weight(f"{name}.bias", out, scale=0.3)
        return self.add(name, "conv2d", inputs, in_channels=inn, out_channels=out, kernel=kernel, **spec)

    def up(self, name, inn, out, kernel=(2, 2), stride=(2, 2), padding=(0, 0), output_padding=(0, 0), dilation=(1, 1), groups=1, bias=True):
        spec = dict(kernel=kernel, stride=stride, padding=padding, output_padding=output_padding, dilation=dilation)
        self.weight(f"{name}.weight", inn, out // groups, *kernel)
        if bias:
            self.weight(f"{name}.bias", out, scale=0.3)
        return self.add(name, "conv_transpose2d", in_channels=inn, out_channels=out, groups=groups, bias=bias, **spec)

    def linear(self, name, inn, out, bias=True):
        self.weight(f"{name}.weight", out, inn)
        if bias:
            self.weight(f"{name}.bias", out, scale=0.3)
        return self.add(name, "linear", in_features=inn, out_features=out, bias=bias)

    def norm(self, name, channels):
        self.weights[f"{name}.weight"] = 1 + 0.2 * torch.randn(channels)
        self.weights[f"{name}.bias"] = 0.2 * torch.randn(channels)
        self.weights[f"{name}.running_mean"] = 0.2 * torch.randn(channels)
        self.weights[f"{name}.running_var"] = 0.5 + torch.rand(channels)
        return self.add(name, "batch_norm2d", channels=channels, eps=1e-5)

    def pool(self, name, op="max_pool2d", kernel=(2, 2), stride=(2, 2), padding=(0, 0), inputs=None):
        return self.add(name, op, inputs, kernel=kernel, stride=stride, padding=padding)


def compute(node, xs, weight, training):
    op, x = node["op"], xs[0] if xs else None
    w, b = weight(".weight"), weight(".bias")
    keys = lambda *names: {name: node[name] for name in names}
    match op:
        case "conv2d":
            return F.conv2d(x, w, b, **keys("stride", "padding", "dilation", "groups"))
        case "conv_transpose2d":
            return F.conv_transpose2d(x, w, b, **keys("stride", "padding", "output_padding", "dilation", "groups"))
        case "linear":
            return F.linear(x, w, b)
        case "batch_norm2d":
            return F.batch_norm(x, weight(".running_mean"), weight(".running_var"), w, b, training, 0.1, node["eps"])
        case "leaky_relu":
            return F.leaky_relu(x, node["slope"])
        case "softmax":
            return F.softmax(x, 1)
        case "max_pool2d":
            return F.max_pool2d(x, node["kernel"], **keys("stride", "padding"))
        case "avg_pool2d":
            return F.avg_pool2d(x, node["kernel"], **keys("stride", "padding"), count_include_pad=True)
        case "global_avg_pool":
            return F.adaptive_avg_pool2d(x, 1)
        case "upsample":
            more = {"align_corners": False} if node["resample"] == "bilinear" else {}
            return F.interpolate(x, scale_factor=node["scale"], mode=node["resample"], **more)
        case "concat":
            return torch.cat(xs, 1)
        case "add":
            return sum(xs[1:], xs[0])
        case "flatten":
            return x.flatten(1)
        case "identity" | "dropout":
            assert op == "identity" or not training
            return x
        case "relu" | "gelu" | "silu" | "sigmoid" | "tanh":
            return getattr(F, op)(x)
    raise ValueError(op)


def save(file, net, shape, training=False):
    weights = {name: value.double() for name, value in net.weights.items()}
    for name, value in weights.items():
        value.requires_grad_(".running_" not in name)
    tensors = {f"weight:{name}": value.detach().float().clone() for name, value in weights.items()}
    image = torch.randn(shape).double().requires_grad_()
    values = {}
    for node in net.nodes:
        lookup = lambda suffix: weights.get(node["name"] + suffix)
        xs = [values[name] for name in node["inputs"]]
        values[node["name"]] = image if node["op"] == "input" else compute(node, xs, lookup, training)
    output = values[net.nodes[-1]["name"]]
    upstream = torch.randn(output.shape).double()
    (output * upstream).sum().backward()

    tensors.update({f"node:{name}": value for name, value in values.items()})
    tensors.update({"upstream": upstream, "gradient:input": image.grad})
    for name, value in weights.items():
        if ".running_" not in name:
            tensors[f"gradient:{name}"] = value.grad
        elif training:
            tensors[f"after:{name}"] = value
    tensors = {name: value.detach().float().clone().contiguous() for name, value in tensors.items()}
    graph = {"architecture": net.architecture, "nodes": net.nodes}
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{file}.safetensors"
    save_file(tensors, path, {"graph": json.dumps(graph), "mode": "train" if training else "eval", "torch": torch.__version__})
    print(path, path.stat().st_size)


def block(net, name, inn, out, norm):
    for i, channels in ((1, inn), (2, out)):
        net.conv(f"{name}.conv{i}", channels, out, 3, bias=not norm)
        if norm:
            net.norm(f"{name}.bn{i}", out)
        net.add(f"{name}.relu{i}", "relu")


def unet(channels, classes, base, depth, norm, bilinear):
    net, skips, width = Net("unet", channels), [], channels
    for level in range(1, depth + 1):
        block(net, f"enc{level}", width, base << (level - 1), norm)
        width = base << (level - 1)
        skips.append(net.nodes[-1]["name"])
        net.pool(f"pool{level}")
    block(net, "mid", width, 2 * width, norm)
    for level in range(depth, 0, -1):
        width = base << (level - 1)
        if bilinear:
            net.add(f"dec{level}.up", "upsample", scale=2, resample="bilinear")
            net.conv(f"dec{level}.upconv", 2 * width, width, 1)
        else:
            net.up(f"dec{level}.up", 2 * width, width)
        net.add(f"dec{level}.concat", "concat", [skips.pop(), net.nodes[-1]["name"]])
        block(net, f"dec{level}", 2 * width, width, norm)
    net.conv("head", base, classes, 1)
    return net


def lenet():
    net = Net("lenet", 1)
    net.conv("conv1", 1, 3, 5)
    net.add("relu1", "relu")
    net.pool("pool1")
    net.conv("conv2", 3, 6, 5, padding=[0, 0])
    net.add("relu2", "relu")
    net.pool("pool2")
    net.add("flatten", "flatten")
    net.linear("fc1", 24, 12)
    net.add("relu3", "relu")
    net.add("dropout", "dropout", p=0.5)
    net.linear("fc2", 12, 4)
    return net


def mlp():
    net = Net("mlp", 2)
    net.add("flatten", "flatten")
    net.linear("fc1", 32, 10)
    net.add("tanh", "tanh")
    net.linear("fc2", 10, 3, bias=False)
    net.add("softmax", "softmax")
    return net


def every_operation():
    """Every operation with attributes nobody would choose, branches, and an output of several readers."""
    net = Net("every", 2)
    net.conv("odd", 2, 4, [3, 2], stride=[2, 1], padding=[2, 3], dilation=[1, 2], groups=2)
    net.norm("norm", 4)
    net.add("leaky", "leaky_relu", slope=0.2)
    net.conv("depthwise", 4, 4, 3, groups=4, bias=False)
    net.add("gelu", "gelu")
    net.add("silu", "silu", ["depthwise"])
    net.add("sigmoid", "sigmoid", ["leaky"])
    net.add("tanh", "tanh", ["norm"])
    net.add("sum", "add", ["gelu", "silu", "sigmoid"])
    net.add("same", "identity")
    net.add("drop", "dropout", p=0.3)
    net.add("both", "concat", ["drop", "tanh", "leaky"])
    net.pool("max", kernel=[3, 2], stride=[1, 2], padding=[1, 1])
    net.up("up", 12, 6, kernel=[3, 2], stride=[2, 3], padding=[1, 0], output_padding=[1, 2], dilation=[1, 2], groups=2, bias=False)
    net.pool("avg", "avg_pool2d", kernel=[3, 3], stride=[2, 2], padding=[1, 1])
    net.add("nearest", "upsample", scale=2, resample="nearest")
    net.add("bilinear", "upsample", ["avg"], scale=2, resample="bilinear")
    net.add("mixed", "add", ["nearest", "bilinear"])
    net.add("softmax", "softmax")
    net.add("mean", "global_avg_pool")
    net.add("whole", "global_avg_pool", ["mixed"])
    net.add("pair", "concat", ["mean", "whole"])
    net.add("flat", "flatten")
    net.linear("out", 12, 3)
    return net


if __name__ == "__main__":
    torch.manual_seed(2)
    save("unet", unet(1, 3, 3, 2, norm=True, bilinear=False), (1, 1, 12, 8))
    save("unet_training", unet(1, 2, 3, 1, norm=True, bilinear=False), (2, 1, 8, 6), training=True)
    save("unet_bilinear", unet(2, 2, 3, 1, norm=False, bilinear=True), (1, 2, 12, 8))
    save("lenet", lenet(), (2, 1, 16, 16))
    save("mlp", mlp(), (3, 2, 4, 4))
    save("every_operation", every_operation(), (2, 2, 7, 6))
