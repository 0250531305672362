"""Makes tests/fixtures/network/torchvision_*.safetensors: what torchvision's own ResNet-18, VGG-11 and DenseNet-121
compute at full width, of weights and an image that a formula gives and the Rust side makes anew.

Run with PyTorch, torchvision and safetensors installed: python tests/reference/torchvision_networks.py
Made with torch 2.15.0 and torchvision 0.29.2, in f64.

Each file has one tensor "rows", f32, a row a module that holds weights: SAMPLES values of its output at fixed places,
then the mean, the standard deviation and the largest magnitude of all of it. Metadata: "names", the modules' names in
order; "input", the image's shape.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torchvision
from safetensors.numpy import save_file

OUT = Path(__file__).parent.parent / "fixtures/network"
INPUT = (1, 3, 64, 96)
SAMPLES = 16
MASK = (1 << 64) - 1


def fnv1a(name):
    """The 64-bit FNV-1a hash of a name."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def uniform(name, shape):
    """Numbers from -1 to 1: SplitMix64 from the name's hash, 24 bits of each draw."""
    count = int(np.prod(shape))
    out = np.empty(count)
    for begin in range(0, count, 1 << 22):
        end = min(count, begin + (1 << 22))
        with np.errstate(over="ignore"):
            step = np.arange(begin + 1, end + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            z = np.uint64(fnv1a(name)) + step
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z ^= z >> np.uint64(31)
        out[begin:end] = (z >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1
    return out.reshape(shape)


def weight(name, shape):
    """He's bound for kernels; norms near 1 and 0."""
    u = uniform(name, shape)
    if len(shape) > 1:
        u *= np.sqrt(6.0 / np.prod(shape[1:]))
    elif name.endswith("running_var"):
        u = 1 + 0.5 * u
    elif name.endswith("weight"):
        u = 1 + 0.25 * u
    else:
        u *= 0.1
    return u.astype(np.float32)


def row(value):
    flat = value.double().flatten().numpy()
    places = [(j * 2654435761 + 12345) % flat.size for j in range(SAMPLES)]
    return [*flat[places], flat.mean(), flat.std(), np.abs(flat).max()]


def main():
    for name in ["resnet18", "vgg11", "densenet121"]:
        with torch.device("meta"):
            net = getattr(torchvision.models, name)()
        net = net.to_empty(device="cpu").double().eval()
        with torch.no_grad():
            for key, tensor in net.state_dict().items():
                if not key.endswith("num_batches_tracked"):
                    tensor.copy_(torch.from_numpy(weight(key, tuple(tensor.shape))))
        names, rows = [], []

        def keep(key):
            def hook(_module, _inputs, output):
                # The ReLU behind works in place, so the numbers are taken now.
                names.append(key)
                rows.append(row(output))

            return hook

        for key, module in net.named_modules():
            if list(module.parameters(recurse=False)):
                module.register_forward_hook(keep(key))
        image = torch.from_numpy(uniform("image", INPUT).astype(np.float32)).double()
        with torch.no_grad():
            net(image)
        metadata = {"names": "\n".join(names), "input": json.dumps(INPUT)}
        save_file({"rows": np.array(rows, dtype=np.float32)}, OUT / f"torchvision_{name}.safetensors", metadata)
        print(name, len(names), "largest", [f"{r[-1]:.3g}" for r in rows[:: max(1, len(rows) // 12)]])


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
