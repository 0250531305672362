#!/usr/bin/env python3
"""Hold the verdicts of `polepiece report --on likeness` against what is known of real images, and write benches/LIKENESS.md.

    cargo build --release
    python3 -m venv venv && venv/bin/pip install numpy scipy tifffile
    venv/bin/python benches/likeness.py [--polepiece target/release/polepiece] [--data ../shared/data]

Three shipped models judge four sorts of image:

- *trained on*: images that their statistics were made from,
- *held out*: images of the same series or scenes that neither trained nor chose anything,
- *damaged*: the held-out real images blurred, noisy, turned to their negative, or on pixels three times too large or too
  small, without a pixel size in the file: the network was not made for them, and only grey levels, texture and features
  can tell,
- *foreign*: micrographs of other things, and pictures that are none.

Whether an image is unusual is worked out here from the distances and from those of the training images that the model file
carries: beyond 99 % of them, or of fewer than 100 images also beyond three standard deviations of their logarithms; and it
is held against what the program says. Beside it stands what the wider limit would say, the larger of the two whatever
their number.

A *false alarm* is an image of the first two sorts that is called unusual, a *miss* one of the last two that is called
similar. Pixel sizes are checked by themselves: the same held-out scenes, resampled beyond the range and with their size
told.
"""
import argparse
import collections
import json
import math
import statistics
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile
from scipy import ndimage

HOME = Path(__file__).resolve().parent.parent
MODELS = ["sem-precipitates", "stem-columns", "micrograph-kind"]
PICTURES = ["jello", "zackthecat", "pc260001", "cramps", "oxford", "smallliz", "text", "dscf0013", "jim___ah", "ladoga"]
OWN = {
    "sem-precipitates": {"NASA superalloy", "AMPIS spheroidite", "synthetic precipitates"},
    "stem-columns": {"synthetic stem"},
    "micrograph-kind": {"NASA superalloy", "AMPIS spheroidite", "synthetic precipitates", "synthetic grains",
                        "synthetic stem", "synthetic eds"},
}


def synthetic(polepiece, folder, kind, seed, count, size):
    out = folder / f"{kind}-{seed}"
    command = [polepiece, "synth", kind, "--seed", str(seed), "--count", str(count), "--size", size, "--out", out]
    subprocess.run(command, check=True, capture_output=True)
    return micrographs(out)


def micrographs(folder):
    """Without the label maps and compositions beside them."""
    return sorted(path for path in folder.glob("*.tif") if "." not in path.stem)


def damaged(folder, files):
    """Each damage as (name, files)."""
    rng = np.random.default_rng(1)
    how = {
        "blurred by 4 px": lambda image: ndimage.gaussian_filter(image, 4.0),
        "with noise of a quarter of the range": lambda image: image + rng.normal(0, 64, image.shape),
        "as negative": lambda image: 255 - image,
        "on pixels 3 times as large": lambda image: ndimage.zoom(ndimage.gaussian_filter(image, 1.2), 1 / 3, order=1),
        "on pixels 3 times as small": lambda image: ndimage.zoom(image, 3, order=1),
    }
    found = []
    for number, (name, change) in enumerate(how.items()):
        made = []
        for file in files:
            image = tifffile.imread(file) if file.suffix == ".tif" else png(file)
            grey = image[..., :3].mean(-1) if image.ndim == 3 else image
            path = folder / f"damage-{number}-{file.stem}.tif"
            tifffile.imwrite(path, np.clip(change(grey.astype(float)), 0, 255).astype(np.uint8))
            made.append(path)
        found.append((name, made))
    return found


def png(file):
    from PIL import Image
    return np.asarray(Image.open(file).convert("RGB"))


def groups(polepiece, data, folder):
    """(sort, kind, what it is called, files)."""
    seg = data / "seg"
    nasa, ampis = seg / "nasa-super", seg / "ampis-spheroidite" / "images"
    val, valid = sorted((nasa / "val").glob("*.tif")), sorted(ampis.glob("valid_*"))
    yield "trained on", "NASA superalloy", "NASA superalloy, train", sorted((nasa / "train").glob("*.tif"))
    yield "trained on", "AMPIS spheroidite", "AMPIS spheroidite, train", sorted(ampis.glob("train_*"))
    yield "held out", "NASA superalloy", "NASA superalloy, validation", val
    yield "held out", "AMPIS spheroidite", "AMPIS spheroidite, validation", valid
    for kind, seed, size in [("precipitates", 3, "320x320"), ("stem", 3, "256x256"), ("grains", 32, "320x320"),
                             ("eds", 34, "256x256")]:
        made = synthetic(polepiece, folder, kind, seed, 12, size)
        yield "held out", f"synthetic {kind}", f"synthetic {kind}, another seed", made
    for name, files in damaged(folder, val + valid):
        yield "damaged", "damaged", f"held-out real images {name}", files
    yield "foreign", "foreign", "NASA environmental barrier coatings", sorted((seg / "nasa-ebc" / "train").glob("*.tif"))
    yield "foreign", "foreign", "FEI Helios PFIB slice (rock)", [data / "sem" / "fei_helios_g4_pfib.tif"]
    yield "foreign", "foreign", "Zeiss nanoporous gold", [data / "sem" / "zeiss_nanoporous_gold.tif"]
    yield "foreign", "foreign", "light microscopy stack (pims)", [data / "stack" / "pims_imagej_stack_5x512x512_u16be.tif"]
    pictures = [data / "tiff" / "libtiffpic" / f"{name}.tif" for name in PICTURES]
    yield "foreign", "foreign", "photographs and scans (libtiff, those that are read)", [path for path in pictures if path.exists()]


def limits(distances):
    """The limit that is used, and the wider one."""
    ordered = sorted(distances)
    logs = [math.log(max(distance, 1e-6)) for distance in ordered]
    most = ordered[math.ceil(len(ordered) * 0.99) - 1]
    wider = max(most, math.exp(statistics.mean(logs) + 3 * statistics.stdev(logs)))
    return (wider if len(ordered) < 100 else most), wider


def training(model):
    """(space, its two limits) of a model file."""
    with open(HOME / "models" / f"{model}.safetensors", "rb") as file:
        metadata = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))["__metadata__"]
    held = next(json.loads(text) for text in metadata.values() if '"distances"' in text)
    return {space["of"]: limits(space["distances"]) for space in held["spaces"]}


def verdict(one, spaces, which):
    """Whether an image is unusual by the limit that is used (0) or the wider one (1)."""
    far = any(space["distance"] > spaces[space["of"]][which] for space in one["spaces"])
    return far or bool(one["pixel"] and one["pixel"]["unusual"])


def judge(polepiece, model, files, *more):
    command = [polepiece, "report", *files, "--model", HOME / "models" / f"{model}.safetensors", "--on", "likeness",
               "--json", *more]
    ran = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    found = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    for line in ran.stderr.splitlines():
        if line.startswith("error") or "error:" in line:
            print(model, line, file=sys.stderr)
    return found


def pixels(polepiece, folder):
    """Held-out scenes resampled to lie within and beyond the range: (model, factor of the range's end, should be unusual)."""
    lines = []
    for model, kind in [("sem-precipitates", "precipitates"), ("stem-columns", "stem")]:
        files = micrographs(folder / f"{kind}-3")[:4]
        low, high = judge(polepiece, model, files[:1])[0]["pixel"]["trained_nm"]
        for said, nm, expected in [("its smallest over 2", low / 2, True), ("its smallest over 1.2", low / 1.2, False),
                                   ("its largest times 1.2", high * 1.2, False), ("its largest times 2", high * 2, True)]:
            found = judge(polepiece, model, files, "--pixel-size", f"{nm:.6g}nm")
            unusual = sum(one["pixel"]["unusual"] for one in found)
            lines.append((model, said, nm, expected, unusual, len(found)))
    return lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--polepiece", default=HOME / "target/release/polepiece")
    parser.add_argument("--data", default=HOME.parent / "shared" / "data", type=Path)
    parser.add_argument("--out", default=HOME / "benches" / "LIKENESS.md", type=Path)
    parser.add_argument("--raw", type=Path, help="also every verdict as JSON lines")
    args = parser.parse_args()
    rows, wrong, raw = [], collections.Counter(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        every = list(groups(args.polepiece, args.data, folder))
        for model in MODELS:
            spaces_of = training(model)
            for sort, kind, called, files in every:
                if sort == "trained on" and kind not in OWN[model]:
                    continue
                truth = sort if kind in OWN[model] or sort == "damaged" else "foreign"
                if model == "stem-columns" and sort == "damaged":
                    continue
                found = judge(args.polepiece, model, files)
                unusual, wider = (sum(verdict(one, spaces_of, which) for one in found) for which in (0, 1))
                said = sum(not one["similar"] for one in found)
                if said != unusual:
                    print(f"{model}, {called}: the program calls {said} unusual, here {unusual}", file=sys.stderr)
                by_pixel = sum(bool(one["pixel"] and one["pixel"]["unusual"]) for one in found)
                spaces = [[space["distance"] / spaces_of[space["of"]][0] for one in found for space in one["spaces"]
                           if (space["of"] == "input") == wanted] for wanted in (True, False)]
                good = truth in ("trained on", "held out")
                bad = unusual if good else len(found) - unusual
                wrong[model, truth, "of"] += len(found)
                wrong[model, truth, "wider"] += wider if good else len(found) - wider
                wrong[model, truth, "wrong"] += bad
                ends = ["–" if not part else f"{min(part):.2f} to {max(part):.2f}" for part in spaces]
                rows.append((model, truth, called, len(found), unusual, by_pixel, *ends, bad))
                raw += [dict(one, truth=truth, called=called) for one in found]
        sizes = pixels(args.polepiece, folder)
    if args.raw:
        args.raw.write_text("".join(json.dumps(one) + "\n" for one in raw))
    args.out.write_text(table(rows, wrong, sizes))


def table(rows, wrong, sizes):
    words = ["# Is the verdict on likeness true?\n",
             "Made by `python benches/likeness.py`, which says what the sorts of image are. Distances are given over the limit "
             "from which on an image\nis unusual (above 1 it is): of grey levels and texture, and of what the network makes of "
             "the image. *Unusual* counts images that are\ncalled so for any reason, *by pixel* those whose pixel size is.\n",
             "| model | sort | images wrongly judged | by the wider limit | of |", "|---|---|--:|--:|--:|"]
    for model in MODELS:
        for truth in ("trained on", "held out", "damaged", "foreign"):
            if wrong[model, truth, "of"]:
                what = "false alarms" if truth in ("trained on", "held out") else "misses"
                words.append(f"| `{model}` | {truth} | {wrong[model, truth, 'wrong']} {what} | "
                             f"{wrong[model, truth, 'wider']} | {wrong[model, truth, 'of']} |")
    own = [key[:2] for key in wrong if key[1] in ("trained on", "held out") and key[2] == "of"]
    alarms, images = (sum(wrong[(*key, what)] for key in own) for what in ("wrong", "of"))
    words += [f"\n*Unusual* is nearly always true: {alarms} of {images} images of a model's own kind are called so. *Similar* rules out "
              "little where\na model's training images are unlike each other: those of `sem-precipitates` and `micrograph-kind` are "
              "real and synthetic, bright and\ndark, of many magnifications, one Gaussian over all of them is wide, and damaged and foreign "
              "images lie within it. No limit separates\nthese, for their distances lie among those of held-out images; that takes "
              "another measure, such as the distance to the nearest\ntraining images, which the model files do not carry."]
    words += ["", "| model | sort | images | n | unusual | by pixel | grey and texture | features | wrong |",
              "|---|---|---|--:|--:|--:|---|---|--:|"]
    for model, truth, called, count, unusual, by_pixel, grey, features, bad in rows:
        bad = f"**{bad}**" if bad else "0"
        words.append(f"| `{model}` | {truth} | {called} | {count} | {unusual} | {by_pixel} | {grey} | {features} | {bad} |")
    words += ["", "Pixel sizes, told by hand for four held-out scenes each (the rule: beyond the range of training by more than a "
              "factor of 1.25):\n", "| model | pixel | nm | unusual | should be |", "|---|---|--:|--:|--:|"]
    for model, said, nm, expected, unusual, count in sizes:
        words.append(f"| `{model}` | {said} | {nm:.3g} | {unusual} of {count} | {count if expected else 0} |")
    return "\n".join(words) + "\n"


if __name__ == "__main__":
    main()
