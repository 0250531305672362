#!/usr/bin/env python3
"""Time whole imported networks beside ONNX Runtime, and write the table benches/IMPORTED.md.

    cargo build --release
    python3 -m venv venv && venv/bin/pip install torch onnx onnxruntime numpy
    venv/bin/python benches/imported.py

ResNet-18 and DenseNet-121 (He et al. 2015, Huang et al. 2016) at full size with random weights are exported by PyTorch as
ONNX files, brought in by `polepiece import`, checked against ONNX Runtime on noise, and run on one image of 224×224 pixels.
Each program is timed once a round, one after the other: a machine's speed drifts, so the ratio is taken inside a round, and
the median over the rounds is what counts. Under 1, Polepiece is faster. Both compute in float32 on as many threads.
"""
import argparse
import json
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

HOME = Path(__file__).resolve().parent.parent


class Residual(nn.Module):
    def __init__(self, ins, outs, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(ins, outs, 3, stride, 1, bias=False), nn.BatchNorm2d(outs)
        self.conv2, self.bn2 = nn.Conv2d(outs, outs, 3, 1, 1, bias=False), nn.BatchNorm2d(outs)
        same = stride == 1 and ins == outs
        self.skip = nn.Identity() if same else nn.Sequential(nn.Conv2d(ins, outs, 1, stride, bias=False), nn.BatchNorm2d(outs))

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.skip(x))


def stem():
    return [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]


def resnet18():
    blocks, ins = stem(), 64
    for outs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        blocks += [Residual(ins, outs, stride), Residual(outs, outs, 1)]
        ins = outs
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))


class Dense(nn.Module):
    def __init__(self, ins, growth=32):
        super().__init__()
        self.narrow = nn.Sequential(nn.BatchNorm2d(ins), nn.ReLU(), nn.Conv2d(ins, 4 * growth, 1, bias=False))
        self.grow = nn.Sequential(nn.BatchNorm2d(4 * growth), nn.ReLU(), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False))

    def forward(self, x):
        return torch.cat([x, self.grow(self.narrow(x))], 1)


def densenet121():
    layers, channels = stem(), 64
    for block, count in enumerate((6, 12, 24, 16)):
        for _ in range(count):
            layers.append(Dense(channels))
            channels += 32
        if block < 3:
            layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2)]
            channels //= 2
    head = [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000)]
    return nn.Sequential(*layers, *head)


NETWORKS = {"ResNet-18": (resnet18, 11_689_512), "DenseNet-121": (densenet121, 7_978_856)}


def run(args, *command):
    done = subprocess.run([args.polepiece, *map(str, command)], check=True, capture_output=True, text=True)
    return done.stdout


def time_network(name, args, folder):
    make, parameters = NETWORKS[name]
    torch.manual_seed(1)
    network = make().eval()
    assert sum(p.numel() for p in network.parameters()) == parameters, name
    exported, imported = folder / f"{name}.onnx", folder / f"{name}.safetensors"
    torch.onnx.export(network, torch.zeros(1, 3, 224, 224), exported, dynamo=False, opset_version=17)
    run(args, "import", exported, "--out", imported, "--task", "any")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(np.float32)
    feed = {session.get_inputs()[0].name: x}
    np.save(folder / "x.npy", x)
    run(args, "run", imported, "--input", folder / "x.npy", "--out", folder / "y.npy")
    theirs, ours = session.run(None, feed)[0], np.load(folder / "y.npy")
    worst = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    assert worst < 1e-3, f"{name} is off by {worst}"
    rounds = []
    for _ in range(args.rounds):
        report = json.loads(run(args, "bench", "network", imported, "--input", "3x224x224", "--threads", args.threads,
                                "--runs", args.runs, "--json"))
        session.run(None, feed)
        times = []
        for _ in range(args.runs):
            started = time.perf_counter()
            session.run(None, feed)
            times.append((time.perf_counter() - started) * 1e3)
        mine, other = report["median_ms"], statistics.median(times)
        rounds.append((mine / other, mine, other))
    described = json.loads(run(args, "describe", imported, "--input", "3x224x224", "--json"))
    found = [node["computed"]["algorithm"] for node in described["nodes"] if node["computed"]["algorithm"]]
    ways = ", ".join(f"{found.count(way)} {way}" for way in sorted(set(found)))
    ratio, mine, other = sorted(rounds)[len(rounds) // 2]
    return f"| {name} | {mine:.1f} | {other:.1f} | **{ratio:.2f}** | {worst:.0e} | {ways} |"


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polepiece", default=str(HOME / "target/release/polepiece"))
    parser.add_argument("--out", type=Path, default=HOME / "benches/IMPORTED.md")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [time_network(name, args, Path(folder)) for name in NETWORKS]
    version = subprocess.run([args.polepiece, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    text = [
        "# Imported networks",
        "",
        "Made by `python benches/imported.py`, which says how it is measured. A ratio is Polepiece's time over ONNX Runtime's;",
        "under 1, Polepiece is faster. Off by: the largest difference of an answer, as a share of the largest answer.",
        "",
        f"{processor()}, {args.threads} threads, float32, one image of 224×224; {version}, ONNX Runtime {onnxruntime.__version__}, "
        f"ONNX files by PyTorch {torch.__version__}; median of {args.rounds} rounds of {args.runs} runs.",
        "",
        "| network | ms | ONNX Runtime ms | ratio | off by | convolutions by |",
        "|---|--:|--:|--:|--:|---|",
        *rows,
    ]
    args.out.write_text("\n".join(text) + "\n")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
