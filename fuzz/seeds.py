#!/usr/bin/env python3
"""Write small sound networks into fuzz/seeds: model files, their graphs as JSON, and the same as ONNX.

    cargo build --release
    python fuzz/seeds.py [PROGRAM]     # needs what tests/reference/export_onnx.py needs

They are the small graphs of that script, of which a few hold every kind of operation.
"""
import importlib.util
import json
import struct
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
SEEDS = HOME / "fuzz/seeds"
WANTED = ["conv strided, dilated, grouped", "conv transposed, odd", "linear", "batch-norm", "group norm, 2", "layer norm",
          "pool average, ceil, counting", "adaptive 5×7", "map {'clip': {'min': 0.0, 'max': 0.6}}", "where", "arg_max, last",
          "concat constant", "matrix products", "channel shuffle", "expand longer", "tile", "slice 2 -1 -4611686018427387904 -3",
          "gather", "pad wrap", "centre crop", "resize like", "resize a region", "resize not_larger"]


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else str(HOME / "target/release/polepiece")
    spec = importlib.util.spec_from_file_location("export_onnx", HOME / "tests/reference/export_onnx.py")
    export_onnx = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(export_onnx)
    for case in export_onnx.cases():
        if case.name not in WANTED:
            continue
        stem = "".join(c if c.isalnum() else "_" for c in case.name.replace("×", "x"))
        model = SEEDS / f"{stem}.safetensors"
        case.write(model)
        data = model.read_bytes()
        header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
        (SEEDS / f"{stem}.graph.json").write_text(header["__metadata__"]["polepiece.graph"])
        subprocess.run([program, "export", str(model), "--onnx", str(SEEDS / f"{stem}.onnx")], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
