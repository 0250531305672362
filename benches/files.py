#!/usr/bin/env python3
"""Time opening 4096 × 4096 16-bit TIFFs beside tifffile with imagecodecs, and print a table of ratios.

    cargo build --release
    python3 -m venv venv && venv/bin/pip install tifffile imagecodecs numpy
    venv/bin/python benches/files.py

The picture is smooth with noise of a few grey levels, as a detector's: how well it packs decides how long unpacking takes.
Each round asks both programs for every file, one after the other, on the same number of threads; a ratio (Polepiece's time
over tifffile's, under 1 is faster) is taken inside a round, and the median over the rounds counts. The files are in the
system's cache. With --keep DIR the files stay.
"""
import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy
import tifffile

HOME = Path(__file__).resolve().parent.parent
KINDS = {
    "uncompressed": {},
    "uncompressed, big-endian": {"byteorder": ">"},
    "LZW": {"compression": "lzw", "predictor": 2, "rowsperstrip": 64},
    "Deflate": {"compression": "zlib", "predictor": 2, "rowsperstrip": 64},
    "ZSTD": {"compression": "zstd", "predictor": 2, "rowsperstrip": 64},
    "Deflate, tiles": {"compression": "zlib", "predictor": 2, "tile": (256, 256)},
    "ZSTD, tiles": {"compression": "zstd", "predictor": 2, "tile": (256, 256)},
}


def picture():
    dice = numpy.random.default_rng(1)
    y, x = numpy.mgrid[0:4096, 0:4096]
    smooth = 20000 + 8000 * numpy.sin(x / 200) * numpy.cos(y / 310)
    return (smooth + dice.normal(0, 20, smooth.shape)).astype(numpy.uint16)


def ours(program, path, threads, runs):
    words = [program, "bench", "files", str(path), "--json", "--threads", str(threads), "--runs", str(runs)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)["median_ms"]


def theirs(path, threads, runs):
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        tifffile.imread(path, maxworkers=threads)
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polepiece", default=HOME / "target/release/polepiece")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        made = picture()
        paths = {}
        for number, (kind, how) in enumerate(KINDS.items()):
            paths[kind] = folder / f"{number}.tif"
            if not paths[kind].exists():
                tifffile.imwrite(paths[kind], made, **how)
            assert (tifffile.imread(paths[kind]) == made).all()
        rows = {kind: [] for kind in KINDS}
        for _ in range(args.rounds):
            for kind, path in paths.items():
                rows[kind].append([ours(args.polepiece, path, args.threads, args.runs), theirs(path, args.threads, args.runs)])
    print("| 4096 × 4096, 16 bit | Polepiece | tifffile | ratio |\n|---|---|---|---|")
    for kind, times in rows.items():
        a, b = (statistics.median(pair[i] for pair in times) for i in (0, 1))
        ratio = statistics.median(pair[0] / pair[1] for pair in times)
        print(f"| {kind} | {a:.0f} ms | {b:.0f} ms | {ratio:.2f} |")


main()
