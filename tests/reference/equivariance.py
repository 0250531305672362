"""Makes tests/fixtures/analysis/equivariance.safetensors: a U-Net on moved images, by PyTorch.

Run with PyTorch and safetensors installed: python tests/reference/equivariance.py
The file holds a U-Net's graph (metadata "graph") and weights ("weight:NAME"), an image ("image", [channel, y, x]), and
in the metadata "cases": for each movement what became of every node's maps and of the class probabilities when what the
network says of the moved image is moved back by torch.flip, torch.rot90, torch.roll or slices. What comes in over a
border is numpy's "symmetric" padding. Maps on grids that the shift does not meet are interpolated bilinearly by
numpy.interp along each axis. "interior" compares with torch.roll, over the rows and columns that a node's own windows
leave, found by hand.
"""

import json

import numpy as np
import torch
from network import compute, save_file, unet
from pathlib import Path

OUT = Path(__file__).parent.parent / "fixtures/analysis"
SHAPE = (1, 24, 20)
SHIFTS = [[4, -8], [2, 0], [1, 3]]
# Pixels to the first that one output sees, and how many it sees: two 3x3 convolutions, a pooling, another convolution.
WINDOWS = {"enc1.conv1": (1, -1, 3), "enc1.conv2": (1, -2, 5), "pool1": (2, -2, 6), "mid.conv1": (2, -4, 10)}


def run(net, weights, image):
    values = {}
    for node in net.nodes:
        xs = [values[name] for name in node["inputs"]]
        lookup = lambda suffix: weights.get(node["name"] + suffix)
        values[node["name"]] = image[None] if node["op"] == "input" else compute(node, xs, lookup, False)
    values = {name: value[0] for name, value in values.items()}
    return values | {"probabilities": torch.softmax(values["head"], 0)}


def shifted(image, dy, dx):
    wide = np.pad(image.numpy(), ((0, 0), (abs(dy),) * 2, (abs(dx),) * 2), mode="symmetric")
    y, x = abs(dy) - dy, abs(dx) - dx
    return torch.from_numpy(wide[:, y : y + image.shape[1], x : x + image.shape[2]].copy())


def at_places(plane, ys, xs):
    along = np.stack([np.interp(xs, np.arange(plane.shape[1]), row) for row in plane])
    return np.stack([np.interp(ys, np.arange(plane.shape[0]), column) for column in along.T]).T


def shift_back(value, size, dy, dx):
    """The maps moved back, and which rows and columns both images show."""
    _, height, width = value.shape
    (down, right), (jump_y, jump_x) = (dy, dx), (size[0] / height, size[1] / width)
    ys, xs = np.arange(height) + down / jump_y, np.arange(width) + right / jump_x
    back = np.stack([at_places(plane, np.clip(ys, 0, height - 1), np.clip(xs, 0, width - 1)) for plane in value.numpy()])
    rows = [i for i in range(height) if 0 <= (i + 0.5) * jump_y + down <= size[0]]
    columns = [i for i in range(width) if 0 <= (i + 0.5) * jump_x + right <= size[1]]
    return torch.from_numpy(back), slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def numbers(back, still):
    a, b = back.flatten().double(), still.flatten().double()
    correlation = np.corrcoef(a.numpy(), b.numpy())[0, 1]
    correlation = None if np.isnan(correlation) else round(float(correlation), 9)
    return {"relative": ((a - b).norm() / b.norm()).item(), "correlation": correlation, "pixels": back.shape[1] * back.shape[2]}


def answer(back, still):
    change = (back - still).abs().amax(0)
    before, after = still.argmax(0), back.argmax(0)
    both = [((before == c) & (after == c)).sum().item() for c in range(len(still))]
    either = [((before == c) | (after == c)).sum().item() for c in range(len(still))]
    iou = [b / e if e else None for b, e in zip(both, either)]
    changed = (before != after).double().mean().item()
    return {"largest": change.max().item(), "mean": change.mean().item(), "changed": changed, "iou": iou}


def rolled(net, weights, image, still, shift):
    found = {}
    after = run(net, weights, torch.roll(image, shift, (1, 2)))
    for name, (jump, start, size) in WINDOWS.items():
        if any(by % jump for by in shift):
            continue
        steps = [by // jump for by in shift]
        back = torch.roll(after[name], [-step for step in steps], (1, 2))
        spans = []
        for by, step, length, count in zip(shift, steps, image.shape[1:], still[name].shape[1:]):
            low, high = max(0, by), min(length, length + by)
            inside = lambda i: start + i * jump >= 0 and start + i * jump + size <= length
            shown = lambda j: start + j * jump >= low and start + j * jump + size <= high
            fits = [i for i in range(count) if inside(i) and shown(i + step)]
            spans.append(slice(fits[0], fits[-1] + 1))
        found[name] = numbers(back[:, spans[0], spans[1]], still[name][:, spans[0], spans[1]])
    return found


def main():
    torch.manual_seed(11)
    net = unet(1, 3, 2, 1, norm=True, bilinear=False)
    weights = {name: value.double() for name, value in net.weights.items()}
    image = torch.randn(SHAPE).float().double()
    # All classes are to be found, none of them surely.
    logits = run(net, weights, image)["head"].flatten(1)
    scale = logits.std(1).float().double()
    weights["head.weight"] = (weights["head.weight"] / scale.view(-1, 1, 1, 1)).float().double()
    weights["head.bias"] = ((weights["head.bias"] - logits.mean(1)) / scale).float().double()
    still = run(net, weights, image)
    cases = []
    moves = {
        "flip x": (lambda v: v.flip(2), lambda v: v.flip(2)),
        "flip y": (lambda v: v.flip(1), lambda v: v.flip(1)),
        "rotate 90": (lambda v: torch.rot90(v, 1, (1, 2)), lambda v: torch.rot90(v, -1, (1, 2))),
        "rotate 180": (lambda v: torch.rot90(v, 2, (1, 2)), lambda v: torch.rot90(v, 2, (1, 2))),
        "rotate 270": (lambda v: torch.rot90(v, 3, (1, 2)), lambda v: torch.rot90(v, -3, (1, 2))),
    }
    for name, (there, back) in moves.items():
        after = {node: back(value) for node, value in run(net, weights, there(image)).items()}
        nodes = {node: numbers(after[node], still[node]) for node in still if node != "probabilities"}
        cases.append({"move": name, "nodes": nodes, "answer": answer(after["probabilities"], still["probabilities"])})
    for dy, dx in SHIFTS:
        after = run(net, weights, shifted(image, dy, dx))
        case = {"move": "shift", "by": [dy, dx], "nodes": {}, "interior": rolled(net, weights, image, still, (dy, dx))}
        for node, value in after.items():
            moved, rows, columns = shift_back(value, image.shape[1:], dy, dx)
            pair = moved[:, rows, columns], still[node][:, rows, columns]
            if node == "probabilities":
                case["answer"] = answer(*pair)
            else:
                case["nodes"][node] = numbers(*pair)
        cases.append(case)
    tensors = {f"weight:{name}": value.float().contiguous() for name, value in weights.items()}
    metadata = {"graph": json.dumps({"architecture": net.architecture, "nodes": net.nodes}), "cases": json.dumps(cases)}
    OUT.mkdir(exist_ok=True)
    path = OUT / "equivariance.safetensors"
    save_file(tensors | {"image": image.float()}, path, metadata | {"torch": torch.__version__})
    print(path, path.stat().st_size)
    for case in cases:
        print(case["move"], case.get("by"), case["answer"], case.get("interior"))


if __name__ == "__main__":
    main()
