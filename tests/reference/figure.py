"""Holds figures that polepiece wrote against Pillow: size, resolution, and the length of the scale bar in pixels.

Run with Pillow and NumPy installed: python tests/reference/figure.py POLEPIECE IMAGE NM_PER_PX
IMAGE has square pixels of NM_PER_PX nm. The figure shows it alone, 60 mm wide at 254 dpi: 600 pixels.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image


def longest_white(row):
    best = run = 0
    for white in row:
        run = run + 1 if white else 0
        best = max(best, run)
    return best


def nice(longest):
    """The longest of 1, 2, 5 × 10^n that is at most this, by trying them."""
    return max(step * 10.0**n for n in range(-6, 9) for step in (1, 2, 5) if step * 10.0**n <= longest * (1 + 1e-9))


def main():
    program, image, nm = sys.argv[1], sys.argv[2], float(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figure.png"
        words = [program, "figure", image, "--panel", "source", "--width-mm", "60", "--dpi", "254", "--no-titles"]
        done = subprocess.run([*words, "--out", str(out), "--json"], check=True, capture_output=True, text=True)
        told = json.loads(done.stdout)
        picture = Image.open(out)
        pixels = np.asarray(picture)
        height = round(told["height_mm"] / 25.4 * 254)
        assert picture.size == (600, height), (picture.size, told)
        assert all(abs(dpi - 254) < 0.01 for dpi in picture.info["dpi"]), picture.info
        across = json.loads(subprocess.run([program, "info", image, "--json"], check=True, capture_output=True, text=True).stdout.splitlines()[0])
        width = across["shape"][-1]
        expected = nice(0.3 * width * nm) / nm * 600 / width
        # The bar stands in the lower left corner; both ends may share a pixel with the ground.
        corner = pixels[-60:, :300].min(axis=2) >= 254
        found = max(longest_white(row) for row in corner)
        assert expected - 2 < found <= expected, (found, expected)
        print(f"{picture.size[0]} × {picture.size[1]} px, {picture.info['dpi'][0]:.2f} dpi, scale bar {found} px, expected {expected:.2f}")


if __name__ == "__main__":
    main()
