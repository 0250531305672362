#!/usr/bin/env python3
"""The U-Net of `polepiece bench unet` on a graphics card, beside PyTorch on the same card, in turns.

    python3 benches/gpu.py --polepiece target/release/polepiece [--out gpu.md]

Prints a table in Markdown: milliseconds of both, float32 (PyTorch without TF32, as we compute, and with it, as it comes),
running and training, and the ratio to the faster of PyTorch's memory layouts. Under 1 means Polepiece is faster; the goal
is 1.2. Each round times every program once after the other; what counts is the median over the rounds.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time

SHAPES = [  # base, size of a run, batch and size of a training step
    (32, 256, (4, 128)),
    (32, 512, (4, 128)),
    (32, 1024, (8, 256)),
    (16, 512, (4, 128)),
    (64, 512, (4, 128)),
]


def unet(torch, base, depth=4, channels=1, classes=2):
    """Two 3×3 convolutions with ReLU a level, 2×2 pooling, 2×2 transposed convolution, concatenation, 1×1 head."""
    nn = torch.nn

    def block(inn, out):
        return nn.Sequential(
            nn.Conv2d(inn, out, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(out, out, 3, padding=1), nn.ReLU(inplace=True),
        )

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            width = [base << level for level in range(depth + 1)]
            self.encoder = nn.ModuleList([block(channels, base)])
            self.encoder.extend(block(width[i], width[i + 1]) for i in range(depth))
            self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in width[:-1])
            self.decoder = nn.ModuleList(block(2 * w, w) for w in width[:-1])
            self.head = nn.Conv2d(base, classes, 1)

        def forward(self, x):
            skips = []
            for level, encode in enumerate(self.encoder):
                x = encode(x if level == 0 else nn.functional.max_pool2d(x, 2))
                skips.append(x)
            for level in reversed(range(depth)):
                x = self.decoder[level](torch.cat([skips[level], self.up[level](x)], 1))
            return self.head(x)

    return UNet().cuda()


def timed(torch, work, runs):
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def torch_ms(torch, base, batch, size, train, tf32, runs):
    """Of the faster memory layout."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True
    best = float("inf")
    for layout in (torch.contiguous_format, torch.channels_last):
        net = unet(torch, base).to(memory_format=layout)
        x = torch.randn(batch, 1, size, size, device="cuda").to(memory_format=layout)

        def step():
            net.zero_grad(set_to_none=True)
            net(x).pow(2).mean().backward()

        def run():
            with torch.inference_mode():
                net(x)

        best = min(best, timed(torch, step if train else run, runs))
    return best


def polepiece_ms(program, base, batch, size, train, runs):
    command = [program, "bench", "unet", "--device", "cuda", "--json", "--base", base, "--size", size, "--runs", runs]
    command += ["--train", "--batch", batch] if train else []
    done = subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True)
    report = json.loads(done.stdout)
    return report["median_ms"], report["device"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polepiece", required=True)
    parser.add_argument("--out", help="also write the table here")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        sys.exit("PyTorch sees no graphics card")
    device = torch.cuda.get_device_name(0)
    lines = [
        f"# U-Net on {device}",
        "",
        f"PyTorch {torch.__version__}, median of {args.rounds} rounds of {args.runs} runs, milliseconds.",
        "",
        "| | polepiece | PyTorch | ratio | PyTorch with TF32 | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for base, size, (batch, crop) in SHAPES:
        for train, case in ((False, (1, size)), (True, (batch, crop))):
            rows = []
            for _ in range(args.rounds):
                ours, _ = polepiece_ms(args.polepiece, base, *case, train, args.runs)
                rows.append([ours] + [torch_ms(torch, base, *case, train, tf32, args.runs) for tf32 in (False, True)])
            ours, exact, tf32 = (statistics.median(column) for column in zip(*rows))
            ratios = [statistics.median(row[0] / row[i] for row in rows) for i in (1, 2)]
            what = f"{'step' if train else 'run'}, base {base}, {case[0]}×1×{case[1]}×{case[1]}"
            lines.append(f"| {what} | {ours:.2f} | {exact:.2f} | {ratios[0]:.2f} | {tf32:.2f} | {ratios[1]:.2f} |")
            print(lines[-1], file=sys.stderr, flush=True)
    text = "\n".join(lines) + "\n"
    print(text)
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
