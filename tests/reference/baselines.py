"""Masks for src/analysis/baselines/reference.rs by scikit-image and SciPy: the classical methods on a small picture.

    python tests/reference/baselines.py    # writes tests/fixtures/analysis/baselines.json
"""

import json
from pathlib import Path

import numpy as np
from scipy.ndimage import median_filter
from skimage.filters import difference_of_gaussians, gaussian, threshold_local, threshold_otsu, threshold_sauvola
from skimage.morphology import black_tophat, white_tophat

out = Path(__file__).parent.parent / "fixtures" / "analysis" / "baselines.json"
rng = np.random.default_rng(3)
y, x = np.mgrid[:60, :70].astype(float)
picture = 100 + 0.5 * x + 8 * rng.normal(size=y.shape)
for cy, cx, r, grey in [(12, 15, 6, 60), (40, 50, 9, 45), (45, 14, 5, -50), (15, 52, 7, -40)]:
    picture[(y - cy) ** 2 + (x - cx) ** 2 < r * r] += grey
picture = np.round(picture, 1).astype(np.float32).astype(float)


def otsu(values):
    return values > threshold_otsu(values.astype(np.float32))


def sauvola(values):
    shifted = values - values.min()
    return shifted < threshold_sauvola(shifted, window_size=51, k=0.2, r=np.ptp(values) / 2)


square = np.ones((41, 41))
median = median_filter(picture, size=5, mode="nearest")
blurred = gaussian(picture, 2, mode="nearest", truncate=4, preserve_range=True)
band = difference_of_gaussians(picture, 1, 8, mode="nearest", truncate=4)
local = threshold_local(picture, 51, method="mean", mode="mirror")
masks = {
    "Otsu": (otsu(picture), ~otsu(picture)),
    "Median, Otsu": (otsu(median), ~otsu(median)),
    "Gaussian, Otsu": (otsu(blurred), ~otsu(blurred)),
    "Difference of Gaussians, Otsu": (otsu(band), otsu(-band)),
    "Top-hat, Otsu": (otsu(white_tophat(picture, square)), otsu(black_tophat(picture, square))),
    "Sauvola": (sauvola(-picture), sauvola(picture)),
    "Local mean": (picture > local, picture < local),
}
data = {
    "shape": picture.shape, "picture": [round(float(v), 1) for v in picture.ravel()],
    # Rows of 0 and 1, one string a mask: bright, then dark.
    "masks": {name: ["".join("01"[int(v)] for v in mask.ravel()) for mask in pair] for name, pair in masks.items()},
}
out.write_text(json.dumps(data) + "\n")
