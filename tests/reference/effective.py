"""Makes tests/fixtures/network/effective.safetensors: effective receptive fields by PyTorch's autograd.

Run with PyTorch and safetensors installed: python tests/reference/effective.py
The file holds a U-Net's graph (metadata "graph") and weights ("weight:NAME"), an image ("image", [channel, y, x]), and
for each probe of the metadata ("probes": node, feature or null, place [y, x]) the sum over channels of
|∂ value / ∂ pixel| ("field:INDEX", [y, x]). "box" in the metadata is, for each, the shortest run of rows and of columns
that hold 97.5 % of the squares' sum each, found by trying all runs, and the share of the sum within both.
"""

import json

import numpy as np
import torch
from network import OUT, compute, save_file, unet

PROBES = [("head", 1, [11, 9]), ("mid.relu2", None, [3, 2]), ("enc2.conv2", 2, [1, 8]), ("dec2.up", None, [6, 3])]
SHAPE = (2, 24, 20)


def shortest(sums, enough):
    total = np.concatenate([[0], np.cumsum(sums)])
    runs = [(end - start, start) for start in range(len(sums)) for end in range(start + 1, len(sums) + 1) if total[end] - total[start] >= enough]
    length, start = min(runs)
    return [start, start + length]


def box(field):
    energy = field.astype(np.float64) ** 2
    total = energy.sum()
    rows, columns = (shortest(energy.sum(axis), 0.975 * total) for axis in (1, 0))
    return {"rows": rows, "columns": columns, "held": energy[slice(*rows), slice(*columns)].sum() / total}


def main():
    torch.manual_seed(4)
    net = unet(2, 3, 3, 2, norm=True, bilinear=False)
    weights = {name: value.double() for name, value in net.weights.items()}
    pixels = torch.randn(SHAPE).float()
    tensors = {f"weight:{name}": value.float() for name, value in weights.items()} | {"image": pixels}
    boxes = []
    for index, (probe, feature, (y, x)) in enumerate(PROBES):
        image = pixels.double()[None].requires_grad_()
        values = {}
        for node in net.nodes:
            xs = [values[name] for name in node["inputs"]]
            lookup = lambda suffix: weights.get(node["name"] + suffix)
            values[node["name"]] = image if node["op"] == "input" else compute(node, xs, lookup, False)
        features = values[probe][0, :, y, x]
        (features.sum() if feature is None else features[feature]).backward()
        field = image.grad[0].abs().sum(0).float()
        tensors[f"field:{index}"] = field
        boxes.append(box(field.numpy()))
    graph = {"architecture": net.architecture, "nodes": net.nodes}
    metadata = {"graph": json.dumps(graph), "probes": json.dumps(PROBES), "boxes": json.dumps(boxes), "torch": torch.__version__}
    path = OUT / "effective.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata)
    print(path, path.stat().st_size, boxes)


if __name__ == "__main__":
    main()
