#!/usr/bin/env python3
"""Time every kind of layer beside PyTorch and ONNX Runtime, and write the table benches/LAYERS.md.

    cargo build --release
    python3 -m venv venv && venv/bin/pip install torch onnx onnxruntime numpy
    venv/bin/python benches/layers.py

Which layers there are, `polepiece bench layers --list` says. For each, every program is timed once a round, one after the
other: a machine's speed drifts, so a ratio is taken inside a round, and the median over the rounds is what counts. A ratio
is Polepiece's time over that of the fastest peer: under 1, Polepiece is faster. All compute in float32 on the same number of
threads. PyTorch is asked with its usual order in memory and with channels last, and the quicker counts; ONNX Runtime, which
trains nothing, is asked forward only. Forward has a bias and weights that are ready; of the gradients each is asked for alone.
"""
import argparse
import json
import platform
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

HOME = Path(__file__).resolve().parent.parent
PASSES = ["forward", "dx", "dw"]


def median_ms(work, runs):
    work()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times)


def with_torch(row):
    """The three passes in PyTorch, as {pass: {order: work}}."""
    make = lambda shape: torch.randn(*shape)
    x, weight = make(row["x"]), make(row["weight"])
    bias = make([row["weight"][1] if row["transposed"] else row["weight"][0]])
    work = {name: {} for name in PASSES}
    for order, layout in [("PyTorch", torch.contiguous_format), ("PyTorch, channels last", torch.channels_last)]:
        a, w = x.contiguous(memory_format=layout), weight.contiguous(memory_format=layout)
        geometry = [row["stride"], row["padding"], row["dilation"], row["transposed"], [0, 0], row["groups"]]

        def forward(a=a, w=w, geometry=geometry):
            with torch.no_grad():
                return torch.convolution(a, w, bias, *geometry)

        grad = torch.randn_like(forward()).contiguous(memory_format=layout)

        def backward(mask, a=a, w=w, grad=grad, geometry=geometry):
            with torch.no_grad():
                torch.ops.aten.convolution_backward(grad, a, w, None, *geometry, mask)

        work["forward"][order] = forward
        work["dx"][order] = lambda backward=backward: backward([True, False, False])
        work["dw"][order] = lambda backward=backward: backward([False, True, False])
    return work


def with_onnx(row, threads):
    rng = np.random.default_rng(0)
    x, weight = (rng.standard_normal(row[key]).astype(np.float32) for key in ("x", "weight"))
    bias = rng.standard_normal(weight.shape[1 if row["transposed"] else 0]).astype(np.float32)
    node = helper.make_node(
        "ConvTranspose" if row["transposed"] else "Conv", ["x", "w", "b"], ["y"],
        kernel_shape=row["weight"][2:], strides=row["stride"], pads=row["padding"] * 2,
        dilations=row["dilation"], group=row["groups"],
    )
    graph = helper.make_graph(
        [node], "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, row["x"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})


def polepiece(args, *more):
    command = [args.polepiece, "bench", "layers", "--threads", str(args.threads), *more]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def ours(args, name):
    # Threads of the peers wait actively for more work for a while.
    time.sleep(0.3)
    rows = polepiece(args, "--only", name, "--runs", str(args.runs), "--json")
    return next(row for row in rows if row["name"] == name)


def time_convolution(row, args):
    """For each pass: our ms, GFLOP/s and algorithm, the fastest peer and its ms, the ratio."""
    peers = with_torch(row)
    peers["forward"]["ONNX Runtime"] = with_onnx(row, args.threads)
    seen = {name: [] for name in PASSES}
    for _ in range(args.rounds):
        mine = ours(args, row["name"])
        for name in PASSES:
            times = {peer: median_ms(work, args.runs) for peer, work in peers[name].items()}
            fastest = min(times, key=times.get)
            ratio = mine[name]["median_ms"] / times[fastest]
            seen[name].append((ratio, mine[name], fastest, times[fastest]))
    middle = lambda found: sorted(found, key=lambda one: one[0])[len(found) // 2]
    return {name: middle(found) for name, found in seen.items()}


def convolution_table(rows, args):
    lines = [
        "| convolution | forward ms | GFLOP/s | by | fastest peer ms | ratio | dX ms | peer ms | ratio | dW ms | peer ms | ratio |",
        "|---|--:|--:|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        found = time_convolution(row, args)
        ratio, mine, peer, peer_ms = found["forward"]
        cells = [row["name"].removeprefix("conv "), f"{mine['median_ms']:.2f}", f"{mine['gflops']:.0f}", mine["algorithm"]]
        cells += [f"{peer} {peer_ms:.2f}", f"**{ratio:.2f}**"]
        for name in ("dx", "dw"):
            ratio, mine, peer, peer_ms = found[name]
            cells += [f"{mine['median_ms']:.2f}", f"{peer_ms:.2f}", f"**{ratio:.2f}**"]
        lines.append("| " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    return lines


def operation_table(rows, args):
    lines = ["| operation | ms | a copy's ms | ratio |", "|---|--:|--:|--:|"]
    for row in rows:
        mine = ours(args, row["name"])
        numbers = " | ".join(f"{mine[key]:.2f}" for key in ("median_ms", "copy_ms"))
        lines.append(f"| {row['name']} | {numbers} | **{mine['ratio']:.2f}** |")
        print(lines[-1], flush=True)
    return lines


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    known = [label for flag, label in [("amx_tile", "AMX"), ("avx512f", "AVX-512"), ("avx2", "AVX2")] if flag in flags]
    return f"{name} ({', '.join(known) or 'no vector extensions known'})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polepiece", default=str(HOME / "target/release/polepiece"))
    parser.add_argument("--out", type=Path, default=HOME / "benches/LAYERS.md")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rows = polepiece(args, "--list")
    version = subprocess.run([args.polepiece, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    text = [
        "# Layer by layer",
        "",
        "Made by `python benches/layers.py`, which says how it is measured. A ratio is Polepiece's time over that of the fastest",
        "peer (forward: PyTorch and ONNX Runtime; gradients by the image, dX, and by the weights, dW: PyTorch); under 1,",
        "Polepiece is faster.",
        "",
        f"{processor()}, {args.threads} threads, float32; {version}, PyTorch {torch.__version__}, "
        f"ONNX Runtime {onnxruntime.__version__}; median of {args.rounds} rounds of {args.runs} runs.",
        "",
        *convolution_table([row for row in rows if row["layer"] == "convolution"], args),
        "",
        "Operations that do little with each number, beside a copy of as many bytes by as many threads to memory allocated",
        "anew. An operation's bytes are its inputs, read once (in training batch-norm's twice), and its result; the copy reads",
        "half of them and writes half.",
        "",
        *operation_table([row for row in rows if row["layer"] == "memory"], args),
    ]
    args.out.write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
