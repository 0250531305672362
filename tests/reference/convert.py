"""Holds what `polepiece convert` writes against what tifffile, NumPy and imagecodecs read.

Run with those installed: python tests/reference/convert.py POLEPIECE FILE...   (the program, and any TIFFs or PNGs)
Each file's first series is written as OME-TIFF (deflate, none, zstd, lzw), TIFF (none, deflate, zstd, lzw), NumPy array
and PNG. Values, types and pixel sizes must be those of the file as tifffile reads it; where the program refuses, its
message is counted.
"""

import collections
import json
import math
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile

COMPRESSIONS = ["none", "deflate", "zstd", "lzw"]
NANOMETRES = {"m": 1e9, "cm": 1e7, "mm": 1e6, "µm": 1e3, "nm": 1.0, "pm": 1e-3, "Å": 0.1}


def planes(array, axes):
    """The array as (frame, channel, y, x): every axis but C, S, Y, X runs along frames, T and Z innermost."""
    frames = [a for a in axes if a not in "TZCSYX"] + [a for a in "TZ" if a in axes]
    channels = [a for a in "CS" if a in axes]
    order = frames + channels + ["Y", "X"]
    array = array.transpose([axes.index(a) for a in order])
    count = math.prod(array.shape[: len(frames)])
    return array.reshape(count, -1, *array.shape[-2:])


def original(path):
    if path.suffix.lower() == ".png":
        array = imagecodecs.png_decode(path.read_bytes())
        return array, "YX" if array.ndim == 2 else "YXS"
    with tifffile.TiffFile(path) as tif:
        return tif.series[0].asarray(), tif.series[0].axes


def size_in_tiff(path):
    """Pixel size in nm as the file's own description says it: OME-XML, ImageJ's words, or our JSON."""
    with tifffile.TiffFile(path) as tif:
        if tif.is_ome:
            pixels = tifffile.xml2dict(tif.ome_metadata)["OME"]["Image"]["Pixels"]
            if "PhysicalSizeX" not in pixels:
                return None
            return [pixels[f"PhysicalSize{a}"] * NANOMETRES[pixels[f"PhysicalSize{a}Unit"]] for a in "XY"]
        if tif.is_imagej:
            page = tif.pages.first
            if tif.imagej_metadata.get("unit") != "nm":
                return None
            return [page.tags[f"{a}Resolution"].value[1] / page.tags[f"{a}Resolution"].value[0] for a in "XY"]
        scales = {s["axis"]: s for s in json.loads(tif.pages.first.description).get("calibration", [])}
        if "X" not in scales or scales["X"]["unit"] not in NANOMETRES:
            return None
        return [abs(scales[a]["scale"]) * NANOMETRES[scales[a]["unit"]] for a in "XY"]


def chunks(png):
    """The chunks of a PNG by their names."""
    found, at = {}, 8
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        found[name.decode()] = png[at + 8 : at + 8 + length]
        at += 12 + length
    return found


def size_in_png(png):
    """Pixel size in nm as the text has it, once it is seen that the density does not contradict it."""
    found = chunks(png)
    if "tEXt" not in found:
        return None
    words = found["tEXt"].decode("latin-1").split("\0")[1].split()
    size = [float(words[1]), float(words[4])]
    if "pHYs" in found:
        x, y, unit = struct.unpack(">IIB", found["pHYs"])
        assert unit == 1 and abs(x - 1e9 / size[0]) <= 0.5 and abs(y - 1e9 / size[1]) <= 0.5, (x, y, size)
    return size


def same_values(found, expected, most):
    """Equal to the last bit; of JPEG, whose decoders differ, up to `most` grey levels apart."""
    if found.dtype != expected.dtype or found.shape != expected.shape:
        return False
    if most:
        return np.abs(found.astype(int) - expected.astype(int)).max() <= most
    return np.array_equal(found, expected, equal_nan=found.dtype.kind == "f")


def same_size(found, expected):
    if found is None or expected is None:
        return found is None and expected is None
    return all(math.isclose(f, e, rel_tol=1e-8) for f, e in zip(found, expected))


class Check:
    def __init__(self, program):
        self.program, self.counts, self.failures = program, collections.Counter(), []

    def run(self, *arguments):
        return subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True)

    def convert(self, path, out, *flags):
        done = self.run("convert", path, "--out", out, *flags)
        if done.returncode:
            # "polepiece: FILE as FORMAT: why"
            why = done.stderr.strip().splitlines()[-1].split(": ", 2)[-1]
            self.counts["refused: " + why.split(";")[0].replace(str(path), "FILE")] += 1
        return done.returncode == 0

    def verdict(self, kind, path, good, why):
        self.counts[f"{kind} {'same' if good else 'DIFFERENT'}"] += 1
        if not good:
            self.failures.append(f"{kind} {path}: {why}")

    def file(self, path, folder):
        info = self.run("info", path, "--json")
        if info.returncode:
            self.counts["inputs that polepiece does not open"] += 1
            return
        info = json.loads(info.stdout)
        try:
            array, axes = original(path)
            expected = planes(array, axes)
        except Exception as error:
            self.counts[f"inputs that tifffile does not read ({type(error).__name__})"] += 1
            return
        size = info["pixel_size_nm"] and [info["pixel_size_nm"], info["pixel_size_y_nm"]]
        most = 12 if any("JPEG" in note for note in info["notes"]) else 0
        self.counts["inputs"] += 1
        self.counts["inputs of JPEG compression, held to 12 grey levels"] += most > 0
        for target, ending in [("ome-tiff", "ome.tif"), ("tiff", "tif")]:
            for compression in COMPRESSIONS:
                out = folder / f"copy.{ending}"
                out.unlink(missing_ok=True)
                if not self.convert(path, out, "--to", target, "--compression", compression):
                    continue
                with tifffile.TiffFile(out) as tif:
                    copy = planes(tif.series[0].asarray(), tif.series[0].axes)
                    kind = "OME" if tif.is_ome else "ImageJ" if tif.is_imagej else "shaped"
                good = same_values(copy, expected, most)
                self.verdict(f"{kind} {compression}", path, good, f"{copy.shape} {copy.dtype}, {expected.shape} {expected.dtype}")
                found = size_in_tiff(out)
                self.verdict(f"{kind} pixel size", path, same_size(found, size), f"{found} and not {size}")
        out = folder / "copy.npy"
        if self.convert(path, out):
            copy = np.load(out)
            words = json.loads((folder / "copy.calibration.json").read_text())
            copy = planes(copy, words["axes"])
            good = same_values(copy, expected, most)
            self.verdict("npy", path, good, f"{copy.shape} {copy.dtype}, {expected.shape} {expected.dtype}")
            found = words["pixel_size"] and [words["pixel_size"]["x_nm"], words["pixel_size"]["y_nm"]]
            self.verdict("npy pixel size", path, same_size(found, size), f"{found} and not {size}")
        out = folder / "copy.png"
        if self.convert(path, out, "--frame", "0"):
            copy = imagecodecs.png_decode(out.read_bytes())
            copy = planes(copy, "YX" if copy.ndim == 2 else "YXS")
            self.verdict("png", path, same_values(copy, expected[:1], most), f"{copy.shape}, {expected[:1].shape}")
            found = size_in_png(out.read_bytes())
            self.verdict("png pixel size", path, same_size(found, size), f"{found} and not {size}")


def main():
    check = Check(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        for path in map(Path, sys.argv[2:]):
            check.file(path, Path(folder))
    for what, count in sorted(check.counts.items()):
        print(f"{count:6}  {what}")
    print("\n".join(check.failures))
    sys.exit(bool(check.failures))


if __name__ == "__main__":
    main()
